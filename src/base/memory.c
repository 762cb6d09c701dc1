#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "base/text.h"

#define HUGE_PAGE (2 << 20)

chi_status chi_alloc(int64_t count, int64_t size, const char *what, void *out)
{
  void *p = NULL;
  int64_t bytes;
  if (count < 0 || size < 0 || __builtin_mul_overflow(count, size, &bytes) ||
      bytes > INT64_MAX - HUGE_PAGE) {
    memcpy(out, &p, sizeof p);
    return chi_fail(CHI_ERR_MEMORY, "%s: %lld x %lld bytes are more than any machine has", what,
                    (long long)count, (long long)size);
  }
  /* Large arrays in huge pages: a fault for every 4 KB costs more than the zeroing. aligned_alloc
   * wants a multiple of the alignment. */
  const size_t align = bytes >= 2 * HUGE_PAGE ? HUGE_PAGE : 64;
  const size_t padded = ((size_t)bytes + align) / align * align;
  p = aligned_alloc(align, padded);
  memcpy(out, &p, sizeof p);
  if (p == NULL)
    return chi_fail(CHI_ERR_MEMORY, "%s: no memory for %lld bytes", what, (long long)bytes);
  if (align == HUGE_PAGE) madvise(p, padded, MADV_HUGEPAGE);
  memset(p, 0, padded);
  return CHI_OK;
}

chi_status chi_grow(void *array, int64_t *room, int64_t n, int64_t size, const char *what)
{
  if (n <= *room) return CHI_OK;
  void *old, *grown;
  const int64_t wanted = n < INT64_MAX / 2 ? 2 * n : n;
  memcpy(&old, array, sizeof old);
  CHI_TRY(chi_alloc(wanted, size, what, &grown));
  if (old != NULL) memcpy(grown, old, (size_t)(*room * size));
  chi_free(old);
  memcpy(array, &grown, sizeof grown);
  *room = wanted;
  return CHI_OK;
}

void chi_free(void *pointer) { free(pointer); }

chi_status chi_strdup(const char *text, char **out)
{
  const size_t n = strlen(text) + 1;
  CHI_TRY(chi_alloc((int64_t)n, 1, "text", out));
  memcpy(*out, text, n);
  return CHI_OK;
}

/* The number behind `key` in a file of "key: number kB" lines, in bytes; -1 if it is not there. */
static int64_t proc_kilobytes(const char *path, const char *key)
{
  FILE *f = fopen(path, "r");
  if (f == NULL) return -1;
  char line[256];
  long long kb = -1;
  while (kb < 0 && fgets(line, sizeof line, f) != NULL)
    if (strncmp(line, key, strlen(key)) == 0 && line[strlen(key)] == ':')
      if (sscanf(line + strlen(key) + 1, "%lld", &kb) != 1) kb = -1;
  fclose(f);
  return kb < 0 ? -1 : kb * 1024;
}

/* The one number a file holds; -1 if there is none ("max"). */
static int64_t file_number(const char *path)
{
  FILE *f = fopen(path, "r");
  if (f == NULL) return -1;
  long long value;
  if (fscanf(f, "%lld", &value) != 1) value = -1;
  fclose(f);
  return value;
}

int64_t chi_memory_peak(void)
{
  const int64_t peak = proc_kilobytes("/proc/self/status", "VmHWM");
  return peak < 0 ? 0 : peak;
}

bool chi_memory_may_map(int64_t bytes)
{
  void *p = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return p != MAP_FAILED && munmap(p, (size_t)bytes) == 0;
}

void chi_memory_limit_text(char *text, size_t n)
{
  struct rlimit space, data;
  char bytes[32];
  if (getrlimit(RLIMIT_AS, &space) != 0) space.rlim_cur = RLIM_INFINITY;
  if (getrlimit(RLIMIT_DATA, &data) != 0) data.rlim_cur = RLIM_INFINITY;
  const rlim_t least = space.rlim_cur < data.rlim_cur ? space.rlim_cur : data.rlim_cur;
  chi_bytes_text((int64_t)least, bytes, sizeof bytes);
  if (least == RLIM_INFINITY)
    snprintf(text, n, "the system commits no more (vm.overcommit_memory)");
  else
    snprintf(text, n, "ulimit -%c allows %s in all", least == space.rlim_cur ? 'v' : 'd', bytes);
}

int64_t chi_memory_available(void)
{
  int64_t available = proc_kilobytes("/proc/meminfo", "MemAvailable");
  if (available < 0) available = INT64_MAX;
  const int64_t limit = file_number("/sys/fs/cgroup/memory.max");
  const int64_t used = file_number("/sys/fs/cgroup/memory.current");
  if (limit > 0 && used >= 0 && limit - used < available) available = limit - used;
  return available < 0 ? 0 : available;
}

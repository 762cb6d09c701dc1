/** \file memory.h
 * Checked allocation, and what memory there is. All local. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chiasm/status.h"

/** Allocate count x size zeroed bytes at a 64-byte boundary; free with chi_free. A count of 0 gives
 * a pointer that may be freed but not read. \param[in]  what  names the array in the error message
 * \param[out] out   address of the pointer, of any object type
 * \return CHI_ERR_MEMORY (also where count x size overflows); *out is then NULL */
chi_status chi_alloc(int64_t count, int64_t size, const char *what, void *out);

/** Free what chi_alloc gave; NULL is allowed. */
void chi_free(void *pointer);

/** Make an array hold n elements, with room for more to come: the elements there are stay, new ones
 * are zero. \param[in,out] array  address of the pointer (NULL at first); free with chi_free
 * \param[in,out] room  elements that fit, 0 at first
 * \return CHI_ERR_MEMORY; the array is then as it was */
chi_status chi_grow(void *array, int64_t *room, int64_t n, int64_t size, const char *what);

/** A copy of a string; free with chi_free. */
chi_status chi_strdup(const char *text, char **out);

/** The most memory this process has held so far, bytes (the kernel's VmHWM). */
int64_t chi_memory_peak(void);

/** Whether this process may map so many bytes more: where its address space is limited (ulimit -v,
 * ulimit -d) or the system commits no more. */
bool chi_memory_may_map(int64_t bytes);

/** What keeps this process from mapping more, for messages: "ulimit -v allows 400 MiB".
 * \param[out] text  n bytes */
void chi_memory_limit_text(char *text, size_t n);

/** Memory that this node could still give, bytes: the least of MemAvailable and what the control
 * group allows. */
int64_t chi_memory_available(void);

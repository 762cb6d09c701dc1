/* Opening a results file on all ranks: making it, or taking up the one that is there. */
#include <stdio.h>
#include <string.h>

#include "base/agree.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "h5/h5.h"
#include "h5/whole.h"
#include "store/aside.h"
#include "store/config.h"
#include "store/folder.h"
#include "store/internal.h"
#include "store/lock.h"

/* A killed job's ranks may live on for some seconds, and --resume often follows at once. */
static const double lock_wait_s = 30;

/* What opening a file to write needs to know. */
typedef struct opening {
  chi_store *store;
  chi_run_mode mode;
  const chi_content *content;
  const chi_provenance *provenance;
  bool resumed; /* the file was there, and is gone on with */
  bool aside;   /* it was damaged, and is put aside */
} opening;

/* Whether the folder is what the mode needs, for the first file of a run. */
static chi_status look_at_folder(const char *run, chi_run_mode mode)
{
  chi_run_folder_kind kind;
  CHI_TRY(chi_run_folder_look(run, &kind));
  if (kind == CHI_FOLDER_NO_FOLDER)
    return chi_fail(CHI_ERR_USAGE, "%s: is a file, expected a folder for the run", run);
  if (mode == CHI_RUN_NEW && kind == CHI_FOLDER_RUN)
    return chi_fail(
        CHI_ERR_USAGE,
        "%s: holds a run already; --resume goes on with it, --overwrite starts it again", run);
  if (kind == CHI_FOLDER_FOREIGN)
    return chi_fail(CHI_ERR_USAGE,
                    "%s: is a folder with other things in it, not a run of chiasm; choose another",
                    run);
  /* A job that was killed before it made the folder is resumed too, by starting it. */
  return CHI_OK;
}

chi_status chi_store_look(const char *run, const chi_schema *schema, chi_run_mode mode)
{
  if (schema->first) return look_at_folder(run, mode);
  if (!chi_run_folder_has(run, "fit.h5"))
    return chi_fail(CHI_ERR_USAGE, "%s: holds no fit.h5; chiasm fit STUDY -o %s comes first", run,
                    run);
  if (mode == CHI_RUN_NEW && chi_run_folder_has(run, schema->file))
    return chi_fail(
        CHI_ERR_USAGE,
        "%s: holds %s %s already; --resume goes on with it, --overwrite starts it again", run,
        strchr("aeiou", schema->file[0]) == NULL ? "a" : "an", schema->file);
  return CHI_OK;
}

/* config.yaml before the file: whoever finds one goes on with these options. */
static chi_status write_config(const opening *o)
{
  const char *run = o->store->run;
  const chi_provenance *p = o->provenance;
  if (!o->store->schema->first) return chi_config_put(run, o->store->schema->stage, p->section);
  chi_text text = {0};
  chi_text_add(&text, "%s%s", p->config, p->section == NULL ? "" : p->section);
  const chi_status s = text.failed ? chi_fail(CHI_ERR_MEMORY, "no memory for config.yaml")
                                   : chi_file_write(run, "config.yaml", text.s, text.n);
  chi_text_free(&text);
  return s;
}

/* Rank 0, with the lock held alone: whether the file that is there can be gone on with. One that is
 * damaged is put aside. */
static chi_status take_up(opening *o)
{
  chi_store *store = o->store;
  const chi_schema *schema = store->schema;
  if (!chi_run_folder_has(store->run, schema->file)) {
    if (schema->first)
      chi_log(CHI_LOG_INFO, "%s: has no scores yet; the fit starts from nothing", store->run);
    return CHI_OK;
  }
  const chi_status s = chi_store_check(store->run, o->content, o->provenance, &store->variants);
  o->resumed = s == CHI_OK;
  o->aside = s == CHI_ERR_INPUT;
  return o->aside ? chi_put_aside(store->run, schema, o->provenance) : s;
}

/* Rank 0: make the file, or take up what is there, with the lock held alone. */
static chi_status prepare(opening *o)
{
  chi_store *store = o->store;
  const chi_schema *schema = store->schema;
  CHI_TRY(chi_store_look(store->run, schema, o->mode));
  if (schema->first) {
    /* An overwritten run gives its room back first; a new one leaves no trace where there is none.
     */
    if (o->mode == CHI_RUN_NEW)
      CHI_TRY(chi_h5_check_space(store->run, schema->file,
                                 chi_content_bytes(o->content, o->provenance)));
    CHI_TRY(chi_run_folder_make(store->run));
  }
  CHI_TRY(chi_lock_alone(store->run, o->mode == CHI_RUN_NEW ? 0 : lock_wait_s, &store->lock));
  /* Another job may have been faster between the look and the lock. */
  if (!schema->first || (o->mode == CHI_RUN_NEW && chi_run_folder_has(store->run, "config.yaml")))
    CHI_TRY(chi_store_look(store->run, schema, o->mode));
  if (o->mode == CHI_RUN_OVERWRITE) CHI_TRY(chi_run_folder_clear_from(store->run, schema->file));
  CHI_TRY(chi_run_folder_take(store->run));
  if (o->mode == CHI_RUN_RESUME) CHI_TRY(take_up(o));
  if (!schema->first && !o->resumed) CHI_TRY(chi_run_folder_clear_from(store->run, schema->file));
  /* of a fit that is gone on with it has the options of later stages, too */
  if (!schema->first || !(o->resumed || o->aside) || !chi_run_folder_has(store->run, "config.yaml"))
    CHI_TRY(write_config(o));
  if (!o->resumed)
    CHI_TRY(chi_store_make(store->run, o->content, o->provenance, store->size, NULL, NULL));
  if (schema->first) {
    char log[PATH_MAX];
    CHI_TRY(chi_path_join(log, store->run, "log.txt"));
    chi_log_set_file(log);
  }
  return chi_lock_shared(store->run, true, &store->lock);
}

/* Every rank opens the file for raw data only: from here on its metadata never changes. */
static chi_status open_parallel(chi_store *store)
{
  chi_h5_lock();
  chi_status s = chi_h5_open_shared(store->comm, store->path, &store->file);
  for (int32_t a = 0; a < store->n_groups && s == CHI_OK; a++) s = chi_store_open_fields(store, a);
  chi_h5_unlock();
  return s;
}

static chi_status take_groups(chi_store *store, const chi_content *content)
{
  store->variants = content->variants;
  CHI_TRY(chi_store_add_groups(store, content->n_groups));
  for (int32_t a = 0; a < store->n_groups; a++) {
    chi_store_group *g = &store->group[a];
    memcpy(g->length, content->group[a].length, sizeof g->length);
    CHI_TRY(chi_strdup(content->group[a].name, &g->name));
  }
  return CHI_OK;
}

static chi_status open_all(opening *o)
{
  chi_store *store = o->store;
  chi_status s = CHI_OK;
  if (store->rank == 0) s = prepare(o);
  CHI_TRY(chi_agree(store->comm, s));
  if (store->rank != 0) s = chi_lock_shared(store->run, false, &store->lock);
  CHI_TRY(chi_agree(store->comm, s));
  MPI_Bcast(&o->resumed, 1, MPI_C_BOOL, 0, store->comm);
  MPI_Bcast(&store->variants, 1, MPI_UNSIGNED, 0, store->comm);
  if ((store->variants & CHI_DROPPED) != 0) return CHI_OK; /* complete: there is nothing to write */
  CHI_TRY(chi_agree(store->comm, open_parallel(store)));
  return o->resumed ? chi_store_verify(store, o->content) : CHI_OK;
}

chi_status chi_store_open(MPI_Comm comm, const char *run, chi_run_mode mode,
                          const chi_content *content, const chi_provenance *provenance,
                          chi_store **out)
{
  chi_store *store = NULL;
  *out = NULL;
  chi_status s = chi_store_create(run, content->schema, &store);
  if (s == CHI_OK) s = take_groups(store, content);
  s = chi_agree(comm, s);
  if (s == CHI_OK) {
    MPI_Comm_dup(comm, &store->comm);
    MPI_Comm_rank(comm, &store->rank);
    MPI_Comm_size(comm, &store->size);
    opening o = {.store = store, .mode = mode, .content = content, .provenance = provenance};
    s = open_all(&o);
  }
  if (s != CHI_OK) return chi_store_finish(&store, s);
  *out = store;
  return CHI_OK;
}

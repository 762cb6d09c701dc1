#include "stage/reader.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

typedef struct buffer {
  void *data;
  chi_layer layer; /* number -1: nothing */
  bool ready;      /* else the thread has it, or is about to */
  chi_status status;
  char message[CHI_MESSAGE_MAX]; /* of a failure: messages belong to threads */
} buffer;

struct chi_reader {
  const chi_study *study;
  const uint8_t *real;
  buffer buffers[2];
  int present; /* the buffer that the last get gave */
  int wanted;  /* the buffer the thread is to fill or fills; -1: none */
  bool quit, has_thread;
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t changed;
};

static void *read_layers(void *argument)
{
  chi_reader *r = argument;
  pthread_mutex_lock(&r->lock);
  for (;;) {
    while (r->wanted < 0 && !r->quit) pthread_cond_wait(&r->changed, &r->lock);
    if (r->wanted < 0) break;
    buffer *b = &r->buffers[r->wanted];
    const chi_layer layer = b->layer;
    pthread_mutex_unlock(&r->lock);
    const chi_status s =
        chi_study_read_features(r->study, layer.alignment, layer.space, layer.dataset,
                                (chi_real)r->real[layer.number], b->data);
    pthread_mutex_lock(&r->lock);
    b->status = s;
    if (s != CHI_OK) snprintf(b->message, sizeof b->message, "%s", chi_message());
    b->ready = true;
    r->wanted = -1;
    pthread_cond_broadcast(&r->changed);
  }
  pthread_mutex_unlock(&r->lock);
  return NULL;
}

chi_status chi_reader_create(const chi_study *study, const uint8_t *real, int64_t bytes,
                             chi_reader **out)
{
  *out = NULL;
  chi_reader *r;
  CHI_TRY(chi_alloc(1, sizeof *r, "reader of features", &r));
  r->study = study;
  r->real = real;
  r->wanted = -1;
  pthread_mutex_init(&r->lock, NULL);
  pthread_cond_init(&r->changed, NULL);
  chi_status s = CHI_OK;
  for (int i = 0; i < 2 && s == CHI_OK; i++) {
    r->buffers[i].layer.number = -1;
    s = chi_alloc(bytes, 1, "features of a layer", &r->buffers[i].data);
  }
  if (s == CHI_OK) {
    const int error = pthread_create(&r->thread, NULL, read_layers, r);
    r->has_thread = error == 0;
    if (error != 0)
      s = chi_fail(CHI_ERR_MEMORY, "cannot start a thread that reads features: %s",
                   strerror(error));
  }
  if (s != CHI_OK) chi_reader_destroy(&r);
  *out = r;
  return s;
}

void chi_reader_destroy(chi_reader **reader)
{
  chi_reader *r = *reader;
  if (r == NULL) return;
  if (r->has_thread) {
    pthread_mutex_lock(&r->lock);
    r->quit = true;
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
    pthread_join(r->thread, NULL);
  }
  for (int i = 0; i < 2; i++) chi_free(r->buffers[i].data);
  pthread_cond_destroy(&r->changed);
  pthread_mutex_destroy(&r->lock);
  chi_free(r);
  *reader = NULL;
}

/* The buffer that holds or will hold a layer; asks for it if neither does. Called with the lock. */
static int find_or_ask(chi_reader *r, const chi_layer *layer)
{
  for (int i = 0; i < 2; i++)
    if (r->buffers[i].layer.number == layer->number) return i;
  while (r->wanted >= 0) pthread_cond_wait(&r->changed, &r->lock);
  const int other = 1 - r->present;
  r->buffers[other].layer = *layer;
  r->buffers[other].ready = false;
  r->wanted = other;
  pthread_cond_broadcast(&r->changed);
  return other;
}

void chi_reader_ahead(chi_reader *reader, const chi_layer *layer)
{
  pthread_mutex_lock(&reader->lock);
  find_or_ask(reader, layer);
  pthread_mutex_unlock(&reader->lock);
}

chi_status chi_reader_get(chi_reader *reader, const chi_layer *layer, chi_features *features)
{
  pthread_mutex_lock(&reader->lock);
  const int i = find_or_ask(reader, layer);
  const buffer *b = &reader->buffers[i];
  while (!b->ready) pthread_cond_wait(&reader->changed, &reader->lock);
  reader->present = i;
  *features = (chi_features){.n_events = reader->study->datasets[layer->dataset].n_events,
                             .n_features = layer->n_features,
                             .real = (chi_real)reader->real[layer->number],
                             .x = b->data};
  pthread_mutex_unlock(&reader->lock);
  return b->status == CHI_OK ? CHI_OK : chi_fail(b->status, "%s", b->message);
}

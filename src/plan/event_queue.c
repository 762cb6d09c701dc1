#include "plan/event_queue.h"

#include <stdbool.h>

#include "base/memory.h"

static bool earlier(const chi_event *a, const chi_event *b)
{
  return a->at < b->at || (!(a->at > b->at) && a->number < b->number);
}

chi_status chi_event_add(chi_event_queue *q, chi_event event)
{
  CHI_TRY(chi_grow(&q->item, &q->room, q->n + 1, sizeof *q->item, "events"));
  event.number = q->added++;
  int64_t at = q->n++;
  for (int64_t up = (at - 1) / 2; at > 0 && earlier(&event, &q->item[up]); up = (at - 1) / 2) {
    q->item[at] = q->item[up];
    at = up;
  }
  q->item[at] = event;
  return CHI_OK;
}

chi_event chi_event_take(chi_event_queue *q)
{
  const chi_event first = q->item[0], last = q->item[--q->n];
  int64_t at = 0;
  for (int64_t down = 1; down < q->n; down = 2 * at + 1) {
    if (down + 1 < q->n && earlier(&q->item[down + 1], &q->item[down])) down++;
    if (!earlier(&q->item[down], &last)) break;
    q->item[at] = q->item[down];
    at = down;
  }
  if (q->n > 0) q->item[at] = last;
  return first;
}

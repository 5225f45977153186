/* log_sinks.c - lists of sinks, made anew for each change. */
#include "log_sinks.h"

#include <limits.h>
#include <string.h>

static size_t count_of(const hl_sinks *list) { return list == NULL ? 0 : list->count; }
static size_t size_of(size_t count) { return sizeof(hl_sinks) + count * sizeof(hl_sink); }

static hl_sinks *new_list(size_t count, const helios_allocator *alloc) {
  hl_sinks *list = hl_alloc(alloc, size_of(count));
  if (list != NULL) *list = (hl_sinks){.refs = 1, .count = count};
  return list;
}

hl_sinks *hl_sinks_with(const hl_sinks *list, hl_sink sink, const helios_allocator *alloc) {
  size_t count = count_of(list);
  hl_sinks *longer = new_list(count + 1, alloc);
  if (longer == NULL) return NULL;
  if (count > 0) memcpy(longer->items, list->items, count * sizeof(hl_sink));
  longer->items[count] = sink;
  return longer;
}

hl_sinks *hl_sinks_without(const hl_sinks *list, size_t at, const helios_allocator *alloc) {
  hl_sinks *shorter = list->count > 1 ? new_list(list->count - 1, alloc) : NULL;
  if (shorter == NULL) return NULL;
  memcpy(shorter->items, list->items, at * sizeof(hl_sink));
  memcpy(shorter->items + at, list->items + at + 1, (list->count - 1 - at) * sizeof(hl_sink));
  return shorter;
}

size_t hl_sinks_find(const hl_sinks *list, helios_sink_fn fn, const void *ctx) {
  size_t i = 0;
  while (i < count_of(list) && (list->items[i].fn != fn || list->items[i].ctx != ctx)) i++;
  return i;
}

void hl_sinks_drop(hl_sinks *list, const helios_allocator *alloc) {
  if (list != NULL && --list->refs == 0) hl_free(alloc, list, size_of(list->count));
}

int hl_sinks_lowest(const hl_sinks *list) {
  int lowest = INT_MAX;
  for (size_t i = 0; i < count_of(list); i++)
    if (list->items[i].level < lowest) lowest = list->items[i].level;
  return lowest;
}

void hl_sinks_serve(const hl_sinks *list, const helios_record *record) {
  for (size_t i = 0; i < list->count; i++)
    if (record->level >= list->items[i].level) list->items[i].fn(list->items[i].ctx, record);
}

/* log_sinks.h - who sees a record: a list that never changes once made, so that whoever logs can hold a reference and call
 * the sinks without a lock. Adding and removing make another list. Counting references is the caller's lock's matter. */
#ifndef HL_LOG_SINKS_H
#define HL_LOG_SINKS_H

#include "alloc.h"
#include "helios/logger.h"

typedef struct hl_sink {
  helios_sink_fn fn;
  void *ctx;
  int level;
} hl_sink;

/* NULL is the empty list. */
typedef struct hl_sinks {
  size_t refs;
  size_t count;
  hl_sink items[];
} hl_sinks;

/* A list with one more, or one less, of one reference; `list` stays. NULL when out of memory (or when the last one went). */
hl_sinks *hl_sinks_with(const hl_sinks *list, hl_sink sink, const helios_allocator *alloc);
hl_sinks *hl_sinks_without(const hl_sinks *list, size_t at, const helios_allocator *alloc);
/* Where it is in the list; the list's count when it is not. */
size_t hl_sinks_find(const hl_sinks *list, helios_sink_fn fn, const void *ctx);
/* Give a reference back. */
void hl_sinks_drop(hl_sinks *list, const helios_allocator *alloc);
/* The lowest level that any of them gets; INT_MAX when there is none. */
int hl_sinks_lowest(const hl_sinks *list);
void hl_sinks_serve(const hl_sinks *list, const helios_record *record);

#endif

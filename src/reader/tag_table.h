/* tag_table.h - the tags of a run: found by name and kind, with what is known of each. */
#ifndef HL_TAG_TABLE_H
#define HL_TAG_TABLE_H

#include "../alloc.h"
#include "../bytes.h"
#include "helios/reader.h"

/* "From here on, points before this place at `step` and above are void." Of several that count for one point the one
 * with the lowest step decides, so a later cut at a lower step replaces an earlier one: a list that ascends in both. */
typedef struct hl_cut {
  uint64_t place;
  int64_t step;
} hl_cut;

typedef struct hl_cuts {
  hl_cut *list;
  size_t count, capacity;
} hl_cuts;

bool hl_cuts_add(hl_cuts *c, const helios_allocator *alloc, uint64_t place, int64_t step);
/* Is a point at this place void? */
bool hl_cuts_void(const hl_cuts *c, uint64_t place, int64_t step);

/* Steps, times and values of a scalar, side by side in one block. */
typedef struct hl_column {
  int64_t *steps;
  double *times;
  double *values;
  size_t count, capacity;
} hl_column;

bool hl_column_add(hl_column *c, const helios_allocator *alloc, const helios_point *p);
/* Forget the points at `step` and above. Steps ascend, so they lie at the end. */
void hl_column_cut(hl_column *c, int64_t step);

typedef struct hl_tag {
  helios_tag_info info;
  char *name; /* tag and plugin, each terminated */
  size_t name_size;
  uint64_t hash;
  uint32_t next; /* the tag that came after it the last time */
  hl_cuts cuts;
  hl_column column;
} hl_tag;

typedef struct hl_tag_table {
  const helios_allocator *alloc;
  hl_tag *tags;
  size_t count, capacity;
  uint32_t *slots; /* index + 1 of a tag, 0: free */
  size_t slot_count;
  uint32_t last; /* that was asked for */
  uint64_t seed;
} hl_tag_table;

void hl_tag_table_init(hl_tag_table *t, const helios_allocator *alloc, uint64_t seed);
void hl_tag_table_free(hl_tag_table *t);
/* The entry of the point's tag and kind, made if need be; UINT32_MAX when out of memory. */
uint32_t hl_tag_table_get(hl_tag_table *t, const helios_point *p);
/* The kind that an earlier value's plugin gave to this tag; HELIOS_KIND_TENSOR when none did. */
helios_kind hl_tag_table_kind(const hl_tag_table *t, helios_slice tag);

#endif

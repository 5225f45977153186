/* str_map.h - a small hash map from byte strings to numbers; keys are copied, nothing is ever removed. */
#ifndef HL_STR_MAP_H
#define HL_STR_MAP_H

#include <stdbool.h>

#include "alloc.h"
#include "bytes.h"

typedef struct hl_str_map_entry {
  char *key; /* NULL: free */
  size_t length;
  uint32_t hash;
  uint32_t value;
} hl_str_map_entry;

typedef struct hl_str_map {
  hl_str_map_entry *entries;
  size_t capacity; /* a power of two, or 0 */
  size_t count;
  const helios_allocator *alloc;
} hl_str_map;

void hl_str_map_init(hl_str_map *m, const helios_allocator *alloc);
void hl_str_map_free(hl_str_map *m);
bool hl_str_map_get(const hl_str_map *m, hl_str key, uint32_t *value);
/* The key must not be there yet. False when out of memory. */
bool hl_str_map_put(hl_str_map *m, hl_str key, uint32_t value);

#endif

/* str_map.c - open addressing with linear probing, at most three quarters full. */
#include "str_map.h"

enum { SMALLEST = 16 };

/* FNV-1a: short keys, no adversary. http://www.isthe.com/chongo/tech/comp/fnv/ */
static uint32_t hash_of(hl_str key) {
  uint32_t h = 2166136261u;
  for (size_t i = 0; i < key.len; i++) h = (h ^ (unsigned char)key.data[i]) * 16777619u;
  return h;
}

void hl_str_map_init(hl_str_map *m, const helios_allocator *alloc) { *m = (hl_str_map){.alloc = alloc}; }

void hl_str_map_free(hl_str_map *m) {
  for (size_t i = 0; i < m->capacity; i++)
    if (m->entries[i].key != NULL) hl_free(m->alloc, m->entries[i].key, m->entries[i].length + 1);
  hl_free(m->alloc, m->entries, m->capacity * sizeof *m->entries);
  hl_str_map_init(m, m->alloc);
}

/* The key's entry, or the free one where it belongs. */
static hl_str_map_entry *locate(hl_str_map_entry *entries, size_t capacity, hl_str key, uint32_t hash) {
  for (size_t i = hash & (capacity - 1);; i = (i + 1) & (capacity - 1)) {
    hl_str_map_entry *e = &entries[i];
    if (e->key == NULL) return e;
    if (e->hash == hash && e->length == key.len && memcmp(e->key, key.data, key.len) == 0) return e;
  }
}

bool hl_str_map_get(const hl_str_map *m, hl_str key, uint32_t *value) {
  if (m->capacity == 0) return false;
  const hl_str_map_entry *e = locate(m->entries, m->capacity, key, hash_of(key));
  if (e->key != NULL) *value = e->value;
  return e->key != NULL;
}

static bool grow(hl_str_map *m) {
  size_t capacity = m->capacity == 0 ? SMALLEST : m->capacity * 2;
  hl_str_map_entry *entries = hl_alloc_zeroed(m->alloc, capacity, sizeof *entries);
  if (entries == NULL) return false;
  for (size_t i = 0; i < m->capacity; i++) {
    hl_str_map_entry *e = &m->entries[i];
    if (e->key != NULL) *locate(entries, capacity, (hl_str){e->key, e->length}, e->hash) = *e;
  }
  hl_free(m->alloc, m->entries, m->capacity * sizeof *entries);
  m->entries = entries;
  m->capacity = capacity;
  return true;
}

bool hl_str_map_put(hl_str_map *m, hl_str key, uint32_t value) {
  if (m->count + 1 > m->capacity / 4 * 3 && !grow(m)) return false;
  char *copy = hl_alloc(m->alloc, key.len + 1);
  if (copy == NULL) return false;
  memcpy(copy, key.data, key.len);
  copy[key.len] = '\0';
  uint32_t hash = hash_of(key);
  *locate(m->entries, m->capacity, key, hash) = (hl_str_map_entry){copy, key.len, hash, value};
  m->count++;
  return true;
}

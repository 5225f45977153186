/* tag_table.c - an open-addressing table of tags, seeded so that nobody can write a file of colliding ones. */
#include "tag_table.h"

/* ---- cuts ------------------------------------------------------------------------------------------- */

static bool grow(const helios_allocator *alloc, void **list, size_t *capacity, size_t size) {
  size_t wanted = *capacity == 0 ? 4 : 2 * *capacity;
  void *bigger = hl_realloc(alloc, *list, *capacity * size, wanted * size);
  if (bigger == NULL) return false;
  *list = bigger;
  *capacity = wanted;
  return true;
}

bool hl_cuts_add(hl_cuts *c, const helios_allocator *alloc, uint64_t place, int64_t step) {
  while (c->count > 0 && c->list[c->count - 1].step >= step) c->count--;
  void *list = c->list;
  if (c->count == c->capacity && !grow(alloc, &list, &c->capacity, sizeof *c->list)) return false;
  c->list = list;
  c->list[c->count++] = (hl_cut){place, step};
  return true;
}

bool hl_cuts_void(const hl_cuts *c, uint64_t place, int64_t step) {
  size_t low = 0, high = c->count; /* the first cut behind the place has the lowest step of those behind it */
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (c->list[middle].place > place) high = middle;
    else low = middle + 1;
  }
  return low < c->count && c->list[low].step <= step;
}

/* ---- columns ---------------------------------------------------------------------------------------- */

static void free_column(hl_column *c, const helios_allocator *alloc) {
  hl_free(alloc, c->steps, c->capacity * sizeof *c->steps);
  hl_free(alloc, c->times, c->capacity * sizeof *c->times);
  hl_free(alloc, c->values, c->capacity * sizeof *c->values);
  *c = (hl_column){.count = 0};
}

static bool grow_column(hl_column *c, const helios_allocator *alloc) {
  hl_column bigger = {.count = c->count, .capacity = c->capacity == 0 ? 64 : 2 * c->capacity};
  bigger.steps = hl_alloc(alloc, bigger.capacity * sizeof *bigger.steps);
  bigger.times = hl_alloc(alloc, bigger.capacity * sizeof *bigger.times);
  bigger.values = hl_alloc(alloc, bigger.capacity * sizeof *bigger.values);
  if (bigger.steps == NULL || bigger.times == NULL || bigger.values == NULL) {
    free_column(&bigger, alloc);
    return false;
  }
  if (c->count > 0) {
    memcpy(bigger.steps, c->steps, c->count * sizeof *c->steps);
    memcpy(bigger.times, c->times, c->count * sizeof *c->times);
    memcpy(bigger.values, c->values, c->count * sizeof *c->values);
  }
  free_column(c, alloc);
  *c = bigger;
  return true;
}

bool hl_column_add(hl_column *c, const helios_allocator *alloc, const helios_point *p) {
  if (c->count == c->capacity && !grow_column(c, alloc)) return false;
  c->steps[c->count] = p->step;
  c->times[c->count] = p->wall_time;
  c->values[c->count] = p->value;
  c->count++;
  return true;
}

void hl_column_cut(hl_column *c, int64_t step) {
  while (c->count > 0 && c->steps[c->count - 1] >= step) c->count--;
}

/* ---- tags ------------------------------------------------------------------------------------------- */

void hl_tag_table_init(hl_tag_table *t, const helios_allocator *alloc, uint64_t seed) {
  *t = (hl_tag_table){.alloc = alloc, .seed = seed};
}

static void free_tag(hl_tag_table *t, hl_tag *tag) {
  hl_free(t->alloc, tag->name, tag->name_size);
  hl_free(t->alloc, tag->cuts.list, tag->cuts.capacity * sizeof *tag->cuts.list);
  free_column(&tag->column, t->alloc);
}

void hl_tag_table_free(hl_tag_table *t) {
  for (size_t i = 0; i < t->count; i++) free_tag(t, &t->tags[i]);
  hl_free(t->alloc, t->tags, t->capacity * sizeof *t->tags);
  hl_free(t->alloc, t->slots, t->slot_count * sizeof *t->slots);
  hl_tag_table_init(t, t->alloc, t->seed);
}

static uint64_t mix(uint64_t h, uint64_t word) {
  h = (h ^ word) * 0x9E3779B97F4A7C15u;
  return h ^ (h >> 29);
}

static uint64_t hash_of(uint64_t seed, helios_slice s) {
  uint64_t h = mix(seed, s.length);
  const unsigned char *p = (const unsigned char *)s.data;
  size_t n = s.length;
  for (; n >= 8; n -= 8, p += 8) h = mix(h, hl_get_le64(p));
  uint64_t rest = 0;
  while (n > 0) rest = rest << 8 | p[--n];
  return mix(h, rest);
}

static bool same_tag(const hl_tag *tag, uint64_t hash, helios_slice name) {
  return tag->hash == hash && tag->info.tag_length == name.length && memcmp(tag->name, name.data, name.length) == 0;
}

static void put_slot(hl_tag_table *t, uint32_t index) {
  size_t i = (size_t)t->tags[index].hash & (t->slot_count - 1);
  while (t->slots[i] != 0) i = (i + 1) & (t->slot_count - 1);
  t->slots[i] = index + 1;
}

/* At most half of the slots are in use. */
static bool grow_slots(hl_tag_table *t) {
  size_t count = t->slot_count == 0 ? 64 : 2 * t->slot_count;
  uint32_t *slots = hl_alloc_zeroed(t->alloc, count, sizeof *slots);
  if (slots == NULL) return false;
  hl_free(t->alloc, t->slots, t->slot_count * sizeof *slots);
  t->slots = slots;
  t->slot_count = count;
  for (size_t i = 0; i < t->count; i++) put_slot(t, (uint32_t)i);
  return true;
}

static char *copy_name(hl_tag_table *t, const helios_point *p, size_t *size) {
  *size = p->tag.length + p->plugin.length + 2;
  char *name = hl_alloc(t->alloc, *size);
  if (name == NULL) return NULL;
  memcpy(name, p->tag.data, p->tag.length);
  name[p->tag.length] = '\0';
  memcpy(name + p->tag.length + 1, p->plugin.data, p->plugin.length);
  name[*size - 1] = '\0';
  return name;
}

static uint32_t add_tag(hl_tag_table *t, const helios_point *p, uint64_t hash) {
  if (t->count >= UINT32_MAX - 1) return UINT32_MAX;
  if (2 * (t->count + 1) > t->slot_count && !grow_slots(t)) return UINT32_MAX;
  void *list = t->tags;
  if (t->count == t->capacity && !grow(t->alloc, &list, &t->capacity, sizeof *t->tags)) return UINT32_MAX;
  t->tags = list;
  hl_tag tag = {.hash = hash};
  tag.name = copy_name(t, p, &tag.name_size);
  if (tag.name == NULL) return UINT32_MAX;
  tag.info = (helios_tag_info){.tag = tag.name, .tag_length = p->tag.length, .kind = p->kind,
                               .plugin = tag.name + p->tag.length + 1};
  t->tags[t->count] = tag;
  put_slot(t, (uint32_t)t->count);
  return (uint32_t)t->count++;
}

static bool is_tag_of(const hl_tag *tag, const helios_point *p) {
  return tag->info.kind == p->kind && tag->info.tag_length == p->tag.length &&
         memcmp(tag->name, p->tag.data, p->tag.length) == 0;
}

static uint32_t find_or_add(hl_tag_table *t, const helios_point *p) {
  uint64_t hash = hash_of(t->seed, p->tag);
  if (t->slot_count > 0) {
    size_t i = (size_t)hash & (t->slot_count - 1);
    for (; t->slots[i] != 0; i = (i + 1) & (t->slot_count - 1)) {
      const hl_tag *tag = &t->tags[t->slots[i] - 1];
      if (tag->info.kind == p->kind && same_tag(tag, hash, p->tag)) return t->slots[i] - 1;
    }
  }
  return add_tag(t, p, hash);
}

/* A training loop logs the same tags in the same order step after step: what came after the last tag before is tried
 * first. */
uint32_t hl_tag_table_get(hl_tag_table *t, const helios_point *p) {
  uint32_t guess = t->count > 0 ? t->tags[t->last].next : 0;
  uint32_t found = guess < t->count && is_tag_of(&t->tags[guess], p) ? guess : find_or_add(t, p);
  if (found == UINT32_MAX) return found;
  t->tags[t->last].next = found;
  t->last = found;
  return found;
}

helios_kind hl_tag_table_kind(const hl_tag_table *t, helios_slice name) {
  uint64_t hash = hash_of(t->seed, name);
  if (t->slot_count == 0) return HELIOS_KIND_TENSOR;
  size_t i = (size_t)hash & (t->slot_count - 1);
  for (; t->slots[i] != 0; i = (i + 1) & (t->slot_count - 1)) {
    const hl_tag *tag = &t->tags[t->slots[i] - 1];
    if (tag->info.plugin[0] != '\0' && same_tag(tag, hash, name)) return tag->info.kind;
  }
  return HELIOS_KIND_TENSOR;
}

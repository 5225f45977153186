/* writer_layout.c - which series add_scalars with HELIOS_SCALARS_TAGS has drawn together: one chart for each main tag,
 * written as a custom-scalars layout whenever a series is new. */
#include "str_map.h"
#include "writer_impl.h"

typedef struct chart {
  hl_str main_tag; /* a copy */
  hl_str *patterns; /* copies: regular expressions, which is how the custom scalars dashboard reads its tags */
  size_t count, capacity;
} chart;

struct hl_layout {
  chart *charts;
  size_t count, capacity;
  hl_str_map chart_numbers; /* main tag -> index */
  hl_str_map series;        /* main tag, NUL, name -> 1 */
};

static void free_str(const helios_allocator *alloc, hl_str s) {
  hl_free(alloc, (void *)(uintptr_t)s.data, s.len + 1);
}

void hl_layout_free(helios_writer *w) {
  struct hl_layout *l = w->layout;
  if (l == NULL) return;
  for (size_t i = 0; i < l->count; i++) {
    chart *c = &l->charts[i];
    for (size_t k = 0; k < c->count; k++) free_str(&w->alloc, c->patterns[k]);
    hl_free(&w->alloc, c->patterns, c->capacity * sizeof *c->patterns);
    free_str(&w->alloc, c->main_tag);
  }
  hl_free(&w->alloc, l->charts, l->capacity * sizeof *l->charts);
  hl_str_map_free(&l->chart_numbers);
  hl_str_map_free(&l->series);
  hl_free(&w->alloc, l, sizeof *l);
  w->layout = NULL;
}

static struct hl_layout *get_layout(helios_writer *w) {
  if (w->layout != NULL) return w->layout;
  w->layout = hl_alloc_zeroed(&w->alloc, 1, sizeof *w->layout);
  if (w->layout == NULL) return NULL;
  hl_str_map_init(&w->layout->chart_numbers, &w->alloc);
  hl_str_map_init(&w->layout->series, &w->alloc);
  return w->layout;
}

static bool copy_str(const helios_allocator *alloc, hl_str s, hl_str *out) {
  char *data = hl_alloc(alloc, s.len + 1);
  if (data == NULL) return false;
  memcpy(data, s.data, s.len);
  data[s.len] = '\0';
  *out = (hl_str){data, s.len};
  return true;
}

/* Room for one more element in a list that doubles. */
static bool make_room(const helios_allocator *alloc, void **list, size_t count, size_t *capacity, size_t size) {
  if (count < *capacity) return true;
  size_t larger = *capacity == 0 ? 4 : *capacity * 2;
  void *grown = hl_realloc(alloc, *list, *capacity * size, larger * size);
  if (grown == NULL) return false;
  *list = grown;
  *capacity = larger;
  return true;
}

static chart *find_chart(helios_writer *w, struct hl_layout *l, hl_str main_tag) {
  uint32_t number;
  if (hl_str_map_get(&l->chart_numbers, main_tag, &number)) return &l->charts[number];
  void *list = l->charts;
  bool room = make_room(&w->alloc, &list, l->count, &l->capacity, sizeof *l->charts);
  l->charts = list;
  chart c = {.count = 0};
  if (!room || !copy_str(&w->alloc, main_tag, &c.main_tag)) return NULL;
  if (!hl_str_map_put(&l->chart_numbers, main_tag, (uint32_t)l->count)) {
    free_str(&w->alloc, c.main_tag);
    return NULL;
  }
  l->charts[l->count] = c;
  return &l->charts[l->count++];
}

/* The tag as a regular expression that matches it and nothing else. */
static void append_escaped(hl_buf *b, const char *s) {
  for (; *s != '\0'; s++) {
    if (strchr("\\^$.|?*+()[]{}", *s) != NULL) hl_buf_append_byte(b, '\\');
    hl_buf_append_byte(b, (unsigned char)*s);
  }
}

static bool add_pattern(helios_writer *w, chart *c, const char *main_tag, const char *name) {
  hl_buf b;
  hl_buf_init(&b, &w->alloc);
  hl_buf_append_byte(&b, '^');
  append_escaped(&b, main_tag);
  hl_buf_append_byte(&b, '/');
  append_escaped(&b, name);
  hl_buf_append_byte(&b, '$');
  void *list = c->patterns;
  bool ok = !b.failed && make_room(&w->alloc, &list, c->count, &c->capacity, sizeof *c->patterns);
  c->patterns = list;
  ok = ok && copy_str(&w->alloc, (hl_str){(const char *)b.data, b.len}, &c->patterns[c->count]);
  if (ok) c->count++;
  hl_buf_free(&b);
  return ok;
}

static bool add_series(helios_writer *w, struct hl_layout *l, const char *main_tag, const char *name, hl_buf *key,
                       bool *changed) {
  uint32_t known;
  hl_buf_reset(key);
  hl_buf_append(key, main_tag, strlen(main_tag) + 1);
  hl_buf_append_str(key, name);
  if (key->failed) return false;
  hl_str k = {(const char *)key->data, key->len};
  if (hl_str_map_get(&l->series, k, &known)) return true;
  chart *c = find_chart(w, l, hl_str_of(main_tag));
  if (c == NULL || !add_pattern(w, c, main_tag, name)) return false;
  *changed = true;
  return hl_str_map_put(&l->series, k, 1);
}

helios_status hl_layout_add(helios_writer *w, const char *main_tag, const helios_named_value *values, size_t count,
                            bool *changed) {
  hl_buf key;
  hl_buf_init(&key, &w->alloc);
  pthread_mutex_lock(&w->lock);
  struct hl_layout *l = get_layout(w);
  bool ok = l != NULL;
  for (size_t i = 0; i < count && ok; i++) ok = add_series(w, l, main_tag, values[i].name, &key, changed);
  pthread_mutex_unlock(&w->lock);
  hl_buf_free(&key);
  return ok ? HELIOS_OK : HELIOS_ENOMEM;
}

/* Lock held. */
static helios_status encode_layout(helios_writer *w, hl_buf *out, hl_error *err) {
  struct hl_layout *l = w->layout;
  size_t size = l->count * sizeof(hl_chart);
  hl_chart *charts = hl_alloc(&w->alloc, size);
  if (charts == NULL) return HELIOS_ENOMEM;
  for (size_t i = 0; i < l->count; i++)
    charts[i] = (hl_chart){
        .title = l->charts[i].main_tag, .tags = l->charts[i].patterns, .tag_count = l->charts[i].count};
  hl_category category = {.title = {"scalars", 7}, .charts = charts, .chart_count = l->count};
  helios_status st = hl_encode_custom_scalars(out, &category, 1, err);
  hl_free(&w->alloc, charts, size);
  return st;
}

helios_status hl_layout_encode(helios_writer *w, hl_buf *out, hl_error *err) {
  pthread_mutex_lock(&w->lock);
  helios_status st = encode_layout(w, out, err);
  pthread_mutex_unlock(&w->lock);
  return st;
}

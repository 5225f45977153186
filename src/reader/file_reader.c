/* file_reader.c - helios_reader: the events of one file, with an account of what is damaged. */
#include "file_reader.h"

#include <stdio.h>

#include "../alloc.h"
#include "../options.h"
#include "event_reader.h"

helios_status hl_reader_new(const char *path, const hl_env *env, const helios_reader_options *options,
                            helios_reader **out, hl_error *err) {
  helios_reader_options o;
  if (out == NULL) return hl_invalid(err, "out", "is NULL");
  *out = NULL;
  if (path == NULL || path[0] == '\0') return hl_invalid(err, "path", "expected a path, got an empty one");
  helios_status st = hl_take_options(&o, sizeof o, options, err);
  if (st != HELIOS_OK) return st;
  const helios_allocator alloc = o.allocator != NULL ? *o.allocator : hl_default_allocator;
  helios_reader *r = hl_alloc_zeroed(&alloc, 1, sizeof *r);
  if (r == NULL) return hl_fail(err, HELIOS_ENOMEM, "out of memory");
  r->alloc = alloc;
  st = hl_record_reader_open(&r->records, path, env, &r->alloc, o.max_record, err);
  hl_tag_table_init(&r->tags, &r->alloc, (uint64_t)env->monotonic_ns(env));
  if (st == HELIOS_OK) *out = r;
  else hl_free(&alloc, r, sizeof *r);
  return st;
}

helios_status helios_reader_open(const char *path, const helios_reader_options *options, helios_reader **out,
                                 char *error, size_t error_size) {
  hl_error err = {0};
  return hl_tell(&err, hl_reader_new(path, &hl_env_system, options, out, &err), error, error_size);
}

static bool list_has_room(helios_reader *r) {
  if (r->listed < r->damage_capacity) return true;
  size_t capacity = r->listed == 0 ? 4 : 4 * r->listed;
  if (r->listed >= HL_MOST_DAMAGE_LISTED) return false;
  helios_damage *list =
      hl_realloc(r->records.alloc, r->damage, r->damage_capacity * sizeof *list, capacity * sizeof *list);
  if (list == NULL) return false;
  r->damage = list;
  r->damage_capacity = capacity;
  return true;
}

/* Listing may fail for lack of memory; counting cannot. */
static void note_damage(helios_reader *r, const helios_damage *damage) {
  r->damaged++;
  r->error = (hl_error){0};
  hl_fail(&r->error, HELIOS_EFORMAT, "%s: at byte %llu: %s", r->records.path, (unsigned long long)damage->offset,
          damage->reason);
  if (list_has_room(r)) r->damage[r->listed++] = *damage;
}

static void note_foreign(helios_reader *r, uint64_t offset, uint64_t length) {
  helios_damage damage = {.offset = offset, .length = length};
  snprintf(damage.reason, sizeof damage.reason, "a record that is no event");
  note_damage(r, &damage);
}

helios_status helios_reader_next(helios_reader *r, helios_event *event) {
  hl_str payload;
  uint64_t offset;
  if (r == NULL || event == NULL) return HELIOS_EINVAL;
  if (r->records.ended) return HELIOS_EFORMAT;
  r->error.status = HELIOS_OK; /* what was told before is over; its text need not be wiped for each record */
  for (;;) {
    helios_status st = hl_record_next(&r->records, &payload, &offset, &r->error);
    if (st == HELIOS_EFORMAT) note_damage(r, &r->records.damage);
    if (st == HELIOS_EFORMAT && !r->records.ended) continue;
    if (st != HELIOS_OK) return st;
    if (hl_event_decode(payload, offset, event)) {
      r->intact++;
      return HELIOS_OK;
    }
    note_foreign(r, offset, r->records.offset - offset);
  }
}

/* Out of memory for a tag, its later values stay plain tensors: no value is lost. */
bool helios_reader_next_point(helios_reader *r, const helios_event *event, size_t *cursor, helios_point *p) {
  if (r == NULL || !helios_event_next_point(event, cursor, p)) return false;
  if (p->data_field != 8) return true;
  if (p->plugin.length > 0) hl_tag_table_get(&r->tags, p);
  else hl_point_set_kind(p, hl_tag_table_kind(&r->tags, p->tag));
  return true;
}

helios_status hl_reader_resync(helios_reader *r) {
  uint64_t skipped = 0;
  helios_status st = hl_record_resync(&r->records, &skipped, &r->error);
  if (r->listed > 0 && r->listed == r->damaged) r->damage[r->listed - 1].length = skipped;
  return st;
}

void hl_reader_park(helios_reader *r) { hl_record_reader_park(&r->records); }

helios_status helios_reader_stats_get(const helios_reader *r, helios_reader_stats *out) {
  if (r == NULL || hl_check_result(out, NULL) != HELIOS_OK) return HELIOS_EINVAL;
  helios_reader_stats s = {.records = r->intact,
                           .damaged = r->damaged,
                           .offset = r->records.offset,
                           .cut_bytes = r->records.cut_bytes,
                           .ended = r->records.ended,
                           .compressed = r->records.inflater != NULL};
  hl_give_result(out, &s, sizeof s);
  return HELIOS_OK;
}

bool helios_reader_damage(const helios_reader *r, size_t i, helios_damage *out) {
  if (r == NULL || out == NULL || i >= r->listed) return false;
  *out = r->damage[i];
  return true;
}

size_t helios_reader_error(const helios_reader *r, char *text, size_t size) {
  return hl_error_text(r != NULL ? &r->error : &(hl_error){.reason = "no reader"}, text, size);
}

const char *helios_reader_path(const helios_reader *r) { return r != NULL ? r->records.path : NULL; }

void helios_reader_free(helios_reader *r) {
  if (r == NULL) return;
  const helios_allocator alloc = r->alloc;
  hl_record_reader_close(&r->records);
  hl_tag_table_free(&r->tags);
  hl_free(&alloc, r->damage, r->damage_capacity * sizeof *r->damage);
  hl_free(&alloc, r, sizeof *r);
}

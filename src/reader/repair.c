/* repair.c - an event file without its damage, or without what is to be purged. */
#include "../options.h"
#include "../wire.h"
#include "event_reader.h"
#include "file_reader.h"
#include "rewrite.h"

/* What becomes of one event: write it (or another payload in its place) to w. */
typedef helios_status (*visit_fn)(void *ctx, hl_rewrite *w, const helios_event *e, hl_error *err);

static void fill_stats(helios_repair_stats *out, const hl_rewrite *w, uint64_t dropped, uint64_t old_bytes,
                       bool replaced) {
  helios_repair_stats s = {.kept = w->records, .dropped = dropped, .replaced = replaced};
  s.lost_bytes = old_bytes > w->bytes ? old_bytes - w->bytes : 0;
  if (out != NULL) hl_give_result(out, &s, sizeof s);
}

/* Every intact event, behind bad lengths too. */
static helios_status visit_all(helios_reader *r, visit_fn visit, void *ctx, hl_rewrite *w, hl_error *err) {
  helios_event event;
  for (;;) {
    helios_status st = helios_reader_next(r, &event);
    if (st == HELIOS_OK) st = visit(ctx, w, &event, err);
    else if (st == HELIOS_EFORMAT) st = hl_reader_resync(r);
    if (st == HELIOS_EAGAIN) return HELIOS_OK;
    if (st != HELIOS_OK) return hl_fail(err, st, "%s", r->error.reason);
  }
}

static helios_status copy_event(void *ctx, hl_rewrite *w, const helios_event *e, hl_error *err) {
  (void)ctx;
  return hl_rewrite_put(w, e->record.data, e->record.length, err);
}

/* Rewrite `path` to `target` with what `visit` keeps. With `dropped`, nothing is replaced when that stays 0. */
static helios_status rewrite(const char *path, const char *target, visit_fn visit, void *ctx,
                             helios_repair_stats *stats, const uint64_t *dropped, hl_error *err) {
  helios_reader *r;
  hl_rewrite w;
  helios_status st = hl_reader_new(path, &hl_env_system, NULL, &r, err);
  if (st != HELIOS_OK) return st;
  st = hl_rewrite_begin(&w, &hl_env_system, target, err);
  if (st == HELIOS_OK) {
    st = visit_all(r, visit, ctx, &w, err);
    uint64_t old_bytes = r->records.offset + r->records.cut_bytes;
    if (st == HELIOS_OK && w.records == 0 && dropped == NULL)
      st = hl_fail(err, HELIOS_EFORMAT, "%s: not one intact record: is this an event file? It is left as it is", path);
    bool changed = dropped == NULL || *dropped > 0;
    if (st == HELIOS_OK) fill_stats(stats, &w, dropped != NULL ? *dropped : r->damaged, old_bytes, changed);
    if (st == HELIOS_OK && changed) st = hl_rewrite_commit(&w, err);
    else hl_rewrite_abort(&w);
  }
  helios_reader_free(r);
  return st;
}

/* The state of a file before it is touched. */
static helios_status look(const char *path, helios_reader_stats *state, hl_error *err) {
  char text[400];
  state->size = sizeof *state;
  helios_status st = helios_verify_file(path, NULL, state, NULL, text, sizeof text);
  return st == HELIOS_OK ? st : hl_fail(err, st, "%s", text);
}

static helios_status repair(const char *path, const char *target, helios_repair_stats *stats, hl_error *err) {
  helios_reader_stats state;
  helios_status st = stats == NULL ? HELIOS_OK : hl_check_result(stats, err);
  if (st == HELIOS_OK) st = look(path, &state, err);
  if (st != HELIOS_OK) return st;
  if (target == NULL && state.compressed)
    return hl_invalid(err, "target", "%s is compressed: say where the plain file is to go", path);
  if (target == NULL && state.damaged == 0 && state.cut_bytes == 0) {
    hl_rewrite nothing = {.records = state.records, .bytes = state.offset};
    fill_stats(stats, &nothing, 0, state.offset, false);
    return HELIOS_OK;
  }
  return rewrite(path, target != NULL ? target : path, copy_event, NULL, stats, NULL, err);
}

helios_status helios_repair_file(const char *path, const char *target, helios_repair_stats *stats, char *error,
                                 size_t error_size) {
  hl_error err = {0};
  return hl_tell(&err, repair(path, target, stats, &err), error, error_size);
}

/* ---- purge ------------------------------------------------------------------------------------------ */

typedef struct purge {
  helios_purge_options options;
  hl_buf event, summary; /* an event of which some values stay */
  uint64_t dropped;
} purge;

static bool purged_value(const purge *g, const helios_point *p) {
  const char *tag = g->options.tag;
  if (g->options.has_from_step && p->step < g->options.from_step) return false;
  return tag == NULL || (strlen(tag) == p->tag.length && memcmp(tag, p->tag.data, p->tag.length) == 0);
}

/* The values that stay go to g->summary. Returns how many go. */
static size_t split_values(purge *g, const helios_event *e) {
  helios_point p;
  size_t cursor = 0, gone = 0;
  hl_buf_reset(&g->summary);
  while (helios_event_next_point(e, &cursor, &p)) {
    if (purged_value(g, &p)) gone++;
    else hl_wire_bytes_field(&g->summary, 1, p.encoded.data, p.encoded.length);
  }
  return gone;
}

static helios_status purge_event(void *ctx, hl_rewrite *w, const helios_event *e, hl_error *err) {
  purge *g = ctx;
  size_t gone = split_values(g, e);
  if (gone == 0) return copy_event(NULL, w, e, err);
  g->dropped += gone;
  if (g->summary.len == 0) return HELIOS_OK;
  hl_buf_reset(&g->event);
  hl_event_with_summary(&g->event, e, &g->summary);
  if (g->summary.failed || g->event.failed) return hl_fail(err, HELIOS_ENOMEM, "out of memory");
  return hl_rewrite_put(w, g->event.data, g->event.len, err);
}

static helios_status purge_file(const char *path, const helios_purge_options *options, helios_repair_stats *stats,
                                hl_error *err) {
  purge g = {.dropped = 0};
  helios_status st = hl_take_options(&g.options, sizeof g.options, options, err);
  if (st == HELIOS_OK && stats != NULL) st = hl_check_result(stats, err);
  if (st == HELIOS_OK && g.options.tag == NULL && !g.options.has_from_step)
    st = hl_invalid(err, "options", "neither a tag nor a step says what is to go");
  helios_reader_stats state;
  if (st == HELIOS_OK) st = look(path, &state, err);
  if (st != HELIOS_OK) return st;
  if (state.compressed) return hl_fail(err, HELIOS_EFORMAT, "%s: compressed: repair it to a plain file first", path);
  if (state.damaged > 0 || state.cut_bytes > 0)
    return hl_fail(err, HELIOS_EFORMAT, "%s: damaged: repair it first", path);
  hl_buf_init(&g.event, NULL);
  hl_buf_init(&g.summary, NULL);
  st = rewrite(path, path, purge_event, &g, stats, &g.dropped, err);
  hl_buf_free(&g.event);
  hl_buf_free(&g.summary);
  return st;
}

helios_status helios_purge_file(const char *path, const helios_purge_options *options, helios_repair_stats *stats,
                                char *error, size_t error_size) {
  hl_error err = {0};
  return hl_tell(&err, purge_file(path, options, stats, &err), error, error_size);
}

/* merge.c - the files of a run joined into one.
 *
 * Each file's events stay in their order; between files the earlier event comes first. When clocks disagree that can
 * put a tag's steps out of order, and viewers would drop points: the new file is counted before it takes its place,
 * and if points are missing it is written again, one old file after the other. */
#include "../options.h"
#include "../wire.h"
#include "event_reader.h"
#include "rewrite.h"
#include "run_reader.h"

typedef struct head {
  helios_reader *reader;
  helios_event event;
  bool ready;
} head;

typedef struct merge {
  helios_run *run; /* scanned: knows what is void */
  head *heads;
  hl_rewrite out;
  hl_buf event, summary;
  bool by_time;
  bool started; /* a file_version was written */
  uint64_t events;
} merge;

static char *file_path(const helios_run *run, size_t i) {
  const helios_reader *r = helios_run_file(run, i);
  return r == NULL ? NULL : hl_strdup(NULL, helios_reader_path(r));
}

/* Read on in file i until an event is at hand or the file ends. */
static helios_status advance(merge *m, size_t i, hl_error *err) {
  head *h = &m->heads[i];
  h->ready = false;
  helios_status st = helios_reader_next(h->reader, &h->event);
  if (st == HELIOS_OK) {
    m->events++;
    h->ready = true;
    return st;
  }
  if (st == HELIOS_EAGAIN || st == HELIOS_EFORMAT) return HELIOS_OK;
  return hl_fail(err, st, "%s", h->reader->error.reason);
}

static helios_status open_heads(merge *m, hl_error *err) {
  for (size_t i = 0; i < m->run->file_count; i++) {
    char *path = file_path(m->run, i);
    helios_status st = path == NULL ? hl_fail(err, HELIOS_ENOMEM, "out of memory")
                                    : hl_reader_new(path, m->run->env, NULL, &m->heads[i].reader, err);
    hl_free_str(NULL, path);
    if (st == HELIOS_OK) st = advance(m, i, err);
    if (st != HELIOS_OK) return st;
  }
  return HELIOS_OK;
}

static void close_heads(merge *m) {
  for (size_t i = 0; i < m->run->file_count; i++) {
    helios_reader_free(m->heads[i].reader);
    m->heads[i] = (head){.ready = false};
  }
}

/* The file whose event comes next, or file_count. */
static size_t earliest(const merge *m) {
  size_t best = m->run->file_count;
  for (size_t i = 0; i < m->run->file_count; i++) {
    if (!m->heads[i].ready) continue;
    if (best == m->run->file_count || m->heads[i].event.wall_time < m->heads[best].event.wall_time) best = i;
    if (!m->by_time) break;
  }
  return best;
}

/* What remains of a summary or graph goes to m->summary. Returns how many values were left out. */
static helios_status split(merge *m, size_t file, const helios_event *e, size_t *gone, size_t *kept) {
  helios_point p;
  size_t cursor = 0;
  *gone = *kept = 0;
  hl_buf_reset(&m->summary);
  while (helios_event_next_point(e, &cursor, &p)) {
    p.file_index = (uint32_t)file;
    if (p.kind == HELIOS_KIND_TENSOR && p.plugin.length == 0)
      hl_point_set_kind(&p, hl_tag_table_kind(&m->run->tags, p.tag));
    p.tag_index = hl_tag_table_get(&m->run->tags, &p);
    if (p.tag_index == UINT32_MAX) return HELIOS_ENOMEM;
    if (hl_run_point_void(m->run, &p)) (*gone)++;
    else {
      (*kept)++;
      hl_wire_bytes_field(&m->summary, 1, p.encoded.data, p.encoded.length);
    }
  }
  return hl_buf_status(&m->summary);
}

static bool is_plain_copy(merge *m, const helios_event *e) {
  if (e->kind != HELIOS_EVENT_FILE_VERSION) return e->kind != HELIOS_EVENT_SESSION;
  bool first = !m->started;
  m->started = true;
  return first;
}

static helios_status put_event(merge *m, size_t file, const helios_event *e, hl_error *err) {
  size_t gone, kept;
  if (!is_plain_copy(m, e)) return HELIOS_OK;
  if (split(m, file, e, &gone, &kept) != HELIOS_OK) return hl_fail(err, HELIOS_ENOMEM, "out of memory");
  if (gone == 0) return hl_rewrite_put(&m->out, e->record.data, e->record.length, err);
  if (kept == 0) return HELIOS_OK;
  hl_buf_reset(&m->event);
  hl_event_with_summary(&m->event, e, &m->summary);
  if (m->event.failed) return hl_fail(err, HELIOS_ENOMEM, "out of memory");
  return hl_rewrite_put(&m->out, m->event.data, m->event.len, err);
}

static helios_status put_all(merge *m, hl_error *err) {
  m->started = false;
  m->events = 0;
  helios_status st = open_heads(m, err);
  for (size_t i; st == HELIOS_OK && (i = earliest(m)) < m->run->file_count;) {
    st = put_event(m, i, &m->heads[i].event, err);
    if (st == HELIOS_OK) st = advance(m, i, err);
  }
  close_heads(m);
  return st;
}

static helios_status count_points(helios_run *run, uint64_t *points, hl_error *err) {
  helios_status st = helios_run_scan(run);
  *points = 0;
  for (size_t i = 0; i < run->tags.count; i++) *points += run->tags.tags[i].info.points;
  return st == HELIOS_OK ? st : hl_fail(err, st, "%s", run->error.reason);
}

static helios_status points_written(merge *m, uint64_t *points, hl_error *err) {
  helios_run *check;
  helios_status st = hl_rewrite_sync(&m->out, err);
  if (st == HELIOS_OK) st = hl_run_new((const char *)m->out.temporary.data, m->run->env, NULL, &check, err);
  if (st != HELIOS_OK) return st;
  st = count_points(check, points, err);
  helios_run_free(check);
  return st;
}

/* Write the new file and leave it open in m->out. *points: what viewers would show of it. */
static helios_status write_merged(merge *m, const char *target, bool by_time, uint64_t *points, hl_error *err) {
  m->by_time = by_time;
  helios_status st = hl_rewrite_begin(&m->out, m->run->env, target, err);
  if (st != HELIOS_OK) return st;
  st = put_all(m, err);
  if (st == HELIOS_OK) st = points_written(m, points, err);
  if (st != HELIOS_OK) hl_rewrite_abort(&m->out);
  return st;
}

/* Until these are gone a reader meets old and new points alike; the new file, last by name, replaces theirs. */
static helios_status remove_others(const helios_run *run, hl_error *err) {
  for (size_t i = 0; i + 1 < run->file_count; i++) {
    int code = 0;
    char *path = file_path(run, i);
    if (path == NULL) return hl_fail(err, HELIOS_ENOMEM, "out of memory");
    helios_status st = HELIOS_OK;
    if (run->env->remove(run->env, path, &code) != 0) st = hl_fail_io(err, path, "cannot remove", code);
    hl_free_str(NULL, path);
    if (st != HELIOS_OK) return st;
  }
  return HELIOS_OK;
}

static helios_status replace_files(merge *m, const char *target, uint64_t wanted, helios_repair_stats *stats,
                                   hl_error *err) {
  uint64_t points = 0;
  helios_status st = write_merged(m, target, true, &points, err);
  if (st == HELIOS_OK && points < wanted) {
    hl_rewrite_abort(&m->out);
    st = write_merged(m, target, false, &points, err);
  }
  if (st != HELIOS_OK) return st;
  stats->kept = m->out.records;
  stats->dropped = m->events - m->out.records;
  stats->replaced = true;
  st = hl_rewrite_commit(&m->out, err);
  return st == HELIOS_OK ? remove_others(m->run, err) : st;
}

/* Damage would be lost with the old files: it is for repair, which tells what it drops. */
static helios_status check_files(const helios_run *run, hl_error *err) {
  for (size_t i = 0; i < run->file_count; i++) {
    const helios_reader *r = run->files[i].reader;
    helios_reader_stats s = {.size = sizeof s};
    if (r == NULL) return hl_fail(err, HELIOS_EIO, "%s: cannot be read", run->files[i].name);
    helios_reader_stats_get(r, &s);
    if (s.damaged > 0 || s.cut_bytes > 0)
      return hl_fail(err, HELIOS_EFORMAT, "%s: damaged: repair it first", helios_reader_path(r));
  }
  return HELIOS_OK;
}

static helios_status merge_scanned(helios_run *run, uint64_t wanted, helios_repair_stats *stats, hl_error *err) {
  merge m = {.run = run};
  helios_status st = check_files(run, err);
  if (st != HELIOS_OK) return st;
  char *target = file_path(run, run->file_count - 1);
  m.heads = hl_alloc_zeroed(NULL, run->file_count, sizeof *m.heads);
  hl_buf_init(&m.event, NULL);
  hl_buf_init(&m.summary, NULL);
  st = target == NULL || m.heads == NULL ? hl_fail(err, HELIOS_ENOMEM, "out of memory")
                                         : replace_files(&m, target, wanted, stats, err);
  hl_buf_free(&m.event);
  hl_buf_free(&m.summary);
  hl_free(NULL, m.heads, run->file_count * sizeof *m.heads);
  hl_free_str(NULL, target);
  return st;
}

helios_status helios_merge_run(const char *path, helios_repair_stats *stats, char *error, size_t error_size) {
  hl_error err = {0};
  helios_run *run;
  uint64_t wanted = 0;
  helios_repair_stats found = {.size = sizeof found};
  helios_status st = stats == NULL ? HELIOS_OK : hl_check_result(stats, &err);
  if (st == HELIOS_OK) st = hl_run_new(path, &hl_env_system, NULL, &run, &err);
  if (st != HELIOS_OK) return hl_tell(&err, st, error, error_size);
  if (!run->is_folder) st = hl_invalid(&err, "path", "%s is a file, not the folder of a run", path);
  if (st == HELIOS_OK) st = count_points(run, &wanted, &err);
  if (st == HELIOS_OK && (run->file_count > 1 || run->any_void)) st = merge_scanned(run, wanted, &found, &err);
  helios_run_free(run);
  if (stats != NULL) hl_give_result(stats, &found, sizeof found);
  return hl_tell(&err, st, error, error_size);
}

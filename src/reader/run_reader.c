/* run_reader.c - the points of one folder's event files, as viewers show them.
 *
 * What a later sitting replaced is known only at the end. Hence two passes that need memory per tag, not per point:
 * PLAN notes for each tag the places where its steps went back, FILTER reads again and leaves out what they void.
 * Events that arrive after the first pass, and all of them with keep_purged, are LIVE: a point that voids earlier ones
 * says so. */
#include "run_reader.h"

#include <errno.h>
#include <stdlib.h>

#include "../options.h"
#include "event_reader.h"

/* ---- the list of files ------------------------------------------------------------------------------- */

bool hl_is_event_file_name(const char *name) { return strstr(name, "tfevents") != NULL; }

static helios_status no_memory(hl_error *err) { return hl_fail(err, HELIOS_ENOMEM, "out of memory"); }

static bool file_known(const helios_run *run, const char *name) {
  for (size_t i = 0; i < run->file_count; i++)
    if (strcmp(run->files[i].name, name) == 0) return true;
  return false;
}

static bool room_for_file(helios_run *run) {
  if (run->file_count < run->file_capacity) return true;
  size_t capacity = run->file_capacity == 0 ? 4 : 2 * run->file_capacity;
  hl_run_file *files = hl_realloc(run->alloc, run->files, run->file_capacity * sizeof *files, capacity * sizeof *files);
  if (files == NULL) return false;
  run->files = files;
  run->file_capacity = capacity;
  return true;
}

static bool add_name(helios_run *run, const char *name) {
  char *copy = room_for_file(run) ? hl_strdup(run->alloc, name) : NULL;
  if (copy == NULL) return false;
  run->files[run->file_count++] = (hl_run_file){.name = copy};
  return true;
}

typedef struct listing {
  helios_run *run;
  bool failed;
} listing;

static bool take_name(void *ctx, const char *name) {
  listing *l = ctx;
  if (!hl_is_event_file_name(name) || file_known(l->run, name)) return true;
  l->failed = !add_name(l->run, name);
  return !l->failed;
}

static int by_name(const void *a, const void *b) {
  return strcmp(((const hl_run_file *)a)->name, ((const hl_run_file *)b)->name);
}

/* New files go behind those that are being read already. */
static helios_status find_files(helios_run *run, hl_error *err) {
  size_t before = run->file_count;
  listing l = {run, false};
  int code = 0;
  if (run->env->list_dir(run->env, run->path, take_name, &l, &code) != 0 && before == 0)
    return hl_fail_io(err, run->path, "cannot read the folder", code);
  if (l.failed) return no_memory(err);
  if (run->file_count > before) qsort(run->files + before, run->file_count - before, sizeof *run->files, by_name);
  return HELIOS_OK;
}

static helios_status open_reader(helios_run *run, hl_run_file *file, hl_error *err) {
  hl_buf path;
  hl_buf_init(&path, run->alloc);
  if (run->is_folder) hl_buf_printf(&path, "%s/", run->path);
  hl_buf_append(&path, file->name, strlen(file->name) + 1);
  helios_status st = hl_buf_status(&path);
  if (st == HELIOS_OK)
    st = hl_reader_new((const char *)path.data, run->env, &run->options, &file->reader, err);
  hl_buf_free(&path);
  return st;
}

/* ---- open and free ----------------------------------------------------------------------------------- */

static bool never(void *ctx, const char *name) {
  (void)ctx;
  (void)name;
  return false;
}

static helios_status list_first(helios_run *run, hl_error *err) {
  int code = 0;
  run->is_folder = run->env->list_dir(run->env, run->path, never, NULL, &code) == 0;
  if (!run->is_folder && code != ENOTDIR) return hl_fail_io(err, run->path, "cannot open", code);
  if (!run->is_folder) return add_name(run, run->path) ? open_reader(run, run->files, err) : no_memory(err);
  helios_status st = find_files(run, err);
  if (st == HELIOS_OK && run->file_count == 0)
    return hl_fail(err, HELIOS_EIO, "%s: no event files (names with \"tfevents\") in this folder", run->path);
  return st;
}

static helios_run *new_run(const hl_env *env, const helios_reader_options *o) {
  const helios_allocator *alloc = o->allocator != NULL ? o->allocator : &hl_default_allocator;
  helios_run *run = hl_alloc_zeroed(alloc, 1, sizeof *run);
  if (run == NULL) return NULL;
  run->own = *alloc;
  run->alloc = &run->own;
  run->env = env;
  run->options = *o;
  run->options.size = sizeof run->options;
  run->options.allocator = run->alloc;
  run->stage = o->keep_purged ? HL_RUN_LIVE : HL_RUN_PLAN;
  hl_tag_table_init(&run->tags, run->alloc, (uint64_t)env->monotonic_ns(env));
  return run;
}

helios_status hl_run_new(const char *path, const hl_env *env, const helios_reader_options *options, helios_run **out,
                         hl_error *err) {
  helios_reader_options o;
  if (out == NULL) return hl_invalid(err, "out", "is NULL");
  *out = NULL;
  if (path == NULL || path[0] == '\0') return hl_invalid(err, "path", "expected a path, got an empty one");
  helios_status st = hl_take_options(&o, sizeof o, options, err);
  if (st != HELIOS_OK) return st;
  helios_run *run = new_run(env, &o);
  if (run == NULL) return no_memory(err);
  run->path = hl_strdup(run->alloc, path);
  st = run->path == NULL ? no_memory(err) : list_first(run, err);
  if (st == HELIOS_OK) *out = run;
  else helios_run_free(run);
  return st;
}

helios_status helios_run_open(const char *path, const helios_reader_options *options, helios_run **out, char *error,
                              size_t error_size) {
  hl_error err = {0};
  return hl_tell(&err, hl_run_new(path, &hl_env_system, options, out, &err), error, error_size);
}

void helios_run_free(helios_run *run) {
  if (run == NULL) return;
  for (size_t i = 0; i < run->file_count; i++) {
    helios_reader_free(run->files[i].reader);
    hl_free_str(run->alloc, run->files[i].name);
  }
  hl_free(run->alloc, run->files, run->file_capacity * sizeof *run->files);
  hl_free(run->alloc, run->cuts.list, run->cuts.capacity * sizeof *run->cuts.list);
  hl_tag_table_free(&run->tags);
  hl_free_str(run->alloc, run->path);
  const helios_allocator own = run->own;
  hl_free(&own, run, sizeof *run);
}

/* ---- events in the order of the files ----------------------------------------------------------------- */

static uint64_t place_of(size_t file, uint64_t offset) { return (uint64_t)file << 48 | (offset & 0xffffffffffffu); }

/* Behind what the first pass read? Such events wait for the next stage. */
static bool beyond_plan(const helios_run *run, const hl_run_file *file) {
  return run->stage == HL_RUN_FILTER && file->reader->records.offset >= file->planned_end;
}

static helios_status event_of_file(helios_run *run, hl_run_file *file) {
  helios_status st = HELIOS_OK;
  if (file->reader == NULL) st = open_reader(run, file, &run->error);
  if (st != HELIOS_OK) return st;
  if (beyond_plan(run, file)) return HELIOS_EAGAIN;
  st = helios_reader_next(file->reader, &run->event);
  if (st == HELIOS_EIO || st == HELIOS_ENOMEM) run->error = file->reader->error;
  return st;
}

/* A file that cannot be read any more (removed, no rights) is no reason to hide the others, but it is told once. */
static helios_status event_or_told_failure(helios_run *run) {
  if (run->current >= run->file_count) return HELIOS_EAGAIN;
  hl_run_file *file = &run->files[run->current];
  helios_status st = event_of_file(run, file);
  if (st != HELIOS_EIO) return st;
  bool told = file->failure_told;
  file->failure_told = true;
  return told ? HELIOS_EAGAIN : st;
}

/* On to the next file; a finished one gives back memory and descriptor. False: all of them had nothing new in turn.
 * While live, reading goes round: an older file may still grow. */
static bool next_file(helios_run *run) {
  hl_run_file *file = &run->files[run->current];
  if (file->reader != NULL) hl_reader_park(file->reader);
  run->current++;
  run->quiet++;
  if (run->current < run->file_count) return run->quiet < run->file_count || run->stage != HL_RUN_LIVE;
  if (run->stage != HL_RUN_LIVE) return false;
  size_t before = run->file_count;
  if (run->is_folder) find_files(run, NULL);
  if (run->file_count > before) return true;
  run->current = 0;
  return run->quiet < run->file_count;
}

static helios_status next_event(helios_run *run) {
  for (;;) {
    helios_status st = event_or_told_failure(run);
    if (st == HELIOS_OK) {
      run->quiet = 0;
      return st;
    }
    if (st == HELIOS_ENOMEM) return st;
    bool more = run->current < run->file_count && next_file(run);
    if (st == HELIOS_EIO) return st;
    if (!more) break;
  }
  run->quiet = 0;
  return HELIOS_EAGAIN;
}

static void to_start(helios_run *run) {
  for (size_t i = 0; i < run->file_count; i++) {
    helios_reader_free(run->files[i].reader);
    run->files[i].reader = NULL;
  }
  run->current = run->quiet = 0;
  run->has_event = false;
  run->events_seen = false;
}

/* ---- points ------------------------------------------------------------------------------------------ */

static bool is_restart(const helios_run *run) {
  return run->event.kind == HELIOS_EVENT_SESSION && run->event.session_status == HELIOS_SESSION_START &&
         run->events_seen;
}

static void restart_point(const helios_run *run, helios_point *p) {
  hl_point_init(p, &run->event);
  p->kind = HELIOS_KIND_RESTART;
  p->tag_index = UINT32_MAX;
}

/* The next value or restart, whatever became of it later. */
static helios_status raw_point(helios_run *run, helios_point *p) {
  size_t before = run->cursor;
  while (!run->has_event || !helios_event_next_point(&run->event, &run->cursor, p)) {
    run->has_event = false;
    helios_status st = next_event(run);
    if (st != HELIOS_OK) return st;
    if (is_restart(run)) {
      restart_point(run, p);
      p->file_index = (uint32_t)run->current;
      return HELIOS_OK;
    }
    run->events_seen = run->events_seen || run->event.kind == HELIOS_EVENT_SUMMARY;
    run->has_event = true;
    before = run->cursor = 0;
  }
  p->file_index = (uint32_t)run->current;
  if (p->kind == HELIOS_KIND_TENSOR && p->plugin.length == 0)
    hl_point_set_kind(p, hl_tag_table_kind(&run->tags, p->tag));
  p->tag_index = hl_tag_table_get(&run->tags, p);
  if (p->tag_index != UINT32_MAX) return HELIOS_OK;
  run->cursor = before; /* to be given when asked again */
  return no_memory(&run->error);
}

static void account(hl_tag *tag, const helios_point *p) {
  helios_tag_info *info = &tag->info;
  if (info->points++ == 0) {
    info->first_step = p->step;
    info->first_time = p->wall_time;
  }
  info->last_step = p->step;
  info->last_time = p->wall_time;
  info->last_value = p->value;
  info->single = p->single;
}

/* A step at or below the tag's last one: the writer went back. */
static bool goes_back(const hl_tag *tag, const helios_point *p) {
  return tag->info.points > 0 && p->step <= tag->info.last_step;
}

/* ---- the first pass ---------------------------------------------------------------------------------- */

static bool note_cut(helios_run *run, hl_cuts *cuts, const helios_point *p) {
  run->any_void = true;
  return hl_cuts_add(cuts, run->alloc, place_of(p->file_index, p->offset), p->step);
}

static helios_status plan(helios_run *run) {
  helios_point p;
  helios_status st;
  run->stage = HL_RUN_PLAN;
  while ((st = raw_point(run, &p)) == HELIOS_OK) {
    bool noted = true;
    if (p.kind == HELIOS_KIND_RESTART) noted = note_cut(run, &run->cuts, &p);
    else {
      hl_tag *tag = &run->tags.tags[p.tag_index];
      if (goes_back(tag, &p)) noted = note_cut(run, &tag->cuts, &p);
      account(tag, &p);
    }
    if (!noted) return no_memory(&run->error);
  }
  return st;
}

bool hl_run_point_void(const helios_run *run, const helios_point *p) {
  uint64_t place = place_of(p->file_index, p->offset);
  return hl_cuts_void(&run->cuts, place, p->step) ||
         hl_cuts_void(&run->tags.tags[p->tag_index].cuts, place, p->step);
}

static helios_status filtered_point(helios_run *run, helios_point *p) {
  for (;;) {
    helios_status st = raw_point(run, p);
    if (st != HELIOS_OK) return st;
    if (p->kind == HELIOS_KIND_RESTART) continue;
    if (!hl_run_point_void(run, p)) return HELIOS_OK;
  }
}

/* A file that ended in damage will end there again, and is to tell so again. */
static void note_ends(helios_run *run) {
  for (size_t i = 0; i < run->file_count; i++) {
    const helios_reader *reader = run->files[i].reader;
    if (reader != NULL) run->files[i].planned_end = reader->records.ended ? UINT64_MAX : reader->records.offset;
  }
}

/* Points were left out: count what remains. */
static helios_status recount(helios_run *run) {
  helios_point p;
  helios_status st;
  to_start(run);
  for (size_t i = 0; i < run->tags.count; i++) run->tags.tags[i].info.points = 0;
  while ((st = filtered_point(run, &p)) == HELIOS_OK) account(&run->tags.tags[p.tag_index], &p);
  return st;
}

static helios_status first_pass(helios_run *run) {
  helios_status st = plan(run);
  if (st != HELIOS_EAGAIN) return st;
  note_ends(run);
  run->stage = HL_RUN_FILTER;
  return run->any_void ? recount(run) : st;
}

/* What is half known is worth nothing: out of memory, all of it is read anew next time. */
static helios_status forget(helios_run *run, helios_status st) {
  to_start(run);
  hl_tag_table_free(&run->tags);
  run->cuts.count = 0;
  return st;
}

helios_status helios_run_scan(helios_run *run) {
  if (run == NULL) return HELIOS_EINVAL;
  run->error = (hl_error){0};
  if (run->scanned || run->options.keep_purged) return HELIOS_OK;
  helios_status st = first_pass(run);
  if (st == HELIOS_ENOMEM) return forget(run, st);
  if (st != HELIOS_EAGAIN) return st;
  run->scanned = true;
  return HELIOS_OK;
}

/* ---- public ------------------------------------------------------------------------------------------ */

static helios_status live_point(helios_run *run, helios_point *p) {
  helios_status st = raw_point(run, p);
  if (st != HELIOS_OK || p->kind == HELIOS_KIND_RESTART) return st;
  hl_tag *tag = &run->tags.tags[p->tag_index];
  p->restarts = goes_back(tag, p);
  account(tag, p);
  return HELIOS_OK;
}

static void to_live(helios_run *run) {
  run->stage = HL_RUN_LIVE;
  run->current = run->quiet = 0;
}

helios_status helios_run_next(helios_run *run, helios_point *p) {
  if (run == NULL || p == NULL) return HELIOS_EINVAL;
  run->error.status = HELIOS_OK;
  if (!run->started) {
    helios_status st = helios_run_scan(run);
    if (st != HELIOS_OK) return st;
    to_start(run);
    run->started = true;
  }
  if (run->stage == HL_RUN_FILTER) {
    helios_status st = filtered_point(run, p);
    if (st != HELIOS_EAGAIN) return st;
    to_live(run);
  }
  return live_point(run, p);
}

helios_status helios_run_rewind(helios_run *run) {
  if (run == NULL) return HELIOS_EINVAL;
  run->started = false;
  if (run->options.keep_purged) return forget(run, HELIOS_OK);
  if (run->scanned) run->stage = HL_RUN_FILTER;
  return HELIOS_OK;
}

helios_status helios_run_load(helios_run *run) {
  helios_point p;
  helios_status st;
  if (run == NULL) return HELIOS_EINVAL;
  if (!run->options.keep_purged) return hl_invalid(&run->error, "run", "load is for runs opened with keep_purged");
  run->error = (hl_error){0};
  while ((st = live_point(run, &p)) == HELIOS_OK) {
    if (p.kind == HELIOS_KIND_RESTART)
      for (size_t i = 0; i < run->tags.count; i++) hl_column_cut(&run->tags.tags[i].column, p.step);
    if (p.kind != HELIOS_KIND_SCALAR) continue;
    hl_column *column = &run->tags.tags[p.tag_index].column;
    if (p.restarts) hl_column_cut(column, p.step);
    if (!hl_column_add(column, run->alloc, &p)) return forget(run, no_memory(&run->error));
  }
  return st == HELIOS_EAGAIN ? HELIOS_OK : st;
}

bool helios_run_column(const helios_run *run, size_t i, helios_column *out) {
  if (run == NULL || out == NULL || i >= run->tags.count) return false;
  const hl_column *c = &run->tags.tags[i].column;
  *out = (helios_column){c->count, c->steps, c->times, c->values};
  return true;
}

size_t helios_run_tag_count(const helios_run *run) { return run != NULL ? run->tags.count : 0; }

bool helios_run_tag(const helios_run *run, size_t i, helios_tag_info *out) {
  if (run == NULL || out == NULL || i >= run->tags.count) return false;
  *out = run->tags.tags[i].info;
  return true;
}

size_t helios_run_file_count(const helios_run *run) { return run != NULL ? run->file_count : 0; }

const helios_reader *helios_run_file(const helios_run *run, size_t i) {
  return run != NULL && i < run->file_count ? run->files[i].reader : NULL;
}

size_t helios_run_error(const helios_run *run, char *text, size_t size) {
  return hl_error_text(run != NULL ? &run->error : &(hl_error){.reason = "no run"}, text, size);
}

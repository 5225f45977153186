/* writer.c - a run as an object: open, close, its folders and files, and the way of an event into the queue. The kinds
 * are in writer_add.c and its neighbours. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "fork.h"
#include "path.h"
#include "recover.h"
#include "run_file.h"
#include "writer_impl.h"

enum { SCRATCH_SIZE = 4096, NAMES_TRIED = 16 };

#define DEFAULT_FLUSH_SECS 2.0

/* ---- runs --------------------------------------------------------------------------------------------- */

static void free_run(helios_writer *w, hl_run *run) {
  if (run == NULL) return;
  hl_free_str(&w->alloc, run->folder);
  hl_free_str(&w->alloc, run->file);
  hl_free(&w->alloc, run, sizeof *run);
}

static helios_status make_folder(helios_writer *w, const char *folder, hl_error *err) {
  int code;
  if (hl_env_make_dirs(w->env, folder, &code) == 0) return HELIOS_OK;
  return hl_fail_io(err, folder, "cannot make the folder", code);
}

static void report(helios_writer *w, const hl_error *err) {
  if (w->options.on_error != NULL) w->options.on_error(w->options.ctx, err->status, err->reason);
}

/* folder: absolute, terminated. */
static hl_run *new_run(helios_writer *w, const char *folder) {
  if (w->run_count == w->run_capacity) {
    size_t capacity = w->run_capacity == 0 ? 4 : w->run_capacity * 2;
    hl_run **runs = hl_realloc(&w->alloc, w->runs, w->run_capacity * sizeof *runs, capacity * sizeof *runs);
    if (runs == NULL) return NULL;
    w->runs = runs;
    w->run_capacity = capacity;
  }
  hl_run *run = hl_alloc_zeroed(&w->alloc, 1, sizeof *run);
  if (run == NULL) return NULL;
  run->folder = hl_strdup(&w->alloc, folder);
  if (run->folder == NULL) {
    free_run(w, run);
    return NULL;
  }
  w->runs[w->run_count++] = run;
  return run;
}

/* A folder that cannot be made now is an I/O failure like any other: told once, and its events are kept and tried again. */
static void try_make_folder(helios_writer *w, const char *folder) {
  hl_error err = {.status = HELIOS_OK};
  if (make_folder(w, folder, &err) != HELIOS_OK) report(w, &err);
}

static hl_run *add_run(helios_writer *w, hl_str path) {
  hl_buf folder;
  hl_buf_init(&folder, &w->alloc);
  hl_buf_append_str(&folder, w->main->folder);
  hl_buf_append_byte(&folder, '/');
  hl_buf_append(&folder, path.data, path.len);
  hl_buf_append_byte(&folder, '\0');
  hl_run *run = folder.failed ? NULL : new_run(w, (const char *)folder.data);
  hl_buf_free(&folder);
  if (run == NULL) return NULL;
  if (!hl_str_map_put(&w->run_numbers, path, (uint32_t)w->run_count - 1)) {
    w->run_count--;
    free_run(w, run);
    return NULL;
  }
  try_make_folder(w, run->folder);
  return run;
}

helios_status hl_writer_run(helios_writer *w, hl_str path, hl_run **run, hl_error *err) {
  uint32_t number;
  pthread_mutex_lock(&w->lock);
  *run = hl_str_map_get(&w->run_numbers, path, &number) ? w->runs[number] : add_run(w, path);
  pthread_mutex_unlock(&w->lock);
  return *run != NULL ? HELIOS_OK : hl_fail(err, HELIOS_ENOMEM, "out of memory");
}

/* ---- the event file, made with the first event --------------------------------------------------------- */

static double now(const helios_writer *w) {
  return w->options.clock != NULL ? w->options.clock(w->options.clock_ctx) : w->env->now(w->env);
}

/* A name that another process took in the same second is tried again under the next number. */
static helios_status make_file(helios_writer *w, hl_run *run, hl_error *err) {
  const char *suffix = w->options.filename_suffix != NULL ? w->options.filename_suffix : "";
  helios_status st = HELIOS_EIO;
  hl_buf path;
  hl_buf_init(&path, &w->alloc);
  for (int i = 0; i < NAMES_TRIED && st == HELIOS_EIO; i++) {
    hl_buf_reset(&path);
    *err = (hl_error){.status = HELIOS_OK};
    hl_run_file_name(&path, w->env, run->folder, now(w), suffix);
    st = path.failed ? HELIOS_ENOMEM : hl_queue_add_target(w->queue, (const char *)path.data, true, &run->target, err);
    if (st == HELIOS_EIO && strstr(err->reason, strerror(EEXIST)) == NULL) break;
  }
  if (st == HELIOS_EIO) /* the disk says no: the queue keeps the events, tries again later, and tells why not */
    st = hl_queue_add_target(w->queue, (const char *)path.data, false, &run->target, NULL);
  if (st == HELIOS_OK) {
    hl_free_str(&w->alloc, run->file); /* of a start that failed half-way */
    run->file = hl_strdup(&w->alloc, strrchr((const char *)path.data, '/') + 1);
    if (run->file == NULL) st = HELIOS_ENOMEM;
  }
  hl_buf_free(&path);
  return st;
}

static helios_status first_records(helios_writer *w, hl_buf *records) {
  const char *source = w->options.source != NULL ? w->options.source : "helios";
  double t = now(w);
  helios_status st = hl_encode_file_start(records, t, source);
  if (st == HELIOS_OK && w->options.has_purge_step) st = hl_encode_purge(records, t, w->options.purge_step);
  return st;
}

static helios_status start_run(helios_writer *w, hl_run *run, hl_error *err) {
  hl_buf records;
  hl_buf_init(&records, &w->alloc);
  helios_status st = first_records(w, &records);
  if (st == HELIOS_OK) st = make_file(w, run, err);
  if (st == HELIOS_OK) /* out of memory: should the file be removed, it is made anew without them */
    (void)hl_queue_set_start(w->queue, run->target, records.data, records.len);
  if (st == HELIOS_OK)
    st = hl_queue_push(w->queue, run->target, HL_CLASS_TEXT, records.data, records.len, 0);
  hl_buf_free(&records);
  if (st == HELIOS_OK) run->started = true;
  return st;
}

static helios_status ensure_started(helios_writer *w, hl_run *run, hl_error *err) {
  if (run->started) return HELIOS_OK;
  pthread_mutex_lock(&w->lock);
  helios_status st = run->started ? HELIOS_OK : start_run(w, run, err);
  pthread_mutex_unlock(&w->lock);
  return st;
}

helios_status hl_writer_push(helios_writer *w, hl_run *run, hl_class c, hl_str records, uint32_t count, hl_error *err) {
  helios_status st = ensure_started(w, run, err);
  return st == HELIOS_OK ? hl_queue_push(w->queue, run->target, c, records.data, records.len, count) : st;
}

/* ---- one call ------------------------------------------------------------------------------------------ */

helios_status hl_writer_check(helios_writer *w) {
  if (w == NULL) return HELIOS_EINVAL;
  if (!hl_queue_alive(w->queue)) return HELIOS_EFORKED;
  return w->closed ? HELIOS_ECLOSED : HELIOS_OK;
}

helios_status hl_writer_fail(helios_writer *w, helios_status st, const hl_error *err) {
  if (st == HELIOS_OK || st == HELIOS_EFORKED || w == NULL) return st; /* in a forked child the lock may be held for ever */
  hl_error detail = *err;
  if (detail.status == HELIOS_OK) hl_fail(&detail, st, "%s", st == HELIOS_ECLOSED ? "writer is closed" : helios_strerror(st));
  pthread_mutex_lock(&w->lock);
  w->error = detail;
  pthread_mutex_unlock(&w->lock);
  return st;
}

static void note_step(helios_writer *w, int64_t step) {
  int64_t highest = atomic_load_explicit(&w->highest_step, memory_order_relaxed);
  while (step > highest && !atomic_compare_exchange_weak_explicit(&w->highest_step, &highest, step,
                                                                  memory_order_relaxed, memory_order_relaxed))
    continue;
}

helios_status hl_take_add_options(void *taken, size_t taken_size, const void *options, hl_error *err) {
  helios_status st = hl_take_options(taken, taken_size, options, err);
  const helios_add_options *o = taken;
  if (st != HELIOS_OK || !o->has_walltime || isfinite(o->walltime)) return st;
  return hl_invalid(err, "walltime", "expected a finite number of seconds, got %g", o->walltime);
}

hl_event hl_writer_event(helios_writer *w, int64_t step, const void *taken_options) {
  const helios_add_options *o = taken_options;
  if (step == HELIOS_NO_STEP) step = w->step;
  note_step(w, step);
  return (hl_event){.wall_time = o != NULL && o->has_walltime ? o->walltime : now(w),
                    .step = step == HELIOS_NO_STEP ? 0 : step};
}

void hl_writer_take_buf(helios_writer *w, hl_buf *b) {
  hl_buf_init(b, &w->alloc);
  b->data = atomic_exchange(&w->scratch, NULL);
  if (b->data != NULL) b->cap = SCRATCH_SIZE;
}

void hl_writer_give_buf(helios_writer *w, hl_buf *b) {
  unsigned char *none = NULL;
  if (b->cap == SCRATCH_SIZE && atomic_compare_exchange_strong(&w->scratch, &none, b->data)) b->data = NULL;
  hl_free(b->alloc, b->data, b->cap);
  hl_buf_init(b, b->alloc);
}

helios_status hl_add_begin(hl_add *a, helios_writer *w, const char *tag, int64_t step, const void *options,
                           void *taken, size_t taken_size) {
  a->w = w; /* not *a = {...}: setting all of a->err to zero takes longer than the rest */
  a->err.status = HELIOS_OK;
  helios_status st = hl_writer_check(w);
  hl_buf_init(&a->buf, w != NULL ? &w->alloc : NULL);
  if (st == HELIOS_OK) st = hl_take_add_options(taken, taken_size, options, &a->err);
  if (st != HELIOS_OK) return st;
  st = hl_check_name(tag, "tag", &a->tag, &a->err);
  if (st != HELIOS_OK) return st;
  a->event = hl_writer_event(w, step, taken);
  hl_writer_take_buf(w, &a->buf);
  a->mark = hl_event_begin(&a->buf);
  return HELIOS_OK;
}

helios_status hl_add_end_field(hl_add *a, helios_status st, hl_class c, uint32_t event_field) {
  hl_str record;
  if (st == HELIOS_OK) st = hl_buf_status(&a->buf);
  if (st == HELIOS_OK) st = hl_event_end(&a->buf, a->mark, &a->event, event_field, &record);
  if (st == HELIOS_OK) st = hl_writer_push(a->w, a->w->main, c, record, 1, &a->err);
  if (st != HELIOS_EFORKED && a->w != NULL) hl_writer_give_buf(a->w, &a->buf);
  return hl_writer_fail(a->w, st, &a->err);
}

helios_status hl_add_end(hl_add *a, helios_status st, hl_class c) {
  return hl_add_end_field(a, st, c, HL_EVENT_SUMMARY);
}

helios_status hl_writer_begin_media(hl_media_request *m, helios_writer *w, const char *tag, int64_t step,
                                    const void *options, void *taken, size_t taken_size) {
  *m = (hl_media_request){.w = w};
  helios_status st = hl_writer_check(w);
  if (st == HELIOS_OK) st = hl_take_add_options(taken, taken_size, options, &m->err);
  if (st != HELIOS_OK) return st;
  m->event = hl_writer_event(w, step, taken);
  return hl_check_name(tag, "tag", &m->tag, &m->err);
}

static helios_status hand_over(hl_media_request *m, hl_media_kind kind) {
  helios_writer *w = m->w;
  hl_media_call call = {.kind = (uint32_t)kind, .event = m->event, .params = m->params};
  helios_status st = ensure_started(w, w->main, &m->err);
  if (st != HELIOS_OK) return st;
  call.written = hl_queue_written(w->queue, w->main->target);
  size_t size = strlen(w->main->file) + 1;
  memcpy(call.path, w->main->file, size < sizeof call.path ? size : 0);
  memcpy(call.pending, w->pending, sizeof call.pending);
  return hl_media_add(w->media, &call, m->tag, &m->values);
}

helios_status hl_writer_end_media(hl_media_request *m, helios_status st, hl_media_kind kind) {
  if (st == HELIOS_OK) st = hand_over(m, kind);
  return hl_writer_fail(m->w, st, &m->err);
}

static bool first_time_not_finite(helios_writer *w, const char *tag) {
  uint32_t value;
  hl_str key = hl_str_of(tag);
  pthread_mutex_lock(&w->lock);
  bool first = !hl_str_map_get(&w->told, key, &value);
  if (first) first = hl_str_map_put(&w->told, key, 1);
  pthread_mutex_unlock(&w->lock);
  return first;
}

void hl_writer_check_finite(helios_writer *w, const char *tag, double value, int64_t step) {
  if (isfinite(value) || w->options.on_notice == NULL || !first_time_not_finite(w, tag)) return;
  w->options.on_notice(w->options.ctx, tag, value, step == HELIOS_NO_STEP ? w->step : step);
}

/* ---- lifecycle ----------------------------------------------------------------------------------------- */

helios_status helios_writer_set_step(helios_writer *w, int64_t step) {
  helios_status st = hl_writer_check(w);
  if (st == HELIOS_OK) w->step = step;
  return hl_writer_fail(w, st, &(hl_error){.status = HELIOS_OK});
}

int64_t helios_writer_highest_step(const helios_writer *w) {
  return w == NULL ? 0 : atomic_load_explicit(&w->highest_step, memory_order_relaxed);
}

static helios_status copy_strings(helios_writer *w, const char *run_path) {
  helios_writer_options *o = &w->options;
  w->run_path = hl_strdup(&w->alloc, run_path);
  bool ok = w->run_path != NULL;
  if (o->source != NULL) ok &= (o->source = hl_strdup(&w->alloc, o->source)) != NULL;
  if (o->filename_suffix != NULL) ok &= (o->filename_suffix = hl_strdup(&w->alloc, o->filename_suffix)) != NULL;
  return ok ? HELIOS_OK : HELIOS_ENOMEM;
}

static helios_status check_options(const helios_writer_options *o, hl_error *err) {
  if (!(o->flush_secs >= 0 && o->flush_secs < 1e9)) return hl_invalid(err, "flush_secs", "must be a time in seconds");
  if (o->filename_suffix != NULL && (strchr(o->filename_suffix, '/') != NULL || strlen(o->filename_suffix) > 100))
    return hl_invalid(err, "filename_suffix", "must be short and without '/'");
  if (o->durability != HELIOS_DURABLE_PROCESS && o->durability != HELIOS_DURABLE_DISK)
    return hl_invalid(err, "durability", "unknown value %d", (int)o->durability);
  if (o->scalars_layout != HELIOS_SCALARS_RUNS && o->scalars_layout != HELIOS_SCALARS_TAGS)
    return hl_invalid(err, "scalars_layout", "unknown value %d", (int)o->scalars_layout);
  return HELIOS_OK;
}

/* Without the slashes that a user may have put at its end. */
static void trim_slashes(char *path) {
  size_t n = strlen(path);
  while (n > 1 && path[n - 1] == '/') path[--n] = '\0';
}

static helios_status open_main_run(helios_writer *w, hl_error *err) {
  int code;
  size_t size = strlen(w->run_path) + 1;
  char *given = hl_alloc(&w->alloc, size);
  if (given == NULL) return HELIOS_ENOMEM;
  memcpy(given, w->run_path, size);
  trim_slashes(given);
  char *folder = hl_path_absolute(&w->alloc, w->env, given, &code);
  hl_free(&w->alloc, given, size);
  if (folder == NULL && code == ENOMEM) return HELIOS_ENOMEM;
  if (folder == NULL) return hl_fail_io(err, w->run_path, "cannot be made absolute", code);
  helios_status st = make_folder(w, folder, err);
  if (st == HELIOS_OK) {
    w->main = new_run(w, folder);
    if (w->main == NULL) st = HELIOS_ENOMEM;
  }
  hl_free_str(&w->alloc, folder);
  return st;
}

static helios_status open_queue(helios_writer *w, hl_error *err) {
  const helios_writer_options *o = &w->options;
  double flush_secs = o->flush_secs > 0 ? o->flush_secs : DEFAULT_FLUSH_SECS;
  hl_queue_options qo = {.folder = w->main->folder,
                         .max_overflow = o->max_pending,
                         .flush_ns = (int64_t)(flush_secs * 1e9),
                         .disk = o->durability == HELIOS_DURABLE_DISK,
                         .no_thread = o->threads < 0,
                         .alloc = &w->alloc,
                         .env = w->env,
                         .on_error = o->on_error,
                         .ctx = o->ctx};
  helios_status st = hl_queue_open(&w->queue, &qo, err);
  if (st == HELIOS_OK) hl_queue_pending_name(w->queue, w->pending, sizeof w->pending);
  return st;
}

static helios_status push_media(void *ctx, hl_str record) {
  helios_writer *w = ctx;
  return hl_writer_push(w, w->main, HL_CLASS_MEDIA, record, 1 | HL_RECORDS_COUNTED, NULL);
}

static void media_failed(void *ctx, helios_status status) {
  helios_writer *w = ctx;
  hl_error err = {.status = HELIOS_OK};
  hl_queue_add_dropped(w->queue, 1);
  hl_fail(&err, status, "an event could not be encoded: %s", helios_strerror(status));
  report(w, &err);
}

static helios_status open_media(helios_writer *w) {
  hl_media_options o = {.folder = w->main->folder,
                        .alloc = &w->alloc,
                        .env = w->env,
                        .threads = w->options.threads >= 0,
                        .sink = push_media,
                        .failed = media_failed,
                        .ctx = w};
  w->media = hl_media_open(&o);
  return w->media != NULL ? HELIOS_OK : HELIOS_ENOMEM;
}

/* A folder that cannot be written is an error now, not at the first event. */
static helios_status check_writable(helios_writer *w, hl_error *err) {
  int code;
  if (w->env->can_write_dir(w->env, w->main->folder, &code)) return HELIOS_OK;
  return hl_fail_io(err, w->main->folder, "cannot write into the folder", code);
}

static helios_status recover_folder(helios_writer *w) {
  hl_error err = {.status = HELIOS_OK};
  helios_status st = hl_recover_folder(w->env, &w->alloc, w->main->folder, NULL, NULL, &err);
  if (st != HELIOS_OK && st != HELIOS_ENOMEM) report(w, &err); /* the pending file stays for the next try */
  return st == HELIOS_ENOMEM ? st : HELIOS_OK;
}

static helios_status open_writer(helios_writer *w, const char *run_path, hl_error *err) {
  helios_status st = copy_strings(w, run_path);
  if (st == HELIOS_OK) st = open_main_run(w, err);
  if (st == HELIOS_OK) st = check_writable(w, err);
  if (st == HELIOS_OK) st = recover_folder(w);
  if (st == HELIOS_OK) st = open_media(w);
  if (st == HELIOS_OK) st = open_queue(w, err); /* last: it makes a file */
  return st;
}

static void free_writer(helios_writer *w) {
  helios_allocator alloc = w->alloc;
  hl_media_free(w->media);
  for (size_t i = 0; i < w->run_count; i++) free_run(w, w->runs[i]);
  hl_free(&alloc, w->runs, w->run_capacity * sizeof *w->runs);
  hl_str_map_free(&w->run_numbers);
  hl_str_map_free(&w->told);
  hl_layout_free(w);
  hl_buf_free(&w->projector);
  hl_free(&alloc, w->scratch, SCRATCH_SIZE);
  hl_free_str(&alloc, (char *)(uintptr_t)w->options.source);
  hl_free_str(&alloc, (char *)(uintptr_t)w->options.filename_suffix);
  hl_free_str(&alloc, w->run_path);
  hl_free(&alloc, w, sizeof *w);
}

static helios_writer *new_writer(const hl_env *env, const helios_writer_options *o) {
  const helios_allocator *alloc = o->allocator != NULL ? o->allocator : &hl_default_allocator;
  helios_writer *w = hl_alloc_zeroed(alloc, 1, sizeof *w);
  if (w == NULL) return NULL;
  w->alloc = *alloc;
  w->env = env;
  w->options = *o;
  w->step = w->highest_step = HELIOS_NO_STEP;
  w->scratch = hl_alloc(alloc, SCRATCH_SIZE); /* NULL: each call then takes its own */
  hl_str_map_init(&w->run_numbers, &w->alloc);
  hl_str_map_init(&w->told, &w->alloc);
  hl_buf_init(&w->projector, &w->alloc);
  pthread_mutex_init(&w->lock, NULL);
  return w;
}

helios_status hl_writer_open(const hl_env *env, const char *run_path, const helios_writer_options *options,
                             helios_writer **out, hl_error *err) {
  helios_writer_options taken;
  if (out == NULL) return hl_invalid(err, "out", "is NULL");
  *out = NULL;
  helios_status st = hl_take_options(&taken, sizeof taken, options, err);
  if (st == HELIOS_OK) st = check_options(&taken, err);
  if (st == HELIOS_OK && (run_path == NULL || run_path[0] == '\0'))
    st = hl_invalid(err, "run_path", run_path == NULL ? "is NULL" : "is empty");
  if (st != HELIOS_OK) return st;
  helios_writer *w = new_writer(env, &taken);
  if (w == NULL) return HELIOS_ENOMEM;
  st = open_writer(w, run_path, err);
  if (st == HELIOS_OK) *out = w;
  else free_writer(w);
  return st;
}

helios_status helios_writer_open(const char *run_path, const helios_writer_options *options, helios_writer **out,
                                 char *error, size_t error_size) {
  hl_error err = {.status = HELIOS_OK};
  return hl_tell(&err, hl_writer_open(&hl_env_system, run_path, options, out, &err), error, error_size);
}

helios_status helios_writer_flush(helios_writer *w) {
  hl_error err = {.status = HELIOS_OK};
  helios_status st = hl_writer_check(w);
  if (st == HELIOS_ECLOSED) return HELIOS_OK; /* nothing is left to flush */
  if (st == HELIOS_OK) hl_media_wait(w->media);
  if (st == HELIOS_OK) st = hl_queue_flush(w->queue, &err);
  return hl_writer_fail(w, st, &err);
}

helios_status helios_writer_close(helios_writer *w) {
  hl_error err = {.status = HELIOS_OK};
  if (w == NULL) return HELIOS_EINVAL;
  if (!hl_queue_alive(w->queue)) return HELIOS_EFORKED;
  if (atomic_exchange(&w->closed, true)) return HELIOS_OK;
  hl_media_close(w->media);
  return hl_writer_fail(w, hl_queue_close(w->queue, &err), &err);
}

void helios_writer_free(helios_writer *w) {
  if (w == NULL) return;
  bool whole = true;
  if (hl_queue_alive(w->queue)) {
    helios_writer_close(w);
    pthread_mutex_destroy(&w->lock);
  } else {
    whole = hl_fork_found_whole(&w->lock);
  }
  hl_queue_free(w->queue);
  if (whole) free_writer(w);
}

/* What waits to be encoded is pending, too. */
static void add_media_stats(helios_writer *w, helios_stats *stats) {
  uint64_t calls, bytes;
  hl_media_count(w->media, &calls, &bytes);
  stats->events += calls;
  stats->pending += bytes;
}

helios_status helios_writer_stats(helios_writer *w, helios_stats *out) {
  hl_error err = {.status = HELIOS_OK};
  helios_stats stats = {.size = sizeof stats};
  if (w == NULL) return HELIOS_EINVAL;
  if (!hl_queue_alive(w->queue)) return HELIOS_EFORKED;
  if (hl_check_result(out, &err) != HELIOS_OK) return hl_writer_fail(w, HELIOS_EINVAL, &err);
  hl_queue_stats(w->queue, &stats);
  add_media_stats(w, &stats);
  hl_give_result(out, &stats, sizeof stats);
  return HELIOS_OK;
}

const char *helios_writer_run_path(const helios_writer *w) { return w != NULL ? w->run_path : NULL; }

size_t helios_writer_error(helios_writer *w, char *text, size_t size) {
  if (w == NULL) return hl_error_text(&(hl_error){.reason = "no writer"}, text, size);
  if (!hl_queue_alive(w->queue)) {
    hl_error forked = {.status = HELIOS_OK};
    hl_fail(&forked, HELIOS_EFORKED, "%s", helios_strerror(HELIOS_EFORKED));
    return hl_error_text(&forked, text, size);
  }
  pthread_mutex_lock(&w->lock);
  size_t n = hl_error_text(&w->error, text, size);
  pthread_mutex_unlock(&w->lock);
  return n;
}

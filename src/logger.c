/* logger.c - a text log: levels, a file behind a queue, sinks. Knows neither how a line looks, nor how the queue keeps it,
 * nor what sinks do with it.
 *
 * Two locks. `lock` guards what a logged line needs and is held for a copy; for a write only by a caller that finds the
 * queue's ring full, or no ring that outlives the process. `files` is held while files are opened, flushed and closed, so
 * that the queue a flush works on stays. `queue` and `target` change under both and are read under either. Order: files,
 * then lock. Sinks run under none. */
#include "logger.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "alloc.h"
#include "buf.h"
#include "fork.h"
#include "log_line.h"
#include "log_sinks.h"
#include "options.h"
#include "path.h"
#include "queue.h"
#include "recover.h"

enum { SHORT_TEXT = 512 }; /* formatted messages up to this need no heap */

static const double DEFAULT_FLUSH_SECS = 0.2;
static const double LONGEST_FLUSH_SECS = 86400;

/* An open log file. */
typedef struct log_file {
  hl_queue *queue; /* NULL: none is open */
  uint32_t target;
} log_file;

struct helios_logger {
  helios_allocator alloc;
  const hl_env *env;
  helios_logger_options options;
  hl_str mark; /* empty: none */
  uint_fast32_t generation;

  atomic_int level;
  atomic_int threshold; /* the lowest level that the file or a sink gets */

  pthread_mutex_t files;
  char *path;     /* as given; NULL: no file */
  char *absolute; /* the same for reopen */
  helios_stats past;  /* sums of files closed */
  hl_error untold;    /* what a flush or close found that no caller was told yet */

  pthread_mutex_t lock;
  log_file file;
  hl_sinks *sinks;
  int sinks_from;   /* the lowest level of the sinks */
  hl_log_stamp stamp;
  hl_buf spare;     /* memory for the next line that sinks want */
  hl_error error;   /* of the last failed call */
};

static double now(const helios_logger *l) {
  return l->options.clock != NULL ? l->options.clock(l->options.clock_ctx) : l->env->now(l->env);
}

/* ---- failures ------------------------------------------------------------------------------------------ */

static bool alive(const helios_logger *l) { return l->generation == hl_fork_generation(); }

/* Keep the detail of a call that failed. */
static helios_status note(helios_logger *l, const hl_error *err) {
  if (err->status == HELIOS_OK) return HELIOS_OK;
  pthread_mutex_lock(&l->lock);
  l->error = *err;
  pthread_mutex_unlock(&l->lock);
  return err->status;
}

static helios_status note_invalid(helios_logger *l, const char *argument, const char *reason) {
  hl_error err = {0};
  hl_invalid(&err, argument, "%s", reason);
  return note(l, &err);
}

/* Under `files`: keep what nobody who could be told asked for, for the next flush or close. */
static void keep_untold(helios_logger *l, helios_status status, const hl_error *err) {
  if (status == HELIOS_OK || l->untold.status != HELIOS_OK) return;
  l->untold = *err;
  l->untold.status = status;
}

/* Under `files`: everything untold, told. */
static helios_status tell(helios_logger *l) {
  hl_error err = l->untold;
  l->untold = (hl_error){0};
  return note(l, &err);
}

/* ---- sinks --------------------------------------------------------------------------------------------- */

/* Under `lock`: who gets what has changed. */
static void find_threshold(helios_logger *l) {
  int lowest = l->sinks_from = hl_sinks_lowest(l->sinks);
  if (l->file.queue != NULL && l->options.file_level < lowest) lowest = l->options.file_level;
  int level = atomic_load(&l->level);
  atomic_store(&l->threshold, level > lowest ? level : lowest);
}

/* Under `lock`. */
static void use_sinks(helios_logger *l, hl_sinks *sinks) {
  hl_sinks_drop(l->sinks, &l->alloc);
  l->sinks = sinks;
  find_threshold(l);
}

/* Under `lock`. */
static helios_status add_sink(helios_logger *l, hl_sink s) {
  hl_sinks *sinks = hl_sinks_with(l->sinks, s, &l->alloc);
  if (sinks == NULL) return HELIOS_ENOMEM;
  use_sinks(l, sinks);
  return HELIOS_OK;
}

/* Under `lock`. */
static helios_status remove_sink(helios_logger *l, helios_sink_fn fn, const void *ctx) {
  size_t count = l->sinks == NULL ? 0 : l->sinks->count, at = hl_sinks_find(l->sinks, fn, ctx);
  if (at == count) return HELIOS_EINVAL;
  hl_sinks *rest = hl_sinks_without(l->sinks, at, &l->alloc);
  if (rest == NULL && count > 1) return HELIOS_ENOMEM;
  use_sinks(l, rest);
  return HELIOS_OK;
}

/* ---- files --------------------------------------------------------------------------------------------- */

/* Nothing is kept beside a pipe, a device or a link to one. */
static bool is_special(const helios_logger *l, const char *path) {
  bool regular;
  int code;
  return l->env->stat_path(l->env, path, &regular, NULL, &code) == 0 && !regular;
}

/* What cannot be recovered now stays for the next try; logging goes on all the same. */
static void recover_pending(helios_logger *l, const char *path, const char *folder) {
  hl_error err = {0};
  const char *name = strrchr(path, '/') + 1;
  helios_status st = hl_recover_folder(l->env, &l->alloc, folder, name, NULL, &err);
  if (st == HELIOS_OK) return;
  if (err.status == HELIOS_OK) hl_fail(&err, st, "%s: cannot be recovered: out of memory", path);
  if (l->options.on_error != NULL) l->options.on_error(l->options.ctx, err.status, err.reason);
}

static helios_status open_queue(helios_logger *l, const char *path, const char *folder, log_file *out, hl_error *err) {
  const helios_logger_options *o = &l->options;
  hl_queue_options options = {
      .folder = folder,
      .shared = true,
      .max_overflow = o->max_pending,
      .flush_ns = (int64_t)(o->flush_secs * 1e9),
      .disk = o->durability == HELIOS_DURABLE_DISK,
      .heap_only = is_special(l, path),
      .no_thread = o->threads < 0,
      .mend_log = hl_recover_torn_log,
      .alloc = &l->alloc,
      .env = l->env,
      .on_error = o->on_error,
      .ctx = o->ctx,
  };
  hl_queue *q;
  helios_status st = hl_queue_open(&q, &options, err);
  if (st != HELIOS_OK) return st;
  st = hl_queue_add_target(q, path, true, &out->target, err);
  if (st == HELIOS_OK) out->queue = q;
  else hl_queue_free(q);
  return st;
}

/* Open the file at an absolute path, with its folders. */
static helios_status open_file(helios_logger *l, const char *path, log_file *out, hl_error *err) {
  *out = (log_file){0};
  char *folder = hl_path_folder(&l->alloc, path);
  if (folder == NULL) return hl_fail(err, HELIOS_ENOMEM, "out of memory");
  int code = 0;
  helios_status st = HELIOS_OK;
  if (hl_env_make_dirs(l->env, folder, &code) != 0) st = hl_fail_io(err, folder, "cannot make the folder", code);
  if (st == HELIOS_OK) recover_pending(l, path, folder);
  if (st == HELIOS_OK) st = open_queue(l, path, folder, out, err);
  hl_free_str(&l->alloc, folder);
  return st;
}

/* Under `files`: from here on lines go to `file`. The old one is returned. */
static log_file publish(helios_logger *l, log_file file) {
  pthread_mutex_lock(&l->lock);
  log_file old = l->file;
  l->file = file;
  find_threshold(l);
  pthread_mutex_unlock(&l->lock);
  return old;
}

static void add_stats(helios_stats *sum, const helios_stats *s) {
  sum->events += s->events;
  sum->bytes += s->bytes;
  sum->dropped += s->dropped;
}

/* Under `files`: drain and close a file that is published no more. */
static void retire(helios_logger *l, log_file file) {
  if (file.queue == NULL) return;
  helios_stats final = {.size = sizeof final};
  hl_error err = {0};
  keep_untold(l, hl_queue_close(file.queue, &err), &err);
  hl_queue_stats(file.queue, &final);
  add_stats(&l->past, &final);
  hl_queue_free(file.queue);
}

/* Under `files`: the new path, its strings owned from here on. */
static void use_path(helios_logger *l, char *path, char *absolute) {
  hl_free_str(&l->alloc, l->path);
  hl_free_str(&l->alloc, l->absolute);
  l->path = path;
  l->absolute = absolute;
}

static helios_status move_to(helios_logger *l, char *path, char *absolute, hl_error *err) {
  log_file file;
  helios_status st = open_file(l, absolute, &file, err);
  if (st != HELIOS_OK) return st;
  retire(l, publish(l, file));
  use_path(l, path, absolute);
  return HELIOS_OK;
}

/* Under `files`. */
static helios_status set_path(helios_logger *l, const char *path, hl_error *err) {
  if (path[0] == '\0') return hl_invalid(err, "path", "must not be empty");
  int code = 0;
  char *given = hl_strdup(&l->alloc, path);
  char *absolute = given == NULL ? NULL : hl_path_absolute(&l->alloc, l->env, path, &code);
  helios_status st;
  if (absolute != NULL) st = move_to(l, given, absolute, err);
  else if (given == NULL || code == ENOMEM) st = hl_fail(err, HELIOS_ENOMEM, "out of memory");
  else st = hl_fail_io(err, path, "cannot tell the current folder", code);
  if (st != HELIOS_OK) {
    hl_free_str(&l->alloc, given);
    hl_free_str(&l->alloc, absolute);
  }
  return st;
}

/* Under `files`. */
static void leave_file(helios_logger *l) { retire(l, publish(l, (log_file){0})); }

/* Under `files`. Failures wait for who can be told. */
static void drain(helios_logger *l) {
  if (l->file.queue == NULL) return;
  hl_error err = {0};
  keep_untold(l, hl_queue_flush(l->file.queue, &err), &err);
}

static void drain_now(helios_logger *l) {
  pthread_mutex_lock(&l->files);
  drain(l);
  pthread_mutex_unlock(&l->files);
}

/* ---- logging ------------------------------------------------------------------------------------------- */

/* Under `lock`. */
static bool file_takes(const helios_logger *l, int level) {
  return l->file.queue != NULL && level >= l->options.file_level;
}

/* Under `lock`: the line in l->spare's memory. */
static helios_status build_line(helios_logger *l, hl_buf *line, int level, hl_str message) {
  size_t bound = hl_log_line_bound(l->mark.len, message.len);
  hl_buf_reset(line);
  if (bound == 0 || !hl_buf_reserve(line, bound)) return HELIOS_ENOMEM;
  line->len = hl_log_put_line((char *)line->data, &l->stamp, level, l->mark, message);
  return HELIOS_OK;
}

static helios_status push_line(helios_logger *l, const hl_buf *line) {
  return hl_queue_push(l->file.queue, l->file.target, HL_CLASS_TEXT, line->data, line->len, 1);
}

/* Under `lock`: for the file alone, the line is written where it will wait. */
static helios_status write_line(helios_logger *l, int level, hl_str message) {
  hl_log_stamp_set(&l->stamp, now(l));
  size_t bound = hl_log_line_bound(l->mark.len, message.len);
  unsigned char *room = bound == 0 ? NULL : hl_queue_reserve(l->file.queue, l->file.target, bound);
  if (room != NULL) {
    size_t n = hl_log_put_line((char *)room, &l->stamp, level, l->mark, message);
    hl_queue_commit(l->file.queue, l->file.target, HL_CLASS_TEXT, n);
    return HELIOS_OK;
  }
  helios_status st = build_line(l, &l->spare, level, message);
  return st == HELIOS_OK ? push_line(l, &l->spare) : st;
}

/* What one record needs while sinks see it and the lock is free. */
typedef struct showing {
  hl_buf line;
  hl_sinks *sinks;
  double time;
  bool in_file;
} showing;

/* Under `lock`. */
static helios_status begin_showing(helios_logger *l, showing *s, int level, hl_str message) {
  *s = (showing){.line = l->spare, .time = now(l), .in_file = file_takes(l, level)};
  hl_buf_init(&l->spare, &l->alloc);
  hl_log_stamp_set(&l->stamp, s->time);
  helios_status st = build_line(l, &s->line, level, message);
  if (st != HELIOS_OK) return st;
  s->sinks = l->sinks;
  s->sinks->refs++;
  return s->in_file ? push_line(l, &s->line) : HELIOS_OK;
}

static void show(const showing *s, int level, hl_str message) {
  helios_record record = {
      .time = s->time,
      .level = level,
      .message = message.data,
      .message_length = message.len,
      .line = (const char *)s->line.data,
      .line_length = s->line.len,
  };
  hl_sinks_serve(s->sinks, &record);
}

/* Under `lock`: the line's memory serves the next one. */
static void end_showing(helios_logger *l, showing *s) {
  hl_sinks_drop(s->sinks, &l->alloc);
  if (l->spare.data == NULL) l->spare = s->line;
  else hl_buf_free(&s->line);
}

/* Holds `lock`, and gives it back. */
static helios_status log_to_sinks(helios_logger *l, int level, hl_str message) {
  showing s;
  helios_status st = begin_showing(l, &s, level, message);
  pthread_mutex_unlock(&l->lock);
  if (s.in_file && level >= HELIOS_WARNING) drain_now(l);
  if (s.sinks != NULL) show(&s, level, message);
  pthread_mutex_lock(&l->lock);
  end_showing(l, &s);
  pthread_mutex_unlock(&l->lock);
  return st;
}

static helios_status log_to_file(helios_logger *l, int level, hl_str message) {
  bool in_file = file_takes(l, level);
  helios_status st = in_file ? write_line(l, level, message) : HELIOS_OK;
  pthread_mutex_unlock(&l->lock);
  if (in_file && level >= HELIOS_WARNING) drain_now(l);
  return st;
}

helios_status helios_logger_log(helios_logger *l, int level, const char *message, size_t length) {
  if (l == NULL) return HELIOS_EINVAL;
  if (!alive(l)) return HELIOS_EFORKED;
  if (message == NULL && length > 0) return note_invalid(l, "message", "is NULL");
  if (level < atomic_load_explicit(&l->threshold, memory_order_relaxed)) return HELIOS_OK;
  hl_str text = {message, length};
  pthread_mutex_lock(&l->lock);
  return level >= l->sinks_from ? log_to_sinks(l, level, text) : log_to_file(l, level, text);
}

__attribute__((format(printf, 4, 0)))
static helios_status log_long(helios_logger *l, int level, size_t length, const char *format, va_list args) {
  char *text = hl_alloc(&l->alloc, length + 1);
  if (text == NULL) return HELIOS_ENOMEM;
  vsnprintf(text, length + 1, format, args);
  helios_status st = helios_logger_log(l, level, text, length);
  hl_free(&l->alloc, text, length + 1);
  return st;
}

helios_status helios_logger_vlog(helios_logger *l, int level, const char *format, va_list args) {
  if (l == NULL) return HELIOS_EINVAL;
  if (!alive(l)) return HELIOS_EFORKED;
  if (format == NULL) return note_invalid(l, "format", "is NULL");
  if (!helios_logger_enabled(l, level)) return HELIOS_OK;
  char text[SHORT_TEXT];
  va_list again;
  va_copy(again, args);
  int n = vsnprintf(text, sizeof text, format, args);
  helios_status st;
  if (n < 0) st = note_invalid(l, "format", "cannot be formatted");
  else if ((size_t)n < sizeof text) st = helios_logger_log(l, level, text, (size_t)n);
  else st = log_long(l, level, (size_t)n, format, again);
  va_end(again);
  return st;
}

helios_status helios_logger_printf(helios_logger *l, int level, const char *format, ...) {
  va_list args;
  va_start(args, format);
  helios_status st = helios_logger_vlog(l, level, format, args);
  va_end(args);
  return st;
}

/* ---- levels and sinks, public -------------------------------------------------------------------------- */

bool helios_logger_enabled(const helios_logger *l, int level) {
  return l != NULL && level >= atomic_load_explicit(&l->threshold, memory_order_relaxed) && alive(l);
}

helios_status helios_logger_set_level(helios_logger *l, int level) {
  if (l == NULL) return HELIOS_EINVAL;
  if (!alive(l)) return HELIOS_EFORKED;
  pthread_mutex_lock(&l->lock);
  atomic_store(&l->level, level);
  find_threshold(l);
  pthread_mutex_unlock(&l->lock);
  return HELIOS_OK;
}

int helios_logger_level(const helios_logger *l) { return l == NULL ? 0 : atomic_load(&l->level); }

helios_status helios_logger_add_sink(helios_logger *l, int level, helios_sink_fn fn, void *ctx) {
  if (l == NULL) return HELIOS_EINVAL;
  if (!alive(l)) return HELIOS_EFORKED;
  if (fn == NULL) return note_invalid(l, "fn", "is NULL");
  pthread_mutex_lock(&l->lock);
  helios_status st = add_sink(l, (hl_sink){fn, ctx, level});
  pthread_mutex_unlock(&l->lock);
  return st;
}

helios_status helios_logger_remove_sink(helios_logger *l, helios_sink_fn fn, void *ctx) {
  if (l == NULL) return HELIOS_EINVAL;
  if (!alive(l)) return HELIOS_EFORKED;
  pthread_mutex_lock(&l->lock);
  helios_status st = remove_sink(l, fn, ctx);
  pthread_mutex_unlock(&l->lock);
  return st == HELIOS_EINVAL ? note_invalid(l, "fn", "is no sink of this logger") : st;
}

/* ---- lifecycle, public --------------------------------------------------------------------------------- */

helios_status helios_logger_set_file(helios_logger *l, const char *path) {
  if (l == NULL) return HELIOS_EINVAL;
  if (!alive(l)) return HELIOS_EFORKED;
  hl_error err = {0};
  pthread_mutex_lock(&l->files);
  if (path != NULL) {
    set_path(l, path, &err);
  } else {
    leave_file(l);
    use_path(l, NULL, NULL);
  }
  pthread_mutex_unlock(&l->files);
  return note(l, &err);
}

/* Under `files`. */
static helios_status reopen(helios_logger *l, hl_error *err) {
  if (l->absolute == NULL) return HELIOS_OK;
  if (l->file.queue == NULL) return hl_fail(err, HELIOS_ECLOSED, "the logger is closed");
  log_file file;
  helios_status st = open_file(l, l->absolute, &file, err);
  if (st == HELIOS_OK) retire(l, publish(l, file));
  return st;
}

helios_status helios_logger_reopen(helios_logger *l) {
  if (l == NULL) return HELIOS_EINVAL;
  if (!alive(l)) return HELIOS_EFORKED;
  hl_error err = {0};
  pthread_mutex_lock(&l->files);
  reopen(l, &err);
  pthread_mutex_unlock(&l->files);
  return note(l, &err);
}

helios_status helios_logger_flush(helios_logger *l) {
  if (l == NULL) return HELIOS_EINVAL;
  if (!alive(l)) return HELIOS_EFORKED;
  pthread_mutex_lock(&l->files);
  drain(l);
  helios_status st = tell(l);
  pthread_mutex_unlock(&l->files);
  return st;
}

helios_status helios_logger_close(helios_logger *l) {
  if (l == NULL) return HELIOS_EINVAL;
  if (!alive(l)) return HELIOS_EFORKED;
  pthread_mutex_lock(&l->files);
  leave_file(l);
  helios_status st = tell(l);
  pthread_mutex_unlock(&l->files);
  return st;
}

static void destroy(helios_logger *l) {
  helios_allocator alloc = l->alloc;
  hl_free_str(&alloc, l->path);
  hl_free_str(&alloc, l->absolute);
  hl_free_str(&alloc, (char *)(uintptr_t)l->mark.data);
  hl_sinks_drop(l->sinks, &l->alloc);
  hl_buf_free(&l->spare);
  hl_free(&alloc, l, sizeof *l);
}

void helios_logger_free(helios_logger *l) {
  if (l == NULL) return;
  if (alive(l)) {
    helios_logger_close(l);
    pthread_mutex_destroy(&l->lock);
    pthread_mutex_destroy(&l->files);
  } else {
    if (!hl_fork_found_whole(&l->files) || !hl_fork_found_whole(&l->lock)) return;
    if (l->file.queue != NULL) hl_queue_free(l->file.queue); /* its copy; the queue touches no file here */
  }
  destroy(l);
}

helios_status helios_logger_stats(helios_logger *l, helios_stats *out) {
  if (l == NULL || hl_check_result(out, NULL) != HELIOS_OK) return HELIOS_EINVAL;
  if (!alive(l)) return HELIOS_EFORKED;
  helios_stats s = {.size = sizeof s};
  pthread_mutex_lock(&l->files);
  if (l->file.queue != NULL) hl_queue_stats(l->file.queue, &s);
  add_stats(&s, &l->past);
  pthread_mutex_unlock(&l->files);
  pthread_mutex_lock(&l->lock);
  if (s.last_error[0] == '\0' && l->error.status != HELIOS_OK)
    hl_error_text(&l->error, s.last_error, sizeof s.last_error);
  pthread_mutex_unlock(&l->lock);
  hl_give_result(out, &s, sizeof s);
  return HELIOS_OK;
}

const char *helios_logger_path(const helios_logger *l) { return l == NULL ? NULL : l->path; }

size_t helios_logger_error(helios_logger *l, char *text, size_t size) {
  if (l == NULL) return hl_error_text(&(hl_error){.reason = "no logger"}, text, size);
  hl_error err = {.status = HELIOS_EFORKED, .reason = "the logger belongs to the parent process"};
  if (alive(l)) {
    pthread_mutex_lock(&l->lock);
    err = l->error;
    pthread_mutex_unlock(&l->lock);
  }
  return hl_error_text(&err, text, size);
}

/* ---- opening ------------------------------------------------------------------------------------------- */

/* The options a caller knows, with defaults in place of zeros. */
static helios_status take_options(helios_logger_options *o, const helios_logger_options *given, hl_error *err) {
  helios_status st = hl_take_options(o, sizeof *o, given, err);
  if (st != HELIOS_OK) return st;
  if (o->durability != HELIOS_DURABLE_PROCESS && o->durability != HELIOS_DURABLE_DISK)
    return hl_invalid(err, "durability", "unknown value %d", (int)o->durability);
  if (!(o->flush_secs >= 0)) return hl_invalid(err, "flush_secs", "must not be negative");
  if (o->level == 0) o->level = HELIOS_INFO;
  if (o->file_level == 0) o->file_level = HELIOS_INFO;
  if (o->flush_secs == 0) o->flush_secs = DEFAULT_FLUSH_SECS;
  if (o->flush_secs > LONGEST_FLUSH_SECS) o->flush_secs = LONGEST_FLUSH_SECS;
  return HELIOS_OK;
}

static helios_logger *new_logger(const hl_env *env, const helios_logger_options *o) {
  const helios_allocator *alloc = o->allocator != NULL ? o->allocator : &hl_default_allocator;
  helios_logger *l = hl_alloc_zeroed(alloc, 1, sizeof *l);
  if (l == NULL) return NULL;
  l->alloc = *alloc;
  l->env = env;
  l->options = *o;
  l->stamp.second = -1;
  hl_fork_watch();
  l->generation = hl_fork_generation();
  atomic_init(&l->level, o->level);
  atomic_init(&l->threshold, INT_MAX);
  l->sinks_from = INT_MAX;
  hl_buf_init(&l->spare, &l->alloc);
  pthread_mutex_init(&l->files, NULL);
  pthread_mutex_init(&l->lock, NULL);
  return l;
}

/* Copy the mark: the caller's may go away. */
static helios_status keep_mark(helios_logger *l, hl_error *err) {
  if (l->options.mark == NULL) return HELIOS_OK;
  char *mark = hl_strdup(&l->alloc, l->options.mark);
  if (mark == NULL) return hl_fail(err, HELIOS_ENOMEM, "out of memory");
  l->mark = hl_str_of(mark);
  l->options.mark = mark;
  return HELIOS_OK;
}

helios_status hl_logger_open(const hl_env *env, const char *path, const helios_logger_options *options,
                             helios_logger **out, hl_error *err) {
  *out = NULL;
  helios_logger_options o;
  helios_status st = take_options(&o, options, err);
  if (st != HELIOS_OK) return st;
  helios_logger *l = new_logger(env, &o);
  if (l == NULL) return hl_fail(err, HELIOS_ENOMEM, "out of memory");
  st = keep_mark(l, err);
  if (st == HELIOS_OK && path != NULL) st = set_path(l, path, err);
  if (st == HELIOS_OK) *out = l;
  else helios_logger_free(l);
  return st;
}

helios_status helios_logger_open(const char *path, const helios_logger_options *options, helios_logger **out,
                                 char *error, size_t error_size) {
  hl_error err = {0};
  helios_status st = out == NULL ? hl_invalid(&err, "out", "is NULL")
                                 : hl_logger_open(&hl_env_system, path, options, out, &err);
  return hl_tell(&err, st, error, error_size);
}

/* target.c - files as targets of batches. Knows bytes and one file; when to write is the queue's business. */
#include "target.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* For the lock of a log, which a process that was stopped may hold for ever. */
enum { LONG_WAIT_MS = 1000, SHORT_WAIT_MS = 20, MOST_LOOKS = 5 };

helios_status hl_target_init(hl_target *t, const char *path, bool shared, const helios_allocator *alloc) {
  *t = (hl_target){.path = hl_strdup(alloc, path), .fd = -1, .shared = shared, .regular = true};
  return t->path == NULL ? HELIOS_ENOMEM : HELIOS_OK;
}

void hl_target_free(hl_target *t, const hl_env *env, const helios_allocator *alloc) {
  hl_target_close(t, env);
  hl_free_str(alloc, t->path);
  hl_free(alloc, t->start, t->start_size);
  t->path = NULL;
  t->start = NULL;
}

helios_status hl_target_set_start(hl_target *t, const void *data, size_t n, const helios_allocator *alloc) {
  void *copy = hl_alloc(alloc, n);
  if (copy == NULL) return HELIOS_ENOMEM;
  memcpy(copy, data, n);
  hl_free(alloc, t->start, t->start_size);
  t->start = copy;
  t->start_size = n;
  return HELIOS_OK;
}

void hl_target_close(hl_target *t, const hl_env *env) {
  int code;
  if (t->fd >= 0) env->close(env, t->fd, &code);
  t->fd = -1;
}

helios_status hl_target_open(hl_target *t, const hl_env *env, bool create, int *code, hl_error *err) {
  /* O_NONBLOCK: opening a pipe that nobody reads must not hang. It has no effect on a regular file. Opened for reading
   * too where that is allowed: a torn last line is looked for. */
  int flags = t->shared ? O_RDWR | O_APPEND | O_CREAT | O_NONBLOCK : O_WRONLY | O_CREAT | (create ? O_EXCL : 0);
  t->fd = env->open(env, t->path, flags, code);
  if (t->fd < 0 && t->shared && *code != ENOENT)
    t->fd = env->open(env, t->path, (flags & ~O_RDWR) | O_WRONLY, code);
  if (t->fd < 0) return hl_fail_io(err, t->path, "cannot open", *code);
  if (env->stat_fd(env, t->fd, &t->size, &t->regular, NULL, code) == 0) {
    t->known |= create;
    return HELIOS_OK;
  }
  helios_status st = hl_fail_io(err, t->path, "cannot stat", *code);
  hl_target_close(t, env);
  return st;
}

void hl_target_look(hl_target *t, const hl_env *env) {
  int64_t links;
  int code;
  if (t->fd < 0) return;
  bool looked = env->stat_fd(env, t->fd, &t->size, NULL, &links, &code) == 0;
  if (!looked) t->size = t->length; /* unknown: as we left it */
  if (!looked || links > 0 || !t->regular) return;
  hl_target_close(t, env);
  t->known = false;
  t->skip = 0;
  if (t->shared) t->length = 0;
}

/* ---- exclusive -------------------------------------------------------------------------------------- */

/* Beyond the end a write would leave a gap of zeros, which stops readers for good; before it, it would cover what is
 * not ours. */
static bool was_changed(const hl_target *t) {
  return !t->known || t->size < t->length || t->size > t->torn_end;
}

static void go_on_at_end(hl_target *t) {
  t->lacks_start = t->size == 0 && t->length > 0 && t->start != NULL;
  t->length = t->torn_end = t->size;
  t->known = true;
}

static int write_at_length(hl_target *t, const hl_env *env, const void *data, size_t n, int *code) {
  if (t->torn_end < t->length + (int64_t)n) t->torn_end = t->length + (int64_t)n;
  return hl_env_pwrite_all(env, t->fd, data, n, t->length, code);
}

/* Also after a batch that did not cover what a longer one had left. */
static void cut_back(hl_target *t, const hl_env *env) {
  int code;
  if (t->torn_end > t->length && env->truncate(env, t->fd, t->length, &code) == 0) t->torn_end = t->length;
}

static helios_status append_exclusive(hl_target *t, const hl_env *env, const void *data, size_t n, int *code,
                                      hl_error *err) {
  int r = write_at_length(t, env, data, n, code);
  if (r == 0) t->length += (int64_t)n;
  cut_back(t, env);
  return r == 0 ? HELIOS_OK : hl_fail_io(err, t->path, "cannot write", *code);
}

static helios_status write_exclusive(hl_target *t, const hl_env *env, const void *data, size_t n,
                                     const hl_target_calls *calls, int *code, hl_error *err) {
  if (was_changed(t)) {
    go_on_at_end(t);
    calls->place(calls->ctx, t->length);
  }
  if (t->lacks_start) {
    helios_status st = append_exclusive(t, env, t->start, t->start_size, code, err);
    if (st != HELIOS_OK) return st;
    t->lacks_start = false;
    calls->place(calls->ctx, t->length);
  }
  return append_exclusive(t, env, data, n, code, err);
}

/* ---- shared ----------------------------------------------------------------------------------------- */

static helios_status append(hl_target *t, const hl_env *env, const void *data, size_t n, int *code, hl_error *err) {
  size_t done;
  int r = hl_env_write_all(env, t->fd, (const char *)data + t->skip, n - t->skip, &done, code);
  t->resume_at += (int64_t)done;
  t->skip = r == 0 ? 0 : t->skip + done;
  return r == 0 ? HELIOS_OK : hl_fail_io(err, t->path, "cannot write", *code);
}

typedef struct log_end {
  int64_t size;
  bool torn; /* within a line that we do not go on with */
} log_end;

static bool ends_in_a_line(const hl_target *t, const hl_env *env, int64_t size) {
  char last;
  int code;
  return size > 0 && env->pread(env, t->fd, &last, 1, size - 1, &code) == 1 && last != '\n';
}

/* Lock the log and look at its end. */
static helios_status lock_log(hl_target *t, const hl_env *env, log_end *end, int *code, hl_error *err) {
  int locked = hl_env_lock_within(env, t->fd, t->impatient ? SHORT_WAIT_MS : LONG_WAIT_MS, code);
  t->impatient = locked != 0;
  if (locked != 0) return hl_fail_io(err, t->path, "cannot lock", *code);
  if (env->stat_fd(env, t->fd, &end->size, NULL, NULL, code) != 0) {
    int ignored;
    env->unlock(env, t->fd, &ignored);
    return hl_fail_io(err, t->path, "cannot stat", *code);
  }
  bool ours = t->skip > 0 ? end->size == t->resume_at : end->size == t->length;
  end->torn = !ours && ends_in_a_line(t, env, end->size);
  return HELIOS_OK;
}

/* Somebody was killed in the middle of a line, and what they left may be known: then it becomes whole before ours comes
 * behind it. */
static helios_status lock_at_whole_line(hl_target *t, const hl_env *env, const hl_target_calls *calls, log_end *end,
                                        int *code, hl_error *err) {
  helios_status st = lock_log(t, env, end, code, err);
  for (int looks = MOST_LOOKS; st == HELIOS_OK && end->torn && calls->torn != NULL && looks > 0; looks--) {
    int ignored;
    env->unlock(env, t->fd, &ignored);
    if (!calls->torn(calls->ctx)) looks = 0;
    st = lock_log(t, env, end, code, err);
  }
  return st;
}

static helios_status append_locked(hl_target *t, const hl_env *env, const void *data, size_t n, log_end end,
                                   const hl_target_calls *calls, int *code, hl_error *err) {
  if (end.size != t->resume_at) t->skip = 0; /* behind others' lines the rest would be torn off: the line again, whole */
  if (t->skip == 0) {
    bool ended = end.torn && env->write(env, t->fd, "\n", 1, code) == 1; /* ours does not become the rest of it */
    t->resume_at = end.size + ended;
    calls->place(calls->ctx, t->resume_at);
  }
  helios_status st = append(t, env, data, n, code, err);
  if (st == HELIOS_OK) t->length = t->resume_at;
  return st;
}

static helios_status write_shared(hl_target *t, const hl_env *env, const void *data, size_t n,
                                  const hl_target_calls *calls, int *code, hl_error *err) {
  log_end end;
  int ignored;
  if (!t->regular) return append(t, env, data, n, code, err);
  helios_status st = lock_at_whole_line(t, env, calls, &end, code, err);
  if (st != HELIOS_OK) return st;
  st = append_locked(t, env, data, n, end, calls, code, err);
  env->unlock(env, t->fd, &ignored);
  return st;
}

/* ---- both ------------------------------------------------------------------------------------------- */

helios_status hl_target_write(hl_target *t, const hl_env *env, const void *data, size_t n, const hl_target_calls *calls,
                              int *code, hl_error *err) {
  return t->shared ? write_shared(t, env, data, n, calls, code, err) : write_exclusive(t, env, data, n, calls, code, err);
}

helios_status hl_target_sync(hl_target *t, const hl_env *env, hl_error *err) {
  int code;
  if (t->fd < 0 || !t->regular || env->sync(env, t->fd, &code) == 0) return HELIOS_OK;
  return hl_fail_io(err, t->path, "cannot sync", code);
}

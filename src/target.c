/* target.c - files as targets of batches. Knows bytes and one file; when to write is the queue's business. */
#include "target.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

helios_status hl_target_init(hl_target *t, const char *path, bool shared, const helios_allocator *alloc) {
  *t = (hl_target){.path = hl_strdup(alloc, path), .fd = -1, .shared = shared, .regular = true};
  return t->path == NULL ? HELIOS_ENOMEM : HELIOS_OK;
}

void hl_target_free(hl_target *t, const hl_env *env, const helios_allocator *alloc) {
  hl_target_close(t, env);
  hl_free_str(alloc, t->path);
  t->path = NULL;
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
  if (env->stat_fd(env, t->fd, NULL, &t->regular, NULL, code) == 0) return HELIOS_OK;
  helios_status st = hl_fail_io(err, t->path, "cannot stat", *code);
  hl_target_close(t, env);
  return st;
}

/* A file that somebody removed swallows what is written to it: make it anew. */
static helios_status ensure_open(hl_target *t, const hl_env *env, int *code, hl_error *err) {
  int64_t links = 1;
  if (t->fd >= 0 && t->regular && env->stat_fd(env, t->fd, NULL, NULL, &links, code) == 0 && links == 0) {
    hl_target_close(t, env);
    t->length = 0;
    t->torn = false;
    t->skip = 0;
  }
  return t->fd >= 0 ? HELIOS_OK : hl_target_open(t, env, false, code, err);
}

/* ---- exclusive -------------------------------------------------------------------------------------- */

static int write_at_length(hl_target *t, const hl_env *env, const void *data, size_t n, int *code) {
  const char *p = data;
  for (size_t done = 0; done < n;) {
    int64_t k = env->pwrite(env, t->fd, p + done, n - done, t->length + (int64_t)done, code);
    if (k == 0) *code = ENOSPC;
    if (k <= 0) return -1;
    done += (size_t)k;
    t->torn = true; /* until the batch is whole */
  }
  return 0;
}

static void cut_back(hl_target *t, const hl_env *env) {
  int code;
  if (t->torn && env->truncate(env, t->fd, t->length, &code) == 0) t->torn = false;
}

static helios_status write_exclusive(hl_target *t, const hl_env *env, const void *data, size_t n, int *code,
                                     hl_error *err) {
  if (write_at_length(t, env, data, n, code) == 0) {
    t->length += (int64_t)n;
    t->torn = false;
    return HELIOS_OK;
  }
  cut_back(t, env);
  return hl_fail_io(err, t->path, "cannot write", *code);
}

/* ---- shared ----------------------------------------------------------------------------------------- */

/* Somebody was killed in the middle of a line: ours does not become the rest of it. Returns the bytes added. */
static int64_t end_torn_line(hl_target *t, const hl_env *env, int64_t size) {
  char last;
  int code;
  if (size == 0 || env->pread(env, t->fd, &last, 1, size - 1, &code) != 1 || last == '\n') return 0;
  return env->write(env, t->fd, "\n", 1, &code) == 1 ? 1 : 0;
}

static helios_status append(hl_target *t, const hl_env *env, const void *data, size_t n, int *code, hl_error *err) {
  size_t done;
  int r = hl_env_write_all(env, t->fd, (const char *)data + t->skip, n - t->skip, &done, code);
  t->skip = r == 0 ? 0 : t->skip + done;
  return r == 0 ? HELIOS_OK : hl_fail_io(err, t->path, "cannot write", *code);
}

static helios_status append_locked(hl_target *t, const hl_env *env, const void *data, size_t n, hl_place_fn place,
                                   void *ctx, int *code, hl_error *err) {
  int64_t size;
  if (env->stat_fd(env, t->fd, &size, NULL, NULL, code) != 0) return hl_fail_io(err, t->path, "cannot stat", *code);
  if (t->skip == 0) {
    if (size != t->length) size += end_torn_line(t, env, size); /* somebody else wrote since */
    place(ctx, size);
  }
  size_t skipped = t->skip;
  helios_status st = append(t, env, data, n, code, err);
  if (st == HELIOS_OK) t->length = size + (int64_t)(n - skipped);
  return st;
}

static helios_status write_shared(hl_target *t, const hl_env *env, const void *data, size_t n, hl_place_fn place,
                                  void *ctx, int *code, hl_error *err) {
  if (!t->regular) return append(t, env, data, n, code, err);
  if (env->lock(env, t->fd, true, code) != 0) return hl_fail_io(err, t->path, "cannot lock", *code);
  helios_status st = append_locked(t, env, data, n, place, ctx, code, err);
  int ignored;
  env->unlock(env, t->fd, &ignored);
  return st;
}

/* ---- both ------------------------------------------------------------------------------------------- */

helios_status hl_target_write(hl_target *t, const hl_env *env, const void *data, size_t n, hl_place_fn place, void *ctx,
                              int *code, hl_error *err) {
  helios_status st = ensure_open(t, env, code, err);
  if (st != HELIOS_OK) return st;
  return t->shared ? write_shared(t, env, data, n, place, ctx, code, err)
                   : write_exclusive(t, env, data, n, code, err);
}

helios_status hl_target_sync(hl_target *t, const hl_env *env, hl_error *err) {
  int code;
  if (t->fd < 0 || !t->regular || env->sync(env, t->fd, &code) == 0) return HELIOS_OK;
  return hl_fail_io(err, t->path, "cannot sync", code);
}

/* rewrite.c - new file beside the old one, synced, renamed over it, folder synced. Knows records, no events. */
#include "rewrite.h"

#include <fcntl.h>
#include <limits.h>

#include "../path.h"
#include "../record.h"

enum { BATCH = 1 << 20, MOST_NAMES = 1000 };

static bool stop_at_pending(void *ctx, const char *name) {
  bool *found = ctx;
  *found = strncmp(name, ".helios-", 8) == 0 && strstr(name, ".rewrite") == NULL;
  return !*found;
}

/* A writer's pending file remembers the length of its targets: replacing one under it would lose what it holds. A
 * sub-run's lies in the folder above. */
static bool writer_holds(const hl_env *env, const char *folder, hl_error *err) {
  static const char *const WHERE[] = {"", "/.."};
  bool found = false;
  for (size_t i = 0; i < 2 && !found; i++) {
    hl_buf path;
    int code;
    hl_buf_init(&path, NULL);
    hl_buf_printf(&path, "%s%s", folder, WHERE[i]);
    hl_buf_append_byte(&path, '\0');
    if (!path.failed) env->list_dir(env, (const char *)path.data, stop_at_pending, &found, &code);
    hl_buf_free(&path);
  }
  if (found)
    hl_fail(err, HELIOS_EAGAIN, "%s: a writer has this run open, or was killed: close or recover it first", folder);
  return found;
}

/* ---- the temporary file: locked as long as the process that writes it lives ----------------------------- */

typedef struct sweep {
  const hl_env *env;
  const char *folder;
} sweep;

/* What a killed process left behind: nobody holds its lock. */
static bool remove_abandoned(void *ctx, const char *name) {
  const sweep *s = ctx;
  size_t n = strlen(name);
  if (strncmp(name, ".helios-", 8) != 0 || n < 8 || strcmp(name + n - 8, ".rewrite") != 0) return true;
  hl_buf path;
  int code;
  hl_buf_init(&path, NULL);
  hl_buf_printf(&path, "%s/%s", s->folder, name);
  hl_buf_append_byte(&path, '\0');
  int fd = path.failed ? -1 : s->env->open(s->env, (const char *)path.data, O_RDONLY | O_NONBLOCK, &code);
  if (fd >= 0 && s->env->lock(s->env, fd, false, &code) == 0) s->env->remove(s->env, (const char *)path.data, &code);
  if (fd >= 0) s->env->close(s->env, fd, &code);
  hl_buf_free(&path);
  return true;
}

/* Lock it; false when a sweep of another process came first and took it away. */
static bool claim(const hl_rewrite *w) {
  int64_t links = 1;
  int code;
  if (w->env->lock(w->env, w->fd, true, &code) != 0) return true; /* no locks here: then nobody sweeps either */
  return w->env->stat_fd(w->env, w->fd, NULL, NULL, &links, &code) != 0 || links > 0;
}

/* A name of our own, never one that exists; what may read the target may read it, and nobody else. */
static helios_status create_temporary(hl_rewrite *w, const char *folder, hl_error *err) {
  int code = 0;
  for (int i = 0; i < MOST_NAMES; i++) {
    hl_buf_reset(&w->temporary);
    hl_buf_printf(&w->temporary, "%s/.helios-%lld-%d.rewrite", folder, (long long)w->env->pid(w->env), i);
    hl_buf_append_byte(&w->temporary, '\0');
    if (w->temporary.failed) return hl_fail(err, HELIOS_ENOMEM, "out of memory");
    w->fd = w->env->open(w->env, (const char *)w->temporary.data, O_WRONLY | O_CREAT | O_EXCL, &code);
    if (w->fd < 0) continue;
    if (claim(w)) {
      w->env->take_access(w->env, w->fd, w->target);
      return HELIOS_OK;
    }
    w->env->close(w->env, w->fd, &code);
    w->fd = -1;
  }
  return hl_fail_io(err, folder, "cannot make a file", code);
}

/* A rename would put a file in the place of /dev/null, too. */
static helios_status find_target(hl_rewrite *w, const char *target, hl_error *err) {
  char real[PATH_MAX];
  bool regular;
  int code;
  hl_buf_append_str(&w->target_path, w->env->follow(w->env, target, real) ? real : target);
  hl_buf_append_byte(&w->target_path, '\0');
  if (w->target_path.failed) return hl_fail(err, HELIOS_ENOMEM, "out of memory");
  w->target = (const char *)w->target_path.data;
  if (w->env->stat_path(w->env, w->target, &regular, NULL, &code) != 0 || regular) return HELIOS_OK;
  return hl_fail(err, HELIOS_EIO, "%s: cannot replace: not a regular file", target);
}

static helios_status begin_beside(hl_rewrite *w, hl_error *err) {
  char *folder = hl_path_folder(NULL, w->target);
  if (folder == NULL) return hl_fail(err, HELIOS_ENOMEM, "out of memory");
  sweep s = {w->env, folder};
  int code;
  w->env->list_dir(w->env, folder, remove_abandoned, &s, &code);
  helios_status st = writer_holds(w->env, folder, err) ? HELIOS_EAGAIN : create_temporary(w, folder, err);
  hl_free_str(NULL, folder);
  return st;
}

helios_status hl_rewrite_begin(hl_rewrite *w, const hl_env *env, const char *target, hl_error *err) {
  *w = (hl_rewrite){.env = env, .fd = -1};
  hl_buf_init(&w->target_path, NULL);
  hl_buf_init(&w->temporary, NULL);
  hl_buf_init(&w->pending, NULL);
  helios_status st = find_target(w, target, err);
  if (st == HELIOS_OK) st = begin_beside(w, err);
  if (st != HELIOS_OK) hl_rewrite_abort(w);
  return st;
}

static helios_status drain(hl_rewrite *w, hl_error *err) {
  int code = 0;
  size_t done;
  const char *path = (const char *)w->temporary.data;
  if (hl_env_write_all(w->env, w->fd, w->pending.data, w->pending.len, &done, &code) != 0)
    return hl_fail_io(err, path, "cannot write", code);
  hl_buf_reset(&w->pending);
  return HELIOS_OK;
}

helios_status hl_rewrite_put(hl_rewrite *w, const void *payload, size_t n, hl_error *err) {
  helios_status st = hl_record_append(&w->pending, payload, n);
  if (st != HELIOS_OK) return hl_fail(err, st, "out of memory");
  w->records++;
  w->bytes += n + HL_RECORD_OVERHEAD;
  return w->pending.len >= BATCH ? drain(w, err) : HELIOS_OK;
}

helios_status hl_rewrite_sync(hl_rewrite *w, hl_error *err) {
  int code = 0;
  helios_status st = drain(w, err);
  if (st == HELIOS_OK && w->env->sync(w->env, w->fd, &code) != 0)
    st = hl_fail_io(err, (const char *)w->temporary.data, "cannot sync", code);
  return st;
}

/* The rename itself is durable only when the folder is. Not all file systems can sync one. */
static void sync_folder(const hl_rewrite *w) {
  int code;
  char *folder = hl_path_folder(NULL, w->target);
  if (folder == NULL) return;
  int fd = w->env->open(w->env, folder, O_RDONLY | O_DIRECTORY, &code);
  if (fd >= 0) {
    w->env->sync(w->env, fd, &code);
    w->env->close(w->env, fd, &code);
  }
  hl_free_str(NULL, folder);
}

static void end(hl_rewrite *w) {
  int code;
  if (w->fd >= 0) w->env->close(w->env, w->fd, &code);
  w->fd = -1;
  hl_buf_free(&w->target_path);
  hl_buf_free(&w->temporary);
  hl_buf_free(&w->pending);
}

helios_status hl_rewrite_commit(hl_rewrite *w, hl_error *err) {
  int code = 0;
  helios_status st = hl_rewrite_sync(w, err);
  if (st == HELIOS_OK && w->env->rename(w->env, (const char *)w->temporary.data, w->target, &code) != 0)
    st = hl_fail_io(err, w->target, "cannot replace", code);
  if (st != HELIOS_OK) {
    hl_rewrite_abort(w);
    return st;
  }
  sync_folder(w);
  end(w);
  return HELIOS_OK;
}

void hl_rewrite_abort(hl_rewrite *w) {
  int code;
  if (w->fd >= 0) w->env->remove(w->env, (const char *)w->temporary.data, &code);
  end(w);
}

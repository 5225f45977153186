/* recover.c - every pending file and spool of a folder whose owner is dead, in the order in which they can be brought in;
 * and one recovery of a run at a time. */
#include "recover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "buf.h"
#include "options.h"
#include "path.h"
#include "recover_media.h"
#include "recover_pending.h"

enum { FOLDER_PATIENCE_MS = 60000 };

typedef struct pending_folder {
  hl_recovery_of of;
  helios_recovery *result;
  hl_error *err;
} pending_folder;

/* ---- its files ------------------------------------------------------------------------------------------ */

typedef struct found_file {
  char *path;
  int64_t order;
} found_file;

typedef struct found_files {
  const hl_recovery_of *of;
  bool (*wanted)(const char *name);
  int64_t (*order)(const hl_env *env, const char *path); /* NULL: as they come */
  hl_buf list; /* of found_file */
} found_files;

static char *join(const hl_recovery_of *r, const char *name) {
  size_t folder = strlen(r->folder), size = strlen(name) + 1;
  char *path = hl_alloc(r->alloc, folder + 1 + size);
  if (path == NULL) return NULL;
  memcpy(path, r->folder, folder);
  path[folder] = '/';
  memcpy(path + folder + 1, name, size);
  return path;
}

static bool collect_file(void *ctx, const char *name) {
  found_files *f = ctx;
  if (!f->wanted(name)) return true;
  found_file one = {.path = join(f->of, name)};
  if (one.path != NULL && f->order != NULL) one.order = f->order(f->of->env, one.path);
  if (one.path != NULL) hl_buf_append(&f->list, &one, sizeof one);
  if (one.path == NULL || f->list.failed) {
    hl_free_str(f->of->alloc, one.path);
    f->list.failed = true;
  }
  return !f->list.failed;
}

static int by_order(const void *a, const void *b) {
  const found_file *x = a, *y = b;
  return x->order < y->order ? -1 : x->order > y->order;
}

static helios_status recover_locked(const pending_folder *f, const char *path, int fd, bool spool, hl_error *err) {
  const hl_recovery_of *of = &f->of;
  int64_t size, links;
  int code;
  if (of->env->stat_fd(of->env, fd, &size, NULL, &links, &code) != 0) return hl_fail_io(err, path, "cannot stat", code);
  if (links == 0) return HELIOS_OK; /* its owner, or another recovery, was done with it just now */
  return spool ? hl_recover_spool(of->env, of->alloc, of->folder, path, fd, size, f->result, err)
               : hl_recover_pending(of, path, fd, size, f->result, err);
}

/* One whose owner lives is locked, and left alone. */
static helios_status recover_file(const pending_folder *f, const char *path, bool spool, hl_error *err) {
  const hl_env *env = f->of.env;
  int code;
  int fd = env->open(env, path, O_RDWR, &code);
  if (fd < 0) return code == ENOENT ? HELIOS_OK : hl_fail_io(err, path, "cannot open", code);
  helios_status st = HELIOS_OK;
  if (env->lock(env, fd, false, &code) == 0) st = recover_locked(f, path, fd, spool, err);
  else if (code == EWOULDBLOCK) f->result->live_files++;
  else st = hl_fail_io(err, path, "cannot lock", code);
  env->close(env, fd, &code);
  return st;
}

/* The first failure is kept. */
static helios_status recover_one(const pending_folder *f, const char *path, bool spool) {
  hl_error err = {.status = HELIOS_OK};
  helios_status st = recover_file(f, path, spool, &err);
  if (st != HELIOS_OK && f->err != NULL && f->err->status == HELIOS_OK) *f->err = err;
  return st;
}

/* Every file of a kind; one that cannot be recovered does not keep the others from it. */
static helios_status recover_kind(const pending_folder *f, bool (*wanted)(const char *name),
                                  int64_t (*order)(const hl_env *env, const char *path)) {
  const hl_recovery_of *of = &f->of;
  found_files found = {.of = of, .wanted = wanted, .order = order};
  int code;
  hl_buf_init(&found.list, of->alloc);
  int listed = of->env->list_dir(of->env, of->folder, collect_file, &found, &code);
  helios_status st = found.list.failed ? HELIOS_ENOMEM : HELIOS_OK;
  if (listed != 0 && st == HELIOS_OK) st = hl_fail_io(f->err, of->folder, "cannot list the folder", code);
  size_t count = found.list.len / sizeof(found_file);
  found_file *files = (found_file *)(void *)found.list.data;
  if (count > 1) qsort(files, count, sizeof *files, by_order);
  for (size_t i = 0; i < count; i++) {
    helios_status one = st == HELIOS_ENOMEM ? st : recover_one(f, files[i].path, wanted == hl_is_spool_name);
    if (st == HELIOS_OK || one == HELIOS_ENOMEM) st = one;
    hl_free_str(of->alloc, files[i].path);
  }
  hl_buf_free(&found.list);
  return st;
}

/* Images come last: they are looked for in event files that are whole again. */
static helios_status recover_run(const pending_folder *f) {
  helios_status st = recover_kind(f, hl_is_pending_name, NULL);
  return st == HELIOS_OK ? recover_kind(f, hl_is_spool_name, hl_spool_order) : st;
}

/* One recovery of a run at a time: one pending file and many spools write to the same event file. Where folders cannot
 * be locked it goes on without. Unlocked by name, as a child forked meanwhile has the descriptor too. */
static helios_status recover_run_alone(const pending_folder *f) {
  const hl_env *env = f->of.env;
  int code, ignored;
  int fd = env->open(env, f->of.folder, O_RDONLY | O_DIRECTORY, &code);
  bool locked = fd >= 0 && hl_env_lock_within(env, fd, FOLDER_PATIENCE_MS, &code) == 0;
  helios_status st = fd >= 0 && !locked && code == EWOULDBLOCK
                         ? hl_fail_io(f->err, f->of.folder, "another process is recovering it", code)
                         : recover_run(f);
  if (locked) env->unlock(env, fd, &ignored);
  if (fd >= 0) env->close(env, fd, &ignored);
  return st;
}

helios_status hl_recover_folder(const hl_env *env, const helios_allocator *alloc, const char *path,
                                const char *log_name, helios_recovery *result, hl_error *err) {
  helios_recovery ignored = {.size = sizeof ignored};
  pending_folder f = {.of = {env, alloc, path, log_name}, .result = result != NULL ? result : &ignored, .err = err};
  return log_name == NULL ? recover_run_alone(&f) : recover_kind(&f, hl_is_pending_name, hl_pending_log_order);
}

bool hl_recover_torn_log(const hl_env *env, const helios_allocator *alloc, const char *path) {
  static const struct timespec a_moment = {0, 1000000};
  helios_recovery found = {.size = sizeof found};
  char *folder = hl_path_folder(alloc, path);
  if (folder == NULL) return false;
  hl_recover_folder(env, alloc, folder, strrchr(path, '/') + 1, &found, NULL);
  hl_free_str(alloc, folder);
  bool others = found.live_files > 1; /* one is the caller's own */
  if (others && found.pending_files == 0) nanosleep(&a_moment, NULL);
  return found.pending_files > 0 || others;
}

/* ---- for hosts and tools --------------------------------------------------------------------------------- */

static helios_status recover_path(const hl_env *env, const char *path, helios_recovery *result, hl_error *err) {
  bool folder = false;
  int code;
  bool there = env->stat_path(env, path, NULL, &folder, &code) == 0;
  if (there && folder) return hl_recover_folder(env, &hl_default_allocator, path, NULL, result, err);
  const char *slash = strrchr(path, '/');
  if (slash[1] == '\0') return hl_fail_io(err, path, "cannot recover", there ? EINVAL : code);
  char *parent = hl_path_folder(&hl_default_allocator, path);
  if (parent == NULL) return hl_fail(err, HELIOS_ENOMEM, "out of memory");
  helios_status st = hl_recover_folder(env, &hl_default_allocator, parent, slash + 1, result, err);
  hl_free_str(&hl_default_allocator, parent);
  return st;
}

helios_status helios_recover(const char *path, helios_recovery *result, char *error, size_t error_size) {
  hl_error err = {.status = HELIOS_OK};
  helios_recovery found = {.size = sizeof found};
  int code;
  helios_status st = path == NULL || path[0] == '\0' ? hl_invalid(&err, "path", "expected a path, got an empty one")
                     : result == NULL                ? HELIOS_OK
                                                     : hl_check_result(result, &err);
  if (st != HELIOS_OK) return hl_tell(&err, st, error, error_size);
  char *absolute = hl_path_absolute(&hl_default_allocator, &hl_env_system, path, &code);
  st = absolute == NULL ? hl_fail_io(&err, path, "cannot be made absolute", code)
                        : recover_path(&hl_env_system, absolute, &found, &err);
  hl_free_str(&hl_default_allocator, absolute);
  if (result != NULL) hl_give_result(result, &found, sizeof found);
  return hl_tell(&err, st, error, error_size);
}

/* env.h - the one seam to the outside world: clock, identity and files behind a table that tests replace.
 *
 * Functions that can fail return -1 (or NULL) and set *code to an errno value; errno itself is not used. The defaults
 * repeat after EINTR, set close-on-exec, and hold signals back around writes (a file-size limit is EFBIG, a pipe that
 * nobody reads EPIPE). */
#ifndef HL_ENV_H
#define HL_ENV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct hl_env hl_env;

struct hl_env {
  void *ctx;
  double (*now)(const hl_env *env);        /* seconds since the epoch */
  int64_t (*monotonic_ns)(const hl_env *env);
  void (*host_name)(const hl_env *env, char *out, size_t size); /* always terminated, never empty */
  int64_t (*pid)(const hl_env *env);
  int (*open)(const hl_env *env, const char *path, int flags, int *code); /* mode 0666; O_CLOEXEC is added */
  int64_t (*write)(const hl_env *env, int fd, const void *data, size_t n, int *code); /* may be short */
  int64_t (*pwrite)(const hl_env *env, int fd, const void *data, size_t n, int64_t offset, int *code);
  int64_t (*pread)(const hl_env *env, int fd, void *data, size_t n, int64_t offset, int *code);
  int (*close)(const hl_env *env, int fd, int *code);
  int (*sync)(const hl_env *env, int fd, int *code);               /* fdatasync */
  int (*truncate)(const hl_env *env, int fd, int64_t size, int *code);
  int (*allocate)(const hl_env *env, int fd, int64_t size, int *code); /* posix_fallocate from 0 */
  int (*lock)(const hl_env *env, int fd, bool wait, int *code);    /* exclusive flock; EWOULDBLOCK */
  int (*unlock)(const hl_env *env, int fd, int *code);
  void *(*map)(const hl_env *env, int fd, size_t n, int *code);    /* MAP_SHARED, read and write */
  int (*unmap)(const hl_env *env, void *p, size_t n, int *code);
  /* size, and whether it is a regular file; link_count 0 when it was removed meanwhile */
  int (*stat_fd)(const hl_env *env, int fd, int64_t *size, bool *regular, int64_t *link_count, int *code);
  /* owner and mode of the file at `like`, as far as we may give them; nothing when there is none */
  void (*take_access)(const hl_env *env, int fd, const char *like);
  int (*current_dir)(const hl_env *env, char *out, size_t size, int *code); /* absolute, terminated, never empty */
  int (*stat_path)(const hl_env *env, const char *path, bool *regular, bool *folder, int *code);
  /* where a link leads, PATH_MAX bytes at out; false when path is no link or leads nowhere */
  bool (*follow)(const hl_env *env, const char *path, char *out);
  bool (*can_write_dir)(const hl_env *env, const char *path, int *code);
  int (*make_dir)(const hl_env *env, const char *path, int *code); /* one level; EEXIST when there */
  int (*remove)(const hl_env *env, const char *path, int *code);
  int (*rename)(const hl_env *env, const char *from, const char *to, int *code);
  /* calls fn with each name in the folder but . and ..; stops when fn returns false */
  int (*list_dir)(const hl_env *env, const char *path, bool (*fn)(void *ctx, const char *name), void *ctx, int *code);
};

/* The real world. */
extern const hl_env hl_env_system;

/* mkdir -p. */
int hl_env_make_dirs(const hl_env *env, const char *path, int *code);
/* All n bytes, or -1 with *code; *done says how many were written either way. */
int hl_env_write_all(const hl_env *env, int fd, const void *data, size_t n, size_t *done, int *code);
/* The same at an offset. */
int hl_env_pwrite_all(const hl_env *env, int fd, const void *data, size_t n, int64_t offset, int *code);

/* Make a file, open it for reading and writing, and lock it. -1 with EEXIST; with EAGAIN when somebody took it for a dead
 * process' before it was locked, and removes it; else there can be no such file here, and none is left. *fd is set before
 * there is a lock: a child that is forked meanwhile has to know what it inherits. */
int hl_env_make_locked(const hl_env *env, const char *path, int *fd, int *code);

/* Lock, waiting that long at most: -1 with EWOULDBLOCK in *code then. */
int hl_env_lock_within(const hl_env *env, int fd, int ms, int *code);

#endif

/* env.c - the system's clock, names and files. The only file of the core that calls the operating system for them. */
#include "env.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

static int failed(int *code) {
  *code = errno;
  return -1;
}

/* Repeat a call that a signal interrupted. */
#define RETRY(result, call)         \
  do {                              \
    (result) = (call);              \
  } while ((result) < 0 && errno == EINTR)

static double sys_now(const hl_env *env) {
  (void)env;
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int64_t sys_monotonic_ns(const hl_env *env) {
  (void)env;
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void sys_host_name(const hl_env *env, char *out, size_t size) {
  (void)env;
  if (gethostname(out, size) != 0 || out[0] == '\0') snprintf(out, size, "localhost");
  out[size - 1] = '\0';
}

static int64_t sys_pid(const hl_env *env) {
  (void)env;
  return getpid();
}

/* A process without stdin, stdout or stderr, as daemons are, must not get one of our files in their place: what it
 * prints, and what a logger tells stderr, would land in there. */
static int above_standard(int fd) {
  if (fd > STDERR_FILENO) return fd;
  int higher = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1), reason = errno;
  close(fd);
  errno = reason;
  return higher;
}

static int sys_open(const hl_env *env, const char *path, int flags, int *code) {
  (void)env;
  int fd;
  RETRY(fd, open(path, flags | O_CLOEXEC, 0666));
  if (fd >= 0) fd = above_standard(fd);
  return fd >= 0 ? fd : failed(code);
}

/* ---- writing without signals -----------------------------------------------------------------------------
 * Past RLIMIT_FSIZE the kernel sends SIGXFSZ, for a pipe that nobody reads SIGPIPE; both end the process by default.
 * They are directed at the writing thread, so blocking them there around the write and taking back the one that came
 * leaves every disposition alone. */

typedef struct signal_guard {
  sigset_t old;     /* the thread's mask */
  sigset_t pending; /* what had come before: not ours to take */
} signal_guard;

static void hold_signals(signal_guard *guard) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGXFSZ);
  sigaddset(&set, SIGPIPE);
  sigemptyset(&guard->pending);
  sigpending(&guard->pending);
  pthread_sigmask(SIG_BLOCK, &set, &guard->old);
}

/* error: that of the call, 0 for none. */
static void release_signals(const signal_guard *guard, int error) {
  int sent = error == EFBIG ? SIGXFSZ : error == EPIPE ? SIGPIPE : 0;
  if (sent != 0 && sigismember(&guard->pending, sent) == 0) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, sent);
    static const struct timespec at_once = {0, 0};
    sigtimedwait(&set, NULL, &at_once);
  }
  pthread_sigmask(SIG_SETMASK, &guard->old, NULL);
}

static int64_t guarded_write(int fd, const void *data, size_t n, int64_t offset, int *code) {
  signal_guard guard;
  hold_signals(&guard);
  ssize_t done;
  RETRY(done, offset < 0 ? write(fd, data, n) : pwrite(fd, data, n, (off_t)offset));
  int error = errno;
  release_signals(&guard, done < 0 ? error : 0);
  if (done >= 0) return done;
  *code = error;
  return -1;
}

static int64_t sys_write(const hl_env *env, int fd, const void *data, size_t n, int *code) {
  (void)env;
  return guarded_write(fd, data, n, -1, code);
}

static int64_t sys_pwrite(const hl_env *env, int fd, const void *data, size_t n, int64_t offset, int *code) {
  (void)env;
  return guarded_write(fd, data, n, offset, code);
}

static int64_t sys_pread(const hl_env *env, int fd, void *data, size_t n, int64_t offset, int *code) {
  (void)env;
  ssize_t got;
  RETRY(got, pread(fd, data, n, (off_t)offset));
  return got >= 0 ? got : failed(code);
}

static int sys_close(const hl_env *env, int fd, int *code) {
  (void)env;
  /* Linux frees the descriptor even when close reports EINTR: repeating it could close somebody else's */
  return close(fd) == 0 || errno == EINTR ? 0 : failed(code);
}

static int sys_sync(const hl_env *env, int fd, int *code) {
  (void)env;
  int r;
  RETRY(r, fdatasync(fd));
  return r == 0 ? 0 : failed(code);
}

static int sys_truncate(const hl_env *env, int fd, int64_t size, int *code) {
  (void)env;
  int r;
  RETRY(r, ftruncate(fd, (off_t)size));
  return r == 0 ? 0 : failed(code);
}

static int sys_allocate(const hl_env *env, int fd, int64_t size, int *code) {
  (void)env;
  signal_guard guard;
  hold_signals(&guard);
  int error;
  do error = posix_fallocate(fd, 0, (off_t)size); /* returns its error and leaves errno alone */
  while (error == EINTR);
  release_signals(&guard, error);
  *code = error;
  return error == 0 ? 0 : -1;
}

static int sys_lock(const hl_env *env, int fd, bool wait, int *code) {
  (void)env;
  int r;
  RETRY(r, flock(fd, wait ? LOCK_EX : LOCK_EX | LOCK_NB));
  return r == 0 ? 0 : failed(code);
}

static int sys_unlock(const hl_env *env, int fd, int *code) {
  (void)env;
  return flock(fd, LOCK_UN) == 0 ? 0 : failed(code);
}

/* A shared mapping of these is not coherent between hosts, or not offered at all. Numbers: statfs(2). */
static bool mapping_is_unsafe(int fd) {
  struct statfs fs;
  if (fstatfs(fd, &fs) != 0) return true;
  switch ((uint32_t)fs.f_type) {
    case 0x6969u:     /* NFS */
    case 0x65735546u: /* FUSE */
    case 0xff534d42u: /* CIFS */
    case 0xfe534d42u: /* SMB2 */
    case 0x517bu:     /* SMB */
    case 0x01021997u: /* 9P */
    case 0x5346414fu: /* AFS */
      return true;
    default: return false;
  }
}

static void *sys_map(const hl_env *env, int fd, size_t n, int *code) {
  (void)env;
  if (mapping_is_unsafe(fd)) {
    *code = EOPNOTSUPP;
    return NULL;
  }
  void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (p != MAP_FAILED) return p;
  *code = errno;
  return NULL;
}

static int sys_unmap(const hl_env *env, void *p, size_t n, int *code) {
  (void)env;
  return munmap(p, n) == 0 ? 0 : failed(code);
}

static int sys_stat_fd(const hl_env *env, int fd, int64_t *size, bool *regular, int64_t *link_count, int *code) {
  (void)env;
  struct stat s;
  if (fstat(fd, &s) != 0) return failed(code);
  if (size != NULL) *size = s.st_size;
  if (regular != NULL) *regular = S_ISREG(s.st_mode);
  if (link_count != NULL) *link_count = (int64_t)s.st_nlink;
  return 0;
}

/* The owner first: giving a file away takes some bits of its mode. */
static void sys_take_access(const hl_env *env, int fd, const char *like) {
  (void)env;
  struct stat s;
  if (stat(like, &s) != 0) return;
  int failures = fchown(fd, s.st_uid, s.st_gid) != 0 && fchown(fd, (uid_t)-1, s.st_gid) != 0;
  failures += fchmod(fd, s.st_mode & 0777) != 0;
  (void)failures; /* some file systems have neither */
}

static int sys_current_dir(const hl_env *env, char *out, size_t size, int *code) {
  (void)env;
  return getcwd(out, size) != NULL ? 0 : failed(code);
}

static int sys_stat_path(const hl_env *env, const char *path, bool *regular, bool *folder, int *code) {
  (void)env;
  struct stat s;
  if (stat(path, &s) != 0) return failed(code);
  if (regular != NULL) *regular = S_ISREG(s.st_mode);
  if (folder != NULL) *folder = S_ISDIR(s.st_mode);
  return 0;
}

static bool sys_follow(const hl_env *env, const char *path, char *out) {
  (void)env;
  struct stat s;
  return lstat(path, &s) == 0 && S_ISLNK(s.st_mode) && realpath(path, out) != NULL;
}

static bool sys_can_write_dir(const hl_env *env, const char *path, int *code) {
  (void)env;
  if (access(path, W_OK | X_OK) == 0) return true;
  *code = errno;
  return false;
}

static int sys_make_dir(const hl_env *env, const char *path, int *code) {
  (void)env;
  return mkdir(path, 0777) == 0 ? 0 : failed(code);
}

static int sys_remove(const hl_env *env, const char *path, int *code) {
  (void)env;
  return unlink(path) == 0 ? 0 : failed(code);
}

static int sys_rename(const hl_env *env, const char *from, const char *to, int *code) {
  (void)env;
  return rename(from, to) == 0 ? 0 : failed(code);
}

static int sys_list_dir(const hl_env *env, const char *path, bool (*fn)(void *ctx, const char *name), void *ctx,
                        int *code) {
  (void)env;
  DIR *dir = opendir(path);
  if (dir == NULL) return failed(code);
  errno = 0;
  for (struct dirent *e; (e = readdir(dir)) != NULL; errno = 0) {
    if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
    if (!fn(ctx, e->d_name)) break;
    errno = 0;
  }
  int error = errno;
  closedir(dir);
  *code = error;
  return error == 0 ? 0 : -1;
}

const hl_env hl_env_system = {
    .now = sys_now,
    .monotonic_ns = sys_monotonic_ns,
    .host_name = sys_host_name,
    .pid = sys_pid,
    .open = sys_open,
    .write = sys_write,
    .pwrite = sys_pwrite,
    .pread = sys_pread,
    .close = sys_close,
    .sync = sys_sync,
    .truncate = sys_truncate,
    .allocate = sys_allocate,
    .lock = sys_lock,
    .unlock = sys_unlock,
    .map = sys_map,
    .unmap = sys_unmap,
    .stat_fd = sys_stat_fd,
    .take_access = sys_take_access,
    .current_dir = sys_current_dir,
    .stat_path = sys_stat_path,
    .follow = sys_follow,
    .can_write_dir = sys_can_write_dir,
    .make_dir = sys_make_dir,
    .remove = sys_remove,
    .rename = sys_rename,
    .list_dir = sys_list_dir,
};

/* ---- made of the above -------------------------------------------------------------------------------- */

static bool is_folder(const hl_env *env, const char *path) {
  bool folder;
  int code;
  return env->stat_path(env, path, NULL, &folder, &code) == 0 && folder;
}

int hl_env_make_dirs(const hl_env *env, const char *path, int *code) {
  char part[4096];
  size_t n = strlen(path);
  if (n == 0 || n >= sizeof part) {
    *code = n == 0 ? ENOENT : ENAMETOOLONG;
    return -1;
  }
  for (size_t i = 1; i <= n; i++) {
    if (path[i] != '/' && path[i] != '\0') continue;
    memcpy(part, path, i);
    part[i] = '\0';
    if (is_folder(env, part)) continue; /* also where making it is forbidden: an automount, a read-only root */
    if (env->make_dir(env, part, code) == 0) continue;
    if (*code != EEXIST) return -1;
    if (!is_folder(env, part)) {
      *code = ENOTDIR;
      return -1;
    }
  }
  return 0;
}

/* What a write did: counted; or, if nothing, why. A file system that neither writes nor complains is full, or we spin. */
static int count_written(int64_t k, size_t *done, int *code) {
  if (k == 0) *code = ENOSPC;
  if (k <= 0) return -1;
  *done += (size_t)k;
  return 0;
}

int hl_env_write_all(const hl_env *env, int fd, const void *data, size_t n, size_t *done, int *code) {
  const char *p = data;
  *done = 0;
  while (*done < n)
    if (count_written(env->write(env, fd, p + *done, n - *done, code), done, code) != 0) return -1;
  return 0;
}

int hl_env_pwrite_all(const hl_env *env, int fd, const void *data, size_t n, int64_t offset, int *code) {
  const char *p = data;
  for (size_t done = 0; done < n;) {
    int64_t k = env->pwrite(env, fd, p + done, n - done, offset + (int64_t)done, code);
    if (count_written(k, &done, code) != 0) return -1;
  }
  return 0;
}

/* 0, or why the new file is not ours. */
static int lock_new_file(const hl_env *env, int fd) {
  int code;
  int64_t links;
  if (env->lock(env, fd, false, &code) != 0) return code;
  if (env->stat_fd(env, fd, NULL, NULL, &links, &code) != 0) return code;
  return links > 0 ? 0 : EAGAIN;
}

int hl_env_make_locked(const hl_env *env, const char *path, int *fd, int *code) {
  *fd = env->open(env, path, O_RDWR | O_CREAT | O_EXCL, code);
  if (*fd < 0) return -1;
  *code = lock_new_file(env, *fd);
  if (*code == 0) return 0;
  int ignored, refused = *fd;
  *fd = -1;
  if (*code != EAGAIN) env->remove(env, path, &ignored);
  env->close(env, refused, &ignored);
  return -1;
}

int hl_env_lock_within(const hl_env *env, int fd, int ms, int *code) {
  static const struct timespec half_ms = {0, 500000};
  for (int tries = 2 * ms;; tries--) {
    if (env->lock(env, fd, false, code) == 0) return 0;
    if (*code != EWOULDBLOCK || tries <= 0) return -1;
    nanosleep(&half_ms, NULL);
  }
}

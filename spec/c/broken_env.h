/* broken_env.h - a world that breaks on demand: the Nth file operation fails, or the process is killed at it.
 *
 * Every operation of hl_env counts, in the order they happen. One broken world at a time; several threads may use it. */
#ifndef HL_BROKEN_ENV_H
#define HL_BROKEN_ENV_H

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "env.h"

/* SHORT: every write and read from there on does half of what it is asked. TORN: that one does, and the next operation
 * fails. KILL: SIGKILL before or after it. */
typedef enum break_kind { BREAK_NEVER, BREAK_ONCE, BREAK_FOR_GOOD, BREAK_KILL_BEFORE, BREAK_KILL_AFTER, BREAK_SHORT, BREAK_TORN } break_kind;

static struct {
  break_kind kind;
  long at;              /* the operation that breaks, from 1 */
  int code;             /* what it fails with */
  _Atomic long count;   /* operations so far */
} broken;

static inline void break_at(break_kind kind, long at, int code) {
  broken.kind = kind;
  broken.at = at;
  broken.code = code;
  broken.count = 0;
}

/* Called before each operation: true when it is to fail. */
static inline bool broken_now(int *code) {
  long n = ++broken.count;
  if (broken.kind == BREAK_KILL_BEFORE && n == broken.at) kill(getpid(), SIGKILL);
  bool fails = (broken.kind == BREAK_ONCE && n == broken.at) || (broken.kind == BREAK_FOR_GOOD && n >= broken.at) ||
               (broken.kind == BREAK_TORN && n == broken.at + 1);
  if (fails) *code = broken.code;
  return fails;
}

static inline void after(void) {
  if (broken.kind == BREAK_KILL_AFTER && broken.count == broken.at) kill(getpid(), SIGKILL);
}

#define SYS (&hl_env_system)

static int b_open(const hl_env *e, const char *path, int flags, int *code) {
  (void)e;
  if (broken_now(code)) return -1;
  int r = SYS->open(SYS, path, flags, code);
  after();
  return r;
}

static size_t cut(size_t n) {
  bool here = (broken.kind == BREAK_SHORT && broken.count >= broken.at) ||
              (broken.kind == BREAK_TORN && broken.count == broken.at);
  return here && n > 1 ? n / 2 : n;
}

static int64_t b_write(const hl_env *e, int fd, const void *data, size_t n, int *code) {
  (void)e;
  if (broken_now(code)) return -1;
  int64_t r = SYS->write(SYS, fd, data, cut(n), code);
  after();
  return r;
}

static int64_t b_pwrite(const hl_env *e, int fd, const void *data, size_t n, int64_t offset, int *code) {
  (void)e;
  if (broken_now(code)) return -1;
  int64_t r = SYS->pwrite(SYS, fd, data, cut(n), offset, code);
  after();
  return r;
}

static int64_t b_pread(const hl_env *e, int fd, void *data, size_t n, int64_t offset, int *code) {
  (void)e;
  if (broken_now(code)) return -1;
  return SYS->pread(SYS, fd, data, cut(n), offset, code);
}

#define BREAKABLE(name, parameters, arguments)  \
  static int b_##name parameters {              \
    (void)e;                                    \
    if (broken_now(code)) return -1;            \
    int r = SYS->name arguments;                \
    after();                                    \
    return r;                                   \
  }

BREAKABLE(sync, (const hl_env *e, int fd, int *code), (SYS, fd, code))
BREAKABLE(truncate, (const hl_env *e, int fd, int64_t size, int *code), (SYS, fd, size, code))
BREAKABLE(allocate, (const hl_env *e, int fd, int64_t size, int *code), (SYS, fd, size, code))
BREAKABLE(lock, (const hl_env *e, int fd, bool wait, int *code), (SYS, fd, wait, code))
BREAKABLE(make_dir, (const hl_env *e, const char *path, int *code), (SYS, path, code))
BREAKABLE(remove, (const hl_env *e, const char *path, int *code), (SYS, path, code))
BREAKABLE(rename, (const hl_env *e, const char *from, const char *to, int *code), (SYS, from, to, code))
BREAKABLE(stat_fd, (const hl_env *e, int fd, int64_t *size, bool *regular, int64_t *links, int *code),
          (SYS, fd, size, regular, links, code))

static void *b_map(const hl_env *e, int fd, size_t n, int *code) {
  (void)e;
  if (broken_now(code)) return NULL;
  void *r = SYS->map(SYS, fd, n, code);
  after();
  return r;
}

/* close and unlock always do their work: a descriptor that leaks would only confuse the test. They may kill. */
static int b_close(const hl_env *e, int fd, int *code) {
  (void)e;
  (void)broken_now(code);
  int r = SYS->close(SYS, fd, code);
  after();
  return r;
}

static int b_unlock(const hl_env *e, int fd, int *code) {
  (void)e;
  (void)broken_now(code);
  int r = SYS->unlock(SYS, fd, code);
  after();
  return r;
}

static inline hl_env broken_env(void) {
  hl_env e = hl_env_system;
  e.open = b_open;
  e.write = b_write;
  e.pwrite = b_pwrite;
  e.pread = b_pread;
  e.sync = b_sync;
  e.truncate = b_truncate;
  e.allocate = b_allocate;
  e.lock = b_lock;
  e.make_dir = b_make_dir;
  e.remove = b_remove;
  e.rename = b_rename;
  e.stat_fd = b_stat_fd;
  e.map = b_map;
  e.close = b_close;
  e.unlock = b_unlock;
  return e;
}

#endif

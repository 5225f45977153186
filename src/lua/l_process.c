/* l_process.c - run a program to its end: feed it a string, collect what it says, kill it when its time is up.
 *
 * Knows pipes and processes, not what is run; no shell is involved. helios.figure draws with it. A child has three
 * ways to hurt its parent, and each is closed here: it may hang (every wait has one deadline, then SIGKILL to its
 * process group), die while it is fed (its stdin is a socket, so that writing raises no SIGPIPE), or flood us (bounded
 * output). The state lives in a userdata whose finalizer kills, reaps and frees, whatever raises on the way. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../buf.h"
#include "l_helios.h"

#define PROCESS "helios.process"

enum { MAX_ARGS = 16, STDIN = 0, STDOUT = 1, STDERR = 2 };

static const size_t MAX_OUTPUT = (size_t)256 << 20;

typedef struct process {
  pid_t pid;      /* 0: none, or reaped */
  int fd[3];      /* our ends; -1: closed */
  hl_buf said[3]; /* what came from STDOUT and STDERR */
  int status;     /* of waitpid */
} process;

static int64_t now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void close_end(int *fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

static void kill_and_reap(process *p) {
  if (p->pid == 0) return;
  kill(-p->pid, SIGKILL); /* the group: a program may have started others */
  kill(p->pid, SIGKILL);
  while (waitpid(p->pid, &p->status, 0) < 0 && errno == EINTR) continue;
  p->pid = 0;
}

static void release(process *p) {
  for (int i = 0; i < 3; i++) close_end(&p->fd[i]);
  kill_and_reap(p);
  hl_buf_free(&p->said[STDOUT]);
  hl_buf_free(&p->said[STDERR]);
}

static int process_gc(lua_State *L) {
  release(luaL_checkudata(L, 1, PROCESS));
  return 0;
}

static process *push_process(lua_State *L) {
  process *p = lua_newuserdatauv(L, sizeof *p, 0);
  *p = (process){.fd = {-1, -1, -1}};
  for (int i = 0; i < 3; i++) hl_buf_init(&p->said[i], &hl_default_allocator);
  if (luaL_newmetatable(L, PROCESS)) {
    lua_pushcfunction(L, process_gc);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  return p;
}

/* A descriptor above the standard three: in a host that closed its own stdio a fresh one may be 0, 1 or 2, and the
 * child's dup2 calls would overwrite one another's sources. */
static int lifted(int fd) {
  if (fd > STDERR) return fd;
  int high = fcntl(fd, F_DUPFD_CLOEXEC, STDERR + 1);
  close(fd);
  return high;
}

/* One channel to the child: our end into *ours, its end into *theirs. False with errno. */
static bool make_channel(int which, int *ours, int *theirs) {
  int pair[2];
  int failed = which == STDIN ? socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) : pipe2(pair, O_CLOEXEC);
  if (failed != 0) return false;
  *ours = lifted(pair[0]);
  *theirs = lifted(pair[1]);
  if (*ours < 0 || *theirs < 0) return false;
  return fcntl(*ours, F_SETFL, O_NONBLOCK) == 0;
}

static int set_attributes(posix_spawnattr_t *attr) {
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  int code = posix_spawnattr_setsigmask(attr, &none);
  if (code == 0) code = posix_spawnattr_setsigdefault(attr, &all);
  if (code == 0) code = posix_spawnattr_setpgroup(attr, 0);
  short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP;
  return code != 0 ? code : posix_spawnattr_setflags(attr, flags);
}

static int spawn_with(process *p, char *const *argv, const int theirs[3]) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attr;
  int code = posix_spawn_file_actions_init(&actions);
  if (code != 0) return code;
  code = posix_spawnattr_init(&attr);
  if (code == 0) {
    code = set_attributes(&attr);
    for (int i = 0; i < 3 && code == 0; i++) code = posix_spawn_file_actions_adddup2(&actions, theirs[i], i);
    pid_t pid = 0;
    if (code == 0) code = posix_spawnp(&pid, argv[0], &actions, &attr, argv, environ);
    if (code == 0) p->pid = pid;
    posix_spawnattr_destroy(&attr);
  }
  posix_spawn_file_actions_destroy(&actions);
  return code;
}

/* Start the program with our three channels as its stdio; an errno value, 0 when it runs. */
static int start(process *p, char *const *argv) {
  int theirs[3] = {-1, -1, -1};
  int code = 0;
  for (int i = 0; i < 3 && code == 0; i++) {
    if (!make_channel(i, &p->fd[i], &theirs[i])) code = errno;
  }
  if (code == 0) code = spawn_with(p, argv, theirs);
  for (int i = 0; i < 3; i++) close_end(&theirs[i]);
  return code;
}

static void feed(process *p, const char *input, size_t n, size_t *sent) {
  ssize_t k = send(p->fd[STDIN], input + *sent, n - *sent, MSG_NOSIGNAL);
  if (k > 0) *sent += (size_t)k;
  else if (k < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (k < 0 || *sent == n) close_end(&p->fd[STDIN]); /* done, or it reads no more: its exit status will tell */
}

/* False when there is no memory for it, or more than anybody asked for. */
static bool collect(process *p, int which) {
  hl_buf *b = &p->said[which];
  enum { CHUNK = 65536 };
  if (b->len > MAX_OUTPUT || !hl_buf_reserve(b, CHUNK)) return false;
  ssize_t k = read(p->fd[which], b->data + b->len, CHUNK);
  if (k > 0) b->len += (size_t)k;
  else if (k == 0 || (errno != EAGAIN && errno != EINTR)) close_end(&p->fd[which]);
  return true;
}

/* Talk until the child has closed both outputs; NULL, or why not. */
static const char *converse(process *p, const char *input, size_t n, int64_t deadline) {
  size_t sent = 0;
  if (n == 0) close_end(&p->fd[STDIN]);
  while (p->fd[STDOUT] >= 0 || p->fd[STDERR] >= 0) {
    int64_t left = deadline - now_ms();
    if (left <= 0) return "took too long and was killed";
    struct pollfd polled[3] = {
        {.fd = p->fd[STDIN], .events = POLLOUT}, {.fd = p->fd[STDOUT], .events = POLLIN},
        {.fd = p->fd[STDERR], .events = POLLIN}};
    if (poll(polled, 3, left > 1000 ? 1000 : (int)left) <= 0) continue;
    if (polled[STDIN].revents != 0) feed(p, input, n, &sent);
    for (int i = STDOUT; i <= STDERR; i++) {
      if (polled[i].revents != 0 && !collect(p, i)) return "said more than there is memory for";
    }
  }
  return NULL;
}

/* Wait for its end; NULL, or why not. ECHILD means that the host ignores SIGCHLD: then nobody knows the status. */
static const char *wait_until(process *p, int64_t deadline) {
  struct timespec pause = {.tv_nsec = 200000};
  for (;;) {
    pid_t got = waitpid(p->pid, &p->status, WNOHANG);
    if (got == p->pid || (got < 0 && errno == ECHILD)) {
      p->pid = 0;
      return NULL;
    }
    if (now_ms() >= deadline) return "took too long and was killed";
    nanosleep(&pause, NULL);
    if (pause.tv_nsec < 10000000) pause.tv_nsec *= 2;
  }
}

static void check_argv(lua_State *L, int arg, const char *argv[MAX_ARGS + 1]) {
  luaL_checktype(L, arg, LUA_TTABLE);
  lua_Integer n = luaL_len(L, arg);
  luaL_argcheck(L, n >= 1 && n <= MAX_ARGS, arg, "expected 1 to 16 strings");
  for (lua_Integer i = 1; i <= n; i++) {
    luaL_argcheck(L, lua_geti(L, arg, i) == LUA_TSTRING, arg, "expected strings");
    argv[i - 1] = lua_tostring(L, -1); /* stays valid: the table holds it */
    lua_pop(L, 1);
  }
  argv[n] = NULL;
}

static int push_failure(lua_State *L, const char *name, const char *why, helios_status status) {
  return hl_push_status(L, status, lua_pushfstring(L, "%s: %s", name, why));
}

/* Exit status, negative the signal that ended it. */
static int push_result(lua_State *L, const process *p) {
  for (int i = STDOUT; i <= STDERR; i++) {
    const char *text = p->said[i].len > 0 ? (const char *)p->said[i].data : "";
    lua_pushlstring(L, text, p->said[i].len);
  }
  lua_pushinteger(L, WIFSIGNALED(p->status) ? -WTERMSIG(p->status) : WEXITSTATUS(p->status));
  return 3;
}

/* run(argv, input, seconds) -> stdout, stderr, exit status; or nil, message, code */
static int l_run(lua_State *L) {
  const char *argv[MAX_ARGS + 1];
  size_t n;
  check_argv(L, 1, argv);
  const char *input = luaL_checklstring(L, 2, &n);
  double seconds = luaL_checknumber(L, 3);
  luaL_argcheck(L, seconds > 0 && seconds <= 1e6, 3, "expected seconds, more than 0");
  process *p = push_process(L);
  char *args[MAX_ARGS + 1]; /* posix_spawnp takes char *const * and changes nothing */
  memcpy(args, argv, sizeof args);
  int code = start(p, args);
  if (code == ENOENT) return push_failure(L, argv[0], "not found", HELIOS_EUNAVAILABLE);
  if (code != 0) return push_failure(L, argv[0], strerror(code), HELIOS_EIO);
  int64_t deadline = now_ms() + (int64_t)(seconds * 1000);
  const char *trouble = converse(p, input, n, deadline);
  if (trouble == NULL) trouble = wait_until(p, deadline);
  int results = trouble == NULL ? push_result(L, p) : push_failure(L, argv[0], trouble, HELIOS_EIO);
  release(p);
  return results;
}

static const luaL_Reg FUNCTIONS[] = {{"run", l_run}, {NULL, NULL}};

void hl_open_process(lua_State *L) { luaL_newlib(L, FUNCTIONS); }

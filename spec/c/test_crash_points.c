/* test_crash_points.c - killed between any two instructions.
 *
 * A child runs instruction by instruction under ptrace. A process that is killed leaves what lies in its files and
 * shared mappings at that instant; so whenever an instruction or a system call has changed any of that, the folder is
 * copied, the copy recovered, and everything acknowledged so far must be there once and in order, at most one more.
 * HELIOS_CRASH_SECONDS (3) bounds each scenario's time, and what did not fit is told. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "check.h"
#include "numbered.h"
#include "queue.h"
#include "recover.h"
#include "scratch.h"
#include "steps.h"
#include "writer_impl.h"

enum { TARGETS = 2, MOST_FILES = 16 };

/* No worker and no background thread: every step is the child's one thread. Whoever waits for a job does it then. */
int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *arg) {
  (void)thread, (void)attr, (void)run, (void)arg;
  return EAGAIN;
}

typedef struct progress {
  _Atomic long acknowledged[TARGETS];
} progress;

static progress *shared; /* with the child */

typedef struct scenario {
  const char *name;
  bool log;
  void (*prepare)(const char *folder); /* in the parent; may be NULL */
  void (*run)(const char *folder);     /* in the child: steps() marks where stepping begins, ends, begins again */
  long (*found)(const char *folder, int target);
} scenario;

static void steps(void) { raise(SIGSTOP); }

/* ---- the folder at an instant --------------------------------------------------------------------------- */

typedef struct watched {
  char name[256];
  int fd;
  size_t size;
  unsigned char *map;    /* of a pending file or spool: what the child stores shows here at once */
  unsigned char *shadow; /* what it held when it was last looked at */
} watched;

typedef struct watch {
  const char *folder;
  watched files[MOST_FILES];
  int count;
  struct timespec changed;
} watch;

static void unwatch(watch *w) {
  for (int i = 0; i < w->count; i++) {
    watched *f = &w->files[i];
    if (f->map != NULL) munmap(f->map, f->size);
    free(f->shadow);
    close(f->fd);
  }
  w->count = 0;
}

static void map_watched(watched *f) {
  f->map = mmap(NULL, f->size, PROT_READ, MAP_SHARED, f->fd, 0);
  if (f->map == MAP_FAILED) f->map = NULL;
  else if ((f->shadow = malloc(f->size)) != NULL) memcpy(f->shadow, f->map, f->size);
}

static void watch_file(watch *w, const char *name) {
  char path[1024];
  struct stat s;
  watched *f = &w->files[w->count];
  snprintf(path, sizeof path, "%s/%s", w->folder, name);
  *f = (watched){.fd = open(path, O_RDONLY | O_CLOEXEC)};
  if (f->fd < 0) return;
  fstat(f->fd, &s);
  f->size = (size_t)s.st_size;
  snprintf(f->name, sizeof f->name, "%s", name);
  if (name[0] == '.' && f->size > 0) map_watched(f);
  w->count++;
}

static void watch_anew(watch *w) {
  unwatch(w);
  DIR *dir = opendir(w->folder);
  for (struct dirent *e; (e = readdir(dir)) != NULL && w->count < MOST_FILES;)
    if (e->d_type == DT_REG) watch_file(w, e->d_name);
  closedir(dir);
}

static bool file_changed(watched *f) {
  struct stat s;
  if (fstat(f->fd, &s) == 0 && (size_t)s.st_size != f->size) return true;
  if (f->map == NULL || f->shadow == NULL || memcmp(f->map, f->shadow, f->size) == 0) return false;
  memcpy(f->shadow, f->map, f->size);
  return true;
}

/* Has anything changed that outlives the child? */
static bool changed(watch *w) {
  struct stat s;
  bool any = false, resized = false;
  stat(w->folder, &s);
  for (int i = 0; i < w->count; i++) {
    size_t size = w->files[i].size;
    any |= file_changed(&w->files[i]);
    struct stat now;
    resized |= fstat(w->files[i].fd, &now) == 0 && ((size_t)now.st_size != size || now.st_nlink == 0);
  }
  bool listed = s.st_mtim.tv_nsec == w->changed.tv_nsec && s.st_mtim.tv_sec == w->changed.tv_sec;
  if (listed && !resized) return any;
  w->changed = s.st_mtim;
  watch_anew(w);
  return true;
}

/* The folder's time stamps are coarse: what came within one tick of the last look is found by its names. */
static bool same_names(const watch *w) {
  int there = 0, known = 0;
  DIR *dir = opendir(w->folder);
  for (struct dirent *e; (e = readdir(dir)) != NULL;) {
    if (e->d_type != DT_REG) continue;
    there++;
    for (int i = 0; i < w->count; i++) known += strcmp(w->files[i].name, e->d_name) == 0;
  }
  closedir(dir);
  return there == w->count && known == there;
}

static void copy_file(const char *folder, const char *name, const char *to) {
  char path[1024];
  size_t size;
  snprintf(path, sizeof path, "%s/%s", folder, name);
  char *data = scratch_read(path, &size);
  snprintf(path, sizeof path, "%s/%s", to, name);
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (data == NULL || fd < 0 || write(fd, data, size) != (ssize_t)size) 
    check_that(0, "the folder can be copied", __FILE__, __LINE__);
  if (fd >= 0) close(fd);
  free(data);
}

static void copy_folder(const char *folder, const char *to) {
  DIR *dir = opendir(folder);
  for (struct dirent *e; (e = readdir(dir)) != NULL;)
    if (e->d_type == DT_REG) copy_file(folder, e->d_name, to);
  closedir(dir);
}

/* ---- what must be there ----------------------------------------------------------------------------------- */

static int no_sync(const hl_env *env, int fd, int *code) {
  (void)env, (void)fd, (void)code;
  return 0;
}

static bool acceptable(const scenario *s, const char *folder) {
  long extra = 0;
  bool ok = true;
  for (int t = 0; t < TARGETS; t++) {
    long more = s->found(folder, t) - shared->acknowledged[t];
    ok &= more >= 0;
    extra += more;
  }
  return ok && extra <= 1 && scratch_count(folder, ".helios", NULL, 0) == 0;
}

static bool recovers(const scenario *s, const char *folder, long step) {
  hl_env env = hl_env_system;
  env.sync = no_sync;
  hl_error err = {.status = HELIOS_OK};
  const char *copy = scratch_dir(1);
  copy_folder(folder, copy);
  helios_status st = hl_recover_folder(&env, NULL, copy, s->log ? "target0" : NULL, NULL, &err);
  bool ok = CHECK(st == HELIOS_OK && acceptable(s, copy));
  if (!ok)
    fprintf(stderr, "  %s: after %ld instructions: status %d %s; acknowledged %ld, %ld, found %ld, %ld\n", s->name,
            step, (int)st, err.reason, (long)shared->acknowledged[0], (long)shared->acknowledged[1], s->found(copy, 0),
            s->found(copy, 1));
  scratch_remove(copy);
  return ok;
}

/* ---- stepping ---------------------------------------------------------------------------------------------- */

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double seconds_allowed(void) {
  const char *given = getenv("HELIOS_CRASH_SECONDS");
  return given != NULL ? atof(given) : 3;
}

static pid_t start(const scenario *s, const char *folder) {
  pid_t child = fork();
  if (child != 0) return child;
  if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) _exit(77);
  s->run(folder);
  _exit(0);
}

/* Until the child stops itself. False when it has ended. */
static bool run_to_mark(pid_t child, int *status) {
  while (waitpid(child, status, 0) == child && WIFSTOPPED(*status)) {
    if (WSTOPSIG(*status) == SIGSTOP) return true;
    ptrace(PTRACE_CONT, child, NULL, NULL);
  }
  return false;
}

/* One instruction, or all up to the next mark where it has come to one. False when the child has ended. */
static bool step_once(pid_t child) {
  int status;
  if (ptrace(PTRACE_SINGLESTEP, child, NULL, NULL) != 0) return false;
  if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) return false;
  if (WSTOPSIG(status) != SIGSTOP) return true;
  ptrace(PTRACE_CONT, child, NULL, NULL);
  return run_to_mark(child, &status);
}

/* A slow machine or build does not get to the end in the time allowed: what it saw until then counts. */
static long walk(const scenario *s, const char *folder, pid_t child, long *looks, bool *cut_short) {
  watch w = {.folder = folder};
  double end = seconds() + seconds_allowed();
  long step = 0;
  while (step_once(child)) {
    step++;
    bool pause = step % 64 == 0;
    if (changed(&w) || (pause && !same_names(&w))) {
      ++*looks;
      if (!recovers(s, folder, step)) break;
    } else if (!pause) {
      continue;
    }
    if (seconds() < end) continue;
    printf("crash points: %s is cut short\n", s->name);
    *cut_short = true;
    break;
  }
  unwatch(&w);
  return step;
}

static void walk_through(const scenario *s) {
  const char *folder = scratch_dir(0);
  for (int t = 0; t < TARGETS; t++) shared->acknowledged[t] = 0;
  if (s->prepare != NULL) s->prepare(folder);
  pid_t child = start(s, folder);
  int status = 0;
  long looks = 0;
  bool cut_short = false;
  if (!run_to_mark(child, &status)) {
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) printf("crash points: %s skipped: no ptrace here\n", s->name);
    else check_that(0, "the child came to its mark", __FILE__, __LINE__);
  } else {
    long walked = walk(s, folder, child, &looks, &cut_short);
    printf("crash points: %s: %ld instructions, %ld crashes recovered\n", s->name, walked, looks);
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    CHECK(looks > 3 || cut_short);
  }
  scratch_remove(folder);
}

/* ---- a queue and its targets ------------------------------------------------------------------------------- */

static long numbers_in(const char *folder, int target, bool log) {
  char path[1024];
  snprintf(path, sizeof path, "%s/target%d", folder, target);
  return count_numbers(path, log);
}

static long records_found(const char *folder, int target) { return numbers_in(folder, target, false); }
static long lines_found(const char *folder, int target) { return target == 0 ? numbers_in(folder, target, true) : 0; }

static hl_queue *open_queue(const char *folder, bool log) {
  hl_queue *q;
  hl_queue_options o = {.folder = folder, .shared = log, .capacity = 4096, .no_thread = true, .flush_ns = 1000000000};
  if (hl_queue_open(&q, &o, NULL) != HELIOS_OK) _exit(3);
  return q;
}

static uint32_t add_target(hl_queue *q, const char *folder, const char *name, bool create) {
  char path[1024];
  uint32_t target;
  snprintf(path, sizeof path, "%s/%s", folder, name);
  if (hl_queue_add_target(q, path, create, &target, NULL) != HELIOS_OK) _exit(4);
  return target;
}

static void push_next(hl_queue *q, const uint32_t *targets, int t, bool log) {
  if (push_number(q, targets[t], log, (unsigned)shared->acknowledged[t]) == HELIOS_OK) shared->acknowledged[t]++;
}

/* Everything from the making of the pending file to its removal, several times around the ring. */
static void whole_life(const char *folder, bool log) {
  uint32_t targets[TARGETS];
  steps();
  hl_queue *q = open_queue(folder, log);
  targets[0] = add_target(q, folder, "target0", true);
  if (!log) targets[1] = add_target(q, folder, "target1", true);
  for (int i = 0; i < 120; i++) {
    if (i == 4 || i == 36 || i == 50 || i == 110) steps(); /* around full and emptied rings */
    push_next(q, targets, log || i % 3 != 0 ? 0 : 1, log);
    if (i % 60 == 44) hl_queue_flush(q, NULL);
  }
  hl_queue_close(q, NULL);
  hl_queue_free(q);
}

static void life_of_a_run(const char *folder) { whole_life(folder, false); }
static void life_of_a_log(const char *folder) { whole_life(folder, true); }

/* One target fails while the other goes on: the ring's tail stands still, and marks alone tell what is in the files. */
static void one_of_two_fails(const char *folder) {
  uint32_t targets[TARGETS];
  char obstacle[1024];
  snprintf(obstacle, sizeof obstacle, "%s/target1", folder);
  if (mkdir(obstacle, 0755) != 0) _exit(5);
  hl_queue *q = open_queue(folder, false);
  targets[0] = add_target(q, folder, "target0", true);
  targets[1] = add_target(q, folder, "target1", false);
  steps();
  for (int i = 0; i < 24; i++) {
    push_next(q, targets, i % 4 == 1 ? 1 : 0, false);
    if (i % 5 == 4) hl_queue_flush(q, NULL);
    if (i == 18 && rmdir(obstacle) != 0) _exit(6);
  }
  hl_queue_close(q, NULL);
}

/* More targets than slots: one is taken from a target that has nothing pending, and given to another. */
static void slots_are_given_on(const char *folder) {
  enum { SLOTS = 128 };
  uint32_t targets[TARGETS];
  char name[32];
  hl_queue *q = open_queue(folder, false);
  targets[0] = add_target(q, folder, "target0", true);
  for (int i = 1; i < SLOTS; i++) {
    snprintf(name, sizeof name, "sub/other%d", i);
    add_target(q, folder, name, false);
  }
  targets[1] = add_target(q, folder, "target1", false);
  for (int i = 0; i < 3; i++) push_next(q, targets, 0, false);
  hl_queue_flush(q, NULL);
  steps();
  for (int i = 0; i < 12; i++) {
    push_next(q, targets, i % 2, false);
    if (i % 3 == 2) hl_queue_flush(q, NULL);
  }
  hl_queue_close(q, NULL);
}

/* ---- recovery ------------------------------------------------------------------------------------------------ */

static void leave_pending(const char *folder, bool log) {
  pid_t child = fork();
  if (child == 0) {
    uint32_t targets[TARGETS];
    hl_queue *q = open_queue(folder, log);
    targets[0] = add_target(q, folder, "target0", true);
    if (!log) targets[1] = add_target(q, folder, "target1", true);
    for (int i = 0; i < 40; i++) {
      push_next(q, targets, log || i % 3 != 0 ? 0 : 1, log);
      if (i == 20) hl_queue_flush(q, NULL);
    }
    kill(getpid(), SIGKILL);
  }
  waitpid(child, NULL, 0);
}

static void leave_pending_run(const char *folder) { leave_pending(folder, false); }
static void leave_pending_log(const char *folder) { leave_pending(folder, true); }

static void recover_run(const char *folder) {
  steps();
  hl_recover_folder(&hl_env_system, NULL, folder, NULL, NULL, NULL);
}

static void recover_log(const char *folder) {
  steps();
  hl_recover_folder(&hl_env_system, NULL, folder, "target0", NULL, NULL);
}

/* ---- images --------------------------------------------------------------------------------------------------- */

enum { SIDE = 19 }; /* as doubles just enough for a worker, and soon encoded */

static void add_image(helios_writer *w, int number) {
  static double pixels[3 * SIDE * SIDE];
  int64_t shape[3] = {3, SIDE, SIDE};
  DLTensor t = {.data = pixels, .device = {kDLCPU, 0}, .ndim = 3, .dtype = {kDLFloat, 64, 1}, .shape = shape};
  if (helios_writer_add_image(w, "x", &t, "CHW", number + 1, NULL) == HELIOS_OK) shared->acknowledged[0]++;
}

static void images(const char *folder) {
  helios_writer *w;
  if (helios_writer_open(folder, NULL, &w, NULL, 0) != HELIOS_OK) _exit(3);
  add_image(w, 0); /* what libpng and the clock do once is done */
  helios_writer_flush(w);
  steps();
  add_image(w, 1);
  add_image(w, 2);
  helios_writer_flush(w);
  helios_writer_close(w);
}

static long images_found(const char *folder, int target) { return target == 0 ? steps_in(folder) : 0; }

int main(void) {
  if (SANITIZED) { /* what it adds would be stepped through as well, and is not what is asked about here */
    printf("crash points: skipped under a sanitizer\n");
    return check_done("crash points");
  }
  if (getenv("TMPDIR") == NULL && access("/dev/shm", W_OK) == 0) setenv("TMPDIR", "/dev/shm", 1);
  shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  const scenario scenarios[] = {
      {"the life of a run", false, NULL, life_of_a_run, records_found},
      {"the life of a log", true, NULL, life_of_a_log, lines_found},
      {"one of two targets fails", false, NULL, one_of_two_fails, records_found},
      {"a slot is given on", false, NULL, slots_are_given_on, records_found},
      {"recovery of a run", false, leave_pending_run, recover_run, records_found},
      {"recovery of a log", true, leave_pending_log, recover_log, lines_found},
      {"images", false, NULL, images, images_found},
  };
  for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++) walk_through(&scenarios[i]);
  return check_done("crash points");
}

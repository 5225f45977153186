/* test_threads.c - one writer and one logger in many threads, forks at any moment, ends of every kind, a crash handler.
 * Meant for the sanitizers as much as for its own checks. */
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "check.h"
#include "helios/helios.h"
#include "steps.h"

enum { THREADS = 4, EACH = 400, SIDE = 60 };

static helios_writer *writer;
static helios_logger *logger;
static char folder[300], log_path[400];
static int threads_of_handles; /* as in their options */

static void open_both(void) {
  helios_writer_options wo = {.size = sizeof wo, .flush_secs = 0.002, .threads = threads_of_handles};
  helios_logger_options lo = {.size = sizeof lo, .flush_secs = 0.002, .threads = threads_of_handles};
  snprintf(folder, sizeof folder, "%s", scratch_dir(0));
  snprintf(log_path, sizeof log_path, "%s/train.log", folder);
  CHECK_INT(helios_writer_open(folder, &wo, &writer, NULL, 0), HELIOS_OK);
  CHECK_INT(helios_logger_open(log_path, &lo, &logger, NULL, 0), HELIOS_OK);
}

static void close_both(void) {
  CHECK_INT(helios_writer_close(writer), HELIOS_OK);
  CHECK_INT(helios_logger_close(logger), HELIOS_OK);
  helios_writer_free(writer);
  helios_logger_free(logger);
}

/* Step `step` under a tag of the thread's own; how many of its calls came through. */
static int log_everything(int thread, long step) {
  char tag[16];
  unsigned char pixels[3 * SIDE * SIDE];
  int64_t shape[3] = {3, SIDE, SIDE};
  DLTensor image = {.data = pixels, .device = {kDLCPU, 0}, .ndim = 3, .dtype = {kDLUInt, 8, 1}, .shape = shape};
  snprintf(tag, sizeof tag, "t%d", thread);
  memset(pixels, thread, sizeof pixels);
  helios_named_value series[2] = {{tag, 1}, {"shared", 2}};
  int ok = helios_writer_add_scalar(writer, tag, 1, step) == HELIOS_OK;
  ok += helios_writer_add_text(writer, tag, "words", 5, step, NULL) == HELIOS_OK;
  if (step % 20 == 0) ok += helios_writer_add_image(writer, tag, &image, "CHW", step, NULL) == HELIOS_OK;
  if (step % 10 == 0) helios_writer_add_scalars(writer, "m", series, 2, step, NULL);
  helios_logger_printf(logger, step % 50 == 0 ? HELIOS_WARNING : HELIOS_INFO, "%s %ld", tag, step);
  return ok;
}

static _Atomic long accepted;

static void *log_in_thread(void *number) {
  for (long step = 1; step <= EACH; step++) {
    accepted += log_everything((int)(intptr_t)number, step);
    if (step % 100 == 0) helios_writer_flush(writer);
    if (step % 90 == 0) helios_logger_flush(logger);
    helios_stats stats = {.size = sizeof stats};
    if (step % 30 == 0) helios_writer_stats(writer, &stats);
  }
  return NULL;
}

static void start_threads(pthread_t *threads) {
  accepted = 0;
  for (intptr_t i = 0; i < THREADS; i++)
    if (!CHECK(pthread_create(&threads[i], NULL, log_in_thread, (void *)i) == 0)) exit(1);
}

static void join_threads(const pthread_t *threads) {
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
}

static step_count events_in_run(void) {
  char path[600] = "";
  CHECK_INT(scratch_count(folder, "events.out.tfevents.", path, sizeof path), 1);
  return count_steps(path);
}

/* Lines of each thread are 1, 2, 3, ... to `each`. */
static void check_lines(long each) {
  long next[THREADS] = {0}, damaged = 0;
  char line[256];
  FILE *f = fopen(log_path, "r");
  while (f != NULL && fgets(line, sizeof line, f) != NULL) {
    int thread;
    long step;
    const char *message = strstr(line, "]: t");
    if (message == NULL || sscanf(message, "]: t%d %ld", &thread, &step) != 2 || thread < 0 || thread >= THREADS ||
        ++next[thread] != step)
      damaged++;
  }
  if (f != NULL) fclose(f);
  CHECK_INT(damaged, 0);
  for (int i = 0; i < THREADS && each >= 0; i++) CHECK_INT(next[i], each);
}

static void many_threads_share_a_writer_and_a_logger(void) {
  pthread_t threads[THREADS];
  open_both();
  CHECK_INT(helios_writer_highest_step(writer), HELIOS_NO_STEP);
  start_threads(threads);
  join_threads(threads);
  CHECK_INT(helios_writer_highest_step(writer), EACH);
  close_both();
  step_count c = events_in_run();
  CHECK(c.whole);
  CHECK_INT(accepted, THREADS * (2 * EACH + EACH / 20));
  CHECK_INT(c.values, accepted);
  check_lines(EACH);
  scratch_remove(folder);
}

/* The writer is closed while they log: what was accepted is in the file, all else was refused. */
static void a_close_between_calls_loses_nothing(void) {
  for (int round = 0; round < 10; round++) {
    pthread_t threads[THREADS];
    open_both();
    start_threads(threads);
    usleep((useconds_t)(round * 700));
    CHECK_INT(helios_writer_close(writer), HELIOS_OK);
    join_threads(threads);
    close_both();
    if (accepted > 0) CHECK_INT(events_in_run().values, accepted);
    CHECK_INT(scratch_count(folder, ".helios", NULL, 0), 0);
    scratch_remove(folder);
  }
}

/* ---- fork ---------------------------------------------------------------------------------------------------- */

/* How many of the calls were taken. */
static int use_after_fork(void) {
  int taken = helios_writer_add_scalar(writer, "child", 1, 1) != HELIOS_EFORKED;
  taken += helios_logger_printf(logger, HELIOS_ERROR, "child") != HELIOS_EFORKED;
  taken += helios_writer_flush(writer) != HELIOS_EFORKED;
  helios_emergency_flush();
  return taken;
}

/* What went wrong when the child gave the handles back and logged to a run of its own. The thread sanitizer does not let
 * it start threads. */
static int log_after_fork(int number) {
  char own[600];
  helios_writer *w;
  helios_writer_options o = {.size = sizeof o, .threads = SANITIZED ? -1 : 0};
  helios_writer_free(writer);
  helios_logger_free(logger);
  snprintf(own, sizeof own, "%s/child%d", folder, number);
  if (helios_writer_open(own, &o, &w, NULL, 0) != HELIOS_OK) return 1;
  int wrong = helios_writer_add_scalar(w, "own", 1, 1) != HELIOS_OK || helios_writer_close(w) != HELIOS_OK;
  helios_writer_free(w);
  return wrong + (steps_in(own) != 1);
}

static void fork_once(int number, bool may_allocate) {
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) _exit(use_after_fork() + (may_allocate ? log_after_fork(number) : 0));
  int status = 0;
  waitpid(child, &status, 0);
  CHECK_INT(status, 0);
}

/* While others push, encode and drain. The child is inert, its handles can be given back, and it can open its own. */
static void forks_at_any_moment(void) {
  pthread_t threads[THREADS];
  open_both();
  start_threads(threads);
  for (int i = 0; i < 12; i++) {
    usleep(1500);
    fork_once(i, !SANITIZED);
  }
  join_threads(threads);
  close_both();
  CHECK_INT(events_in_run().values, accepted);
  check_lines(EACH);
  scratch_remove(folder);
}

/* The same of a process whose library has no threads, so that sanitizers see all of the child. */
static void forks_of_a_single_thread(void) {
  threads_of_handles = -1;
  open_both();
  for (long step = 1; step <= 20; step++) {
    CHECK_INT(log_everything(0, step), step == 20 ? 3 : 2);
    if (step % 5 == 0) fork_once((int)step, true);
  }
  close_both();
  threads_of_handles = 0;
  CHECK_INT(events_in_run().values, 41);
  check_lines(-1);
  scratch_remove(folder);
}

/* The nth time that memory moves, its thread stands still between the old place and the new until it is let go. */
static struct {
  _Atomic long left; /* moves before that one; negative: none */
  _Atomic bool stands, go;
} move;

static void *moving(void *ctx, void *p, size_t old_size, size_t size) {
  (void)ctx;
  if (p == NULL || size <= old_size) {
    if (size > 0) return realloc(p, size);
    free(p);
    return NULL;
  }
  void *fresh = malloc(size);
  memcpy(fresh, p, old_size);
  memset(p, 0x5a, old_size); /* whoever follows it now is told by the system */
  free(p);
  if (move.left >= 0 && move.left-- == 0) {
    move.stands = true;
    while (!move.go) usleep(100);
  }
  return fresh;
}

static _Atomic bool grown;

/* Sub-runs, their files, and tags that are remembered. */
static void *grow_lists(void *unused) {
  (void)unused;
  char tag[16];
  for (int i = 0; i < 20; i++) {
    snprintf(tag, sizeof tag, "t%d", i);
    helios_named_value series = {tag, i};
    helios_writer_add_scalars(writer, "m", &series, 1, 1, NULL);
    helios_logger_printf(logger, HELIOS_INFO, "%0*d", 40000 + 20000 * i, i); /* no room in the ring: on the heap */
  }
  grown = true;
  return NULL;
}

static void fork_and_give_back(long nth) {
  pid_t child = fork();
  if (child == 0) {
    int taken = use_after_fork();
    helios_writer_free(writer);
    helios_logger_free(logger);
    _exit(taken);
  }
  int status = -1;
  waitpid(child, &status, 0);
  if (!CHECK_INT(status, 0)) fprintf(stderr, "  move %ld\n", nth);
}

/* What a thread was changing at the fork stays as it is in the child, which gives the handles back all the same. True
 * when there was such a move. */
static bool a_fork_while_memory_moves(long nth) {
  const helios_allocator allocator = {.realloc = moving};
  helios_writer_options wo = {.size = sizeof wo, .allocator = &allocator, .threads = -1};
  helios_logger_options lo = {.size = sizeof lo, .allocator = &allocator, .threads = -1};
  pthread_t thread;
  snprintf(folder, sizeof folder, "%s", scratch_dir(0));
  snprintf(log_path, sizeof log_path, "%s/train.log", folder);
  move.left = -1;
  move.stands = move.go = grown = false;
  CHECK_INT(helios_writer_open(folder, &wo, &writer, NULL, 0), HELIOS_OK);
  CHECK_INT(helios_logger_open(log_path, &lo, &logger, NULL, 0), HELIOS_OK);
  move.left = nth;
  if (!CHECK(pthread_create(&thread, NULL, grow_lists, NULL) == 0)) exit(1);
  while (!move.stands && !grown) usleep(100);
  bool moved = move.stands;
  if (moved) fork_and_give_back(nth);
  move.go = true;
  pthread_join(thread, NULL);
  close_both();
  scratch_remove(folder);
  return moved;
}

/* The parent is killed while its child lives on: the child, once it runs, holds no lock that would keep others from
 * recovering. */
static void a_child_outlives_its_parent(void) {
  int hold[2], runs[2];
  char byte = 0;
  CHECK_INT(pipe(hold), 0);
  CHECK_INT(pipe(runs), 0);
  snprintf(folder, sizeof folder, "%s", scratch_dir(0));
  pid_t parent = fork();
  if (parent == 0) {
    helios_writer *w;
    helios_writer_open(folder, NULL, &w, NULL, 0);
    for (long i = 1; i <= 100; i++) helios_writer_add_scalar(w, "x", 1, i);
    if (fork() == 0) {
      close(hold[1]);
      if (write(runs[1], &byte, 1) != 1) _exit(1);
      _exit(read(hold[0], &byte, 1) != 0); /* until the test lets go of the other end */
    }
    if (read(runs[0], &byte, 1) == 1) kill(getpid(), SIGKILL);
    _exit(1);
  }
  int status;
  waitpid(parent, &status, 0);
  CHECK(WIFSIGNALED(status));
  helios_recovery found = {.size = sizeof found};
  CHECK_INT(helios_recover(folder, &found, NULL, 0), HELIOS_OK);
  CHECK_INT(found.live_files, 0);
  CHECK_INT(steps_in(folder), 100);
  for (int i = 0; i < 2; i++) {
    close(hold[i]);
    close(runs[i]);
  }
  scratch_remove(folder);
}

/* ---- ends ----------------------------------------------------------------------------------------------------- */

static void end_by_signal(int signal) {
  for (long i = 1; i <= 100; i++) helios_writer_add_scalar(writer, "x", 1, i);
  raise(signal);
}

static void flush_and_die(int number) {
  helios_emergency_flush();
  signal(number, SIG_DFL);
  raise(number);
}

static volatile int *nowhere; /* a page that may not be touched */

static void crash_with_handler(int unused) {
  (void)unused;
  signal(SIGSEGV, flush_and_die);
  for (long i = 1; i <= 100; i++) helios_writer_add_scalar(writer, "x", 1, i);
  *nowhere = 1;
}

static void exit_without_close(int code) {
  for (long i = 1; i <= 100; i++) helios_writer_add_scalar(writer, "x", 1, i);
  exit(code);
}

/* in_file: how many of the hundred are in the event file before anybody recovers; -1: that is left open. */
static void ends_by(void (*how)(int), int argument, long in_file) {
  snprintf(folder, sizeof folder, "%s", scratch_dir(0));
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    helios_writer_options o = {.size = sizeof o, .flush_secs = 1000};
    helios_writer_open(folder, &o, &writer, NULL, 0);
    how(argument);
  }
  waitpid(child, NULL, 0);
  if (in_file >= 0) CHECK_INT(steps_in(folder), in_file);
  CHECK_INT(helios_recover(folder, NULL, NULL, 0), HELIOS_OK);
  CHECK_INT(steps_in(folder), 100);
  CHECK_INT(scratch_count(folder, "", NULL, 0), 1);
  scratch_remove(folder);
}

/* The crash comes while other threads log and a worker encodes: the handler does not hang, and nothing is lost. */
static void *crash_soon(void *unused) {
  (void)unused;
  usleep(3000);
  *nowhere = 1;
  return NULL;
}

static void a_crash_among_threads(void) {
  static _Atomic long *shared_count;
  shared_count = mmap(NULL, sizeof *shared_count, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  for (int round = 0; round < 8; round++) {
    snprintf(folder, sizeof folder, "%s", scratch_dir(0));
    *shared_count = 0;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
      pthread_t crashing;
      signal(SIGSEGV, flush_and_die);
      alarm(120);
      helios_writer_open(folder, NULL, &writer, NULL, 0);
      pthread_create(&crashing, NULL, crash_soon, NULL);
      for (long i = 1;; i++) *shared_count += helios_writer_add_scalar(writer, "x", 1, i) == HELIOS_OK;
    }
    int status;
    waitpid(child, &status, 0);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) != SIGALRM);
    CHECK_INT(helios_recover(folder, NULL, NULL, 0), HELIOS_OK);
    long found = steps_in(folder);
    CHECK(found == *shared_count || found == *shared_count + 1);
    scratch_remove(folder);
  }
}

static long threads_of_this_process(void) {
  char line[256];
  long threads = -1;
  FILE *f = fopen("/proc/self/status", "r");
  if (f == NULL) return -1;
  while (fgets(line, sizeof line, f) != NULL)
    if (strncmp(line, "Threads:", 8) == 0) threads = strtol(line + 8, NULL, 10);
  fclose(f);
  return threads;
}

/* A joined thread may still be counted for a moment: the kernel wakes the joiner before it takes the thread off the list. */
static long threads_soon(long wanted) {
  const struct timespec a_while = {.tv_nsec = 1000000};
  for (int i = 0; i < 5000 && threads_of_this_process() != wanted; i++) nanosleep(&a_while, NULL);
  return threads_of_this_process();
}

static void a_hundred_writers_cost_one_thread(void) {
  enum { WRITERS = 100 };
  char root[512], path[600];
  helios_writer *writers[WRITERS];
  snprintf(root, sizeof root, "%s", scratch_dir(0));
  long with_one = 0;
  for (int i = 0; i < WRITERS; i++) {
    snprintf(path, sizeof path, "%s/%d", root, i);
    CHECK_INT(helios_writer_open(path, NULL, &writers[i], NULL, 0), HELIOS_OK);
    CHECK_INT(helios_writer_add_scalar(writers[i], "x", i, i), HELIOS_OK);
    if (i == 0) with_one = threads_of_this_process(); /* a thread sanitizer's own, started with the first, is among them */
  }
  CHECK_INT(threads_of_this_process(), with_one);
  for (int i = 0; i < WRITERS; i++) helios_writer_free(writers[i]);
  CHECK_INT(threads_soon(with_one - 1), with_one - 1); /* the last one ends it */
  scratch_remove(root);
}

int main(void) {
  nowhere = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  a_hundred_writers_cost_one_thread();
  many_threads_share_a_writer_and_a_logger();
  a_close_between_calls_loses_nothing();
  forks_at_any_moment();
  forks_of_a_single_thread();
  long moves = 0;
  while (a_fork_while_memory_moves(moves)) moves++;
  CHECK(moves > 5);
  a_child_outlives_its_parent();
  ends_by(end_by_signal, SIGTERM, -1);
  ends_by(crash_with_handler, 0, 100);
  ends_by(exit_without_close, 0, -1);
  a_crash_among_threads();
  return check_done("threads");
}

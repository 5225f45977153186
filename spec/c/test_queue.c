/* test_queue.c - what was pushed reaches its file once and in order, whatever the disk does and wherever the process is
 * killed. The payloads are numbered lines, or numbered records for event files. */
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "broken_env.h"
#include "check.h"
#include "crc32c.h"
#include "numbered.h"
#include "queue.h"
#include "recover.h"
#include "scratch.h"

static _Atomic long *acknowledged; /* shared with children: how many pushes returned */

static hl_queue *open_queue(const hl_env *env, const char *folder, bool shared, hl_queue_options o) {
  hl_queue *q = NULL;
  hl_error err = {.status = HELIOS_OK};
  o.folder = folder;
  o.shared = shared;
  o.env = env;
  o.flush_ns = INT64_C(20000000);
  if (hl_queue_open(&q, &o, &err) != HELIOS_OK) fprintf(stderr, "%s\n", err.reason);
  return q;
}

static const char *target_path(const char *folder, const char *name) {
  static char path[4][512];
  static int turn;
  turn = (turn + 1) % 4;
  snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
  return path[turn];
}

/* ---- a healthy disk -------------------------------------------------------------------------------------- */

static void everything_arrives_in_order(bool shared, hl_queue_options o) {
  const char *folder = scratch_dir(0);
  hl_queue *q = open_queue(&hl_env_system, folder, shared, o);
  uint32_t target;
  const char *path = target_path(folder, "target");
  CHECK_INT(hl_queue_add_target(q, path, true, &target, NULL), HELIOS_OK);
  enum { MANY = 20000 }; /* several times around the ring */
  for (unsigned i = 0; i < MANY; i++) CHECK_INT(push_number(q, target, shared, i) == HELIOS_OK, 1);
  helios_stats stats = {.size = sizeof stats};
  hl_queue_stats(q, &stats);
  CHECK_INT(stats.events, MANY);
  CHECK_INT(hl_queue_flush(q, NULL), HELIOS_OK);
  CHECK_INT(count_numbers(path, shared), MANY);
  hl_queue_stats(q, &stats);
  CHECK_INT(stats.pending, 0);
  CHECK_INT(hl_queue_close(q, NULL), HELIOS_OK);
  CHECK_INT(push_number(q, target, shared, 0), HELIOS_ECLOSED);
  CHECK_INT(hl_queue_close(q, NULL), HELIOS_OK);
  hl_queue_free(q);
  CHECK_INT(scratch_count(folder, "", NULL, 0), 1); /* the target and nothing else */
  scratch_remove(folder);
}

static void a_deadline_brings_it_to_the_file(void) {
  const char *folder = scratch_dir(0);
  hl_queue *q = open_queue(&hl_env_system, folder, false, (hl_queue_options){.capacity = 0});
  uint32_t target;
  const char *path = target_path(folder, "target");
  hl_queue_add_target(q, path, true, &target, NULL);
  push_number(q, target, false, 0);
  for (int i = 0; i < 2000 && count_numbers(path, false) != 1; i++) usleep(5000); /* ten seconds at the very most */
  CHECK_INT(count_numbers(path, false), 1);
  hl_queue_free(q);
  scratch_remove(folder);
}

static int open_descriptors(void) {
  int n = 0;
  for (int fd = 0; fd < 1024; fd++) n += fcntl(fd, F_GETFD) >= 0;
  return n;
}

static void many_targets_share_few_descriptors(void) {
  const char *folder = scratch_dir(0);
  int before = open_descriptors();
  hl_queue *q = open_queue(&hl_env_system, folder, false, (hl_queue_options){.no_thread = true});
  enum { TARGETS = 300, EACH = 50 };
  static uint32_t targets[TARGETS];
  char path[512];
  for (int t = 0; t < TARGETS; t++) {
    snprintf(path, sizeof path, "%s/t%d", folder, t);
    CHECK(hl_queue_add_target(q, path, true, &targets[t], NULL) == HELIOS_OK);
  }
  for (unsigned i = 0; i < EACH; i++)
    for (int t = 0; t < TARGETS; t++) push_number(q, targets[t], false, i);
  CHECK(open_descriptors() - before < 61);
  CHECK_INT(hl_queue_close(q, NULL), HELIOS_OK);
  int whole = 0;
  for (int t = 0; t < TARGETS; t++) {
    snprintf(path, sizeof path, "%s/t%d", folder, t);
    whole += count_numbers(path, false) == EACH;
  }
  CHECK_INT(whole, TARGETS);
  hl_queue_free(q);
  scratch_remove(folder);
}

static void records_larger_than_the_ring_keep_their_place(void) {
  const char *folder = scratch_dir(0);
  hl_queue *q = open_queue(&hl_env_system, folder, false, (hl_queue_options){.capacity = 4096, .max_overflow = 1000});
  uint32_t target;
  const char *path = target_path(folder, "target");
  hl_queue_add_target(q, path, true, &target, NULL);
  enum { LARGE = 100000 };
  unsigned char *large = calloc(1, LARGE);
  for (int i = 0; i < 4; i++) {
    push_number(q, target, false, (unsigned)i);
    memset(large, 'a' + i, LARGE);
    CHECK_INT(hl_queue_push(q, target, HL_CLASS_MEDIA, large, LARGE, 1), HELIOS_OK);
  }
  CHECK_INT(hl_queue_close(q, NULL), HELIOS_OK);
  hl_queue_free(q);
  size_t size, at = 0;
  char *data = scratch_read(path, &size);
  for (int i = 0; i < 4; i++) {
    unsigned char want[256];
    size_t n = record_of(want, (unsigned)i);
    CHECK(memcmp(data + at, want, n) == 0);
    at += n;
    CHECK(data[at] == 'a' + i && data[at + LARGE - 1] == 'a' + i);
    at += LARGE;
  }
  CHECK_INT(size, at);
  free(data);
  free(large);
  scratch_remove(folder);
}

/* ---- threads ---------------------------------------------------------------------------------------------- */

typedef struct pusher {
  hl_queue *q;
  uint32_t target;
  int number;
} pusher;

enum { THREADS = 4, PER_THREAD = 5000 };

static void *push_many(void *arg) {
  pusher *p = arg;
  char line[64];
  for (int i = 0; i < PER_THREAD; i++) {
    int n = snprintf(line, sizeof line, "%d %d\n", p->number, i);
    hl_queue_push(p->q, p->target, HL_CLASS_TEXT, line, (size_t)n, 1);
    if (i % 1000 == 0) hl_queue_flush(p->q, NULL);
  }
  return NULL;
}

static void threads_keep_their_own_order(void) {
  const char *folder = scratch_dir(0);
  hl_queue *q = open_queue(&hl_env_system, folder, true, (hl_queue_options){.capacity = 8192});
  uint32_t target;
  const char *path = target_path(folder, "log");
  hl_queue_add_target(q, path, true, &target, NULL);
  pthread_t threads[THREADS];
  pusher pushers[THREADS];
  for (int t = 0; t < THREADS; t++) {
    pushers[t] = (pusher){q, target, t};
    pthread_create(&threads[t], NULL, push_many, &pushers[t]);
  }
  for (int t = 0; t < THREADS; t++) pthread_join(threads[t], NULL);
  CHECK_INT(hl_queue_close(q, NULL), HELIOS_OK);
  hl_queue_free(q);
  FILE *f = fopen(path, "r");
  int next[THREADS] = {0}, in_order = 1, t, i;
  while (fscanf(f, "%d %d\n", &t, &i) == 2) in_order &= t >= 0 && t < THREADS && next[t]++ == i;
  fclose(f);
  CHECK(in_order);
  for (t = 0; t < THREADS; t++) CHECK_INT(next[t], PER_THREAD);
  scratch_remove(folder);
}

/* ---- a failing disk ---------------------------------------------------------------------------------------- */

static int told;
static void count_told(void *ctx, helios_status status, const char *message) {
  (void)ctx;
  (void)status;
  (void)message;
  told++;
}

/* Each operation fails once: everything is in the file after the next flush. */
static void one_failure_loses_nothing(bool shared, break_kind kind, int code) {
  enum { NUMBERS = 300, AT_MOST = 400 };
  hl_env env = broken_env();
  long operations = 0;
  for (long at = 1; at <= AT_MOST && (at == 1 || operations >= at); at++) {
    const char *folder = scratch_dir(0);
    const char *path = target_path(folder, "target");
    break_at(BREAK_NEVER, 0, 0);
    hl_queue *q = open_queue(&env, folder, shared, (hl_queue_options){.capacity = 4096, .no_thread = true});
    uint32_t target;
    CHECK(hl_queue_add_target(q, path, true, &target, NULL) == HELIOS_OK);
    break_at(kind, at, code);
    for (unsigned i = 0; i < NUMBERS; i++) {
      push_number(q, target, shared, i);
      if (i % 100 == 50) hl_queue_flush(q, NULL);
    }
    operations = broken.count;
    break_at(BREAK_NEVER, 0, 0);
    hl_queue_flush(q, NULL);
    CHECK_INT(count_numbers(path, shared), NUMBERS);
    CHECK_INT(hl_queue_close(q, NULL), HELIOS_OK);
    hl_queue_free(q);
    CHECK_INT(scratch_count(folder, "", NULL, 0), 1);
    scratch_remove(folder);
  }
}

static void a_long_outage_is_told_once_and_loses_nothing_within_the_bound(void) {
  enum { NUMBERS = 2000 };
  hl_env env = broken_env();
  const char *folder = scratch_dir(0);
  const char *path = target_path(folder, "target");
  break_at(BREAK_NEVER, 0, 0);
  told = 0;
  hl_queue *q = open_queue(&env, folder, false,
                           (hl_queue_options){.capacity = 4096, .no_thread = true, .on_error = count_told});
  uint32_t target;
  hl_queue_add_target(q, path, true, &target, NULL);
  break_at(BREAK_FOR_GOOD, 1, ENOSPC);
  for (unsigned i = 0; i < NUMBERS; i++) push_number(q, target, false, i);
  hl_error err = {.status = HELIOS_OK};
  CHECK_INT(hl_queue_flush(q, &err), HELIOS_EIO);
  CHECK(strstr(err.reason, path) != NULL && strstr(err.reason, "No space left") != NULL);
  CHECK_INT(told, 1);
  CHECK_INT(count_numbers(path, false), 0);
  break_at(BREAK_NEVER, 0, 0);
  CHECK_INT(hl_queue_flush(q, NULL), HELIOS_OK);
  CHECK_INT(count_numbers(path, false), NUMBERS);
  break_at(BREAK_FOR_GOOD, 1, EIO);
  push_number(q, target, false, NUMBERS);
  hl_queue_flush(q, NULL);
  CHECK_INT(told, 2); /* a new outage is news again */
  break_at(BREAK_NEVER, 0, 0);
  CHECK_INT(hl_queue_close(q, NULL), HELIOS_OK);
  hl_queue_free(q);
  scratch_remove(folder);
}

static void beyond_the_bound_media_go_first_and_all_is_counted(void) {
  hl_env env = broken_env();
  const char *folder = scratch_dir(0);
  const char *path = target_path(folder, "target");
  break_at(BREAK_NEVER, 0, 0);
  hl_queue *q = open_queue(&env, folder, false,
                           (hl_queue_options){.capacity = 4096, .max_overflow = 32768, .no_thread = true});
  uint32_t target;
  hl_queue_add_target(q, path, true, &target, NULL);
  break_at(BREAK_FOR_GOOD, 1, EIO);
  static char block[1000];
  unsigned pushed = 0;
  for (int i = 0; i < 200; i++, pushed++) {
    hl_class c = (hl_class)(i % 3);
    memset(block, "MST"[c], sizeof block);
    hl_queue_push(q, target, c, block, sizeof block, 1);
  }
  break_at(BREAK_NEVER, 0, 0);
  hl_error err = {.status = HELIOS_OK};
  CHECK_INT(hl_queue_flush(q, &err), HELIOS_EIO); /* the outage is told first, then the drops */
  err = (hl_error){.status = HELIOS_OK};
  CHECK_INT(hl_queue_flush(q, &err), HELIOS_EDROPPED);
  helios_stats stats = {.size = sizeof stats};
  hl_queue_stats(q, &stats);
  CHECK_INT(strtoull(err.reason, NULL, 10), stats.dropped);
  CHECK_INT(hl_queue_flush(q, NULL), HELIOS_OK);
  size_t size;
  char *data = scratch_read(path, &size);
  size_t kept[256] = {0};
  for (size_t i = 0; i < size; i += sizeof block) kept[(unsigned char)data[i]]++;
  free(data);
  CHECK(stats.dropped > 0);
  CHECK_INT(kept['M'] + kept['S'] + kept['T'] + stats.dropped, pushed);
  CHECK(kept['T'] >= kept['S'] && kept['S'] >= kept['M']);
  CHECK_INT(stats.pending, 0);
  hl_queue_close(q, NULL);
  hl_queue_free(q);
  scratch_remove(folder);
}

/* ---- one target fails while others go on ------------------------------------------------------------------- */

static struct {
  hl_queue *q;
  uint32_t target;
  unsigned next, until; /* what is pushed while a round is under way */
} meanwhile;

static int open_and_push(const hl_env *e, const char *path, int flags, int *code) {
  (void)e;
  int fd = SYS->open(SYS, path, flags, code);
  if (fd < 0)
    while (meanwhile.next < meanwhile.until) push_number(meanwhile.q, meanwhile.target, false, meanwhile.next++);
  return fd;
}

/* What the failing target has in the ring moves to the heap while the round is under way and more comes for it. */
static void a_failing_target_keeps_its_order(unsigned while_failing) {
  hl_env env = hl_env_system;
  env.open = open_and_push;
  const char *folder = scratch_dir(0);
  const char *good_path = target_path(folder, "good"), *bad_path = target_path(folder, "bad");
  CHECK_INT(mkdir(bad_path, 0755), 0);
  hl_queue *q = open_queue(&env, folder, false, (hl_queue_options){.capacity = 8192, .no_thread = true});
  uint32_t good, bad;
  CHECK_INT(hl_queue_add_target(q, good_path, true, &good, NULL), HELIOS_OK);
  CHECK_INT(hl_queue_add_target(q, bad_path, false, &bad, NULL), HELIOS_OK);
  meanwhile.q = q;
  meanwhile.target = bad;
  meanwhile.next = meanwhile.until = 0;
  for (unsigned i = 0; i < 60; i++) {
    push_number(q, good, false, i);
    push_number(q, bad, false, meanwhile.next++);
    if (i % 15 != 14) continue;
    meanwhile.until = meanwhile.next + while_failing;
    hl_queue_flush(q, NULL);
  }
  CHECK_INT(rmdir(bad_path), 0);
  CHECK_INT(hl_queue_close(q, NULL), HELIOS_OK);
  CHECK_INT(count_numbers(good_path, false), 60);
  CHECK_INT(count_numbers(bad_path, false), meanwhile.next);
  hl_queue_free(q);
  scratch_remove(folder);
}

/* ---- a log that takes lines in part -------------------------------------------------------------------------- */

static size_t bytes_left; /* on the disk of the next env */

static int64_t write_what_fits(const hl_env *e, int fd, const void *data, size_t n, int *code) {
  (void)e;
  if (bytes_left == 0) {
    *code = ENOSPC;
    return -1;
  }
  int64_t done = SYS->write(SYS, fd, data, n < bytes_left ? n : bytes_left, code);
  if (done > 0) bytes_left -= (size_t)done;
  return done;
}

/* Numbers of the whole lines of a log, which may miss some (dropped) and hold torn ones, but none twice or out of
 * order. */
static long lines_once_and_in_order(const char *path) {
  size_t size = 0;
  long last = -1, lines = 0;
  char *data = scratch_read(path, &size);
  for (char *p = data; p != NULL && p < data + size; p = strchr(p, '\n') + 1) {
    unsigned char want[LARGEST_NUMBERED];
    unsigned number;
    if (sscanf(p, "line %u ", &number) != 1) continue;
    size_t length = line_of(want, number);
    if (strncmp(p, (char *)want, length) != 0) continue; /* torn */
    if ((long)number <= last) lines = -1000000;
    last = (long)number;
    lines++;
  }
  free(data);
  return lines;
}

/* The disk has room for some bytes now and then, at every place of a line; beyond the bound lines are dropped
 * meanwhile. */
static void a_log_filled_bit_by_bit(size_t bit, size_t bound) {
  enum { LINES = 3000 };
  hl_env env = hl_env_system;
  env.write = write_what_fits;
  const char *folder = scratch_dir(0);
  const char *path = target_path(folder, "target");
  bytes_left = 0;
  hl_queue_options o = {.capacity = 4096, .max_overflow = bound, .no_thread = true};
  hl_queue *q = open_queue(&env, folder, true, o);
  uint32_t target;
  CHECK_INT(hl_queue_add_target(q, path, true, &target, NULL), HELIOS_OK);
  for (unsigned i = 0; i < LINES; i++) {
    push_number(q, target, true, i);
    if (i % 25 != 0) continue;
    bytes_left = bit;
    hl_queue_flush(q, NULL);
  }
  bytes_left = SIZE_MAX;
  hl_queue_close(q, NULL);
  helios_stats stats = {.size = sizeof stats};
  hl_queue_stats(q, &stats);
  long twice = lines_once_and_in_order(path) + (long)stats.dropped - LINES;
  CHECK(twice >= 0 && twice < 5); /* a line may be dropped when all of it but its end is in the file */
  CHECK_INT(stats.pending, 0);
  if (bound > 100000) CHECK_INT(stats.dropped, 0);
  hl_queue_free(q);
  scratch_remove(folder);
}

/* ---- killed ------------------------------------------------------------------------------------------------- */

enum { KILLED_NUMBERS = 150 };

static void log_until_killed(const char *folder, const char *path, bool shared, break_kind kind, long at) {
  hl_env env = broken_env();
  break_at(kind, at, 0);
  hl_queue *q = open_queue(&env, folder, shared, (hl_queue_options){.capacity = 4096, .no_thread = true});
  uint32_t target;
  if (q == NULL || hl_queue_add_target(q, path, true, &target, NULL) != HELIOS_OK) _exit(3);
  for (unsigned i = 0; i < KILLED_NUMBERS; i++) {
    if (push_number(q, target, shared, i) == HELIOS_OK) ++*acknowledged;
    if (i % 40 == 20) hl_queue_flush(q, NULL);
  }
  hl_queue_close(q, NULL);
  _exit(0);
}

static void recover_until_killed(const char *folder, const char *log_name, break_kind kind, long at) {
  hl_env env = broken_env();
  break_at(kind, at, 0);
  hl_recover_folder(&env, NULL, folder, log_name, NULL, NULL);
  _exit(0);
}

/* True when the child was killed; false when it lived to its end. */
static bool was_killed(pid_t child) {
  int status;
  waitpid(child, &status, 0);
  return WIFSIGNALED(status);
}

static void recovery_killed_everywhere(const char *folder, const char *log_name, break_kind kind) {
  for (long at = 1;; at++) {
    pid_t child = fork();
    if (child == 0) recover_until_killed(folder, log_name, kind, at);
    if (!was_killed(child)) return;
  }
}

/* At every file operation of logging: kill, kill recovery at each of its operations in turn, recover; all that was
 * acknowledged is there once and in order, at most one more, and nothing else lies in the folder. */
static void killed_at_every_operation(bool shared, break_kind kind) {
  for (long at = 1;; at++) {
    const char *folder = scratch_dir(0);
    const char *path = target_path(folder, "target");
    const char *log_name = shared ? "target" : NULL;
    *acknowledged = 0;
    pid_t child = fork();
    if (child == 0) log_until_killed(folder, path, shared, kind, at);
    bool killed = was_killed(child);
    recovery_killed_everywhere(folder, log_name, kind);
    CHECK_INT(hl_recover_folder(&hl_env_system, NULL, folder, log_name, NULL, NULL), HELIOS_OK);
    long found = count_numbers(path, shared);
    if (!CHECK(found == *acknowledged || found == *acknowledged + 1))
      fprintf(stderr, "  operation %ld: %ld found, %ld acknowledged\n", at, found, (long)*acknowledged);
    CHECK(scratch_count(folder, "", NULL, 0) == (found > 0 || shared ? scratch_count(folder, "target", NULL, 0) : 0));
    scratch_remove(folder);
    if (!killed) {
      CHECK_INT(*acknowledged, KILLED_NUMBERS);
      return;
    }
  }
}

/* Several threads make their files at the same time: all of them are known, should nothing come into them any more. */
static void empty_files_are_removed(void) {
  enum { FILES = 100 };
  const char *folder = scratch_dir(0);
  pid_t child = fork();
  if (child == 0) {
    hl_queue *q = open_queue(&hl_env_system, folder, false, (hl_queue_options){.no_thread = true});
    for (int i = 0; i < FILES; i++) {
      char name[32];
      uint32_t target;
      snprintf(name, sizeof name, "file%d", i);
      if (hl_queue_add_target(q, target_path(folder, name), true, &target, NULL) != HELIOS_OK) _exit(3);
    }
    kill(getpid(), SIGKILL);
  }
  CHECK(was_killed(child));
  CHECK_INT(scratch_count(folder, "file", NULL, 0), FILES);
  CHECK_INT(hl_recover_folder(&hl_env_system, NULL, folder, NULL, NULL, NULL), HELIOS_OK);
  CHECK_INT(scratch_count(folder, "", NULL, 0), 0);
  scratch_remove(folder);
}

/* Killed at any instant whatever, many times. */
static void killed_at_random_moments(bool shared) {
  for (int round = 0; round < 60; round++) {
    const char *folder = scratch_dir(0);
    const char *path = target_path(folder, "target");
    *acknowledged = 0;
    pid_t child = fork();
    if (child == 0) {
      hl_queue *q = open_queue(&hl_env_system, folder, shared, (hl_queue_options){.capacity = 8192});
      uint32_t target;
      hl_queue_add_target(q, path, true, &target, NULL);
      for (unsigned i = 0;; i++)
        if (push_number(q, target, shared, i) == HELIOS_OK) ++*acknowledged;
    }
    usleep((useconds_t)(500 + round * 137));
    kill(child, SIGKILL);
    was_killed(child);
    CHECK_INT(hl_recover_folder(&hl_env_system, NULL, folder, shared ? "target" : NULL, NULL, NULL), HELIOS_OK);
    long found = count_numbers(path, shared);
    if (!CHECK(found == *acknowledged || found == *acknowledged + 1))
      fprintf(stderr, "  round %d: %ld found, %ld acknowledged\n", round, found, (long)*acknowledged);
    CHECK_INT(scratch_count(folder, ".helios", NULL, 0), 0);
    scratch_remove(folder);
  }
}

/* ---- a log that several write to, when one is killed in the middle of a line ---------------------------------- */

enum { TORN_LINES = 40 };

static int64_t write_half_and_die(const hl_env *e, int fd, const void *data, size_t n, int *code) {
  (void)e;
  SYS->write(SYS, fd, data, n / 2 + 1, code); /* the kernel does that too, between two pages */
  kill(getpid(), SIGKILL);
  return -1;
}

/* A process that pushes lines from `first` on and is killed: while it writes them, or before. */
static void leave_lines(const char *folder, const char *path, unsigned first, bool while_writing) {
  pid_t child = fork();
  if (child == 0) {
    hl_env env = hl_env_system;
    env.write = write_half_and_die;
    hl_queue *q = open_queue(&env, folder, true, (hl_queue_options){.no_thread = true});
    uint32_t target;
    if (q == NULL || hl_queue_add_target(q, path, true, &target, NULL) != HELIOS_OK) _exit(3);
    for (unsigned i = 0; i < TORN_LINES; i++) push_number(q, target, true, first + i);
    if (while_writing) hl_queue_flush(q, NULL);
    kill(getpid(), SIGKILL);
  }
  CHECK(was_killed(child));
}

/* Are these lines in the log, each in its place behind the other? */
static bool has_lines(const char *path, unsigned first) {
  unsigned char want[TORN_LINES * LARGEST_NUMBERED];
  size_t n = 0, size = 0;
  for (unsigned i = 0; i < TORN_LINES; i++) n += line_of(want + n, first + i);
  char *data = scratch_read(path, &size);
  bool found = data != NULL && memmem(data, size, want, n) != NULL;
  free(data);
  return found;
}

static long size_of(const char *path) {
  size_t size = 0;
  free(scratch_read(path, &size));
  return (long)size;
}

static long size_of_lines(unsigned first) {
  unsigned char line[LARGEST_NUMBERED];
  size_t n = 0;
  for (unsigned i = 0; i < TORN_LINES; i++) n += line_of(line, first + i);
  return (long)n;
}

/* Who goes on with the log makes the torn line whole first. */
static void a_living_neighbour_mends_a_torn_line(void) {
  const char *folder = scratch_dir(0);
  const char *path = target_path(folder, "log");
  hl_queue_options o = {.no_thread = true, .mend_log = hl_recover_torn_log};
  hl_queue *q = open_queue(&hl_env_system, folder, true, o);
  uint32_t target;
  CHECK_INT(hl_queue_add_target(q, path, true, &target, NULL), HELIOS_OK);
  leave_lines(folder, path, 0, true);
  CHECK(!has_lines(path, 0));
  for (unsigned i = 0; i < TORN_LINES; i++) push_number(q, target, true, 1000 + i);
  CHECK_INT(hl_queue_close(q, NULL), HELIOS_OK);
  hl_queue_free(q);
  CHECK(has_lines(path, 0));
  CHECK(has_lines(path, 1000));
  CHECK_INT(size_of(path), size_of_lines(0) + size_of_lines(1000));
  CHECK_INT(scratch_count(folder, ".helios", NULL, 0), 0);
  scratch_remove(folder);
}

/* Of several dead ones, the one whose line is torn is recovered before the others come behind it. */
static void the_torn_line_is_recovered_first(void) {
  enum { PROCESSES = 6 };
  const char *folder = scratch_dir(0);
  const char *path = target_path(folder, "log");
  for (unsigned p = 1; p < PROCESSES; p++) leave_lines(folder, path, p * 1000, false);
  leave_lines(folder, path, 0, true);
  CHECK_INT(hl_recover_folder(&hl_env_system, NULL, folder, "log", NULL, NULL), HELIOS_OK);
  long size = 0;
  for (unsigned p = 0; p < PROCESSES; p++) {
    CHECK(has_lines(path, p * 1000));
    size += size_of_lines(p * 1000);
  }
  CHECK_INT(size_of(path), size);
  scratch_remove(folder);
}

/* ---- fork ---------------------------------------------------------------------------------------------------- */

static void a_forked_child_is_inert(void) {
  const char *folder = scratch_dir(0);
  const char *path = target_path(folder, "target");
  hl_queue *q = open_queue(&hl_env_system, folder, false, (hl_queue_options){.capacity = 4096});
  uint32_t target;
  hl_queue_add_target(q, path, true, &target, NULL);
  for (unsigned i = 0; i < 10; i++) push_number(q, target, false, i);
  pid_t child = fork();
  if (child == 0) {
    if (hl_queue_alive(q)) _exit(1);
    if (!SANITIZED) hl_queue_free(q);
    _exit(0);
  }
  int status;
  waitpid(child, &status, 0);
  CHECK_INT(status, 0);
  for (unsigned i = 10; i < 20; i++) push_number(q, target, false, i);
  CHECK_INT(hl_queue_close(q, NULL), HELIOS_OK);
  hl_queue_free(q);
  CHECK_INT(count_numbers(path, false), 20);
  CHECK_INT(scratch_count(folder, "", NULL, 0), 1);
  scratch_remove(folder);
}

static void a_living_owner_is_left_alone(void) {
  const char *folder = scratch_dir(0);
  const char *path = target_path(folder, "target");
  hl_queue *q = open_queue(&hl_env_system, folder, false, (hl_queue_options){.no_thread = true});
  uint32_t target;
  hl_queue_add_target(q, path, true, &target, NULL);
  push_number(q, target, false, 0);
  helios_recovery found = {.size = sizeof found};
  CHECK_INT(hl_recover_folder(&hl_env_system, NULL, folder, NULL, &found, NULL), HELIOS_OK);
  CHECK_INT(found.live_files, 1);
  CHECK_INT(found.pending_files, 0);
  CHECK_INT(hl_queue_close(q, NULL), HELIOS_OK);
  CHECK_INT(count_numbers(path, false), 1);
  hl_queue_free(q);
  scratch_remove(folder);
}

int main(void) {
  acknowledged = mmap(NULL, sizeof *acknowledged, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  for (int shared = 0; shared <= 1; shared++) {
    everything_arrives_in_order(shared, (hl_queue_options){.capacity = 4096});
    everything_arrives_in_order(shared, (hl_queue_options){.no_thread = true});
    everything_arrives_in_order(shared, (hl_queue_options){.heap_only = true, .capacity = 4096});
    one_failure_loses_nothing(shared, BREAK_ONCE, EIO);
    one_failure_loses_nothing(shared, BREAK_SHORT, 0);
    one_failure_loses_nothing(shared, BREAK_TORN, ENOSPC);
    killed_at_every_operation(shared, BREAK_KILL_BEFORE);
    killed_at_every_operation(shared, BREAK_KILL_AFTER);
    killed_at_random_moments(shared);
  }
  a_deadline_brings_it_to_the_file();
  many_targets_share_few_descriptors();
  records_larger_than_the_ring_keep_their_place();
  threads_keep_their_own_order();
  a_long_outage_is_told_once_and_loses_nothing_within_the_bound();
  beyond_the_bound_media_go_first_and_all_is_counted();
  for (unsigned n = 0; n < 80; n += 7) a_failing_target_keeps_its_order(n);
  for (size_t bit = 37; bit < 2000; bit += 211) {
    a_log_filled_bit_by_bit(bit, 1 << 20);
    a_log_filled_bit_by_bit(bit, 16384);
  }
  empty_files_are_removed();
  a_living_neighbour_mends_a_torn_line();
  the_torn_line_is_recovered_first();
  a_forked_child_is_inert();
  a_living_owner_is_left_alone();
  return check_done("queue");
}

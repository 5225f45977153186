/* test_disk.c - disks that fill up, limits that bite, files and folders that vanish: no call fails for it, nothing
 * within the bound is lost, every drop is counted, and an outage is told once. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "broken_env.h"
#include "check.h"
#include "helios/helios.h"
#include "logger.h"
#include "recover.h"
#include "steps.h"
#include "writer_impl.h"

static int told;
static char told_text[512];

static void on_error(void *ctx, helios_status status, const char *message) {
  (void)ctx;
  (void)status;
  told++;
  snprintf(told_text, sizeof told_text, "%s", message);
}

static helios_writer *open_writer(const hl_env *env, const char *folder) {
  helios_writer *w = NULL;
  hl_error err = {.status = HELIOS_OK};
  helios_writer_options o = {.size = sizeof o, .on_error = on_error, .threads = -1};
  told = 0;
  hl_writer_open(env, folder, &o, &w, &err);
  return w;
}

static helios_logger *open_logger(const hl_env *env, const char *path) {
  helios_logger *l = NULL;
  hl_error err = {.status = HELIOS_OK};
  helios_logger_options o = {.size = sizeof o, .on_error = on_error, .threads = -1};
  told = 0;
  hl_logger_open(env, path, &o, &l, &err);
  return l;
}

/* Steps first..last, every tenth a text. Returns how many calls did not succeed. */
static int add_steps(helios_writer *w, long first, long last) {
  int refused = 0;
  for (long i = first; i <= last; i++)
    refused += (i % 10 == 0 ? helios_writer_add_text(w, "note", "some words", 10, i, NULL)
                            : helios_writer_add_scalar(w, "loss", (double)i, i)) != HELIOS_OK;
  return refused;
}

static int log_lines(helios_logger *l, long first, long last) {
  int refused = 0;
  for (long i = first; i <= last; i++) refused += helios_logger_printf(l, HELIOS_INFO, "line %ld", i) != HELIOS_OK;
  return refused;
}

/* How many lines the log holds; -1 unless they are "line 1", "line 2", ... */
static long lines_in(const char *path) {
  size_t size = 0;
  long n = 0, number;
  char *data = scratch_read(path, &size);
  for (char *p = data; p != NULL && p < data + size; p = strchr(p, '\n') + 1) {
    const char *message = strstr(p, "]: line ");
    if (strchr(p, '\n') == NULL || message == NULL || sscanf(message, "]: line %ld", &number) != 1 || number != ++n) {
      n = -1;
      break;
    }
  }
  free(data);
  return n;
}

static uint64_t dropped_by(helios_writer *w, uint64_t *pending) {
  helios_stats stats = {.size = sizeof stats};
  helios_writer_stats(w, &stats);
  if (pending != NULL) *pending = stats.pending;
  return stats.dropped;
}

static const char *below(const char *folder, const char *name) {
  static char path[600];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return path;
}

static const char *event_file(const char *folder) {
  static char path[600];
  return scratch_count(folder, "events.out.tfevents.", path, sizeof path) == 1 ? path : NULL;
}

/* ---- a disk that fills up -------------------------------------------------------------------------------- */

static bool mounted(const char *folder, const char *size) {
  char options[64];
  snprintf(options, sizeof options, "size=%s", size);
  if (mount("tmpfs", folder, "tmpfs", 0, options) == 0) return true;
  printf("disk: no small disk can be mounted here (%s): skipped\n", strerror(errno));
  return false;
}

static void fill_disk(const char *folder) {
  static char block[4096];
  int fd = open(below(folder, "ballast"), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  while (write(fd, block, sizeof block) > 0) continue;
  close(fd);
}

static void a_run_on_a_disk_that_fills_up(const char *disk) {
  enum { STEPS = 60000 };
  char folder[400];
  snprintf(folder, sizeof folder, "%s/run", disk);
  helios_writer *w = open_writer(&hl_env_system, folder);
  CHECK_INT(add_steps(w, 1, 100), 0);
  CHECK_INT(helios_writer_flush(w), HELIOS_OK);
  fill_disk(disk);
  CHECK_INT(add_steps(w, 101, STEPS), 0);
  CHECK_INT(helios_writer_flush(w), HELIOS_EIO);
  CHECK_INT(told, 1);
  CHECK(strstr(told_text, "events.out.tfevents") != NULL && strstr(told_text, "No space left on device") != NULL);
  CHECK(steps_in(folder) >= 100); /* what is in the file is whole */
  unlink(below(disk, "ballast"));
  CHECK_INT(helios_writer_flush(w), HELIOS_OK);
  CHECK_INT(steps_in(folder), STEPS);
  CHECK_INT(dropped_by(w, NULL), 0);
  CHECK_INT(helios_writer_close(w), HELIOS_OK);
  helios_writer_free(w);
  CHECK_INT(scratch_count(folder, "", NULL, 0), 1);
}

static void a_log_on_a_disk_that_fills_up(const char *disk) {
  enum { LINES = 20000 };
  char path[400];
  snprintf(path, sizeof path, "%s/train.log", disk);
  helios_logger *l = open_logger(&hl_env_system, path);
  CHECK_INT(log_lines(l, 1, 100), 0);
  CHECK_INT(helios_logger_flush(l), HELIOS_OK);
  fill_disk(disk);
  CHECK_INT(log_lines(l, 101, LINES), 0);
  CHECK_INT(helios_logger_flush(l), HELIOS_EIO);
  CHECK_INT(told, 1);
  unlink(below(disk, "ballast"));
  CHECK_INT(helios_logger_flush(l), HELIOS_OK);
  CHECK_INT(lines_in(path), LINES);
  CHECK_INT(helios_logger_close(l), HELIOS_OK);
  helios_logger_free(l);
}

/* The process dies while the disk is full; recovery meets the full disk first, and leaves everything for the next try.
 * */
static void killed_on_a_full_disk(const char *disk) {
  char folder[400];
  snprintf(folder, sizeof folder, "%s/killed", disk);
  pid_t child = fork();
  if (child == 0) {
    helios_writer *w = open_writer(&hl_env_system, folder);
    add_steps(w, 1, 100);
    helios_writer_flush(w);
    fill_disk(disk);
    add_steps(w, 101, 2000); /* within the buffer */
    kill(getpid(), SIGKILL);
  }
  waitpid(child, NULL, 0);
  CHECK_INT(helios_recover(folder, NULL, NULL, 0), HELIOS_EIO);
  CHECK_INT(helios_recover(folder, NULL, NULL, 0), HELIOS_EIO);
  unlink(below(disk, "ballast"));
  CHECK_INT(helios_recover(folder, NULL, NULL, 0), HELIOS_OK);
  CHECK_INT(steps_in(folder), 2000);
  CHECK_INT(scratch_count(folder, "", NULL, 0), 1);
}

/* There is no room for the buffer: it is memory, stats() says so, and all else is as always. */
static void opened_on_a_full_disk(const char *disk) {
  char folder[400];
  snprintf(folder, sizeof folder, "%s/late", disk);
  CHECK_INT(mkdir(folder, 0755), 0);
  fill_disk(disk);
  helios_writer *w = open_writer(&hl_env_system, folder);
  helios_stats stats = {.size = sizeof stats};
  CHECK(w != NULL);
  helios_writer_stats(w, &stats);
  CHECK(!stats.shared_buffer);
  CHECK_INT(add_steps(w, 1, 1000), 0);
  unlink(below(disk, "ballast"));
  CHECK_INT(helios_writer_close(w), HELIOS_OK);
  CHECK_INT(steps_in(folder), 1000);
  helios_writer_free(w);
}

static void small_disks(void) {
  const char *disk = scratch_dir(0);
  if (mounted(disk, "8m")) {
    a_run_on_a_disk_that_fills_up(disk);
    a_log_on_a_disk_that_fills_up(disk);
    killed_on_a_full_disk(disk);
    opened_on_a_full_disk(disk);
    umount(disk);
  }
  scratch_remove(disk);
}

static void a_log_that_is_always_full(void) {
  helios_logger *l = open_logger(&hl_env_system, "/dev/full");
  helios_stats stats = {.size = sizeof stats};
  CHECK(l != NULL);
  CHECK_INT(log_lines(l, 1, 1000), 0);
  CHECK_INT(helios_logger_printf(l, HELIOS_ERROR, "line"), HELIOS_OK);
  CHECK_INT(helios_logger_flush(l), HELIOS_EIO);
  CHECK_INT(told, 1);
  CHECK_INT(helios_logger_close(l), HELIOS_EIO);
  helios_logger_stats(l, &stats);
  CHECK_INT(stats.events, 1001);
  CHECK_INT(stats.dropped, 1001);
  helios_logger_free(l);
}

/* ---- limits: each in a process of its own ------------------------------------------------------------------- */

/* Limits of descriptors count from here: what the test's own parent left open is none of its business. */
static void close_inherited(void) {
  for (int fd = STDERR_FILENO + 1; fd < 1024; fd++) close(fd);
}

static void in_a_child(const char *name, void (*run)(const char *folder)) {
  const char *folder = scratch_dir(1);
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    check_failed = 0;
    close_inherited();
    run(folder);
    _exit(check_failed == 0 ? 0 : 1);
  }
  int status;
  waitpid(child, &status, 0);
  if (!CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0))
    fprintf(stderr, "  %s: status %x\n", name, (unsigned)status);
  scratch_remove(folder);
}

static void set_limit(__rlimit_resource_t what, rlim_t soft) {
  struct rlimit limit;
  getrlimit(what, &limit);
  limit.rlim_cur = soft;
  setrlimit(what, &limit);
}

/* SIGXFSZ has its default disposition: it would end the process. */
static void files_may_not_grow(const char *folder) {
  enum { LIMIT = 512 * 1024, STEPS = 40000 };
  set_limit(RLIMIT_FSIZE, LIMIT);
  helios_writer *w = open_writer(&hl_env_system, folder);
  CHECK_INT(add_steps(w, 1, STEPS), 0);
  CHECK_INT(helios_writer_flush(w), HELIOS_EIO);
  CHECK_INT(told, 1);
  CHECK(strstr(told_text, "File too large") != NULL);
  CHECK(steps_in(folder) > 0);
  set_limit(RLIMIT_FSIZE, RLIM_INFINITY);
  CHECK_INT(helios_writer_close(w), HELIOS_OK);
  CHECK_INT(steps_in(folder), STEPS);
  helios_writer_free(w);
}

static void few_descriptors(const char *folder) {
  enum { RUNS = 60, ROUNDS = 20 };
  set_limit(RLIMIT_NOFILE, 14);
  helios_writer *w = open_writer(&hl_env_system, folder);
  for (int round = 1; round <= ROUNDS; round++)
    for (int run = 0; run < RUNS; run++) {
      char name[16];
      snprintf(name, sizeof name, "r%d", run);
      helios_named_value v = {name, run};
      CHECK(helios_writer_add_scalars(w, "m", &v, 1, round, NULL) == HELIOS_OK);
    }
  CHECK_INT(helios_writer_close(w), HELIOS_OK);
  CHECK_INT(dropped_by(w, NULL), 0);
  helios_writer_free(w);
  for (int run = 0; run < RUNS; run++) {
    char name[16];
    snprintf(name, sizeof name, "m_r%d", run);
    CHECK_INT(steps_in(below(folder, name)), ROUNDS);
  }
}

/* The host takes all descriptors there are: nothing can be opened until it gives some back. */
static void no_descriptors(const char *folder) {
  helios_writer *w = open_writer(&hl_env_system, folder);
  set_limit(RLIMIT_NOFILE, 5);
  int taken[16], n = 0;
  while (n < 16 && (taken[n] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0) n++;
  CHECK_INT(add_steps(w, 1, 20000), 0);
  CHECK_INT(helios_writer_flush(w), HELIOS_EIO);
  while (n > 0) close(taken[--n]);
  CHECK_INT(helios_writer_close(w), HELIOS_OK);
  CHECK_INT(steps_in(folder), 20000);
  helios_writer_free(w);
}

static void ignore(int signal) { (void)signal; }

static void a_storm_of_signals(const char *folder) {
  struct sigaction action = {.sa_handler = ignore}; /* without SA_RESTART */
  struct itimerval often = {{0, 100}, {0, 100}};
  sigaction(SIGALRM, &action, NULL);
  setitimer(ITIMER_REAL, &often, NULL);
  helios_writer *w = open_writer(&hl_env_system, below(folder, "run"));
  helios_logger *l = open_logger(&hl_env_system, below(folder, "log"));
  for (long i = 0; i < 40; i++) {
    CHECK_INT(add_steps(w, i * 500 + 1, i * 500 + 500) + log_lines(l, i * 500 + 1, i * 500 + 500), 0);
    CHECK_INT(helios_writer_flush(w), HELIOS_OK);
    CHECK_INT(helios_logger_flush(l), HELIOS_OK);
  }
  CHECK_INT(helios_writer_close(w), HELIOS_OK);
  CHECK_INT(helios_logger_close(l), HELIOS_OK);
  CHECK_INT(steps_in(below(folder, "run")), 20000);
  CHECK_INT(lines_in(below(folder, "log")), 20000);
  helios_writer_free(w);
  helios_logger_free(l);
}

/* ---- what users do to files that are open ------------------------------------------------------------------ */

static helios_writer *writer_with_ten_steps(const char *folder) {
  helios_writer *w = open_writer(&hl_env_system, folder);
  add_steps(w, 1, 10);
  CHECK_INT(helios_writer_flush(w), HELIOS_OK);
  return w;
}

/* The file that is there now: its own start, and the steps first..last. */
static void check_tail(const char *folder, long starts, long values) {
  step_count c = count_steps(event_file(folder));
  CHECK(c.whole);
  CHECK_INT(c.starts, starts);
  CHECK_INT(c.values, values);
}

static void end_writer(helios_writer *w) {
  CHECK_INT(helios_writer_close(w), HELIOS_OK);
  CHECK_INT(dropped_by(w, NULL), 0);
  if (!CHECK(told == 0)) fprintf(stderr, "  told: %s\n", told_text);
  helios_writer_free(w);
}

static void an_event_file_is_removed(void) {
  const char *folder = scratch_dir(0);
  helios_writer *w = writer_with_ten_steps(folder);
  unlink(event_file(folder));
  add_steps(w, 11, 15);
  CHECK_INT(helios_writer_flush(w), HELIOS_OK);
  add_steps(w, 16, 20);
  end_writer(w);
  check_tail(folder, 1, 10);
  scratch_remove(folder);
}

static void a_run_folder_is_removed(void) {
  const char *folder = scratch_dir(0);
  helios_writer *w = writer_with_ten_steps(folder);
  helios_named_value v = {"sub", 1};
  helios_writer_add_scalars(w, "m", &v, 1, 1, NULL);
  helios_writer_flush(w);
  scratch_remove(folder);
  add_steps(w, 11, 20);
  helios_writer_add_scalars(w, "m", &v, 1, 1, NULL);
  CHECK_INT(helios_writer_flush(w), HELIOS_OK);
  helios_stats stats = {.size = sizeof stats};
  helios_writer_stats(w, &stats);
  CHECK(!stats.shared_buffer); /* the buffer went with the folder */
  end_writer(w);
  check_tail(folder, 1, 10);
  CHECK_INT(steps_in(below(folder, "m_sub")), 1);
  scratch_remove(folder);
}

static void a_run_folder_is_gone_for_good(void) {
  const char *folder = scratch_dir(0);
  helios_writer *w = writer_with_ten_steps(folder);
  uint64_t pending;
  scratch_remove(folder);
  int fd = open(folder, O_WRONLY | O_CREAT | O_CLOEXEC, 0644); /* a file stands where it was */
  close(fd);
  CHECK_INT(add_steps(w, 11, 20), 0);
  CHECK_INT(helios_writer_close(w), HELIOS_EIO);
  char text[512];
  helios_writer_error(w, text, sizeof text);
  CHECK(strstr(text, "; 10 records were dropped") != NULL); /* nobody is left who could tell it later */
  CHECK_INT(dropped_by(w, &pending), 10);
  CHECK_INT(pending, 0);
  CHECK_INT(told, 1);
  helios_writer_free(w);
  scratch_remove(folder);
}

static void an_event_file_is_cut(void) {
  const char *folder = scratch_dir(0);
  helios_writer *w = writer_with_ten_steps(folder);
  CHECK_INT(truncate(event_file(folder), 0), 0);
  add_steps(w, 11, 20);
  end_writer(w);
  check_tail(folder, 1, 10);
  scratch_remove(folder);
}

static void copy_file(const char *from, const char *to) {
  size_t size;
  char *data = scratch_read(from, &size);
  FILE *f = fopen(to, "wb");
  CHECK(data != NULL && f != NULL && fwrite(data, 1, size, f) == size && fclose(f) == 0);
  free(data);
}

/* As editors and synchronizing programs do it: another file under the same name. */
static void an_event_file_is_replaced(void) {
  const char *folder = scratch_dir(0);
  helios_writer *w = writer_with_ten_steps(folder);
  char path[600];
  snprintf(path, sizeof path, "%s", event_file(folder));
  copy_file(path, below(folder, "copy"));
  CHECK_INT(rename(below(folder, "copy"), path), 0);
  add_steps(w, 11, 20);
  end_writer(w);
  CHECK_INT(steps_in(folder), 20);
  scratch_remove(folder);
}

static void a_log_is_removed(void) {
  const char *folder = scratch_dir(0);
  helios_logger *l = open_logger(&hl_env_system, below(folder, "log"));
  helios_logger_log(l, HELIOS_ERROR, "lost", 4);
  unlink(below(folder, "log"));
  log_lines(l, 1, 10);
  CHECK_INT(helios_logger_flush(l), HELIOS_OK);
  CHECK_INT(lines_in(below(folder, "log")), 10);
  helios_logger_free(l);
  scratch_remove(folder);
}

/* Killed after the file it had written was removed: what was pending is in a file that begins as all do. */
static void removed_and_killed(void) {
  const char *folder = scratch_dir(0);
  pid_t child = fork();
  if (child == 0) {
    helios_writer *w = writer_with_ten_steps(folder);
    unlink(event_file(folder));
    add_steps(w, 11, 15);
    kill(getpid(), SIGKILL);
  }
  waitpid(child, NULL, 0);
  CHECK_INT(helios_recover(folder, NULL, NULL, 0), HELIOS_OK);
  check_tail(folder, 1, 5);
  scratch_remove(folder);
}

/* ---- each operation fails ---------------------------------------------------------------------------------- */

/* Whatever fails once: either the writer or logger cannot be opened and says so, or all arrives. */
static void one_operation_fails(break_kind kind, int code) {
  enum { STEPS = 60 };
  hl_env env = broken_env();
  for (long at = 1, count = 1; at <= count; at++) {
    const char *folder = scratch_dir(0);
    break_at(kind, at, code);
    helios_writer *w = open_writer(&env, below(folder, "run"));
    helios_logger *l = open_logger(&env, below(folder, "log"));
    helios_named_value v = {"sub", 1};
    if (w != NULL) {
      CHECK_INT(add_steps(w, 1, STEPS / 2), 0);
      CHECK_INT(helios_writer_add_scalars(w, "m", &v, 1, 1, NULL), HELIOS_OK);
      helios_writer_flush(w);
      CHECK_INT(add_steps(w, STEPS / 2 + 1, STEPS), 0);
      helios_writer_flush(w);
    }
    if (l != NULL) CHECK_INT(log_lines(l, 1, STEPS), 0);
    if (l != NULL) helios_logger_flush(l);
    count = broken.count;
    break_at(BREAK_NEVER, 0, 0);
    if (w != NULL) CHECK_INT(helios_writer_flush(w), HELIOS_OK);
    helios_writer_free(w);
    helios_logger_free(l);
    if (w != NULL && !CHECK(steps_in(below(folder, "run")) == STEPS))
      fprintf(stderr, "  operation %ld: %ld steps\n", at, steps_in(below(folder, "run")));
    if (w != NULL) CHECK_INT(steps_in(below(folder, "run/m_sub")), 1);
    if (w != NULL) CHECK_INT(scratch_count(below(folder, "run"), ".helios", NULL, 0), 0);
    CHECK_INT(scratch_count(folder, ".helios", NULL, 0), 0);
    if (l != NULL) CHECK_INT(lines_in(below(folder, "log")), STEPS);
    scratch_remove(folder);
  }
}

/* From some operation on all fail; the disk never comes back. What was accepted is in the file, or can be recovered,
 * or is counted as dropped. */
static void all_operations_fail_from_then_on(void) {
  enum { STEPS = 40 };
  hl_env env = broken_env();
  for (long at = 1, count = 1; at <= count; at++) {
    const char *folder = scratch_dir(0);
    break_at(BREAK_FOR_GOOD, at, EIO);
    helios_writer *w = open_writer(&env, below(folder, "run"));
    uint64_t dropped = 0;
    if (w != NULL) {
      CHECK_INT(add_steps(w, 1, STEPS / 2), 0);
      helios_writer_flush(w);
      CHECK_INT(add_steps(w, STEPS / 2 + 1, STEPS), 0);
      helios_writer_close(w);
      CHECK(told <= 1);
      dropped = dropped_by(w, NULL);
    }
    count = broken.count;
    break_at(BREAK_NEVER, 0, 0);
    helios_writer_free(w);
    CHECK_INT(helios_recover(folder, NULL, NULL, 0), HELIOS_OK);
    if (w != NULL) CHECK_INT(helios_recover(below(folder, "run"), NULL, NULL, 0), HELIOS_OK);
    if (w != NULL && !CHECK(steps_in(below(folder, "run")) + (long)dropped == STEPS))
      fprintf(stderr, "  operation %ld: %ld steps, %ld dropped\n", at, steps_in(below(folder, "run")), (long)dropped);
    scratch_remove(folder);
  }
}

int main(void) {
  small_disks();
  a_log_that_is_always_full();
  in_a_child("files may not grow", files_may_not_grow);
  in_a_child("few descriptors", few_descriptors);
  in_a_child("no descriptors", no_descriptors);
  in_a_child("a storm of signals", a_storm_of_signals);
  an_event_file_is_removed();
  a_run_folder_is_removed();
  a_run_folder_is_gone_for_good();
  an_event_file_is_cut();
  an_event_file_is_replaced();
  a_log_is_removed();
  removed_and_killed();
  one_operation_fails(BREAK_ONCE, EIO);
  one_operation_fails(BREAK_ONCE, ENOSPC);
  one_operation_fails(BREAK_TORN, ENOSPC);
  one_operation_fails(BREAK_SHORT, 0);
  all_operations_fail_from_then_on();
  return check_done("disk");
}

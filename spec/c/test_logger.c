/* test_logger.c - the text log: bytes on disk, levels, sinks, files that come and go, threads, forks, failures. */
#include <errno.h>
#include <fcntl.h>
#include <helios/helios.h>
#include <math.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "logger.h"

static char folder[64];
static double clock_time;

static double frozen(void *ctx) {
  (void)ctx;
  return clock_time;
}

static const char *in_folder(const char *name) {
  static char paths[4][256];
  static unsigned next;
  char *path = paths[next++ % 4];
  snprintf(path, sizeof paths[0], "%s/%s", folder, name);
  return path;
}

/* The file's bytes with NUL shown as '@'; "(none)" when it is not there. */
static const char *content(const char *path) {
  static char text[1 << 16];
  FILE *f = fopen(path, "rb");
  if (f == NULL) return "(none)";
  size_t n = fread(text, 1, sizeof text - 1, f);
  fclose(f);
  for (size_t i = 0; i < n; i++)
    if (text[i] == '\0') text[i] = '@';
  text[n] = '\0';
  return text;
}

/* In the caller's thread only: what is pending stays so until something drains it. */
static helios_logger_options quiet(void) {
  return (helios_logger_options){.size = sizeof(helios_logger_options), .threads = -1, .clock = frozen};
}

static helios_logger *open_at(const char *path, const helios_logger_options *options) {
  helios_logger *l = NULL;
  char error[256];
  helios_status st = helios_logger_open(path, options, &l, error, sizeof error);
  if (!CHECK_INT(st, HELIOS_OK)) {
    fprintf(stderr, "%s\n", error);
    exit(1);
  }
  return l;
}

static helios_status say(helios_logger *l, int level, const char *text) {
  return helios_logger_log(l, level, text, strlen(text));
}

static void end(helios_logger *l, const char *path) {
  CHECK_INT(helios_logger_close(l), HELIOS_OK);
  helios_logger_free(l);
  if (path != NULL) remove(path);
}

/* ---- the line ------------------------------------------------------------------------------------------ */

static void test_lines(void) {
  const char *path = in_folder("lines.log");
  helios_logger_options o = quiet();
  o.level = 1;
  o.file_level = 1;
  helios_logger *l = open_at(path, &o);
  clock_time = 1795475353.0429; /* 2026-11-23 23:09:13 UTC */
  CHECK_INT(say(l, HELIOS_INFO, "message"), HELIOS_OK);
  CHECK_INT(say(l, HELIOS_DEBUG, ""), HELIOS_OK);
  CHECK_INT(helios_logger_log(l, HELIOS_INFO, NULL, 0), HELIOS_OK);
  CHECK_INT(helios_logger_log(l, HELIOS_INFO, "a\0b\nc %d", 8), HELIOS_OK);
  CHECK_INT(say(l, 25, "between"), HELIOS_OK);
  CHECK_INT(say(l, HELIOS_CRITICAL, "worst"), HELIOS_OK);
  CHECK_STR(content(path),
            "[2026-11-23 23:09:13,042] [INFO]: message\n"
            "[2026-11-23 23:09:13,042] [DEBUG]: \n"
            "[2026-11-23 23:09:13,042] [INFO]: \n"
            "[2026-11-23 23:09:13,042] [INFO]: a@b\nc %d\n"
            "[2026-11-23 23:09:13,042] [Level 25]: between\n"
            "[2026-11-23 23:09:13,042] [CRITICAL]: worst\n");
  end(l, path);
}

static void check_stamp(helios_logger *l, double time, const char *want) {
  const char *path = in_folder("stamp.log");
  clock_time = time;
  CHECK_INT(helios_logger_set_file(l, path), HELIOS_OK);
  CHECK_INT(say(l, HELIOS_ERROR, "m"), HELIOS_OK);
  CHECK_STR(content(path), want);
  CHECK_INT(helios_logger_set_file(l, NULL), HELIOS_OK);
  remove(path);
}

static void test_stamps(void) {
  helios_logger_options o = quiet();
  helios_logger *l = open_at(NULL, &o);
  check_stamp(l, 1795475353.9999, "[2026-11-23 23:09:13,999] [ERROR]: m\n"); /* cut, not rounded */
  check_stamp(l, 1795475354.0, "[2026-11-23 23:09:14,000] [ERROR]: m\n");
  check_stamp(l, 1795475353.5, "[2026-11-23 23:09:13,500] [ERROR]: m\n"); /* a clock put back */
  check_stamp(l, 1709164800.001, "[2024-02-29 00:00:00,000] [ERROR]: m\n"); /* .00099993 as a double */
  check_stamp(l, 253402214399.0, "[9999-12-30 23:59:59,000] [ERROR]: m\n");
  check_stamp(l, 0.0, "[1970-01-01 00:00:00,000] [ERROR]: m\n");
  check_stamp(l, (double)NAN, "[1970-01-01 00:00:00,000] [ERROR]: m\n");
  check_stamp(l, (double)INFINITY, "[1970-01-01 00:00:00,000] [ERROR]: m\n");
  check_stamp(l, -5.0, "[1970-01-01 00:00:00,000] [ERROR]: m\n");
  end(l, NULL);
}

static void test_mark(void) {
  const char *path = in_folder("mark.log");
  char mark[] = "[rank 3]";
  helios_logger_options o = quiet();
  o.mark = mark;
  clock_time = 1795475353.0429;
  helios_logger *l = open_at(path, &o);
  memset(mark, 'x', sizeof mark - 1); /* it was copied */
  say(l, HELIOS_ERROR, "lost");
  CHECK_STR(content(path), "[2026-11-23 23:09:13,042] [ERROR] [rank 3]: lost\n");
  end(l, path);
}

static void test_printf(void) {
  const char *path = in_folder("printf.log");
  helios_logger_options o = quiet();
  helios_logger *l = open_at(path, &o);
  clock_time = 0;
  CHECK_INT(helios_logger_printf(l, HELIOS_INFO, "%d of %s", 3, "four"), HELIOS_OK);
  CHECK_INT(helios_logger_printf(l, HELIOS_DEBUG, "%d", 5), HELIOS_OK);
  CHECK_INT(helios_logger_printf(l, HELIOS_WARNING, "%600s|", "wide"), HELIOS_OK);
  const char *text = content(path);
  CHECK(strncmp(text, "[1970-01-01 00:00:00,000] [INFO]: 3 of four\n[1970-01-01 00:00:00,000] [WARNING]: ", 81) == 0);
  CHECK_INT(strlen(text), 44 + 37 + 600 + 2);
  CHECK_STR(text + strlen(text) - 6, "wide|\n");
  end(l, path);
}

/* Longer than any buffer of the queue. */
static void test_long_message(void) {
  const char *path = in_folder("long.log");
  static char message[3 << 20];
  memset(message, 'x', sizeof message);
  helios_logger_options o = quiet();
  helios_logger *l = open_at(path, &o);
  say(l, HELIOS_INFO, "before");
  CHECK_INT(helios_logger_log(l, HELIOS_INFO, message, sizeof message), HELIOS_OK);
  say(l, HELIOS_INFO, "after");
  CHECK_INT(helios_logger_flush(l), HELIOS_OK);
  struct stat s;
  CHECK(stat(path, &s) == 0);
  CHECK_INT(s.st_size, 3 * 35 + 6 + 5 + (long long)sizeof message);
  end(l, path);
}

/* ---- levels and sinks ---------------------------------------------------------------------------------- */

static void test_levels(void) {
  const char *path = in_folder("levels.log");
  helios_logger_options o = quiet();
  clock_time = 0;
  helios_logger *l = open_at(path, &o);
  CHECK_INT(helios_logger_level(l), HELIOS_INFO);
  CHECK(helios_logger_enabled(l, HELIOS_INFO));
  CHECK(!helios_logger_enabled(l, HELIOS_DEBUG));
  say(l, HELIOS_DEBUG, "below the level");
  CHECK_INT(helios_logger_set_level(l, HELIOS_DEBUG), HELIOS_OK);
  CHECK(!helios_logger_enabled(l, HELIOS_DEBUG)); /* the file keeps to file_level */
  say(l, HELIOS_DEBUG, "below the file's level");
  CHECK_INT(helios_logger_set_level(l, HELIOS_ERROR), HELIOS_OK);
  say(l, HELIOS_WARNING, "below the new level");
  say(l, HELIOS_ERROR, "kept");
  CHECK_STR(content(path), "[1970-01-01 00:00:00,000] [ERROR]: kept\n");
  end(l, path);
}

/* What is at WARNING or above is in the file at once, and what was before it too. */
static void test_drains(void) {
  const char *path = in_folder("drains.log");
  helios_logger_options o = quiet();
  clock_time = 0;
  helios_logger *l = open_at(path, &o);
  say(l, HELIOS_INFO, "waits");
  CHECK_STR(content(path), "");
  helios_stats s = {.size = sizeof s};
  CHECK_INT(helios_logger_stats(l, &s), HELIOS_OK);
  CHECK_INT(s.events, 1);
  CHECK_INT(s.bytes, 0);
  CHECK_INT(s.pending, 40);
  say(l, HELIOS_WARNING, "does not");
  CHECK_STR(content(path), "[1970-01-01 00:00:00,000] [INFO]: waits\n[1970-01-01 00:00:00,000] [WARNING]: does not\n");
  say(l, HELIOS_INFO, "again");
  CHECK_INT(helios_logger_close(l), HELIOS_OK);
  CHECK_INT(strlen(content(path)), 40 + 46 + 40);
  CHECK_INT(helios_logger_stats(l, &s), HELIOS_OK);
  CHECK_INT(s.events, 3);
  CHECK_INT(s.bytes, 126);
  CHECK_INT(s.pending, 0);
  CHECK_INT(s.dropped, 0);
  end(l, path);
}

typedef struct seen {
  int calls;
  helios_record last;
  char message[64], line[128];
  helios_logger *logger; /* not NULL: log once more from inside, then leave */
} seen;

static void see(void *ctx, const helios_record *r) {
  seen *s = ctx;
  s->calls++;
  s->last = *r;
  snprintf(s->message, sizeof s->message, "%.*s", (int)r->message_length, r->message);
  snprintf(s->line, sizeof s->line, "%.*s", (int)r->line_length, r->line);
  if (s->logger == NULL) return;
  helios_logger *l = s->logger;
  s->logger = NULL;
  CHECK_INT(say(l, HELIOS_ERROR, "from inside"), HELIOS_OK);
  CHECK_INT(helios_logger_remove_sink(l, see, s), HELIOS_OK);
}

static void test_sinks(void) {
  const char *path = in_folder("sinks.log");
  helios_logger_options o = quiet();
  clock_time = 1795475353.0429;
  helios_logger *l = open_at(path, &o);
  seen all = {0}, grave = {0};
  CHECK_INT(helios_logger_add_sink(l, HELIOS_DEBUG, see, &all), HELIOS_OK);
  CHECK_INT(helios_logger_add_sink(l, HELIOS_ERROR, see, &grave), HELIOS_OK);
  say(l, HELIOS_DEBUG, "below the level");
  CHECK_INT(all.calls, 0);
  say(l, HELIOS_INFO, "one");
  CHECK_INT(all.calls, 1);
  CHECK_INT(grave.calls, 0);
  CHECK(all.last.time == clock_time);
  CHECK_INT(all.last.level, HELIOS_INFO);
  CHECK_STR(all.message, "one");
  CHECK_STR(all.line, "[2026-11-23 23:09:13,042] [INFO]: one\n");
  helios_logger_set_level(l, HELIOS_DEBUG);
  CHECK(helios_logger_enabled(l, HELIOS_DEBUG)); /* a sink takes it, the file does not */
  say(l, HELIOS_DEBUG, "two");
  CHECK_STR(all.message, "two");
  CHECK_INT(helios_logger_remove_sink(l, see, &all), HELIOS_OK);
  CHECK_INT(helios_logger_remove_sink(l, see, &all), HELIOS_EINVAL);
  say(l, HELIOS_ERROR, "three");
  CHECK_INT(all.calls, 2);
  CHECK_STR(grave.message, "three");
  CHECK_STR(content(path), "[2026-11-23 23:09:13,042] [INFO]: one\n[2026-11-23 23:09:13,042] [ERROR]: three\n");
  end(l, path);
}

static void test_sink_that_logs(void) {
  helios_logger_options o = quiet();
  helios_logger *l = open_at(NULL, &o);
  seen s = {.logger = l};
  helios_logger_add_sink(l, HELIOS_INFO, see, &s);
  say(l, HELIOS_INFO, "outside");
  CHECK_INT(s.calls, 2);
  CHECK_STR(s.message, "from inside");
  say(l, HELIOS_INFO, "after it left");
  CHECK_INT(s.calls, 2);
  CHECK(!helios_logger_enabled(l, HELIOS_CRITICAL)); /* no file, no sink: nobody */
  end(l, NULL);
}

/* ---- files --------------------------------------------------------------------------------------------- */

static void test_appends(void) {
  const char *path = in_folder("a/b/append.log");
  helios_logger_options o = quiet();
  clock_time = 0;
  for (int i = 0; i < 2; i++) {
    helios_logger *l = open_at(path, &o);
    CHECK_STR(helios_logger_path(l), path);
    say(l, HELIOS_INFO, "line");
    end(l, NULL);
  }
  CHECK_STR(content(path), "[1970-01-01 00:00:00,000] [INFO]: line\n[1970-01-01 00:00:00,000] [INFO]: line\n");
  remove(path);
  CHECK_INT(rmdir(in_folder("a/b")), 0); /* nothing else lies there */
  rmdir(in_folder("a"));
}

static void test_close_and_again(void) {
  const char *first = in_folder("first.log"), *second = in_folder("second.log");
  helios_logger_options o = quiet();
  clock_time = 0;
  helios_logger *l = open_at(first, &o);
  seen s = {0};
  helios_logger_add_sink(l, HELIOS_INFO, see, &s);
  say(l, HELIOS_INFO, "1");
  CHECK_INT(helios_logger_close(l), HELIOS_OK);
  CHECK_INT(helios_logger_close(l), HELIOS_OK);
  CHECK_INT(helios_logger_flush(l), HELIOS_OK);
  CHECK_INT(helios_logger_reopen(l), HELIOS_ECLOSED);
  CHECK_INT(say(l, HELIOS_ERROR, "closed"), HELIOS_OK);
  CHECK_INT(s.calls, 2);
  CHECK_INT(helios_logger_set_file(l, second), HELIOS_OK);
  say(l, HELIOS_ERROR, "2");
  CHECK_STR(content(first), "[1970-01-01 00:00:00,000] [INFO]: 1\n");
  CHECK_STR(content(second), "[1970-01-01 00:00:00,000] [ERROR]: 2\n");
  remove(first);
  end(l, second);
}

static void test_set_file(void) {
  const char *first = in_folder("first.log"), *second = in_folder("second.log");
  helios_logger_options o = quiet();
  clock_time = 0;
  helios_logger *l = open_at(first, &o);
  say(l, HELIOS_INFO, "1");
  CHECK_INT(helios_logger_set_file(l, second), HELIOS_OK);
  CHECK_STR(content(first), "[1970-01-01 00:00:00,000] [INFO]: 1\n");
  CHECK_INT(helios_logger_set_file(l, in_folder("second.log/x.log")), HELIOS_EIO);
  char error[256], want[256];
  helios_logger_error(l, error, sizeof error);
  snprintf(want, sizeof want, "%s: cannot make the folder: Not a directory", second);
  CHECK_STR(error, want);
  CHECK_INT(helios_logger_set_file(l, folder), HELIOS_EIO);
  CHECK_INT(helios_logger_set_file(l, ""), HELIOS_EINVAL);
  helios_logger_error(l, error, sizeof error);
  CHECK_STR(error, "path: must not be empty");
  CHECK_STR(helios_logger_path(l), second);
  say(l, HELIOS_ERROR, "2");
  CHECK_STR(content(second), "[1970-01-01 00:00:00,000] [ERROR]: 2\n");
  remove(first);
  end(l, second);
}

static void test_reopen(void) {
  const char *path = in_folder("rotate.log"), *old = in_folder("rotate.log.1");
  helios_logger_options o = quiet();
  clock_time = 0;
  helios_logger *l = open_at(path, &o);
  say(l, HELIOS_INFO, "1");
  CHECK_INT(rename(path, old), 0);
  say(l, HELIOS_INFO, "2");
  CHECK_INT(helios_logger_reopen(l), HELIOS_OK);
  say(l, HELIOS_ERROR, "3");
  CHECK_STR(content(old), "[1970-01-01 00:00:00,000] [INFO]: 1\n[1970-01-01 00:00:00,000] [INFO]: 2\n");
  CHECK_STR(content(path), "[1970-01-01 00:00:00,000] [ERROR]: 3\n");
  remove(old);
  end(l, path);
}

static void test_chdir(void) {
  char before[256];
  CHECK(getcwd(before, sizeof before) != NULL);
  CHECK_INT(chdir(folder), 0);
  helios_logger_options o = quiet();
  clock_time = 0;
  helios_logger *l = open_at("here.log", &o);
  CHECK_INT(chdir("/"), 0);
  CHECK_STR(helios_logger_path(l), "here.log");
  say(l, HELIOS_ERROR, "1");
  CHECK_INT(helios_logger_reopen(l), HELIOS_OK);
  say(l, HELIOS_ERROR, "2");
  CHECK_INT(chdir(before), 0);
  CHECK_STR(content(in_folder("here.log")),
            "[1970-01-01 00:00:00,000] [ERROR]: 1\n[1970-01-01 00:00:00,000] [ERROR]: 2\n");
  end(l, in_folder("here.log"));
}

static void test_wrong_calls(void) {
  helios_logger *l = (helios_logger *)folder;
  char error[256];
  CHECK_INT(helios_logger_open(in_folder("none/\n"), &(helios_logger_options){0}, &l, error, sizeof error),
            HELIOS_EINVAL);
  CHECK(l == NULL);
  CHECK_STR(error, "options: size is 0: set it to sizeof the struct");
  helios_logger_options o = quiet();
  o.flush_secs = -1;
  CHECK_INT(helios_logger_open(NULL, &o, &l, error, sizeof error), HELIOS_EINVAL);
  CHECK_STR(error, "flush_secs: must not be negative");
  CHECK_INT(helios_logger_open("/dev/null/x.log", NULL, &l, error, sizeof error), HELIOS_EIO);
  CHECK(l == NULL);
  CHECK_STR(error, "/dev/null: cannot make the folder: Not a directory");
  CHECK_INT(helios_logger_open(NULL, NULL, NULL, NULL, 0), HELIOS_EINVAL);
  CHECK_INT(helios_logger_log(NULL, HELIOS_INFO, "m", 1), HELIOS_EINVAL);
  CHECK_INT(helios_logger_close(NULL), HELIOS_EINVAL);
  helios_logger_free(NULL);
  l = open_at(NULL, NULL);
  CHECK_INT(helios_logger_log(l, HELIOS_INFO, NULL, 3), HELIOS_EINVAL);
  CHECK_INT(helios_logger_add_sink(l, HELIOS_INFO, NULL, NULL), HELIOS_EINVAL);
  helios_logger_error(l, error, sizeof error);
  CHECK_STR(error, "fn: is NULL");
  CHECK_INT(helios_logger_reopen(l), HELIOS_OK); /* no file: nothing to do */
  end(l, NULL);
}

/* ---- threads, forks, failures -------------------------------------------------------------------------- */

enum { THREADS = 4, LINES = 2000 };

typedef struct shouter {
  helios_logger *logger;
  int number;
} shouter;

static void *shout(void *ctx) {
  shouter *s = ctx;
  for (int i = 0; i < LINES; i++)
    helios_logger_printf(s->logger, i % 500 == 0 ? HELIOS_WARNING : HELIOS_INFO, "thread %d line %d end", s->number, i);
  return NULL;
}

static void count(void *ctx, const helios_record *r) {
  (void)r;
  __atomic_fetch_add((int *)ctx, 1, __ATOMIC_RELAXED);
}

/* Every line whole, and those of a thread in its order. */
static void check_shouted(const char *path) {
  int next[THREADS] = {0}, n = 0, thread, line, length;
  char text[256];
  FILE *f = fopen(path, "r");
  if (!CHECK(f != NULL)) return;
  for (; fgets(text, sizeof text, f) != NULL; n++) {
    const char *at = strstr(text, "]: ");
    if (at == NULL || sscanf(at, "]: thread %d line %d end%n", &thread, &line, &length) != 2) break;
    if (at[length] != '\n' || line != next[thread]++) break;
  }
  fclose(f);
  CHECK_INT(n, THREADS * LINES);
}

static void test_threads(void) {
  const char *path = in_folder("threads.log");
  helios_logger *l = open_at(path, NULL);
  int warnings = 0;
  helios_logger_add_sink(l, HELIOS_WARNING, count, &warnings);
  pthread_t threads[THREADS];
  shouter shouters[THREADS];
  for (int i = 0; i < THREADS; i++) {
    shouters[i] = (shouter){l, i};
    pthread_create(&threads[i], NULL, shout, &shouters[i]);
  }
  for (int i = 0; i < 20; i++) {
    helios_logger_flush(l);
    helios_logger_set_level(l, HELIOS_INFO);
    helios_logger_add_sink(l, HELIOS_CRITICAL, count, NULL);
    helios_logger_remove_sink(l, count, NULL);
  }
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  CHECK_INT(helios_logger_close(l), HELIOS_OK);
  CHECK_INT(warnings, THREADS * LINES / 500);
  check_shouted(path);
  end(l, path);
}

static void test_fork(void) {
  const char *path = in_folder("fork.log");
  helios_logger_options o = quiet();
  clock_time = 0;
  helios_logger *l = open_at(path, &o);
  say(l, HELIOS_INFO, "before");
  pid_t child = fork();
  if (child == 0) {
    int bad = say(l, HELIOS_ERROR, "from the child") != HELIOS_EFORKED;
    bad |= helios_logger_flush(l) != HELIOS_EFORKED || helios_logger_close(l) != HELIOS_EFORKED;
    bad |= helios_logger_enabled(l, HELIOS_ERROR);
    helios_logger_free(l);
    helios_logger *own = NULL;
    bad |= helios_logger_open(path, &o, &own, NULL, 0) != HELIOS_OK;
    bad |= say(own, HELIOS_ERROR, "the child's own") != HELIOS_OK;
    helios_logger_free(own);
    _exit(bad);
  }
  int status = -1;
  CHECK_INT(waitpid(child, &status, 0), child);
  CHECK_INT(status, 0);
  say(l, HELIOS_ERROR, "after");
  CHECK_STR(content(path),
            "[1970-01-01 00:00:00,000] [ERROR]: the child's own\n"
            "[1970-01-01 00:00:00,000] [INFO]: before\n"
            "[1970-01-01 00:00:00,000] [ERROR]: after\n");
  end(l, path);
}

typedef struct disk {
  bool full;
  int told;
} disk;

static disk the_disk;

static int64_t maybe_write(const hl_env *env, int fd, const void *data, size_t n, int *code) {
  if (!the_disk.full) return hl_env_system.write(env, fd, data, n, code);
  *code = ENOSPC;
  return -1;
}

static int64_t maybe_pwrite(const hl_env *env, int fd, const void *data, size_t n, int64_t offset, int *code) {
  if (!the_disk.full) return hl_env_system.pwrite(env, fd, data, n, offset, code);
  *code = ENOSPC;
  return -1;
}

static void told(void *ctx, helios_status status, const char *message) {
  disk *d = ctx;
  CHECK_INT(status, HELIOS_EIO);
  CHECK(strstr(message, "full.log") != NULL);
  CHECK(strstr(message, "No space left on device") != NULL);
  d->told++;
}

/* A full disk costs no line and no call fails but those that are asked to tell. */
static void test_full_disk(void) {
  const char *path = in_folder("full.log");
  hl_env env = hl_env_system;
  env.write = maybe_write;
  env.pwrite = maybe_pwrite;
  helios_logger_options o = quiet();
  o.on_error = told;
  o.ctx = &the_disk;
  clock_time = 0;
  helios_logger *l;
  hl_error err = {0};
  CHECK_INT(hl_logger_open(&env, path, &o, &l, &err), HELIOS_OK);
  the_disk.full = true;
  CHECK_INT(say(l, HELIOS_WARNING, "1"), HELIOS_OK);
  CHECK_INT(say(l, HELIOS_WARNING, "2"), HELIOS_OK);
  CHECK_INT(the_disk.told, 1);
  CHECK_INT(helios_logger_flush(l), HELIOS_EIO);
  char error[256];
  helios_logger_error(l, error, sizeof error);
  CHECK(strstr(error, "No space left on device") != NULL);
  the_disk.full = false;
  CHECK_INT(helios_logger_flush(l), HELIOS_OK);
  CHECK_STR(content(path), "[1970-01-01 00:00:00,000] [WARNING]: 1\n[1970-01-01 00:00:00,000] [WARNING]: 2\n");
  end(l, path);
}

/* A pipe gets nothing beside it, and one whose reader left does not end the program. */
static void test_pipe(void) {
  const char *path = in_folder("fifo");
  CHECK_INT(mkfifo(path, 0600), 0);
  int reader = open(path, O_RDONLY | O_NONBLOCK);
  helios_logger_options o = quiet();
  clock_time = 0;
  helios_logger *l = open_at(path, &o);
  CHECK_INT(say(l, HELIOS_ERROR, "heard"), HELIOS_OK);
  char text[64] = "";
  CHECK_INT(read(reader, text, sizeof text - 1), 41);
  CHECK_STR(text, "[1970-01-01 00:00:00,000] [ERROR]: heard\n");
  helios_stats s = {.size = sizeof s};
  CHECK_INT(helios_logger_stats(l, &s), HELIOS_OK);
  CHECK(!s.shared_buffer);
  close(reader);
  CHECK_INT(say(l, HELIOS_ERROR, "unheard"), HELIOS_OK);
  end(l, path);
}

typedef struct quota {
  long left; /* allocations before the one that fails; negative: none fails */
  long live;
} quota;

static void *limited(void *ctx, void *p, size_t old_size, size_t size) {
  quota *q = ctx;
  (void)old_size;
  if (size == 0) {
    if (p != NULL) __atomic_fetch_sub(&q->live, 1, __ATOMIC_RELAXED);
    free(p);
    return NULL;
  }
  if (q->left >= 0 && q->left-- == 0) return NULL;
  void *fresh = realloc(p, size);
  if (p == NULL && fresh != NULL) __atomic_fetch_add(&q->live, 1, __ATOMIC_RELAXED);
  return fresh;
}

static helios_status use_logger(const char *path, const helios_logger_options *o) {
  helios_logger *l;
  helios_status worst = helios_logger_open(path, o, &l, NULL, 0);
  if (worst != HELIOS_OK) {
    CHECK(l == NULL);
    return worst;
  }
  int sunk = 0;
  helios_status st[] = {
      helios_logger_add_sink(l, HELIOS_INFO, count, &sunk),
      say(l, HELIOS_INFO, "1"),
      helios_logger_printf(l, HELIOS_ERROR, "%700s", "2"),
      helios_logger_set_file(l, path),
      helios_logger_reopen(l),
      say(l, HELIOS_ERROR, "3"),
      helios_logger_remove_sink(l, count, &sunk),
      say(l, HELIOS_ERROR, "4"),
      helios_logger_close(l),
  };
  for (size_t i = 0; i < sizeof st / sizeof st[0]; i++)
    if (st[i] != HELIOS_OK && worst == HELIOS_OK) worst = st[i];
  helios_logger_free(l);
  return worst;
}

/* Fail the Nth allocation, for every N until all went well. */
static void test_out_of_memory(void) {
  const char *path = in_folder("memory.log");
  long n = 0;
  for (helios_status st = HELIOS_ENOMEM; st != HELIOS_OK && n < 1000; n++) {
    quota q = {n, 0};
    helios_allocator a = {limited, &q};
    helios_logger_options o = quiet();
    o.allocator = &a;
    o.mark = "[m]";
    st = use_logger(path, &o);
    if (q.left < 0 && st != HELIOS_OK) CHECK(st == HELIOS_ENOMEM || st == HELIOS_EINVAL);
    CHECK_INT(q.live, 0);
    if (q.left > 0) break; /* it was never reached */
  }
  CHECK(n < 1000);
  remove(path);
}

int main(void) {
  setenv("TZ", "UTC", 1);
  tzset();
  snprintf(folder, sizeof folder, "/tmp/helios-test-logger-XXXXXX");
  if (mkdtemp(folder) == NULL) return 1;
  test_lines();
  test_stamps();
  test_mark();
  test_printf();
  test_long_message();
  test_levels();
  test_drains();
  test_sinks();
  test_sink_that_logs();
  test_appends();
  test_close_and_again();
  test_set_file();
  test_reopen();
  test_chdir();
  test_wrong_calls();
  test_threads();
  test_fork();
  test_full_disk();
  test_pipe();
  test_out_of_memory();
  CHECK_INT(rmdir(folder), 0); /* nothing was left behind */
  return check_done("test_logger");
}

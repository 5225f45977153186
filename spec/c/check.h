/* check.h - what a C test needs: CHECK counts, tells where it failed, and goes on. */
#ifndef HL_CHECK_H
#define HL_CHECK_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int check_passed, check_failed;

/* A child that was forked while other threads allocate may allocate, too, as the C library holds its locks over a fork.
 * The sanitizers of gcc 12 hold none (llvm/llvm-project #75290, #96600): there it would wait, now and then, for ever. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static const bool SANITIZED = true;
#else
static const bool SANITIZED = false;
#endif

#define CHECK(expr) check_that((expr) ? 1 : 0, #expr, __FILE__, __LINE__)
#define CHECK_INT(got, want) check_int((long long)(got), (long long)(want), #got, __FILE__, __LINE__)
#define CHECK_STR(got, want) check_str((got), (want), #got, __FILE__, __LINE__)

static inline int check_that(int ok, const char *what, const char *file, int line) {
  if (ok) check_passed++;
  else {
    check_failed++;
    fprintf(stderr, "%s:%d: failed: %s\n", file, line, what);
  }
  return ok;
}

static inline int check_int(long long got, long long want, const char *what, const char *file, int line) {
  if (got != want) fprintf(stderr, "%s:%d: %s is %lld, not %lld\n", file, line, what, got, want);
  return check_that(got == want, what, file, line);
}

static inline int check_str(const char *got, const char *want, const char *what, const char *file, int line) {
  int same = got != NULL && strcmp(got, want) == 0;
  if (!same) fprintf(stderr, "%s:%d: %s is \"%s\", not \"%s\"\n", file, line, what, got ? got : "(null)", want);
  return check_that(same, what, file, line);
}

/* The last line of main: `return check_done("name");` */
static inline int check_done(const char *name) {
  printf("%s: %d passed, %d failed\n", name, check_passed, check_failed);
  return check_failed == 0 ? 0 : 1;
}

#endif

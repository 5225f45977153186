/* test_abi.c - a program compiled against an older header: its structs are shorter, and what lies behind them in its
 * memory is neither read nor written. */
#include <stddef.h>

#include "check.h"
#include "helios/helios.h"
#include "scratch.h"

enum { GARBAGE = 0xA5 };

/* A struct of which only the first `known` bytes are the older program's; zeroed so far, garbage behind. */
static void make_older(void *options, size_t whole, size_t known) {
  memset(options, GARBAGE, whole);
  memset(options, 0, known);
  memcpy(options, &known, sizeof known); /* size comes first in all of them */
}

static int is_garbage(const void *memory, size_t from, size_t to) {
  const unsigned char *bytes = memory;
  for (size_t i = from; i < to; i++)
    if (bytes[i] != GARBAGE) return 0;
  return 1;
}

static void shorter_options_are_taken(const char *dir) {
  helios_writer_options o;
  make_older(&o, sizeof o, offsetof(helios_writer_options, filename_suffix));
  helios_writer *w = NULL;
  CHECK_INT(helios_writer_open(dir, &o, &w, NULL, 0), HELIOS_OK);
  helios_scalar_options point;
  make_older(&point, sizeof point, offsetof(helios_scalar_options, double_precision));
  CHECK_INT(helios_writer_add_scalar_with(w, "a", 0.1, 1, &point), HELIOS_OK);
  helios_writer_free(w);

  helios_run *run = NULL;
  helios_point read;
  CHECK_INT(helios_run_open(dir, NULL, &run, NULL, 0), HELIOS_OK);
  CHECK_INT(helios_run_next(run, &read), HELIOS_OK);
  CHECK(read.single); /* garbage would have asked for a double */
  helios_run_free(run);
}

static void shorter_logger_options_are_taken(const char *dir) {
  helios_logger_options o;
  make_older(&o, sizeof o, offsetof(helios_logger_options, flush_secs));
  helios_logger *l = NULL;
  char path[400];
  snprintf(path, sizeof path, "%s/log", dir);
  CHECK_INT(helios_logger_open(path, &o, &l, NULL, 0), HELIOS_OK);
  CHECK_INT(helios_logger_level(l), HELIOS_INFO);
  helios_logger_free(l);
}

static void shorter_stats_are_filled_and_no_more(const char *dir) {
  helios_writer *w = NULL;
  CHECK_INT(helios_writer_open(dir, NULL, &w, NULL, 0), HELIOS_OK);
  CHECK_INT(helios_writer_add_scalar(w, "a", 1, 1), HELIOS_OK);
  helios_stats stats;
  size_t known = offsetof(helios_stats, pending);
  make_older(&stats, sizeof stats, known);
  CHECK_INT(helios_writer_stats(w, &stats), HELIOS_OK);
  CHECK_INT(stats.events, 1);
  CHECK_INT(stats.size, known);
  CHECK(is_garbage(&stats, known, sizeof stats));
  helios_writer_free(w);

  helios_recovery found;
  known = offsetof(helios_recovery, records);
  make_older(&found, sizeof found, known);
  CHECK_INT(helios_recover(dir, &found, NULL, 0), HELIOS_OK);
  CHECK_INT(found.pending_files, 0);
  CHECK(is_garbage(&found, known, sizeof found));
}

/* ---- what an open handle keeps of its options --------------------------------------------------------------- */

static void *counting_realloc(void *ctx, void *p, size_t old_size, size_t size) {
  *(long *)ctx += (size > 0) - (p != NULL);
  (void)old_size;
  if (size > 0) return realloc(p, size);
  free(p);
  return NULL;
}

/* Everything opened with an allocator whose struct is gone when the handle is used. */
static void allocators_are_copied(const char *dir) {
  long blocks = 0;
  helios_allocator allocator = {counting_realloc, &blocks};
  helios_writer_options wo = {.size = sizeof wo, .allocator = &allocator};
  helios_logger_options lo = {.size = sizeof lo, .allocator = &allocator};
  helios_reader_options ro = {.size = sizeof ro, .allocator = &allocator};
  helios_writer *w;
  helios_logger *l;
  helios_graph *g;
  helios_run *run;
  helios_reader *r;
  helios_point point;
  helios_event event;
  CHECK_INT(helios_writer_open(dir, &wo, &w, NULL, 0), HELIOS_OK);
  CHECK_INT(helios_logger_open(NULL, &lo, &l, NULL, 0), HELIOS_OK);
  CHECK_INT(helios_graph_new(&allocator, &g), HELIOS_OK);
  CHECK_INT(helios_run_open(dir, &ro, &run, NULL, 0), HELIOS_OK);
  CHECK_INT(helios_run_scan(run), HELIOS_OK);
  CHECK_INT(helios_reader_open(helios_reader_path(helios_run_file(run, 0)), &ro, &r, NULL, 0), HELIOS_OK);
  CHECK(blocks > 5);
  memset(&allocator, GARBAGE, sizeof allocator);
  helios_graph_node node = {.size = sizeof node, .name = "a"};
  CHECK_INT(helios_writer_add_text(w, "a", "b", 1, 1, NULL), HELIOS_OK);
  CHECK_INT(helios_logger_printf(l, HELIOS_INFO, "a"), HELIOS_OK);
  CHECK_INT(helios_graph_add_node(g, &node), HELIOS_OK);
  CHECK_INT(helios_run_next(run, &point), HELIOS_OK);
  CHECK_INT(helios_reader_next(r, &event), HELIOS_OK);
  helios_reader_free(r);
  helios_run_free(run);
  helios_graph_free(g);
  helios_logger_free(l);
  helios_writer_free(w);
  CHECK_INT(blocks, 0);
}

static void a_size_that_was_forgotten_is_told(const char *dir) {
  char why[200];
  helios_writer *w = NULL;
  helios_writer_options o = {0};
  CHECK_INT(helios_writer_open(dir, &o, &w, why, sizeof why), HELIOS_EINVAL);
  CHECK_STR(why, "options: size is 0: set it to sizeof the struct");
  CHECK(w == NULL);
  helios_logger *l = NULL;
  helios_logger_options lo = {0};
  CHECK_INT(helios_logger_open(NULL, &lo, &l, why, sizeof why), HELIOS_EINVAL);
  CHECK_STR(why, "options: size is 0: set it to sizeof the struct");
}

static void the_version_is_the_headers(void) {
  CHECK_STR(helios_version(), HELIOS_VERSION);
  char text[40];
  snprintf(text, sizeof text, "%d.%d.%d", HELIOS_VERSION_MAJOR, HELIOS_VERSION_MINOR, HELIOS_VERSION_PATCH);
  CHECK_STR(text, HELIOS_VERSION);
}

int main(void) {
  const char *dir = scratch_dir(0);
  shorter_options_are_taken(dir);
  shorter_logger_options_are_taken(dir);
  shorter_stats_are_filled_and_no_more(dir);
  allocators_are_copied(dir);
  a_size_that_was_forgotten_is_told(dir);
  the_version_is_the_headers();
  scratch_remove(dir);
  return check_done("abi");
}

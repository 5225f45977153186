/* test_reader.c - the reader against files made here byte by byte: whole, cut, damaged, growing, packed, hostile. */
#include <fcntl.h>
#include <math.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "buf.h"
#include "check.h"
#include "helios/helios.h"
#include "reader/shortest.h"
#include "record.h"
#include "wire.h"

static char folder[] = "/tmp/helios-test-reader-XXXXXX";
static char path[128];

static const char *in_folder(const char *name) {
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return path;
}

static void write_file(const char *name, const hl_buf *b, size_t n, int flags) {
  int fd = open(in_folder(name), O_WRONLY | O_CREAT | flags, 0666);
  CHECK_INT(write(fd, b->data, n), n);
  close(fd);
}

/* An old-style scalar, as tensorboardX and TensorFlow 1 write it. */
static void put_old_scalar(hl_buf *b, const char *tag, int64_t step, float value) {
  hl_buf e, v;
  hl_buf_init(&e, NULL);
  hl_buf_init(&v, NULL);
  hl_wire_str_field(&v, 1, hl_str_of(tag));
  hl_wire_float_field(&v, 2, value);
  hl_wire_double_field(&e, 1, 1000.0 + (double)step);
  hl_wire_opt_varint(&e, 2, (uint64_t)step);
  hl_wire_header(&e, 5, v.len + 2);
  hl_wire_bytes_field(&e, 1, v.data, v.len);
  hl_record_append(b, e.data, e.len);
  hl_buf_free(&e);
  hl_buf_free(&v);
}

static void put_session_start(hl_buf *b, int64_t step) {
  hl_buf e;
  hl_buf_init(&e, NULL);
  hl_wire_double_field(&e, 1, 2000);
  hl_wire_opt_varint(&e, 2, (uint64_t)step);
  hl_wire_bytes_field(&e, 7, "\x08\x01", 2);
  hl_record_append(b, e.data, e.len);
  hl_buf_free(&e);
}

static void put_steps(hl_buf *b, const char *tag, int64_t from, int64_t to) {
  for (int64_t s = from; s <= to; s++) put_old_scalar(b, tag, s, (float)s * 0.5f);
}

static helios_reader *open_reader(const char *name) {
  helios_reader *r = NULL;
  char error[256];
  CHECK_INT(helios_reader_open(in_folder(name), NULL, &r, error, sizeof error), HELIOS_OK);
  return r;
}

static helios_reader_stats stats_of(const helios_reader *r) {
  helios_reader_stats s = {.size = sizeof s};
  helios_reader_stats_get(r, &s);
  return s;
}

/* How many events come before the status that ends them. */
static int count_events(helios_reader *r, helios_status *end) {
  helios_event e;
  int n = 0;
  while ((*end = helios_reader_next(r, &e)) == HELIOS_OK) n++;
  return n;
}

/* Every length a growing file can have: whole records come, the rest is "not yet", and then it comes. */
static void test_cut_at_every_byte(void) {
  hl_buf b;
  hl_buf_init(&b, NULL);
  put_steps(&b, "a", 1, 3);
  size_t one = b.len / 3;
  for (size_t n = 0; n <= b.len; n++) {
    write_file("cut.tfevents", &b, n, O_TRUNC);
    helios_reader *r = open_reader("cut.tfevents");
    helios_status end;
    int before = count_events(r, &end);
    CHECK_INT(before, n / one);
    CHECK_INT(end, HELIOS_EAGAIN);
    CHECK_INT(stats_of(r).cut_bytes, n % one);
    write_file("cut.tfevents", &b, b.len, 0);
    CHECK_INT(before + count_events(r, &end), 3);
    CHECK_INT(stats_of(r).cut_bytes, 0);
    helios_reader_free(r);
  }
  hl_buf_free(&b);
}

static void test_bad_payload_is_skipped(void) {
  hl_buf b;
  hl_buf_init(&b, NULL);
  put_steps(&b, "a", 1, 3);
  size_t one = b.len / 3;
  b.data[one + HL_RECORD_HEADER + 3] ^= 1;
  write_file("payload.tfevents", &b, b.len, O_TRUNC);
  helios_reader *r = open_reader("payload.tfevents");
  helios_status end;
  CHECK_INT(count_events(r, &end), 2);
  CHECK_INT(end, HELIOS_EAGAIN);
  helios_damage d;
  CHECK(helios_reader_damage(r, 0, &d));
  CHECK_INT(d.offset, one);
  CHECK_INT(d.length, one);
  CHECK_STR(d.reason, "wrong data checksum");
  CHECK(!helios_reader_damage(r, 1, &d));
  helios_reader_free(r);
  hl_buf_free(&b);
}

static void test_bad_length_ends(void) {
  hl_buf b;
  hl_buf_init(&b, NULL);
  put_steps(&b, "a", 1, 3);
  size_t one = b.len / 3;
  b.data[one] ^= 1;
  write_file("length.tfevents", &b, b.len, O_TRUNC);
  helios_reader *r = open_reader("length.tfevents");
  helios_status end;
  CHECK_INT(count_events(r, &end), 1);
  CHECK_INT(end, HELIOS_EFORMAT);
  CHECK(stats_of(r).ended);
  char text[400], want[400];
  helios_reader_error(r, text, sizeof text);
  snprintf(want, sizeof want, "%s: at byte %zu: wrong length checksum; records behind it cannot be found",
           in_folder("length.tfevents"), one);
  CHECK_STR(text, want);
  helios_event e;
  CHECK_INT(helios_reader_next(r, &e), HELIOS_EFORMAT);
  helios_reader_free(r);
  hl_buf_free(&b);
}

static size_t largest_asked;

static void *watching_realloc(void *ctx, void *p, size_t old_size, size_t size) {
  (void)ctx;
  (void)old_size;
  if (size > largest_asked) largest_asked = size;
  if (size > 0) return realloc(p, size);
  free(p);
  return NULL;
}

/* A length with a right CRC that the file does not hold costs no memory, however large. */
static void test_hostile_length(void) {
  static const uint64_t LENGTHS[] = {(uint64_t)1 << 30, ((uint64_t)1 << 31) + 1, UINT64_MAX, UINT64_MAX - 15};
  const helios_allocator watching = {watching_realloc, NULL};
  for (size_t i = 0; i < sizeof LENGTHS / sizeof *LENGTHS; i++) {
    hl_buf b;
    hl_buf_init(&b, NULL);
    put_steps(&b, "a", 1, 1);
    size_t one = b.len;
    put_steps(&b, "a", 2, 2);
    hl_record_seal(b.data + one, 0);
    hl_put_le64(b.data + one, LENGTHS[i]);
    unsigned char head[64];
    memcpy(head, b.data + one, 8);
    hl_buf crc;
    hl_buf_init(&crc, NULL);
    hl_record_append(&crc, head, 8); /* the CRC of these 8 bytes stands behind them */
    memcpy(b.data + one + 8, crc.data + HL_RECORD_HEADER + 8, 4);
    write_file("hostile.tfevents", &b, b.len, O_TRUNC);
    helios_reader_options options = {.size = sizeof options, .allocator = &watching};
    helios_reader *r = NULL;
    largest_asked = 0;
    CHECK_INT(helios_reader_open(in_folder("hostile.tfevents"), &options, &r, NULL, 0), HELIOS_OK);
    helios_status end;
    CHECK_INT(count_events(r, &end), 1);
    CHECK_INT(end, i == 0 ? HELIOS_EAGAIN : HELIOS_EFORMAT);
    CHECK(largest_asked <= 256 * 1024);
    helios_reader_free(r);
    hl_buf_free(&crc);
    hl_buf_free(&b);
  }
}

static void test_large_records(void) {
  hl_buf b, text;
  hl_buf_init(&b, NULL);
  hl_buf_init(&text, NULL);
  for (int i = 0; i < 3; i++) {
    hl_buf_reset(&text);
    size_t size = (size_t)700000 * (size_t)(i + 1);
    unsigned char *p = hl_buf_grow(&text, size + 8);
    memset(p, 'x', size + 8);
    hl_buf e;
    hl_buf_init(&e, NULL);
    hl_wire_bytes_field(&e, 3, text.data, size);
    hl_record_append(&b, e.data, e.len);
    hl_buf_free(&e);
    put_steps(&b, "between", i, i);
  }
  write_file("large.tfevents", &b, b.len, O_TRUNC);
  helios_reader *r = open_reader("large.tfevents");
  helios_status end;
  CHECK_INT(count_events(r, &end), 6);
  CHECK_INT(stats_of(r).offset, b.len);
  CHECK_INT(stats_of(r).damaged, 0);
  helios_reader_free(r);
  hl_buf_free(&text);
  hl_buf_free(&b);
}

static void write_gzip(const char *name, const hl_buf *b, size_t members) {
  remove(in_folder(name));
  for (size_t i = 0; i < members; i++) {
    gzFile f = gzopen(in_folder(name), "ab");
    size_t from = b->len * i / members, to = b->len * (i + 1) / members;
    gzwrite(f, b->data + from, (unsigned)(to - from));
    gzclose(f);
  }
}

static void test_gzip(void) {
  hl_buf b;
  hl_buf_init(&b, NULL);
  put_steps(&b, "a", 1, 20000);
  write_gzip("packed.tfevents.gz", &b, 3);
  helios_reader *r = open_reader("packed.tfevents.gz");
  helios_status end;
  CHECK_INT(count_events(r, &end), 20000);
  CHECK_INT(end, HELIOS_EAGAIN);
  CHECK(stats_of(r).compressed);
  helios_reader_free(r);

  int fd = open(in_folder("packed.tfevents.gz"), O_RDWR);
  struct stat s;
  fstat(fd, &s);
  CHECK_INT(pwrite(fd, "\xff\xff\xff\xff", 4, s.st_size / 2), 4);
  close(fd);
  r = open_reader("packed.tfevents.gz");
  int n = count_events(r, &end);
  CHECK(n > 1000 && n < 20000);
  CHECK_INT(end, HELIOS_EFORMAT);
  CHECK(stats_of(r).damaged >= 1);
  helios_reader_free(r);
  hl_buf_free(&b);
}

/* A packed file that grows byte by byte: whole records come as soon as they can be unpacked, none twice. */
static void test_growing_gzip(void) {
  hl_buf b, packed;
  hl_buf_init(&b, NULL);
  hl_buf_init(&packed, NULL);
  put_steps(&b, "a", 1, 30);
  write_gzip("whole.tfevents.gz", &b, 2);
  int fd = open(in_folder("whole.tfevents.gz"), O_RDONLY);
  struct stat s;
  fstat(fd, &s);
  size_t size = (size_t)s.st_size;
  CHECK_INT(read(fd, hl_buf_grow(&packed, size), size), size);
  close(fd);
  write_file("growing.tfevents.gz", &packed, 0, O_TRUNC);
  helios_reader *r = open_reader("growing.tfevents.gz");
  helios_status end = HELIOS_OK;
  int events = 0;
  for (size_t n = 1; n <= size; n++) {
    write_file("growing.tfevents.gz", &packed, n, 0);
    events += count_events(r, &end);
    CHECK_INT(end, HELIOS_EAGAIN);
  }
  CHECK_INT(events, 30);
  CHECK_INT(stats_of(r).damaged, 0);
  helios_reader_free(r);
  hl_buf_free(&b);
  hl_buf_free(&packed);
}

static void test_torn_tail_that_is_written_anew(void) {
  hl_buf b, other;
  hl_buf_init(&b, NULL);
  hl_buf_init(&other, NULL);
  put_steps(&b, "a", 1, 2);
  size_t one = b.len / 2;
  put_steps(&other, "a", 1, 1);
  put_steps(&other, "b", 9, 9);
  write_file("torn.tfevents", &b, one + 20, O_TRUNC);
  helios_reader *r = open_reader("torn.tfevents");
  helios_status end;
  CHECK_INT(count_events(r, &end), 1);
  CHECK_INT(truncate(in_folder("torn.tfevents"), (off_t)one), 0);
  CHECK_INT(count_events(r, &end), 0);
  write_file("torn.tfevents", &other, other.len, 0);
  helios_event e;
  CHECK_INT(helios_reader_next(r, &e), HELIOS_OK);
  CHECK_INT(e.step, 9);
  helios_reader_free(r);
  hl_buf_free(&b);
  hl_buf_free(&other);
}

/* ---- runs ------------------------------------------------------------------------------------------- */

static char run_path[128];

static void make_run(const char *name) {
  snprintf(run_path, sizeof run_path, "%s/%s", folder, name);
  CHECK_INT(mkdir(run_path, 0777), 0);
}

static void write_run_file(const char *run, const char *name, hl_buf *b) {
  char relative[128];
  snprintf(relative, sizeof relative, "%s/%s", run, name);
  write_file(relative, b, b->len, O_TRUNC);
  hl_buf_reset(b);
}

static helios_run *open_run(bool keep_purged) {
  helios_reader_options options = {.size = sizeof options, .keep_purged = keep_purged};
  helios_run *run = NULL;
  char error[256] = "";
  CHECK_INT(helios_run_open(run_path, &options, &run, error, sizeof error), HELIOS_OK);
  CHECK_STR(error, "");
  return run;
}

/* "tag:step tag:step ..." of all points. */
static const char *points_text(helios_run *run) {
  static char text[2000];
  helios_point p;
  size_t n = 0;
  text[0] = '\0';
  while (helios_run_next(run, &p) == HELIOS_OK)
    n += (size_t)snprintf(text + n, sizeof text - n, "%s%s%.*s:%lld", n == 0 ? "" : " ", p.restarts ? "!" : "",
                          (int)p.tag.length, p.tag.data, (long long)p.step);
  return text;
}

static void test_steps_going_back(void) {
  hl_buf b;
  hl_buf_init(&b, NULL);
  make_run("back");
  put_steps(&b, "a", 1, 5);
  put_steps(&b, "b", 1, 3);
  write_run_file("back", "events.out.tfevents.1", &b);
  put_steps(&b, "a", 3, 4);
  write_run_file("back", "events.out.tfevents.2", &b);
  helios_run *run = open_run(false);
  CHECK_STR(points_text(run), "a:1 a:2 b:1 b:2 b:3 a:3 a:4");
  helios_run_rewind(run);
  CHECK_STR(points_text(run), "a:1 a:2 b:1 b:2 b:3 a:3 a:4");
  helios_tag_info info;
  CHECK(helios_run_tag(run, 0, &info));
  CHECK_INT(info.points, 4);
  CHECK_INT(info.last_step, 4);
  CHECK(info.last_value == 2.0);
  put_steps(&b, "a", 4, 5); /* a live writer goes on, one step back */
  write_run_file("back", "events.out.tfevents.3", &b);
  CHECK_STR(points_text(run), "!a:4 a:5");
  helios_run_free(run);

  run = open_run(true);
  CHECK_INT(helios_run_load(run), HELIOS_OK);
  helios_column c;
  CHECK(helios_run_column(run, 0, &c));
  CHECK_INT(c.count, 5);
  for (size_t i = 0; i < c.count; i++) CHECK_INT(c.steps[i], i + 1);
  helios_run_free(run);
  hl_buf_free(&b);
}

static void test_session_start_purges_all_tags(void) {
  hl_buf b;
  hl_buf_init(&b, NULL);
  make_run("start");
  put_session_start(&b, 0);
  put_steps(&b, "a", 1, 5);
  put_steps(&b, "b", 1, 5);
  write_run_file("start", "events.out.tfevents.1", &b);
  put_session_start(&b, 3);
  put_steps(&b, "a", 3, 3);
  write_run_file("start", "events.out.tfevents.2", &b);
  helios_run *run = open_run(false);
  CHECK_STR(points_text(run), "a:1 a:2 b:1 b:2 a:3");
  helios_run_free(run);
  helios_repair_stats s = {.size = sizeof s};
  char error[300] = "";
  CHECK_INT(helios_merge_run(run_path, &s, error, sizeof error), HELIOS_OK);
  CHECK_STR(error, "");
  CHECK(s.replaced);
  CHECK_INT(s.kept, 5);
  CHECK(access(in_folder("start/events.out.tfevents.1"), F_OK) != 0);
  run = open_run(false);
  CHECK_INT(helios_run_file_count(run), 1);
  CHECK_STR(points_text(run), "a:1 a:2 b:1 b:2 a:3");
  helios_run_free(run);
  hl_buf_free(&b);
}

static void test_growing_run(void) {
  hl_buf b;
  hl_buf_init(&b, NULL);
  make_run("grow");
  put_steps(&b, "a", 1, 2);
  write_run_file("grow", "events.out.tfevents.1", &b);
  helios_run *run = open_run(false);
  CHECK_STR(points_text(run), "a:1 a:2");
  put_steps(&b, "a", 3, 3);
  write_run_file("grow", "events.out.tfevents.2", &b);
  CHECK_STR(points_text(run), "a:3");
  put_steps(&b, "a", 1, 2);
  put_steps(&b, "c", 7, 7); /* the older file grows too */
  write_run_file("grow", "events.out.tfevents.1", &b);
  CHECK_STR(points_text(run), "c:7");
  CHECK_STR(points_text(run), "");
  helios_run_free(run);
  hl_buf_free(&b);
}

/* Killed between its two steps, merge leaves the new file and old ones: they read as the run did before. */
static void test_half_a_merge_changes_nothing(void) {
  hl_buf b;
  hl_buf_init(&b, NULL);
  make_run("half");
  put_steps(&b, "a", 1, 4);
  write_run_file("half", "events.out.tfevents.1", &b);
  put_steps(&b, "a", 3, 5);
  write_run_file("half", "events.out.tfevents.2", &b);
  helios_repair_stats s = {.size = sizeof s};
  CHECK_INT(helios_merge_run(run_path, &s, NULL, 0), HELIOS_OK);
  put_steps(&b, "a", 1, 4);
  write_run_file("half", "events.out.tfevents.1", &b);
  helios_run *run = open_run(false);
  CHECK_STR(points_text(run), "a:1 a:2 a:3 a:4 a:5");
  helios_run_free(run);
  hl_buf_free(&b);
}

/* A folder among the files, as an unreadable one: told once, and what the others void is still left out. */
static void test_unreadable_file_is_told_once(void) {
  hl_buf b;
  hl_buf_init(&b, NULL);
  make_run("unreadable");
  put_steps(&b, "a", 1, 3);
  write_run_file("unreadable", "events.out.tfevents.1", &b);
  CHECK_INT(mkdir(in_folder("unreadable/events.out.tfevents.2"), 0777), 0);
  put_steps(&b, "a", 2, 2);
  write_run_file("unreadable", "events.out.tfevents.3", &b);
  helios_run *run = open_run(false);
  CHECK_INT(helios_run_scan(run), HELIOS_EIO);
  char text[300];
  helios_run_error(run, text, sizeof text);
  CHECK(strstr(text, "tfevents.2: cannot") != NULL);
  CHECK_INT(helios_run_scan(run), HELIOS_OK);
  CHECK_STR(points_text(run), "a:1 a:2");
  helios_run_free(run);
  hl_buf_free(&b);
}

/* ---- repair, purge ----------------------------------------------------------------------------------- */

static void test_repair(void) {
  hl_buf b;
  hl_buf_init(&b, NULL);
  put_steps(&b, "a", 1, 9);
  size_t one = b.len / 9;
  b.data[one] ^= 1;                            /* a bad length */
  b.data[4 * one + HL_RECORD_HEADER] ^= 1;     /* a bad payload */
  write_file("repair.tfevents", &b, b.len - 5, O_TRUNC); /* and a cut tail */
  helios_repair_stats s = {.size = sizeof s};
  char error[300] = "";
  char file[128];
  snprintf(file, sizeof file, "%s", in_folder("repair.tfevents"));
  CHECK_INT(helios_repair_file(file, NULL, &s, error, sizeof error), HELIOS_OK);
  CHECK_STR(error, "");
  CHECK_INT(s.kept, 6);
  CHECK_INT(s.lost_bytes, 3 * one - 5);
  helios_reader_stats v = {.size = sizeof v};
  CHECK_INT(helios_verify_file(file, NULL, &v, NULL, NULL, 0), HELIOS_OK);
  CHECK_INT(v.records, 6);
  CHECK_INT(v.damaged, 0);
  CHECK_INT(v.cut_bytes, 0);
  CHECK_INT(helios_repair_file(file, NULL, &s, NULL, 0), HELIOS_OK);
  CHECK(!s.replaced);
  hl_buf_free(&b);
}

/* No room for the new file: the old one stays as it is, and nothing is left beside it. */
static void test_repair_without_room(void) {
  hl_buf b;
  hl_buf_init(&b, NULL);
  make_run("full");
  put_steps(&b, "a", 1, 500);
  b.data[b.len / 2] ^= 1;
  write_file("full/events.out.tfevents.1", &b, b.len, O_TRUNC);
  struct rlimit before, small = {1000, 1000};
  CHECK_INT(getrlimit(RLIMIT_FSIZE, &before), 0);
  small.rlim_max = before.rlim_max;
  CHECK_INT(setrlimit(RLIMIT_FSIZE, &small), 0);
  helios_repair_stats s = {.size = sizeof s};
  char file[128];
  snprintf(file, sizeof file, "%s", in_folder("full/events.out.tfevents.1"));
  CHECK_INT(helios_repair_file(file, NULL, &s, NULL, 0), HELIOS_EIO);
  CHECK_INT(setrlimit(RLIMIT_FSIZE, &before), 0);
  struct stat state;
  CHECK_INT(stat(file, &state), 0);
  CHECK_INT(state.st_size, b.len);
  CHECK_INT(rmdir(run_path), -1);
  CHECK_INT(remove(file), 0);
  CHECK_INT(rmdir(run_path), 0); /* it was all there was */
  hl_buf_free(&b);
}

static void test_what_is_no_event_file_is_not_repaired(void) {
  hl_buf b;
  hl_buf_init(&b, NULL);
  hl_buf_append_str(&b, "notes that somebody called x.tfevents\n");
  write_file("notes.tfevents", &b, b.len, O_TRUNC);
  helios_repair_stats s = {.size = sizeof s};
  CHECK_INT(helios_repair_file(in_folder("notes.tfevents"), NULL, &s, NULL, 0), HELIOS_EFORMAT);
  struct stat state;
  CHECK_INT(stat(in_folder("notes.tfevents"), &state), 0);
  CHECK_INT(state.st_size, b.len);
  hl_buf_free(&b);
}

static void test_purge(void) {
  hl_buf b;
  hl_buf_init(&b, NULL);
  make_run("purge");
  put_steps(&b, "a", 1, 5);
  put_steps(&b, "b", 1, 5);
  write_run_file("purge", "events.out.tfevents.1", &b);
  helios_repair_stats s = {.size = sizeof s};
  helios_purge_options o = {.size = sizeof o, .tag = "a", .from_step = 4, .has_from_step = true};
  char file[128];
  snprintf(file, sizeof file, "%s", in_folder("purge/events.out.tfevents.1"));
  CHECK_INT(helios_purge_file(file, &o, &s, NULL, 0), HELIOS_OK);
  CHECK_INT(s.dropped, 2);
  helios_run *run = open_run(false);
  CHECK_STR(points_text(run), "a:1 a:2 a:3 b:1 b:2 b:3 b:4 b:5");
  helios_run_free(run);
  hl_buf_free(&b);
}

static void test_a_writers_folder_is_left_alone(void) {
  hl_buf b;
  hl_buf_init(&b, NULL);
  make_run("live");
  put_steps(&b, "a", 1, 2);
  b.len -= 3;
  write_run_file("live", "events.out.tfevents.1", &b);
  hl_buf_append_str(&b, "x");
  write_run_file("live", ".helios-1.pending", &b);
  helios_repair_stats s = {.size = sizeof s};
  CHECK_INT(helios_repair_file(in_folder("live/events.out.tfevents.1"), NULL, &s, NULL, 0), HELIOS_EAGAIN);
  hl_buf_free(&b);
}

/* ---- text of numbers --------------------------------------------------------------------------------- */

static const char *text_of(double v, bool single) {
  static char text[HL_LONGEST_NUMBER];
  *hl_put_shortest(text, v, single) = '\0';
  return text;
}

/* The first text of %g that reads back. */
static const char *printf_text_of(float f) {
  static char text[HL_LONGEST_NUMBER];
  for (int digits = 1; digits <= 9; digits++) {
    snprintf(text, sizeof text, "%.*g", digits, (double)f);
    if (strtof(text, NULL) == f) break;
  }
  return text;
}

static void test_small_numbers(void) {
  for (int i = 1; i < 20000; i++) {
    float f = (float)(1e-5 / i / (i % 7 == 0 ? 1e4 : 1));
    CHECK_STR(text_of((double)f, true), printf_text_of(f));
  }
  CHECK_STR(text_of(1e-6, false), "1e-06");
  CHECK_STR(text_of(1.25e-10, false), "1.25e-10");
}

static void test_shortest(void) {
  CHECK_STR(text_of(0, true), "0");
  CHECK_STR(text_of(-0.0, true), "-0");
  CHECK_STR(text_of((double)0.1f, true), "0.1");
  CHECK_STR(text_of((double)0.1f, false), "0.10000000149011612");
  CHECK_STR(text_of(1.5, true), "1.5");
  CHECK_STR(text_of(16777216, true), "16777216");
  CHECK_STR(text_of((double)1e-7f, true), "1e-07");
  CHECK_STR(text_of((double)INFINITY, true), "inf");
  CHECK_STR(text_of(-(double)INFINITY, true), "-inf");
  CHECK_STR(text_of((double)NAN, true), "nan");
  CHECK_STR(text_of(1732417753.042123, false), "1732417753.042123");
  uint32_t bits = 12345;
  for (int i = 0; i < 200000; i++) {
    bits = bits * 1664525u + 1013904223u;
    double v = (double)hl_float_from_bits(bits);
    if (isfinite(v) && strtof(text_of(v, true), NULL) != (float)v) CHECK_STR(text_of(v, true), "the same float");
  }
}

/* Each allocation in turn fails: a status, never a crash, and the second try succeeds. */
static long countdown;

static void *failing_realloc(void *ctx, void *p, size_t old_size, size_t size) {
  (void)ctx;
  (void)old_size;
  if (size == 0) {
    free(p);
    return NULL;
  }
  return countdown-- == 0 ? NULL : realloc(p, size);
}

static void test_out_of_memory(void) {
  const helios_allocator failing = {failing_realloc, NULL};
  snprintf(run_path, sizeof run_path, "%s/back", folder);
  for (long at = 0; at < 200; at++) {
    helios_reader_options options = {.size = sizeof options, .allocator = &failing};
    helios_run *run = NULL;
    countdown = at;
    helios_status st = helios_run_open(run_path, &options, &run, NULL, 0);
    if (st == HELIOS_OK) st = helios_run_scan(run);
    bool failed = st != HELIOS_OK;
    if (failed) CHECK_INT(st, HELIOS_ENOMEM);
    countdown = -1;
    if (run != NULL && failed) CHECK_INT(helios_run_scan(run), HELIOS_OK);
    if (run != NULL) CHECK_STR(points_text(run), "a:1 a:2 b:1 b:2 b:3 a:3 a:4 a:5");
    helios_run_free(run);
    if (!failed) break; /* open and scan no longer fail */
  }
}

int main(void) {
  if (mkdtemp(folder) == NULL) return 1;
  test_cut_at_every_byte();
  test_bad_payload_is_skipped();
  test_bad_length_ends();
  test_hostile_length();
  test_large_records();
  test_gzip();
  test_growing_gzip();
  test_torn_tail_that_is_written_anew();
  test_steps_going_back();
  test_session_start_purges_all_tags();
  test_growing_run();
  test_half_a_merge_changes_nothing();
  test_unreadable_file_is_told_once();
  test_repair();
  test_repair_without_room();
  test_what_is_no_event_file_is_not_repaired();
  test_purge();
  test_a_writers_folder_is_left_alone();
  test_shortest();
  test_small_numbers();
  test_out_of_memory();
  char command[64];
  snprintf(command, sizeof command, "rm -rf %s", folder);
  CHECK_INT(system(command), 0);
  return check_done("reader");
}

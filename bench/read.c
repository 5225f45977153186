/* read.c FOLDER - what reading costs: a million scalars, and a gigabyte of images, checksums checked.
 *
 * Prints `kind who call_ns cpu_ns` as core.c does, for the whole file. "bare" is reading its bytes, as cat does. Takes
 * FOLDER/photo.rgb, and leaves FOLDER/scalars and FOLDER/images for the command and the peers. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "helios/helios.h"
#include "helios/reader.h"

#include "crc32c.h"

enum { RUNS = 5, MILLION = 1000000, WIDTH = 1920, HEIGHT = 1080, PHOTO_BYTES = 3 * WIDTH * HEIGHT };

/* The step of a record: two bytes behind the record's head, the time (1 + 8 bytes) and the field's number. FIRST_STEP
 * is the lowest number that takes two. */
enum { HEAD = 12, FOOT = 4, STEP_AT = HEAD + 9 + 1, FIRST_STEP = 128 };

static const size_t GIGABYTE = 1000000000;

typedef size_t (*read_fn)(const char *path);

static void die(const char *what) {
  fprintf(stderr, "bench: %s\n", what);
  exit(1);
}

static double seconds(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double smaller(double a, double b) { return a < b ? a : b; }

/* ---- material ---- */

static helios_writer *open_run(const char *folder, const char *name) {
  char path[600], error[300] = "";
  helios_writer *w;
  snprintf(path, sizeof path, "%s/%s", folder, name);
  if (helios_writer_open(path, NULL, &w, error, sizeof error) != HELIOS_OK) die(error);
  return w;
}

static void close_run(helios_writer *w) {
  if (helios_writer_close(w) != HELIOS_OK) die("cannot write");
  helios_writer_free(w);
}

/* The path of the one event file in a run. */
static void event_file(char *out, size_t size, const char *folder, const char *name) {
  char run[600];
  snprintf(run, sizeof run, "%s/%s", folder, name);
  DIR *d = opendir(run);
  struct dirent *entry;
  while (d != NULL && (entry = readdir(d)) != NULL)
    if (strstr(entry->d_name, "tfevents") != NULL) snprintf(out, size, "%.590s/%s", run, entry->d_name);
  closedir(d);
}

static void write_scalars(const char *folder) {
  helios_writer *w = open_run(folder, "scalars");
  for (int i = 0; i < MILLION; i++)
    if (helios_writer_add_scalar(w, "loss/train", 1.0 / (i + 1), i) != HELIOS_OK) die("cannot add");
  close_run(w);
}

static void write_one_image(const char *folder) {
  char path[600];
  unsigned char *photo = malloc(PHOTO_BYTES);
  snprintf(path, sizeof path, "%s/photo.rgb", folder);
  FILE *f = fopen(path, "rb");
  if (photo == NULL || f == NULL || fread(photo, 1, PHOTO_BYTES, f) != PHOTO_BYTES) die("no photograph");
  fclose(f);
  DLTensor t = {.data = photo, .device = {kDLCPU, 0}, .ndim = 3, .shape = (int64_t[]){3, HEIGHT, WIDTH},
                .dtype = helios_dtype_to_dl(HELIOS_UINT8)};
  helios_writer *w = open_run(folder, "images");
  if (helios_writer_add_image(w, "photo", &t, "CHW", FIRST_STEP, NULL) != HELIOS_OK) die("cannot add");
  close_run(w);
  free(photo);
}

static void set_step(char *record, size_t n, unsigned step) {
  record[STEP_AT] = (char)(step & 127u) | (char)-128;
  record[STEP_AT + 1] = (char)(step >> 7);
  uint32_t crc = hl_crc32c_masked(record + HEAD, n - HEAD - FOOT);
  for (int i = 0; i < FOOT; i++) record[n - FOOT + (size_t)i] = (char)(crc >> 8 * i & 255u);
}

/* Append the file's last record, a step later each time, until there is a gigabyte of it. */
static void multiply_last_record(const char *path) {
  helios_reader *r;
  helios_event event;
  uint64_t offset = 0;
  if (helios_reader_open(path, NULL, &r, NULL, 0) != HELIOS_OK) die("cannot read back");
  while (helios_reader_next(r, &event) == HELIOS_OK) offset = event.offset;
  helios_reader_free(r);
  FILE *f = fopen(path, "r+b");
  if (f == NULL || fseek(f, 0, SEEK_END) != 0) die("cannot read back");
  size_t n = (size_t)ftell(f) - offset;
  char *record = malloc(n);
  if (record == NULL || fseek(f, (long)offset, SEEK_SET) != 0 || fread(record, 1, n, f) != n) die("cannot read back");
  fseek(f, 0, SEEK_END);
  unsigned step = FIRST_STEP;
  for (size_t total = n; total < GIGABYTE; total += n) {
    set_step(record, n, ++step);
    if (fwrite(record, 1, n, f) != n) die("no room for a gigabyte");
  }
  fclose(f);
  free(record);
}

/* ---- reading ---- */

static size_t read_points(const char *path) {
  helios_reader *r;
  helios_event event;
  helios_point point;
  size_t points = 0;
  if (helios_reader_open(path, NULL, &r, NULL, 0) != HELIOS_OK) die("cannot open");
  while (helios_reader_next(r, &event) == HELIOS_OK)
    for (size_t cursor = 0; helios_event_next_point(&event, &cursor, &point);) points++;
  helios_reader_free(r);
  return points;
}

static size_t read_bytes(const char *path) {
  static char block[1 << 17];
  size_t total = 0;
  ssize_t n;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  while ((n = read(fd, block, sizeof block)) > 0) total += (size_t)n;
  close(fd);
  return total;
}

static void measure(const char *kind, const char *who, read_fn fn, const char *path, size_t at_least) {
  double call = 1e9, cpu = 1e9;
  for (int run = 0; run < RUNS; run++) {
    double wall_start = seconds(CLOCK_MONOTONIC), cpu_start = seconds(CLOCK_PROCESS_CPUTIME_ID);
    if (fn(path) < at_least) die("something is missing in what was read back");
    call = smaller(call, seconds(CLOCK_MONOTONIC) - wall_start);
    cpu = smaller(cpu, seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu_start);
  }
  printf("%s\t%s\t%.0f\t%.0f\n", kind, who, 1e9 * call, 1e9 * cpu);
}

int main(int argc, char **argv) {
  char path[1024] = "";
  if (argc != 2) die("usage: read FOLDER");
  write_scalars(argv[1]);
  event_file(path, sizeof path, argv[1], "scalars");
  measure("read_scalars", "bare", read_bytes, path, MILLION);
  measure("read_scalars", "c", read_points, path, MILLION);
  write_one_image(argv[1]);
  event_file(path, sizeof path, argv[1], "images");
  multiply_last_record(path);
  measure("read_images", "bare", read_bytes, path, GIGABYTE);
  measure("read_images", "c", read_points, path, 100);
  return 0;
}

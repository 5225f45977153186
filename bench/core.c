/* core.c FOLDER - what each kind of record costs a C host, and what the bare work would cost.
 *
 * Prints lines of tab-separated `kind who call_ns cpu_ns`: the caller's time for one call, and the CPU time of all
 * threads until the record is in its file; each the best of several runs. Leaves the photograph it used in
 * FOLDER/photo.rgb (planes of 1080 x 1920 bytes), for the peers. */
#include <fcntl.h>
#include <png.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "crc32c.h"
#include "helios/helios.h"

enum { RUNS = 15, WRITERS = 100, WIDTH = 1920, HEIGHT = 1080, PHOTO_BYTES = 3 * WIDTH * HEIGHT, MILLION = 1000000 };

typedef struct bench {
  char folder[512];
  helios_writer *writer;
  helios_logger *logger;
  helios_writer *others[WRITERS]; /* open beside it, for what that costs */
  unsigned char *photo; /* 3 x 1080 x 1920 */
  float *values;        /* a million, normal */
  float *predictions;   /* a million in [0, 1] */
  unsigned char *labels;
} bench;

typedef void (*bench_fn)(bench *b, int64_t i);

static void die(const char *what) {
  fprintf(stderr, "bench: %s\n", what);
  exit(1);
}

static void must(helios_status status) {
  if (status != HELIOS_OK) die(helios_strerror(status));
}

static double seconds(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- material ---- */

static uint32_t noise(void) {
  static uint32_t state = 2463534242u;
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return state;
}

static double uniform(void) { return noise() / 4294967296.0; }

static unsigned char clipped(double v) {
  if (v < 0) return 0;
  return v > 255 ? 255 : (unsigned char)v;
}

/* Between four pixels of the small picture, with the grain a sensor adds: as hard to pack as a real photograph. */
static unsigned char enlarged(const unsigned char *rgb, int w, int h, int x, int y, int c) {
  double fx = (double)x * (w - 2) / WIDTH, fy = (double)y * (h - 2) / HEIGHT;
  int ix = (int)fx, iy = (int)fy;
  const unsigned char *p = rgb + 3 * (iy * w + ix) + c;
  double top = p[0] + (fx - ix) * (p[3] - p[0]);
  double bottom = p[3 * w] + (fx - ix) * (p[3 * w + 3] - p[3 * w]);
  return clipped(top + (fy - iy) * (bottom - top) + (double)(noise() % 11) - 5);
}

static unsigned char *read_png(const char *path, int *width, int *height) {
  png_image image = {.version = PNG_IMAGE_VERSION};
  if (!png_image_begin_read_from_file(&image, path)) die(image.message);
  image.format = PNG_FORMAT_RGB;
  unsigned char *rgb = malloc(PNG_IMAGE_SIZE(image));
  if (rgb == NULL || !png_image_finish_read(&image, NULL, rgb, 0, NULL)) die("cannot read the photograph");
  *width = (int)image.width;
  *height = (int)image.height;
  return rgb;
}

static void make_photo(bench *b) {
  int w, h;
  unsigned char *rgb = read_png("examples/data/flower.png", &w, &h);
  unsigned char *out = b->photo;
  for (int c = 0; c < 3; c++)
    for (int y = 0; y < HEIGHT; y++)
      for (int x = 0; x < WIDTH; x++) *out++ = enlarged(rgb, w, h, x, y, c);
  free(rgb);
}

static void save_photo(const bench *b) {
  char path[600];
  snprintf(path, sizeof path, "%s/photo.rgb", b->folder);
  FILE *f = fopen(path, "wb");
  if (f == NULL || fwrite(b->photo, 1, PHOTO_BYTES, f) != PHOTO_BYTES || fclose(f) != 0) die("cannot save the photograph");
}

static void make_material(bench *b) {
  b->photo = malloc(PHOTO_BYTES);
  b->values = malloc(MILLION * sizeof *b->values);
  b->predictions = malloc(MILLION * sizeof *b->predictions);
  b->labels = malloc(MILLION);
  if (b->photo == NULL || b->values == NULL || b->predictions == NULL || b->labels == NULL) die("out of memory");
  for (int i = 0; i < MILLION; i++) {
    double sum = 0;
    for (int k = 0; k < 12; k++) sum += uniform();
    b->values[i] = (float)(sum - 6);
    b->predictions[i] = (float)uniform();
    b->labels[i] = noise() & 1;
  }
  make_photo(b);
  save_photo(b);
}

/* ---- the calls ---- */

static void add_scalar(bench *b, int64_t i) { must(helios_writer_add_scalar(b->writer, "loss/train", 0.5, i)); }

/* Another writer each time: what they share is the cost of memory that is not in the cache. */
static void add_scalar_in_turn(bench *b, int64_t i) {
  must(helios_writer_add_scalar(b->others[i % WRITERS], "loss/train", 0.5, i));
}

static void add_text(bench *b, int64_t i) {
  static const char text[] = "sixty characters of Markdown, as a note on a step would be..";
  must(helios_writer_add_text(b->writer, "note", text, 60, i, NULL));
}

static void info(bench *b, int64_t i) {
  must(helios_logger_printf(b->logger, HELIOS_INFO, "epoch %d: loss %.4f", (int)i, 0.5));
}

static void info_plain(bench *b, int64_t i) {
  static const char text[] = "epoch 12: loss 0.5000";
  must(helios_logger_log(b->logger, HELIOS_INFO, text, sizeof text - 1));
  (void)i;
}

static DLTensor tensor(void *data, helios_dtype dtype, int ndim, int64_t *shape) {
  return (DLTensor){.data = data, .device = {kDLCPU, 0}, .ndim = ndim, .dtype = helios_dtype_to_dl(dtype), .shape = shape};
}

static void add_histogram(bench *b, int64_t i) {
  DLTensor t = tensor(b->values, HELIOS_FLOAT32, 1, (int64_t[]){MILLION});
  must(helios_writer_add_histogram(b->writer, "weights", &t, i, NULL));
}

static void add_pr_curve(bench *b, int64_t i) {
  DLTensor labels = tensor(b->labels, HELIOS_BOOL, 1, (int64_t[]){MILLION});
  DLTensor predictions = tensor(b->predictions, HELIOS_FLOAT32, 1, (int64_t[]){MILLION});
  must(helios_writer_add_pr_curve(b->writer, "pr", &labels, &predictions, i, NULL));
}

static void add_small_image(bench *b, int64_t i) {
  DLTensor t = tensor(b->photo, HELIOS_UINT8, 3, (int64_t[]){3, 256, 256});
  t.strides = (int64_t[]){(int64_t)WIDTH * HEIGHT, WIDTH, 1}; /* a corner of the photograph */
  must(helios_writer_add_image(b->writer, "small", &t, "CHW", i, NULL));
}

static void add_photo(bench *b, int64_t i) {
  DLTensor t = tensor(b->photo, HELIOS_UINT8, 3, (int64_t[]){3, HEIGHT, WIDTH});
  must(helios_writer_add_image(b->writer, "photo", &t, "CHW", i, NULL));
}

static void add_hparams(bench *b, int64_t i) {
  static const helios_hparam hparams[] = {
    {.name = "lr", .value = {.type = HELIOS_VALUE_NUMBER, .number = 0.1}},
    {.name = "momentum", .value = {.type = HELIOS_VALUE_NUMBER, .number = 0.9}},
    {.name = "batch_size", .value = {.type = HELIOS_VALUE_NUMBER, .number = 32}},
    {.name = "optimizer", .value = {.type = HELIOS_VALUE_STRING, .string = "sgd"}},
    {.name = "nesterov", .value = {.type = HELIOS_VALUE_BOOL, .number = 1}},
  };
  static const helios_named_value metrics[] = {{"accuracy", 0.98}, {"loss", 0.05}};
  must(helios_writer_add_hparams(b->writer, hparams, 5, metrics, 2, i, NULL));
}

/* ---- the bare work, with nothing around it ---- */

static unsigned char scratch[1 << 20];
static volatile uint32_t sink;

/* Clock, the bytes of one scalar, two CRCs, an uncontended lock, a copy. */
static void bare_scalar(bench *b, int64_t i) {
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  unsigned char record[80] = {0};
  double now = seconds(CLOCK_REALTIME);
  memcpy(record + 12, &now, sizeof now);
  memcpy(record + 20, &i, sizeof i);
  sink = hl_crc32c(0, record, 8) ^ hl_crc32c(0, record + 12, 64);
  pthread_mutex_lock(&lock);
  memcpy(scratch + (size_t)(i % 10000) * sizeof record, record, sizeof record);
  pthread_mutex_unlock(&lock);
  (void)b;
}

/* What printf takes for it, of which an int and a double are most. */
static void bare_format(bench *b, int64_t i) {
  snprintf((char *)scratch, 96, "[2026-11-23 23:09:13,042] [INFO]: epoch %d: loss %.4f\n", (int)i, 0.5);
  (void)b;
}

/* One write per line to a file opened for append. */
static void bare_line(bench *b, int64_t i) {
  static int fd = -1;
  char line[96];
  if (fd < 0) {
    char path[600];
    snprintf(path, sizeof path, "%s/bare.log", b->folder);
    fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  }
  int n = snprintf(line, sizeof line, "[2026-11-23 23:09:13,042] [INFO]: epoch %d: loss %.4f\n", (int)i, 0.5);
  if (write(fd, line, (size_t)n) != n) die("cannot write");
}

static void bare_pass(bench *b, int64_t i) {
  float sum[8] = {0};
  for (int k = 0; k < MILLION; k += 8)
    for (int j = 0; j < 8; j++) sum[j] += b->values[k + j];
  sink = (uint32_t)(sum[0] + sum[7]) + (uint32_t)i;
}

static void bare_small_copy(bench *b, int64_t i) {
  memcpy(scratch, b->photo + i % 64, 3 * 256 * 256);
  sink = scratch[i % 1000];
}

static void bare_photo_copy(bench *b, int64_t i) {
  static unsigned char copy[PHOTO_BYTES];
  memcpy(copy, b->photo, PHOTO_BYTES);
  sink = copy[i % 1000];
}

/* ---- measuring ---- */

static void open_handles(bench *b, int run) {
  sync(); /* or the kernel would write out the round before beside this one */
  char path[600], error[300] = "";
  snprintf(path, sizeof path, "%s/c-%d", b->folder, run);
  if (helios_writer_open(path, NULL, &b->writer, error, sizeof error) != HELIOS_OK) die(error);
  snprintf(path, sizeof path, "%s/c-%d.log", b->folder, run);
  if (helios_logger_open(path, NULL, &b->logger, error, sizeof error) != HELIOS_OK) die(error);
}

static void close_handles(bench *b) {
  must(helios_writer_close(b->writer));
  must(helios_logger_close(b->logger));
  helios_writer_free(b->writer);
  helios_logger_free(b->logger);
}

static double smaller(double a, double b) { return a < b ? a : b; }

static void report(const char *kind, const char *who, double call, double cpu, int calls) {
  printf("%s\t%s\t%.1f\t%.1f\n", kind, who, 1e9 * call / calls, 1e9 * cpu / calls);
  fflush(stdout);
}

/* What the call itself takes, one after the other; paced: each after the one before is in its file, as when a training
 * loop logs an image now and then. */
static double time_calls(bench *b, bench_fn fn, int calls, bool paced) {
  double total = 0, start = seconds(CLOCK_MONOTONIC);
  for (int i = 1; i <= calls; i++) {
    fn(b, i);
    if (!paced) continue;
    total += seconds(CLOCK_MONOTONIC) - start;
    must(helios_writer_flush(b->writer));
    start = seconds(CLOCK_MONOTONIC);
  }
  return paced ? total : seconds(CLOCK_MONOTONIC) - start;
}

static void measure_calls(bench *b, const char *kind, const char *who, bench_fn fn, int calls, bool paced) {
  static int folders;
  double call = 1e9, cpu = 1e9;
  for (int run = 0; run < RUNS; run++) {
    open_handles(b, folders++);
    fn(b, 0); /* the first event makes the file */
    must(helios_writer_flush(b->writer));
    double cpu_start = seconds(CLOCK_PROCESS_CPUTIME_ID);
    call = smaller(call, time_calls(b, fn, calls, paced));
    must(helios_writer_flush(b->writer));
    must(helios_logger_flush(b->logger));
    cpu = smaller(cpu, seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu_start);
    close_handles(b);
  }
  report(kind, who, call, cpu, calls);
}

static void measure(bench *b, const char *kind, const char *who, bench_fn fn, int calls) {
  measure_calls(b, kind, who, fn, calls, false);
}

/* One of a hundred open writers; then all of them in turn. */
static void measure_a_hundred_writers(bench *b) {
  char path[600];
  for (int i = 0; i < WRITERS; i++) {
    snprintf(path, sizeof path, "%s/hundred-%d", b->folder, i);
    must(helios_writer_open(path, NULL, &b->others[i], NULL, 0));
    add_scalar_in_turn(b, i);
  }
  measure(b, "add_scalar_of_hundred", "c", add_scalar, 200000);
  measure(b, "add_scalar_in_turn", "c", add_scalar_in_turn, 200000);
  for (int i = 0; i < WRITERS; i++) helios_writer_free(b->others[i]);
}

/* The last of a run of many million calls. */
static void measure_a_long_run(bench *b) {
  enum { EARLIER = 4800000, CALLS = 200000 };
  double call = 1e9, cpu = 1e9;
  open_handles(b, 1000000);
  for (int i = 0; i < EARLIER; i++) add_scalar(b, i);
  for (int run = 0; run < RUNS; run++) {
    double cpu_start = seconds(CLOCK_PROCESS_CPUTIME_ID);
    call = smaller(call, time_calls(b, add_scalar, CALLS, false));
    must(helios_writer_flush(b->writer));
    cpu = smaller(cpu, seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu_start);
  }
  report("add_scalar_later", "c", call, cpu, CALLS);
  close_handles(b);
}

int main(int argc, char **argv) {
  static bench b;
  if (argc != 2) die("usage: core FOLDER");
  snprintf(b.folder, sizeof b.folder, "%s", argv[1]);
  make_material(&b);
  measure(&b, "add_scalar", "bare", bare_scalar, 200000);
  measure(&b, "add_scalar", "c", add_scalar, 200000);
  measure_a_hundred_writers(&b);
  measure(&b, "info_plain", "bare", bare_line, 100000);
  measure(&b, "info_plain", "c", info_plain, 200000);
  measure(&b, "info", "bare", bare_format, 200000);
  measure(&b, "info", "c", info, 200000);
  measure(&b, "add_text", "c", add_text, 200000);
  measure(&b, "add_histogram", "bare", bare_pass, 20);
  measure(&b, "add_histogram", "c", add_histogram, 20);
  measure(&b, "add_pr_curve", "c", add_pr_curve, 20);
  measure(&b, "add_image_small", "bare", bare_small_copy, 1000);
  measure_calls(&b, "add_image_small", "c", add_small_image, 20, true);
  measure(&b, "add_image_small", "burst", add_small_image, 20);
  measure(&b, "add_image_photo", "bare", bare_photo_copy, 20);
  measure_calls(&b, "add_image_photo", "c", add_photo, 4, true);
  measure(&b, "add_image_photo", "burst", add_photo, 4);
  measure(&b, "add_hparams", "c", add_hparams, 5000);
  measure_a_long_run(&b);
  return 0;
}

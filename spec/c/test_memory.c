/* test_memory.c - each allocation of a program that uses every call fails in turn, once and for good: a status or
 * success, never a crash, never half a record, nothing leaked, and the handles go on. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "check.h"
#include "helios/helios.h"
#include "steps.h"

/* ---- memory that runs out -------------------------------------------------------------------------------- */

static struct {
  _Atomic long left;  /* allocations until the first that fails; negative: none does */
  bool for_good;
  _Atomic long live;  /* bytes */
  _Atomic long asked; /* how often memory was asked for */
  _Atomic bool hit;
} memory;

static void *limited(void *ctx, void *p, size_t old_size, size_t size) {
  (void)ctx;
  memory.asked += size > old_size;
  if (size > old_size && memory.left >= 0 && memory.left-- == 0) {
    memory.hit = true;
    if (memory.for_good) memory.left = 0;
    return NULL;
  }
  if (size == 0) {
    memory.live -= (long)old_size;
    free(p);
    return NULL;
  }
  void *moved = realloc(p, size);
  if (moved != NULL) memory.live += (long)size - (long)old_size;
  return moved;
}

static const helios_allocator allocator = {.realloc = limited};

/* ---- every call ------------------------------------------------------------------------------------------- */

static DLTensor tensor_of(void *data, helios_dtype dtype, int ndim, int64_t *shape) {
  DLDataType type = helios_dtype_to_dl(dtype);
  return (DLTensor){.data = data, .device = {kDLCPU, 0}, .ndim = ndim, .dtype = type, .shape = shape};
}

/* One white pixel. */
static const unsigned char small_png[] = {
  137, 80, 78, 71, 13, 10, 26, 10, 0, 0, 0, 13, 73, 72, 68, 82, 0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0, 58, 126, 155,
  85, 0, 0, 0, 10, 73, 68, 65, 84, 120, 156, 99, 248, 15, 0, 1, 1, 1, 0, 177, 56, 246, 20, 0, 0, 0, 0, 73, 69, 78,
  68, 174, 66, 96, 130};

static void add_images(helios_writer *w) {
  static unsigned char pixels[4 * 3 * 60 * 60];
  int64_t one[3] = {3, 60, 60}, many[4] = {4, 3, 60, 60}, sides[2] = {1, 4};
  float corners[4] = {1, 1, 5, 5};
  DLTensor image = tensor_of(pixels, HELIOS_UINT8, 3, one), images = tensor_of(pixels, HELIOS_UINT8, 4, many);
  DLTensor boxes = tensor_of(corners, HELIOS_FLOAT32, 2, sides);
  int64_t film[5] = {1, 2, 3, 20, 20};
  DLTensor video = tensor_of(pixels, HELIOS_UINT8, 5, film);
  int64_t hwc[3] = {60, 60, 3};
  DLTensor drawing = tensor_of(pixels, HELIOS_UINT8, 3, hwc);
  const helios_picture figures[2] = {{.pixels = &drawing}, {.png = small_png, .png_size = sizeof small_png}};
  helios_writer_add_figure(w, "figure", figures, 1, 1, NULL);
  helios_writer_add_figure(w, "png", figures + 1, 1, 1, NULL);
  helios_writer_add_image(w, "image", &image, "CHW", 1, NULL);
  helios_writer_add_images(w, "images", &images, "NCHW", 1, NULL);
  helios_writer_add_image_with_boxes(w, "boxes", &image, &boxes, 1, NULL);
  helios_writer_add_video(w, "video", &video, 1, NULL);
}

static void add_numbers(helios_writer *w) {
  static float values[64] = {0, 1, 0, 1};
  int64_t shape[1] = {64}, triangle[3] = {1, 3, 3}, square[2] = {8, 8};
  DLTensor t = tensor_of(values, HELIOS_FLOAT32, 1, shape), mesh = tensor_of(values, HELIOS_FLOAT32, 3, triangle);
  DLTensor matrix = tensor_of(values, HELIOS_FLOAT32, 2, square);
  helios_writer_add_histogram(w, "histogram", &t, 1, NULL);
  helios_writer_add_pr_curve(w, "curve", &t, &t, 1, NULL);
  helios_writer_add_tensor(w, "tensor", &matrix, 1, NULL);
  helios_writer_add_audio(w, "audio", &t, 1, NULL);
  helios_writer_add_mesh(w, "mesh", &mesh, 1, NULL);
}

static void add_what_was_counted_elsewhere(helios_writer *w) {
  const double numbers[2] = {1, 2};
  const helios_histogram_raw histogram = {0, 2, 3, 4, 5, numbers, numbers, 2};
  const helios_pr_curve_raw curve = {numbers, numbers, numbers, numbers, numbers, numbers, 2, 2};
  helios_writer_add_histogram_raw(w, "histogram", &histogram, 1, NULL);
  helios_writer_add_pr_curve_raw(w, "curve", &curve, 1, NULL);
}

static void add_embedding(helios_writer *w) {
  static float values[2 * 3 * 2 * 2];
  int64_t points[2] = {2, 3}, pictures[4] = {2, 3, 2, 2};
  DLTensor matrix = tensor_of(values, HELIOS_FLOAT32, 2, points);
  DLTensor images = tensor_of(values, HELIOS_FLOAT32, 4, pictures);
  const char *labels[2] = {"a", "b"};
  helios_embedding e = {.size = sizeof e, .tag = "e", .matrix = &matrix, .metadata = labels, .metadata_rows = 2,
                        .label_img = &images};
  helios_writer_add_embedding(w, &e, 1);
}

static void add_graph(helios_writer *w) {
  helios_graph *graph = NULL;
  const char *inputs[1] = {"a"};
  const int64_t dims[2] = {1, -1};
  const helios_graph_shape shape = {dims, 2};
  const helios_graph_attr attr = {"k", {.type = HELIOS_VALUE_NUMBER, .number = 1}};
  const helios_graph_node a = {.size = sizeof a, .name = "a", .shapes = &shape, .shape_count = 1};
  const helios_graph_node b = {.size = sizeof b, .name = "b", .op = "Op", .device = "cpu", .inputs = inputs,
                               .input_count = 1, .attrs = &attr, .attr_count = 1};
  if (helios_graph_new(&allocator, &graph) != HELIOS_OK) return;
  helios_graph_add_node(graph, &a);
  helios_graph_add_node(graph, &b);
  helios_writer_add_graph(w, graph, NULL);
  helios_graph_free(graph);
}

static void add_layouts(helios_writer *w) {
  const char *tags[3] = {"a", "b", "c"};
  const helios_chart charts[2] = {{"lines", false, tags, 2}, {"band", true, tags, 3}};
  const helios_category category = {"category", charts, 2};
  helios_writer_add_custom_scalars(w, &category, 1, NULL);
}

static void add_words(helios_writer *w) {
  static char long_text[200000];
  const char *cells[4] = {"a", "b", "c", "d"};
  helios_named_value series[2] = {{"a", 1}, {"b/c", 2}}, metric = {"loss", 1};
  helios_hparam hparam = {.name = "lr", .value = {.type = HELIOS_VALUE_NUMBER, .number = 1}};
  memset(long_text, 'x', sizeof long_text);
  helios_writer_add_scalar(w, "scalar", 1, 1);
  helios_writer_add_scalar_with(w, "scalar", 1, 2, &(helios_scalar_options){.size = sizeof(helios_scalar_options)});
  helios_writer_set_step(w, 3);
  helios_writer_add_scalars(w, "main", series, 2, 1, NULL);
  helios_writer_add_text(w, "text", "words", 5, 1, NULL);
  helios_writer_add_text(w, "text", long_text, sizeof long_text, 1, NULL);
  helios_writer_add_text_table(w, "table", cells, NULL, 2, 2, 1, NULL);
  helios_writer_add_hparams(w, &hparam, 1, &metric, 1, 1, NULL);
}

static void hear(void *ctx, const helios_record *record) {
  (void)ctx, (void)record;
}

static void use_logger(helios_logger *l) {
  static char long_text[3000];
  memset(long_text, 'y', sizeof long_text - 1);
  helios_logger_log(l, HELIOS_INFO, "words", 5);
  helios_logger_printf(l, HELIOS_WARNING, "%s", long_text);
  helios_logger_flush(l);
  helios_logger_reopen(l);
  helios_logger_add_sink(l, HELIOS_DEBUG, hear, NULL);
  helios_logger_log(l, HELIOS_INFO, "words", 5);
  helios_logger_remove_sink(l, hear, NULL);
}

/* What a reader gives is a part of the whole, or all of it. */
static void read_run(const char *path) {
  helios_reader_options o = {.size = sizeof o, .allocator = &allocator};
  helios_run *run = NULL;
  helios_point point;
  helios_column column;
  if (helios_run_open(path, &o, &run, NULL, 0) != HELIOS_OK) return;
  while (helios_run_next(run, &point) == HELIOS_OK) continue;
  helios_run_scan(run);
  helios_run_rewind(run);
  helios_run_load(run);
  for (size_t i = 0; i < helios_run_tag_count(run); i++) helios_run_column(run, i, &column);
  helios_run_free(run);
}

/* Whole records in every event file of the run. */
static void check_files(const char *run) {
  char path[1024];
  int files = scratch_count(run, "events.out.tfevents.", path, sizeof path);
  if (files > 0) CHECK(count_steps(path).whole);
  CHECK(scratch_count(run, ".helios", NULL, 0) <= 0);
}

/* True when the failure was met. */
static bool one_program(long at, bool for_good, int threads) {
  char run[400], log[400];
  const char *folder = scratch_dir(0);
  helios_writer *w = NULL;
  helios_logger *l = NULL;
  snprintf(run, sizeof run, "%s/run", folder);
  snprintf(log, sizeof log, "%s/log", folder);
  helios_writer_options wo = {.size = sizeof wo, .allocator = &allocator, .threads = threads, .flush_secs = 1000};
  helios_logger_options lo = {.size = sizeof lo, .allocator = &allocator, .threads = threads, .flush_secs = 1000};
  memory.for_good = for_good;
  memory.hit = false;
  memory.left = at;
  helios_status opened = helios_writer_open(run, &wo, &w, NULL, 0);
  CHECK_INT(opened, w != NULL ? HELIOS_OK : HELIOS_ENOMEM);
  opened = helios_logger_open(log, &lo, &l, NULL, 0);
  CHECK_INT(opened, l != NULL ? HELIOS_OK : HELIOS_ENOMEM);
  if (w != NULL) {
    add_words(w);
    add_numbers(w);
    add_what_was_counted_elsewhere(w);
    add_embedding(w);
    add_graph(w);
    add_layouts(w);
    add_images(w);
    helios_writer_flush(w);
  }
  if (l != NULL) use_logger(l);
  if (w != NULL) read_run(run);
  memory.left = -1;
  if (w != NULL) CHECK_INT(helios_writer_add_scalar(w, "after", 1, 1), HELIOS_OK);
  if (w != NULL) helios_writer_close(w);
  if (l != NULL) CHECK_INT(helios_logger_log(l, HELIOS_INFO, "after", 5), HELIOS_OK);
  helios_writer_free(w);
  helios_logger_free(l);
  check_files(run);
  if (!CHECK(memory.live == 0)) fprintf(stderr, "  allocation %ld: %ld bytes leaked\n", at, (long)memory.live);
  memory.live = 0;
  scratch_remove(folder);
  return memory.hit;
}

static void runs_out(bool for_good, int threads) {
  long at = 0;
  while (one_program(at, for_good, threads)) at += 1 + at / 150;
  printf("memory: %ld allocations, %s%s\n", at, for_good ? "for good" : "once", threads < 0 ? ", no threads" : "");
}

/* What a killed process left is recovered by setups that run out of memory on the way, each a little later. */
static void recovery_runs_out(bool for_good) {
  enum { STEPS = 30 };
  const char *folder = scratch_dir(0);
  helios_writer *w = NULL;
  pid_t child = fork();
  if (child == 0) {
    static unsigned char pixels[3 * 60 * 60];
    int64_t shape[3] = {3, 60, 60};
    DLTensor image = tensor_of(pixels, HELIOS_UINT8, 3, shape);
    helios_writer_open(folder, NULL, &w, NULL, 0);
    for (int i = 1; i < STEPS; i++) helios_writer_add_scalar(w, "x", 1, i);
    helios_writer_add_image(w, "x", &image, "CHW", STEPS, NULL);
    kill(getpid(), SIGKILL);
  }
  waitpid(child, NULL, 0);
  helios_writer_options o = {.size = sizeof o, .allocator = &allocator, .threads = -1};
  memory.for_good = for_good;
  long at = 0;
  do {
    memory.hit = false;
    memory.left = at++;
    helios_status st = helios_writer_open(folder, &o, &w, NULL, 0);
    CHECK(st == HELIOS_OK || st == HELIOS_ENOMEM);
    helios_writer_free(w);
  } while (memory.hit);
  memory.left = -1;
  CHECK(at > 10);
  CHECK_INT(steps_in(folder), STEPS);
  CHECK_INT(scratch_count(folder, "", NULL, 0), 1);
  CHECK_INT(memory.live, 0);
  scratch_remove(folder);
}

/* Once warm, a scalar and a line cost no memory, however many there are and whoever writes them out. */
static void scalars_and_lines_ask_for_none(void) {
  char run[400], log[400];
  const char *folder = scratch_dir(0);
  helios_writer *w = NULL;
  helios_logger *l = NULL;
  snprintf(run, sizeof run, "%s/run", folder);
  snprintf(log, sizeof log, "%s/log", folder);
  helios_writer_options wo = {.size = sizeof wo, .allocator = &allocator};
  helios_logger_options lo = {.size = sizeof lo, .allocator = &allocator};
  memory.left = -1;
  CHECK_INT(helios_writer_open(run, &wo, &w, NULL, 0), HELIOS_OK);
  CHECK_INT(helios_logger_open(log, &lo, &l, NULL, 0), HELIOS_OK);
  long before = 0, refused = 0;
  for (long i = 0; i <= 50000; i++) {
    refused += helios_writer_add_scalar(w, "loss", 1, i) != HELIOS_OK;
    refused += helios_logger_printf(l, HELIOS_INFO, "step %ld", i) != HELIOS_OK;
    if (i == 10000) before = memory.asked; /* the buffers have been full by now */
  }
  CHECK_INT(refused, 0);
  CHECK_INT(memory.asked, before);
  helios_writer_free(w);
  helios_logger_free(l);
  scratch_remove(folder);
}

int main(void) {
  scalars_and_lines_ask_for_none();
  recovery_runs_out(false);
  recovery_runs_out(true);
  runs_out(false, -1);
  runs_out(true, -1);
  runs_out(false, 0);
  runs_out(true, 0);
  return check_done("memory");
}

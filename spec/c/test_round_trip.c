/* test_round_trip.c - a program that writes with the C interface and reads back with it: what the kinds hold, steps and
 * times, figures, graphs, lines formatted by others. What each kind's bytes are is compared with torch elsewhere. */
#include <math.h>
#include <stdarg.h>

#include "check.h"
#include "helios/helios.h"
#include "scratch.h"

#define FINE(call) CHECK_INT(call, HELIOS_OK)

static const double EXACT = 0.1;

static helios_writer *open_writer(const char *dir) {
  helios_writer *w = NULL;
  FINE(helios_writer_open(dir, NULL, &w, NULL, 0));
  CHECK_STR(helios_writer_run_path(w), dir);
  return w;
}

static void close_writer(helios_writer *w) {
  FINE(helios_writer_close(w));
  helios_writer_free(w);
}

/* The first point of a tag; its slices are good while the run is open. */
static helios_point find(helios_run *run, const char *tag) {
  helios_point p = {.kind = HELIOS_KIND_OTHER};
  FINE(helios_run_rewind(run));
  while (helios_run_next(run, &p) == HELIOS_OK)
    if (p.tag.length == strlen(tag) && memcmp(p.tag.data, tag, p.tag.length) == 0) return p;
  CHECK_STR("not there", tag);
  return p;
}

static int slice_is(helios_slice s, const char *want) {
  return s.length == strlen(want) && memcmp(s.data, want, s.length) == 0;
}

/* ---- numbers and texts -------------------------------------------------------------------------------------- */

static void write_numbers(helios_writer *w) {
  helios_scalar_options o = {.size = sizeof o, .walltime = 12.5, .has_walltime = true, .double_precision = true};
  helios_hparam lr = {.name = "lr", .value = {.type = HELIOS_VALUE_NUMBER, .number = 0.5}};
  helios_named_value metric = {"score", 0.75};
  double limits[] = {1, 2}, counts[] = {3, 1}, rates[] = {0.5, 1};
  helios_histogram_raw histogram = {.min = 0, .max = 2, .num = 4, .sum = 3, .sum_squares = 5, .bucket_limits = limits,
                                    .bucket_counts = counts, .bucket_count = 2};
  helios_pr_curve_raw curve = {counts, counts, counts, counts, rates, rates, 2, 2};
  const char *cells[] = {"a", "b"};
  FINE(helios_writer_set_step(w, 7));
  FINE(helios_writer_add_scalar(w, "set", 1, HELIOS_NO_STEP));
  FINE(helios_writer_add_scalar_with(w, "exact", EXACT, -3, &o));
  FINE(helios_writer_add_text(w, "note", "n\0te", 4, 1, NULL));
  FINE(helios_writer_add_text_table(w, "table", cells, NULL, 1, 2, 1, NULL));
  FINE(helios_writer_add_hparams(w, &lr, 1, &metric, 1, HELIOS_NO_STEP, NULL));
  FINE(helios_writer_add_histogram_raw(w, "counted", &histogram, 1, NULL));
  FINE(helios_writer_add_pr_curve_raw(w, "curve", &curve, 1, NULL));
}

static void numbers_come_back(const char *dir) {
  helios_writer *w = open_writer(dir);
  write_numbers(w);
  close_writer(w);
  helios_run *run;
  helios_slice text;
  helios_histogram_view view;
  helios_bucket buckets[4];
  double value, rows[12];
  size_t count;
  FINE(helios_run_open(dir, NULL, &run, NULL, 0));
  CHECK_INT(find(run, "set").step, 7);
  helios_point p = find(run, "exact");
  FINE(helios_point_numbers(&p, &value, 1, &count));
  CHECK(p.step == -3 && p.wall_time == 12.5 && value == EXACT && !p.single);
  p = find(run, "note/text_summary");
  FINE(helios_point_string(&p, 0, &text));
  CHECK(text.length == 4 && memcmp(text.data, "n\0te", 4) == 0);
  p = find(run, "score");
  CHECK(p.kind == HELIOS_KIND_SCALAR && p.value == 0.75 && p.step == 7);
  p = find(run, "counted");
  FINE(helios_point_histogram(&p, &view, buckets, 4, &count));
  CHECK(count == 2 && view.sum_squares == 5 && buckets[0].count == 3 && buckets[1].right == 2);
  p = find(run, "curve");
  FINE(helios_point_numbers(&p, rows, 12, &count));
  CHECK(p.kind == HELIOS_KIND_PR_CURVE && count == 12 && rows[0] == 3 && rows[11] == 1);
  helios_run_free(run);
}

/* ---- pictures and sounds ------------------------------------------------------------------------------------ */

static unsigned char pixels[2 * 3 * 4];

static DLTensor picture(int64_t *shape) {
  for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = (unsigned char)(10 * i);
  return (DLTensor){.data = pixels, .device = {kDLCPU, 0}, .ndim = 3, .shape = shape,
                    .dtype = helios_dtype_to_dl(HELIOS_UINT8)};
}

static helios_image_view image_of(helios_run *run, const char *tag) {
  helios_image_view image = {0};
  helios_point p = find(run, tag);
  FINE(helios_point_image(&p, 0, &image));
  return image;
}

static void write_figures(helios_writer *w, const char *dir) {
  int64_t rgba[] = {2, 3, 4}, small[] = {1, 2, 3}, gray[] = {2, 3, 1}, chw[] = {4, 2, 3};
  DLTensor t = picture(rgba), smaller = picture(small), plain = picture(gray), image = picture(chw);
  char path[400];
  helios_run *run;
  FINE(helios_writer_add_image(w, "made", &image, "CHW", 1, NULL));
  FINE(helios_writer_flush(w));
  FINE(helios_run_open(dir, NULL, &run, NULL, 0));
  helios_image_view made = image_of(run, "made");
  helios_picture both[] = {{.pixels = &t}, {.png = made.encoded.data, .png_size = made.encoded.length}};
  helios_picture wrong[] = {{.pixels = &t}, {.pixels = &smaller}}, nothing = {.pixels = NULL};
  helios_picture torn = {.png = made.encoded.data, .png_size = made.encoded.length / 2}, gray_one = {.pixels = &plain};
  FINE(helios_writer_add_figure(w, "figure", both, 1, 2, NULL));
  FINE(helios_writer_add_figure(w, "figures", both, 2, 2, NULL));
  FINE(helios_writer_add_figure(w, "gray", &gray_one, 1, 2, NULL));
  CHECK_INT(helios_writer_add_figure(NULL, "a", both, 1, 2, NULL), HELIOS_EINVAL);
  CHECK_INT(helios_writer_add_figure(w, NULL, both, 1, 2, NULL), HELIOS_EINVAL);
  CHECK_INT(helios_writer_add_figure(w, "a", NULL, 1, 2, NULL), HELIOS_EINVAL);
  CHECK_INT(helios_writer_add_figure(w, "a", both, 0, 2, NULL), HELIOS_EINVAL);
  CHECK_INT(helios_writer_add_figure(w, "a", &nothing, 1, 2, NULL), HELIOS_EINVAL);
  CHECK_INT(helios_writer_add_figure(w, "a", &torn, 1, 2, NULL), HELIOS_EINVAL);
  CHECK_INT(helios_writer_add_figure(w, "a", wrong, 2, 2, NULL), HELIOS_EINVAL);
  helios_writer_error(w, path, sizeof path);
  CHECK_STR(path, "figure: picture 2: is not as high and wide as the first");
  helios_run_free(run);
}

static void write_sound(helios_writer *w) {
  float wave[100] = {0.5f};
  int64_t n = 100;
  DLTensor sound = {.data = wave, .device = {kDLCPU, 0}, .ndim = 1, .shape = &n,
                    .dtype = helios_dtype_to_dl(HELIOS_FLOAT32)};
  helios_audio_options o = {.size = sizeof o, .sample_rate = 8000};
  FINE(helios_writer_add_audio(w, "beep", &sound, 1, &o));
  FINE(helios_writer_add_tensor(w, "whole", &sound, 1, NULL));
}

static void media_come_back(const char *dir) {
  helios_writer *w = open_writer(dir);
  write_figures(w, dir);
  write_sound(w);
  close_writer(w);
  helios_run *run;
  helios_audio_view sound;
  int dtype, ndim;
  int64_t size;
  FINE(helios_run_open(dir, NULL, &run, NULL, 0));
  helios_image_view one = image_of(run, "figure"), grid = image_of(run, "figures"), gray = image_of(run, "gray");
  CHECK(one.width == 3 && one.height == 2 && one.colorspace == 3 && gray.colorspace == 3);
  CHECK(grid.width == 6 && grid.height == 2 && grid.encoded.length > 0);
  helios_point p = find(run, "beep");
  FINE(helios_point_audio(&p, 0, &sound));
  CHECK(sound.sample_rate == 8000 && sound.frames == 100 && slice_is(sound.content_type, "audio/wav"));
  p = find(run, "whole");
  FINE(helios_point_shape(&p, &dtype, &size, 1, &ndim));
  CHECK(p.kind == HELIOS_KIND_TENSOR && ndim == 1 && size == 100);
  helios_run_free(run);
}

/* ---- graphs and layouts, event by event --------------------------------------------------------------------- */

static void write_graph_and_layouts(helios_writer *w) {
  const char *lines[] = {"loss/.*"}, *margins[] = {"value", "low", "high"};
  helios_graph *g;
  helios_graph_node node = {.size = sizeof node, .name = "net/layer", .op = "Linear"};
  FINE(helios_graph_new(NULL, &g));
  FINE(helios_graph_add_node(g, &node));
  FINE(helios_writer_add_graph(w, g, NULL));
  helios_graph_free(g);
  CHECK_INT(helios_writer_add_onnx_graph(w, "/nowhere.onnx", NULL), HELIOS_EIO);
  FINE(helios_writer_add_onnx_graph(w, "spec/golden/small.onnx", NULL));
  helios_chart chart = {.title = "both", .tags = lines, .tag_count = 1};
  helios_category category = {"losses", &chart, 1};
  FINE(helios_writer_add_custom_scalars(w, &category, 1, NULL));
  FINE(helios_writer_add_custom_scalars_multilinechart(w, lines, 1, "losses", "both", NULL));
  FINE(helios_writer_add_custom_scalars_marginchart(w, margins, 3, NULL, NULL, NULL));
  CHECK_INT(helios_writer_add_custom_scalars_marginchart(w, margins, 2, NULL, NULL, NULL), HELIOS_EINVAL);
  CHECK_INT(helios_writer_add_custom_scalars_multilinechart(w, NULL, 2, NULL, NULL, NULL), HELIOS_EINVAL);
}

static bool same_data(helios_slice a, helios_slice b) { return a.length == b.length && memcmp(a.data, b.data, a.length) == 0; }

static void graphs_and_layouts_come_back(const char *dir) {
  helios_writer *w = open_writer(dir);
  write_graph_and_layouts(w);
  close_writer(w);
  helios_run *run;
  helios_reader *r;
  helios_event event;
  helios_point p;
  int kinds[HELIOS_KIND_RESTART + 1] = {0}, other_way = 0;
  char first[200];
  helios_slice before = {first, 0};
  FINE(helios_run_open(dir, NULL, &run, NULL, 0));
  FINE(helios_run_scan(run));
  CHECK_INT(helios_run_file_count(run), 1);
  FINE(helios_reader_open(helios_reader_path(helios_run_file(run, 0)), NULL, &r, NULL, 0));
  while (helios_reader_next(r, &event) == HELIOS_OK) {
    for (size_t cursor = 0; helios_event_next_point(&event, &cursor, &p);) other_way++;
    for (size_t cursor = 0; helios_reader_next_point(r, &event, &cursor, &p); kinds[p.kind]++) {
      if (p.kind != HELIOS_KIND_CUSTOM_SCALARS || p.data.length >= sizeof first) continue;
      if (kinds[p.kind] == 1) CHECK(same_data(before, p.data)); /* one chart is a layout of one chart */
      before.length = p.data.length;
      memcpy(first, p.data.data, p.data.length);
    }
  }
  CHECK(kinds[HELIOS_KIND_GRAPH] == 2 && kinds[HELIOS_KIND_RUN_METADATA] == 2);
  CHECK_INT(kinds[HELIOS_KIND_CUSTOM_SCALARS], 3);
  CHECK_INT(other_way, 7);
  CHECK_STR(helios_kind_name(HELIOS_KIND_CUSTOM_SCALARS), "custom_scalars");
  CHECK_STR(helios_kind_name((helios_kind)99), "other");
  helios_reader_free(r);
  helios_run_free(run);
}

/* ---- series, tables, and where runs are ---------------------------------------------------------------------- */

static bool count_run(void *ctx, const char *name, const char *path) {
  CHECK(strstr(path, name[0] == '.' ? "" : name) != NULL);
  return ++*(int *)ctx < 10;
}

static bool append(void *ctx, const void *data, size_t n) {
  size_t used = strlen(ctx);
  memcpy((char *)ctx + used, data, n);
  ((char *)ctx)[used + n] = '\0';
  return true;
}

static void series_are_runs(const char *dir) {
  helios_writer *w = open_writer(dir);
  helios_named_value pair[] = {{"a", 0.5}, {"b/c", NAN}};
  helios_add_options at = {.size = sizeof at, .walltime = 2, .has_walltime = true};
  FINE(helios_writer_add_scalars(w, "x/y", pair, 2, 3, &at));
  close_writer(w);
  int runs = 0;
  char path[400], csv[1000] = "";
  helios_run *run;
  FINE(helios_find_runs(dir, count_run, &runs, NULL, 0));
  CHECK_INT(runs, 2);
  snprintf(path, sizeof path, "%s/x_y_a", dir);
  FINE(helios_run_open(path, NULL, &run, NULL, 0));
  FINE(helios_run_write_csv(run, "r,1", NULL, append, csv));
  CHECK_STR(csv, "\"r,1\",x/y,3,2,0.5\n");
  CHECK_INT(helios_run_tag_count(run), 1);
  helios_run_free(run);
}

/* ---- lines --------------------------------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3)))
static helios_status forward(helios_logger *l, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  helios_status status = helios_logger_vlog(l, HELIOS_ERROR, format, arguments);
  va_end(arguments);
  return status;
}

static void lines_come_back(const char *dir) {
  char path[400];
  size_t size;
  helios_logger *l;
  snprintf(path, sizeof path, "%s/log", dir);
  FINE(helios_logger_open(path, NULL, &l, NULL, 0));
  FINE(forward(l, "disk %s is %d %% full", "/data", 99));
  FINE(helios_logger_close(l));
  helios_logger_free(l);
  char *text = scratch_read(path, &size);
  CHECK(text != NULL && strstr(text, "[ERROR]: disk /data is 99 % full\n") != NULL);
  free(text);
}

static void statuses_have_names(void) {
  CHECK(strncmp(helios_strerror(HELIOS_EDROPPED), "EDROPPED: ", 10) == 0);
  CHECK(helios_strerror(12345) != NULL && helios_strerror(INT32_MIN) != NULL);
}

int main(void) {
  void (*const tests[])(const char *) = {numbers_come_back, media_come_back, graphs_and_layouts_come_back,
                                         series_are_runs, lines_come_back};
  for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) {
    const char *dir = scratch_dir(0);
    tests[i](dir);
    scratch_remove(dir);
  }
  statuses_have_names();
  return check_done("round_trip");
}

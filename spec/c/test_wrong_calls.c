/* test_wrong_calls.c - what is missing is told, by every function of the interface: a NULL where something is needed, a
 * size that was not set, an array that is counted and not there; so is a time that no clock shows. Nothing is written,
 * nothing crashes. */
#include <math.h>
#include <string.h>

#include "check.h"
#include "helios/helios.h"
#include "scratch.h"

#define WRONG(call) CHECK_INT(call, HELIOS_EINVAL)
#define FINE(call) CHECK_INT(call, HELIOS_OK)

/* A writer's wrong call, and what its detail begins with. */
#define TOLD(w, call, text)                       \
  do {                                            \
    char told[200];                               \
    WRONG(call);                                  \
    helios_writer_error(w, told, sizeof told);    \
    told[strlen(text)] = '\0';                    \
    CHECK_STR(told, text);                        \
  } while (0)

static float numbers[4] = {0, 1, 1, 0};
static int64_t four = 4;

static DLTensor vector(void) {
  return (DLTensor){.data = numbers, .device = {kDLCPU, 0}, .ndim = 1, .shape = &four,
                    .dtype = helios_dtype_to_dl(HELIOS_FLOAT32)};
}

/* ---- no handle --------------------------------------------------------------------------------------------- */

static void no_writer(void) {
  DLTensor t = vector();
  helios_stats stats = {.size = sizeof stats};
  helios_named_value value = {"a", 1};
  WRONG(helios_writer_set_step(NULL, 1));
  WRONG(helios_writer_add_scalar(NULL, "a", 1, 1));
  WRONG(helios_writer_add_scalar_with(NULL, "a", 1, 1, NULL));
  WRONG(helios_writer_add_scalars(NULL, "a", &value, 1, 1, NULL));
  WRONG(helios_writer_add_text(NULL, "a", "b", 1, 1, NULL));
  WRONG(helios_writer_add_image(NULL, "a", &t, NULL, 1, NULL));
  WRONG(helios_writer_add_histogram(NULL, "a", &t, 1, NULL));
  WRONG(helios_writer_add_hparams(NULL, NULL, 0, NULL, 0, 1, NULL));
  WRONG(helios_writer_add_audio(NULL, "a", &t, 1, NULL));
  WRONG(helios_writer_add_embedding(NULL, NULL, 1));
  WRONG(helios_writer_add_custom_scalars(NULL, NULL, 0, NULL));
  WRONG(helios_writer_add_graph(NULL, NULL, NULL));
  WRONG(helios_writer_add_onnx_graph(NULL, "a", NULL));
  WRONG(helios_writer_flush(NULL));
  WRONG(helios_writer_close(NULL));
  WRONG(helios_writer_stats(NULL, &stats));
  CHECK(helios_writer_run_path(NULL) == NULL);
  CHECK_INT(helios_writer_highest_step(NULL), 0);
  CHECK(helios_writer_error(NULL, NULL, 0) > 0);
  helios_writer_free(NULL);
}

static void no_logger(void) {
  helios_stats stats = {.size = sizeof stats};
  WRONG(helios_logger_set_file(NULL, NULL));
  WRONG(helios_logger_reopen(NULL));
  WRONG(helios_logger_log(NULL, HELIOS_INFO, "a", 1));
  WRONG(helios_logger_printf(NULL, HELIOS_INFO, "a"));
  WRONG(helios_logger_set_level(NULL, HELIOS_INFO));
  WRONG(helios_logger_flush(NULL));
  WRONG(helios_logger_close(NULL));
  WRONG(helios_logger_stats(NULL, &stats));
  CHECK(!helios_logger_enabled(NULL, HELIOS_ERROR));
  CHECK_INT(helios_logger_level(NULL), 0);
  CHECK(helios_logger_path(NULL) == NULL);
  char why[100];
  CHECK(helios_logger_error(NULL, why, sizeof why) > 0);
  CHECK(strcmp(why, "no logger") == 0);
  helios_logger_free(NULL);
}

static void no_reader(void) {
  helios_event event = {.kind = HELIOS_EVENT_EMPTY};
  helios_point point;
  helios_reader_stats stats = {.size = sizeof stats};
  helios_damage damage;
  size_t cursor = 0;
  WRONG(helios_reader_next(NULL, &event));
  WRONG(helios_reader_stats_get(NULL, &stats));
  CHECK(!helios_reader_damage(NULL, 0, &damage));
  CHECK(helios_reader_error(NULL, NULL, 0) > 0);
  CHECK(helios_reader_path(NULL) == NULL);
  CHECK(!helios_reader_next_point(NULL, &event, &cursor, &point));
  CHECK(!helios_event_next_point(NULL, &cursor, &point));
  CHECK(!helios_event_next_point(&event, NULL, &point));
  CHECK(!helios_event_next_point(&event, &cursor, NULL));
  helios_reader_free(NULL);
}

static void no_run(void) {
  helios_point point;
  helios_column column;
  helios_tag_info info;
  WRONG(helios_run_next(NULL, &point));
  WRONG(helios_run_scan(NULL));
  WRONG(helios_run_rewind(NULL));
  WRONG(helios_run_load(NULL));
  WRONG(helios_run_write_csv(NULL, "a", NULL, NULL, NULL));
  CHECK(!helios_run_column(NULL, 0, &column) && !helios_run_tag(NULL, 0, &info));
  CHECK(helios_run_tag_count(NULL) == 0 && helios_run_file_count(NULL) == 0 && helios_run_file(NULL, 0) == NULL);
  CHECK(helios_run_error(NULL, NULL, 0) > 0);
  helios_run_free(NULL);
}

static void nothing_to_open(const char *dir) {
  char why[100];
  helios_writer *w = (void *)why;
  helios_logger *l = (void *)why;
  helios_reader *r = (void *)why;
  helios_run *run = (void *)why;
  WRONG(helios_writer_open(NULL, NULL, &w, why, sizeof why));
  CHECK_STR(why, "run_path: is NULL");
  WRONG(helios_writer_open("", NULL, &w, NULL, 0));
  WRONG(helios_writer_open(dir, NULL, NULL, why, sizeof why));
  CHECK_STR(why, "out: is NULL");
  WRONG(helios_logger_open("", NULL, &l, NULL, 0));
  WRONG(helios_logger_open(dir, NULL, NULL, NULL, 0));
  WRONG(helios_reader_open(NULL, NULL, &r, NULL, 0));
  WRONG(helios_reader_open(dir, NULL, NULL, NULL, 0));
  WRONG(helios_run_open(NULL, NULL, &run, NULL, 0));
  WRONG(helios_run_open(dir, NULL, NULL, NULL, 0));
  WRONG(helios_graph_new(NULL, NULL));
  CHECK(w == NULL && l == NULL && r == NULL && run == NULL);
}

static bool go_on(void *ctx, const char *name, const char *path) { return ctx == NULL || name == NULL || path == NULL; }

static void no_path(const char *dir) {
  WRONG(helios_find_runs(NULL, go_on, NULL, NULL, 0));
  WRONG(helios_find_runs(dir, NULL, NULL, NULL, 0));
  WRONG(helios_verify_file(NULL, NULL, NULL, NULL, NULL, 0));
  WRONG(helios_repair_file(NULL, NULL, NULL, NULL, 0));
  WRONG(helios_purge_file(NULL, NULL, NULL, NULL, 0));
  WRONG(helios_merge_run(NULL, NULL, NULL, 0));
  WRONG(helios_recover(NULL, NULL, NULL, 0));
  WRONG(helios_recover("", NULL, NULL, 0));
  CHECK_INT(helios_dtype_from_name(NULL), -1);
}

/* ---- arguments --------------------------------------------------------------------------------------------- */

static void missing_scalars_and_texts(helios_writer *w) {
  helios_named_value unnamed = {NULL, 1};
  const char *cells[] = {"a", NULL};
  TOLD(w, helios_writer_add_scalar(w, NULL, 1, 1), "tag: is NULL");
  TOLD(w, helios_writer_add_scalar_with(w, NULL, 1, 1, NULL), "tag: is NULL");
  TOLD(w, helios_writer_add_scalars(w, NULL, &unnamed, 1, 1, NULL), "main_tag: is NULL");
  TOLD(w, helios_writer_add_scalars(w, "a", NULL, 2, 1, NULL), "tag_scalar_dict: is NULL");
  TOLD(w, helios_writer_add_scalars(w, "a", &unnamed, 1, 1, NULL), "tag_scalar_dict: is NULL");
  TOLD(w, helios_writer_add_text(w, NULL, "a", 1, 1, NULL), "tag: is NULL");
  TOLD(w, helios_writer_add_text(w, "a", NULL, 5, 1, NULL), "text_string: is NULL");
  TOLD(w, helios_writer_add_text_table(w, "a", NULL, NULL, 1, 1, 1, NULL), "text_string: is NULL");
  TOLD(w, helios_writer_add_text_table(w, "a", cells, NULL, 1, 2, 1, NULL), "text_string: is NULL");
}

static void missing_hparams(helios_writer *w) {
  helios_hparam h = {.name = NULL};
  helios_named_value unnamed = {NULL, 1};
  TOLD(w, helios_writer_add_hparams(w, NULL, 1, NULL, 0, 1, NULL), "hparam_dict: is NULL");
  TOLD(w, helios_writer_add_hparams(w, NULL, 0, NULL, 1, 1, NULL), "metric_dict: is NULL");
  TOLD(w, helios_writer_add_hparams(w, &h, 1, NULL, 0, 1, NULL), "hparam_dict: a name");
  TOLD(w, helios_writer_add_hparams(w, NULL, 0, &unnamed, 1, 1, NULL), "metric_dict: a name");
  h = (helios_hparam){.name = "a", .value.type = HELIOS_VALUE_STRING};
  TOLD(w, helios_writer_add_hparams(w, &h, 1, NULL, 0, 1, NULL), "hparam_dict: 'a' has no string");
  h = (helios_hparam){.name = "a", .value.type = (helios_value_type)99};
  TOLD(w, helios_writer_add_hparams(w, &h, 1, NULL, 0, 1, NULL), "hparam_dict: 'a' has the unknown type 99");
  h = (helios_hparam){.name = "a", .domain_count = 2};
  TOLD(w, helios_writer_add_hparams(w, &h, 1, NULL, 0, 1, NULL), "hparam_domain_discrete: the domain of 'a'");
}

static void missing_tensors(helios_writer *w) {
  DLTensor t = vector(), no_data = t, no_shape = t, negative = t;
  no_data.data = NULL;
  no_shape.shape = NULL;
  negative.ndim = -1;
  const DLTensor *const all[] = {NULL, &no_data, &no_shape, &negative};
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
    WRONG(helios_writer_add_image(w, "a", all[i], "HW", 1, NULL));
    WRONG(helios_writer_add_images(w, "a", all[i], NULL, 1, NULL));
    WRONG(helios_writer_add_histogram(w, "a", all[i], 1, NULL));
    WRONG(helios_writer_add_pr_curve(w, "a", all[i], &t, 1, NULL));
    WRONG(helios_writer_add_pr_curve(w, "a", &t, all[i], 1, NULL));
    WRONG(helios_writer_add_tensor(w, "a", all[i], 1, NULL));
    WRONG(helios_writer_add_audio(w, "a", all[i], 1, NULL));
    WRONG(helios_writer_add_video(w, "a", all[i], 1, NULL));
    WRONG(helios_writer_add_mesh(w, "a", all[i], 1, NULL));
    WRONG(helios_writer_add_image_with_boxes(w, "a", all[i], &t, 1, NULL));
    helios_embedding e = {.size = sizeof e, .matrix = all[i]};
    WRONG(helios_writer_add_embedding(w, &e, 1));
  }
  TOLD(w, helios_writer_add_image(w, NULL, &t, "HW", 1, NULL), "tag: is NULL");
  TOLD(w, helios_writer_add_embedding(w, NULL, 1), "mat: expected a tensor");
}

static void missing_arrays(helios_writer *w) {
  DLTensor t = vector();
  int64_t image_shape[] = {2, 2}, box_shape[] = {1, 4};
  DLTensor image = t, boxes = t;
  image.ndim = boxes.ndim = 2;
  image.shape = image_shape;
  boxes.shape = box_shape;
  helios_histogram_options edges = {.size = sizeof edges, .edge_count = 3};
  helios_boxes_options labels = {.size = sizeof labels, .dataformats = "HW", .label_count = 1};
  helios_histogram_raw histogram = {.bucket_count = 2};
  helios_pr_curve_raw curve = {.count = 2};
  TOLD(w, helios_writer_add_histogram(w, "a", &t, 1, &edges), "bins: the edges are NULL");
  TOLD(w, helios_writer_add_image_with_boxes(w, "a", &image, &boxes, 1, &labels), "labels: is NULL");
  TOLD(w, helios_writer_add_histogram_raw(w, "a", NULL, 1, NULL), "histogram: is NULL");
  TOLD(w, helios_writer_add_histogram_raw(w, "a", &histogram, 1, NULL), "bucket_limits: is NULL");
  TOLD(w, helios_writer_add_pr_curve_raw(w, "a", NULL, 1, NULL), "curve: is NULL");
  TOLD(w, helios_writer_add_pr_curve_raw(w, "a", &curve, 1, NULL), "true_positive_counts: is NULL");
}

static void missing_parts_of_layouts(helios_writer *w) {
  const char *tags[] = {NULL};
  helios_chart chart = {.title = NULL, .tag_count = 1};
  helios_category category = {.title = NULL, .chart_count = 1};
  TOLD(w, helios_writer_add_custom_scalars(w, NULL, 1, NULL), "layout: is NULL");
  TOLD(w, helios_writer_add_custom_scalars(w, &category, 1, NULL), "layout: category 1 has no title");
  category.title = "a";
  TOLD(w, helios_writer_add_custom_scalars(w, &category, 1, NULL), "layout: 'a' has no charts");
  category.charts = &chart;
  TOLD(w, helios_writer_add_custom_scalars(w, &category, 1, NULL), "layout: chart 1 of 'a' has no title");
  chart.title = "b";
  TOLD(w, helios_writer_add_custom_scalars(w, &category, 1, NULL), "layout: tag 1 of chart 'b' is NULL");
  chart.tags = tags;
  TOLD(w, helios_writer_add_custom_scalars(w, &category, 1, NULL), "layout: tag 1 of chart 'b' is NULL");
}

static void missing_parts_of_graphs(helios_writer *w) {
  const char *inputs[] = {NULL};
  helios_graph_shape shape = {.ndim = 2};
  helios_graph_node node = {.size = sizeof node};
  helios_graph *g;
  FINE(helios_graph_new(NULL, &g));
  WRONG(helios_graph_add_node(NULL, &node));
  WRONG(helios_graph_add_node(g, NULL));
  WRONG(helios_graph_add_node(g, &node));
  node = (helios_graph_node){.size = sizeof node, .name = "a", .input_count = 1};
  WRONG(helios_graph_add_node(g, &node));
  node.inputs = inputs;
  WRONG(helios_graph_add_node(g, &node));
  node = (helios_graph_node){.size = sizeof node, .name = "a", .shape_count = 1};
  WRONG(helios_graph_add_node(g, &node));
  node.shapes = &shape;
  WRONG(helios_graph_add_node(g, &node));
  node = (helios_graph_node){.size = sizeof node, .name = "a", .attr_count = 1};
  WRONG(helios_graph_add_node(g, &node));
  node = (helios_graph_node){.name = "a"};
  WRONG(helios_graph_add_node(g, &node));
  char why[100];
  helios_graph_error(g, why, sizeof why);
  CHECK_STR(why, "options: size is 0: set it to sizeof the struct");
  TOLD(w, helios_writer_add_graph(w, NULL, NULL), "graph: is NULL");
  TOLD(w, helios_writer_add_onnx_graph(w, NULL, NULL), "path: is NULL");
  CHECK(helios_graph_error(NULL, NULL, 0) > 0);
  helios_graph_free(g);
  helios_graph_free(NULL);
}

/* A struct whose size was forgotten, for every call that takes one. */
static void forgotten_sizes(helios_writer *w) {
  static const char *const WHY = "options: size is 0";
  DLTensor t = vector();
  helios_add_options add = {0};
  helios_scalar_options scalar = {0};
  helios_histogram_options histogram = {0};
  helios_pr_curve_options curve = {0};
  helios_hparams_options hparams = {0};
  helios_audio_options audio = {0};
  helios_video_options video = {0};
  helios_mesh_options mesh = {0};
  helios_boxes_options boxes = {0};
  helios_embedding embedding = {.matrix = &t};
  helios_stats stats = {0};
  TOLD(w, helios_writer_add_text(w, "a", "b", 1, 1, &add), WHY);
  TOLD(w, helios_writer_add_scalar_with(w, "a", 1, 1, &scalar), WHY);
  TOLD(w, helios_writer_add_histogram(w, "a", &t, 1, &histogram), WHY);
  TOLD(w, helios_writer_add_pr_curve(w, "a", &t, &t, 1, &curve), WHY);
  TOLD(w, helios_writer_add_hparams(w, NULL, 0, NULL, 0, 1, &hparams), WHY);
  TOLD(w, helios_writer_add_audio(w, "a", &t, 1, &audio), WHY);
  TOLD(w, helios_writer_add_video(w, "a", &t, 1, &video), WHY);
  TOLD(w, helios_writer_add_mesh(w, "a", &t, 1, &mesh), WHY);
  TOLD(w, helios_writer_add_image_with_boxes(w, "a", &t, &t, 1, &boxes), WHY);
  TOLD(w, helios_writer_add_embedding(w, &embedding, 1), WHY);
  TOLD(w, helios_writer_stats(w, &stats), "out: size is 0");
  TOLD(w, helios_writer_stats(w, NULL), "out: is NULL");
}

static void times_that_no_clock_shows(helios_writer *w) {
  static const char *const WHY = "walltime: expected a finite number of seconds";
  uint8_t dark[3 * 2 * 2] = {0};
  int64_t chw[] = {3, 2, 2};
  DLTensor t = vector(), image = {.data = dark, .device = {kDLCPU, 0}, .ndim = 3, .shape = chw,
                                  .dtype = helios_dtype_to_dl(HELIOS_UINT8)};
  helios_add_options add = {.size = sizeof add, .walltime = NAN, .has_walltime = true};
  helios_scalar_options scalar = {.size = sizeof scalar, .walltime = INFINITY, .has_walltime = true};
  helios_hparams_options hparams = {.size = sizeof hparams, .walltime = -INFINITY, .has_walltime = true};
  helios_named_value value = {"a", 1};
  helios_graph *graph;
  FINE(helios_graph_new(NULL, &graph));
  TOLD(w, helios_writer_add_scalar_with(w, "a", 1, 1, &scalar), WHY);
  TOLD(w, helios_writer_add_scalars(w, "a", &value, 1, 1, &add), WHY);
  TOLD(w, helios_writer_add_text(w, "a", "b", 1, 1, &add), WHY);
  TOLD(w, helios_writer_add_tensor(w, "a", &t, 1, &add), WHY);
  TOLD(w, helios_writer_add_image(w, "a", &image, NULL, 1, &add), WHY);
  TOLD(w, helios_writer_add_hparams(w, NULL, 0, NULL, 0, 1, &hparams), WHY);
  TOLD(w, helios_writer_add_graph(w, graph, &add), WHY);
  helios_graph_free(graph);
}

static void nothing_was_written(helios_writer *w) {
  helios_stats stats = {.size = sizeof stats};
  FINE(helios_writer_stats(w, &stats));
  CHECK_INT(stats.events, 0);
  CHECK(helios_writer_error(w, NULL, 100) > 0);
}

static void missing_for_a_logger(void) {
  helios_logger *l;
  helios_logger_options strange = {.size = sizeof strange, .durability = (helios_durability)9};
  char why[100];
  WRONG(helios_logger_open(NULL, &strange, &l, why, sizeof why));
  CHECK_STR(why, "durability: unknown value 9");
  helios_stats unset = {0};
  FINE(helios_logger_open(NULL, NULL, &l, NULL, 0));
  WRONG(helios_logger_set_file(l, ""));
  WRONG(helios_logger_log(l, HELIOS_INFO, NULL, 3));
  FINE(helios_logger_log(l, HELIOS_INFO, NULL, 0));
  WRONG(helios_logger_add_sink(l, HELIOS_INFO, NULL, NULL));
  WRONG(helios_logger_remove_sink(l, NULL, NULL));
  WRONG(helios_logger_stats(l, &unset));
  WRONG(helios_logger_stats(l, NULL));
  helios_logger_error(l, NULL, 10);
  helios_logger_free(l);
}

/* ---- reading ----------------------------------------------------------------------------------------------- */

static void missing_for_points(const helios_point *p) {
  helios_slice slice;
  helios_image_view image;
  helios_audio_view audio;
  helios_bucket bucket;
  double number;
  int64_t size;
  int dtype, ndim;
  size_t count;
  WRONG(helios_point_numbers(NULL, &number, 1, &count));
  WRONG(helios_point_numbers(p, NULL, 1, &count));
  WRONG(helios_point_numbers(p, &number, 1, NULL));
  FINE(helios_point_numbers(p, NULL, 0, &count));
  WRONG(helios_point_shape(NULL, &dtype, &size, 1, &ndim));
  WRONG(helios_point_shape(p, NULL, &size, 1, &ndim));
  WRONG(helios_point_shape(p, &dtype, NULL, 1, &ndim));
  WRONG(helios_point_shape(p, &dtype, &size, 1, NULL));
  FINE(helios_point_shape(p, &dtype, NULL, 0, &ndim));
  WRONG(helios_point_string(NULL, 0, &slice));
  WRONG(helios_point_string(p, 0, NULL));
  WRONG(helios_point_image(NULL, 0, &image));
  WRONG(helios_point_image(p, 0, NULL));
  WRONG(helios_point_audio(NULL, 0, &audio));
  WRONG(helios_point_audio(p, 0, NULL));
  WRONG(helios_point_histogram(NULL, NULL, &bucket, 1, &count));
  WRONG(helios_point_histogram(p, NULL, NULL, 1, &count));
  WRONG(helios_point_histogram(p, NULL, &bucket, 1, NULL));
}

static void missing_for_a_file(const char *path) {
  helios_reader_options unset = {0};
  helios_reader_stats no_size = {0};
  helios_repair_stats no_repair_size = {0};
  helios_purge_options no_purge_size = {.tag = "a"};
  helios_reader *r;
  helios_event event;
  char why[100];
  WRONG(helios_reader_open(path, &unset, &r, why, sizeof why));
  CHECK_STR(why, "options: size is 0: set it to sizeof the struct");
  FINE(helios_reader_open(path, NULL, &r, NULL, 0));
  WRONG(helios_reader_next(r, NULL));
  FINE(helios_reader_next(r, &event));
  WRONG(helios_reader_stats_get(r, NULL));
  WRONG(helios_reader_stats_get(r, &no_size));
  CHECK(!helios_reader_damage(r, 0, NULL));
  helios_reader_free(r);
  FINE(helios_verify_file(path, NULL, NULL, NULL, NULL, 0)); /* it can be read, and that may be all one asks */
  WRONG(helios_verify_file(path, NULL, &no_size, NULL, NULL, 0));
  WRONG(helios_repair_file(path, NULL, &no_repair_size, NULL, 0));
  FINE(helios_repair_file(path, NULL, NULL, NULL, 0));
  WRONG(helios_purge_file(path, NULL, NULL, NULL, 0));
  WRONG(helios_purge_file(path, &no_purge_size, NULL, NULL, 0));
}

static bool put(void *ctx, const void *data, size_t n) { return ctx == NULL || data == NULL || n == 0; }

static void missing_for_a_run(const char *dir) {
  helios_reader_options unset = {0};
  helios_recovery no_size = {0};
  helios_run *run;
  helios_point p;
  WRONG(helios_run_open(dir, &unset, &run, NULL, 0));
  FINE(helios_run_open(dir, NULL, &run, NULL, 0));
  WRONG(helios_run_next(run, NULL));
  FINE(helios_run_next(run, &p));
  missing_for_points(&p);
  missing_for_a_file(helios_reader_path(helios_run_file(run, 0)));
  CHECK(!helios_run_tag(run, 0, NULL) && !helios_run_column(run, 0, NULL));
  WRONG(helios_run_write_csv(run, NULL, NULL, put, NULL));
  WRONG(helios_run_write_csv(run, "a", NULL, NULL, NULL));
  helios_run_free(run);
  FINE(helios_merge_run(dir, NULL, NULL, 0));
  WRONG(helios_recover(dir, &no_size, NULL, 0));
  FINE(helios_recover(dir, NULL, NULL, 0));
}

static void missing_for_a_writer(helios_writer *w) {
  missing_scalars_and_texts(w);
  missing_hparams(w);
  missing_tensors(w);
  missing_arrays(w);
  missing_parts_of_layouts(w);
  missing_parts_of_graphs(w);
  forgotten_sizes(w);
  times_that_no_clock_shows(w);
  nothing_was_written(w);
}

int main(void) {
  const char *dir = scratch_dir(0);
  helios_writer *w;
  no_writer();
  no_logger();
  no_reader();
  no_run();
  nothing_to_open(dir);
  no_path(dir);
  FINE(helios_writer_open(dir, NULL, &w, NULL, 0));
  missing_for_a_writer(w);
  FINE(helios_writer_add_scalar(w, "a", 1, 1));
  helios_writer_free(w);
  missing_for_a_logger();
  missing_for_a_run(dir);
  scratch_remove(dir);
  return check_done("wrong_calls");
}

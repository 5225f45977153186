/* l_media.c - add_tensor, audio, video, boxes, and raw histograms and curves: arguments from Lua to one call of the
 * core each. Names and order are torch.utils.tensorboard's. */
#include "l_tensor.h"
#include "l_writer.h"

/* ---- numbers that were counted elsewhere --------------------------------------------------------------- */

static const hl_call ADD_HISTOGRAM_RAW = {
  "add_histogram_raw", 2, 8, 10, HL_NO_TABLE,
  {"tag", "min", "max", "num", "sum", "sum_squares", "bucket_limits", "bucket_counts", "global_step", "walltime",
   NULL}};

static int l_add_histogram_raw(lua_State *L) {
  enum { TAG = 2, MIN, MAX, NUM, SUM, SUM_SQUARES, LIMITS, COUNTS, STEP, WALLTIME };
  const hl_call *c = &ADD_HISTOGRAM_RAW;
  if (!hl_begin_add(L, c)) return 0;
  helios_add_options options = {.size = sizeof options};
  const char *tag = hl_check_cstring(L, c, TAG);
  int64_t step = hl_opt_step(L, c, STEP);
  hl_opt_walltime(L, c, WALLTIME, &options.walltime, &options.has_walltime);
  size_t count;
  helios_histogram_raw h = {.min = hl_check_number(L, c, MIN), .max = hl_check_number(L, c, MAX),
                            .num = hl_check_number(L, c, NUM), .sum = hl_check_number(L, c, SUM),
                            .sum_squares = hl_check_number(L, c, SUM_SQUARES)};
  h.bucket_limits = hl_check_doubles(L, c, LIMITS, &h.bucket_count);
  h.bucket_counts = hl_check_doubles(L, c, COUNTS, &count);
  if (count != h.bucket_count)
    hl_arg_error(L, c, COUNTS, "expected %I counts, as many as limits, got %I", (lua_Integer)h.bucket_count,
                 (lua_Integer)count);
  helios_writer *w = hl_add_handle(L, c);
  return hl_end_add(L, c, helios_writer_add_histogram_raw(w, tag, &h, step, &options));
}

static const hl_call ADD_PR_CURVE_RAW = {
  "add_pr_curve_raw", 2, 7, 11, HL_NO_TABLE,
  {"tag", "true_positive_counts", "false_positive_counts", "true_negative_counts", "false_negative_counts",
   "precision", "recall", "global_step", "num_thresholds", "weights", "walltime", NULL}};

/* `weights` is torch's, which does not use it either. */
static int l_add_pr_curve_raw(lua_State *L) {
  enum { TAG = 2, ROWS, ROW_COUNT = 6, STEP = ROWS + ROW_COUNT, NUM_THRESHOLDS, WEIGHTS, WALLTIME };
  const hl_call *c = &ADD_PR_CURVE_RAW;
  if (!hl_begin_add(L, c)) return 0;
  helios_add_options options = {.size = sizeof options};
  const double *rows[ROW_COUNT];
  size_t count = 0, first = 0;
  const char *tag = hl_check_cstring(L, c, TAG);
  int64_t step = hl_opt_step(L, c, STEP);
  int64_t thresholds = hl_opt_integer(L, c, NUM_THRESHOLDS, 127);
  if (thresholds < 1) hl_arg_type_error(L, c, NUM_THRESHOLDS, "at least 1");
  hl_opt_walltime(L, c, WALLTIME, &options.walltime, &options.has_walltime);
  for (int i = 0; i < ROW_COUNT; i++) {
    rows[i] = hl_check_doubles(L, c, ROWS + i, &count);
    if (i == 0) first = count;
    if (count != first)
      hl_arg_error(L, c, ROWS + i, "expected %I numbers like the rows before, got %I", (lua_Integer)first,
                   (lua_Integer)count);
  }
  helios_pr_curve_raw curve = {rows[0], rows[1], rows[2], rows[3], rows[4], rows[5], count, thresholds};
  helios_writer *w = hl_add_handle(L, c);
  return hl_end_add(L, c, helios_writer_add_pr_curve_raw(w, tag, &curve, step, &options));
}

/* ---- one tensor each ------------------------------------------------------------------------------------- */

static const hl_call ADD_TENSOR = {
  "add_tensor", 2, 2, 4, HL_NO_TABLE, {"tag", "tensor", "global_step", "walltime", "shape", "dtype", NULL}};

static int l_add_tensor(lua_State *L) {
  enum { TAG = 2, TENSOR, STEP, WALLTIME };
  const hl_call *c = &ADD_TENSOR;
  if (!hl_begin_add(L, c)) return 0;
  helios_add_options options = {.size = sizeof options};
  const char *tag = hl_check_cstring(L, c, TAG);
  int64_t step = hl_opt_step(L, c, STEP);
  hl_opt_walltime(L, c, WALLTIME, &options.walltime, &options.has_walltime);
  const DLTensor *tensor = hl_check_tensor(L, c, TENSOR, HELIOS_FLOAT32);
  helios_writer *w = hl_add_handle(L, c);
  return hl_end_add(L, c, helios_writer_add_tensor(w, tag, tensor, step, &options));
}

/* A number above 0; 0 stands for "not given" in the core's options. */
static double opt_positive(lua_State *L, const hl_call *c, int slot) {
  if (lua_isnil(L, slot)) return 0;
  double v = hl_check_number(L, c, slot);
  if (!(v > 0)) hl_arg_type_error(L, c, slot, "a number above 0");
  return v;
}

static const hl_call ADD_AUDIO = {
  "add_audio", 2, 2, 5, HL_NO_TABLE,
  {"tag", "snd_tensor", "global_step", "sample_rate", "walltime", "shape", "dtype", NULL}};

static int l_add_audio(lua_State *L) {
  enum { TAG = 2, SOUND, STEP, SAMPLE_RATE, WALLTIME };
  const hl_call *c = &ADD_AUDIO;
  if (!hl_begin_add(L, c)) return 0;
  helios_audio_options options = {.size = sizeof options};
  const char *tag = hl_check_cstring(L, c, TAG);
  int64_t step = hl_opt_step(L, c, STEP);
  options.sample_rate = opt_positive(L, c, SAMPLE_RATE);
  hl_opt_walltime(L, c, WALLTIME, &options.walltime, &options.has_walltime);
  const DLTensor *sound = hl_check_tensor(L, c, SOUND, HELIOS_FLOAT32);
  helios_writer *w = hl_add_handle(L, c);
  return hl_end_add(L, c, helios_writer_add_audio(w, tag, sound, step, &options));
}

static const hl_call ADD_VIDEO = {
  "add_video", 2, 2, 5, HL_NO_TABLE, {"tag", "vid_tensor", "global_step", "fps", "walltime", "shape", "dtype", NULL}};

static int l_add_video(lua_State *L) {
  enum { TAG = 2, VIDEO, STEP, FPS, WALLTIME };
  const hl_call *c = &ADD_VIDEO;
  if (!hl_begin_add(L, c)) return 0;
  helios_video_options options = {.size = sizeof options};
  const char *tag = hl_check_cstring(L, c, TAG);
  int64_t step = hl_opt_step(L, c, STEP);
  options.fps = opt_positive(L, c, FPS);
  hl_opt_walltime(L, c, WALLTIME, &options.walltime, &options.has_walltime);
  const DLTensor *video = hl_check_tensor(L, c, VIDEO, HELIOS_FLOAT32);
  helios_writer *w = hl_add_handle(L, c);
  return hl_end_add(L, c, helios_writer_add_video(w, tag, video, step, &options));
}

/* ---- boxes ----------------------------------------------------------------------------------------------- */

static const hl_call ADD_BOXES = {
  "add_image_with_boxes", 2, 3, 8, HL_NO_TABLE,
  {"tag", "img_tensor", "box_tensor", "global_step", "walltime", "rescale", "dataformats", "labels", NULL}};

/* One string, or a list of strings; the list keeps them alive. */
static const char *const *opt_labels(lua_State *L, int slot, size_t *count) {
  *count = 0;
  if (lua_isnil(L, slot)) return NULL;
  bool is_one = lua_type(L, slot) == LUA_TSTRING;
  if (!is_one && !lua_istable(L, slot)) hl_arg_type_error(L, &ADD_BOXES, slot, "a list of strings");
  *count = is_one ? 1 : lua_rawlen(L, slot);
  const char **labels = hl_push_array(L, &ADD_BOXES, *count, sizeof *labels);
  if (is_one) labels[0] = hl_check_cstring(L, &ADD_BOXES, slot);
  for (size_t i = 0; i < *count && !is_one; i++) {
    if (lua_rawgeti(L, slot, (lua_Integer)i + 1) != LUA_TSTRING)
      hl_arg_error(L, &ADD_BOXES, slot, "[%I]: expected a string, got %s", (lua_Integer)i + 1, hl_describe(L, -1));
    labels[i] = lua_tostring(L, -1);
    lua_pop(L, 1);
  }
  return labels;
}

static int l_add_image_with_boxes(lua_State *L) {
  enum { TAG = 2, IMAGE, BOXES, STEP, WALLTIME, RESCALE, DATAFORMATS, LABELS };
  const hl_call *c = &ADD_BOXES;
  if (!hl_begin_add(L, c)) return 0;
  helios_boxes_options options = {.size = sizeof options};
  const char *tag = hl_check_cstring(L, c, TAG);
  int64_t step = hl_opt_step(L, c, STEP);
  hl_opt_walltime(L, c, WALLTIME, &options.walltime, &options.has_walltime);
  options.rescale = opt_positive(L, c, RESCALE);
  options.dataformats = hl_opt_string(L, c, DATAFORMATS, NULL);
  options.labels = opt_labels(L, LABELS, &options.label_count);
  const DLTensor *image = hl_check_tensor(L, c, IMAGE, HELIOS_FLOAT32);
  const DLTensor *boxes = hl_check_tensor(L, c, BOXES, HELIOS_FLOAT32);
  helios_writer *w = hl_add_handle(L, c);
  return hl_end_add(L, c, helios_writer_add_image_with_boxes(w, tag, image, boxes, step, &options));
}

const luaL_Reg HL_MEDIA_METHODS[] = {{"add_histogram_raw", l_add_histogram_raw},
                                     {"add_pr_curve_raw", l_add_pr_curve_raw},
                                     {"add_tensor", l_add_tensor},
                                     {"add_audio", l_add_audio},
                                     {"add_video", l_add_video},
                                     {"add_image_with_boxes", l_add_image_with_boxes},
                                     {NULL, NULL}};

/* l_add.c - add_scalars, text, images, histograms and PR curves: arguments from Lua to one call of the core each. */
#include <string.h>

#include "l_tensor.h"
#include "l_writer.h"

/* ---- add_scalars ------------------------------------------------------------------------------------- */

static const hl_call ADD_SCALARS = {
  "add_scalars", 2, 2, 3, HL_NO_TABLE, {"main_tag", "tag_scalar_dict", "global_step", "walltime", NULL}};

static int l_add_scalars(lua_State *L) {
  enum { MAIN_TAG = 2, DICT, STEP, WALLTIME };
  if (!hl_begin_add(L, &ADD_SCALARS)) return 0;
  helios_add_options options = {.size = sizeof options};
  const char *main_tag = hl_check_cstring(L, &ADD_SCALARS, MAIN_TAG);
  int64_t step = hl_opt_step(L, &ADD_SCALARS, STEP);
  hl_opt_walltime(L, &ADD_SCALARS, WALLTIME, &options.walltime, &options.has_walltime);
  size_t count;
  const helios_named_value *values = hl_check_measures(L, &ADD_SCALARS, DICT, &count);
  helios_writer *w = hl_add_handle(L, &ADD_SCALARS);
  return hl_end_add(L, &ADD_SCALARS, helios_writer_add_scalars(w, main_tag, values, count, step, &options));
}

/* ---- add_text ---------------------------------------------------------------------------------------- */

static const hl_call ADD_TEXT = {
  "add_text", 2, 2, 3, HL_NO_TABLE, {"tag", "text_string", "global_step", "walltime", NULL}};
enum { TEXT = 3 };

typedef struct cells {
  const char **texts;
  size_t *lengths;
  size_t rows, columns;
} cells;

/* Columns of a row: a string is a row of one. */
static size_t row_length(lua_State *L, lua_Integer row) {
  size_t n = lua_rawgeti(L, TEXT, row) == LUA_TTABLE ? lua_rawlen(L, -1) : 1;
  lua_pop(L, 1);
  return n;
}

static void take_cell(lua_State *L, cells *t, size_t at) {
  if (lua_type(L, -1) != LUA_TSTRING)
    hl_arg_error(L, &ADD_TEXT, TEXT, "row %I, column %I: expected a string, got %s", (lua_Integer)(at / t->columns + 1),
                 (lua_Integer)(at % t->columns + 1), hl_describe(L, -1));
  t->texts[at] = lua_tolstring(L, -1, &t->lengths[at]); /* the row keeps it alive */
}

static void take_row(lua_State *L, cells *t, size_t row) {
  size_t n = row_length(L, (lua_Integer)row + 1);
  if (n != t->columns)
    hl_arg_error(L, &ADD_TEXT, TEXT, "ragged table: row %I has %I cells, the first has %I", (lua_Integer)row + 1,
                 (lua_Integer)n, (lua_Integer)t->columns);
  if (lua_rawgeti(L, TEXT, (lua_Integer)row + 1) != LUA_TTABLE) {
    take_cell(L, t, row);
    lua_pop(L, 1);
    return;
  }
  for (size_t column = 0; column < n; column++) {
    lua_rawgeti(L, -1, (lua_Integer)column + 1);
    take_cell(L, t, row * n + column);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

static cells check_cells(lua_State *L) {
  cells t = {.rows = lua_rawlen(L, TEXT)};
  t.columns = t.rows == 0 ? 0 : row_length(L, 1);
  if (t.columns == 0) hl_arg_error(L, &ADD_TEXT, TEXT, "expected a list of strings or of rows of strings, got no cells");
  size_t count;
  if (__builtin_mul_overflow(t.rows, t.columns, &count)) count = SIZE_MAX;
  t.texts = hl_push_array(L, &ADD_TEXT, count, sizeof *t.texts);
  t.lengths = hl_push_array(L, &ADD_TEXT, count, sizeof *t.lengths);
  for (size_t row = 0; row < t.rows; row++) take_row(L, &t, row);
  return t;
}

static int l_add_text(lua_State *L) {
  enum { TAG = 2, STEP = 4, WALLTIME };
  if (!hl_begin_add(L, &ADD_TEXT)) return 0;
  helios_add_options options = {.size = sizeof options};
  const char *tag = hl_check_cstring(L, &ADD_TEXT, TAG);
  int64_t step = hl_opt_step(L, &ADD_TEXT, STEP);
  hl_opt_walltime(L, &ADD_TEXT, WALLTIME, &options.walltime, &options.has_walltime);
  if (lua_istable(L, TEXT)) {
    cells t = check_cells(L);
    helios_writer *w = hl_add_handle(L, &ADD_TEXT);
    return hl_end_add(L, &ADD_TEXT, helios_writer_add_text_table(w, tag, t.texts, t.lengths, t.rows, t.columns, step,
                                                                 &options));
  }
  size_t length;
  if (lua_type(L, TEXT) != LUA_TSTRING) hl_arg_type_error(L, &ADD_TEXT, TEXT, "a string or a table of strings");
  const char *text = lua_tolstring(L, TEXT, &length);
  helios_writer *w = hl_add_handle(L, &ADD_TEXT);
  return hl_end_add(L, &ADD_TEXT, helios_writer_add_text(w, tag, text, length, step, &options));
}

/* ---- add_image, add_images --------------------------------------------------------------------------- */

typedef helios_status add_image_fn(helios_writer *w, const char *tag, const DLTensor *image, const char *dataformats,
                                   int64_t step, const helios_add_options *options);

static int add_image(lua_State *L, const hl_call *c, add_image_fn *add) {
  enum { TAG = 2, IMAGE, STEP, DATAFORMATS, WALLTIME };
  if (!hl_begin_add(L, c)) return 0;
  helios_add_options options = {.size = sizeof options};
  const char *tag = hl_check_cstring(L, c, TAG);
  int64_t step = hl_opt_step(L, c, STEP);
  const char *dataformats = hl_opt_string(L, c, DATAFORMATS, NULL);
  hl_opt_walltime(L, c, WALLTIME, &options.walltime, &options.has_walltime);
  const DLTensor *image = hl_check_tensor(L, c, IMAGE, HELIOS_FLOAT32);
  helios_writer *w = hl_add_handle(L, c);
  return hl_end_add(L, c, add(w, tag, image, dataformats, step, &options));
}

static const hl_call ADD_IMAGE = {
  "add_image", 2, 2, 4, HL_NO_TABLE, {"tag", "img", "global_step", "dataformats", "walltime", "shape", "dtype", NULL}};
static const hl_call ADD_IMAGES = {
  "add_images", 2, 2, 4, HL_NO_TABLE, {"tag", "imgs", "global_step", "dataformats", "walltime", "shape", "dtype", NULL}};

static int l_add_image(lua_State *L) { return add_image(L, &ADD_IMAGE, helios_writer_add_image); }
static int l_add_images(lua_State *L) { return add_image(L, &ADD_IMAGES, helios_writer_add_images); }

/* ---- add_histogram ----------------------------------------------------------------------------------- */

/* torch's order, walltime included. */
static const hl_call ADD_HISTOGRAM = {
  "add_histogram", 2, 2, 6, HL_NO_TABLE,
  {"tag", "values", "global_step", "bins", "walltime", "max_bins", "shape", "dtype", NULL}};

static int64_t check_count(lua_State *L, const hl_call *c, int slot) {
  int64_t n = hl_check_integer(L, c, slot);
  if (n < 1) hl_arg_type_error(L, c, slot, "at least 1");
  return n;
}

/* A name, a number of equal bins, or a list of edges. */
static void read_bins(lua_State *L, int slot, helios_histogram_options *options) {
  switch (lua_type(L, slot)) {
    case LUA_TNIL: break;
    case LUA_TSTRING: options->bins = hl_check_cstring(L, &ADD_HISTOGRAM, slot); break;
    case LUA_TNUMBER: options->bin_count = check_count(L, &ADD_HISTOGRAM, slot); break;
    default: options->edges = hl_check_doubles(L, &ADD_HISTOGRAM, slot, &options->edge_count); break;
  }
}

static int l_add_histogram(lua_State *L) {
  enum { TAG = 2, VALUES, STEP, BINS, WALLTIME, MAX_BINS };
  const hl_call *c = &ADD_HISTOGRAM;
  if (!hl_begin_add(L, c)) return 0;
  helios_histogram_options options = {.size = sizeof options};
  const char *tag = hl_check_cstring(L, c, TAG);
  int64_t step = hl_opt_step(L, c, STEP);
  hl_opt_walltime(L, c, WALLTIME, &options.walltime, &options.has_walltime);
  if (!lua_isnil(L, MAX_BINS)) options.max_bins = check_count(L, c, MAX_BINS);
  read_bins(L, BINS, &options);
  const DLTensor *values = hl_check_tensor(L, c, VALUES, HELIOS_FLOAT32);
  helios_writer *w = hl_add_handle(L, c);
  return hl_end_add(L, c, helios_writer_add_histogram(w, tag, values, step, &options));
}

/* ---- add_pr_curve ------------------------------------------------------------------------------------ */

static const hl_call ADD_PR_CURVE = {
  "add_pr_curve", 2, 3, 6, HL_NO_TABLE,
  {"tag", "labels", "predictions", "global_step", "num_thresholds", "weights", "walltime", "dtype", NULL}};

/* Weights stay double, whatever `dtype` says of the other two. */
static const DLTensor *opt_weights(lua_State *L, int slot) {
  if (lua_isnil(L, slot)) return NULL;
  hl_tensor *t = hl_test_tensor(L, slot);
  return &(t != NULL ? t : hl_table_to_tensor(L, &ADD_PR_CURVE, slot, HELIOS_FLOAT64))->dl;
}

/* `dtype` is of tables; where both are tensors it has nothing to say. */
static const DLTensor *check_points(lua_State *L, int slot, helios_dtype dtype) {
  hl_tensor *t = hl_test_tensor(L, slot);
  if (t != NULL) return &t->dl;
  if (lua_type(L, slot) == LUA_TSTRING) hl_arg_type_error(L, &ADD_PR_CURVE, slot, "a tensor");
  return &hl_table_to_tensor(L, &ADD_PR_CURVE, slot, dtype)->dl;
}

static int l_add_pr_curve(lua_State *L) {
  enum { TAG = 2, LABELS, PREDICTIONS, STEP, NUM_THRESHOLDS, WEIGHTS, WALLTIME, DTYPE };
  const hl_call *c = &ADD_PR_CURVE;
  if (!hl_begin_add(L, c)) return 0;
  helios_pr_curve_options options = {.size = sizeof options};
  const char *tag = hl_check_cstring(L, c, TAG);
  int64_t step = hl_opt_step(L, c, STEP);
  hl_opt_walltime(L, c, WALLTIME, &options.walltime, &options.has_walltime);
  if (!lua_isnil(L, NUM_THRESHOLDS)) options.num_thresholds = check_count(L, c, NUM_THRESHOLDS);
  helios_dtype dtype = hl_opt_dtype(L, c, DTYPE, HELIOS_FLOAT32);
  options.weights = opt_weights(L, WEIGHTS);
  const DLTensor *labels = check_points(L, LABELS, dtype);
  const DLTensor *predictions = check_points(L, PREDICTIONS, dtype);
  helios_writer *w = hl_add_handle(L, c);
  return hl_end_add(L, c, helios_writer_add_pr_curve(w, tag, labels, predictions, step, &options));
}

const luaL_Reg HL_ADD_METHODS[] = {{"add_scalars", l_add_scalars},     {"add_text", l_add_text},
                                   {"add_image", l_add_image},         {"add_images", l_add_images},
                                   {"add_histogram", l_add_histogram}, {"add_pr_curve", l_add_pr_curve},
                                   {NULL, NULL}};

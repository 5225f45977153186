/* l_tensor.c - helios.tensor: a typed, strided array that carries data to the core as a DLTensor without a copy.
 *
 * It reads, writes and shows elements, and makes views; it computes nothing. How tables and strings become tensors is
 * in l_convert.c. */
#include "l_tensor.h"

#include <string.h>

#include "../alloc.h"
#include "../array.h"
#include "../encode/png.h"

/* ---- making ------------------------------------------------------------------------------------------ */

bool hl_shape_numel(helios_dtype dtype, int ndim, const int64_t *shape, size_t *numel) {
  size_t bytes = helios_dtype_size(dtype);
  *numel = 1;
  for (int i = 0; i < ndim; i++) {
    if (__builtin_mul_overflow(*numel, (size_t)shape[i], numel)) return false;
    if (__builtin_mul_overflow(bytes, (size_t)shape[i], &bytes)) return false;
  }
  return bytes <= PTRDIFF_MAX / 2; /* leaves room for the header in front of them */
}

static void set_contiguous_strides(hl_tensor *t) {
  int64_t step = 1;
  for (int i = t->dl.ndim - 1; i >= 0; i--) {
    t->dl.strides[i] = step;
    step *= t->dl.shape[i];
  }
}

/* The header and `dims`, with `extra` zeroed bytes behind them for elements; `data` points to those. */
static hl_tensor *push_header(lua_State *L, helios_dtype dtype, int ndim, const int64_t *shape, size_t extra) {
  size_t dims_size = 2 * (size_t)ndim * sizeof(int64_t);
  hl_tensor *t = lua_newuserdatauv(L, sizeof *t + dims_size + extra, 1);
  memset(t, 0, sizeof *t + dims_size + extra);
  t->dtype = dtype;
  t->dl.dtype = helios_dtype_to_dl(dtype);
  t->dl.device = (DLDevice){kDLCPU, 0};
  t->dl.ndim = ndim;
  t->dl.shape = t->dims;
  t->dl.strides = t->dims + ndim;
  t->dl.data = t->dims + 2 * ndim;
  if (ndim > 0) memcpy(t->dl.shape, shape, (size_t)ndim * sizeof *shape);
  set_contiguous_strides(t);
  luaL_setmetatable(L, HL_TENSOR);
  return t;
}

hl_tensor *hl_push_tensor(lua_State *L, helios_dtype dtype, int ndim, const int64_t *shape) {
  size_t numel = 0;
  hl_shape_numel(dtype, ndim, shape, &numel);
  return push_header(L, dtype, ndim, shape, numel * helios_dtype_size(dtype));
}

hl_tensor *hl_push_view(lua_State *L, int owner, void *data, helios_dtype dtype, int ndim, const int64_t *shape) {
  int anchor = lua_absindex(L, owner);
  hl_tensor *t = push_header(L, dtype, ndim, shape, 0);
  t->dl.data = data;
  lua_pushvalue(L, anchor);
  lua_setiuservalue(L, -2, 1);
  return t;
}

hl_tensor *hl_test_tensor(lua_State *L, int index) { return luaL_testudata(L, index, HL_TENSOR); }

/* The tensor a method was called on. */
static hl_tensor *check_self(lua_State *L, const char *function) {
  hl_tensor *t = hl_test_tensor(L, 1);
  if (t == NULL) luaL_error(L, "%s: expected a helios.tensor, got %s", function, hl_describe(L, 1));
  return t;
}

/* ---- walking ----------------------------------------------------------------------------------------- */

size_t hl_tensor_numel(const hl_tensor *t) {
  size_t numel = 1;
  for (int i = 0; i < t->dl.ndim; i++) numel *= (size_t)t->dl.shape[i];
  return numel;
}

bool hl_tensor_is_contiguous(const hl_tensor *t) {
  int64_t step = 1;
  for (int i = t->dl.ndim - 1; i >= 0; i--) {
    if (t->dl.shape[i] == 0) return true;
    if (t->dl.shape[i] > 1 && t->dl.strides[i] != step) return false;
    step *= t->dl.shape[i];
  }
  return true;
}

static ptrdiff_t byte_stride(const hl_tensor *t, int dim) {
  return (ptrdiff_t)t->dl.strides[dim] * (ptrdiff_t)helios_dtype_size(t->dtype);
}

typedef struct cursor {
  const hl_tensor *tensor;
  unsigned char *at; /* the current element */
  int64_t index[HELIOS_MAX_NDIM];
} cursor;

/* To the next element in C order; wraps around after the last. */
static void cursor_next(cursor *c) {
  const DLTensor *dl = &c->tensor->dl;
  for (int i = dl->ndim - 1; i >= 0; i--) {
    ptrdiff_t stride = byte_stride(c->tensor, i);
    c->at += stride;
    if (++c->index[i] < dl->shape[i]) return;
    c->at -= stride * (ptrdiff_t)dl->shape[i];
    c->index[i] = 0;
  }
}

void hl_tensor_copy_out(const hl_tensor *t, void *out) {
  size_t size = helios_dtype_size(t->dtype), numel = hl_tensor_numel(t);
  if (numel == 0) return;
  if (hl_tensor_is_contiguous(t)) {
    memcpy(out, t->dl.data, numel * size);
    return;
  }
  cursor c = {.tensor = t, .at = t->dl.data};
  unsigned char *p = out;
  for (size_t i = 0; i < numel; i++, p += size, cursor_next(&c)) memcpy(p, c.at, size);
}

/* ---- elements ---------------------------------------------------------------------------------------- */

#define LOAD(type, p) (*(type *)memcpy(&(type){0}, (p), sizeof(type)))

static void push_uint64(lua_State *L, uint64_t n) {
  if (n <= INT64_MAX) lua_pushinteger(L, (lua_Integer)n);
  else lua_pushnumber(L, (lua_Number)n);
}

void hl_push_element(lua_State *L, helios_dtype dtype, const unsigned char *p) {
  switch (dtype) {
    case HELIOS_BOOL: lua_pushboolean(L, *p != 0); break;
    case HELIOS_INT8: lua_pushinteger(L, LOAD(int8_t, p)); break;
    case HELIOS_INT16: lua_pushinteger(L, LOAD(int16_t, p)); break;
    case HELIOS_INT32: lua_pushinteger(L, LOAD(int32_t, p)); break;
    case HELIOS_INT64: lua_pushinteger(L, LOAD(int64_t, p)); break;
    case HELIOS_UINT8: lua_pushinteger(L, *p); break;
    case HELIOS_UINT16: lua_pushinteger(L, LOAD(uint16_t, p)); break;
    case HELIOS_UINT32: lua_pushinteger(L, LOAD(uint32_t, p)); break;
    case HELIOS_UINT64: push_uint64(L, LOAD(uint64_t, p)); break;
    default: lua_pushnumber(L, hl_element_as_double(dtype, p)); break;
  }
}

static void put_float(helios_dtype dtype, double v, unsigned char *p) {
  float f = (float)v;
  uint16_t half = dtype == HELIOS_BFLOAT16 ? hl_float_to_bfloat16(f) : hl_float_to_half(f);
  if (dtype == HELIOS_FLOAT64) memcpy(p, &v, sizeof v);
  else if (dtype == HELIOS_FLOAT32) memcpy(p, &f, sizeof f);
  else memcpy(p, &half, sizeof half);
}

/* Two's complement, as many low bytes as the dtype has. */
static void put_bits(helios_dtype dtype, uint64_t bits, unsigned char *p) {
  switch (helios_dtype_size(dtype)) {
    case 1: *p = (unsigned char)bits; break;
    case 2: memcpy(p, &(uint16_t){(uint16_t)bits}, 2); break;
    case 4: memcpy(p, &(uint32_t){(uint32_t)bits}, 4); break;
    default: memcpy(p, &bits, 8); break;
  }
}

/* uint64 is told apart: its upper half has no Lua integer and comes as a float. */
static const char *put_uint64(lua_State *L, int index, unsigned char *p) {
  int is_integer = 0;
  lua_Integer n = lua_tointegerx(L, index, &is_integer);
  lua_Number v = lua_tonumber(L, index);
  if (!is_integer && v >= 0x1p63 && v < 0x1p64) put_bits(HELIOS_UINT64, (uint64_t)v, p);
  else if (!is_integer) return "an integer that fits uint64";
  else if (n < 0) return "an integer that fits uint64";
  else put_bits(HELIOS_UINT64, (uint64_t)n, p);
  return NULL;
}

typedef struct int_range {
  int64_t min, max;
  const char *what;
} int_range;

static const int_range RANGES[] = {
  [HELIOS_BOOL] = {0, 1, "a boolean, 0 or 1"},
  [HELIOS_INT8] = {INT8_MIN, INT8_MAX, "an integer that fits int8"},
  [HELIOS_INT16] = {INT16_MIN, INT16_MAX, "an integer that fits int16"},
  [HELIOS_INT32] = {INT32_MIN, INT32_MAX, "an integer that fits int32"},
  [HELIOS_INT64] = {INT64_MIN, INT64_MAX, "an integer that fits int64"},
  [HELIOS_UINT8] = {0, UINT8_MAX, "an integer that fits uint8"},
  [HELIOS_UINT16] = {0, UINT16_MAX, "an integer that fits uint16"},
  [HELIOS_UINT32] = {0, UINT32_MAX, "an integer that fits uint32"},
};

static const char *put_integer(lua_State *L, int index, helios_dtype dtype, unsigned char *p) {
  if (dtype == HELIOS_UINT64) return put_uint64(L, index, p);
  int is_integer = 0;
  lua_Integer n = lua_tointegerx(L, index, &is_integer);
  const int_range *range = &RANGES[dtype];
  if (!is_integer || n < range->min || n > range->max) return range->what;
  put_bits(dtype, (uint64_t)n, p);
  return NULL;
}

const char *hl_put_element(lua_State *L, int index, helios_dtype dtype, unsigned char *p) {
  int type = lua_type(L, index);
  bool is_float = dtype >= HELIOS_FLOAT16;
  if (type == LUA_TBOOLEAN) {
    int one = lua_toboolean(L, index);
    if (is_float) put_float(dtype, one, p);
    else put_bits(dtype, (uint64_t)one, p);
    return NULL;
  }
  if (type != LUA_TNUMBER) return "a number";
  if (!is_float) return put_integer(L, index, dtype, p);
  put_float(dtype, lua_tonumber(L, index), p);
  return NULL;
}

/* ---- making from Lua --------------------------------------------------------------------------------- */

static const hl_call NEW = {"new", 1, 1, 2, false, {"shape", "dtype", NULL}};
static const hl_call FROM_TABLE = {"from_table", 1, 1, 2, false, {"t", "dtype", NULL}};
static const hl_call FROM_BYTES = {"from_bytes", 1, 2, 3, false, {"s", "shape", "dtype", NULL}};

static int l_new(lua_State *L) {
  hl_args(L, &NEW);
  int64_t shape[HELIOS_MAX_NDIM];
  int ndim = hl_check_shape(L, &NEW, 1, shape);
  helios_dtype dtype = hl_opt_dtype(L, &NEW, 2, HELIOS_FLOAT32);
  size_t numel;
  if (!hl_shape_numel(dtype, ndim, shape, &numel))
    return hl_arg_error(L, &NEW, 1, "%s is too large", hl_push_shape_text(L, ndim, shape));
  hl_push_tensor(L, dtype, ndim, shape);
  return 1;
}

static int l_from_table(lua_State *L) {
  hl_args(L, &FROM_TABLE);
  hl_table_to_tensor(L, &FROM_TABLE, 1, hl_opt_dtype(L, &FROM_TABLE, 2, HELIOS_FLOAT32));
  lua_settop(L, 1);
  return 1;
}

static int l_from_bytes(lua_State *L) {
  hl_args(L, &FROM_BYTES);
  size_t length;
  const char *s = hl_check_string(L, &FROM_BYTES, 1, &length);
  int64_t shape[HELIOS_MAX_NDIM];
  int ndim = hl_check_shape(L, &FROM_BYTES, 2, shape);
  helios_dtype dtype = hl_opt_dtype(L, &FROM_BYTES, 3, HELIOS_FLOAT32);
  hl_check_byte_count(L, &FROM_BYTES, 1, length, dtype, ndim, shape);
  hl_tensor *t = hl_push_tensor(L, dtype, ndim, shape);
  if (length > 0) memcpy(t->dl.data, s, length);
  return 1;
}

/* ---- from C ------------------------------------------------------------------------------------------ */

static void give_back(DLManagedTensor *managed) {
  if (managed != NULL && managed->deleter != NULL) managed->deleter(managed);
}

static int push_managed(lua_State *L) {
  DLManagedTensor *managed = lua_touserdata(L, 1);
  const DLTensor *dl = &managed->dl_tensor;
  helios_dtype dtype = (helios_dtype)helios_dtype_from_dl(dl->dtype);
  hl_tensor *t = push_header(L, dtype, dl->ndim, dl->shape, 0);
  if (dl->strides != NULL && dl->ndim > 0) memcpy(t->dl.strides, dl->strides, (size_t)dl->ndim * sizeof *dl->strides);
  if (dl->data != NULL) t->dl.data = (unsigned char *)dl->data + dl->byte_offset;
  t->managed = managed;
  return 1;
}

int helios_lua_push_dltensor(lua_State *L, DLManagedTensor *managed) {
  hl_array array;
  hl_error err = {0};
  helios_status status = hl_array_from_dl(&array, &managed->dl_tensor, "tensor", &err);
  if (status != HELIOS_OK || !lua_checkstack(L, 4)) {
    give_back(managed);
    return luaL_error(L, "push_dltensor: %s", status == HELIOS_OK ? "stack overflow" : err.reason);
  }
  lua_pushcfunction(L, push_managed); /* protected: whatever it raises, the tensor goes back */
  lua_pushlightuserdata(L, managed);
  if (lua_pcall(L, 1, 1, 0) != LUA_OK) {
    give_back(managed);
    return lua_error(L);
  }
  return 1;
}

static int l_gc(lua_State *L) {
  hl_tensor *t = luaL_checkudata(L, 1, HL_TENSOR);
  DLManagedTensor *managed = t->managed;
  t->managed = NULL;
  give_back(managed);
  return 0;
}

/* ---- PNG --------------------------------------------------------------------------------------------- */

/* The decoder's memory, as something a tensor can own. */
typedef struct decoded_png {
  DLManagedTensor managed;
  int64_t shape[3];
  hl_png_image image;
} decoded_png;

static void free_decoded(DLManagedTensor *managed) {
  decoded_png *png = managed->manager_ctx;
  hl_free(NULL, png->image.data, png->image.size);
  hl_free(NULL, png, sizeof *png);
}

static DLManagedTensor *as_managed(decoded_png *png) {
  const hl_png_image *image = &png->image;
  png->shape[0] = image->height;
  png->shape[1] = image->width;
  png->shape[2] = image->channels;
  png->managed = (DLManagedTensor){
    .dl_tensor = {.data = image->data, .device = {kDLCPU, 0}, .ndim = 3, .dtype = helios_dtype_to_dl(HELIOS_UINT8),
                  .shape = png->shape},
    .manager_ctx = png, .deleter = free_decoded};
  return &png->managed;
}

/* decode_png(bytes): height x width x channels, or nil, message, code. */
static int l_decode_png(lua_State *L) {
  size_t length;
  const char *bytes = luaL_checklstring(L, 1, &length);
  hl_error err = {0};
  decoded_png *png = hl_alloc_zeroed(NULL, 1, sizeof *png);
  helios_status status = png == NULL ? HELIOS_ENOMEM : hl_png_decode(bytes, length, NULL, &png->image, &err);
  if (status == HELIOS_OK) return helios_lua_push_dltensor(L, as_managed(png));
  if (png != NULL) hl_free(NULL, png, sizeof *png);
  return hl_push_status(L, status, err.reason);
}

/* ---- reading and writing elements -------------------------------------------------------------------- */

/* The element named by the indices at first, first + 1, ...: exactly one for each dimension. */
static unsigned char *check_indices(lua_State *L, const hl_tensor *t, int first, const char *function) {
  int given = lua_gettop(L) - first + 1;
  if (given != t->dl.ndim) luaL_error(L, "%s: expected %d indices, got %d", function, t->dl.ndim, given > 0 ? given : 0);
  unsigned char *p = t->dl.data;
  for (int i = 0; i < t->dl.ndim; i++) {
    int ok = 0;
    lua_Integer at = lua_type(L, first + i) == LUA_TNUMBER ? lua_tointegerx(L, first + i, &ok) : 0;
    if (!ok) luaL_error(L, "%s: index %d: expected an integer, got %s", function, i + 1, hl_describe(L, first + i));
    if (at < 1 || at > t->dl.shape[i])
      luaL_error(L, "%s: index %d: %I is outside 1..%I", function, i + 1, at, (lua_Integer)t->dl.shape[i]);
    p += (ptrdiff_t)(at - 1) * byte_stride(t, i);
  }
  return p;
}

static int l_get(lua_State *L) {
  hl_tensor *t = check_self(L, "get");
  hl_push_element(L, t->dtype, check_indices(L, t, 2, "get"));
  return 1;
}

static int l_set(lua_State *L) {
  hl_tensor *t = check_self(L, "set");
  unsigned char *p = check_indices(L, t, 3, "set");
  const char *expected = hl_put_element(L, 2, t->dtype, p);
  if (expected != NULL) return luaL_error(L, "set: argument 'v': expected %s, got %s", expected, hl_describe(L, 2));
  return 0;
}

static int l_fill(lua_State *L) {
  hl_tensor *t = check_self(L, "fill");
  unsigned char value[8];
  const char *expected = hl_put_element(L, 2, t->dtype, value);
  if (expected != NULL) return luaL_error(L, "fill: argument 'v': expected %s, got %s", expected, hl_describe(L, 2));
  size_t size = helios_dtype_size(t->dtype), numel = hl_tensor_numel(t);
  cursor c = {.tensor = t, .at = t->dl.data};
  for (size_t i = 0; i < numel; i++, cursor_next(&c)) memcpy(c.at, value, size);
  lua_settop(L, 1);
  return 1;
}

static int l_bytes(lua_State *L) {
  hl_tensor *t = check_self(L, "bytes");
  luaL_Buffer b;
  size_t length = hl_tensor_numel(t) * helios_dtype_size(t->dtype);
  hl_tensor_copy_out(t, luaL_buffinitsize(L, &b, length));
  luaL_pushresultsize(&b, length);
  return 1;
}

static void push_level(lua_State *L, const hl_tensor *t, int dim, const unsigned char *p) {
  if (dim == t->dl.ndim) {
    hl_push_element(L, t->dtype, p);
    return;
  }
  int64_t n = t->dl.shape[dim];
  lua_createtable(L, n < INT32_MAX ? (int)n : 0, 0);
  for (int64_t i = 1; i <= n; i++, p += byte_stride(t, dim)) {
    push_level(L, t, dim + 1, p);
    lua_rawseti(L, -2, i);
  }
}

static int l_totable(lua_State *L) {
  hl_tensor *t = check_self(L, "totable");
  luaL_checkstack(L, t->dl.ndim + LUA_MINSTACK, "totable");
  push_level(L, t, 0, t->dl.data);
  return 1;
}

/* ---- views ------------------------------------------------------------------------------------------- */

/* The arguments from 2 on as integers, in `out`; returns how many. */
static int check_integers(lua_State *L, const char *function, int64_t out[HELIOS_MAX_NDIM]) {
  int n = lua_gettop(L) - 1;
  if (n > HELIOS_MAX_NDIM) luaL_error(L, "%s: at most %d dimensions", function, HELIOS_MAX_NDIM);
  for (int i = 0; i < n; i++) {
    int ok = 0;
    out[i] = lua_type(L, i + 2) == LUA_TNUMBER ? lua_tointegerx(L, i + 2, &ok) : 0;
    if (!ok) luaL_error(L, "%s: argument %d: expected an integer, got %s", function, i + 1, hl_describe(L, i + 2));
  }
  return n;
}

static int l_permute(lua_State *L) {
  hl_tensor *t = check_self(L, "permute");
  int64_t order[HELIOS_MAX_NDIM], shape[HELIOS_MAX_NDIM];
  bool seen[HELIOS_MAX_NDIM] = {false};
  int n = check_integers(L, "permute", order);
  if (n != t->dl.ndim) return luaL_error(L, "permute: expected %d dimensions, got %d", t->dl.ndim, n);
  for (int i = 0; i < n; i++) {
    if (order[i] < 1 || order[i] > n || seen[order[i] - 1])
      return luaL_error(L, "permute: argument %d: expected each of 1..%d once, got %I", i + 1, n, (lua_Integer)order[i]);
    seen[order[i] - 1] = true;
    shape[i] = t->dl.shape[order[i] - 1];
  }
  hl_tensor *view = hl_push_view(L, 1, t->dl.data, t->dtype, n, shape);
  for (int i = 0; i < n; i++) view->dl.strides[i] = t->dl.strides[order[i] - 1];
  return 1;
}

static int l_select(lua_State *L) {
  hl_tensor *t = check_self(L, "select");
  int64_t given[HELIOS_MAX_NDIM], shape[HELIOS_MAX_NDIM];
  int n = check_integers(L, "select", given);
  if (n != 2) return luaL_error(L, "select: expected a dimension and an index");
  if (given[0] < 1 || given[0] > t->dl.ndim)
    return luaL_error(L, "select: argument 'dim': %I is outside 1..%d", (lua_Integer)given[0], t->dl.ndim);
  int dim = (int)given[0] - 1;
  if (given[1] < 1 || given[1] > t->dl.shape[dim])
    return luaL_error(L, "select: argument 'i': %I is outside 1..%I", (lua_Integer)given[1],
                      (lua_Integer)t->dl.shape[dim]);
  for (int i = 0; i < t->dl.ndim - 1; i++) shape[i] = t->dl.shape[i < dim ? i : i + 1];
  unsigned char *data = (unsigned char *)t->dl.data + (ptrdiff_t)(given[1] - 1) * byte_stride(t, dim);
  hl_tensor *view = hl_push_view(L, 1, data, t->dtype, t->dl.ndim - 1, shape);
  for (int i = 0; i < t->dl.ndim - 1; i++) view->dl.strides[i] = t->dl.strides[i < dim ? i : i + 1];
  return 1;
}

/* Put what is left of `numel` in place of the one -1 among the sizes. */
static void infer_size(lua_State *L, int ndim, int64_t *shape, size_t numel) {
  int unknown = -1;
  size_t known = 1;
  for (int i = 0; i < ndim; i++) {
    if (shape[i] < -1) luaL_error(L, "reshape: argument %d: a size must not be negative", i + 1);
    if (shape[i] == -1 && unknown >= 0) luaL_error(L, "reshape: argument %d: only one size may be -1", i + 1);
    if (shape[i] == -1) unknown = i;
    else if (__builtin_mul_overflow(known, (size_t)shape[i], &known)) known = SIZE_MAX;
  }
  if (unknown >= 0 && known > 0 && numel % known == 0) shape[unknown] = (int64_t)(numel / known);
}

static int l_reshape(lua_State *L) {
  hl_tensor *t = check_self(L, "reshape");
  int64_t shape[HELIOS_MAX_NDIM];
  int ndim = check_integers(L, "reshape", shape);
  size_t numel = hl_tensor_numel(t), wanted = 0;
  infer_size(L, ndim, shape, numel);
  if (!hl_shape_numel(t->dtype, ndim, shape, &wanted) || wanted != numel)
    return luaL_error(L, "reshape: %I elements do not make %s", (lua_Integer)numel, hl_push_shape_text(L, ndim, shape));
  if (hl_tensor_is_contiguous(t)) hl_push_view(L, 1, t->dl.data, t->dtype, ndim, shape);
  else hl_tensor_copy_out(t, hl_push_tensor(L, t->dtype, ndim, shape)->dl.data);
  return 1;
}

/* ---- looking ----------------------------------------------------------------------------------------- */

const char *hl_push_shape_text(lua_State *L, int ndim, const int64_t *shape) {
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  luaL_addchar(&b, '{');
  for (int i = 0; i < ndim; i++) {
    if (i > 0) luaL_addstring(&b, ", ");
    lua_pushfstring(L, "%I", (lua_Integer)shape[i]);
    luaL_addvalue(&b);
  }
  luaL_addchar(&b, '}');
  luaL_pushresult(&b);
  return lua_tostring(L, -1);
}

static int l_numel(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)hl_tensor_numel(check_self(L, "numel")));
  return 1;
}

static int l_len(lua_State *L) {
  hl_tensor *t = check_self(L, "#");
  if (t->dl.ndim == 0) return luaL_error(L, "a tensor without dimensions has no length");
  lua_pushinteger(L, t->dl.shape[0]);
  return 1;
}

static int l_tostring(lua_State *L) {
  hl_tensor *t = check_self(L, "tostring");
  hl_push_shape_text(L, t->dl.ndim, t->dl.shape);
  lua_pushfstring(L, "helios.tensor %s %s", helios_dtype_name(t->dtype), lua_tostring(L, -1));
  return 1;
}

static int push_shape(lua_State *L, const hl_tensor *t) {
  lua_createtable(L, t->dl.ndim, 0);
  for (int i = 0; i < t->dl.ndim; i++) {
    lua_pushinteger(L, t->dl.shape[i]);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

/* Methods are in upvalue 1; shape, dtype and ndim are made when asked for. */
static int l_index(lua_State *L) {
  hl_tensor *t = check_self(L, "index");
  lua_pushvalue(L, 2);
  if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) return 1;
  const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
  if (strcmp(key, "shape") == 0) return push_shape(L, t);
  if (strcmp(key, "ndim") == 0) lua_pushinteger(L, t->dl.ndim);
  else if (strcmp(key, "dtype") == 0) lua_pushstring(L, helios_dtype_name(t->dtype));
  return 1;
}

/* ---- tables ------------------------------------------------------------------------------------------ */

static const luaL_Reg FUNCTIONS[] = {
  {"new", l_new}, {"from_table", l_from_table}, {"from_bytes", l_from_bytes}, {"decode_png", l_decode_png},
  {NULL, NULL}};

static const luaL_Reg METHODS[] = {{"get", l_get},         {"set", l_set},         {"fill", l_fill},
                                   {"bytes", l_bytes},     {"totable", l_totable}, {"permute", l_permute},
                                   {"reshape", l_reshape}, {"select", l_select},   {"numel", l_numel},
                                   {NULL, NULL}};

static const luaL_Reg METAMETHODS[] = {
  {"__gc", l_gc}, {"__len", l_len}, {"__tostring", l_tostring}, {NULL, NULL}};

void hl_open_tensor(lua_State *L) {
  luaL_newmetatable(L, HL_TENSOR);
  luaL_setfuncs(L, METAMETHODS, 0);
  luaL_newlib(L, METHODS);
  lua_pushvalue(L, -1);
  lua_pushcclosure(L, l_index, 1);
  lua_setfield(L, -3, "__index");
  luaL_newlib(L, FUNCTIONS);
  lua_insert(L, -3); /* functions, metatable, methods */
  lua_setfield(L, -3, "methods");
  lua_pop(L, 1);
}

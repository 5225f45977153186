/* l_tensor.c - helios.tensor: a typed, strided array that carries data to the core as a DLTensor without a copy.
 *
 * It reads, writes and shows elements, and computes nothing. What one element is in Lua is in l_element.c, views are in
 * l_view.c, memory of others in l_dlpack.c, and how tables and strings become tensors in l_convert.c. */
#include "l_tensor.h"

#include <string.h>

/* ---- making ------------------------------------------------------------------------------------------ */

bool hl_shape_numel(helios_dtype dtype, int ndim, const int64_t *shape, size_t *numel) {
  size_t bytes = helios_dtype_size(dtype);
  bool empty = false;
  for (int i = 0; i < ndim; i++) {
    if (shape[i] == 0) empty = true; /* the other sizes must still have strides */
    else if (__builtin_mul_overflow(bytes, (size_t)shape[i], &bytes)) return false;
  }
  *numel = empty ? 0 : bytes / helios_dtype_size(dtype);
  return bytes <= PTRDIFF_MAX / 2; /* leaves room for the header in front of them */
}

static void set_contiguous_strides(hl_tensor *t) {
  int64_t step = 1;
  for (int i = t->dl.ndim - 1; i >= 0; i--) {
    t->dl.strides[i] = step;
    step *= t->dl.shape[i];
  }
}

hl_tensor *hl_push_header(lua_State *L, helios_dtype dtype, int ndim, const int64_t *shape, size_t extra) {
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
  return hl_push_header(L, dtype, ndim, shape, numel * helios_dtype_size(dtype));
}

hl_tensor *hl_push_view(lua_State *L, int owner, void *data, helios_dtype dtype, int ndim, const int64_t *shape) {
  int anchor = lua_absindex(L, owner);
  hl_tensor *t = hl_push_header(L, dtype, ndim, shape, 0);
  t->dl.data = data;
  lua_pushvalue(L, anchor);
  lua_setiuservalue(L, -2, 1);
  return t;
}

hl_tensor *hl_test_tensor(lua_State *L, int index) { return luaL_testudata(L, index, HL_TENSOR); }

hl_tensor *hl_check_method(lua_State *L, const char *function) {
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

ptrdiff_t hl_byte_stride(const hl_tensor *t, int dim) {
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
    ptrdiff_t stride = hl_byte_stride(c->tensor, i);
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

/* ---- making from Lua --------------------------------------------------------------------------------- */

static const hl_call NEW = {"new", 1, 1, 2, HL_NO_TABLE, {"shape", "dtype", NULL}};
static const hl_call FROM_TABLE = {"from_table", 1, 1, 2, HL_NO_TABLE, {"t", "dtype", NULL}};
static const hl_call FROM_BYTES = {"from_bytes", 1, 2, 3, HL_NO_TABLE, {"s", "shape", "dtype", NULL}};

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

static int l_gc(lua_State *L) {
  hl_tensor *t = luaL_checkudata(L, 1, HL_TENSOR);
  DLManagedTensor *managed = t->managed;
  t->managed = NULL;
  hl_give_back(managed);
  return 0;
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
    p += (ptrdiff_t)(at - 1) * hl_byte_stride(t, i);
  }
  return p;
}

static int l_get(lua_State *L) {
  hl_tensor *t = hl_check_method(L, "get");
  hl_push_element(L, t->dtype, check_indices(L, t, 2, "get"));
  return 1;
}

static int l_set(lua_State *L) {
  hl_tensor *t = hl_check_method(L, "set");
  unsigned char *p = check_indices(L, t, 3, "set");
  const char *expected = hl_put_element(L, 2, t->dtype, p);
  if (expected != NULL) return luaL_error(L, "set: argument 'v': expected %s, got %s", expected, hl_describe(L, 2));
  return 0;
}

static int l_fill(lua_State *L) {
  hl_tensor *t = hl_check_method(L, "fill");
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
  hl_tensor *t = hl_check_method(L, "bytes");
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
  for (int64_t i = 1; i <= n; i++, p += hl_byte_stride(t, dim)) {
    push_level(L, t, dim + 1, p);
    lua_rawseti(L, -2, i);
  }
}

static int l_totable(lua_State *L) {
  hl_tensor *t = hl_check_method(L, "totable");
  luaL_checkstack(L, t->dl.ndim + LUA_MINSTACK, "totable");
  push_level(L, t, 0, t->dl.data);
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
  lua_pushinteger(L, (lua_Integer)hl_tensor_numel(hl_check_method(L, "numel")));
  return 1;
}

static int l_len(lua_State *L) {
  hl_tensor *t = hl_check_method(L, "#");
  if (t->dl.ndim == 0) return luaL_error(L, "a tensor without dimensions has no length");
  lua_pushinteger(L, t->dl.shape[0]);
  return 1;
}

static int l_tostring(lua_State *L) {
  hl_tensor *t = hl_check_method(L, "tostring");
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
  hl_tensor *t = hl_check_method(L, "index");
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
  {"new", l_new}, {"from_table", l_from_table}, {"from_bytes", l_from_bytes}, {"decode_png", hl_decode_png},
  {NULL, NULL}};

static const luaL_Reg METHODS[] = {{"get", l_get},         {"set", l_set},     {"fill", l_fill}, {"bytes", l_bytes},
                                   {"totable", l_totable}, {"numel", l_numel}, {NULL, NULL}};

static const luaL_Reg METAMETHODS[] = {
  {"__gc", l_gc}, {"__len", l_len}, {"__tostring", l_tostring}, {NULL, NULL}};

void hl_open_tensor(lua_State *L) {
  luaL_newmetatable(L, HL_TENSOR);
  luaL_setfuncs(L, METAMETHODS, 0);
  luaL_newlib(L, METHODS);
  luaL_setfuncs(L, HL_VIEW_METHODS, 0);
  lua_pushvalue(L, -1);
  lua_pushcclosure(L, l_index, 1);
  lua_setfield(L, -3, "__index");
  luaL_newlib(L, FUNCTIONS);
  lua_insert(L, -3); /* functions, metatable, methods */
  lua_setfield(L, -3, "methods");
  lua_pop(L, 1);
}

/* l_convert.c - what Lua users have, as tensors: numbers, nested tables, strings of bytes.
 *
 * Elements are written straight into a tensor userdata, so that an error on the way leaks nothing. Tables are read
 * raw unless a metatable says how to read them. */
#include <string.h>

#include "l_tensor.h"

/* ---- dtype and shape --------------------------------------------------------------------------------- */

helios_dtype hl_opt_dtype(lua_State *L, const hl_call *c, int slot, helios_dtype fallback) {
  if (lua_isnil(L, slot)) return fallback;
  const char *name = hl_check_cstring(L, c, slot);
  int dtype = helios_dtype_from_name(name);
  if (dtype < 0) hl_arg_error(L, c, slot, "unknown dtype '%s'", name);
  return (helios_dtype)dtype;
}

int hl_check_shape(lua_State *L, const hl_call *c, int slot, int64_t shape[HELIOS_MAX_NDIM]) {
  if (!lua_istable(L, slot)) hl_arg_type_error(L, c, slot, "a list of sizes");
  lua_Unsigned n = lua_rawlen(L, slot);
  if (n > HELIOS_MAX_NDIM) hl_arg_error(L, c, slot, "at most %d dimensions", HELIOS_MAX_NDIM);
  for (int i = 0; i < (int)n; i++) {
    int ok = 0;
    if (lua_rawgeti(L, slot, i + 1) == LUA_TNUMBER) shape[i] = lua_tointegerx(L, -1, &ok);
    if (!ok) hl_arg_error(L, c, slot, "[%d]: expected an integer, got %s", i + 1, hl_describe(L, -1));
    if (shape[i] < 0) hl_arg_error(L, c, slot, "[%d]: a size must not be negative", i + 1);
    lua_pop(L, 1);
  }
  if (hl_count_keys(L, slot) != n) hl_arg_error(L, c, slot, "expected a list of sizes, got a table with other keys");
  return (int)n;
}

/* ---- tables ------------------------------------------------------------------------------------------ */

typedef struct reader {
  lua_State *L;
  const hl_call *call;
  int slot;      /* of the outermost table */
  int base;      /* stack index of the outermost table while filling; a nested one lies one above its parent */
  helios_dtype dtype;
  size_t size;   /* of one element */
  int ndim;
  int64_t shape[HELIOS_MAX_NDIM];
  int64_t at[HELIOS_MAX_NDIM]; /* where we are, for error texts */
  unsigned char *out;
} reader;

/* Raise "argument 'x': <kind> at [2][3]: expected <what>, got <the value on top>". */
static void place_error(reader *r, int depth, const char *kind, const char *what) {
  lua_State *L = r->L;
  const char *got = hl_describe(L, -1);
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  for (int i = 0; i < depth; i++) {
    lua_pushfstring(L, "[%I]", (lua_Integer)r->at[i]);
    luaL_addvalue(&b);
  }
  luaL_pushresult(&b);
  const char *place = lua_tostring(L, -1);
  const char *gap = kind[0] != '\0' && place[0] != '\0' ? " at " : "";
  const char *colon = kind[0] != '\0' || place[0] != '\0' ? ": " : "";
  hl_arg_error(L, r->call, r->slot, "%s%s%s%sexpected %s, got %s", kind, gap, place, colon, what, got);
}

/* Is the table on top one of those it is nested in? */
static bool is_own_ancestor(reader *r) {
  const void *p = lua_topointer(r->L, -1);
  for (int i = r->base; i < lua_gettop(r->L); i++)
    if (lua_topointer(r->L, i) == p) return true;
  return false;
}

static bool has_access_metamethods(lua_State *L, int table) {
  if (!lua_getmetatable(L, table)) return false;
  bool found = false;
  for (int i = 0; i < 2; i++) {
    lua_pushstring(L, i == 0 ? "__index" : "__len");
    if (lua_rawget(L, -2) != LUA_TNIL) found = true;
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return found;
}

static int64_t table_length(lua_State *L, int table, bool raw) {
  return raw ? (int64_t)lua_rawlen(L, table) : luaL_len(L, table);
}

/* A table of names has length 0 and would pass for an empty list. */
static void check_is_list(reader *r, int depth, bool raw, int64_t length) {
  if (length < 0) place_error(r, depth, "", "a list");
  if (length > 0 || !raw) return;
  lua_pushnil(r->L);
  if (lua_next(r->L, -2) == 0) return;
  lua_pop(r->L, 2);
  place_error(r, depth, "", "a list");
}

/* Follow the first elements down: their lengths are the shape. */
static void find_shape(reader *r) {
  lua_State *L = r->L;
  r->base = lua_gettop(L) + 1;
  lua_pushvalue(L, r->slot);
  while (lua_istable(L, -1)) {
    if (is_own_ancestor(r)) place_error(r, r->ndim, "cyclic table", "a number");
    if (r->ndim == HELIOS_MAX_NDIM) hl_arg_error(L, r->call, r->slot, "nested deeper than %d", HELIOS_MAX_NDIM);
    bool raw = !has_access_metamethods(L, -1);
    int64_t length = table_length(L, -1, raw);
    check_is_list(r, r->ndim, raw, length);
    r->at[r->ndim] = 1;
    r->shape[r->ndim++] = length;
    if (length == 0) break;
    if (raw) lua_rawgeti(L, -1, 1);
    else lua_geti(L, -1, 1);
  }
  lua_settop(L, r->base - 1);
}

/* The value on top is element at[0..depth] of the innermost dimension. */
static void put_leaf(reader *r, int depth) {
  const char *expected = hl_put_element(r->L, -1, r->dtype, r->out);
  r->out += r->size;
  if (expected == NULL) return;
  bool is_table = lua_istable(r->L, -1);
  if (is_table && is_own_ancestor(r)) place_error(r, depth + 1, "cyclic table", expected);
  place_error(r, depth + 1, is_table ? "ragged table" : "", expected);
}

static void fill_floats(reader *r, int table, int depth) {
  lua_State *L = r->L;
  for (int64_t i = 1; i <= r->shape[depth]; i++) {
    if (lua_rawgeti(L, table, i) == LUA_TNUMBER) {
      float f = (float)lua_tonumber(L, -1);
      memcpy(r->out, &f, sizeof f);
      r->out += sizeof f;
    } else {
      r->at[depth] = i;
      put_leaf(r, depth);
    }
    lua_pop(L, 1);
  }
}

static void check_inner(reader *r, int depth, int64_t length) {
  if (length == r->shape[depth]) return;
  lua_State *L = r->L;
  const char *expected = lua_pushfstring(L, "%I elements", (lua_Integer)r->shape[depth]);
  lua_pushinteger(L, length);
  place_error(r, depth, "ragged table", expected);
}

/* The table on top is dimension `depth` at at[0..depth-1]. */
static void fill(reader *r, int depth) {
  lua_State *L = r->L;
  int table = lua_gettop(L);
  if (!lua_istable(L, table)) place_error(r, depth, "ragged table", "a table");
  bool raw = !has_access_metamethods(L, table), leaf = depth == r->ndim - 1;
  int64_t length = table_length(L, table, raw);
  check_inner(r, depth, length);
  check_is_list(r, depth, raw, length);
  if (leaf && raw && r->dtype == HELIOS_FLOAT32) {
    fill_floats(r, table, depth);
    return;
  }
  for (int64_t i = 1; i <= r->shape[depth]; i++) {
    r->at[depth] = i;
    if (raw) lua_rawgeti(L, table, i);
    else lua_geti(L, table, i);
    if (leaf) put_leaf(r, depth);
    else fill(r, depth + 1);
    lua_pop(L, 1);
  }
}

hl_tensor *hl_table_to_tensor(lua_State *L, const hl_call *c, int slot, helios_dtype dtype) {
  reader r = {.L = L, .call = c, .slot = slot, .dtype = dtype, .size = helios_dtype_size(dtype)};
  size_t numel;
  luaL_checkstack(L, HELIOS_MAX_NDIM + LUA_MINSTACK, c->function);
  find_shape(&r);
  if (!hl_shape_numel(dtype, r.ndim, r.shape, &numel)) hl_arg_error(L, c, slot, "too many elements");
  hl_tensor *t = hl_push_tensor(L, dtype, r.ndim, r.shape);
  r.out = t->dl.data;
  lua_pushvalue(L, slot);
  r.base = lua_gettop(L);
  if (r.ndim > 0) fill(&r, 0);
  else put_leaf(&r, -1);
  lua_pop(L, 1);
  lua_replace(L, slot);
  return t;
}

/* ---- whatever a user may give ------------------------------------------------------------------------ */

void hl_check_byte_count(lua_State *L, const hl_call *c, int slot, size_t length, helios_dtype dtype, int ndim,
                         const int64_t *shape) {
  size_t numel;
  const char *text = hl_push_shape_text(L, ndim, shape);
  if (!hl_shape_numel(dtype, ndim, shape, &numel))
    hl_arg_error(L, c, hl_arg_slot(c, "shape"), "%s is too large", text);
  size_t expected = numel * helios_dtype_size(dtype);
  if (length != expected)
    hl_arg_error(L, c, slot, "%s of %s takes %I bytes, got %I", helios_dtype_name(dtype), text, (lua_Integer)expected,
                 (lua_Integer)length);
  lua_pop(L, 1);
}

/* Replace the string at this slot by a view of its bytes. */
static const DLTensor *string_to_tensor(lua_State *L, const hl_call *c, int slot) {
  int shape_slot = hl_arg_slot(c, "shape"), dtype_slot = hl_arg_slot(c, "dtype");
  if (shape_slot == 0) hl_arg_type_error(L, c, slot, "a tensor");
  if (lua_isnil(L, shape_slot) || lua_isnil(L, dtype_slot))
    hl_arg_error(L, c, slot, "a string of bytes needs the options 'shape' and 'dtype'");
  int64_t shape[HELIOS_MAX_NDIM];
  int ndim = hl_check_shape(L, c, shape_slot, shape);
  helios_dtype dtype = hl_opt_dtype(L, c, dtype_slot, HELIOS_UINT8);
  size_t length;
  const char *bytes = lua_tolstring(L, slot, &length);
  hl_check_byte_count(L, c, slot, length, dtype, ndim, shape);
  void *data = (void *)(uintptr_t)bytes; /* only read: a string's view never reaches Lua code */
  const hl_tensor *t = hl_push_view(L, slot, data, dtype, ndim, shape);
  lua_replace(L, slot);
  return &t->dl;
}

static void check_option_is_unused(lua_State *L, const hl_call *c, const char *option, const char *reason) {
  int slot = hl_arg_slot(c, option);
  if (slot != 0 && !lua_isnil(L, slot)) hl_arg_error(L, c, slot, "%s", reason);
}

const DLTensor *hl_check_tensor(lua_State *L, const hl_call *c, int slot, helios_dtype fallback) {
  int type = lua_type(L, slot);
  if (type == LUA_TSTRING) return string_to_tensor(L, c, slot);
  check_option_is_unused(L, c, "shape", "only goes with a string of bytes");
  const hl_tensor *t = hl_test_tensor(L, slot);
  if (t != NULL) {
    check_option_is_unused(L, c, "dtype", "a helios.tensor has its own");
    return &t->dl;
  }
  if (type != LUA_TNUMBER && type != LUA_TTABLE) hl_arg_type_error(L, c, slot, "a tensor");
  int dtype_slot = hl_arg_slot(c, "dtype");
  helios_dtype dtype = dtype_slot == 0 ? fallback : hl_opt_dtype(L, c, dtype_slot, fallback);
  return &hl_table_to_tensor(L, c, slot, dtype)->dl;
}

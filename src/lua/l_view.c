/* l_view.c - permute, select, reshape: the same elements in another shape, where it can be without a copy. */
#include <string.h>

#include "l_tensor.h"

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
  hl_tensor *t = hl_check_method(L, "permute");
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
  hl_tensor *t = hl_check_method(L, "select");
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
  unsigned char *data = (unsigned char *)t->dl.data + (ptrdiff_t)(given[1] - 1) * hl_byte_stride(t, dim);
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
  hl_tensor *t = hl_check_method(L, "reshape");
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

const luaL_Reg HL_VIEW_METHODS[] = {{"permute", l_permute}, {"reshape", l_reshape}, {"select", l_select}, {NULL, NULL}};

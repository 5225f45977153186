/* l_figure.c - rendered figures as pixels: any number of pictures of one size as one RGB tensor. */
#include <string.h>

#include "l_tensor.h"

enum { PICTURES = 1, PICTURE_RANK = 3 };

/* Why the value on top of the stack is no picture, or NULL. */
static const char *why_no_picture(const hl_tensor *t) {
  if (t == NULL) return "expected a uint8 tensor of height x width x channels or PNG bytes";
  if (t->dtype != HELIOS_UINT8) return "expected pixels of dtype uint8";
  if (t->dl.ndim != PICTURE_RANK) return "expected 3 dimensions (height x width x channels)";
  int64_t channels = t->dl.shape[2];
  if (channels != 1 && channels != 3 && channels != 4) return "expected 1, 3 or 4 channels";
  return t->dl.shape[0] == 0 || t->dl.shape[1] == 0 ? "has no pixels" : NULL;
}

/* The picture as RGB without gaps: gray is repeated, alpha dropped. */
static void copy_rgb(unsigned char *out, const DLTensor *t) {
  int64_t step = t->shape[2] == 1 ? 0 : t->strides[2];
  for (int64_t y = 0; y < t->shape[0]; y++) {
    for (int64_t x = 0; x < t->shape[1]; x++) {
      const unsigned char *p = (const unsigned char *)t->data + y * t->strides[0] + x * t->strides[1];
      for (int64_t c = 0; c < 3; c++) *out++ = p[c * step];
    }
  }
}

/* stack(pictures): a tensor of N x height x width x 3; or nil and why not. */
static int l_stack(lua_State *L) {
  luaL_checktype(L, PICTURES, LUA_TTABLE);
  lua_Integer count = (lua_Integer)lua_rawlen(L, PICTURES);
  int64_t shape[4] = {count, 0, 0, 3};
  luaL_argcheck(L, count > 0, PICTURES, "expected pictures");
  for (lua_Integer i = 1; i <= count; i++) {
    lua_rawgeti(L, PICTURES, i);
    const hl_tensor *t = hl_test_tensor(L, -1);
    const char *why = why_no_picture(t);
    if (why == NULL && i == 1) memcpy(shape + 1, t->dl.shape, 2 * sizeof *shape);
    else if (why == NULL && (t->dl.shape[0] != shape[1] || t->dl.shape[1] != shape[2]))
      why = "is not as high and wide as the first";
    lua_pop(L, 1);
    if (why != NULL) {
      luaL_pushfail(L);
      lua_pushfstring(L, "picture %I: %s", i, why);
      return 2;
    }
  }
  size_t numel;
  if (!hl_shape_numel(HELIOS_UINT8, 4, shape, &numel)) return luaL_error(L, "stack: too many pixels");
  hl_tensor *stacked = hl_push_tensor(L, HELIOS_UINT8, 4, shape);
  for (lua_Integer i = 1; i <= count; i++) {
    lua_rawgeti(L, PICTURES, i);
    copy_rgb((unsigned char *)stacked->dl.data + (size_t)(i - 1) * (numel / (size_t)count), &hl_test_tensor(L, -1)->dl);
    lua_pop(L, 1);
  }
  return 1;
}

static const luaL_Reg FUNCTIONS[] = {{"stack", l_stack}, {NULL, NULL}};

void hl_open_figure(lua_State *L) { luaL_newlib(L, FUNCTIONS); }

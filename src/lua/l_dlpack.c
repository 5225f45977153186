/* l_dlpack.c - memory that others own, as tensors without a copy: a host's by DLPack, and the PNG decoder's. */
#include <string.h>

#include "../alloc.h"
#include "../array.h"
#include "../encode/png.h"
#include "l_tensor.h"

/* ---- from C ------------------------------------------------------------------------------------------ */

void hl_give_back(DLManagedTensor *managed) {
  if (managed != NULL && managed->deleter != NULL) managed->deleter(managed);
}

static int push_managed(lua_State *L) {
  DLManagedTensor *managed = lua_touserdata(L, 1);
  const DLTensor *dl = &managed->dl_tensor;
  helios_dtype dtype = (helios_dtype)helios_dtype_from_dl(dl->dtype);
  hl_tensor *t = hl_push_header(L, dtype, dl->ndim, dl->shape, 0);
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
    hl_give_back(managed);
    return luaL_error(L, "push_dltensor: %s", status == HELIOS_OK ? "stack overflow" : err.reason);
  }
  lua_pushcfunction(L, push_managed); /* protected: whatever it raises, the tensor goes back */
  lua_pushlightuserdata(L, managed);
  if (lua_pcall(L, 1, 1, 0) != LUA_OK) {
    hl_give_back(managed);
    return lua_error(L);
  }
  return 1;
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

int hl_decode_png(lua_State *L) {
  size_t length;
  const char *bytes = luaL_checklstring(L, 1, &length);
  hl_error err = {0};
  decoded_png *png = hl_alloc_zeroed(NULL, 1, sizeof *png);
  helios_status status = png == NULL ? HELIOS_ENOMEM : hl_png_decode(bytes, length, NULL, &png->image, &err);
  if (status == HELIOS_OK) return helios_lua_push_dltensor(L, as_managed(png));
  if (png != NULL) hl_free(NULL, png, sizeof *png);
  return hl_push_status(L, status, err.reason);
}

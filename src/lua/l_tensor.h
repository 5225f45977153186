/* l_tensor.h - the userdata behind helios.tensor, for the files that make or read one without going through Lua. */
#ifndef HL_L_TENSOR_H
#define HL_L_TENSOR_H

#include "l_helios.h"

#define HL_TENSOR "helios.tensor"

/* An owner holds its elements in the userdata itself or in `managed`; a view's user value 1 is what it shows (another
 * tensor, or a string that is only read). dl.data has its offset applied, dl.strides is never NULL, and both arrays
 * are `dims`. */
typedef struct hl_tensor {
  DLTensor dl;
  helios_dtype dtype;
  DLManagedTensor *managed; /* given back when collected; NULL when there is none */
  int64_t dims[];           /* ndim sizes, ndim strides (in elements), then the elements of an owner */
} hl_tensor;

/* Push a header and its `dims`, with `extra` zeroed bytes behind them; dl.data points to those. */
hl_tensor *hl_push_header(lua_State *L, helios_dtype dtype, int ndim, const int64_t *shape, size_t extra);
/* Push a tensor with zeroed elements. The shape's product must have been checked with hl_shape_numel. */
hl_tensor *hl_push_tensor(lua_State *L, helios_dtype dtype, int ndim, const int64_t *shape);
/* Push a view of the memory at `data`, C-contiguous to begin with, kept alive by the value at stack index `owner`. */
hl_tensor *hl_push_view(lua_State *L, int owner, void *data, helios_dtype dtype, int ndim, const int64_t *shape);
/* The tensor at this index, or NULL. */
hl_tensor *hl_test_tensor(lua_State *L, int index);
/* The tensor that a method of this name was called on. */
hl_tensor *hl_check_method(lua_State *L, const char *name);

/* The product of the sizes; false when as many elements of this dtype cannot be addressed. */
bool hl_shape_numel(helios_dtype dtype, int ndim, const int64_t *shape, size_t *numel);
size_t hl_tensor_numel(const hl_tensor *t);
bool hl_tensor_is_contiguous(const hl_tensor *t);
/* Bytes from one element to the next along a dimension, counted from 0. */
ptrdiff_t hl_byte_stride(const hl_tensor *t, int dim);
/* Copy all elements in C order to `out`. */
void hl_tensor_copy_out(const hl_tensor *t, void *out);
/* Push "{2, 3}". */
const char *hl_push_shape_text(lua_State *L, int ndim, const int64_t *shape);

/* ---- l_element.c ------------------------------------------------------------------------------------- */

/* Push one element: a boolean, an integer, or a float (also for uint64 above the largest Lua integer). */
void hl_push_element(lua_State *L, helios_dtype dtype, const unsigned char *p);
/* Store the number or boolean at `index`. NULL when done, else what was expected instead of it. */
const char *hl_put_element(lua_State *L, int index, helios_dtype dtype, unsigned char *p);

/* ---- l_view.c ---------------------------------------------------------------------------------------- */

extern const luaL_Reg HL_VIEW_METHODS[]; /* permute, reshape, select */

/* ---- l_dlpack.c -------------------------------------------------------------------------------------- */

/* Call the deleter of what a tensor held, if there is something. */
void hl_give_back(DLManagedTensor *managed);
/* tensor.decode_png(bytes): height x width x channels, or nil, message, code. */
int hl_decode_png(lua_State *L);

/* ---- l_convert.c ------------------------------------------------------------------------------------- */

/* The dtype named at this slot; `fallback` for nil. */
helios_dtype hl_opt_dtype(lua_State *L, const hl_call *c, int slot, helios_dtype fallback);
/* The list of sizes at this slot; returns how many. */
int hl_check_shape(lua_State *L, const hl_call *c, int slot, int64_t shape[HELIOS_MAX_NDIM]);
/* Replace the number, boolean or nested table at this slot by a tensor of it. */
hl_tensor *hl_table_to_tensor(lua_State *L, const hl_call *c, int slot, helios_dtype dtype);
/* Raise unless the string of `length` bytes is exactly a tensor of this dtype and shape. */
void hl_check_byte_count(lua_State *L, const hl_call *c, int slot, size_t length, helios_dtype dtype, int ndim,
                         const int64_t *shape);

#endif

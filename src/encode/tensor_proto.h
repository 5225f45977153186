/* tensor_proto.h - TensorProto as field 8 of Summary.Value: float vectors and lists of strings. */
#ifndef HL_TENSOR_PROTO_H
#define HL_TENSOR_PROTO_H

#include "../array.h"
#include "summary.h"

/* A tensor_shape: `ndim` sizes; ndim 0 is a shape that is there and empty. */
typedef struct hl_shape {
  const int64_t *dims;
  size_t ndim;
} hl_shape;

/* The tensor's header, its dtype (a number of tensorflow's DataType) and its shape; the caller appends the field of
 * values, `values_size` bytes with its tag and length. */
void hl_put_tensor_head(hl_buf *b, uint64_t dtype, hl_shape shape, size_t values_size);
/* A tensor {STRING, shape, string_val}. */
void hl_put_string_tensor(hl_buf *b, hl_shape shape, const hl_str *strings, size_t count);
/* A tensor {FLOAT, shape, float_val} whose values are rounded once, from double. */
void hl_put_float_tensor(hl_buf *b, hl_shape shape, const double *values, size_t count);
/* The same from an array of any dtype: {FLOAT, the array's shape, float_val}. */
void hl_put_float_array(hl_buf *b, const hl_array *a);

#endif

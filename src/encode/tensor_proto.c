/* tensor_proto.c - TensorProto: dtype=1, tensor_shape=2 {dim=2 {size=1}}, float_val=5, string_val=8.
 * All sizes are computed first, so that nothing is moved afterwards. Knows no plugin. */
#include "tensor_proto.h"

enum { DT_FLOAT = 1, DT_STRING = 7 };
enum { TENSOR_DTYPE = 1, TENSOR_SHAPE = 2, TENSOR_FLOAT_VAL = 5, TENSOR_STRING_VAL = 8 };
enum { SHAPE_DIM = 2, DIM_SIZE = 1 };
enum { DTYPE_FIELD_SIZE = 2 };

static size_t dim_size(int64_t size) { return size == 0 ? 0 : 1 + hl_varint_size((uint64_t)size); }

static size_t shape_size(hl_shape shape) {
  size_t n = 0;
  for (size_t i = 0; i < shape.ndim; i++) n += hl_field_size(dim_size(shape.dims[i]));
  return n;
}

void hl_put_tensor_head(hl_buf *b, uint64_t dtype, hl_shape shape, size_t values_size) {
  size_t shape_bytes = shape_size(shape);
  size_t head = DTYPE_FIELD_SIZE + hl_field_size(shape_bytes);
  size_t room = hl_field_size(head + values_size) - values_size;
  unsigned char *p = hl_buf_grow(b, room);
  if (p == NULL) return;
  p = hl_put_header(p, HL_VALUE_TENSOR, head + values_size);
  *p++ = TENSOR_DTYPE << 3 | HL_WIRE_VARINT;
  *p++ = (unsigned char)dtype;
  p = hl_put_header(p, TENSOR_SHAPE, shape_bytes);
  for (size_t i = 0; i < shape.ndim; i++) {
    p = hl_put_header(p, SHAPE_DIM, dim_size(shape.dims[i]));
    if (shape.dims[i] == 0) continue; /* proto3 leaves it out */
    *p++ = DIM_SIZE << 3 | HL_WIRE_VARINT;
    p = hl_put_varint(p, (uint64_t)shape.dims[i]);
  }
}

void hl_put_string_tensor(hl_buf *b, hl_shape shape, const hl_str *strings, size_t count) {
  size_t size = 0;
  for (size_t i = 0; i < count; i++) size += hl_field_size(strings[i].len);
  hl_put_tensor_head(b, DT_STRING, shape, size);
  unsigned char *p = hl_buf_grow(b, size);
  for (size_t i = 0; p != NULL && i < count; i++)
    p = hl_put_bytes_field(p, TENSOR_STRING_VAL, strings[i].data, strings[i].len);
}

void hl_put_float_tensor(hl_buf *b, hl_shape shape, const double *values, size_t count) {
  size_t size = count * sizeof(float);
  hl_put_tensor_head(b, DT_FLOAT, shape, count == 0 ? 0 : hl_field_size(size));
  if (count == 0) return;
  hl_wire_header(b, TENSOR_FLOAT_VAL, size);
  unsigned char *p = hl_buf_grow(b, size);
  for (size_t i = 0; p != NULL && i < count; i++) hl_put_le32(p + i * sizeof(float), hl_float_bits((float)values[i]));
}

void hl_put_float_array(hl_buf *b, const hl_array *a) {
  enum { BLOCK = 512 };
  double block[BLOCK];
  size_t size = a->numel * sizeof(float), n;
  hl_put_tensor_head(b, DT_FLOAT, (hl_shape){a->shape, (size_t)a->ndim}, a->numel == 0 ? 0 : hl_field_size(size));
  if (a->numel == 0) return;
  hl_wire_header(b, TENSOR_FLOAT_VAL, size);
  unsigned char *p = hl_buf_grow(b, size);
  hl_array_iter it;
  hl_array_iter_init(&it, a);
  while (p != NULL && (n = hl_array_next_doubles(&it, block, BLOCK)) > 0)
    for (size_t i = 0; i < n; i++, p += sizeof(float)) hl_put_le32(p, hl_float_bits((float)block[i]));
}

/* tensor.c - a whole tensor of any dtype in a TensorProto, plugin `tensor`.
 *
 * Floats lie in the bytes as they are, integers as varints; so the bytes are counted before they are written. 16-bit
 * floats are written as torch does: each as the 32 bits of the value as float32, taken for an int32. */
#include <math.h>

#include "tensor_proto.h"

enum { BLOCK_BYTES = 4096, SIZE_HINT = 32 };
#define MAX_TENSOR_BYTES ((size_t)INT32_MAX) /* protobuf's messages end at 2 GiB */

/* DataType and field of values in tensorflow/core/framework/tensor.proto. */
typedef struct form {
  uint8_t dtype;
  uint8_t field;
} form;

static const form FORMS[] = {
    [HELIOS_BOOL] = {10, 11},  [HELIOS_INT8] = {6, 7},     [HELIOS_INT16] = {5, 7},     [HELIOS_INT32] = {3, 7},
    [HELIOS_INT64] = {9, 10},  [HELIOS_UINT8] = {4, 16},   [HELIOS_UINT16] = {17, 7},   [HELIOS_UINT32] = {22, 16},
    [HELIOS_UINT64] = {23, 17}, [HELIOS_FLOAT16] = {19, 13}, [HELIOS_BFLOAT16] = {14, 13},
    [HELIOS_FLOAT32] = {1, 5}, [HELIOS_FLOAT64] = {2, 6},
};

static bool is_fixed(helios_dtype dtype) { return dtype == HELIOS_FLOAT32 || dtype == HELIOS_FLOAT64; }

static bool is_float(helios_dtype dtype) {
  return is_fixed(dtype) || dtype == HELIOS_FLOAT16 || dtype == HELIOS_BFLOAT16;
}

static uint64_t of_float_bits(float f) { return (uint64_t)(int64_t)(int32_t)hl_float_bits(f); }

/* Element i of a block of raw elements; memcpy because a block is bytes. */
#define AT(type) (*(type *)memcpy(&(type){0}, block + i * sizeof(type), sizeof(type)))

/* The varint that stands for it; negative numbers are sign-extended. */
static uint64_t varint_at(const unsigned char *block, helios_dtype dtype, size_t i) {
  switch (dtype) {
    case HELIOS_BOOL: return AT(uint8_t) != 0;
    case HELIOS_INT8: return (uint64_t)AT(int8_t);
    case HELIOS_INT16: return (uint64_t)AT(int16_t);
    case HELIOS_INT32: return (uint64_t)AT(int32_t);
    case HELIOS_INT64: return (uint64_t)AT(int64_t);
    case HELIOS_UINT8: return AT(uint8_t);
    case HELIOS_UINT16: return AT(uint16_t);
    case HELIOS_UINT32: return AT(uint32_t);
    case HELIOS_UINT64: return AT(uint64_t);
    case HELIOS_FLOAT16: return of_float_bits(hl_half_to_float(AT(uint16_t)));
    default: return of_float_bits(hl_bfloat16_to_float(AT(uint16_t)));
  }
}

static size_t count_bytes(const hl_array *a) {
  if (is_fixed(a->dtype)) return a->numel * helios_dtype_size(a->dtype);
  unsigned char block[BLOCK_BYTES];
  size_t max = BLOCK_BYTES / helios_dtype_size(a->dtype), size = 0, n;
  hl_array_iter it;
  hl_array_iter_init(&it, a);
  while ((n = hl_array_next_raw(&it, block, max)) > 0)
    for (size_t i = 0; i < n; i++) size += hl_varint_size(varint_at(block, a->dtype, i));
  return size;
}

static unsigned char *put_block(unsigned char *p, const unsigned char *block, helios_dtype dtype, size_t n) {
  for (size_t i = 0; i < n; i++) {
    if (dtype == HELIOS_FLOAT32) {
      hl_put_le32(p, hl_float_bits(AT(float)));
      p += sizeof(float);
    } else if (dtype == HELIOS_FLOAT64) {
      hl_put_le64(p, hl_double_bits(AT(double)));
      p += sizeof(double);
    } else {
      p = hl_put_varint(p, varint_at(block, dtype, i));
    }
  }
  return p;
}

static void put_tensor(hl_buf *b, const hl_array *a) {
  size_t size = count_bytes(a);
  form f = FORMS[a->dtype];
  hl_shape shape = {a->shape, (size_t)a->ndim};
  size_t head = hl_varint_size((uint64_t)f.field << 3) + hl_varint_size(size);
  hl_put_tensor_head(b, f.dtype, shape, a->numel == 0 ? 0 : head + size);
  if (a->numel == 0) return;
  hl_wire_header(b, f.field, size);
  unsigned char *p = hl_buf_grow(b, size);
  unsigned char block[BLOCK_BYTES];
  size_t max = BLOCK_BYTES / helios_dtype_size(a->dtype), n;
  hl_array_iter it;
  hl_array_iter_init(&it, a);
  while (p != NULL && (n = hl_array_next_raw(&it, block, max)) > 0) p = put_block(p, block, a->dtype, n);
}

/* The first NaN or infinity, 0 when there is none. */
static double find_not_finite(const hl_array *a) {
  double block[BLOCK_BYTES / sizeof(double)];
  size_t n;
  hl_array_iter it;
  hl_array_iter_init(&it, a);
  while ((n = hl_array_next_doubles(&it, block, BLOCK_BYTES / sizeof(double))) > 0)
    for (size_t i = 0; i < n; i++)
      if (!isfinite(block[i])) return block[i];
  return 0;
}

helios_status hl_encode_tensor(hl_buf *out, hl_str tag, const DLTensor *tensor, double *not_finite, hl_error *err) {
  hl_array a;
  helios_status st = hl_array_from_dl(&a, tensor, "tensor", err);
  if (st != HELIOS_OK) return st;
  if (a.numel * helios_dtype_size(a.dtype) > MAX_TENSOR_BYTES)
    return hl_invalid(err, "tensor", "larger than the 2 GiB of an event");
  size_t hint = a.numel * helios_dtype_size(a.dtype) + SIZE_HINT;
  size_t mark = hl_value_begin(out, tag, hint);
  put_tensor(out, &a);
  if (not_finite != NULL) *not_finite = is_float(a.dtype) ? find_not_finite(&a) : 0;
  hl_put_metadata(out, hl_str_of("tensor"), (hl_str){"", 0});
  hl_value_end(out, mark, tag, hint);
  return hl_buf_status(out);
}

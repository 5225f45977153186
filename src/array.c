/* array.c - a DLTensor checked once and walked safely.
 *
 * The checks make every later address computation safe: numel * element size and the reach of all strides fit in
 * an int64. Knows memory layout and number formats; not what the numbers mean. */
#include "array.h"

#include <string.h>

#include "bytes.h"

/* ---- number formats ---------------------------------------------------------------------------------- */

float hl_half_to_float(uint16_t bits) {
  uint32_t sign = (uint32_t)(bits & 0x8000u) << 16;
  uint32_t exponent = bits >> 10 & 0x1fu;
  uint32_t fraction = bits & 0x3ffu;
  if (exponent == 0x1f) return hl_float_from_bits(sign | 0x7f800000u | fraction << 13);
  if (exponent != 0) return hl_float_from_bits(sign | (exponent + 112) << 23 | fraction << 13);
  float magnitude = (float)fraction * 0x1p-24f; /* zero and denormals: exact in a float */
  return hl_float_from_bits(sign | hl_float_bits(magnitude));
}

float hl_bfloat16_to_float(uint16_t bits) { return hl_float_from_bits((uint32_t)bits << 16); }

/* v / 2^shift to the nearest, halves to even; 0 < shift < 32 */
static uint32_t shift_to_even(uint32_t v, unsigned shift) {
  uint32_t kept = v >> shift;
  uint32_t rest = v & ((1u << shift) - 1);
  uint32_t half = 1u << (shift - 1);
  return kept + (rest > half || (rest == half && (kept & 1)));
}

uint16_t hl_float_to_half(float f) {
  uint32_t bits = hl_float_bits(f);
  uint32_t sign = bits >> 16 & 0x8000u;
  uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return (uint16_t)(sign | 0x7e00u | (magnitude >> 13 & 0x3ffu)); /* a quiet NaN */
  if (magnitude >= 0x47800000u) return (uint16_t)(sign | 0x7c00u);                             /* 2^16 and more */
  if (magnitude >= 0x38800000u) /* 2^-14 and more: normal; a carry makes the next exponent, or infinity */
    return (uint16_t)(sign | shift_to_even(magnitude - 0x38000000u, 13));
  unsigned exponent = magnitude >> 23;
  if (exponent < 102) return (uint16_t)sign; /* below half of the smallest denormal, 2^-25 */
  return (uint16_t)(sign | shift_to_even((magnitude & 0x7fffffu) | 0x800000u, 126 - exponent));
}

uint16_t hl_float_to_bfloat16(float f) {
  uint32_t bits = hl_float_bits(f);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return (uint16_t)(bits >> 16 | 0x40u); /* NaN must stay NaN */
  return (uint16_t)shift_to_even(bits, 16);
}

/* ---- runs of elements: one pair of loops per dtype ----------------------------------------------------- */

/* n elements that lie `stride` bytes apart, converted. The dense case goes eight at a time, a count that compilers make
 * vector code of without being asked for it. memcpy because nobody promised alignment. */
#define DEFINE_RUN(name, out_type, in_type, value)                                                        \
  static void name(out_type *restrict out, const unsigned char *restrict p, int64_t stride, size_t n) {  \
    in_type v;                                                                                            \
    size_t i = 0;                                                                                         \
    if (stride == (int64_t)sizeof v)                                                                      \
      for (; i + 8 <= n; i += 8)                                                                          \
        for (size_t k = i; k < i + 8; k++) {                                                              \
          memcpy(&v, p + k * sizeof v, sizeof v);                                                         \
          out[k] = (out_type)(value);                                                                     \
        }                                                                                                 \
    for (; i < n; i++) {                                                                                  \
      memcpy(&v, p + (int64_t)i * stride, sizeof v);                                                      \
      out[i] = (out_type)(value);                                                                         \
    }                                                                                                     \
  }

#define DEFINE_RUNS(suffix, in_type, value)                  \
  DEFINE_RUN(doubles_##suffix, double, in_type, value)       \
  DEFINE_RUN(floats_##suffix, float, in_type, value)

/* 1 for anything but 0. As `v != 0` gcc makes it a branch, and labels are as hard to predict as anything can be. */
DEFINE_RUNS(bool, uint8_t, (v + 0xFF) >> 8)
DEFINE_RUNS(int8, int8_t, v)
DEFINE_RUNS(int16, int16_t, v)
DEFINE_RUNS(int32, int32_t, v)
DEFINE_RUNS(int64, int64_t, v)
DEFINE_RUNS(uint8, uint8_t, v)
DEFINE_RUNS(uint16, uint16_t, v)
DEFINE_RUNS(uint32, uint32_t, v)
DEFINE_RUNS(uint64, uint64_t, v)
DEFINE_RUNS(float16, uint16_t, hl_half_to_float(v))
DEFINE_RUNS(bfloat16, uint16_t, hl_bfloat16_to_float(v))
DEFINE_RUNS(float32, float, v)
DEFINE_RUNS(float64, double, v)

typedef struct runs {
  void (*doubles)(double *out, const unsigned char *p, int64_t stride, size_t n);
  void (*floats)(float *out, const unsigned char *p, int64_t stride, size_t n);
} runs;

static const runs runs_of[] = {
    [HELIOS_BOOL] = {doubles_bool, floats_bool},          [HELIOS_INT8] = {doubles_int8, floats_int8},
    [HELIOS_INT16] = {doubles_int16, floats_int16},       [HELIOS_INT32] = {doubles_int32, floats_int32},
    [HELIOS_INT64] = {doubles_int64, floats_int64},       [HELIOS_UINT8] = {doubles_uint8, floats_uint8},
    [HELIOS_UINT16] = {doubles_uint16, floats_uint16},    [HELIOS_UINT32] = {doubles_uint32, floats_uint32},
    [HELIOS_UINT64] = {doubles_uint64, floats_uint64},    [HELIOS_FLOAT16] = {doubles_float16, floats_float16},
    [HELIOS_BFLOAT16] = {doubles_bfloat16, floats_bfloat16}, [HELIOS_FLOAT32] = {doubles_float32, floats_float32},
    [HELIOS_FLOAT64] = {doubles_float64, floats_float64},
};

double hl_element_as_double(helios_dtype dtype, const unsigned char *p) {
  double v;
  runs_of[dtype].doubles(&v, p, 0, 1);
  return v;
}

void hl_run_floats(helios_dtype dtype, float *out, const unsigned char *p, int64_t stride, size_t n) {
  runs_of[dtype].floats(out, p, stride, n);
}

/* ---- checking ------------------------------------------------------------------------------------------ */

static bool is_host_memory(DLDeviceType device) {
  return device == kDLCPU || device == kDLCUDAHost || device == kDLCUDAManaged;
}

static helios_status check_head(const DLTensor *t, const char *argument, hl_error *err) {
  if (t == NULL) return hl_invalid(err, argument, "expected a tensor, got none");
  if (!is_host_memory(t->device.device_type))
    return hl_invalid(err, argument, "the tensor is not in CPU memory (DLPack device type %d)",
                      (int)t->device.device_type);
  if (t->ndim < 0 || t->ndim > HELIOS_MAX_NDIM)
    return hl_invalid(err, argument, "expected 0 to %d dimensions, got %d", HELIOS_MAX_NDIM, (int)t->ndim);
  if (t->ndim > 0 && t->shape == NULL) return hl_invalid(err, argument, "the tensor has no shape");
  if (helios_dtype_from_dl(t->dtype) < 0)
    return hl_invalid(err, argument, "unsupported element type (DLPack code %d, %d bits, %d lanes)",
                      (int)t->dtype.code, (int)t->dtype.bits, (int)t->dtype.lanes);
  return HELIOS_OK;
}

/* Sizes to a->shape, their product to a->numel. */
static helios_status take_shape(hl_array *a, const DLTensor *t, const char *argument, hl_error *err) {
  int64_t bytes = (int64_t)helios_dtype_size(a->dtype);
  bool empty = false, overflow = false;
  for (int i = 0; i < a->ndim; i++) {
    int64_t size = a->shape[i] = t->shape[i];
    if (size < 0) return hl_invalid(err, argument, "dimension %d has the size %lld", i + 1, (long long)size);
    if (size == 0) empty = true;
    else overflow |= __builtin_mul_overflow(bytes, size, &bytes);
  }
  if (overflow && !empty) return hl_invalid(err, argument, "the product of the sizes overflows");
  a->numel = empty ? 0 : (size_t)(bytes / (int64_t)helios_dtype_size(a->dtype));
  return HELIOS_OK;
}

static void dense_strides(hl_array *a) {
  int64_t step = (int64_t)helios_dtype_size(a->dtype);
  for (int i = a->ndim - 1; i >= 0; i--) {
    a->stride[i] = a->numel == 0 ? 0 : step;
    if (a->numel != 0) step *= a->shape[i];
  }
}

static helios_status take_strides(hl_array *a, const DLTensor *t, const char *argument, hl_error *err) {
  int64_t item = (int64_t)helios_dtype_size(a->dtype);
  int64_t reach = 0;
  for (int i = 0; i < a->ndim; i++) {
    int64_t extent;
    if (a->numel == 0 || a->shape[i] == 1) {
      a->stride[i] = 0; /* never stepped along: whatever the producer left there does not count */
      continue;
    }
    bool overflow = __builtin_mul_overflow(t->strides[i], item, &a->stride[i]) ||
                    __builtin_mul_overflow(a->stride[i], a->shape[i] - 1, &extent) || extent == INT64_MIN ||
                    __builtin_add_overflow(reach, extent < 0 ? -extent : extent, &reach);
    if (overflow) return hl_invalid(err, argument, "the stride of dimension %d overflows", i + 1);
  }
  return HELIOS_OK;
}

static bool is_contiguous(const hl_array *a) {
  int64_t step = (int64_t)helios_dtype_size(a->dtype);
  for (int i = a->ndim - 1; i >= 0 && a->numel != 0; i--) {
    if (a->shape[i] == 1) continue;
    if (a->stride[i] != step) return false;
    step *= a->shape[i];
  }
  return true;
}

helios_status hl_array_from_dl(hl_array *a, const DLTensor *t, const char *argument, hl_error *err) {
  helios_status st = check_head(t, argument, err);
  if (st != HELIOS_OK) return st;
  a->dtype = (helios_dtype)helios_dtype_from_dl(t->dtype);
  a->ndim = t->ndim;
  st = take_shape(a, t, argument, err);
  if (st != HELIOS_OK) return st;
  if (t->strides == NULL) dense_strides(a);
  else if ((st = take_strides(a, t, argument, err)) != HELIOS_OK) return st;
  if (t->data == NULL && a->numel != 0) return hl_invalid(err, argument, "the tensor has no data");
  a->data = t->data == NULL ? NULL : (const unsigned char *)t->data + t->byte_offset;
  a->contiguous = is_contiguous(a);
  return HELIOS_OK;
}

void hl_array_permute(hl_array *a, const int *order) {
  hl_array old = *a;
  for (int i = 0; i < a->ndim; i++) {
    a->shape[i] = old.shape[order[i]];
    a->stride[i] = old.stride[order[i]];
  }
  a->contiguous = is_contiguous(a);
}

/* ---- walking ------------------------------------------------------------------------------------------- */

void hl_array_iter_init(hl_array_iter *it, const hl_array *a) { *it = (hl_array_iter){.array = a}; }

typedef struct stretch {
  const unsigned char *p;
  int64_t stride;
  size_t n;
} stretch;

/* Where the iterator stands, and how many of the next `max` elements lie evenly spaced from there. */
static stretch next_stretch(const hl_array_iter *it, size_t max) {
  const hl_array *a = it->array;
  size_t left = a->numel - it->done;
  if (max > left) max = left;
  if (a->contiguous) {
    int64_t item = (int64_t)helios_dtype_size(a->dtype);
    return (stretch){a->data + it->done * (size_t)item, item, max};
  }
  const unsigned char *p = a->data;
  for (int i = 0; i < a->ndim; i++) p += it->index[i] * a->stride[i];
  size_t in_row = (size_t)(a->shape[a->ndim - 1] - it->index[a->ndim - 1]);
  return (stretch){p, a->stride[a->ndim - 1], max < in_row ? max : in_row};
}

/* n is within the last dimension's row, or the array is contiguous and the index is not looked at. */
static void advance(hl_array_iter *it, size_t n) {
  const hl_array *a = it->array;
  it->done += n;
  if (a->contiguous) return;
  int i = a->ndim - 1;
  it->index[i] += (int64_t)n;
  for (; i > 0 && it->index[i] == a->shape[i]; i--) {
    it->index[i] = 0;
    it->index[i - 1]++;
  }
}

size_t hl_array_next_doubles(hl_array_iter *it, double *out, size_t max) {
  size_t n = 0;
  while (n < max && it->done < it->array->numel) {
    stretch s = next_stretch(it, max - n);
    runs_of[it->array->dtype].doubles(out + n, s.p, s.stride, s.n);
    advance(it, s.n);
    n += s.n;
  }
  return n;
}

size_t hl_array_next_floats(hl_array_iter *it, float *out, size_t max) {
  size_t n = 0;
  while (n < max && it->done < it->array->numel) {
    stretch s = next_stretch(it, max - n);
    runs_of[it->array->dtype].floats(out + n, s.p, s.stride, s.n);
    advance(it, s.n);
    n += s.n;
  }
  return n;
}

static void copy_stretch(unsigned char *out, const stretch *s, size_t item) {
  if (s->stride == (int64_t)item) {
    memcpy(out, s->p, s->n * item);
    return;
  }
  for (size_t i = 0; i < s->n; i++) memcpy(out + i * item, s->p + (int64_t)i * s->stride, item);
}

size_t hl_array_next_raw(hl_array_iter *it, void *out, size_t max) {
  size_t n = 0, item = helios_dtype_size(it->array->dtype);
  while (n < max && it->done < it->array->numel) {
    stretch s = next_stretch(it, max - n);
    copy_stretch((unsigned char *)out + n * item, &s, item);
    advance(it, s.n);
    n += s.n;
  }
  return n;
}

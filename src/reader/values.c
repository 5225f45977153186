/* values.c - what lies inside a value: tensors, images, sounds, histograms. Decodes in place, allocates nothing.
 * Source of the field numbers: tensorflow/core/framework/tensor.proto, summary.proto. */
#include "../array.h"
#include "../wire.h"
#include "event_reader.h"

/* TensorFlow's DataType numbers that carry values here. */
enum {
  TF_FLOAT = 1, TF_DOUBLE = 2, TF_INT32 = 3, TF_UINT8 = 4, TF_INT16 = 5, TF_INT8 = 6, TF_STRING = 7, TF_INT64 = 9,
  TF_BOOL = 10, TF_BFLOAT16 = 14, TF_UINT16 = 17, TF_HALF = 19, TF_UINT32 = 22, TF_UINT64 = 23
};

/* Fields of TensorProto. */
enum {
  DTYPE = 1, SHAPE = 2, CONTENT = 4, FLOAT_VAL = 5, DOUBLE_VAL = 6, INT_VAL = 7, STRING_VAL = 8, INT64_VAL = 10,
  BOOL_VAL = 11, HALF_VAL = 13, UINT32_VAL = 16, UINT64_VAL = 17
};

static const uint64_t MOST_REPEATED = (uint64_t)1 << 22;

static helios_slice slice(hl_str s) { return (helios_slice){s.data, s.len}; }

static void start(hl_wire_reader *r, helios_slice message) { hl_wire_read(r, message.data, message.length); }

/* ---- tensors ---------------------------------------------------------------------------------------- */

static int64_t dim_size(hl_str dim) {
  hl_wire_reader r;
  hl_wire_item item;
  int64_t size = 0;
  hl_wire_read(&r, dim.data, dim.len);
  while (hl_wire_next(&r, &item))
    if (item.field == 1 && item.type == HL_WIRE_VARINT) size = (int64_t)item.value;
  return size;
}

static void take_shape(hl_str shape, int64_t *sizes, int max, int *ndim) {
  hl_wire_reader r;
  hl_wire_item item;
  hl_wire_read(&r, shape.data, shape.len);
  while (hl_wire_next(&r, &item)) {
    if (item.field != 2 || item.type != HL_WIRE_BYTES) continue;
    if (*ndim < max) sizes[*ndim] = dim_size(item.bytes);
    if (*ndim < INT32_MAX) (*ndim)++;
  }
}

static bool read_shape(helios_slice tensor, int *dtype, int64_t *sizes, int max, int *ndim) {
  hl_wire_reader r;
  hl_wire_item item;
  *dtype = 0;
  *ndim = 0;
  start(&r, tensor);
  while (hl_wire_next(&r, &item)) {
    if (item.field == DTYPE && item.type == HL_WIRE_VARINT) *dtype = (int)(item.value & 0xff);
    else if (item.field == SHAPE && item.type == HL_WIRE_BYTES) take_shape(item.bytes, sizes, max, ndim);
  }
  return !r.bad;
}

/* Where numbers go: stored while there is room, counted always. */
typedef struct sink {
  double *out;
  size_t max;
  size_t count;
  double last;
} sink;

static void put(sink *s, double v) {
  if (s->count < s->max) s->out[s->count] = v;
  s->count++;
  s->last = v;
}

/* half_val holds 16 bits (TensorFlow) or, torch's habit, the 32 bits of the value as a float. */
static double half_value(int dtype, uint64_t v) {
  uint32_t bits = (uint32_t)v;
  if (bits > 0xffff) return (double)hl_float_from_bits(bits);
  return (double)(dtype == TF_HALF ? hl_half_to_float((uint16_t)bits) : hl_bfloat16_to_float((uint16_t)bits));
}

static double varint_value(int dtype, uint32_t field, uint64_t v) {
  switch (field) {
    case HALF_VAL: return half_value(dtype, v);
    case BOOL_VAL: return v != 0 ? 1 : 0;
    case UINT32_VAL: return (double)(uint32_t)v;
    case UINT64_VAL: return (double)v;
    case INT_VAL: return (double)(int32_t)v;
    default: return (double)(int64_t)v;
  }
}

static bool put_packed_varints(sink *s, int dtype, uint32_t field, hl_str packed) {
  const unsigned char *p = (const unsigned char *)packed.data;
  const unsigned char *end = p + packed.len;
  while (p < end) {
    uint64_t v;
    p = hl_get_varint(p, end, &v);
    if (p == NULL) return false;
    put(s, varint_value(dtype, field, v));
  }
  return true;
}

static bool put_packed(sink *s, int dtype, uint32_t field, hl_str packed) {
  const unsigned char *p = (const unsigned char *)packed.data;
  if (field == FLOAT_VAL) {
    for (size_t i = 0; i + 4 <= packed.len; i += 4) put(s, (double)hl_float_from_bits(hl_get_le32(p + i)));
    return packed.len % 4 == 0;
  }
  if (field == DOUBLE_VAL) {
    for (size_t i = 0; i + 8 <= packed.len; i += 8) put(s, hl_double_from_bits(hl_get_le64(p + i)));
    return packed.len % 8 == 0;
  }
  return put_packed_varints(s, dtype, field, packed);
}

static int helios_dtype_of_tf(int dtype) {
  switch (dtype) {
    case TF_FLOAT: return HELIOS_FLOAT32;
    case TF_DOUBLE: return HELIOS_FLOAT64;
    case TF_INT32: return HELIOS_INT32;
    case TF_UINT8: return HELIOS_UINT8;
    case TF_INT16: return HELIOS_INT16;
    case TF_INT8: return HELIOS_INT8;
    case TF_INT64: return HELIOS_INT64;
    case TF_BOOL: return HELIOS_BOOL;
    case TF_BFLOAT16: return HELIOS_BFLOAT16;
    case TF_UINT16: return HELIOS_UINT16;
    case TF_HALF: return HELIOS_FLOAT16;
    case TF_UINT32: return HELIOS_UINT32;
    case TF_UINT64: return HELIOS_UINT64;
    default: return -1;
  }
}

static bool put_content(sink *s, int dtype, hl_str content) {
  int type = helios_dtype_of_tf(dtype);
  if (type < 0) return content.len == 0;
  size_t size = helios_dtype_size((helios_dtype)type);
  const unsigned char *p = (const unsigned char *)content.data;
  for (size_t i = 0; i + size <= content.len; i += size) put(s, hl_element_as_double((helios_dtype)type, p + i));
  return content.len % size == 0;
}

static bool is_number_field(uint32_t field) {
  return (field >= FLOAT_VAL && field <= INT_VAL) || field == INT64_VAL || field == BOOL_VAL || field == HALF_VAL ||
         field == UINT32_VAL || field == UINT64_VAL;
}

static bool put_item(sink *s, int dtype, const hl_wire_item *item) {
  if (item->field == CONTENT && item->type == HL_WIRE_BYTES) return put_content(s, dtype, item->bytes);
  if (!is_number_field(item->field)) return true;
  if (item->type == HL_WIRE_BYTES) return put_packed(s, dtype, item->field, item->bytes);
  if (item->type == HL_WIRE_FIXED32) put(s, (double)hl_float_from_bits((uint32_t)item->value));
  else if (item->type == HL_WIRE_FIXED64) put(s, hl_double_from_bits(item->value));
  else put(s, varint_value(dtype, item->field, item->value));
  return true;
}

static bool put_numbers(sink *s, helios_slice tensor, int dtype) {
  hl_wire_reader r;
  hl_wire_item item;
  start(&r, tensor);
  while (hl_wire_next(&r, &item))
    if (!put_item(s, dtype, &item)) return false;
  return !r.bad;
}

bool hl_tensor_scalar(helios_slice tensor, double *value, bool *single) {
  static const char FLOAT_SCALAR[] = "\x08\x01\x2a\x04"; /* what torch and this library write: dtype, a packed float */
  if (tensor.length == 8 && memcmp(tensor.data, FLOAT_SCALAR, 4) == 0) {
    *value = (double)hl_float_from_bits(hl_get_le32((const unsigned char *)tensor.data + 4));
    *single = true;
    return true;
  }
  int dtype, ndim;
  int64_t sizes[4];
  if (!read_shape(tensor, &dtype, sizes, 4, &ndim)) return false;
  sink s = {NULL, 0, 0, 0};
  if (!put_numbers(&s, tensor, dtype) || s.count != 1) return false;
  *value = s.last;
  *single = dtype != TF_DOUBLE && dtype != TF_INT64 && dtype != TF_INT32;
  return true;
}

/* Elements of a shape; saturates. */
static uint64_t shape_count(const int64_t *sizes, int ndim) {
  uint64_t n = 1;
  for (int i = 0; i < ndim; i++) {
    uint64_t size = sizes[i] < 0 ? 0 : (uint64_t)sizes[i];
    if (__builtin_mul_overflow(n, size, &n)) n = UINT64_MAX;
  }
  return n;
}

static helios_status repeat_last(sink *s, const int64_t *sizes, int ndim) {
  if (ndim == 0 || s->count == 0) return HELIOS_OK;
  uint64_t wanted = shape_count(sizes, ndim);
  if (wanted <= s->count) return HELIOS_OK;
  if (wanted > MOST_REPEATED) return HELIOS_ELIMIT;
  while (s->count < wanted) put(s, s->last);
  return HELIOS_OK;
}

helios_status helios_point_numbers(const helios_point *p, double *out, size_t max, size_t *count) {
  if (p == NULL || count == NULL || (out == NULL && max > 0)) return HELIOS_EINVAL;
  *count = 0;
  if (p->data_field == 2) {
    *count = 1;
    if (max > 0) out[0] = p->value;
    return HELIOS_OK;
  }
  if (p->data_field != 8) return HELIOS_EINVAL;
  int dtype, ndim;
  int64_t sizes[16];
  if (!read_shape(p->data, &dtype, sizes, 16, &ndim)) return HELIOS_EFORMAT;
  if (ndim > 16) return HELIOS_ELIMIT;
  sink s = {out, max, 0, 0};
  if (!put_numbers(&s, p->data, dtype)) return HELIOS_EFORMAT;
  helios_status st = repeat_last(&s, sizes, ndim);
  *count = s.count;
  return st;
}

helios_status helios_point_shape(const helios_point *p, int *dtype, int64_t *sizes, int max, int *ndim) {
  if (p == NULL || dtype == NULL || ndim == NULL || (sizes == NULL && max > 0)) return HELIOS_EINVAL;
  *dtype = TF_FLOAT;
  *ndim = 0;
  if (p->data_field == 2) return HELIOS_OK;
  if (p->data_field != 8) return HELIOS_EINVAL;
  return read_shape(p->data, dtype, sizes, max, ndim) ? HELIOS_OK : HELIOS_EFORMAT;
}

helios_status helios_point_string(const helios_point *p, size_t i, helios_slice *out) {
  hl_wire_reader r;
  hl_wire_item item;
  if (p == NULL || out == NULL || p->data_field != 8) return HELIOS_EINVAL;
  start(&r, p->data);
  while (hl_wire_next(&r, &item)) {
    if (item.field != STRING_VAL || item.type != HL_WIRE_BYTES || i-- > 0) continue;
    *out = slice(item.bytes);
    return HELIOS_OK;
  }
  return r.bad ? HELIOS_EFORMAT : HELIOS_EAGAIN;
}

/* ---- images and sounds ------------------------------------------------------------------------------ */

static int64_t decimal(helios_slice s) {
  int64_t n = 0;
  for (size_t i = 0; i < s.length && s.data[i] >= '0' && s.data[i] <= '9' && n < INT32_MAX; i++)
    n = n * 10 + (s.data[i] - '0');
  return n;
}

/* New-style: strings width, height, and one encoded image after another. */
static helios_status tensor_image(const helios_point *p, size_t index, helios_image_view *out) {
  helios_slice text;
  helios_status st = helios_point_string(p, 0, &text);
  if (st != HELIOS_OK) return st;
  out->width = decimal(text);
  st = helios_point_string(p, 1, &text);
  if (st != HELIOS_OK) return st;
  out->height = decimal(text);
  return helios_point_string(p, index + 2, &out->encoded);
}

helios_status helios_point_image(const helios_point *p, size_t index, helios_image_view *out) {
  hl_wire_reader r;
  hl_wire_item item;
  if (p == NULL || out == NULL) return HELIOS_EINVAL;
  *out = (helios_image_view){.encoded = {"", 0}};
  if (p->kind != HELIOS_KIND_IMAGE) return HELIOS_EINVAL;
  if (p->data_field == 8) return tensor_image(p, index, out);
  if (index > 0) return HELIOS_EAGAIN;
  start(&r, p->data);
  while (hl_wire_next(&r, &item)) {
    if (item.field == 4 && item.type == HL_WIRE_BYTES) out->encoded = slice(item.bytes);
    if (item.type != HL_WIRE_VARINT) continue;
    if (item.field == 1) out->height = (int64_t)item.value;
    else if (item.field == 2) out->width = (int64_t)item.value;
    else if (item.field == 3) out->colorspace = (int64_t)item.value;
  }
  return r.bad ? HELIOS_EFORMAT : HELIOS_OK;
}

/* New-style: a [n, 2] tensor of strings, sound and label. */
static helios_status tensor_audio(const helios_point *p, size_t index, helios_audio_view *out) {
  int dtype, ndim;
  int64_t sizes[2] = {0, 1};
  helios_status st = helios_point_shape(p, &dtype, sizes, 2, &ndim);
  if (st != HELIOS_OK) return st;
  size_t columns = ndim == 2 && sizes[1] == 2 ? 2 : 1;
  return helios_point_string(p, index * columns, &out->encoded);
}

static void take_audio_item(helios_audio_view *out, const hl_wire_item *item) {
  if (item->type == HL_WIRE_FIXED32 && item->field == 1)
    out->sample_rate = (double)hl_float_from_bits((uint32_t)item->value);
  else if (item->type == HL_WIRE_VARINT && item->field == 2) out->channels = (int64_t)item->value;
  else if (item->type == HL_WIRE_VARINT && item->field == 3) out->frames = (int64_t)item->value;
  else if (item->type == HL_WIRE_BYTES && item->field == 4) out->encoded = slice(item->bytes);
  else if (item->type == HL_WIRE_BYTES && item->field == 5) out->content_type = slice(item->bytes);
}

helios_status helios_point_audio(const helios_point *p, size_t index, helios_audio_view *out) {
  hl_wire_reader r;
  hl_wire_item item;
  if (p == NULL || out == NULL) return HELIOS_EINVAL;
  *out = (helios_audio_view){.encoded = {"", 0}, .content_type = {"audio/wav", 9}};
  if (p->kind != HELIOS_KIND_AUDIO) return HELIOS_EINVAL;
  if (p->data_field == 8) return tensor_audio(p, index, out);
  if (index > 0) return HELIOS_EAGAIN;
  start(&r, p->data);
  while (hl_wire_next(&r, &item)) take_audio_item(out, &item);
  return r.bad ? HELIOS_EFORMAT : HELIOS_OK;
}

/* ---- histograms ------------------------------------------------------------------------------------- */

typedef struct buckets {
  helios_bucket *out;
  size_t max;
  size_t count;
} buckets;

static void put_bucket(buckets *b, double left, double right, double count) {
  if (b->count < b->max) b->out[b->count] = (helios_bucket){left, right, count};
  b->count++;
}

/* The doubles of one repeated field, packed or one by one. */
typedef struct doubles {
  hl_wire_reader r;
  uint32_t field;
  const char *packed;
  size_t left;
} doubles;

static bool next_double(doubles *d, double *v) {
  hl_wire_item item;
  while (d->left < 8) {
    if (!hl_wire_next(&d->r, &item)) return false;
    if (item.field != d->field) continue;
    if (item.type == HL_WIRE_FIXED64) {
      *v = hl_double_from_bits(item.value);
      return true;
    }
    if (item.type == HL_WIRE_BYTES) {
      d->packed = item.bytes.data;
      d->left = item.bytes.len;
    }
  }
  *v = hl_double_from_bits(hl_get_le64((const unsigned char *)d->packed));
  d->packed += 8;
  d->left -= 8;
  return true;
}

static doubles doubles_of(helios_slice message, uint32_t field) {
  doubles d = {.field = field};
  start(&d.r, message);
  return d;
}

/* As TensorBoard has them: a bucket reaches from the limit before it to its own, the outer ends are min and max. */
static void old_buckets(const helios_point *p, const helios_histogram_view *view, buckets *b) {
  doubles limits = doubles_of(p->data, 6);
  doubles counts = doubles_of(p->data, 7);
  double limit, next_limit, count, left = view->min;
  bool more = next_double(&limits, &limit);
  for (size_t i = 0; more && next_double(&counts, &count); i++) {
    more = next_double(&limits, &next_limit);
    double right = more ? limit : view->max;
    if (i > 0 || count > 0 || left < right) put_bucket(b, left, right, count);
    left = limit;
    limit = next_limit;
  }
}

static void take_statistic(helios_histogram_view *v, uint32_t field, double number) {
  double *const fields[] = {&v->min, &v->max, &v->num, &v->sum, &v->sum_squares};
  if (field >= 1 && field <= 5) *fields[field - 1] = number;
}

static helios_status old_histogram(const helios_point *p, helios_histogram_view *view, buckets *b) {
  hl_wire_reader r;
  hl_wire_item item;
  start(&r, p->data);
  while (hl_wire_next(&r, &item))
    if (item.type == HL_WIRE_FIXED64) take_statistic(view, item.field, hl_double_from_bits(item.value));
  if (r.bad) return HELIOS_EFORMAT;
  old_buckets(p, view, b);
  return HELIOS_OK;
}

/* One number of a [k, 3] tensor of doubles or floats, which TensorFlow and others write in one of three fields. */
typedef struct triple_sink {
  double row[3];
  size_t filled;
} triple_sink;

static void put_triple(triple_sink *t, double v, helios_histogram_view *view, buckets *b) {
  t->row[t->filled++] = v;
  if (t->filled < 3) return;
  t->filled = 0;
  if (b->count == 0) view->min = t->row[0];
  view->max = t->row[1];
  view->num += t->row[2];
  put_bucket(b, t->row[0], t->row[1], t->row[2]);
}

static helios_status new_histogram(const helios_point *p, helios_histogram_view *view, buckets *b) {
  int dtype, ndim;
  int64_t sizes[2];
  if (!read_shape(p->data, &dtype, sizes, 2, &ndim)) return HELIOS_EFORMAT;
  triple_sink t = {.filled = 0};
  hl_wire_reader r;
  hl_wire_item item;
  start(&r, p->data);
  while (hl_wire_next(&r, &item)) {
    bool single = item.field == FLOAT_VAL || dtype == TF_FLOAT;
    if ((item.field != CONTENT && item.field != FLOAT_VAL && item.field != DOUBLE_VAL) || item.type != HL_WIRE_BYTES)
      continue;
    const unsigned char *data = (const unsigned char *)item.bytes.data;
    size_t size = single ? 4 : 8;
    for (size_t i = 0; i + size <= item.bytes.len; i += size)
      put_triple(&t, single ? (double)hl_float_from_bits(hl_get_le32(data + i))
                            : hl_double_from_bits(hl_get_le64(data + i)), view, b);
  }
  return r.bad ? HELIOS_EFORMAT : HELIOS_OK;
}

helios_status helios_point_histogram(const helios_point *p, helios_histogram_view *view, helios_bucket *out,
                                     size_t max, size_t *count) {
  helios_histogram_view unwanted;
  if (p == NULL || count == NULL || (out == NULL && max > 0)) return HELIOS_EINVAL;
  if (view == NULL) view = &unwanted;
  *view = (helios_histogram_view){0};
  *count = 0;
  if (p->kind != HELIOS_KIND_HISTOGRAM) return HELIOS_EINVAL;
  buckets b = {out, max, 0};
  helios_status st = p->data_field == 8 ? new_histogram(p, view, &b) : old_histogram(p, view, &b);
  *count = b.count;
  return st;
}

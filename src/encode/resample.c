/* resample.c - the Lanczos filter with a radius of 3, first along rows, then along columns.
 *
 * Pillow's arithmetic is part of the result: weights are doubles rounded to 22 fractional bits, each pass rounds to
 * bytes, columns go first when that drops more than twice as many rows as there are columns to drop, and colours are
 * multiplied by their alpha before and divided after, so that transparent ones do not bleed. */
#include "resample.h"

#include <math.h>
#include <stdbool.h>

enum { FRACTION_BITS = 22, RADIUS = 3 };

/* The source pixels that make up one pixel of the result. */
typedef struct span {
  uint32_t first, count;
} span;

typedef struct kernel {
  span *spans;      /* one for each pixel of the result */
  int32_t *weights; /* `stride` for each */
  uint32_t stride, length;
} kernel;

static double sinc(double x) { return x == 0.0 ? 1.0 : sin(x * M_PI) / (x * M_PI); }

static double lanczos(double x) { return x >= -RADIUS && x < RADIUS ? sinc(x) * sinc(x / RADIUS) : 0.0; }

static int32_t to_fixed(double w) { return (int32_t)(w * (1 << FRACTION_BITS) + (w < 0 ? -0.5 : 0.5)); }

static void free_kernel(kernel *k, const helios_allocator *alloc) {
  hl_free(alloc, k->spans, k->length * sizeof *k->spans);
  hl_free(alloc, k->weights, (size_t)k->length * k->stride * sizeof *k->weights);
}

static span span_around(double center, double support, uint32_t from) {
  double low = center - support + 0.5, high = center + support + 0.5;
  uint32_t first = low < 0 ? 0 : (uint32_t)low;
  uint32_t end = high > from ? from : (uint32_t)high;
  return (span){first, end - first};
}

/* `raw` is room for the weights of one pixel. */
static void fill_kernel(kernel *k, uint32_t from, double *raw) {
  double scale = (double)from / k->length, stretch = scale < 1 ? 1 : scale;
  for (uint32_t i = 0; i < k->length; i++) {
    double center = (i + 0.5) * scale, sum = 0;
    span s = k->spans[i] = span_around(center, RADIUS * stretch, from);
    for (uint32_t n = 0; n < s.count; n++) sum += raw[n] = lanczos((n + s.first - center + 0.5) * (1.0 / stretch));
    for (uint32_t n = 0; n < s.count; n++) k->weights[(size_t)i * k->stride + n] = to_fixed(raw[n] / sum);
  }
}

static bool make_kernel(kernel *k, uint32_t from, uint32_t to, const helios_allocator *alloc) {
  double stretch = from > to ? (double)from / to : 1;
  k->length = to;
  k->stride = (uint32_t)ceil(RADIUS * stretch) * 2 + 1;
  k->spans = hl_alloc(alloc, to * sizeof *k->spans);
  k->weights = hl_alloc_zeroed(alloc, (size_t)to * k->stride, sizeof *k->weights);
  double *raw = hl_alloc(alloc, k->stride * sizeof *raw);
  bool made = k->spans != NULL && k->weights != NULL && raw != NULL;
  if (made) fill_kernel(k, from, raw);
  else free_kernel(k, alloc);
  hl_free(alloc, raw, k->stride * sizeof *raw);
  return made;
}

static unsigned char to_byte(int64_t sum) {
  int64_t v = sum >> FRACTION_BITS;
  return v < 0 ? 0 : v > 255 ? 255 : (unsigned char)v;
}

/* One pixel: count source pixels, `step` bytes apart. */
static void blend(unsigned char *out, const unsigned char *p, size_t step, const int32_t *weights, uint32_t count,
                  int channels) {
  for (int c = 0; c < channels; c++) {
    int64_t sum = 1 << (FRACTION_BITS - 1);
    for (uint32_t n = 0; n < count; n++) sum += (int64_t)p[n * step + (size_t)c] * weights[n];
    out[c] = to_byte(sum);
  }
}

/* Replace b by its rows (or columns) resized to k. */
static bool resize_along(hl_bitmap *b, const kernel *k, bool rows, const helios_allocator *alloc) {
  hl_bitmap to = *b;
  if (rows) to.width = k->length;
  else to.height = k->length;
  to.data = hl_alloc(alloc, hl_bitmap_size(&to));
  if (to.data == NULL) return false;
  size_t pixel = (size_t)b->channels, from_row = b->width * pixel;
  for (uint32_t y = 0; y < to.height; y++) {
    for (uint32_t x = 0; x < to.width; x++) {
      span s = k->spans[rows ? x : y];
      const unsigned char *p = b->data + (rows ? y * from_row + s.first * pixel : s.first * from_row + x * pixel);
      blend(to.data + ((size_t)y * to.width + x) * pixel, p, rows ? pixel : from_row,
            k->weights + (size_t)(rows ? x : y) * k->stride, s.count, b->channels);
    }
  }
  hl_free(alloc, b->data, hl_bitmap_size(b));
  *b = to;
  return true;
}

static bool resize_to(hl_bitmap *b, uint32_t length, bool rows, const helios_allocator *alloc) {
  uint32_t from = rows ? b->width : b->height;
  if (from == length) return true;
  kernel k;
  if (!make_kernel(&k, from, length, alloc)) return false;
  bool done = resize_along(b, &k, rows, alloc);
  free_kernel(&k, alloc);
  return done;
}

/* a * b / 255, rounded. */
static unsigned char scaled(unsigned char a, unsigned char b) {
  unsigned t = (unsigned)a * b + 128;
  return (unsigned char)(((t >> 8) + t) >> 8);
}

static void multiply_alpha(hl_bitmap *b) {
  for (unsigned char *p = b->data, *end = p + hl_bitmap_size(b); p < end; p += 4)
    for (int c = 0; c < 3; c++) p[c] = scaled(p[c], p[3]);
}

static void divide_alpha(hl_bitmap *b) {
  for (unsigned char *p = b->data, *end = p + hl_bitmap_size(b); p < end; p += 4) {
    if (p[3] == 0 || p[3] == 255) continue;
    for (int c = 0; c < 3; c++) {
      unsigned v = 255u * p[c] / p[3];
      p[c] = v > 255 ? 255 : (unsigned char)v;
    }
  }
}

helios_status hl_resample(hl_bitmap *b, uint32_t width, uint32_t height, const helios_allocator *alloc) {
  if (b->width == width && b->height == height) return HELIOS_OK;
  bool alpha = b->channels == 4;
  if (alpha) multiply_alpha(b);
  int64_t fewer_rows = (int64_t)b->height - height, fewer_columns = (int64_t)b->width - width;
  bool rows_first = fewer_rows <= 0 || fewer_rows <= 2 * fewer_columns;
  bool done = resize_to(b, rows_first ? width : height, rows_first, alloc) &&
              resize_to(b, rows_first ? height : width, !rows_first, alloc);
  if (alpha) divide_alpha(b);
  return done ? HELIOS_OK : HELIOS_ENOMEM;
}

/* pixels.c - from any layout and number format to rows of bytes. Knows neither PNG nor Summary. */
#include "pixels.h"

#include <string.h>

enum { GRID_COLUMNS = 8, BLOCK = 512 };
/* What a Summary can hold at all: protobuf messages end at 2 GiB. */
#define MAX_PIXEL_BYTES ((int64_t)INT32_MAX)

/* ---- layout ------------------------------------------------------------------------------------------------ */

/* Position of each letter of `wanted` in dataformats; false unless dataformats is a permutation of it. */
static bool find_order(const char *dataformats, const char *wanted, int *order) {
  size_t n = strlen(wanted);
  if (strlen(dataformats) != n) return false;
  for (size_t i = 0; i < n; i++) {
    const char both_cases[] = {wanted[i], (char)(wanted[i] - 'A' + 'a'), '\0'};
    size_t at = strcspn(dataformats, both_cases);
    if (at == n) return false; /* n different letters found in n places: each is there once */
    order[i] = (int)at;
  }
  return true;
}

/* The array's dimensions in the order H W [C [N]]. */
static helios_status reorder(hl_array *a, const char *dataformats, const char *argument, hl_error *err) {
  static const char *const layouts[] = {"HW", "HWC", "HWCN"};
  int order[4];
  for (size_t i = 0; i < sizeof layouts / sizeof layouts[0]; i++) {
    if (!find_order(dataformats, layouts[i], order)) continue;
    int ndim = (int)strlen(layouts[i]);
    if (a->ndim != ndim)
      return hl_invalid(err, argument, "dataformats '%s' needs %d dimensions, the tensor has %d", dataformats, ndim,
                        a->ndim);
    hl_array_permute(a, order);
    return HELIOS_OK;
  }
  return hl_invalid(err, "dataformats", "expected a permutation of CHW, HW or NCHW, got '%.16s'", dataformats);
}

static helios_status take_channels(hl_pixels *p, const hl_array *a, const char *argument, hl_error *err) {
  int64_t n = a->ndim < 3 ? 1 : a->shape[2];
  bool batch = a->ndim == 4;
  if (n != 1 && n != 3 && (n != 4 || batch))
    return hl_invalid(err, argument, "expected %s channels, got %lld", batch ? "1 or 3" : "1, 3 or 4", (long long)n);
  p->channels = n == 4 ? 4 : 3;
  p->channel_stride = n == 1 ? 0 : a->stride[2];
  return HELIOS_OK;
}

static helios_status take_size(hl_pixels *p, const hl_array *a, const char *argument, hl_error *err) {
  p->tiles = a->ndim == 4 ? a->shape[3] : 1;
  p->tile_height = a->shape[0];
  p->tile_width = a->shape[1];
  if (p->tiles == 0 || p->tile_height == 0 || p->tile_width == 0)
    return hl_invalid(err, argument, "no pixels: height %lld, width %lld, %lld images", (long long)p->tile_height,
                      (long long)p->tile_width, (long long)p->tiles);
  p->columns = p->tiles < GRID_COLUMNS ? p->tiles : GRID_COLUMNS;
  int64_t rows = (p->tiles - 1) / p->columns + 1;
  int64_t width, height, bytes;
  bool overflow = __builtin_mul_overflow(p->columns, p->tile_width, &width) ||
                  __builtin_mul_overflow(rows, p->tile_height, &height) ||
                  __builtin_mul_overflow(width, height, &bytes) ||
                  __builtin_mul_overflow(bytes, (int64_t)p->channels, &bytes);
  if (overflow || bytes > MAX_PIXEL_BYTES) return hl_invalid(err, argument, "the image is larger than 2 GiB");
  p->width = (uint32_t)width;
  p->height = (uint32_t)height;
  return HELIOS_OK;
}

helios_status hl_pixels_from_array(hl_pixels *p, const hl_array *image, const char *dataformats, const char *argument,
                                   hl_error *err) {
  hl_array a = *image;
  helios_status st = reorder(&a, dataformats, argument, err);
  if (st == HELIOS_OK) st = take_channels(p, &a, argument, err);
  if (st == HELIOS_OK) st = take_size(p, &a, argument, err);
  if (st != HELIOS_OK) return st;
  p->data = a.data;
  p->dtype = a.dtype;
  p->row_stride = a.stride[0];
  p->column_stride = a.stride[1];
  p->tile_stride = a.ndim == 4 ? a.stride[3] : 0;
  return HELIOS_OK;
}

/* ---- rows -------------------------------------------------------------------------------------------------- */

/* Three byte planes woven into RGB: the usual CHW image. */
static void weave_planes(unsigned char *out, const unsigned char *p, int64_t plane, size_t width) {
  const unsigned char *red = p, *green = p + plane, *blue = p + 2 * plane;
  for (size_t x = 0; x < width; x++) {
    out[3 * x] = red[x];
    out[3 * x + 1] = green[x];
    out[3 * x + 2] = blue[x];
  }
}

static void put_bytes(unsigned char *out, const hl_pixels *p, const unsigned char *row) {
  size_t width = (size_t)p->tile_width, channels = (size_t)p->channels;
  if (p->channel_stride == 1 && p->column_stride == p->channels) {
    memcpy(out, row, width * channels);
  } else if (p->column_stride == 1 && p->channels == 3) {
    weave_planes(out, row, p->channel_stride, width);
  } else {
    for (size_t c = 0; c < channels; c++)
      for (size_t x = 0; x < width; x++)
        out[x * channels + c] = row[(int64_t)c * p->channel_stride + (int64_t)x * p->column_stride];
  }
}

/* The comparisons are false for NaN, which makes it 0. */
static unsigned char to_byte(float v) {
  float scaled = v * 255.0f;
  if (!(scaled > 0.0f)) return 0;
  return scaled >= 255.0f ? 255 : (unsigned char)scaled;
}

static void put_scaled(unsigned char *out, const hl_pixels *p, const unsigned char *row) {
  float block[BLOCK];
  size_t width = (size_t)p->tile_width, channels = (size_t)p->channels;
  for (size_t c = 0; c < channels; c++)
    for (size_t x = 0; x < width; x += BLOCK) {
      size_t n = width - x < BLOCK ? width - x : BLOCK;
      const unsigned char *from = row + (int64_t)c * p->channel_stride + (int64_t)x * p->column_stride;
      hl_run_floats(p->dtype, block, from, p->column_stride, n);
      for (size_t i = 0; i < n; i++) out[(x + i) * channels + c] = to_byte(block[i]);
    }
}

static bool lies_ready(const hl_pixels *p) {
  return p->dtype == HELIOS_UINT8 && p->tiles == 1 && p->channel_stride == 1 && p->column_stride == p->channels;
}

const unsigned char *hl_pixels_row(const hl_pixels *p, uint32_t y, unsigned char *scratch) {
  int64_t first = y / p->tile_height * p->columns;
  const unsigned char *in_tile = p->data + y % p->tile_height * p->row_stride;
  if (lies_ready(p)) return in_tile;
  size_t tile_bytes = (size_t)p->tile_width * (size_t)p->channels;
  unsigned char *out = scratch;
  for (int64_t tile = first; tile < first + p->columns; tile++, out += tile_bytes) {
    if (tile >= p->tiles) memset(out, 0, tile_bytes);
    else if (p->dtype == HELIOS_UINT8) put_bytes(out, p, in_tile + tile * p->tile_stride);
    else put_scaled(out, p, in_tile + tile * p->tile_stride);
  }
  return scratch;
}

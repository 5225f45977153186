/* pack.c - see pack.h. Knows arrays and zlib's compressor; no files. */
#include "pack.h"

#include <zlib.h>

enum { POINT_BYTES = 8 + 4 + 4 };

/* Byte i of element k goes to plane i. */
static void spread(unsigned char *planes, size_t n, size_t k, uint64_t bits, size_t size) {
  for (size_t i = 0; i < size; i++) planes[i * n + k] = (unsigned char)(bits >> (8 * i));
}

static double time_unit(const helios_column *c) {
  double low = c->times[0], high = c->times[0];
  for (size_t i = 1; i < c->count; i++) {
    if (c->times[i] < low) low = c->times[i];
    if (c->times[i] > high) high = c->times[i];
  }
  double unit = (high - low) / 4294967000.0;
  return unit > 0.001 ? unit : 0.001;
}

static uint32_t time_count(double time, const hl_packed *packed) {
  double n = (time - packed->first_time) / packed->unit;
  return n > 0 && n < 4294967295.0 ? (uint32_t)n : 0;
}

static double lowest_time(const helios_column *c) {
  double low = c->times[0];
  for (size_t i = 1; i < c->count; i++)
    if (c->times[i] < low) low = c->times[i];
  return low;
}

static void spread_all(unsigned char *raw, const helios_column *c, const hl_packed *packed) {
  size_t n = c->count;
  double step = 0;
  uint32_t time = 0;
  for (size_t i = 0; i < n; i++) {
    uint32_t now = time_count(c->times[i], packed);
    spread(raw, n, i, hl_double_bits((double)c->steps[i] - step), 8);
    spread(raw + 8 * n, n, i, now - time, 4);
    step = (double)c->steps[i];
    time = now;
    spread(raw + 12 * n, n, i, hl_float_bits((float)c->values[i]), 4);
  }
}

helios_status hl_pack_column(hl_buf *out, const helios_column *c, hl_packed *packed) {
  *packed = (hl_packed){.unit = 0.001};
  if (c->count == 0) return HELIOS_OK;
  *packed = (hl_packed){lowest_time(c), time_unit(c)};
  size_t size = c->count * POINT_BYTES;
  unsigned char *raw = hl_alloc(out->alloc, size);
  if (raw == NULL) return HELIOS_ENOMEM;
  spread_all(raw, c, packed);
  uLongf room = compressBound(size);
  helios_status st = hl_buf_reserve(out, room) ? HELIOS_OK : HELIOS_ENOMEM;
  if (st == HELIOS_OK && compress2(out->data + out->len, &room, raw, size, 3) != Z_OK) st = HELIOS_ENOMEM;
  if (st == HELIOS_OK) out->len += room;
  hl_free(out->alloc, raw, size);
  return st;
}

void hl_base64(hl_buf *out, const void *data, size_t n) {
  static const char ALPHABET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const unsigned char *p = data;
  unsigned char *to = hl_buf_grow(out, (n + 2) / 3 * 4);
  if (to == NULL) return;
  for (; n > 0; p += 3, to += 4) {
    size_t have = n < 3 ? n : 3;
    uint32_t bits = (uint32_t)p[0] << 16 | (have > 1 ? (uint32_t)p[1] << 8 : 0) | (have > 2 ? p[2] : 0);
    for (int i = 0; i < 4; i++) to[i] = (unsigned char)ALPHABET[bits >> (18 - 6 * i) & 63];
    if (have < 3) to[3] = '=';
    if (have < 2) to[2] = '=';
    n -= have;
  }
}

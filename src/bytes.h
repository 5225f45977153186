/* bytes.h - little-endian put and get, inline; byte slices. Compilers make single moves of these. */
#ifndef HL_BYTES_H
#define HL_BYTES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A slice of bytes that somebody else owns. Not terminated. */
typedef struct hl_str {
  const char *data;
  size_t len;
} hl_str;

static inline hl_str hl_str_of(const char *s) { return (hl_str){s, strlen(s)}; }

static inline uint32_t hl_le32(uint32_t v) {
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  return __builtin_bswap32(v);
#else
  return v;
#endif
}

static inline uint64_t hl_le64(uint64_t v) {
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  return __builtin_bswap64(v);
#else
  return v;
#endif
}

static inline void hl_put_le32(unsigned char *p, uint32_t v) {
  v = hl_le32(v);
  memcpy(p, &v, sizeof v);
}

static inline void hl_put_le64(unsigned char *p, uint64_t v) {
  v = hl_le64(v);
  memcpy(p, &v, sizeof v);
}

static inline uint32_t hl_get_le32(const unsigned char *p) {
  uint32_t v;
  memcpy(&v, p, sizeof v);
  return hl_le32(v);
}

static inline uint64_t hl_get_le64(const unsigned char *p) {
  uint64_t v;
  memcpy(&v, p, sizeof v);
  return hl_le64(v);
}

static inline uint32_t hl_float_bits(float f) {
  uint32_t bits;
  memcpy(&bits, &f, sizeof bits);
  return bits;
}

static inline uint64_t hl_double_bits(double d) {
  uint64_t bits;
  memcpy(&bits, &d, sizeof bits);
  return bits;
}

static inline double hl_double_from_bits(uint64_t bits) {
  double d;
  memcpy(&d, &bits, sizeof d);
  return d;
}

static inline float hl_float_from_bits(uint32_t bits) {
  float f;
  memcpy(&f, &bits, sizeof f);
  return f;
}

#endif

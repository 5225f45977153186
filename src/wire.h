/* wire.h - the protobuf wire format: tags, varints, fixed and length-delimited fields.
 * Source: https://protobuf.dev/programming-guides/encoding/
 *
 * Writing appends to an hl_buf and cannot fail but by memory (the buffer's sticky flag). The *_field functions
 * write the tag too. Like proto3, `hl_wire_opt_*` leave a default value out; the others always write. */
#ifndef HL_WIRE_H
#define HL_WIRE_H

#include "buf.h"

enum { HL_WIRE_VARINT = 0, HL_WIRE_FIXED64 = 1, HL_WIRE_BYTES = 2, HL_WIRE_FIXED32 = 5 };

enum { HL_VARINT_MAX = 10 };

static inline size_t hl_varint_size(uint64_t v) {
  /* (bits + 6) / 7 without a division; v | 1 because clz(0) is undefined */
  unsigned bits = 64u - (unsigned)__builtin_clzll(v | 1);
  return (bits * 9 + 64) / 64;
}

/* Store v at p, which has room for hl_varint_size(v); returns the first byte behind it. */
static inline unsigned char *hl_put_varint(unsigned char *p, uint64_t v) {
  while (v >= 0x80) {
    *p++ = (unsigned char)(v | 0x80);
    v >>= 7;
  }
  *p++ = (unsigned char)v;
  return p;
}

/* At a place with room for it: tag and length of a length-delimited field with a number below 16; the field whole. */
static inline unsigned char *hl_put_header(unsigned char *p, uint32_t field, size_t n) {
  *p = (unsigned char)(field << 3 | HL_WIRE_BYTES);
  return hl_put_varint(p + 1, n);
}

static inline unsigned char *hl_put_bytes_field(unsigned char *p, uint32_t field, const void *data, size_t n) {
  p = hl_put_header(p, field, n);
  if (n > 0) memcpy(p, data, n); /* data may be NULL then */
  return p + n;
}

/* What such a field takes; nothing when it is empty and left out. */
static inline size_t hl_field_size(size_t n) { return 1 + hl_varint_size(n) + n; }
static inline size_t hl_opt_field_size(size_t n) { return n == 0 ? 0 : hl_field_size(n); }

void hl_wire_long_varint(hl_buf *b, uint64_t v);

static inline void hl_wire_varint(hl_buf *b, uint64_t v) {
  if (v < 0x80 && b->len < b->cap && !b->failed) b->data[b->len++] = (unsigned char)v; /* tags and most lengths */
  else hl_wire_long_varint(b, v);
}

static inline void hl_wire_tag(hl_buf *b, uint32_t field, uint32_t type) {
  hl_wire_varint(b, (uint64_t)field << 3 | type);
}

void hl_wire_varint_field(hl_buf *b, uint32_t field, uint64_t v);
void hl_wire_double_field(hl_buf *b, uint32_t field, double v);
void hl_wire_float_field(hl_buf *b, uint32_t field, float v);
void hl_wire_bytes_field(hl_buf *b, uint32_t field, const void *data, size_t n);
void hl_wire_str_field(hl_buf *b, uint32_t field, hl_str s);
/* Tag and length of a length-delimited field whose n bytes the caller appends next. */
void hl_wire_header(hl_buf *b, uint32_t field, size_t n);

/* proto3: not written when 0, 0.0 (but -0.0 is), or empty. int64 goes in as (uint64_t): ten bytes when negative. */
void hl_wire_opt_varint(hl_buf *b, uint32_t field, uint64_t v);
void hl_wire_opt_double(hl_buf *b, uint32_t field, double v);
void hl_wire_opt_float(hl_buf *b, uint32_t field, float v);
void hl_wire_opt_str(hl_buf *b, uint32_t field, hl_str s);

/* A submessage of unknown length: begin, append its fields, end with what begin gave. size_hint is the expected
 * length of its content; when the guess has as many varint bytes as the truth, nothing is moved. */
size_t hl_wire_begin(hl_buf *b, uint32_t field, size_t size_hint);
void hl_wire_end(hl_buf *b, size_t mark, size_t size_hint);

/* Reading: a cursor over one message. Never reads outside [p, end). */
typedef struct hl_wire_reader {
  const unsigned char *p;
  const unsigned char *end;
  bool bad; /* set for good by the first malformed byte */
} hl_wire_reader;

typedef struct hl_wire_item {
  uint32_t field;
  uint32_t type;
  uint64_t value; /* VARINT, FIXED64, FIXED32 (zero-extended bits) */
  hl_str bytes;   /* BYTES: a slice of the message */
} hl_wire_item;

void hl_wire_read(hl_wire_reader *r, const void *data, size_t n);
/* The next field, or false at the end or when the message is malformed (then r->bad). Groups (types 3 and 4),
 * field 0, field numbers above 2^29 - 1 and varints over ten bytes are malformed. */
bool hl_wire_next(hl_wire_reader *r, hl_wire_item *item);
/* The same inline for what nearly all fields are: a tag and a length of one byte each. For loops that meet every
 * field of a large file. */
static inline bool hl_wire_next_inline(hl_wire_reader *r, hl_wire_item *item) {
  const unsigned char *p = r->p;
  ptrdiff_t left = r->end - p;
  if (left == 0) return false;
  if (left < 2 || *p < 8 || *p >= 0x80) return hl_wire_next(r, item);
  item->field = *p >> 3;
  item->type = *p & 7;
  if (item->type == HL_WIRE_BYTES && p[1] < 0x80 && p[1] <= left - 2) {
    item->bytes = (hl_str){(const char *)p + 2, p[1]};
    r->p = p + 2 + p[1];
  } else if (item->type == HL_WIRE_FIXED64 && left >= 9) {
    item->value = hl_get_le64(p + 1);
    r->p = p + 9;
  } else if (item->type == HL_WIRE_VARINT && left >= 5 && (p[1] & p[2] & p[3] & p[4]) < 0x80) { /* four bytes at most */
    item->value = p[1] & 0x7fu;
    r->p = p + 2;
    for (unsigned shift = 7; r->p[-1] >= 0x80; shift += 7) item->value |= (uint64_t)(*r->p++ & 0x7fu) << shift;
  } else if (item->type == HL_WIRE_FIXED32 && left >= 5) {
    item->value = hl_get_le32(p + 1);
    r->p = p + 5;
  } else return hl_wire_next(r, item);
  return true;
}
/* One varint at *p, not beyond end; NULL when malformed, else the byte behind it. */
const unsigned char *hl_get_varint(const unsigned char *p, const unsigned char *end, uint64_t *v);

#endif

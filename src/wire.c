/* wire.c - protobuf's wire format, both ways. Knows bytes only: no message types. */
#include "wire.h"

void hl_wire_long_varint(hl_buf *b, uint64_t v) {
  if (!hl_buf_reserve(b, HL_VARINT_MAX)) return;
  b->len = (size_t)(hl_put_varint(b->data + b->len, v) - b->data);
}

void hl_wire_varint_field(hl_buf *b, uint32_t field, uint64_t v) {
  hl_wire_tag(b, field, HL_WIRE_VARINT);
  hl_wire_varint(b, v);
}

void hl_wire_double_field(hl_buf *b, uint32_t field, double v) {
  hl_wire_tag(b, field, HL_WIRE_FIXED64);
  unsigned char *p = hl_buf_grow(b, 8);
  if (p != NULL) hl_put_le64(p, hl_double_bits(v));
}

void hl_wire_float_field(hl_buf *b, uint32_t field, float v) {
  hl_wire_tag(b, field, HL_WIRE_FIXED32);
  unsigned char *p = hl_buf_grow(b, 4);
  if (p != NULL) hl_put_le32(p, hl_float_bits(v));
}

void hl_wire_header(hl_buf *b, uint32_t field, size_t n) {
  hl_wire_tag(b, field, HL_WIRE_BYTES);
  hl_wire_varint(b, n);
}

void hl_wire_bytes_field(hl_buf *b, uint32_t field, const void *data, size_t n) {
  hl_wire_header(b, field, n);
  hl_buf_append(b, data, n);
}

void hl_wire_str_field(hl_buf *b, uint32_t field, hl_str s) { hl_wire_bytes_field(b, field, s.data, s.len); }

void hl_wire_opt_varint(hl_buf *b, uint32_t field, uint64_t v) {
  if (v != 0) hl_wire_varint_field(b, field, v);
}

void hl_wire_opt_double(hl_buf *b, uint32_t field, double v) {
  if (hl_double_bits(v) != 0) hl_wire_double_field(b, field, v);
}

void hl_wire_opt_float(hl_buf *b, uint32_t field, float v) {
  if (hl_float_bits(v) != 0) hl_wire_float_field(b, field, v);
}

void hl_wire_opt_str(hl_buf *b, uint32_t field, hl_str s) {
  if (s.len != 0) hl_wire_str_field(b, field, s);
}

size_t hl_wire_begin(hl_buf *b, uint32_t field, size_t size_hint) {
  hl_wire_tag(b, field, HL_WIRE_BYTES);
  hl_buf_grow(b, hl_varint_size(size_hint));
  return b->len;
}

void hl_wire_end(hl_buf *b, size_t mark, size_t size_hint) {
  if (b->failed) return;
  size_t n = b->len - mark;
  size_t guessed = hl_varint_size(size_hint);
  size_t needed = hl_varint_size(n);
  if (needed > guessed && hl_buf_grow(b, needed - guessed) == NULL) return;
  unsigned char *content = b->data + mark;
  if (needed != guessed) memmove(content - guessed + needed, content, n);
  hl_put_varint(content - guessed, n);
  b->len = mark - guessed + needed + n;
}

void hl_wire_read(hl_wire_reader *r, const void *data, size_t n) {
  r->p = data;
  r->end = n == 0 ? r->p : r->p + n;
  r->bad = false;
}

const unsigned char *hl_get_varint(const unsigned char *p, const unsigned char *end, uint64_t *v) {
  uint64_t value = 0;
  for (unsigned shift = 0; shift < 70 && p < end; shift += 7) {
    unsigned char byte = *p++;
    value |= (uint64_t)(byte & 0x7f) << (shift < 64 ? shift : 63);
    if (byte < 0x80) {
      if (shift == 63 && byte > 1) return NULL; /* more than 64 bits */
      *v = value;
      return p;
    }
  }
  return NULL;
}

static bool malformed(hl_wire_reader *r) {
  r->bad = true;
  return false;
}

static bool read_payload(hl_wire_reader *r, hl_wire_item *item) {
  size_t left = (size_t)(r->end - r->p);
  switch (item->type) {
    case HL_WIRE_VARINT: {
      const unsigned char *p = hl_get_varint(r->p, r->end, &item->value);
      if (p == NULL) return malformed(r);
      r->p = p;
      return true;
    }
    case HL_WIRE_FIXED64:
      if (left < 8) return malformed(r);
      item->value = hl_get_le64(r->p);
      r->p += 8;
      return true;
    case HL_WIRE_FIXED32:
      if (left < 4) return malformed(r);
      item->value = hl_get_le32(r->p);
      r->p += 4;
      return true;
    case HL_WIRE_BYTES: {
      uint64_t n;
      const unsigned char *p = hl_get_varint(r->p, r->end, &n);
      if (p == NULL || n > (uint64_t)(r->end - p)) return malformed(r);
      item->bytes = (hl_str){(const char *)p, (size_t)n};
      r->p = p + n;
      return true;
    }
    default: return malformed(r);
  }
}

bool hl_wire_next(hl_wire_reader *r, hl_wire_item *item) {
  if (r->bad || r->p == r->end) return false;
  uint64_t tag;
  const unsigned char *p = hl_get_varint(r->p, r->end, &tag);
  if (p == NULL || tag >> 3 == 0 || tag >> 3 > 0x1fffffff) return malformed(r);
  r->p = p;
  *item = (hl_wire_item){.field = (uint32_t)(tag >> 3), .type = (uint32_t)(tag & 7)};
  return read_payload(r, item);
}

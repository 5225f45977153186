/* test_wire.c - protobuf's wire format: known bytes, limits, and messages that lie about themselves. */
#include "encode_check.h"
#include "wire.h"

static hl_buf buf;

static void varints(void) {
  static const struct {
    uint64_t value;
    const char *hex;
  } known[] = {{0, "00"},
               {1, "01"},
               {127, "7f"},
               {128, "8001"},
               {150, "9601"},
               {16383, "ff7f"},
               {16384, "808001"},
               {UINT32_MAX, "ffffffff0f"},
               {(uint64_t)-1, "ffffffffffffffffff01"},
               {(uint64_t)INT64_MIN, "80808080808080808001"}};
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    uint64_t v = 77;
    hl_buf_reset(&buf);
    hl_wire_varint(&buf, known[i].value);
    CHECK_HEX(&buf, known[i].hex);
    CHECK_INT(buf.len, hl_varint_size(known[i].value));
    CHECK(hl_get_varint(buf.data, buf.data + buf.len, &v) == buf.data + buf.len);
    CHECK(v == known[i].value);
    for (size_t cut = 0; cut < buf.len; cut++) CHECK(hl_get_varint(buf.data, buf.data + cut, &v) == NULL);
  }
  for (unsigned bits = 0; bits < 64; bits++) {
    hl_buf_reset(&buf);
    hl_wire_varint(&buf, (uint64_t)1 << bits);
    CHECK_INT(buf.len, bits / 7 + 1);
    CHECK_INT(hl_varint_size((uint64_t)1 << bits), bits / 7 + 1);
  }
}

static void overlong_varints(void) {
  uint64_t v;
  const unsigned char eleven[] = {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00};
  const unsigned char too_big[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02};
  const unsigned char padded[] = {0x81, 0x80, 0x00};
  CHECK(hl_get_varint(eleven, eleven + 11, &v) == NULL);
  CHECK(hl_get_varint(too_big, too_big + 10, &v) == NULL);
  CHECK(hl_get_varint(padded, padded + 3, &v) == padded + 3 && v == 1); /* legal, if wasteful */
}

static void fields(void) {
  hl_buf_reset(&buf);
  hl_wire_varint_field(&buf, 1, 150);
  hl_wire_str_field(&buf, 2, hl_str_of("testing"));
  hl_wire_float_field(&buf, 3, 1.5f);
  hl_wire_double_field(&buf, 16, -0.0);
  CHECK_HEX(&buf, "089601120774657374696e671d0000c03f81010000000000000080");
}

static void defaults_are_left_out_but_minus_zero(void) {
  hl_buf_reset(&buf);
  hl_wire_opt_varint(&buf, 1, 0);
  hl_wire_opt_double(&buf, 2, 0.0);
  hl_wire_opt_float(&buf, 3, 0.0f);
  hl_wire_opt_str(&buf, 4, hl_str_of(""));
  CHECK_INT(buf.len, 0);
  hl_wire_opt_double(&buf, 2, -0.0);
  hl_wire_opt_float(&buf, 3, -0.0f);
  CHECK_HEX(&buf, "1100000000000000801d00000080");
}

/* Whatever was guessed, the length has as few bytes as it can. */
static void submessages(void) {
  static const size_t sizes[] = {0, 1, 127, 128, 16383, 16384};
  for (size_t s = 0; s < 6; s++)
    for (size_t h = 0; h < 6; h++) {
      hl_wire_reader r;
      hl_wire_item item;
      hl_buf_reset(&buf);
      size_t mark = hl_wire_begin(&buf, 5, sizes[h]);
      for (size_t i = 0; i < sizes[s]; i++) hl_buf_append_byte(&buf, (unsigned char)i);
      hl_wire_end(&buf, mark, sizes[h]);
      CHECK_INT(buf.len, 1 + hl_varint_size(sizes[s]) + sizes[s]);
      hl_wire_read(&r, buf.data, buf.len);
      CHECK(hl_wire_next(&r, &item) && item.field == 5 && item.bytes.len == sizes[s]);
      for (size_t i = 0; i < item.bytes.len; i += 997) CHECK_INT((unsigned char)item.bytes.data[i], i & 0xff);
      CHECK(!hl_wire_next(&r, &item) && !r.bad);
    }
}

static void reads(void) {
  const unsigned char message[] = {0x08, 0x96, 0x01, 0x12, 0x02, 'h',  'i',  0x1d, 0x00,
                                   0x00, 0xc0, 0x3f, 0x21, 1,    2,    3,    4,    5,
                                   6,    7,    8,    0xfa, 0xff, 0xff, 0xff, 0x0f, 0x00};
  hl_wire_reader r;
  hl_wire_item item;
  hl_wire_read(&r, message, sizeof message);
  CHECK(hl_wire_next(&r, &item) && item.field == 1 && item.type == HL_WIRE_VARINT && item.value == 150);
  CHECK(hl_wire_next(&r, &item) && item.field == 2 && item.bytes.len == 2 && memcmp(item.bytes.data, "hi", 2) == 0);
  CHECK(hl_wire_next(&r, &item) && item.type == HL_WIRE_FIXED32 && item.value == 0x3fc00000);
  CHECK(hl_wire_next(&r, &item) && item.type == HL_WIRE_FIXED64 && item.value == 0x0807060504030201);
  CHECK(hl_wire_next(&r, &item) && item.field == 0x1fffffff && item.bytes.len == 0); /* the greatest number */
  CHECK(!hl_wire_next(&r, &item) && !r.bad);
  hl_wire_read(&r, NULL, 0);
  CHECK(!hl_wire_next(&r, &item) && !r.bad);
}

/* Each of these ends in `bad`, at once and for good. */
static void hostile(void) {
  static const struct {
    size_t n;
    unsigned char bytes[12];
  } messages[] = {
      {1, {0x00}},                                                                      /* field 0 */
      {1, {0x08}},                                                                      /* no value */
      {2, {0x08, 0x80}},                                                                /* varint without an end */
      {2, {0x0b, 0x0c}},                                                                /* a group */
      {1, {0x0e}},                                                                      /* type 6 */
      {2, {0x0f, 0x00}},                                                                /* type 7 */
      {4, {0x0d, 1, 2, 3}},                                                             /* half a fixed32... */
      {8, {0x09, 1, 2, 3, 4, 5, 6, 7}},                                                 /* ... and fixed64 */
      {3, {0x0a, 0x02, 'x'}},                                                           /* one byte too few */
      {11, {0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}},         /* 2^64 - 1 bytes */
      {6, {0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f}},                                        /* 4 GiB */
      {7, {0x82, 0x80, 0x80, 0x80, 0x10, 0x00, 0x00}},                                  /* field 2^29 */
      {12, {0x08, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01}},   /* eleven bytes */
  };
  for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) {
    /* a block of just that size, so that a sanitizer sees one byte too far */
    size_t n = messages[i].n;
    unsigned char *copy = malloc(n);
    hl_wire_reader r;
    hl_wire_item item;
    memcpy(copy, messages[i].bytes, n);
    hl_wire_read(&r, copy, n);
    while (hl_wire_next(&r, &item)) continue;
    CHECK(r.bad);
    CHECK(!hl_wire_next(&r, &item));
    free(copy);
  }
}

/* Random bytes: reading ends, inside the message. */
static void noise(void) {
  uint32_t x = 12345;
  int inside = 1;
  for (int round = 0; round < 20000; round++) {
    unsigned char *message = malloc(24);
    for (size_t i = 0; i < 24; i++) message[i] = (unsigned char)((x = x * 1664525u + 1013904223u) >> 24);
    hl_wire_reader r;
    hl_wire_item item;
    hl_wire_read(&r, message, (size_t)round % 25);
    while (hl_wire_next(&r, &item))
      if (item.type == HL_WIRE_BYTES) inside &= (const unsigned char *)item.bytes.data + item.bytes.len <= r.end;
    inside &= r.p <= r.end;
    free(message);
  }
  CHECK(inside);
}

static helios_status one_submessage(hl_buf *out) {
  size_t mark = hl_wire_begin(out, 1, 1);
  hl_wire_double_field(out, 2, 1.0);
  for (int i = 0; i < 300; i++) hl_wire_str_field(out, 3, hl_str_of("more and more"));
  hl_wire_end(out, mark, 1);
  return hl_buf_status(out);
}

int main(void) {
  hl_buf_init(&buf, NULL);
  varints();
  overlong_varints();
  fields();
  defaults_are_left_out_but_minus_zero();
  submessages();
  reads();
  hostile();
  noise();
  CHECK(fail_each_allocation(one_submessage) > 3);
  hl_buf_free(&buf);
  return check_done("wire");
}

/* test_crc32c.c - the checksum against RFC 3720 appendix B.4, and its fast paths against the portable one. */
#include "check.h"
#include "crc32c.h"

static uint32_t both(const void *data, size_t n) {
  uint32_t crc = hl_crc32c(0, data, n);
  CHECK_INT(hl_crc32c_portable(0, data, n), crc);
  return crc;
}

static void rfc3720_vectors(void) {
  unsigned char data[32];
  memset(data, 0, sizeof data);
  CHECK_INT(both(data, 32), 0x8a9136aaLL);
  memset(data, 0xff, sizeof data);
  CHECK_INT(both(data, 32), 0x62a8ab43LL);
  for (int i = 0; i < 32; i++) data[i] = (unsigned char)i;
  CHECK_INT(both(data, 32), 0x46dd794eLL);
  for (int i = 0; i < 32; i++) data[i] = (unsigned char)(31 - i);
  CHECK_INT(both(data, 32), 0x113fdb5cLL);
  static const unsigned char scsi_read[48] = {
      0x01, 0xc0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
      0x14, 0x00, 0x00, 0x00, 0x00, 0x00, 0x04, 0x00, 0x00, 0x00, 0x00, 0x14, 0x00, 0x00, 0x00, 0x18,
      0x28, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00};
  CHECK_INT(both(scsi_read, 48), 0xd9963a56LL);
  CHECK_INT(both("", 0), 0);
  CHECK_INT(both("123456789", 9), 0xe3069283LL); /* the usual check value */
}

static void every_length_and_alignment(void) {
  static unsigned char data[40000];
  uint32_t x = 1;
  for (size_t i = 0; i < sizeof data; i++) data[i] = (unsigned char)((x = x * 1664525u + 1013904223u) >> 24);
  int same = 1;
  for (size_t n = 0; n < 1700; n++)
    for (size_t at = 0; at < 3; at++) same &= hl_crc32c(0, data + at, n) == hl_crc32c_portable(0, data + at, n);
  for (size_t n = 12200; n < sizeof data - 8; n += 977)
    same &= hl_crc32c(7, data + 5, n) == hl_crc32c_portable(7, data + 5, n);
  CHECK(same);
  uint32_t whole = hl_crc32c(0, data, 30000);
  CHECK_INT(hl_crc32c(hl_crc32c(0, data, 12345), data + 12345, 30000 - 12345), whole);
}

int main(void) {
  rfc3720_vectors();
  every_length_and_alignment();
  CHECK_INT(hl_crc32c_mask(0), 0xa282ead8LL);
  CHECK_INT(hl_crc32c_mask(0x12345678), (0xacf02468LL + 0xa282ead8LL) & 0xffffffffLL);
  return check_done("crc32c");
}

/* record.c - frames. Knows bytes only: no events above it, no file below it. */
#include "record.h"

#include "crc32c.h"

void hl_record_seal(unsigned char *p, size_t n) {
  hl_put_le64(p, n);
  hl_put_le32(p + 8, hl_crc32c_masked(p, 8));
  hl_put_le32(p + HL_RECORD_HEADER + n, hl_crc32c_masked(p + HL_RECORD_HEADER, n));
}

helios_status hl_record_append(hl_buf *out, const void *data, size_t n) {
  if (n > SIZE_MAX - HL_RECORD_OVERHEAD) return HELIOS_ENOMEM;
  unsigned char *p = hl_buf_grow(out, n + HL_RECORD_OVERHEAD);
  if (p == NULL) return HELIOS_ENOMEM; /* before the first byte: no torn record */
  memcpy(p + HL_RECORD_HEADER, data, n);
  hl_record_seal(p, n);
  return HELIOS_OK;
}

/* record.h - one TFRecord frame around one payload (all integers little-endian):
 *   u64 length | u32 masked crc(length) | data | u32 masked crc(data)
 * Source: tensorflow/core/lib/io/record_writer.h; the crc is CRC-32C, masked (crc32c.h). */
#ifndef HL_RECORD_H
#define HL_RECORD_H

#include "buf.h"

enum { HL_RECORD_HEADER = 12, HL_RECORD_FOOTER = 4, HL_RECORD_OVERHEAD = 16 };

/* Header and footer around n payload bytes that already lie at p + HL_RECORD_HEADER. Cannot fail. */
void hl_record_seal(unsigned char *p, size_t n);
/* Frame a copy of `data`. */
helios_status hl_record_append(hl_buf *out, const void *data, size_t n);

#endif

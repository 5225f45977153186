/* pack.h - columns of scalars as few bytes, for pages that unpack them. Pure. */
#ifndef HL_PACK_H
#define HL_PACK_H

#include "../buf.h"
#include "helios/reader.h"

typedef struct hl_packed {
  double first_time; /* times are first_time + unit * integer */
  double unit;
} hl_packed;

/* Append a zlib stream that unpacks to, for n points: n steps (float64), n times (uint32 counts of
 * `unit`), both as differences from the one before, and n values (float32). Of each of the three arrays first all lowest bytes, then all second ones, and so on:
 * neighbours are alike in their upper bytes, which deflate then finds. */
helios_status hl_pack_column(hl_buf *out, const helios_column *column, hl_packed *packed);
/* Append base64 (RFC 4648, padded). */
void hl_base64(hl_buf *out, const void *data, size_t n);

#endif

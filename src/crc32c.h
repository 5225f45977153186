/* crc32c.h - CRC-32C (Castagnoli), the checksum of TFRecord files, and its mask. */
#ifndef HL_CRC32C_H
#define HL_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* CRC of n bytes; `crc` is 0, or the CRC of what came before. Picks the CPU's instruction at run time. */
uint32_t hl_crc32c(uint32_t crc, const void *data, size_t n);
/* The portable implementation, for machines without the instruction; public to the tests. */
uint32_t hl_crc32c_portable(uint32_t crc, const void *data, size_t n);

/* TFRecord stores CRCs masked, since a CRC over data that itself holds CRCs is weak. */
static inline uint32_t hl_crc32c_mask(uint32_t crc) { return ((crc >> 15) | (crc << 17)) + 0xA282EAD8u; }
static inline uint32_t hl_crc32c_masked(const void *data, size_t n) { return hl_crc32c_mask(hl_crc32c(0, data, n)); }

#endif

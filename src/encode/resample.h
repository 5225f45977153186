/* resample.h - 8-bit images to another size with the Lanczos filter, to the bit as Pillow does it. */
#ifndef HL_RESAMPLE_H
#define HL_RESAMPLE_H

#include "../alloc.h"

typedef struct hl_bitmap {
  unsigned char *data; /* width * height * channels bytes */
  uint32_t width, height;
  int channels; /* 3, or 4 with alpha */
} hl_bitmap;

static inline size_t hl_bitmap_size(const hl_bitmap *b) {
  return (size_t)b->width * b->height * (size_t)b->channels;
}

/* Resize `b` in place: its data is replaced. Neither side may be 0. HELIOS_ENOMEM leaves it as it was, but for an alpha
 * channel's rounding. */
helios_status hl_resample(hl_bitmap *b, uint32_t width, uint32_t height, const helios_allocator *alloc);

#endif

/* png.h - 8-bit pixels to PNG bytes and back; the only door to libpng. Its longjmp never leaves png.c. */
#ifndef HL_PNG_H
#define HL_PNG_H

#include "../buf.h"
#include "../error.h"

/* An image that is asked for row by row, so that no layout needs a copy of the whole. */
typedef struct hl_png_source {
  uint32_t width, height; /* neither is 0 */
  int channels;           /* 1 gray, 3 RGB, 4 RGBA */
  /* The pixels of row y, each channel a byte: inside the image, or written to `scratch` (width * channels bytes). */
  const unsigned char *(*row)(const void *ctx, uint32_t y, unsigned char *scratch);
  const void *ctx;
} hl_png_source;

/* Append the PNG file. HELIOS_ENOMEM is the only failure of a valid source. */
helios_status hl_png_encode(hl_buf *out, const hl_png_source *source, hl_error *err);

/* A decoded image: height x width x channels bytes, without gaps; give `data` back with hl_free(alloc, data, size). */
typedef struct hl_png_image {
  unsigned char *data;
  size_t size;
  uint32_t width, height;
  int channels; /* 1, 3 or 4: palettes become RGB, 16 bits become 8, gray with alpha becomes RGBA */
} hl_png_image;

/* HELIOS_EFORMAT when the bytes are no whole, undamaged PNG; HELIOS_ELIMIT when its claimed size is more than its bytes
 * can hold, or 2 GiB. The bytes may be hostile. */
helios_status hl_png_decode(const void *data, size_t n, const helios_allocator *alloc, hl_png_image *out,
                            hl_error *err);

#endif

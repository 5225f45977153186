/* pixels.h - any tensor that is an image, seen as rows of 8-bit RGB or RGBA; batches as a grid. */
#ifndef HL_PIXELS_H
#define HL_PIXELS_H

#include "../array.h"

/* A view; nothing is owned or copied. Strides in bytes. */
typedef struct hl_pixels {
  const unsigned char *data;
  helios_dtype dtype;
  int64_t tile_stride, row_stride, column_stride;
  int64_t channel_stride;   /* 0 repeats one gray plane as red, green and blue */
  int64_t tiles, columns;   /* how many images there are, and how many stand side by side */
  int64_t tile_width, tile_height;
  uint32_t width, height;   /* of the whole */
  int channels;             /* 3 or 4 */
} hl_pixels;

/* dataformats: a permutation of CHW, HW or NCHW in either case, not NULL. A batch is a grid of at most 8 columns, row
 * by row, without gaps. `argument` names the tensor in errors. */
helios_status hl_pixels_from_array(hl_pixels *p, const hl_array *image, const char *dataformats, const char *argument,
                                   hl_error *err);

/* Row y as width * channels bytes: inside the tensor where it lies there just so, else written to `scratch`. uint8 is
 * taken as it is; anything else times 255 in float32, clipped to 0..255, truncated; NaN is 0. */
const unsigned char *hl_pixels_row(const hl_pixels *p, uint32_t y, unsigned char *scratch);

#endif

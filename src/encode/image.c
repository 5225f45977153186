/* image.c - Summary.Image: height, width, channels, and the PNG file. Pixels come from pixels.c, PNG from png.c. */
#include "pixels.h"
#include "png.h"
#include "summary.h"

enum { IMAGE_HEIGHT = 1, IMAGE_WIDTH = 2, IMAGE_COLORSPACE = 3, IMAGE_ENCODED = 4, HEAD_HINT = 20 };

static const unsigned char *pixel_row(const void *pixels, uint32_t y, unsigned char *scratch) {
  return hl_pixels_row(pixels, y, scratch);
}

static helios_status put_image(hl_buf *out, const hl_pixels *p, size_t png_hint, hl_error *err) {
  hl_png_source source = {p->width, p->height, p->channels, pixel_row, p};
  size_t image = hl_wire_begin(out, HL_VALUE_IMAGE, png_hint + HEAD_HINT);
  hl_wire_varint_field(out, IMAGE_HEIGHT, p->height);
  hl_wire_varint_field(out, IMAGE_WIDTH, p->width);
  hl_wire_varint_field(out, IMAGE_COLORSPACE, (uint64_t)p->channels);
  size_t encoded = hl_wire_begin(out, IMAGE_ENCODED, png_hint);
  if (out->failed) return HELIOS_ENOMEM;
  helios_status st = hl_png_encode(out, &source, err);
  hl_wire_end(out, encoded, png_hint);
  hl_wire_end(out, image, png_hint + HEAD_HINT);
  return st;
}

helios_status hl_check_image(hl_array *array, const DLTensor *image, const char *dataformats, const char *argument,
                             hl_error *err) {
  hl_pixels pixels;
  helios_status st = hl_array_from_dl(array, image, argument, err);
  return st == HELIOS_OK ? hl_pixels_from_array(&pixels, array, dataformats, argument, err) : st;
}

helios_status hl_encode_image(hl_buf *out, hl_str tag, const DLTensor *image, const char *dataformats,
                              const char *argument, hl_error *err) {
  hl_array array;
  hl_pixels pixels;
  helios_status st = hl_array_from_dl(&array, image, argument, err);
  if (st == HELIOS_OK) st = hl_pixels_from_array(&pixels, &array, dataformats, argument, err);
  if (st != HELIOS_OK) return st;
  /* a photograph's PNG is between a quarter and half of its pixels: lengths of as many digits spare a move */
  size_t png_hint = (size_t)pixels.width * pixels.height * (size_t)pixels.channels / 3;
  size_t mark = hl_value_begin(out, tag, png_hint + HEAD_HINT);
  st = put_image(out, &pixels, png_hint, err);
  if (st != HELIOS_OK) return st;
  hl_value_end(out, mark, tag, png_hint + HEAD_HINT);
  return hl_buf_status(out);
}

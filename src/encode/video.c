/* video.c - a batch of films as one animated GIF: each frame is a grid of the films' frames, inside Summary.Image.
 *
 * N films are padded with black to a power of two P, and lie in 2^((bits(N) - 1) div 2) rows of as many as it takes;
 * bits(N) is the length of N in binary. Channels are 1, 3, or 4 of which the last is alpha. */
#include <math.h>

#include "gif.h"
#include "pixels.h"
#include "summary.h"

enum { VIDEO_RANK = 5, FILMS = 0, FRAMES = 1, CHANNELS = 1, SIZE_HINT = 64, MAX_DELAY = 65535 };
enum { IMAGE_HEIGHT = 1, IMAGE_WIDTH = 2, IMAGE_COLORSPACE = 3, IMAGE_ENCODED = 4 };

typedef struct film {
  hl_array frame; /* NCHW: the films' frames at one time */
  hl_pixels grid;
  int64_t frame_stride, frames, channels;
  double fps;
} film;

static int bit_length(int64_t n) { return 64 - __builtin_clzll((unsigned long long)n); }

/* Take the grid of frame t out of the five dimensions. */
static helios_status arrange(film *f, const hl_array *video, hl_error *err) {
  static const int order[VIDEO_RANK] = {1, 0, 2, 3, 4};
  hl_array a = *video;
  hl_array_permute(&a, order);
  f->frames = a.shape[0];
  f->frame_stride = a.stride[0];
  a.ndim = VIDEO_RANK - 1;
  memmove(a.shape, a.shape + 1, sizeof *a.shape * VIDEO_RANK);
  memmove(a.stride, a.stride + 1, sizeof *a.stride * VIDEO_RANK);
  f->channels = a.shape[CHANNELS];
  if (f->channels != 1 && f->channels != 3 && f->channels != 4)
    return hl_invalid(err, "vid_tensor", "expected 1, 3 or 4 channels, got %lld", (long long)f->channels);
  if (f->channels == 4) a.shape[CHANNELS] = 3; /* alpha is dropped: a GIF has none */
  f->frame = a;
  helios_status st = hl_pixels_from_array(&f->grid, &a, "NCHW", "vid_tensor", err);
  if (st != HELIOS_OK) return st;
  int64_t n = f->grid.tiles, padded = (n & (n - 1)) == 0 ? n : (int64_t)1 << bit_length(n);
  int64_t rows = (int64_t)1 << (bit_length(n) - 1) / 2, columns = padded / rows;
  int64_t width, height;
  bool overflow = __builtin_mul_overflow(columns, f->grid.tile_width, &width) ||
                  __builtin_mul_overflow(rows, f->grid.tile_height, &height);
  if (overflow || width > HL_GIF_MAX_SIDE || height > HL_GIF_MAX_SIDE)
    return hl_invalid(err, "vid_tensor", "a frame is wider or higher than the %d pixels of a GIF", HL_GIF_MAX_SIDE);
  if (width * height > INT32_MAX / 3) return hl_invalid(err, "vid_tensor", "a frame is larger than 2 GiB");
  f->grid.columns = columns;
  f->grid.width = (uint32_t)width;
  f->grid.height = (uint32_t)height;
  return HELIOS_OK;
}

static helios_status open_film(film *f, hl_array *a, const DLTensor *video, double fps, hl_error *err) {
  helios_status st = hl_array_from_dl(a, video, "vid_tensor", err);
  if (st != HELIOS_OK) return st;
  if (a->ndim != VIDEO_RANK)
    return hl_invalid(err, "vid_tensor", "expected 5 dimensions (NTCHW), got %d", a->ndim);
  if (a->shape[FRAMES] == 0) return hl_invalid(err, "vid_tensor", "has no frames");
  if (!(fps >= 100.0 / MAX_DELAY && fps <= 1e6))
    return hl_invalid(err, "fps", "expected 0.0016 to 1e6 frames a second, got %g", fps);
  f->fps = fps;
  return arrange(f, a, err);
}

helios_status hl_check_video(hl_array *array, const DLTensor *video, double fps, hl_error *err) {
  film f;
  return open_film(&f, array, video, fps, err);
}

/* Time of frame t in hundredths of a second. Delays are differences of these, so that rounding does not add up. */
static int64_t time_of(const film *f, int64_t t) { return (int64_t)llround((double)t * 100.0 / f->fps); }

static void put_frames(hl_gif *gif, const film *f, unsigned char *rgb) {
  size_t row = (size_t)f->grid.width * 3;
  for (int64_t t = 0; t < f->frames; t++) {
    hl_pixels p = f->grid;
    p.data += t * f->frame_stride;
    for (uint32_t y = 0; y < p.height; y++) {
      const unsigned char *pixels = hl_pixels_row(&p, y, rgb + y * row);
      if (pixels != rgb + y * row) memcpy(rgb + y * row, pixels, row);
    }
    hl_gif_frame(gif, rgb, (uint16_t)(time_of(f, t + 1) - time_of(f, t)));
  }
}

static helios_status put_gif(hl_buf *out, const film *f) {
  size_t size = (size_t)f->grid.width * f->grid.height * 3;
  unsigned char *rgb = hl_alloc(out->alloc, size);
  if (rgb == NULL) return HELIOS_ENOMEM;
  hl_gif *gif = hl_gif_begin(out, f->grid.width, f->grid.height);
  if (gif != NULL) {
    put_frames(gif, f, rgb);
    hl_gif_end(gif);
  }
  hl_free(out->alloc, rgb, size);
  return gif == NULL ? HELIOS_ENOMEM : HELIOS_OK;
}

helios_status hl_encode_video(hl_buf *out, hl_str tag, const DLTensor *video, double fps, hl_error *err) {
  film f;
  hl_array a;
  helios_status st = open_film(&f, &a, video, fps, err);
  if (st != HELIOS_OK) return st;
  size_t hint = (size_t)f.grid.width * f.grid.height * (size_t)f.frames / 2 + SIZE_HINT;
  size_t mark = hl_value_begin(out, tag, hint);
  size_t image = hl_wire_begin(out, HL_VALUE_IMAGE, hint);
  hl_wire_varint_field(out, IMAGE_HEIGHT, f.grid.height);
  hl_wire_varint_field(out, IMAGE_WIDTH, f.grid.width);
  hl_wire_varint_field(out, IMAGE_COLORSPACE, (uint64_t)f.channels);
  size_t encoded = hl_wire_begin(out, IMAGE_ENCODED, hint);
  st = put_gif(out, &f);
  if (st != HELIOS_OK) return st;
  hl_wire_end(out, encoded, hint);
  hl_wire_end(out, image, hint);
  hl_value_end(out, mark, tag, hint);
  if (out->len - mark > INT32_MAX) return hl_invalid(err, "vid_tensor", "larger than the 2 GiB of an event");
  return hl_buf_status(out);
}

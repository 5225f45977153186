/* writer_figure.c - figures that the caller has rendered: pictures of one size, pixels or PNG bytes, as one RGB image.
 * How a figure is drawn is not known here. */
#include <string.h>

#include "encode/png.h"
#include "writer_impl.h"

enum { PICTURE_RANK = 3, RGB = 3 };

static const char ARGUMENT[] = "figure";

/* One picture, readable: its pixels, and the memory of those if they were a PNG. */
typedef struct picture {
  hl_array pixels; /* height x width x channels */
  hl_png_image decoded;
} picture;

/* The pictures behind one another: count x height x width x 3 bytes. */
typedef struct stack {
  unsigned char *data;
  size_t size;
  int64_t shape[PICTURE_RANK + 1];
} stack;

static helios_status decode(picture *p, const helios_picture *given, const helios_allocator *alloc, hl_error *err) {
  hl_error why = {.status = HELIOS_OK};
  hl_png_image *image = &p->decoded;
  helios_status st = hl_png_decode(given->png, given->png_size, alloc, image, &why);
  if (st == HELIOS_ENOMEM) return st;
  if (st != HELIOS_OK) return hl_invalid(err, ARGUMENT, "%s", why.reason);
  int64_t shape[] = {image->height, image->width, image->channels};
  DLTensor t = {.data = image->data, .device = {kDLCPU, 0}, .ndim = PICTURE_RANK, .shape = shape,
                .dtype = helios_dtype_to_dl(HELIOS_UINT8)};
  return hl_array_from_dl(&p->pixels, &t, ARGUMENT, err);
}

static helios_status check_pixels(const hl_array *a, hl_error *err) {
  if (a->dtype != HELIOS_UINT8) return hl_invalid(err, ARGUMENT, "expected pixels of dtype uint8");
  if (a->ndim != PICTURE_RANK)
    return hl_invalid(err, ARGUMENT, "expected 3 dimensions (height x width x channels), got %d", a->ndim);
  if (a->shape[2] != 1 && a->shape[2] != 3 && a->shape[2] != 4)
    return hl_invalid(err, ARGUMENT, "expected 1, 3 or 4 channels, got %lld", (long long)a->shape[2]);
  return a->numel == 0 ? hl_invalid(err, ARGUMENT, "has no pixels") : HELIOS_OK;
}

static helios_status open_picture(picture *p, const helios_picture *given, const helios_allocator *alloc,
                                  hl_error *err) {
  if ((given->pixels == NULL) == (given->png == NULL))
    return hl_invalid(err, ARGUMENT, "expected either pixels or PNG bytes");
  if (given->png != NULL) return decode(p, given, alloc, err);
  helios_status st = hl_array_from_dl(&p->pixels, given->pixels, ARGUMENT, err);
  return st == HELIOS_OK ? check_pixels(&p->pixels, err) : st;
}

/* The first picture says how large all are. */
static helios_status make_room(stack *s, const hl_array *first, size_t count, const helios_allocator *alloc,
                               hl_error *err) {
  size_t one;
  memcpy(s->shape + 1, first->shape, 2 * sizeof *s->shape);
  s->shape[0] = (int64_t)count;
  s->shape[PICTURE_RANK] = RGB;
  if (__builtin_mul_overflow((size_t)s->shape[1] * RGB, (size_t)s->shape[2], &one) ||
      __builtin_mul_overflow(one, count, &s->size))
    return hl_invalid(err, ARGUMENT, "has too many pixels");
  s->data = hl_alloc(alloc, s->size);
  return s->data != NULL ? HELIOS_OK : HELIOS_ENOMEM;
}

/* Gray is repeated, alpha dropped. */
static void copy_rgb(unsigned char *out, const hl_array *a) {
  int64_t step = a->shape[2] == 1 ? 0 : a->stride[2];
  for (int64_t y = 0; y < a->shape[0]; y++) {
    for (int64_t x = 0; x < a->shape[1]; x++) {
      const unsigned char *p = a->data + y * a->stride[0] + x * a->stride[1];
      for (int64_t c = 0; c < RGB; c++) *out++ = p[c * step];
    }
  }
}

static helios_status add_picture(stack *s, const helios_picture *figures, size_t count, size_t i,
                                 const helios_allocator *alloc, hl_error *err) {
  hl_error why = {.status = HELIOS_OK};
  picture p = {.decoded.data = NULL};
  helios_status st = open_picture(&p, &figures[i], alloc, &why);
  if (st == HELIOS_OK && i == 0) st = make_room(s, &p.pixels, count, alloc, &why);
  if (st == HELIOS_OK && (p.pixels.shape[0] != s->shape[1] || p.pixels.shape[1] != s->shape[2]))
    st = hl_invalid(&why, ARGUMENT, "is not as high and wide as the first");
  if (st == HELIOS_OK) copy_rgb(s->data + s->size / count * i, &p.pixels);
  if (p.decoded.data != NULL) hl_free(alloc, p.decoded.data, p.decoded.size);
  return st == HELIOS_EINVAL ? hl_invalid(err, ARGUMENT, "picture %zu: %s", i + 1, why.reason) : st;
}

static helios_status stack_pictures(stack *s, const helios_picture *figures, size_t count,
                                    const helios_allocator *alloc, hl_error *err) {
  if (figures == NULL || count == 0) return hl_invalid(err, ARGUMENT, "expected pictures");
  helios_status st = HELIOS_OK;
  for (size_t i = 0; i < count && st == HELIOS_OK; i++) st = add_picture(s, figures, count, i, alloc, err);
  return st;
}

helios_status helios_writer_add_figure(helios_writer *w, const char *tag, const helios_picture *figures, size_t count,
                                       int64_t step, const helios_add_options *options) {
  hl_error err = {.status = HELIOS_OK};
  stack s = {.data = NULL};
  helios_status st = hl_writer_check(w);
  if (st != HELIOS_OK) return hl_writer_fail(w, st, &err);
  const helios_allocator *alloc = &w->alloc;
  st = stack_pictures(&s, figures, count, alloc, &err);
  if (st == HELIOS_OK) {
    DLTensor all = {.data = s.data, .device = {kDLCPU, 0}, .ndim = PICTURE_RANK + 1, .shape = s.shape,
                    .dtype = helios_dtype_to_dl(HELIOS_UINT8)};
    st = helios_writer_add_images(w, tag, &all, "NHWC", step, options); /* of one: the picture itself */
  } else {
    st = hl_writer_fail(w, st, &err);
  }
  if (s.data != NULL) hl_free(alloc, s.data, s.size);
  return st;
}

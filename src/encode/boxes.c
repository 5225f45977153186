/* boxes.c - an image with red boxes and labels on it, as a Summary.Image; resized afterwards.
 *
 * The outline is what Pillow makes of a line of width 2 through the corners: each side is two pixels thick, and grows
 * to the right of the way it is drawn. Coordinates are truncated; what lies outside of the image is cut off. */
#include <math.h>

#include "font.h"
#include "pixels.h"
#include "png.h"
#include "resample.h"
#include "summary.h"

enum { IMAGE_HEIGHT = 1, IMAGE_WIDTH = 2, IMAGE_COLORSPACE = 3, IMAGE_ENCODED = 4, SIZE_HINT = 64 };
enum { BOX_RANK = 2, BOX_SIZE = 4, MAX_SIDE = 65500 };

static const unsigned char RED[] = {255, 0, 0, 255};

/* Pixels [x0, x1] x [y0, y1], cut to the image. */
static void fill(hl_bitmap *b, int64_t x0, int64_t y0, int64_t x1, int64_t y1) {
  if (x0 < 0) x0 = 0;
  if (y0 < 0) y0 = 0;
  if (x1 >= b->width) x1 = (int64_t)b->width - 1;
  if (y1 >= b->height) y1 = (int64_t)b->height - 1;
  for (int64_t y = y0; y <= y1; y++)
    for (int64_t x = x0; x <= x1; x++)
      memcpy(b->data + ((size_t)y * b->width + (size_t)x) * (size_t)b->channels, RED, (size_t)b->channels);
}

/* A side drawn from y0 to y1, downwards to the right of x, upwards to its left; one point when it has no length. */
static void fill_vertical(hl_bitmap *b, int64_t x, int64_t y0, int64_t y1) {
  if (y0 < y1) fill(b, x, y0, x + 1, y1);
  else if (y0 > y1) fill(b, x - 1, y1, x, y0);
  else fill(b, x, y0, x, y0);
}

static void fill_horizontal(hl_bitmap *b, int64_t y, int64_t x0, int64_t x1) {
  if (x0 < x1) fill(b, x0, y, x1, y + 1);
  else if (x0 > x1) fill(b, x1, y - 1, x0, y);
  else fill(b, x0, y, x0, y);
}

typedef struct box {
  double left, top, right, bottom;
} box;

static void draw_outline(hl_bitmap *b, const box *k) {
  int64_t left = (int64_t)k->left, top = (int64_t)k->top, right = (int64_t)k->right, bottom = (int64_t)k->bottom;
  fill_vertical(b, left, top, bottom);
  fill_horizontal(b, bottom, left, right);
  fill_vertical(b, right, bottom, top);
  fill_horizontal(b, top, right, left);
}

/* The label stands in a filled red box on the lower left corner. */
static void draw_label(hl_bitmap *b, const box *k, const char *label) {
  if (label == NULL || label[0] == '\0') return;
  hl_text_size size = hl_font_measure(label);
  double margin = ceil(0.05 * size.height);
  double top = k->bottom - size.height - 2 * margin;
  fill(b, (int64_t)k->left, (int64_t)top, (int64_t)(k->left + size.width), (int64_t)k->bottom);
  hl_font_draw(b, k->left + margin, k->bottom - size.height - margin, label);
}

/* ---- arguments --------------------------------------------------------------------------------------------- */

static double coordinate(const hl_array *a, int64_t i, int k) {
  return hl_element_as_double(a->dtype, a->data + i * a->stride[0] + k * a->stride[1]);
}

static helios_status check_boxes(hl_array *a, const DLTensor *boxes, hl_error *err) {
  helios_status st = hl_array_from_dl(a, boxes, "box_tensor", err);
  if (st != HELIOS_OK) return st;
  if (a->ndim == 1 && a->numel == 0) return HELIOS_OK; /* an empty list: no boxes */
  if (a->ndim != BOX_RANK || a->shape[1] < BOX_SIZE)
    return hl_invalid(err, "box_tensor", "expected rows of 4 numbers (left, top, right, bottom)");
  for (int64_t i = 0; i < a->shape[0]; i++)
    for (int k = 0; k < BOX_SIZE; k++) {
      double v = coordinate(a, i, k);
      if (!(fabs(v) <= INT32_MAX / 2))
        return hl_invalid(err, "box_tensor", "box %lld has the coordinate %g", (long long)i + 1, v);
    }
  return HELIOS_OK;
}

static box box_at(const hl_array *a, int64_t i) {
  return (box){coordinate(a, i, 0), coordinate(a, i, 1), coordinate(a, i, 2), coordinate(a, i, 3)};
}

static helios_status check_labels(const helios_boxes_options *o, hl_error *err) {
  hl_str label;
  helios_status st = HELIOS_OK;
  if (o->labels == NULL && o->label_count > 0) return hl_invalid(err, "labels", "is NULL");
  for (size_t i = 0; i < o->label_count && st == HELIOS_OK; i++)
    st = hl_check_name(o->labels[i], "labels", &label, err);
  return st;
}

static helios_status check_rescale(const hl_pixels *p, double rescale, uint32_t *width, uint32_t *height,
                                   hl_error *err) {
  double w = floor(p->width * rescale), h = floor(p->height * rescale);
  if (!(w >= 1 && h >= 1 && w <= MAX_SIDE && h <= MAX_SIDE && w * h <= INT32_MAX / 4))
    return hl_invalid(err, "rescale", "%g makes %u x %u pixels too few or too many", rescale, p->width, p->height);
  *width = (uint32_t)w;
  *height = (uint32_t)h;
  return HELIOS_OK;
}

/* ---- the picture ------------------------------------------------------------------------------------------- */

static helios_status copy_pixels(hl_bitmap *b, const hl_pixels *p, const helios_allocator *alloc) {
  *b = (hl_bitmap){NULL, p->width, p->height, p->channels};
  b->data = hl_alloc(alloc, hl_bitmap_size(b));
  if (b->data == NULL) return HELIOS_ENOMEM;
  size_t row = (size_t)p->width * (size_t)p->channels;
  for (uint32_t y = 0; y < p->height; y++) {
    const unsigned char *pixels = hl_pixels_row(p, y, b->data + y * row);
    if (pixels != b->data + y * row) memcpy(b->data + y * row, pixels, row);
  }
  return HELIOS_OK;
}

static const unsigned char *bitmap_row(const void *ctx, uint32_t y, unsigned char *scratch) {
  (void)scratch;
  const hl_bitmap *b = ctx;
  return b->data + (size_t)y * b->width * (size_t)b->channels;
}

/* Height and width are those before resizing, as torch writes them. */
static helios_status put_image(hl_buf *out, hl_str tag, const hl_bitmap *b, const hl_pixels *p, hl_error *err) {
  hl_png_source source = {b->width, b->height, b->channels, bitmap_row, b};
  size_t hint = hl_bitmap_size(b) / 2 + SIZE_HINT;
  size_t mark = hl_value_begin(out, tag, hint);
  size_t image = hl_wire_begin(out, HL_VALUE_IMAGE, hint);
  hl_wire_varint_field(out, IMAGE_HEIGHT, p->height);
  hl_wire_varint_field(out, IMAGE_WIDTH, p->width);
  hl_wire_varint_field(out, IMAGE_COLORSPACE, (uint64_t)p->channels);
  size_t encoded = hl_wire_begin(out, IMAGE_ENCODED, hint);
  helios_status st = hl_png_encode(out, &source, err);
  if (st != HELIOS_OK) return st;
  hl_wire_end(out, encoded, hint);
  hl_wire_end(out, image, hint);
  hl_value_end(out, mark, tag, hint);
  return hl_buf_status(out);
}

helios_status hl_encode_image_with_boxes(hl_buf *out, hl_str tag, const DLTensor *image, const DLTensor *boxes,
                                         const helios_boxes_options *o, hl_error *err) {
  hl_array a, corners;
  hl_pixels p;
  uint32_t width = 0, height = 0;
  hl_bitmap b;
  helios_status st = hl_array_from_dl(&a, image, "img_tensor", err);
  if (st == HELIOS_OK)
    st = hl_pixels_from_array(&p, &a, o->dataformats == NULL ? "CHW" : o->dataformats, "img_tensor", err);
  if (st == HELIOS_OK) st = check_boxes(&corners, boxes, err);
  if (st == HELIOS_OK) st = check_labels(o, err);
  if (st == HELIOS_OK) st = check_rescale(&p, o->rescale == 0 ? 1 : o->rescale, &width, &height, err);
  if (st != HELIOS_OK || (st = copy_pixels(&b, &p, out->alloc)) != HELIOS_OK) return st;
  bool labelled = o->labels != NULL && o->label_count == (size_t)corners.shape[0];
  for (int64_t i = 0; i < corners.shape[0]; i++) {
    box k = box_at(&corners, i);
    draw_outline(&b, &k);
    if (labelled) draw_label(&b, &k, o->labels[i]);
  }
  st = hl_resample(&b, width, height, out->alloc);
  if (st == HELIOS_OK) st = put_image(out, tag, &b, &p, err);
  hl_free(out->alloc, b.data, hl_bitmap_size(&b));
  return st;
}

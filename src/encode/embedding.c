/* embedding.c - what the projector reads: a matrix and its labels as tab-separated text, a sprite of small pictures,
 * and the entry that names them in projector_config.pbtxt. Makes bytes; knows no folder but by name. */
#include <math.h>

#include "embedding.h"
#include "number.h"
#include "pixels.h"
#include "png.h"

enum { MATRIX_RANK = 2, IMAGES_RANK = 4, BLOCK = 512, MAX_SPRITE_SIDE = 8192 };

/* ---- tensors.tsv ------------------------------------------------------------------------------------------- */

static bool is_float(helios_dtype dtype) { return dtype >= HELIOS_FLOAT16; }

#define AT(type) (*(type *)memcpy(&(type){0}, p, sizeof(type)))

static void put_element(hl_buf *b, helios_dtype dtype, const unsigned char *p) {
  if (is_float(dtype)) {
    double v = hl_element_as_double(dtype, p);
    if (dtype == HELIOS_BFLOAT16) v = hl_half_to_float(hl_float_to_half((float)v)); /* torch's way to numpy */
    hl_put_python_float(b, v);
  } else if (dtype == HELIOS_BOOL) {
    hl_buf_append_str(b, AT(uint8_t) != 0 ? "True" : "False");
  } else if (dtype == HELIOS_INT64) {
    hl_buf_printf(b, "%lld", (long long)AT(int64_t));
  } else if (dtype == HELIOS_UINT64) {
    hl_buf_printf(b, "%llu", (unsigned long long)AT(uint64_t));
  } else {
    hl_buf_printf(b, "%.0f", hl_element_as_double(dtype, p)); /* at most 32 bits: exact */
  }
}

helios_status hl_encode_embedding_matrix(hl_buf *out, const hl_array *a) {
  unsigned char block[BLOCK];
  size_t item = helios_dtype_size(a->dtype), columns = (size_t)a->shape[1], column = 0, n;
  hl_array_iter it;
  hl_array_iter_init(&it, a);
  while ((n = hl_array_next_raw(&it, block, sizeof block / item)) > 0) {
    for (size_t i = 0; i < n; i++) {
      put_element(out, a->dtype, block + i * item);
      column = column + 1 == columns ? 0 : column + 1;
      hl_buf_append_byte(out, column == 0 ? '\n' : '\t');
    }
  }
  for (int64_t row = 0; columns == 0 && row < a->shape[0]; row++) hl_buf_append_byte(out, '\n');
  return hl_buf_status(out);
}

/* ---- metadata.tsv ------------------------------------------------------------------------------------------ */

static void put_row(hl_buf *out, const char *const *cells, size_t columns) {
  for (size_t i = 0; i < columns; i++) {
    if (i > 0) hl_buf_append_byte(out, '\t');
    hl_buf_append_str(out, cells[i]);
  }
  hl_buf_append_byte(out, '\n');
}

helios_status hl_encode_embedding_metadata(hl_buf *out, const helios_embedding *e) {
  size_t columns = e->metadata_header != NULL ? e->metadata_columns : 1;
  if (e->metadata_header != NULL) put_row(out, e->metadata_header, columns);
  for (size_t row = 0; row < e->metadata_rows; row++) put_row(out, e->metadata + row * columns, columns);
  return hl_buf_status(out);
}

/* ---- sprite.png -------------------------------------------------------------------------------------------- */

typedef struct sprite {
  hl_pixels grid;
  uint32_t side;
} sprite;

/* Unlike an image's, a sprite's values are multiplied in double, and uint8 is multiplied too: 0 stays, all else is
 * white. The comparison is false for NaN. */
static unsigned char to_byte(helios_dtype dtype, const unsigned char *p) {
  double v = hl_element_as_double(dtype, p) * 255.0;
  return !(v > 0) ? 0 : v >= 255 ? 255 : (unsigned char)v;
}

/* The grid's rows on a black square. */
static const unsigned char *sprite_row(const void *ctx, uint32_t y, unsigned char *scratch) {
  const sprite *s = ctx;
  const hl_pixels *g = &s->grid;
  memset(scratch, 0, (size_t)s->side * 3);
  if (y >= g->height) return scratch;
  int64_t first = y / g->tile_height * g->columns;
  const unsigned char *row = g->data + y % g->tile_height * g->row_stride;
  for (int64_t x = 0; x < s->side; x++) {
    int64_t tile = first + x / g->tile_width;
    if (tile >= g->tiles) break;
    const unsigned char *pixel = row + tile * g->tile_stride + x % g->tile_width * g->column_stride;
    for (int c = 0; c < 3; c++) scratch[x * 3 + c] = to_byte(g->dtype, pixel + c * g->channel_stride);
  }
  return scratch;
}

static helios_status arrange_sprite(sprite *s, const hl_array *images, hl_error *err) {
  helios_status st = hl_pixels_from_array(&s->grid, images, "NCHW", "label_img", err);
  if (st != HELIOS_OK) return st;
  int64_t n = s->grid.tiles, columns = (int64_t)ceil(sqrt((double)n)), rows = (n - 1) / columns + 1;
  int64_t width = columns * s->grid.tile_width, height = rows * s->grid.tile_height;
  if (height > width)
    return hl_invalid(err, "label_img", "the sprite's %lld rows of %lld pixels are higher than its width of %lld",
                      (long long)rows, (long long)s->grid.tile_height, (long long)width);
  if (width > MAX_SPRITE_SIDE)
    return hl_invalid(err, "label_img", "the sprite would be %lld pixels wide; the projector shows at most %d",
                      (long long)width, MAX_SPRITE_SIDE);
  s->grid.columns = columns;
  s->grid.width = s->side = (uint32_t)width;
  s->grid.height = (uint32_t)height;
  return HELIOS_OK;
}

helios_status hl_encode_embedding_sprite(hl_buf *out, const hl_array *images, hl_error *err) {
  sprite s;
  helios_status st = arrange_sprite(&s, images, err);
  if (st != HELIOS_OK) return st;
  hl_png_source source = {.width = s.side, .height = s.side, .channels = 3, .row = sprite_row, .ctx = &s};
  return hl_png_encode(out, &source, err);
}

/* ---- projector_config.pbtxt -------------------------------------------------------------------------------- */

static void put_quoted(hl_buf *b, const char *s) {
  hl_buf_append_byte(b, '"');
  for (const unsigned char *p = (const unsigned char *)s; *p != '\0'; p++) {
    if (*p == '\n') hl_buf_append_str(b, "\\n");
    else if (*p == '\r') hl_buf_append_str(b, "\\r");
    else if (*p == '\t') hl_buf_append_str(b, "\\t");
    else if (*p == '"' || *p == '\'' || *p == '\\') hl_buf_printf(b, "\\%c", *p);
    else if (*p < 0x20 || *p == 0x7f) hl_buf_printf(b, "\\%03o", *p);
    else hl_buf_append_byte(b, *p);
  }
  hl_buf_append_str(b, "\"\n");
}

static void put_path(hl_buf *b, const char *field, const char *folder, const char *file) {
  hl_buf path;
  hl_buf_init(&path, b->alloc);
  hl_buf_append_str(&path, folder);
  hl_buf_append_byte(&path, '/');
  hl_buf_append(&path, file, strlen(file) + 1);
  hl_buf_append_str(b, field);
  if (path.failed) b->failed = true;
  else put_quoted(b, (const char *)path.data);
  hl_buf_free(&path);
}

helios_status hl_encode_embedding_entry(hl_buf *out, const helios_embedding *e, const char *folder, int64_t step) {
  hl_buf name;
  hl_buf_init(&name, out->alloc);
  hl_buf_printf(&name, "%s:%0*lld%c", e->tag, HL_EMBEDDING_STEP_DIGITS, (long long)step, '\0');
  hl_buf_append_str(out, "embeddings {\n  tensor_name: ");
  if (name.failed) out->failed = true;
  else put_quoted(out, (const char *)name.data);
  hl_buf_free(&name);
  if (e->metadata != NULL) put_path(out, "  metadata_path: ", folder, "metadata.tsv");
  if (e->label_img != NULL) {
    hl_buf_append_str(out, "  sprite {\n");
    put_path(out, "    image_path: ", folder, "sprite.png");
    for (int i = IMAGES_RANK - 1; i >= 2; i--)
      hl_buf_printf(out, "    single_image_dim: %lld\n", (long long)e->label_img->shape[i]);
    hl_buf_append_str(out, "  }\n");
  }
  put_path(out, "  tensor_path: ", folder, "tensors.tsv");
  hl_buf_append_str(out, "}\n");
  return hl_buf_status(out);
}

/* ---- checks ------------------------------------------------------------------------------------------------ */

static helios_status check_texts(const char *const *texts, size_t n, const char *argument, hl_error *err) {
  helios_status st = HELIOS_OK;
  for (size_t i = 0; i < n && st == HELIOS_OK; i++) {
    if (texts[i] == NULL) return hl_invalid(err, argument, "text %zu is missing", i + 1);
    st = hl_check_utf8(hl_str_of(texts[i]), argument, err);
  }
  return st;
}

static helios_status check_metadata(const helios_embedding *e, int64_t rows, hl_error *err) {
  size_t columns = e->metadata_header != NULL ? e->metadata_columns : 1;
  if (e->metadata_header != NULL && (columns == 0 || e->metadata == NULL))
    return hl_invalid(err, "metadata_header", "needs metadata with as many columns");
  if (e->metadata == NULL) return HELIOS_OK;
  if (e->metadata_rows != (size_t)rows)
    return hl_invalid(err, "metadata", "expected a label for each of %lld rows, got %zu", (long long)rows,
                      e->metadata_rows);
  helios_status st = check_texts(e->metadata, e->metadata_rows * columns, "metadata", err);
  if (st == HELIOS_OK && e->metadata_header != NULL)
    st = check_texts(e->metadata_header, columns, "metadata_header", err);
  return st;
}

static helios_status check_images(hl_array *images, const DLTensor *t, int64_t rows, hl_error *err) {
  helios_status st = hl_array_from_dl(images, t, "label_img", err);
  if (st != HELIOS_OK) return st;
  if (images->ndim != IMAGES_RANK)
    return hl_invalid(err, "label_img", "expected 4 dimensions (NCHW), got %d", images->ndim);
  if (images->shape[0] != rows)
    return hl_invalid(err, "label_img", "expected an image for each of %lld rows, got %lld", (long long)rows,
                      (long long)images->shape[0]);
  return HELIOS_OK;
}

helios_status hl_embedding_check(const helios_embedding *e, hl_array *matrix, hl_array *images, hl_error *err) {
  helios_status st = hl_array_from_dl(matrix, e->matrix, "mat", err);
  if (st != HELIOS_OK) return st;
  if (matrix->ndim != MATRIX_RANK)
    return hl_invalid(err, "mat", "expected 2 dimensions (a row for each point), got %d", matrix->ndim);
  st = check_metadata(e, matrix->shape[0], err);
  if (st == HELIOS_OK && e->label_img != NULL) st = check_images(images, e->label_img, matrix->shape[0], err);
  return st;
}

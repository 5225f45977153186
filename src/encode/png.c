/* png.c - PNG through libpng: its memory comes from our hook, its texts go to our error, its longjmp ends here.
 *
 * How we compress, measured on two shared cores (libpng 1.6, zlib 1.2.13, level 1, CPU ms and share of the raw size):
 *                            a photograph   the same, noisy   a drawn plot   digits
 *                            1920x1080      1920x1080         640x480        256x256
 *   UP     RLE               49  29 %       76  59 %          2.2   4 %      2.2  42 %
 *   AVG    RLE               54  27 %       75  56 %          2.3   5 %      2.4  56 %
 *   PAETH  RLE               65  23 %       102 58 %          2.9   4 %      1.9  44 %
 *   UP     HUFFMAN_ONLY      47  32 %       49  59 %          6.6  16 %      2.5  47 %
 *   UP     default strategy  55  32 %                         (matches rarely repay their search after a filter)
 * UP with RLE is never far from the best in time or size, and costs little on what runs log most: photographs, plots
 * and small grids. */
#include "png.h"

#include <png.h>
#include <stdio.h>
#include <zlib.h>

typedef struct codec {
  const helios_allocator *alloc;
  png_structp png;
  png_infop info;
  bool out_of_memory;
  char reason[160];
  hl_buf *out;                   /* encoding */
  const unsigned char *in, *end; /* decoding */
} codec;

/* ---- what libpng calls ------------------------------------------------------------------------------------ */

/* libpng frees without telling a size, our hook wants it: it stands in front of each block. */
enum { BLOCK_HEADER = 16 };

static png_voidp take_memory(png_structp png, png_alloc_size_t size) {
  codec *c = png_get_mem_ptr(png);
  unsigned char *block = size > SIZE_MAX - BLOCK_HEADER ? NULL : hl_alloc(c->alloc, size + BLOCK_HEADER);
  if (block == NULL) {
    c->out_of_memory = true;
    return NULL;
  }
  size_t whole = size + BLOCK_HEADER;
  memcpy(block, &whole, sizeof whole);
  return block + BLOCK_HEADER;
}

static void give_memory(png_structp png, png_voidp p) {
  codec *c = png_get_mem_ptr(png);
  if (p == NULL) return;
  unsigned char *block = (unsigned char *)p - BLOCK_HEADER;
  size_t whole;
  memcpy(&whole, block, sizeof whole);
  hl_free(c->alloc, block, whole);
}

static void on_error(png_structp png, png_const_charp text) {
  codec *c = png_get_error_ptr(png);
  snprintf(c->reason, sizeof c->reason, "%s", text);
  png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text) {
  (void)png;
  (void)text;
}

static void append_output(png_structp png, png_bytep data, size_t n) {
  codec *c = png_get_io_ptr(png);
  hl_buf_append(c->out, data, n);
  if (c->out->failed) png_error(png, "out of memory");
}

static void flush_output(png_structp png) { (void)png; }

static void take_input(png_structp png, png_bytep data, size_t n) {
  codec *c = png_get_io_ptr(png);
  if ((size_t)(c->end - c->in) < n) png_error(png, "the file is cut short");
  memcpy(data, c->in, n);
  c->in += n;
}

/* ---- encoding --------------------------------------------------------------------------------------------- */

static int color_type(int channels) {
  return channels == 1 ? PNG_COLOR_TYPE_GRAY : channels == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_RGB_ALPHA;
}

/* False after libpng gave up. Holds no local that lives across the setjmp. */
static bool write_png(codec *c, const hl_png_source *s, unsigned char *scratch) {
  if (setjmp(png_jmpbuf(c->png)) != 0) return false;
  png_set_write_fn(c->png, c, append_output, flush_output);
  png_set_user_limits(c->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX); /* ours are in pixels.c */
  png_set_IHDR(c->png, c->info, s->width, s->height, 8, color_type(s->channels), PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_BASE, PNG_FILTER_TYPE_BASE);
  png_set_filter(c->png, PNG_FILTER_TYPE_BASE, PNG_FILTER_UP);
  png_set_compression_level(c->png, 1);
  png_set_compression_strategy(c->png, Z_RLE);
  png_write_info(c->png, c->info);
  for (uint32_t y = 0; y < s->height; y++) png_write_row(c->png, s->row(s->ctx, y, scratch));
  png_write_end(c->png, NULL);
  return true;
}

static helios_status failure(const codec *c, helios_status status, hl_error *err) {
  if (c->out_of_memory || (c->out != NULL && c->out->failed)) return HELIOS_ENOMEM;
  return hl_fail(err, status, "PNG: %s", c->reason);
}

helios_status hl_png_encode(hl_buf *out, const hl_png_source *source, hl_error *err) {
  codec c = {.alloc = out->alloc, .out = out};
  size_t row_size = (size_t)source->width * (size_t)source->channels;
  unsigned char *scratch = hl_alloc(c.alloc, row_size);
  if (scratch == NULL) return HELIOS_ENOMEM;
  c.png = png_create_write_struct_2(PNG_LIBPNG_VER_STRING, &c, on_error, on_warning, &c, take_memory, give_memory);
  if (c.png != NULL) c.info = png_create_info_struct(c.png);
  bool ok = c.info != NULL && write_png(&c, source, scratch);
  helios_status st = ok ? HELIOS_OK : failure(&c, HELIOS_EINVAL, err);
  png_destroy_write_struct(&c.png, &c.info);
  hl_free(c.alloc, scratch, row_size);
  return st;
}

/* ---- decoding --------------------------------------------------------------------------------------------- */

/* deflate makes at most 1032 bytes of one; an image that claims more than its file can hold is not worth memory. */
enum { DEFLATE_MAX_RATIO = 1032 };
#define MAX_DECODED ((uint64_t)1 << 31)

static bool read_head(codec *c) {
  if (setjmp(png_jmpbuf(c->png)) != 0) return false;
  png_set_read_fn(c->png, c, take_input);
  png_read_info(c->png, c->info);
  return true;
}

static helios_status check_claim(const codec *c, size_t file_size, hl_error *err) {
  uint64_t width = png_get_image_width(c->png, c->info), height = png_get_image_height(c->png, c->info);
  uint64_t packed = png_get_rowbytes(c->png, c->info) * height;
  if (packed / DEFLATE_MAX_RATIO > file_size || width * height * 4 > MAX_DECODED)
    return hl_fail(err, HELIOS_ELIMIT, "PNG: a file of %zu bytes claims %llu x %llu pixels", file_size,
                   (unsigned long long)width, (unsigned long long)height);
  return HELIOS_OK;
}

/* Ask for 8-bit gray, RGB or RGBA whatever the file holds, and learn the size that makes. */
static bool choose_layout(codec *c, hl_png_image *image, int *passes) {
  if (setjmp(png_jmpbuf(c->png)) != 0) return false;
  int color = png_get_color_type(c->png, c->info);
  bool transparent = png_get_valid(c->png, c->info, PNG_INFO_tRNS) != 0;
  png_set_expand(c->png);
  png_set_scale_16(c->png);
  if (color == PNG_COLOR_TYPE_GRAY_ALPHA || (color == PNG_COLOR_TYPE_GRAY && transparent)) png_set_gray_to_rgb(c->png);
  *passes = png_set_interlace_handling(c->png);
  png_read_update_info(c->png, c->info);
  image->width = png_get_image_width(c->png, c->info);
  image->height = png_get_image_height(c->png, c->info);
  image->channels = png_get_channels(c->png, c->info);
  image->size = png_get_rowbytes(c->png, c->info) * image->height;
  return true;
}

/* The passes of an interlaced image go over the same rows. */
static bool read_pixels(codec *c, const hl_png_image *image, int passes) {
  if (setjmp(png_jmpbuf(c->png)) != 0) return false;
  size_t row_size = image->size / image->height;
  for (int pass = 0; pass < passes; pass++)
    for (uint32_t y = 0; y < image->height; y++) png_read_row(c->png, image->data + y * row_size, NULL);
  png_read_end(c->png, NULL);
  return true;
}

static helios_status decode(codec *c, size_t file_size, hl_png_image *image, hl_error *err) {
  int passes = 0;
  if (c->info == NULL || !read_head(c)) return failure(c, HELIOS_EFORMAT, err);
  helios_status st = check_claim(c, file_size, err);
  if (st != HELIOS_OK) return st;
  if (!choose_layout(c, image, &passes)) return failure(c, HELIOS_EFORMAT, err);
  image->data = hl_alloc_zeroed(c->alloc, image->size, 1);
  if (image->data == NULL) return HELIOS_ENOMEM;
  return read_pixels(c, image, passes) ? HELIOS_OK : failure(c, HELIOS_EFORMAT, err);
}

helios_status hl_png_decode(const void *data, size_t n, const helios_allocator *alloc, hl_png_image *out,
                            hl_error *err) {
  codec c = {.alloc = alloc, .in = data, .end = n == 0 ? data : (const unsigned char *)data + n};
  *out = (hl_png_image){0};
  c.png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &c, on_error, on_warning, &c, take_memory, give_memory);
  if (c.png != NULL) c.info = png_create_info_struct(c.png);
  helios_status st = decode(&c, n, out, err);
  png_destroy_read_struct(&c.png, &c.info, NULL);
  if (st == HELIOS_OK) return st;
  hl_free(alloc, out->data, out->size);
  *out = (hl_png_image){0};
  return st;
}

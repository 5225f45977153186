/* test_image.c - layouts, number formats and grids down to the pixel; PNG files that lie. */
#include <math.h>
#include <png.h>
#include <zlib.h>

#include "encode/pixels.h"
#include "encode/png.h"
#include "encode_check.h"
#include "wire.h"

static hl_buf buf;
static const hl_str tag = {"t", 1};

/* The one Image of the summary in `buf`: its fields, and its PNG read by libpng's simplified API, which shares no call
 * with our writer. */
typedef struct image {
  uint64_t height, width, colorspace;
  hl_str png;
  unsigned char pixels[4096];
  size_t size;
} image;

static hl_str find_field(hl_str message, uint32_t field, uint64_t *value) {
  hl_wire_reader r;
  hl_wire_item item;
  hl_wire_read(&r, message.data, message.len);
  while (hl_wire_next(&r, &item))
    if (item.field == field) {
      if (value != NULL) *value = item.value;
      return item.bytes;
    }
  CHECK_STR("a message without the field", "the field");
  return (hl_str){"", 0};
}

static void read_back(image *im) {
  hl_str value = find_field((hl_str){(char *)buf.data, buf.len}, 1, NULL);
  hl_str content = find_field(value, 4, NULL);
  find_field(content, 1, &im->height);
  find_field(content, 2, &im->width);
  find_field(content, 3, &im->colorspace);
  im->png = find_field(content, 4, NULL);
  png_image file = {.version = PNG_IMAGE_VERSION};
  CHECK(png_image_begin_read_from_memory(&file, im->png.data, im->png.len));
  CHECK_INT(file.format, im->colorspace == 4 ? PNG_FORMAT_RGBA : PNG_FORMAT_RGB);
  CHECK_INT(file.width, im->width);
  CHECK_INT(file.height, im->height);
  im->size = PNG_IMAGE_SIZE(file);
  if (CHECK(im->size <= sizeof im->pixels)) CHECK(png_image_finish_read(&file, NULL, im->pixels, 0, NULL));
  else png_image_free(&file);
}

static void encode(image *im, const DLTensor *t, const char *dataformats) {
  hl_error err = {0};
  hl_buf_reset(&buf);
  CHECK_INT(hl_encode_image(&buf, tag, t, dataformats, "img_tensor", &err), HELIOS_OK);
  CHECK_STR(err.reason, "");
  read_back(im);
}

/* Value of channel c at (y, x) of image n: all different. */
static unsigned char value_at(int64_t n, int64_t c, int64_t y, int64_t x) {
  return (unsigned char)(1 + n * 61 + c * 17 + y * 5 + x);
}

/* Every order of dimensions shows the same picture. */
static void permutations(void) {
  static const char *const formats[] = {"CHW", "CWH", "HCW", "HWC", "WCH", "WHC", "chw", "hWc"};
  for (size_t f = 0; f < 8; f++) {
    unsigned char data[3 * 2 * 5];
    int64_t shape[3], strides[3], size[3] = {3, 2, 5};
    for (int i = 0; i < 3; i++) shape[i] = size[strcspn("CHWchw", (char[]){formats[f][i], 0}) % 3];
    for (int64_t i = 2, step = 1; i >= 0; step *= shape[i--]) strides[i] = step;
    int64_t step[3];
    for (int i = 0; i < 3; i++) step[strcspn("CHWchw", (char[]){formats[f][i], 0}) % 3] = strides[i];
    for (int64_t c = 0; c < 3; c++)
      for (int64_t y = 0; y < 2; y++)
        for (int64_t x = 0; x < 5; x++) data[c * step[0] + y * step[1] + x * step[2]] = value_at(0, c, y, x);
    DLTensor t = tensor(data, HELIOS_UINT8, 3, shape);
    image im;
    encode(&im, &t, formats[f]);
    CHECK(im.height == 2 && im.width == 5 && im.colorspace == 3);
    for (int64_t i = 0; i < 30; i++) CHECK_INT(im.pixels[i], value_at(0, i % 3, i / 15, i / 3 % 5));
  }
}

static void gray_and_alpha(void) {
  unsigned char data[] = {10, 20, 30, 40, 50, 60, 70, 80};
  int64_t hw[] = {2, 2}, wh_strides[] = {1, 2}, one[] = {1, 2, 2}, rgba[] = {1, 2, 4};
  image im;
  DLTensor t = tensor(data, HELIOS_UINT8, 2, hw);
  encode(&im, &t, "HW");
  CHECK(memcmp(im.pixels, (unsigned char[]){10, 10, 10, 20, 20, 20, 30, 30, 30, 40, 40, 40}, 12) == 0);
  encode(&im, &t, "wh");
  CHECK(memcmp(im.pixels, (unsigned char[]){10, 10, 10, 30, 30, 30, 20, 20, 20, 40, 40, 40}, 12) == 0);
  t.strides = wh_strides;
  encode(&im, &t, "HW");
  CHECK(memcmp(im.pixels, (unsigned char[]){10, 10, 10, 30, 30, 30, 20, 20, 20, 40, 40, 40}, 12) == 0);
  t = tensor(data, HELIOS_UINT8, 3, one);
  encode(&im, &t, "CHW");
  CHECK(im.colorspace == 3 && im.pixels[9] == 40 && im.pixels[11] == 40);
  t = tensor(data, HELIOS_UINT8, 3, rgba);
  encode(&im, &t, "HWC");
  CHECK(im.colorspace == 4 && memcmp(im.pixels, data, 8) == 0);
}

/* Anything but uint8 is times 255 in float32, clipped, truncated. */
static void number_formats(void) {
  image im;
  int64_t shape[] = {1, 10};
  float floats[] = {0.0f, 1.0f, 0.5f, 1.0f / 255.0f, 0.999999f, -1.0f, 2.0f, NAN, INFINITY, -INFINITY};
  double doubles[] = {0, 1, .5, 1 / 255.0, 0.99999999, -0.0, 1e300, NAN, INFINITY, -INFINITY};
  static const unsigned char want[] = {0, 255, 127, 1, 254, 0, 255, 0, 255, 0};
  static const unsigned char want_doubles[] = {0, 255, 127, 1, 255, 0, 255, 0, 255, 0}; /* rounded to float32 first */
  int32_t ints[] = {0, 1, 2, -1, 255, 0, 1, 2, -5, INT32_MAX};
  static const unsigned char want_ints[] = {0, 255, 255, 0, 255, 0, 255, 255, 0, 255};
  uint8_t bools[] = {0, 1, 0, 1, 1, 0, 1, 1, 0, 0};
  uint16_t halves[] = {0x3c00, 0x3800, 0x0000, 0x8000, 0x7c00, 0xfc00, 0x7e00, 0x3bff, 0x0001, 0x4000};
  static const unsigned char want_halves[] = {255, 127, 0, 0, 255, 0, 0, 254, 0, 255};
  DLTensor t = tensor(floats, HELIOS_FLOAT32, 2, shape);
  encode(&im, &t, "HW");
  for (size_t i = 0; i < 10; i++) CHECK_INT(im.pixels[3 * i], want[i]);
  t = tensor(doubles, HELIOS_FLOAT64, 2, shape);
  encode(&im, &t, "HW");
  for (size_t i = 0; i < 10; i++) CHECK_INT(im.pixels[3 * i], want_doubles[i]);
  t = tensor(ints, HELIOS_INT32, 2, shape);
  encode(&im, &t, "HW");
  for (size_t i = 0; i < 10; i++) CHECK_INT(im.pixels[3 * i], want_ints[i]);
  t = tensor(bools, HELIOS_BOOL, 2, shape);
  encode(&im, &t, "HW");
  for (size_t i = 0; i < 10; i++) CHECK_INT(im.pixels[3 * i], bools[i] * 255);
  t = tensor(halves, HELIOS_FLOAT16, 2, shape);
  encode(&im, &t, "HW");
  for (size_t i = 0; i < 10; i++) CHECK_INT(im.pixels[3 * i], want_halves[i]);
}

/* N images side by side, eight to a row, black where one is missing; NHWC and NCHW alike. */
static void grids(void) {
  static const int64_t counts[] = {1, 3, 8, 9, 17};
  for (size_t k = 0; k < 5; k++) {
    unsigned char data[17 * 3 * 2 * 3];
    int64_t n = counts[k], shape[] = {n, 3, 2, 3}, columns = n < 8 ? n : 8, rows = (n + 7) / 8;
    for (int64_t i = 0; i < n * 18; i++) data[i] = value_at(i / 18, i / 6 % 3, i / 3 % 2, i % 3);
    DLTensor t = tensor(data, HELIOS_UINT8, 4, shape);
    image im;
    encode(&im, &t, "NCHW");
    CHECK(im.width == (uint64_t)(columns * 3) && im.height == (uint64_t)(rows * 2) && im.colorspace == 3);
    int same = 1;
    for (int64_t i = 0; i < (int64_t)im.size; i++) {
      int64_t c = i % 3, x = i / 3 % (columns * 3), y = i / 3 / (columns * 3), tile = y / 2 * columns + x / 3;
      same &= im.pixels[i] == (tile < n ? value_at(tile, c, y % 2, x % 3) : 0);
    }
    CHECK(same);
  }
}

static void refusals(void) {
  static unsigned char data[120];
  int64_t shape[] = {2, 3, 4, 5}, none[] = {3, 0, 4}, huge[] = {3, 1 << 20, 1 << 20}, repeat[] = {0, 0, 0};
  hl_error err;
  DLTensor t = tensor(data, HELIOS_UINT8, 3, shape);
  static const char *const wrong[] = {"XYZ", "CHH", "", "CHWC", "CH", "NCHWX", "CH W"};
  for (size_t i = 0; i < 7; i++) {
    char reason[100];
    snprintf(reason, sizeof reason, "expected a permutation of CHW, HW or NCHW, got '%s'", wrong[i]);
    CHECK_INVALID(hl_encode_image(&buf, tag, &t, wrong[i], "img", &err), err, "dataformats", reason);
  }
  CHECK_INVALID(hl_encode_image(&buf, tag, &t, "HW", "img", &err), err, "img",
                "dataformats 'HW' needs 2 dimensions, the tensor has 3");
  CHECK_INVALID(hl_encode_image(&buf, tag, &t, "CHW", "img", &err), err, "img", "expected 1, 3 or 4 channels, got 2");
  t = tensor(data, HELIOS_UINT8, 4, shape);
  CHECK_INVALID(hl_encode_image(&buf, tag, &t, "NHCW", "img", &err), err, "img", "expected 1 or 3 channels, got 4");
  t = tensor(data, HELIOS_UINT8, 3, none);
  CHECK_INVALID(hl_encode_image(&buf, tag, &t, "CHW", "img", &err), err, "img",
                "no pixels: height 0, width 4, 1 images");
  t = tensor(data, HELIOS_UINT8, 3, huge); /* one byte, repeated: a legal tensor of a terabyte */
  t.strides = repeat;
  CHECK_INVALID(hl_encode_image(&buf, tag, &t, "CHW", "img", &err), err, "img", "the image is larger than 2 GiB");
}

/* ---- PNG ----------------------------------------------------------------------------------------------------- */

static unsigned char picture[8 * 8 * 4];

static const unsigned char *picture_row(const void *ctx, uint32_t y, unsigned char *scratch) {
  int channels = *(const int *)ctx;
  memcpy(scratch, picture + y * 8 * (size_t)channels, 8 * (size_t)channels);
  return scratch;
}

static void png_there_and_back(void) {
  for (size_t i = 0; i < sizeof picture; i++) picture[i] = (unsigned char)(i * i);
  for (int channels = 1; channels <= 4; channels++) {
    if (channels == 2) continue;
    hl_png_source source = {8, 8, channels, picture_row, &channels};
    hl_png_image back;
    hl_buf_reset(&buf);
    CHECK_INT(hl_png_encode(&buf, &source, NULL), HELIOS_OK);
    CHECK_INT(hl_png_decode(buf.data, buf.len, NULL, &back, NULL), HELIOS_OK);
    CHECK(back.width == 8 && back.height == 8 && back.channels == channels);
    CHECK_INT(back.size, 64 * channels);
    CHECK(memcmp(back.data, picture, back.size) == 0);
    hl_free(NULL, back.data, back.size);
  }
}

/* A file of one IHDR and one IDAT, so that any kind of PNG can be had. */
static void chunk(const char *type, const void *data, size_t n) {
  unsigned char *p = hl_buf_grow(&buf, n + 12);
  for (int i = 0; i < 4; i++) p[i] = (unsigned char)(n >> (24 - 8 * i));
  memcpy(p + 4, type, 4);
  if (n != 0) memcpy(p + 8, data, n);
  uint32_t crc = (uint32_t)crc32(0, p + 4, (uInt)(n + 4));
  for (int i = 0; i < 4; i++) p[8 + n + (size_t)i] = (unsigned char)(crc >> (24 - 8 * i));
}

static void begin_png(uint32_t width, uint32_t height, int depth, int color, int interlace) {
  unsigned char head[13] = {(unsigned char)(width >> 24), (unsigned char)(width >> 16), (unsigned char)(width >> 8),
                            (unsigned char)width, (unsigned char)(height >> 24), (unsigned char)(height >> 16),
                            (unsigned char)(height >> 8), (unsigned char)height, (unsigned char)depth,
                            (unsigned char)color, 0, 0, (unsigned char)interlace};
  hl_buf_reset(&buf);
  hl_buf_append(&buf, "\x89PNG\r\n\x1a\n", 8);
  chunk("IHDR", head, sizeof head);
}

static void end_png(const void *rows, size_t n) {
  unsigned char packed[4096];
  uLongf size = sizeof packed;
  CHECK_INT(compress2(packed, &size, rows, n, 9), Z_OK);
  chunk("IDAT", packed, size);
  chunk("IEND", NULL, 0);
}

static void check_decoded(int channels, const void *want, size_t n) {
  hl_png_image back;
  hl_error err = {0};
  CHECK_INT(hl_png_decode(buf.data, buf.len, NULL, &back, &err), HELIOS_OK);
  CHECK_STR(err.reason, "");
  CHECK_INT(back.channels, channels);
  if (CHECK_INT(back.size, n)) CHECK(memcmp(back.data, want, n) == 0);
  hl_free(NULL, back.data, back.size);
}

static void kinds_of_png(void) {
  begin_png(3, 1, 1, PNG_COLOR_TYPE_PALETTE, 0);
  chunk("PLTE", "\x01\x02\x03\xf1\xf2\xf3", 6);
  end_png("\x00\xa0", 2); /* 1 0 1 */
  check_decoded(3, "\xf1\xf2\xf3\x01\x02\x03\xf1\xf2\xf3", 9);
  begin_png(2, 1, 8, PNG_COLOR_TYPE_PALETTE, 0);
  chunk("PLTE", "\x01\x02\x03\xf1\xf2\xf3", 6);
  chunk("tRNS", "\x80", 1);
  end_png("\x00\x00\x01", 3);
  check_decoded(4, "\x01\x02\x03\x80\xf1\xf2\xf3\xff", 8);
  begin_png(2, 1, 16, PNG_COLOR_TYPE_GRAY, 0);
  end_png("\x00\xff\xff\x80\x80", 5);
  check_decoded(1, "\xff\x80", 2);
  begin_png(1, 1, 8, PNG_COLOR_TYPE_GRAY_ALPHA, 0);
  end_png("\x00\x07\x09", 3);
  check_decoded(4, "\x07\x07\x07\x09", 4);
  begin_png(2, 2, 8, PNG_COLOR_TYPE_GRAY, 1); /* Adam7: passes 1 (0,0), 6 (0,1), 7 (1,0) (1,1) */
  end_png("\x00\x01\x00\x02\x00\x03\x04", 7);
  check_decoded(1, "\x01\x02\x03\x04", 4);
}

static void hostile_png(void) {
  hl_png_image back;
  hl_error err = {0};
  begin_png(65535, 65535, 8, PNG_COLOR_TYPE_RGB, 0); /* 12 GiB out of a few bytes */
  end_png("\x00\x00\x00\x00", 4);
  CHECK_INT(hl_png_decode(buf.data, buf.len, NULL, &back, &err), HELIOS_ELIMIT);
  CHECK(back.data == NULL && strstr(err.reason, "claims 65535 x 65535 pixels") != NULL);
  err = (hl_error){0};
  CHECK_INT(hl_png_decode("not a PNG at all", 16, NULL, &back, &err), HELIOS_EFORMAT);
  CHECK_STR(err.reason, "PNG: Not a PNG file");
  CHECK_INT(hl_png_decode("", 0, NULL, &back, NULL), HELIOS_EFORMAT);
}

/* Cut anywhere it is refused; with any one byte changed it is refused or decoded, and the memory is given back. */
static void damaged_png(void) {
  int channels = 3;
  hl_png_source source = {8, 8, channels, picture_row, &channels};
  hl_buf_reset(&buf);
  hl_png_encode(&buf, &source, NULL);
  for (size_t n = 0; n < buf.len; n++) {
    fault_alloc f;
    hl_png_image back;
    fault_alloc_init(&f, 0);
    unsigned char *copy = malloc(n + 1);
    memcpy(copy, buf.data, n);
    CHECK_INT(hl_png_decode(copy, n, &f.allocator, &back, NULL), HELIOS_EFORMAT);
    free(copy);
    CHECK(back.data == NULL && f.bytes_out == 0);
    buf.data[n] ^= 0x55;
    helios_status st = hl_png_decode(buf.data, buf.len, &f.allocator, &back, NULL);
    CHECK(st == HELIOS_EFORMAT || st == HELIOS_ELIMIT || st == HELIOS_OK);
    hl_free(&f.allocator, back.data, back.size);
    CHECK_INT(f.bytes_out, 0);
    buf.data[n] ^= 0x55;
  }
}

/* ---- memory -------------------------------------------------------------------------------------------------- */

static float floats[3 * 40 * 50];

static helios_status encode_floats(hl_buf *out) {
  int64_t shape[] = {3, 40, 50};
  DLTensor t = tensor(floats, HELIOS_FLOAT32, 3, shape);
  return hl_encode_image(out, tag, &t, "CHW", "img", NULL);
}

static helios_status decode_picture(hl_buf *out) {
  hl_png_image back;
  helios_status st = hl_png_decode(buf.data, buf.len, out->alloc, &back, NULL);
  hl_free(out->alloc, back.data, back.size);
  return st;
}

int main(void) {
  hl_buf_init(&buf, NULL);
  permutations();
  gray_and_alpha();
  number_formats();
  grids();
  refusals();
  png_there_and_back();
  kinds_of_png();
  hostile_png();
  damaged_png();
  for (size_t i = 0; i < sizeof floats / sizeof floats[0]; i++) floats[i] = (float)(i * 7919 % 1000) / 1000.0f;
  CHECK(fail_each_allocation(encode_floats) > 5);
  CHECK(fail_each_allocation(decode_picture) > 3);
  hl_buf_free(&buf);
  return check_done("image");
}

/* fuzz_png.c - any bytes as a PNG file: decoded or refused; what was decoded survives another encoding. */
#include <stdlib.h>

#include "encode/png.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Memory ends early here: a small file can hold a picture of gigabytes, which is legal and takes long. */
static void *sparing_realloc(void *ctx, void *p, size_t old_size, size_t size) {
  return size > 32u << 20 ? NULL : hl_default_allocator.realloc(ctx, p, old_size, size);
}

static const helios_allocator sparing = {sparing_realloc, NULL};

static const unsigned char *image_row(const void *ctx, uint32_t y, unsigned char *scratch) {
  const hl_png_image *image = ctx;
  (void)scratch;
  return image->data + (size_t)y * image->width * (size_t)image->channels;
}

static void there_and_back(const hl_png_image *image) {
  hl_png_source source = {image->width, image->height, image->channels, image_row, image};
  hl_png_image again;
  hl_buf file;
  hl_buf_init(&file, NULL);
  if (hl_png_encode(&file, &source, NULL) != HELIOS_OK) abort();
  if (hl_png_decode(file.data, file.len, NULL, &again, NULL) != HELIOS_OK) abort();
  if (again.size != image->size || memcmp(again.data, image->data, image->size) != 0) abort();
  hl_free(NULL, again.data, again.size);
  hl_buf_free(&file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  hl_png_image image;
  hl_error err = {0};
  helios_status st = hl_png_decode(data, size, &sparing, &image, &err);
  if ((st == HELIOS_OK) != (image.data != NULL)) abort();
  if ((st == HELIOS_EFORMAT || st == HELIOS_ELIMIT) && err.reason[0] == '\0') abort();
  if (st == HELIOS_OK && image.size < 1u << 20) there_and_back(&image);
  hl_free(&sparing, image.data, image.size);
  return 0;
}

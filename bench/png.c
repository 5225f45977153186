/* png.c - what PNG's levels, filters and strategies cost, on pictures like those that runs log. Prints a Markdown table:
 * CPU milliseconds, and the size as a share of the raw pixels. `bench/png examples/data/flower.png` */
#include <png.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

typedef struct picture {
  const char *name;
  int width, height;
  unsigned char *rgb;
} picture;

typedef struct setting {
  const char *name;
  int level, filters, strategy;
} setting;

static const setting SETTINGS[] = {
    {"level 1, UP, RLE (ours)", 1, PNG_FILTER_UP, Z_RLE},
    {"level 1, SUB, RLE", 1, PNG_FILTER_SUB, Z_RLE},
    {"level 1, AVG, RLE", 1, PNG_FILTER_AVG, Z_RLE},
    {"level 1, PAETH, RLE", 1, PNG_FILTER_PAETH, Z_RLE},
    {"level 1, all filters, RLE", 1, PNG_ALL_FILTERS, Z_RLE},
    {"level 1, UP, Huffman only", 1, PNG_FILTER_UP, Z_HUFFMAN_ONLY},
    {"level 1, UP, default strategy", 1, PNG_FILTER_UP, Z_DEFAULT_STRATEGY},
    {"level 1, no filter, default strategy", 1, PNG_FILTER_NONE, Z_DEFAULT_STRATEGY},
    {"level 6, all filters, filtered (libpng's own)", 6, PNG_ALL_FILTERS, Z_FILTERED},
};

static void die(const char *why) {
  fprintf(stderr, "png: %s\n", why);
  exit(1);
}

/* ---- pictures ------------------------------------------------------------------------------------------- */

static picture new_picture(const char *name, int width, int height) {
  picture p = {name, width, height, malloc((size_t)width * (size_t)height * 3)};
  if (p.rgb == NULL) die("out of memory");
  return p;
}

static picture photograph(const char *path) {
  png_image image = {.version = PNG_IMAGE_VERSION};
  if (!png_image_begin_read_from_file(&image, path)) die(image.message);
  image.format = PNG_FORMAT_RGB;
  picture p = new_picture("photograph", (int)image.width, (int)image.height);
  if (!png_image_finish_read(&image, NULL, p.rgb, 0, NULL)) die(image.message);
  return p;
}

/* xorshift64*: a plain congruential generator repeats itself from row to row, which deflate notices. */
static unsigned next_random(uint64_t *state) {
  *state ^= *state >> 12;
  *state ^= *state << 25;
  *state ^= *state >> 27;
  return (unsigned)((*state * 2685821657736338717u) >> 40);
}

static picture noise(void) {
  picture p = new_picture("noise", 640, 480);
  uint64_t state = 1;
  for (size_t i = 0; i < (size_t)640 * 480 * 3; i++) p.rgb[i] = (unsigned char)next_random(&state);
  return p;
}

static void fill(picture *p, int x, int y, int w, int h, unsigned char r, unsigned char g, unsigned char b) {
  for (int i = y; i < y + h && i < p->height; i++)
    for (int j = x; j < x + w && j < p->width; j++) {
      unsigned char *at = p->rgb + ((size_t)i * (size_t)p->width + (size_t)j) * 3;
      at[0] = r;
      at[1] = g;
      at[2] = b;
    }
}

/* Flat panels, thin lines, and rows of small dark marks where a window has text. */
static picture screenshot(void) {
  picture p = new_picture("screenshot-like", 1280, 800);
  uint64_t state = 2;
  fill(&p, 0, 0, 1280, 800, 250, 250, 250);
  fill(&p, 0, 0, 1280, 40, 40, 60, 120);
  fill(&p, 0, 40, 220, 760, 235, 238, 242);
  for (int y = 60; y < 790; y += 18)
    for (int x = 240; x < 1240; x += 2)
      if (next_random(&state) % 3 == 0) fill(&p, x, y + (int)(next_random(&state) % 8), 1, 3, 30, 30, 30);
  for (int y = 52; y < 790; y += 90) fill(&p, 220, y, 1060, 1, 200, 205, 210);
  return p;
}

/* ---- measuring ------------------------------------------------------------------------------------------ */

static void count_bytes(png_structp png, png_bytep data, size_t n) {
  (void)data;
  *(size_t *)png_get_io_ptr(png) += n;
}

static void flush_nothing(png_structp png) { (void)png; }

static size_t encode(const picture *p, const setting *s) {
  size_t size = 0;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
  png_infop info = png_create_info_struct(png);
  if (info == NULL || setjmp(png_jmpbuf(png))) die("libpng failed");
  png_set_write_fn(png, &size, count_bytes, flush_nothing);
  png_set_compression_level(png, s->level);
  png_set_compression_strategy(png, s->strategy);
  png_set_filter(png, 0, s->filters);
  png_set_IHDR(png, info, (png_uint_32)p->width, (png_uint_32)p->height, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_write_info(png, info);
  for (int y = 0; y < p->height; y++) png_write_row(png, p->rgb + (size_t)y * (size_t)p->width * 3);
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  return size;
}

static double cpu_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static void print_cell(const picture *p, const setting *s) {
  double best = 1e9;
  size_t size = 0;
  for (int round = 0; round < 5; round++) {
    double start = cpu_ms();
    size = encode(p, s);
    double took = cpu_ms() - start;
    if (took < best) best = took;
  }
  printf(" %.1f ms, %.1f %% |", best, 100.0 * (double)size / ((double)p->width * p->height * 3));
}

int main(int argc, char **argv) {
  const picture pictures[] = {photograph(argc > 1 ? argv[1] : "examples/data/flower.png"), screenshot(), noise()};
  enum { PICTURES = sizeof pictures / sizeof *pictures };
  printf("| |");
  for (int i = 0; i < PICTURES; i++) printf(" %s %dx%d |", pictures[i].name, pictures[i].width, pictures[i].height);
  printf("\n| --- | ---: | ---: | ---: |\n");
  for (size_t k = 0; k < sizeof SETTINGS / sizeof *SETTINGS; k++) {
    printf("| %s |", SETTINGS[k].name);
    for (int i = 0; i < PICTURES; i++) print_cell(&pictures[i], &SETTINGS[k]);
    printf("\n");
  }
  for (int i = 0; i < PICTURES; i++) free(pictures[i].rgb);
  return 0;
}

/* font.c - text from a table of glyphs: each has whole advances and no kerning, so a line is glyphs side by side. */
#include "font.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

typedef struct glyph {
  int8_t advance, left, top; /* left and top: from the pen and the line's upper edge to the bitmap */
  uint8_t width, height;
  uint16_t coverage; /* where its bytes begin in COVERAGE */
} glyph;

#include "font_table.h"

enum { FIRST = 32, LAST = 126, MISSING = LAST - FIRST + 1, LINE_HEIGHT = 14 };

/* The glyph of the character at *text, which moves behind it; NULL at the end. */
static const glyph *next_glyph(const char **text) {
  unsigned char c = (unsigned char)**text;
  if (c == '\0') return NULL;
  (*text)++;
  while (((unsigned char)**text & 0xc0) == 0x80) (*text)++; /* the rest of a character beyond ASCII */
  return &GLYPHS[c >= FIRST && c <= LAST ? c - FIRST : MISSING];
}

static int min(int a, int b) { return a < b ? a : b; }
static int max(int a, int b) { return a > b ? a : b; }

hl_text_size hl_font_measure(const char *text) {
  int pen = 0, left = 0, right = 0, top = INT8_MAX, bottom = INT8_MIN;
  for (const glyph *g; (g = next_glyph(&text)) != NULL; pen += g->advance) {
    left = min(left, pen + g->left);
    right = max(right, max(pen + g->left + g->width, pen + g->advance));
    top = min(top, g->top);
    bottom = max(bottom, g->top + g->height);
  }
  return (hl_text_size){right - left, bottom < top ? 0 : bottom - top};
}

/* Black over a byte: byte * (255 - coverage) / 255, rounded. */
static unsigned char darkened(unsigned char byte, unsigned coverage) {
  unsigned t = byte * (255 - coverage) + 128;
  return (unsigned char)(((t >> 8) + t) >> 8);
}

static unsigned char made_opaque(unsigned char alpha, unsigned coverage) {
  unsigned t = alpha * (255 - coverage) + 255 * coverage + 128;
  return (unsigned char)(((t >> 8) + t) >> 8);
}

/* Nothing is drawn above row `first`. */
static void draw_glyph(hl_bitmap *b, int64_t x0, int64_t y0, int64_t first, const glyph *g) {
  const unsigned char *coverage = COVERAGE + g->coverage;
  for (int64_t y = y0; y < y0 + g->height; y++) {
    for (int64_t x = x0; x < x0 + g->width; x++, coverage++) {
      if (x < 0 || y < 0 || y < first || x >= b->width || y >= b->height) continue;
      unsigned char *p = b->data + ((size_t)y * b->width + (size_t)x) * (size_t)b->channels;
      for (int c = 0; c < 3; c++) p[c] = darkened(p[c], *coverage);
      if (b->channels == 4) p[3] = made_opaque(p[3], *coverage);
    }
  }
}

/* A coordinate's pixel. FreeType has a 64th of a pixel, and rounds the place of a whole glyph to pixels; upwards it is
 * the other way, so that a half goes up in both. */
static int64_t pixel_right(double x) {
  double whole = trunc(x);
  return (int64_t)whole + (int64_t)floor((round((x - whole) * 64) + 32) / 64);
}

static int64_t pixel_down(double y) {
  double whole = trunc(y);
  return (int64_t)whole - (int64_t)floor((round((whole - y) * 64) + 32) / 64);
}

/* The text up to the end of its line. Pillow draws it on a mask that begins at the whole part of y: what a negative
 * fraction moves above its highest glyph is lost. Returns where the line ends. */
static const char *draw_line(hl_bitmap *b, double x, double y, const char *text) {
  int64_t pen = pixel_right(x), top = pixel_down(y);
  int highest = INT8_MAX;
  for (const char *p = text; *p != '\0' && *p != '\n';) highest = min(highest, next_glyph(&p)->top);
  while (*text != '\0' && *text != '\n') {
    const glyph *g = next_glyph(&text);
    draw_glyph(b, pen + g->left, top + g->top, (int64_t)trunc(y) + highest, g);
    pen += g->advance;
  }
  return text;
}

void hl_font_draw(hl_bitmap *b, double x, double y, const char *text) {
  while (*(text = draw_line(b, x, y, text)) == '\n') {
    text++;
    y += LINE_HEIGHT;
  }
}

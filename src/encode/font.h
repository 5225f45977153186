/* font.h - one small font, for labels in images: what Pillow draws by default, at 10 pixels. */
#ifndef HL_FONT_H
#define HL_FONT_H

#include "resample.h"

typedef struct hl_text_size {
  int width, height;
} hl_text_size;

/* The box around a line of UTF-8 text. Characters beyond ASCII are drawn as an empty box; so is a newline measured,
 * because Pillow does so. */
hl_text_size hl_font_measure(const char *text);
/* Draw it in black, lines one below the other; (x, y) is the upper left corner of the first one. */
void hl_font_draw(hl_bitmap *b, double x, double y, const char *text);

#endif

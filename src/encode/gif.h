/* gif.h - RGB frames to an animated GIF. */
#ifndef HL_GIF_H
#define HL_GIF_H

#include "../buf.h"
#include "../error.h"

enum { HL_GIF_MAX_SIDE = 65535 };

typedef struct hl_gif hl_gif;

/* Begin a GIF of width x height in `out`, which repeats for ever. NULL: out of memory. */
hl_gif *hl_gif_begin(hl_buf *out, uint32_t width, uint32_t height);
/* Add a frame of width * height * 3 bytes, shown for `delay` hundredths of a second. A frame of at most 256 colours
 * keeps them all; another gets the 256 that median cut finds. Memory is told by the buffer's status. */
void hl_gif_frame(hl_gif *g, const unsigned char *rgb, uint16_t delay);
/* Finish the file and give the state back. */
void hl_gif_end(hl_gif *g);

#endif

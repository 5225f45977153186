/* shortest.h - numbers as the shortest text that reads back to the same bits. Pure. */
#ifndef HL_SHORTEST_H
#define HL_SHORTEST_H

#include <stdbool.h>
#include <stdint.h>

/* Room that one number needs at most. */
enum { HL_LONGEST_NUMBER = 32 };

/* Each stores at p, unterminated, and returns the first byte behind. */
char *hl_put_integer(char *p, int64_t v);
/* single: v came from a float, and is to read back as that float. nan, inf and -inf are written so. */
char *hl_put_shortest(char *p, double v, bool single);

#endif

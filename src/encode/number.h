/* number.h - doubles as text, the way Python writes them: what the projector's and the mesh plugin's files hold. */
#ifndef HL_NUMBER_H
#define HL_NUMBER_H

#include "../buf.h"

/* Append the shortest decimal that reads back as v: `1.0`, `1e-05`, `1e+16`, `inf`, `nan`. Knows no locale. */
void hl_put_python_float(hl_buf *b, double v);

#endif

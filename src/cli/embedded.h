/* embedded.h - the Lua modules and page files that tools/embed.lua turned into C at build time. */
#ifndef HL_EMBEDDED_H
#define HL_EMBEDDED_H

#include <stddef.h>

typedef struct hl_embedded {
  const char *name;  /* a module's name, or "asset:" and a file's name */
  const char *chunk; /* what tracebacks show */
  const unsigned char *data;
  size_t size;
} hl_embedded;

/* Ends with a NULL name. */
extern const hl_embedded hl_embedded_files[];

#endif

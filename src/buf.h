/* buf.h - growable bytes with a sticky failure.
 *
 * Once an allocation fails, every later append is ignored and `failed` stays set: an encoder appends freely and
 * asks once, at the end. `data` may move with any append. */
#ifndef HL_BUF_H
#define HL_BUF_H

#include <stdbool.h>

#include "alloc.h"
#include "bytes.h"

typedef struct hl_buf {
  unsigned char *data;
  size_t len;
  size_t cap;
  bool failed;
  const helios_allocator *alloc;
} hl_buf;

void hl_buf_init(hl_buf *b, const helios_allocator *alloc);
void hl_buf_free(hl_buf *b);
/* Empty again, failure forgotten, memory kept. */
void hl_buf_reset(hl_buf *b);
/* The slow half of hl_buf_reserve. */
bool hl_buf_enlarge(hl_buf *b, size_t n);
/* Room for n more bytes without moving `len`; false (and failed) when there is none to be had. Inline, as the next one,
 * since an event is some thirty small appends. */
static inline bool hl_buf_reserve(hl_buf *b, size_t n) {
  return (n <= b->cap - b->len && !b->failed) || hl_buf_enlarge(b, n);
}
/* n new bytes at the end, for the caller to fill; NULL when out of memory. */
static inline unsigned char *hl_buf_grow(hl_buf *b, size_t n) {
  if (!hl_buf_reserve(b, n)) return NULL;
  unsigned char *p = b->data + b->len;
  b->len += n;
  return p;
}
void hl_buf_append(hl_buf *b, const void *data, size_t n);
void hl_buf_append_str(hl_buf *b, const char *s);
void hl_buf_append_byte(hl_buf *b, unsigned char c);
/* printf to the end, without the terminator. */
void hl_buf_printf(hl_buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

static inline helios_status hl_buf_status(const hl_buf *b) { return b->failed ? HELIOS_ENOMEM : HELIOS_OK; }

#endif

/* buf.c - growable bytes. Knows memory only. */
#include "buf.h"

#include <stdarg.h>
#include <stdio.h>

enum { SMALLEST = 256 };

void hl_buf_init(hl_buf *b, const helios_allocator *alloc) { *b = (hl_buf){.alloc = alloc}; }

void hl_buf_free(hl_buf *b) {
  hl_free(b->alloc, b->data, b->cap);
  hl_buf_init(b, b->alloc);
}

void hl_buf_reset(hl_buf *b) {
  b->len = 0;
  b->failed = false;
}

static bool fail(hl_buf *b) {
  b->failed = true;
  return false;
}

bool hl_buf_enlarge(hl_buf *b, size_t n) {
  if (b->failed) return false;
  if (n > SIZE_MAX / 2 - b->len) return fail(b);
  size_t cap = b->cap < SMALLEST ? SMALLEST : b->cap;
  while (cap < b->len + n) cap += cap / 2;
  unsigned char *data = hl_realloc(b->alloc, b->data, b->cap, cap);
  if (data == NULL) return fail(b);
  b->data = data;
  b->cap = cap;
  return true;
}

void hl_buf_append(hl_buf *b, const void *data, size_t n) {
  if (n == 0) return;
  unsigned char *p = hl_buf_grow(b, n);
  if (p != NULL) memcpy(p, data, n);
}

void hl_buf_append_str(hl_buf *b, const char *s) { hl_buf_append(b, s, strlen(s)); }

void hl_buf_append_byte(hl_buf *b, unsigned char c) { hl_buf_append(b, &c, 1); }

void hl_buf_printf(hl_buf *b, const char *format, ...) {
  va_list args;
  va_start(args, format);
  va_list again;
  va_copy(again, args);
  int n = vsnprintf(NULL, 0, format, args);
  va_end(args);
  if (n > 0 && hl_buf_reserve(b, (size_t)n + 1)) {  /* + 1: vsnprintf always terminates */
    vsnprintf((char *)b->data + b->len, (size_t)n + 1, format, again);
    b->len += (size_t)n;
  }
  va_end(again);
}

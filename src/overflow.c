/* overflow.c - the bounded heap behind the pending buffer. Knows entries, not files; the queue locks it. */
#include "overflow.h"

void hl_overflow_init(hl_overflow *o, size_t bound, const helios_allocator *alloc) {
  hl_buf_init(&o->entries, alloc);
  o->bound = bound;
}

void hl_overflow_free(hl_overflow *o) { hl_buf_free(&o->entries); }

const hl_entry *hl_overflow_next(const hl_buf *entries, size_t *offset) {
  if (*offset >= entries->len) return NULL;
  const hl_entry *e = (const hl_entry *)(const void *)(entries->data + *offset);
  *offset += hl_entry_space(e->size);
  return e;
}

/* Throw away entries of one class from the oldest on, until `excess` bytes are gone or the class is. */
static size_t drop_class(hl_buf *entries, hl_class c, size_t excess, hl_drop_fn dropped, void *ctx) {
  size_t gone = 0, kept = 0, offset = 0;
  for (;;) {
    size_t start = offset;
    const hl_entry *e = hl_overflow_next(entries, &offset);
    if (e == NULL) break;
    if (gone < excess && hl_entry_class(e) == c) {
      dropped(ctx, e);
      gone += offset - start;
    } else {
      memmove(entries->data + kept, entries->data + start, offset - start);
      kept += offset - start;
    }
  }
  entries->len = kept;
  return gone;
}

/* An eighth more than needed is thrown away, so that a failing disk does not make every call walk the whole heap. */
static bool make_room(hl_overflow *o, size_t space, hl_class c, hl_drop_fn dropped, void *ctx) {
  if (o->entries.len + space <= o->bound || o->entries.len == 0) return true; /* one record of any size is kept */
  if (space > o->bound) return false;
  size_t excess = o->entries.len + space - o->bound + o->bound / 8;
  size_t gone = 0;
  for (hl_class least = HL_CLASS_MEDIA; least <= c && gone < excess; least++)
    gone += drop_class(&o->entries, least, excess - gone, dropped, ctx);
  return o->entries.len + space <= o->bound;
}

bool hl_overflow_push(hl_overflow *o, hl_entry entry, const void *payload, hl_drop_fn dropped, void *ctx) {
  size_t space = hl_entry_space(entry.size);
  unsigned char *p = NULL;
  if (make_room(o, space, hl_entry_class(&entry), dropped, ctx)) p = hl_buf_grow(&o->entries, space);
  o->entries.failed = false; /* out of memory now is no reason to refuse the next record */
  if (p == NULL) {
    dropped(ctx, &entry);
    return false;
  }
  memcpy(p, &entry, sizeof entry);
  memcpy(p + sizeof entry, payload, entry.size);
  memset(p + sizeof entry + entry.size, 0, space - sizeof entry - entry.size);
  return true;
}

static void drop_all(const hl_buf *entries, hl_drop_fn dropped, void *ctx) {
  size_t offset = 0;
  for (const hl_entry *e; (e = hl_overflow_next(entries, &offset)) != NULL;) dropped(ctx, e);
}

void hl_overflow_prepend(hl_overflow *o, const hl_buf *older, hl_drop_fn dropped, void *ctx) {
  if (older->len == 0) return;
  size_t newer = o->entries.len;
  bool kept = hl_buf_grow(&o->entries, older->len) != NULL;
  o->entries.failed = false;
  if (!kept) {
    drop_all(older, dropped, ctx);
    return;
  }
  memmove(o->entries.data + older->len, o->entries.data, newer);
  memcpy(o->entries.data, older->data, older->len);
  make_room(o, 0, HL_CLASS_TEXT, dropped, ctx);
}

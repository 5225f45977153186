/* overflow.h - records kept on the heap, in order, while their files cannot be written: bounded, and when the bound is
 * passed whole records go, the least valuable class first and in it the oldest first. */
#ifndef HL_OVERFLOW_H
#define HL_OVERFLOW_H

#include "buf.h"
#include "pending.h"
#include "queue.h"

typedef struct hl_overflow {
  hl_buf entries; /* hl_entry and payload, each at a multiple of HL_ENTRY_ALIGN */
  size_t bound;
} hl_overflow;

/* Told of each entry that is thrown away. */
typedef void (*hl_drop_fn)(void *ctx, const hl_entry *entry);

void hl_overflow_init(hl_overflow *o, size_t bound, const helios_allocator *alloc);
void hl_overflow_free(hl_overflow *o);

/* Keep a copy, dropping others of its class or below to make room. False when the record itself had to go. */
bool hl_overflow_push(hl_overflow *o, hl_entry entry, const void *payload, hl_drop_fn dropped, void *ctx);
/* Put what `older` holds in front. Both within the bound together, or `older`'s entries are dropped as push does it. */
void hl_overflow_prepend(hl_overflow *o, const hl_buf *older, hl_drop_fn dropped, void *ctx);
/* The entry at *offset, which is moved behind it; NULL at the end. */
const hl_entry *hl_overflow_next(const hl_buf *entries, size_t *offset);

static inline hl_class hl_entry_class(const hl_entry *e) { return (hl_class)(e->records & 3); }
static inline uint32_t hl_entry_records(const hl_entry *e) { return e->records >> 2; }

#endif

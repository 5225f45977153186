/* steps.h - what an event file holds, read without the library's reader: do the steps of its values count 1, 2, 3,
 * ...? */
#ifndef HL_STEPS_H
#define HL_STEPS_H

#include "crc32c.h"
#include "record.h"
#include "scratch.h"
#include "wire.h"

typedef struct step_count {
  long records;  /* whole, with both checksums right */
  long values;   /* of them with a summary */
  long starts;   /* of them with a file version */
  int in_order;  /* the values' steps are 1, 2, 3, ... */
  int whole;     /* nothing else is in the file */
} step_count;

static inline int record_is_right(const unsigned char *p, size_t left) {
  if (left < HL_RECORD_OVERHEAD || hl_get_le32(p + 8) != hl_crc32c_masked(p, 8)) return 0;
  uint64_t n = hl_get_le64(p);
  return n <= left - HL_RECORD_OVERHEAD && hl_get_le32(p + 12 + n) == hl_crc32c_masked(p + 12, (size_t)n);
}

static inline void count_event(step_count *c, const unsigned char *payload, size_t n) {
  hl_wire_reader r;
  hl_wire_item item;
  int64_t step = 0;
  int value = 0;
  hl_wire_read(&r, payload, n);
  while (hl_wire_next(&r, &item)) {
    if (item.field == 2) step = (int64_t)item.value;
    c->starts += item.field == 3;
    value |= item.field == 5;
  }
  if (value && step != ++c->values) c->in_order = 0;
}

static inline step_count count_steps(const char *path) {
  step_count c = {.in_order = 1};
  size_t size = 0, at = 0;
  unsigned char *data = (unsigned char *)scratch_read(path, &size);
  while (data != NULL && record_is_right(data + at, size - at)) {
    size_t n = (size_t)hl_get_le64(data + at);
    count_event(&c, data + at + HL_RECORD_HEADER, n);
    at += n + HL_RECORD_OVERHEAD;
    c.records++;
  }
  free(data);
  c.whole = at == size;
  return c;
}

/* How many values the one event file of `folder` has; 0 without a file, -1 when anything is wrong with it. */
static inline long steps_in(const char *folder) {
  char path[1024];
  if (scratch_count(folder, "events.out.tfevents.", path, sizeof path) != 1) return 0;
  step_count c = count_steps(path);
  return c.whole && c.in_order && c.starts == 1 ? c.values : -1;
}

#endif

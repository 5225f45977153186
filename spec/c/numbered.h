/* numbered.h - payloads that say which one they are: numbered records for event files, numbered lines for logs. */
#ifndef HL_NUMBERED_H
#define HL_NUMBERED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue.h"
#include "record.h"
#include "scratch.h"

enum { LARGEST_NUMBERED = 256 };

static const char FILLING[] = "........................................";

static inline size_t record_of(unsigned char *out, unsigned number) {
  char payload[64 + sizeof FILLING];
  size_t n = (size_t)snprintf(payload, sizeof payload, "record %u%.*s", number, (int)(number % 40), FILLING);
  memcpy(out + HL_RECORD_HEADER, payload, n);
  hl_record_seal(out, n);
  return n + HL_RECORD_OVERHEAD;
}

static inline size_t line_of(unsigned char *out, unsigned number) {
  return (size_t)snprintf((char *)out, LARGEST_NUMBERED, "line %u %.*s\n", number, (int)(number % 40), FILLING);
}

static inline helios_status push_number(hl_queue *q, uint32_t target, bool log, unsigned number) {
  unsigned char bytes[LARGEST_NUMBERED];
  size_t n = log ? line_of(bytes, number) : record_of(bytes, number);
  return hl_queue_push(q, target, HL_CLASS_SCALAR, bytes, n, 1);
}

/* How many of 0, 1, 2, ... the file holds, in order and with nothing else; -1 when it is damaged. */
static inline long count_numbers(const char *path, bool log) {
  size_t size, at = 0;
  char *data = scratch_read(path, &size);
  if (data == NULL) return 0;
  long n = 0;
  while (at < size) {
    unsigned char want[LARGEST_NUMBERED];
    size_t length = log ? line_of(want, (unsigned)n) : record_of(want, (unsigned)n);
    if (length > size - at || memcmp(data + at, want, length) != 0) break;
    at += length;
    n++;
  }
  free(data);
  return at == size ? n : -1;
}

#endif

/* log_line.h - the bytes of one line: `[2026-11-23 23:09:13,042] [INFO]: message`, or `[ERROR] [mark]: message`.
 * Knows no file, lock or clock. */
#ifndef HL_LOG_LINE_H
#define HL_LOG_LINE_H

#include "bytes.h"

enum { HL_STAMP_LENGTH = 25 };

/* A time in words. Kept between lines: those of one second share all but the milliseconds. */
typedef struct hl_log_stamp {
  int64_t second; /* that the text shows; -1: none yet */
  char text[HL_STAMP_LENGTH + 1];
} hl_log_stamp;

/* Local time, seconds since the epoch; what has no year of four digits is shown as 0. */
void hl_log_stamp_set(hl_log_stamp *stamp, double time);

/* The most bytes a line can take; 0 when there is no such number. */
size_t hl_log_line_bound(size_t mark_length, size_t message_length);
/* Write a line to p, which has that many bytes; returns its length. An empty mark is left out. */
size_t hl_log_put_line(char *p, const hl_log_stamp *stamp, int level, hl_str mark, hl_str message);

#endif

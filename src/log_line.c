/* log_line.c - the time in front, the level, the message. */
#include "log_line.h"

#include <stdio.h>
#include <time.h>

#include "helios/logger.h"

enum {
  MILLIS_AT = 21,
  NAME_SIZE = 24, /* "Level -2147483648" and its terminator */
  DECORATION = HL_STAMP_LENGTH + NAME_SIZE + 8 /* all of a line but mark and message */
};

static void put_digits(char *p, unsigned value, unsigned digits) {
  while (digits-- > 0) {
    p[digits] = (char)('0' + value % 10);
    value /= 10;
  }
}

static void put_second(hl_log_stamp *stamp, int64_t second) {
  time_t t = (time_t)second;
  struct tm tm;
  if (localtime_r(&t, &tm) == NULL) memset(&tm, 0, sizeof tm);
  char *p = stamp->text;
  memcpy(p, "[0000-00-00 00:00:00,000]", HL_STAMP_LENGTH);
  put_digits(p + 1, (unsigned)tm.tm_year + 1900, 4);
  put_digits(p + 6, (unsigned)tm.tm_mon + 1, 2);
  put_digits(p + 9, (unsigned)tm.tm_mday, 2);
  put_digits(p + 12, (unsigned)tm.tm_hour, 2);
  put_digits(p + 15, (unsigned)tm.tm_min, 2);
  put_digits(p + 18, (unsigned)tm.tm_sec, 2);
  stamp->second = second;
}

/* Seconds are formatted once each: localtime costs more than the rest of a line. Milliseconds are cut, not rounded, as
 * Python's logging cuts them: a line never bears a time that has not come. */
void hl_log_stamp_set(hl_log_stamp *stamp, double time) {
  static const double earliest = 0, latest = 253402214400.0; /* years of four digits; false for NaN */
  if (!(time >= earliest && time < latest)) time = 0;
  int64_t second = (int64_t)time;
  if (second != stamp->second) put_second(stamp, second);
  put_digits(stamp->text + MILLIS_AT, (unsigned)((time - (double)second) * 1000), 3);
}

static const char *level_name(int level, char *buffer) {
  switch (level) {
    case HELIOS_DEBUG: return "DEBUG";
    case HELIOS_INFO: return "INFO";
    case HELIOS_WARNING: return "WARNING";
    case HELIOS_ERROR: return "ERROR";
    case HELIOS_CRITICAL: return "CRITICAL";
    default: snprintf(buffer, NAME_SIZE, "Level %d", level); return buffer;
  }
}

static char *put(char *p, const void *data, size_t n) {
  if (n > 0) memcpy(p, data, n);
  return p + n;
}

size_t hl_log_line_bound(size_t mark_length, size_t message_length) {
  size_t rest = DECORATION + mark_length;
  return message_length <= SIZE_MAX / 2 - rest ? message_length + rest : 0;
}

size_t hl_log_put_line(char *p, const hl_log_stamp *stamp, int level, hl_str mark, hl_str message) {
  char buffer[NAME_SIZE];
  const char *name = level_name(level, buffer);
  char *start = p;
  p = put(p, stamp->text, HL_STAMP_LENGTH);
  p = put(p, " [", 2);
  p = put(p, name, strlen(name));
  if (mark.len > 0) {
    p = put(p, "] ", 2);
    p = put(p, mark.data, mark.len);
    p = put(p, ": ", 2);
  } else {
    p = put(p, "]: ", 3);
  }
  p = put(p, message.data, message.len);
  p = put(p, "\n", 1);
  return (size_t)(p - start);
}

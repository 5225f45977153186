/* number.c - doubles as text, the way Python's repr writes them.
 *
 * The C library rounds correctly to any number of digits; the least number that reads back is the shortest form.
 * Fifteen digits always survive the way to a double and back, so only 15, 16 and 17 need a try. The library writes the
 * decimal point of its locale: digits are taken one by one, and what is no digit is passed over. */
#include "number.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { SAFE_DIGITS = 15, ENOUGH_DIGITS = 17, TEXT_SIZE = 40 };

typedef struct decimal {
  char digits[ENOUGH_DIGITS + 1]; /* no zeros at the end */
  int count;
  int exponent; /* of the first digit */
} decimal;

static decimal take_apart(const char *text) {
  decimal d = {.count = 0};
  const char *p = text;
  for (; *p != 'e'; p++)
    if (*p >= '0' && *p <= '9' && d.count < ENOUGH_DIGITS) d.digits[d.count++] = *p;
  while (d.count > 1 && d.digits[d.count - 1] == '0') d.count--;
  d.exponent = atoi(p + 1);
  return d;
}

/* Above a power of two doubles lie twice as far apart as below it: a decimal may read back as it though it is not the
 * nearest of its length. Such a one is next to the middle of the upper half of what is read as v. */
static bool reads_back_from_above(char text[TEXT_SIZE], int digits, double v) {
  int exponent;
  if (frexp(v, &exponent) != 0.5) return false;
  snprintf(text, TEXT_SIZE, "%.*Le", digits - 1, (long double)v * (1 + 0x1p-54L));
  return strtod(text, NULL) == v;
}

/* v is finite and not negative. */
static decimal shortest(double v) {
  char text[TEXT_SIZE];
  int first = v < DBL_MIN ? 1 : SAFE_DIGITS; /* denormals have fewer digits to keep */
  for (int digits = first; digits < ENOUGH_DIGITS; digits++) {
    snprintf(text, sizeof text, "%.*e", digits - 1, v);
    if (strtod(text, NULL) == v || reads_back_from_above(text, digits, v)) return take_apart(text);
  }
  snprintf(text, sizeof text, "%.*e", ENOUGH_DIGITS - 1, v);
  return take_apart(text);
}

static void put_zeros(hl_buf *b, int n) {
  for (; n > 0; n--) hl_buf_append_byte(b, '0');
}

/* 0.00012, 12.5, 1200.0 */
static void put_plain(hl_buf *b, const decimal *d) {
  int whole = d->exponent + 1; /* digits before the point */
  if (whole <= 0) {
    hl_buf_append_str(b, "0.");
    put_zeros(b, -whole);
    hl_buf_append(b, d->digits, (size_t)d->count);
  } else if (whole >= d->count) {
    hl_buf_append(b, d->digits, (size_t)d->count);
    put_zeros(b, whole - d->count);
    hl_buf_append_str(b, ".0");
  } else {
    hl_buf_append(b, d->digits, (size_t)whole);
    hl_buf_append_byte(b, '.');
    hl_buf_append(b, d->digits + whole, (size_t)(d->count - whole));
  }
}

/* 1.25e-07 */
static void put_scientific(hl_buf *b, const decimal *d) {
  hl_buf_append(b, d->digits, 1);
  if (d->count > 1) hl_buf_append_byte(b, '.');
  hl_buf_append(b, d->digits + 1, (size_t)(d->count - 1));
  hl_buf_printf(b, "e%c%02d", d->exponent < 0 ? '-' : '+', abs(d->exponent));
}

void hl_put_python_float(hl_buf *b, double v) {
  if (isnan(v)) {
    hl_buf_append_str(b, "nan");
    return;
  }
  if (signbit(v)) hl_buf_append_byte(b, '-');
  if (isinf(v)) {
    hl_buf_append_str(b, "inf");
    return;
  }
  decimal d = shortest(fabs(v));
  if (d.exponent < -4 || d.exponent >= 16) put_scientific(b, &d);
  else put_plain(b, &d);
}

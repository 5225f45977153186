/* shortest.c - shortest decimal text of floats and doubles.
 *
 * The fast path covers magnitudes from 1e-5 to below 1e15 whose shortest text has few digits: the value is scaled to an
 * integer of d digits by an exact power of ten, and the text is taken only when it reads back to the same value, which
 * it does when (double)integer / power is that value: both are exact, so the quotient is correctly rounded. The rest
 * goes through printf. */
#include "shortest.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double POWERS[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
static const double EXACT_INTEGER = 9007199254740992.0; /* 2^53 */

static char *put_unsigned(char *p, uint64_t v) {
  char digits[20];
  int n = 0;
  do digits[n++] = (char)('0' + v % 10);
  while ((v /= 10) != 0);
  while (n > 0) *p++ = digits[--n];
  return p;
}

char *hl_put_integer(char *p, int64_t v) {
  if (v >= 0) return put_unsigned(p, (uint64_t)v);
  *p++ = '-';
  return put_unsigned(p, 0 - (uint64_t)v);
}

/* integer / 10^places, e.g. 1234 and 2 give 12.34 */
static char *put_decimal(char *p, uint64_t integer, int places) {
  char digits[24];
  int n = (int)(put_unsigned(digits, integer) - digits);
  if (n <= places) {
    *p++ = '0';
    *p++ = '.';
    for (int i = n; i < places; i++) *p++ = '0';
    memcpy(p, digits, (size_t)n);
    return p + n;
  }
  memcpy(p, digits, (size_t)(n - places));
  p += n - places;
  if (places == 0) return p;
  *p++ = '.';
  memcpy(p, digits + n - places, (size_t)places);
  return p + places;
}

static bool same(double a, double b, bool single) { return single ? (float)a == (float)b : a == b; }

/* Today's times, from 2^30 to 2^31 seconds, lie 2^-22 apart: the nearest text of seven places always reads back. */
static const double FIRST_TIME = 0x1p30, LAST_TIME = 0x1p31;

static uint64_t to_seven_places(double time) {
  uint64_t whole = (uint64_t)time;
  uint64_t fraction = (uint64_t)((time - (double)whole) * 0x1p22) * 10000000; /* exact */
  uint64_t places = fraction >> 22, rest = fraction & ((1u << 22) - 1), half = 1u << 21;
  bool up = rest > half || (rest == half && (places & 1)); /* half to even, as printf does */
  return whole * 10000000 + places + up;
}

/* How many decimal places the shortest text of v needs; -1 when the fast path cannot say. */
static int places_of(double v, bool single, uint64_t *integer) {
  int start = single ? 0 : v >= 1e9 ? 6 : 0; /* times of day have six */
  for (int places = start; places <= 20; places++) {
    if (places == 7 && !single && v >= FIRST_TIME && v < LAST_TIME) {
      *integer = to_seven_places(v);
      return places;
    }
    double scaled = v * POWERS[places];
    if (scaled >= EXACT_INTEGER) return -1;
    uint64_t rounded = (uint64_t)(scaled + 0.5);
    if (!same((double)rounded / POWERS[places], v, single)) continue;
    *integer = rounded;
    return places;
  }
  return -1;
}

static char *put_by_printf(char *p, double v, bool single) {
  char text[HL_LONGEST_NUMBER];
  int n = 0;
  for (int digits = single ? 6 : 15; digits <= 17; digits++) {
    n = snprintf(text, sizeof text, "%.*g", digits, v);
    if (same(strtod(text, NULL), v, single)) break;
  }
  memcpy(p, text, (size_t)n);
  return p + n;
}

static char *put_text(char *p, const char *text) {
  size_t n = strlen(text);
  memcpy(p, text, n);
  return p + n;
}

static char *strip_zeros(char *p, uint64_t integer, int places) {
  while (places > 0 && integer % 10 == 0) {
    integer /= 10;
    places--;
  }
  return put_decimal(p, integer, places);
}

char *hl_put_shortest(char *p, double v, bool single) {
  if (isnan(v)) return put_text(p, "nan");
  if (signbit(v)) *p++ = '-';
  v = fabs(v);
  if (isinf(v)) return put_text(p, "inf");
  uint64_t integer;
  int places = v == 0 || (v >= 1e-5 && v < 1e15) ? places_of(v, single, &integer) : -1;
  return places < 0 ? put_by_printf(p, v, single) : strip_zeros(p, integer, places);
}

/* shortest.c - shortest decimal text of floats and doubles.
 *
 * The fast path covers magnitudes from 1e-14 to below 1e15 whose shortest text has few digits: the value is scaled to an
 * integer by an exact power of ten, and the text is taken only when it reads back to the same value, which it does when
 * (double)integer / power is that value: both are exact, so the quotient is correctly rounded. Text that reads back still
 * does with a place more, so the fewest places are found by halving. The rest goes through printf. */
#include "shortest.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../bytes.h"

static const double POWERS[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
enum { MOST_PLACES = 22 }; /* the largest power of ten that a double holds exactly */
static const double EXACT_INTEGER = 9007199254740992.0; /* 2^53 */

/* Two digits at a time, from the last. */
static char *put_unsigned(char *p, uint64_t v) {
  static const char PAIRS[] =
      "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849"
      "5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";
  char digits[20], *at = digits + sizeof digits;
  for (; v >= 100; v /= 100) at = memcpy(at - 2, PAIRS + 2 * (v % 100), 2);
  if (v >= 10) at = memcpy(at - 2, PAIRS + 2 * v, 2);
  else *--at = (char)('0' + v);
  size_t n = (size_t)(digits + sizeof digits - at);
  memcpy(p, at, n);
  return p + n;
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

/* The same below 1e-5, where printf's %g has an exponent too: 1234 and 9 give 1.234e-06. */
static char *put_scientific(char *p, uint64_t integer, int places) {
  char digits[24];
  int n = (int)(put_unsigned(digits, integer) - digits), exponent = places - n + 1;
  *p++ = digits[0];
  if (n > 1) *p++ = '.';
  memcpy(p, digits + 1, (size_t)n - 1);
  p += n - 1;
  *p++ = 'e';
  *p++ = '-';
  if (exponent < 10) *p++ = '0';
  return put_unsigned(p, (uint64_t)exponent);
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

/* Does v as text of so many places read back? */
static bool reads_back(double v, int places, bool single, uint64_t *integer) {
  *integer = (uint64_t)(v * POWERS[places] + 0.5);
  return same((double)*integer / POWERS[places], v, single);
}

/* The decimal exponent of v, or one less. */
static int tens_in(double v) {
  int exponent = (int)(hl_double_bits(v) >> 52) - 1023;
  return exponent * 1233 >> 12; /* log10(2) */
}

/* The most places to try: nine digits always bring a float back; of a double as many as an exact integer has. */
static int most_places(double v, bool single) {
  int places = (single ? 8 : 15) - tens_in(v);
  if (places > MOST_PLACES) places = MOST_PLACES;
  while (places > 0 && v * POWERS[places] >= EXACT_INTEGER) places--;
  return places < 0 ? 0 : places;
}

/* How many decimal places the shortest text of v needs, and v without its point; -1 when the fast path cannot say. */
static int places_of(double v, bool single, uint64_t *integer) {
  if (!single && v >= FIRST_TIME && v < LAST_TIME) {
    if (reads_back(v, 6, false, integer)) return 6; /* as clocks of microseconds give them */
    *integer = to_seven_places(v);
    return 7;
  }
  int low = 0, high = most_places(v, single);
  if (!reads_back(v, high, single, integer)) return -1;
  while (low < high) {
    uint64_t shorter;
    int middle = (low + high) / 2;
    if (reads_back(v, middle, single, &shorter)) {
      high = middle;
      *integer = shorter;
    } else low = middle + 1;
  }
  return high;
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
  if (v == 0) return put_text(p, "0");
  int places = v >= 1e-14 && v < 1e15 ? places_of(v, single, &integer) : -1;
  if (places < 0) return put_by_printf(p, v, single);
  return v < 1e-5 ? put_scientific(p, integer, places) : strip_zeros(p, integer, places);
}

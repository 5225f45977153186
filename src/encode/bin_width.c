/* bin_width.c - numpy's rules for the width of equal bins, from the spread of the values.
 * Sources: numpy.histogram_bin_edges' documentation, which names each rule's paper. */
#include <math.h>
#include <string.h>

#include "../bytes.h"
#include "bins.h"
#include "pairwise.h"

enum { BLOCK = 512 };

/* ---- order statistics: found digit by digit, without sorting or copying ----------------------------------------- */

enum { DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS, KEY_BITS = 64 };

/* Unsigned integers in the order of the doubles. */
static uint64_t ordered_key(double v) {
  uint64_t bits = hl_double_bits(v);
  return bits >> 63 ? ~bits : bits | (uint64_t)1 << 63;
}

static double from_ordered_key(uint64_t key) {
  return hl_double_from_bits(key >> 63 ? key & ~((uint64_t)1 << 63) : ~key);
}

/* How often each digit at `shift` occurs among the values that share the bits of `prefix` above it. */
static void count_digits(const hl_array *values, uint64_t prefix, unsigned shift, unsigned bits, uint64_t *counts) {
  double v[BLOCK];
  hl_array_iter it;
  uint64_t known = shift + bits >= KEY_BITS ? 0 : ~(uint64_t)0 << (shift + bits);
  uint64_t digit = ((uint64_t)1 << bits) - 1;
  memset(counts, 0, DIGITS * sizeof *counts);
  hl_array_iter_init(&it, values);
  for (size_t n; (n = hl_next_values(&it, v, BLOCK)) > 0;)
    for (size_t i = 0; i < n; i++) {
      uint64_t key = ordered_key(v[i]);
      if (((key ^ prefix) & known) == 0) counts[key >> shift & digit]++;
    }
}

/* The value that stands at place k (from 0) of the sorted values. */
static double kth_smallest(const hl_array *values, uint64_t k) {
  uint64_t counts[DIGITS], prefix = 0;
  for (unsigned shift = KEY_BITS; shift > 0;) {
    unsigned bits = shift < DIGIT_BITS ? shift : DIGIT_BITS;
    shift -= bits;
    count_digits(values, prefix, shift, bits, counts);
    uint64_t digit = 0;
    while (k >= counts[digit]) k -= counts[digit++];
    prefix |= digit << shift;
  }
  return from_ordered_key(prefix);
}

/* numpy's default percentile: linear between neighbours, from the nearer end. */
static double quantile(const hl_array *values, double q) {
  double place = (double)(values->numel - 1) * q;
  double t = place - floor(place);
  uint64_t k = (uint64_t)place;
  double below = kth_smallest(values, k);
  double above = k + 1 < values->numel ? kth_smallest(values, k + 1) : below;
  double difference = above - below;
  return t >= 0.5 ? above - difference * (1 - t) : below + difference * t;
}

/* ---- central moments --------------------------------------------------------------------------------------------- */

typedef struct center {
  double mean, deviation;
} center;

static double square_leaf(void *ctx, double *v, size_t n) {
  const center *c = ctx;
  for (size_t i = 0; i < n; i++) {
    double d = v[i] - c->mean;
    v[i] = d * d;
  }
  return hl_pairwise_leaf(v, n);
}

static double cube_leaf(void *ctx, double *v, size_t n) {
  const center *c = ctx;
  for (size_t i = 0; i < n; i++) v[i] = pow((v[i] - c->mean) / c->deviation, 3);
  return hl_pairwise_leaf(v, n);
}

static center center_of(const hl_array *values, const hl_moments *m) {
  double n = (double)values->numel;
  center c = {m->sum / n, 0};
  c.deviation = sqrt(hl_pairwise_sum(values, square_leaf, &c) / n);
  return c;
}

/* ---- the rules --------------------------------------------------------------------------------------------------- */

static double range_of(const hl_moments *m) { return m->max - m->min; }

static double sqrt_width(const hl_array *values, const hl_moments *m) {
  return range_of(m) / sqrt((double)values->numel);
}

static double sturges_width(const hl_array *values, const hl_moments *m) {
  return range_of(m) / (log2((double)values->numel) + 1.0);
}

static double rice_width(const hl_array *values, const hl_moments *m) {
  return range_of(m) / (2.0 * pow((double)values->numel, 1.0 / 3));
}

static double scott_width(const hl_array *values, const hl_moments *m) {
  return pow(24.0 * sqrt(M_PI) / (double)values->numel, 1.0 / 3.0) * center_of(values, m).deviation;
}

static double doane_width(const hl_array *values, const hl_moments *m) {
  double n = (double)values->numel;
  center c = center_of(values, m);
  if (n <= 2 || !(c.deviation > 0)) return 0;
  double unit = sqrt(6.0 * (n - 2) / ((n + 1.0) * (n + 3)));
  double skewness = hl_pairwise_sum(values, cube_leaf, &c) / n;
  return range_of(m) / (1.0 + log2(n) + log2(1.0 + fabs(skewness) / unit));
}

static double fd_width(const hl_array *values, const hl_moments *m) {
  (void)m;
  double spread = quantile(values, 0.75) - quantile(values, 0.25);
  return 2.0 * spread * pow((double)values->numel, -1.0 / 3.0);
}

static double auto_width(const hl_array *values, const hl_moments *m) {
  double fd = fd_width(values, m), least = sqrt_width(values, m) / 2, sturges = sturges_width(values, m);
  double wide = fd < least ? least : fd;
  return wide < sturges ? wide : sturges;
}

bool hl_bin_width(const char *rule, const hl_array *values, const hl_moments *m, double *width) {
  static const struct {
    const char *name;
    double (*width)(const hl_array *values, const hl_moments *m);
  } rules[] = {{"auto", auto_width}, {"fd", fd_width},     {"doane", doane_width},     {"scott", scott_width},
               {"rice", rice_width}, {"sqrt", sqrt_width}, {"sturges", sturges_width}};
  for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
    if (strcmp(rules[i].name, rule) != 0) continue;
    *width = rules[i].width(values, m);
    return true;
  }
  return false;
}

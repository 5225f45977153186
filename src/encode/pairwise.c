/* pairwise.c - numpy's pairwise summation: the array is halved, at multiples of eight, until at most 128 values are
 * left; its rounding error grows with log n instead of n. Knows the order of additions, not what is added. */
#include "pairwise.h"

double hl_pairwise_leaf(const double *v, size_t n) {
  if (n < 8) {
    double sum = -0.0; /* the one start that keeps -0.0 + -0.0 */
    for (size_t i = 0; i < n; i++) sum += v[i];
    return sum;
  }
  double r0 = v[0], r1 = v[1], r2 = v[2], r3 = v[3], r4 = v[4], r5 = v[5], r6 = v[6], r7 = v[7];
  size_t i = 8;
  for (; i < n - n % 8; i += 8) {
    r0 += v[i];
    r1 += v[i + 1];
    r2 += v[i + 2];
    r3 += v[i + 3];
    r4 += v[i + 4];
    r5 += v[i + 5];
    r6 += v[i + 6];
    r7 += v[i + 7];
  }
  double sum = ((r0 + r1) + (r2 + r3)) + ((r4 + r5) + (r6 + r7));
  for (; i < n; i++) sum += v[i];
  return sum;
}

size_t hl_next_values(hl_array_iter *it, double *out, size_t max) {
  size_t n = hl_array_next_doubles(it, out, max);
  if (it->array->dtype == HELIOS_BFLOAT16)
    for (size_t i = 0; i < n; i++) out[i] = (double)hl_half_to_float(hl_float_to_half((float)out[i]));
  return n;
}

static double sum_next(hl_array_iter *it, size_t n, hl_leaf_fn leaf, void *ctx) {
  if (n <= HL_PAIRWISE_LEAF) {
    double values[HL_PAIRWISE_LEAF];
    hl_next_values(it, values, n);
    return leaf(ctx, values, n);
  }
  size_t half = n / 2;
  half -= half % 8;
  double first = sum_next(it, half, leaf, ctx);
  return first + sum_next(it, n - half, leaf, ctx);
}

double hl_pairwise_sum(const hl_array *a, hl_leaf_fn leaf, void *ctx) {
  hl_array_iter it;
  hl_array_iter_init(&it, a);
  return 0.0 + sum_next(&it, a->numel, leaf, ctx);
}

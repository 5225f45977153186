/* bins.c - moments, and the kinds of bins that numpy knows: equal ones and a caller's list of edges; TensorFlow's
 * growing ones are in tf_bins.c. Counting is exact for each: a value is compared with the edges, never placed by
 * arithmetic alone. */
#include "bins.h"

#include <math.h>
#include <string.h>

#include "pairwise.h"

enum { BLOCK = 512 };

/* More edges than this make a Summary that nobody can show. */
enum { MAX_BIN_COUNT = 1 << 24 };

/* ---- moments ------------------------------------------------------------------------------------------------- */

typedef struct extremes {
  double min, max, sum_squares;
} extremes;

/* Four lanes, since one would wait for its own result at each value. */
static void widen(extremes *e, const double *v, size_t n) {
  double lo[4] = {e->min, e->min, e->min, e->min}, hi[4] = {e->max, e->max, e->max, e->max};
  size_t i = 0;
  for (; i + 4 <= n; i += 4)
    for (size_t lane = 0; lane < 4; lane++) {
      lo[lane] = v[i + lane] < lo[lane] ? v[i + lane] : lo[lane];
      hi[lane] = v[i + lane] > hi[lane] ? v[i + lane] : hi[lane];
    }
  for (; i < n; i++) {
    lo[0] = v[i] < lo[0] ? v[i] : lo[0];
    hi[0] = v[i] > hi[0] ? v[i] : hi[0];
  }
  for (size_t lane = 0; lane < 4; lane++) {
    e->min = lo[lane] < e->min ? lo[lane] : e->min;
    e->max = hi[lane] > e->max ? hi[lane] : e->max;
  }
}

static double measure_leaf(void *ctx, double *v, size_t n) {
  extremes *e = ctx;
  widen(e, v, n);
  double sum = hl_pairwise_leaf(v, n);
  for (size_t i = 0; i < n; i++) v[i] *= v[i];
  e->sum_squares += hl_pairwise_leaf(v, n);
  return sum;
}

/* Comparisons pass over NaN, so it is looked for only where the sum says that there may be one. */
static bool find_nan(const hl_array *values, double *nan) {
  double v[BLOCK];
  hl_array_iter it;
  hl_array_iter_init(&it, values);
  for (size_t n; (n = hl_next_values(&it, v, BLOCK)) > 0;)
    for (size_t i = 0; i < n; i++)
      if (isnan(v[i])) {
        *nan = v[i];
        return true;
      }
  return false;
}

hl_moments hl_moments_of(const hl_array *values) {
  extremes e = {INFINITY, -INFINITY, 0};
  double sum = hl_pairwise_sum(values, measure_leaf, &e);
  double nan;
  if (isnan(sum) && find_nan(values, &nan)) e.min = e.max = nan;
  return (hl_moments){e.min, e.max, sum, e.sum_squares};
}

/* ---- memory -------------------------------------------------------------------------------------------------- */

helios_status hl_bins_take_memory(hl_bins *b, size_t count) {
  b->count = b->capacity = count;
  b->edges = hl_alloc(b->alloc, (count + 1) * sizeof *b->edges);
  b->counts = hl_alloc_zeroed(b->alloc, count, sizeof *b->counts);
  return b->edges == NULL || b->counts == NULL ? HELIOS_ENOMEM : HELIOS_OK;
}

void hl_bins_free(hl_bins *b) {
  hl_free(b->alloc, b->edges, (b->capacity + 1) * sizeof *b->edges);
  hl_free(b->alloc, b->counts, b->capacity * sizeof *b->counts);
  *b = (hl_bins){.alloc = b->alloc};
}

/* ---- equal bins ---------------------------------------------------------------------------------------------- */

/* numpy's linspace, whose last edge is exact. */
static helios_status space_edges(hl_bins *b, double first, double last, hl_error *err) {
  double step = (last - first) / (double)b->count;
  for (size_t i = 0; i < b->count; i++) b->edges[i] = (double)i * step + first;
  b->edges[b->count] = last;
  for (size_t i = 0; i < b->count; i++)
    if (!(b->edges[i] < b->edges[i + 1]))
      return hl_invalid(err, "bins", "%zu bins are too many for values from %g to %g", b->count, first, last);
  return HELIOS_OK;
}

/* v is within the edges. numpy's estimate, which can be off by one, then numpy's two corrections. */
static size_t find_equal_bin(const hl_bins *b, double v, double range) {
  size_t i = (size_t)((v - b->edges[0]) / range * (double)b->count);
  if (i >= b->count) i = b->count - 1;
  if (v < b->edges[i]) return i - 1;
  return v >= b->edges[i + 1] && i + 1 < b->count ? i + 1 : i;
}

static void count_equal(hl_bins *b, const hl_array *values) {
  double v[BLOCK], range = b->edges[b->count] - b->edges[0];
  hl_array_iter it;
  hl_array_iter_init(&it, values);
  for (size_t n; (n = hl_next_values(&it, v, BLOCK)) > 0;)
    for (size_t i = 0; i < n; i++) b->counts[find_equal_bin(b, v[i], range)]++;
}

static helios_status make_equal(hl_bins *b, const hl_array *values, const hl_moments *m, double count, hl_error *err) {
  if (!(count >= 1 && count <= MAX_BIN_COUNT))
    return hl_invalid(err, "bins", "expected 1 to %d bins, got %.0f", MAX_BIN_COUNT, count);
  double first = m->min, last = m->max;
  if (first == last) {
    first -= 0.5;
    last += 0.5;
  }
  helios_status st = hl_bins_take_memory(b, (size_t)count);
  if (st == HELIOS_OK) st = space_edges(b, first, last, err);
  if (st == HELIOS_OK) count_equal(b, values);
  return st;
}

static helios_status check_finite(const hl_moments *m, hl_error *err) {
  if (isfinite(m->min) && isfinite(m->max) && isfinite(m->max - m->min)) return HELIOS_OK;
  return hl_invalid(err, "values", "equal bins need a finite range of values, got %g to %g", m->min, m->max);
}

static helios_status make_by_rule(hl_bins *b, const hl_array *values, const hl_moments *m, const char *rule,
                                  hl_error *err) {
  double width;
  if (!hl_bin_width(rule, values, m, &width))
    return hl_invalid(err, "bins", "expected tensorflow, auto, fd, doane, scott, rice, sturges or sqrt, got '%.32s'",
                      rule);
  double range = m->max == m->min ? 1.0 : m->max - m->min;
  return make_equal(b, values, m, width == 0 ? 1 : ceil(range / width), err);
}

/* ---- a list of edges ----------------------------------------------------------------------------------------- */

static helios_status check_edges(const double *edges, size_t count, hl_error *err) {
  if (count < 2) return hl_invalid(err, "bins", "expected at least two edges, got %zu", count);
  if (count > MAX_BIN_COUNT) return hl_invalid(err, "bins", "more than %d edges", MAX_BIN_COUNT);
  for (size_t i = 0; i + 1 < count; i++)
    if (!(edges[i] <= edges[i + 1]))
      return hl_invalid(err, "bins", "edges must ascend, but edge %zu is %g and edge %zu is %g", i + 1, edges[i], i + 2,
                        edges[i + 1]);
  return HELIOS_OK;
}

/* edges[0] <= v <= the last edge: the last bin that begins at or before v. */
static size_t find_listed_bin(const hl_bins *b, double v) {
  size_t low = 0, high = b->count;
  while (high - low > 1) {
    size_t middle = low + (high - low) / 2;
    if (b->edges[middle] <= v) low = middle;
    else high = middle;
  }
  return low;
}

static helios_status make_listed(hl_bins *b, const hl_array *values, const double *edges, size_t count,
                                 hl_error *err) {
  helios_status st = check_edges(edges, count, err);
  if (st == HELIOS_OK) st = hl_bins_take_memory(b, count - 1);
  if (st != HELIOS_OK) return st;
  memcpy(b->edges, edges, count * sizeof *edges);
  double v[BLOCK];
  hl_array_iter it;
  hl_array_iter_init(&it, values);
  for (size_t n; (n = hl_next_values(&it, v, BLOCK)) > 0;)
    for (size_t i = 0; i < n; i++)
      if (v[i] >= edges[0] && v[i] <= edges[count - 1]) b->counts[find_listed_bin(b, v[i])]++;
  return HELIOS_OK;
}

/* ---- choosing and joining ------------------------------------------------------------------------------------ */

helios_status hl_bins_make(hl_bins *b, const hl_array *values, const hl_moments *m,
                           const helios_histogram_options *options, const helios_allocator *alloc, hl_error *err) {
  static const helios_histogram_options defaults = {0};
  const helios_histogram_options *o = options == NULL ? &defaults : options;
  *b = (hl_bins){.alloc = alloc};
  if (o->edges != NULL) return make_listed(b, values, o->edges, o->edge_count, err);
  bool tensorflow = o->bin_count == 0 && (o->bins == NULL || strcmp(o->bins, "tensorflow") == 0);
  if (tensorflow) return hl_bins_make_tensorflow(b, values);
  helios_status st = check_finite(m, err);
  if (st != HELIOS_OK) return st;
  if (o->bin_count != 0) return make_equal(b, values, m, (double)o->bin_count, err);
  return make_by_rule(b, values, m, o->bins, err);
}

void hl_bins_join(hl_bins *b, size_t max) {
  if (max == 0 || b->count <= max) return;
  size_t step = b->count / max, joined = 0;
  double last = b->edges[b->count];
  for (size_t i = 0; i < b->count; i += step, joined++) {
    uint64_t sum = 0;
    for (size_t k = i; k < i + step && k < b->count; k++) sum += b->counts[k];
    b->counts[joined] = sum;
    b->edges[joined] = b->edges[i];
  }
  b->edges[joined] = last;
  b->count = joined;
}

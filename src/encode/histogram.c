/* histogram.c - HistogramProto: moments of the values and the bins that hold any. Bins come from bins.c. */
#include <math.h>

#include "bins.h"
#include "summary.h"

enum { HISTO_MIN = 1, HISTO_MAX = 2, HISTO_NUM = 3, HISTO_SUM = 4, HISTO_SUM_SQUARES = 5 };
enum { HISTO_LIMIT = 6, HISTO_BUCKET = 7, HEAD_SIZE = 65 };

/* The bins from the first to the last that has a count: `count` of them. */
typedef struct support {
  size_t first, count;
} support;

static helios_status find_support(const hl_bins *b, support *s, hl_error *err) {
  size_t first = 0, last = b->count;
  while (first < b->count && b->counts[first] == 0) first++;
  if (first == b->count && first > 1) return hl_invalid(err, "values", "none of the values lies in any of the bins");
  while (last > first && b->counts[last - 1] == 0) last--;
  *s = (support){first, last - first}; /* a single empty bin gives {1, 0}: its right edge, as torch writes it */
  return HELIOS_OK;
}

static void put_edges(hl_buf *b, const hl_bins *bins, support s) {
  size_t count = s.count + 1;
  hl_wire_header(b, HISTO_LIMIT, count * sizeof(double));
  unsigned char *p = hl_buf_grow(b, count * sizeof(double));
  for (size_t i = 0; p != NULL && i < count; i++)
    hl_put_le64(p + i * sizeof(double), hl_double_bits(bins->edges[s.first + i]));
}

/* A bucket is told by its right edge; an empty one in front carries the first bin's left edge. */
static void put_counts(hl_buf *b, const hl_bins *bins, support s) {
  hl_wire_header(b, HISTO_BUCKET, (s.count + 1) * sizeof(double));
  unsigned char *p = hl_buf_grow(b, (s.count + 1) * sizeof(double));
  if (p == NULL) return;
  hl_put_le64(p, 0);
  for (size_t i = 0; i < s.count; i++)
    hl_put_le64(p + (i + 1) * sizeof(double), hl_double_bits((double)bins->counts[s.first + i]));
}

static void put_summary(hl_buf *out, hl_str tag, double count, const hl_moments *m, const hl_bins *bins, support s) {
  size_t hint = HEAD_SIZE + 2 * (s.count + 1) * sizeof(double);
  size_t value = hl_value_begin(out, tag, hint);
  size_t histo = hl_wire_begin(out, HL_VALUE_HISTO, hint);
  hl_wire_opt_double(out, HISTO_MIN, m->min);
  hl_wire_opt_double(out, HISTO_MAX, m->max);
  hl_wire_opt_double(out, HISTO_NUM, count);
  hl_wire_opt_double(out, HISTO_SUM, m->sum);
  hl_wire_opt_double(out, HISTO_SUM_SQUARES, m->sum_squares);
  put_edges(out, bins, s);
  put_counts(out, bins, s);
  hl_wire_end(out, histo, hint);
  hl_value_end(out, value, tag, hint);
}

static helios_status check_options(const helios_histogram_options *options, hl_error *err) {
  if (options == NULL) return HELIOS_OK;
  if (options->edges == NULL && options->edge_count > 0) return hl_invalid(err, "bins", "the edges are NULL");
  if (options->bin_count < 0)
    return hl_invalid(err, "bins", "expected at least one bin, got %lld", (long long)options->bin_count);
  if (options->max_bins < 0)
    return hl_invalid(err, "max_bins", "expected at least 1, got %lld", (long long)options->max_bins);
  return HELIOS_OK;
}

/* NaN among the values made all moments NaN. */
static double not_finite_of(const hl_moments *m) {
  if (!isfinite(m->max)) return m->max;
  return isfinite(m->min) ? 0 : m->min;
}

static helios_status encode(hl_buf *out, hl_str tag, const hl_array *values, const helios_histogram_options *options,
                            double *not_finite, hl_error *err) {
  hl_bins bins;
  support s = {0, 0};
  hl_moments m = hl_moments_of(values);
  if (not_finite != NULL) *not_finite = not_finite_of(&m);
  helios_status st = hl_bins_make(&bins, values, &m, options, out->alloc, err);
  if (st == HELIOS_OK) {
    hl_bins_join(&bins, options == NULL ? 0 : (size_t)options->max_bins);
    st = find_support(&bins, &s, err);
  }
  if (st == HELIOS_OK) {
    put_summary(out, tag, (double)values->numel, &m, &bins, s);
    st = hl_buf_status(out);
  }
  hl_bins_free(&bins);
  return st;
}

helios_status hl_encode_histogram(hl_buf *out, hl_str tag, const DLTensor *values,
                                  const helios_histogram_options *options, double *not_finite, hl_error *err) {
  hl_array array;
  helios_status st = check_options(options, err);
  if (st == HELIOS_OK) st = hl_array_from_dl(&array, values, "values", err);
  if (st != HELIOS_OK) return st;
  if (array.numel == 0) return hl_invalid(err, "values", "the tensor is empty");
  return encode(out, tag, &array, options, not_finite, err);
}

/* raw.c - histograms and PR curves whose numbers the caller has already: written as given, nothing is computed. */
#include "tensor_proto.h"

enum { HISTO_MIN = 1, HISTO_MAX = 2, HISTO_NUM = 3, HISTO_SUM = 4, HISTO_SQUARES = 5 };
enum { HISTO_LIMIT = 6, HISTO_BUCKET = 7 };
enum { CURVE_ROWS = 6, MAX_THRESHOLDS = 127, CONTENT_THRESHOLDS = 2, SIZE_HINT = 96 };

static void put_doubles(hl_buf *b, uint32_t field, const double *values, size_t count) {
  if (count == 0) return;
  hl_wire_header(b, field, count * sizeof *values);
  unsigned char *p = hl_buf_grow(b, count * sizeof *values);
  for (size_t i = 0; p != NULL && i < count; i++) hl_put_le64(p + i * sizeof *values, hl_double_bits(values[i]));
}

helios_status hl_encode_histogram_raw(hl_buf *out, hl_str tag, const helios_histogram_raw *h, hl_error *err) {
  if (h == NULL) return hl_invalid(err, "histogram", "is NULL");
  if ((h->bucket_limits == NULL || h->bucket_counts == NULL) && h->bucket_count > 0)
    return hl_invalid(err, h->bucket_limits == NULL ? "bucket_limits" : "bucket_counts", "is NULL");
  if (h->bucket_count > INT32_MAX / (2 * sizeof(double)))
    return hl_invalid(err, "bucket_limits", "more buckets than an event can hold");
  size_t hint = h->bucket_count * 2 * sizeof(double) + SIZE_HINT;
  size_t mark = hl_value_begin(out, tag, hint);
  size_t histo = hl_wire_begin(out, HL_VALUE_HISTO, hint);
  hl_wire_opt_double(out, HISTO_MIN, h->min);
  hl_wire_opt_double(out, HISTO_MAX, h->max);
  hl_wire_opt_double(out, HISTO_NUM, h->num);
  hl_wire_opt_double(out, HISTO_SUM, h->sum);
  hl_wire_opt_double(out, HISTO_SQUARES, h->sum_squares);
  put_doubles(out, HISTO_LIMIT, h->bucket_limits, h->bucket_count);
  put_doubles(out, HISTO_BUCKET, h->bucket_counts, h->bucket_count);
  hl_wire_end(out, histo, hint);
  hl_value_end(out, mark, tag, hint);
  return hl_buf_status(out);
}

/* The six rows behind one another; the caller frees. */
static helios_status join_rows(hl_buf *rows, const helios_pr_curve_raw *c, hl_error *err) {
  static const char *const NAMES[CURVE_ROWS] = {"true_positive_counts",  "false_positive_counts", "true_negative_counts",
                                                "false_negative_counts", "precision",             "recall"};
  const double *const parts[CURVE_ROWS] = {c->true_positive_counts,  c->false_positive_counts, c->true_negative_counts,
                                           c->false_negative_counts, c->precision,             c->recall};
  for (int i = 0; i < CURVE_ROWS; i++) {
    if (parts[i] == NULL && c->count > 0) return hl_invalid(err, NAMES[i], "is NULL");
    hl_buf_append(rows, parts[i], c->count * sizeof(double));
  }
  return hl_buf_status(rows);
}

helios_status hl_encode_pr_curve_raw(hl_buf *out, hl_str tag, const helios_pr_curve_raw *c, hl_error *err) {
  if (c == NULL) return hl_invalid(err, "curve", "is NULL");
  int64_t thresholds = c->num_thresholds == 0 ? MAX_THRESHOLDS : c->num_thresholds;
  if (thresholds < 1) return hl_invalid(err, "num_thresholds", "expected at least 1, got %lld", (long long)thresholds);
  if (c->count > INT32_MAX / (CURVE_ROWS * sizeof(double)))
    return hl_invalid(err, "recall", "more values than an event can hold");
  hl_buf rows;
  hl_buf_init(&rows, out->alloc);
  helios_status st = join_rows(&rows, c, err);
  if (st == HELIOS_OK) {
    const char content[] = {CONTENT_THRESHOLDS << 3, (char)(thresholds > MAX_THRESHOLDS ? MAX_THRESHOLDS : thresholds)};
    int64_t dims[] = {CURVE_ROWS, (int64_t)c->count};
    size_t hint = CURVE_ROWS * c->count * sizeof(float) + SIZE_HINT;
    size_t mark = hl_value_begin(out, tag, hint);
    hl_put_float_tensor(out, (hl_shape){dims, 2}, (const double *)(const void *)rows.data, CURVE_ROWS * c->count);
    hl_put_metadata(out, hl_str_of("pr_curves"), (hl_str){content, sizeof content});
    hl_value_end(out, mark, tag, hint);
    st = hl_buf_status(out);
  }
  hl_buf_free(&rows);
  return st;
}

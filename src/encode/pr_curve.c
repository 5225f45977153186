/* pr_curve.c - precision and recall over thresholds: a float tensor [6, n] under plugin `pr_curves`.
 *
 * Predictions fall in n buckets, floor(p * (n - 1)), the product being taken in the predictions' own dtype: of the 127
 * values float32(k / 126), 31 would land elsewhere if it were a double. Buckets are then summed from the right. */
#include <math.h>

#include "../array.h"
#include "tensor_proto.h"

enum { MAX_THRESHOLDS = 127, NO_BUCKET = MAX_THRESHOLDS, BLOCK = 1024, BATCH = 65536 };
enum { TP, FP, TN, FN, PRECISION, RECALL, ROWS };
enum { CONTENT_THRESHOLDS = 2, SIZE_HINT = 200 };

/* What the predictions of each bucket weigh, by label. */
typedef struct buckets {
  double tp[MAX_THRESHOLDS], fp[MAX_THRESHOLDS];
} buckets;

typedef struct samples {
  hl_array labels, predictions, weights;
  hl_array_iter label, prediction, weight;
  bool weighted;         /* a weight of its own for each sample */
  double common_weight;  /* else this */
  int thresholds;
} samples;

/* ---- checks -------------------------------------------------------------------------------------------------- */

static helios_status take_weights(samples *s, const DLTensor *weights, hl_error *err) {
  s->weighted = false;
  s->common_weight = 1.0;
  if (weights == NULL) return HELIOS_OK;
  helios_status st = hl_array_from_dl(&s->weights, weights, "weights", err);
  if (st != HELIOS_OK) return st;
  if (s->weights.numel == 1) {
    s->common_weight = hl_element_as_double(s->weights.dtype, s->weights.data);
    return HELIOS_OK;
  }
  if (s->weights.numel != s->labels.numel)
    return hl_invalid(err, "weights", "expected one number or %zu, as many as labels, got %zu", s->labels.numel,
                      s->weights.numel);
  s->weighted = true;
  hl_array_iter_init(&s->weight, &s->weights);
  return HELIOS_OK;
}

static helios_status take_samples(samples *s, const DLTensor *labels, const DLTensor *predictions,
                                  const DLTensor *weights, int64_t num_thresholds, hl_error *err) {
  if (num_thresholds < 1)
    return hl_invalid(err, "num_thresholds", "expected at least 1, got %lld", (long long)num_thresholds);
  s->thresholds = num_thresholds > MAX_THRESHOLDS ? MAX_THRESHOLDS : (int)num_thresholds;
  helios_status st = hl_array_from_dl(&s->labels, labels, "labels", err);
  if (st == HELIOS_OK) st = hl_array_from_dl(&s->predictions, predictions, "predictions", err);
  if (st != HELIOS_OK) return st;
  if (s->labels.numel != s->predictions.numel)
    return hl_invalid(err, "predictions", "%zu values for %zu labels", s->predictions.numel, s->labels.numel);
  hl_array_iter_init(&s->label, &s->labels);
  hl_array_iter_init(&s->prediction, &s->predictions);
  return take_weights(s, weights, err);
}

/* Messages count samples from 1. */
static helios_status refuse_label(size_t index, double value, hl_error *err) {
  return hl_invalid(err, "labels", "expected 0 or 1, but value %zu is %.9g", index + 1, value);
}

static helios_status refuse_prediction(size_t index, double value, hl_error *err) {
  return hl_invalid(err, "predictions", "expected values from 0 to 1, but value %zu is %.9g", index + 1, value);
}

/* ---- buckets ------------------------------------------------------------------------------------------------- */

/* The next n bucket numbers, from 0; NO_BUCKET for a prediction that is outside [0, 1] or NaN. */
static void next_buckets_float(samples *s, int *out, size_t n) {
  float p[BLOCK], steps = (float)(s->thresholds - 1);
  hl_array_next_floats(&s->prediction, p, n);
  for (size_t i = 0; i < n; i++) out[i] = p[i] >= 0.0f && p[i] <= 1.0f ? (int)(p[i] * steps) : NO_BUCKET;
}

static void next_buckets_half(samples *s, int *out, size_t n) {
  float p[BLOCK], steps = (float)(s->thresholds - 1);
  hl_array_next_floats(&s->prediction, p, n);
  for (size_t i = 0; i < n; i++) {
    float product = hl_half_to_float(hl_float_to_half(p[i] * steps));
    out[i] = p[i] >= 0.0f && p[i] <= 1.0f ? (int)product : NO_BUCKET;
  }
}

static void next_buckets_double(samples *s, int *out, size_t n) {
  double p[BLOCK], steps = (double)(s->thresholds - 1);
  hl_array_next_doubles(&s->prediction, p, n);
  for (size_t i = 0; i < n; i++) out[i] = p[i] >= 0.0 && p[i] <= 1.0 ? (int)(p[i] * steps) : NO_BUCKET;
}

static void next_buckets(samples *s, int *out, size_t n) {
  switch (s->predictions.dtype) {
    case HELIOS_FLOAT32: next_buckets_float(s, out, n); break;
    case HELIOS_FLOAT16:
    case HELIOS_BFLOAT16: next_buckets_half(s, out, n); break;
    default: next_buckets_double(s, out, n); break;
  }
}

static void next_weights(samples *s, double *out, size_t n) {
  if (s->weighted) hl_array_next_doubles(&s->weight, out, n);
  else
    for (size_t i = 0; i < n; i++) out[i] = s->common_weight;
}

/* The prediction that got no bucket, read again for the message. */
static double prediction_at(const samples *s, size_t index) {
  double v = 0;
  hl_array_iter it;
  hl_array_iter_init(&it, &s->predictions);
  for (size_t i = 0; i <= index; i++) hl_array_next_doubles(&it, &v, 1);
  return v;
}

static helios_status refuse_first(const samples *s, size_t first, const int *bucket, const double *label, size_t n,
                                  hl_error *err) {
  for (size_t i = 0; i < n; i++) {
    if (label[i] != 0.0 && label[i] != 1.0) return refuse_label(first + i, label[i], err);
    if (bucket[i] == NO_BUCKET) return refuse_prediction(first + i, prediction_at(s, first + i), err);
  }
  return HELIOS_OK;
}

/* What stands in a block: how many samples of each label (wrong ones last) are in each bucket (NO_BUCKET last). */
typedef struct tally {
  uint32_t counts[3][MAX_THRESHOLDS + 1];
} tally;

/* Integers do not wait for each other as additions of doubles do, and labels are told by their bits since comparing
 * doubles for equality costs thrice as much. 0 may have any sign. */
static void count_block(tally *t, const int *bucket, const double *label, size_t n) {
  const uint64_t one = hl_double_bits(1.0);
  memset(t, 0, sizeof *t);
  for (size_t i = 0; i < n; i++) {
    uint64_t bits = hl_double_bits(label[i]);
    unsigned wrong = (bits != one) & ((bits << 1) != 0);
    t->counts[(bits == one) + 2 * wrong][bucket[i]]++;
  }
}

/* Add the counts to both sums; false when some of the n samples are in none of them. */
static bool add_counts(buckets *b, const tally *t, size_t n) {
  size_t usable = 0;
  for (size_t k = 0; k < MAX_THRESHOLDS; k++) {
    usable += t->counts[0][k] + t->counts[1][k];
    b->fp[k] += t->counts[0][k];
    b->tp[k] += t->counts[1][k];
  }
  return usable == n;
}

static void add_weighted(samples *s, const int *bucket, const double *label, size_t n, buckets *b) {
  double weight[BLOCK];
  next_weights(s, weight, n);
  for (size_t i = 0; i < n; i++) {
    b->tp[bucket[i]] += label[i] * weight[i];
    b->fp[bucket[i]] += (1.0 - label[i]) * weight[i];
  }
}

static helios_status add_block(samples *s, size_t first, size_t n, buckets *b, hl_error *err) {
  int bucket[BLOCK];
  double label[BLOCK];
  tally t;
  buckets unweighted = {{0}, {0}};
  bool weighted = s->weighted || s->common_weight != 1.0;
  next_buckets(s, bucket, n);
  hl_array_next_doubles(&s->label, label, n);
  count_block(&t, bucket, label, n);
  if (!add_counts(weighted ? &unweighted : b, &t, n)) return refuse_first(s, first, bucket, label, n, err);
  if (weighted) add_weighted(s, bucket, label, n, b);
  return HELIOS_OK;
}

static void add_up(buckets *sum, const buckets *part, int thresholds) {
  for (int k = 0; k < thresholds; k++) {
    sum->tp[k] += part->tp[k];
    sum->fp[k] += part->fp[k];
  }
}

/* numpy adds up batches of 65536 and then the batches: weights that are no integers show it in their last bits. */
static helios_status fill_buckets(samples *s, buckets *sum, hl_error *err) {
  size_t total = s->labels.numel;
  for (size_t batch = 0; batch < total; batch += BATCH) {
    buckets part = {{0}, {0}};
    size_t end = total - batch < BATCH ? total : batch + BATCH;
    for (size_t i = batch; i < end; i += BLOCK) {
      helios_status st = add_block(s, i, end - i < BLOCK ? end - i : BLOCK, &part, err);
      if (st != HELIOS_OK) return st;
    }
    add_up(sum, &part, s->thresholds);
  }
  return HELIOS_OK;
}

/* ---- the curve ----------------------------------------------------------------------------------------------- */

/* numpy's maximum: NaN stays. */
static double at_least_1e_7(double v) { return v < 1e-7 ? 1e-7 : v; }

/* Six rows of n values each. */
static void compute_rows(const buckets *b, int n, double *rows) {
  double *row[ROWS];
  for (int r = 0; r < ROWS; r++) row[r] = rows + r * n;
  double tp = 0, fp = 0;
  for (int k = n - 1; k >= 0; k--) {
    row[TP][k] = tp += b->tp[k];
    row[FP][k] = fp += b->fp[k];
  }
  for (int k = 0; k < n; k++) {
    row[TN][k] = fp - row[FP][k];
    row[FN][k] = tp - row[TP][k];
    row[PRECISION][k] = row[TP][k] / at_least_1e_7(row[TP][k] + row[FP][k]);
    row[RECALL][k] = row[TP][k] / at_least_1e_7(row[TP][k] + row[FN][k]);
  }
}

static void put_summary(hl_buf *out, hl_str tag, const double *rows, int n) {
  const int64_t dims[] = {ROWS, n};
  const char content[] = {CONTENT_THRESHOLDS << 3, (char)n}; /* n < 128: a varint of one byte */
  size_t hint = (size_t)(ROWS * n) * sizeof(float) + SIZE_HINT;
  size_t mark = hl_value_begin(out, tag, hint);
  hl_put_float_tensor(out, (hl_shape){dims, 2}, rows, (size_t)(ROWS * n));
  hl_put_metadata(out, hl_str_of("pr_curves"), (hl_str){content, sizeof content});
  hl_value_end(out, mark, tag, hint);
}

helios_status hl_encode_pr_curve(hl_buf *out, hl_str tag, const DLTensor *labels, const DLTensor *predictions,
                                 int64_t num_thresholds, const DLTensor *weights, hl_error *err) {
  samples s;
  buckets b = {{0}, {0}};
  double rows[ROWS * MAX_THRESHOLDS];
  helios_status st = take_samples(&s, labels, predictions, weights, num_thresholds, err);
  if (st == HELIOS_OK) st = fill_buckets(&s, &b, err);
  if (st != HELIOS_OK) return st;
  compute_rows(&b, s.thresholds, rows);
  put_summary(out, tag, rows, s.thresholds);
  return hl_buf_status(out);
}

/* test_pr_curve.c - torch's bytes, the product in the predictions' own dtype, weights, and what is refused. */
#include <math.h>

#include "array.h"
#include "encode_check.h"

static hl_buf buf;
static const hl_str tag = {"t", 1};
enum { N = 127 };

static helios_status encode(const DLTensor *labels, const DLTensor *predictions, int64_t thresholds,
                            const DLTensor *weights, hl_error *err) {
  hl_buf_reset(&buf);
  *err = (hl_error){0};
  return hl_encode_pr_curve(&buf, tag, labels, predictions, thresholds, weights, err);
}

static void as_torch(void) {
  float p[] = {0.9f, 0.2f, 0.4f};
  uint8_t l[] = {1, 0, 1};
  int64_t three = 3;
  hl_error err;
  DLTensor labels = tensor(l, HELIOS_BOOL, 1, &three), predictions = tensor(p, HELIOS_FLOAT32, 1, &three);
  CHECK_INT(encode(&labels, &predictions, 3, NULL, &err), HELIOS_OK);
  CHECK_HEX(&buf,
            "0a6e0a017442560801120812020806120208032a48000000400000803f000000000000803f0000000000000000000000000000803f"
            "0000803f000000000000803f00000040abaa2a3f0000803f000000000000803f0000003f000000004a110a0f0a0970725f63757276"
            "657312021003");
}

/* Value k of row `row` (TP, FP, TN, FN, precision, recall) of a curve of 127 thresholds: the rows end the tensor, in
 * front of 19 bytes of metadata. */
static double row_value(int row, int k) {
  const unsigned char *rows = buf.data + buf.len - 19 - 6 * N * 4;
  return (double)hl_float_from_bits(hl_get_le32(rows + (row * N + k) * 4));
}

/* One positive sample; its bucket is the last threshold whose TP holds it. */
static int bucket_of(const DLTensor *prediction) {
  uint8_t yes = 1;
  int64_t one = 1;
  int k = 0;
  hl_error err;
  DLTensor label = tensor(&yes, HELIOS_UINT8, 1, &one);
  CHECK_INT(encode(&label, prediction, 127, NULL, &err), HELIOS_OK);
  while (k + 1 < N && row_value(0, k + 1) == 1) k++;
  return k;
}

/* 31 of the 127 values k / 126 land elsewhere in one precision than in the other. */
static void product_in_own_dtype(void) {
  int64_t one = 1;
  int in_float = 1, in_half = 1, in_double = 1;
  for (int k = 0; k < N; k++) {
    float f = (float)k / 126.0f;
    double d = k / 126.0;
    uint16_t h = hl_float_to_half(f);
    volatile float product = f * 126.0f;
    DLTensor t = tensor(&f, HELIOS_FLOAT32, 1, &one);
    in_float &= bucket_of(&t) == (int)floorf(product);
    t = tensor(&d, HELIOS_FLOAT64, 1, &one);
    in_double &= bucket_of(&t) == (int)floor(d * 126.0);
    t = tensor(&h, HELIOS_FLOAT16, 1, &one);
    in_half &= bucket_of(&t) == (int)hl_half_to_float(hl_float_to_half(hl_half_to_float(h) * 126.0f));
  }
  CHECK(in_float);
  CHECK(in_double);
  CHECK(in_half);
}

static void weights(void) {
  double p[] = {1.0, 1.0, 0.0}, w[] = {0.5, 2.0, 0.25}, twice = 2;
  int64_t l[] = {1, 0, 1}, three = 3, one = 1;
  hl_error err;
  DLTensor labels = tensor(l, HELIOS_INT64, 1, &three), predictions = tensor(p, HELIOS_FLOAT64, 1, &three);
  DLTensor each = tensor(w, HELIOS_FLOAT64, 1, &three), all = tensor(&twice, HELIOS_FLOAT64, 0, &one);
  CHECK_INT(encode(&labels, &predictions, 127, &each, &err), HELIOS_OK);
  CHECK(row_value(0, 0) == 0.75 && row_value(1, 0) == 2.0 && row_value(0, 126) == 0.5 && row_value(3, 126) == 0.25);
  CHECK_INT(encode(&labels, &predictions, 127, &all, &err), HELIOS_OK);
  CHECK(row_value(0, 0) == 4 && row_value(1, 0) == 2 && row_value(4, 0) == (double)(4.0f / 6.0f));
}

static void thresholds(void) {
  uint8_t l = 1;
  float p = 0.5f;
  int64_t one = 1, none = 0;
  hl_error err;
  DLTensor labels = tensor(&l, HELIOS_UINT8, 1, &one), predictions = tensor(&p, HELIOS_FLOAT32, 1, &one);
  encode(&labels, &predictions, 1000, NULL, &err);
  CHECK_INT(buf.data[buf.len - 1], 127); /* num_thresholds ends the metadata */
  encode(&labels, &predictions, 1, NULL, &err);
  CHECK_INT(buf.data[buf.len - 1], 1);
  labels.shape = predictions.shape = &none;
  CHECK_INT(encode(&labels, &predictions, 127, NULL, &err), HELIOS_OK); /* no samples: a flat curve, as in torch */
  CHECK(row_value(0, 0) == 0 && row_value(4, 0) == 0);
}

static void refusals(void) {
  static const struct {
    double value;
    const char *reason;
  } wrong[] = {{1.0000001, "expected values from 0 to 1, but value 2 is 1.0000001"},
               {-0.5, "expected values from 0 to 1, but value 2 is -0.5"},
               {NAN, "expected values from 0 to 1, but value 2 is nan"},
               {INFINITY, "expected values from 0 to 1, but value 2 is inf"}};
  double p[] = {0.5, 0.5, 0.5};
  int32_t l[] = {0, 1, 0};
  int64_t three = 3, two = 2;
  hl_error err;
  DLTensor labels = tensor(l, HELIOS_INT32, 1, &three), predictions = tensor(p, HELIOS_FLOAT64, 1, &three);
  DLTensor short_one = tensor(p, HELIOS_FLOAT64, 1, &two);
  for (size_t i = 0; i < 4; i++) {
    p[1] = wrong[i].value;
    CHECK_INVALID(encode(&labels, &predictions, 127, NULL, &err), err, "predictions", wrong[i].reason);
  }
  p[1] = 0.5;
  l[2] = 2;
  CHECK_INVALID(encode(&labels, &predictions, 127, NULL, &err), err, "labels", "expected 0 or 1, but value 3 is 2");
  l[2] = 0;
  CHECK_INVALID(encode(&labels, &short_one, 127, NULL, &err), err, "predictions", "2 values for 3 labels");
  CHECK_INVALID(encode(&labels, &predictions, 127, &short_one, &err), err, "weights",
                "expected one number or 3, as many as labels, got 2");
  CHECK_INVALID(encode(&labels, &predictions, 0, NULL, &err), err, "num_thresholds", "expected at least 1, got 0");
  CHECK_INVALID(encode(NULL, &predictions, 127, NULL, &err), err, "labels", "expected a tensor, got none");
}

static helios_status encode_one(hl_buf *out) {
  uint8_t l = 1;
  float p = 0.5f;
  int64_t one = 1;
  DLTensor labels = tensor(&l, HELIOS_UINT8, 1, &one), predictions = tensor(&p, HELIOS_FLOAT32, 1, &one);
  return hl_encode_pr_curve(out, tag, &labels, &predictions, 127, NULL, NULL);
}

int main(void) {
  hl_buf_init(&buf, NULL);
  as_torch();
  product_in_own_dtype();
  weights();
  thresholds();
  refusals();
  CHECK(fail_each_allocation(encode_one) > 0);
  hl_buf_free(&buf);
  return check_done("pr_curve");
}

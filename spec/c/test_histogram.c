/* test_histogram.c - bins, sums and trimming against torch's bytes, and the fast bin search against the plain one. */
#include <float.h>
#include <math.h>

#include "encode/bins.h"
#include "encode/pairwise.h"
#include "encode_check.h"

static hl_buf buf;
static const hl_str tag = {"t", 1};

static helios_status encode(const double *values, int64_t n, const helios_histogram_options *options, hl_error *err) {
  double copy[64];
  memcpy(copy, values, (size_t)n * sizeof *values);
  DLTensor t = tensor(copy, HELIOS_FLOAT64, 1, &n);
  hl_buf_reset(&buf);
  *err = (hl_error){0};
  return hl_encode_histogram(&buf, tag, &t, options, NULL, err);
}

static void as_torch(void) {
  hl_error err;
  helios_histogram_options o = {.bin_count = 2};
  CHECK_INT(encode((double[]){1, 2, 2, 3}, 4, &o, &err), HELIOS_OK);
  CHECK_HEX(&buf,
            "0a660a01742a6109000000000000f03f11000000000000084019000000000000104021000000000000204029000000000000324032"
            "18000000000000f03f000000000000004000000000000008403a180000000000000000000000000000f03f0000000000000840");
  double ten[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  o = (helios_histogram_options){.bin_count = 5, .max_bins = 2};
  CHECK_INT(encode(ten, 10, &o, &err), HELIOS_OK);
  CHECK_HEX(&buf,
            "0a6d0a01742a68110000000000002240190000000000002440210000000000804640290000000000d0714032200000000000000000"
            "cdcccccccccc0c40cdcccccccccc1c4000000000000022403a20000000000000000000000000000010400000000000001040000000"
            "0000000040");
  CHECK_INT(encode((double[]){0, 0, hl_double_from_bits(0x3d3c25c260000000)}, 3, NULL, &err), HELIOS_OK);
  CHECK_HEX(&buf,
            "0a4d0a01742a481100000060c2253c3d1900000000000008402100000060c2253c3d2920ad1ab640c2883a321000000000000000"
            "0011ea2d819997713d3a1000000000000000000000000000000840");
}

/* ---- the search of TensorFlow's bins ------------------------------------------------------------------------- */

enum { EDGES = 1549 };
static double edges[EDGES];

static void make_edges(void) {
  double v = 1e-12;
  for (int i = 0; i < 774; i++, v = v * 1.1) {
    edges[775 + i] = v;
    edges[773 - i] = -v;
  }
}

/* Count one value with the encoder's bins, and say which bin it fell in; -1 for none. */
static long found_bin(double v) {
  int64_t one = 1;
  hl_array a;
  hl_bins b = {0};
  DLTensor t = tensor(&v, HELIOS_FLOAT64, 1, &one);
  CHECK_INT(hl_array_from_dl(&a, &t, "v", NULL), HELIOS_OK);
  CHECK_INT(hl_bins_make_tensorflow(&b, &a), HELIOS_OK);
  CHECK_INT(b.count, EDGES - 1);
  CHECK(memcmp(b.edges, edges, sizeof edges) == 0);
  long found = -1;
  for (size_t i = 0; i < b.count; i++)
    if (b.counts[i] != 0) found = (long)i;
  hl_bins_free(&b);
  return found;
}

static long plain_bin(double v) {
  if (v == edges[EDGES - 1]) return EDGES - 2;
  for (long i = 0; i < EDGES - 1; i++)
    if (v >= edges[i] && v < edges[i + 1]) return i;
  return -1;
}

static void every_edge_and_its_neighbours(void) {
  int same = 1;
  for (int i = 0; i < EDGES; i++) {
    double around[] = {nextafter(edges[i], -INFINITY), edges[i], nextafter(edges[i], INFINITY)};
    for (int k = 0; k < 3; k++) same &= found_bin(around[k]) == plain_bin(around[k]);
  }
  CHECK(same);
  const double odd[] = {0.0,  -0.0,  5e-324,  -5e-324,  1e-300,   -1e-13,
                        1e20, -1e20, DBL_MAX, -DBL_MAX, INFINITY, -INFINITY};
  for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) CHECK_INT(found_bin(odd[i]), plain_bin(odd[i]));
  CHECK_INT(found_bin(NAN), -1);
  CHECK_INT(found_bin(-NAN), -1);
}

static void every_bucket_of_bits(void) {
  int same = 1;
  for (uint64_t high = 0; high < 65536; high += 3) {
    double v = hl_double_from_bits(high << 48 | (high * 0x9e3779b97f4aULL & 0xffffffffffffULL));
    if (high % 64 == 0 || (high & 0x7fff) - 0x3d60 < 0x6c0) same &= found_bin(v) == plain_bin(v);
  }
  CHECK(same);
}

/* ---- sums ---------------------------------------------------------------------------------------------------- */

static double sum_leaf(void *ctx, double *v, size_t n) {
  (void)ctx;
  return hl_pairwise_leaf(v, n);
}

/* numpy 2.4: (numpy.arange(n) * 0.1 + 1e15 * (numpy.arange(n) % 7 == 0)).sum(), as hexadecimal floats */
static void sums_to_the_bit(void) {
  static const struct {
    int64_t n;
    double sum;
  } known[] = {{1, 0x1.c6bf526340000p+49}, {7, 0x1.c6bf526340011p+49}, {8, 0x1.c6bf52634000cp+50},
               {15, 0x1.550f7dca70015p+51}, {127, 0x1.0e0198eaee0c8p+54}, {128, 0x1.0e0198eaee0cbp+54},
               {129, 0x1.0e0198eaee0cep+54}, {1000, 0x1.fc09be0ae2432p+56}, {8191, 0x1.0403a4bb82eaep+60},
               {100000, 0x1.8c84229eb610ap+63}};
  static double v[100000];
  for (size_t k = 0; k < sizeof known / sizeof known[0]; k++) {
    hl_array a;
    int64_t n = known[k].n;
    for (int64_t i = 0; i < n; i++) v[i] = (double)i * 0.1 + (i % 7 == 0 ? 1e15 : 0.0);
    DLTensor t = tensor(v, HELIOS_FLOAT64, 1, &n);
    hl_array_from_dl(&a, &t, "v", NULL);
    CHECK(hl_pairwise_sum(&a, sum_leaf, NULL) == known[k].sum);
  }
}

static void moments(void) {
  double v[] = {3, -1, NAN, 2}, zeros[] = {-0.0, -0.0};
  int64_t n = 4;
  hl_array a;
  DLTensor t = tensor(v, HELIOS_FLOAT64, 1, &n);
  hl_array_from_dl(&a, &t, "v", NULL);
  hl_moments m = hl_moments_of(&a);
  CHECK(isnan(m.min) && isnan(m.max) && isnan(m.sum) && isnan(m.sum_squares));
  v[2] = -INFINITY;
  m = hl_moments_of(&a);
  CHECK(m.min == -INFINITY && m.max == 3 && m.sum == -INFINITY && m.sum_squares == INFINITY);
  v[0] = INFINITY;
  m = hl_moments_of(&a); /* the sum is NaN, but no value is */
  CHECK(m.min == -INFINITY && m.max == INFINITY && isnan(m.sum));
  n = 2;
  t = tensor(zeros, HELIOS_FLOAT64, 1, &n);
  hl_array_from_dl(&a, &t, "v", NULL);
  m = hl_moments_of(&a);
  CHECK(m.sum == 0 && !signbit(m.sum));
}

/* ---- edges from options -------------------------------------------------------------------------------------- */

static void check_counts(const double *values, int64_t n, const helios_histogram_options *o, size_t count,
                         const uint64_t *want) {
  double copy[64];
  hl_array a;
  hl_bins b;
  hl_error err = {0};
  memcpy(copy, values, (size_t)n * sizeof *values);
  DLTensor t = tensor(copy, HELIOS_FLOAT64, 1, &n);
  hl_array_from_dl(&a, &t, "v", NULL);
  hl_moments m = hl_moments_of(&a);
  CHECK_INT(hl_bins_make(&b, &a, &m, o, NULL, &err), HELIOS_OK);
  CHECK_STR(err.reason, "");
  if (CHECK_INT(b.count, count))
    for (size_t i = 0; i < count; i++) CHECK_INT(b.counts[i], want[i]);
  hl_bins_free(&b);
}

static void lists_of_edges(void) {
  const double list[] = {0, 1, 1, 3};
  const double values[] = {-1, 0, 0.5, 1, 2, 3, 3.5, NAN, INFINITY};
  helios_histogram_options o = {.edges = list, .edge_count = 4};
  check_counts(values, 9, &o, 3, (uint64_t[]){2, 0, 3}); /* numpy: the last bin is closed, an empty one holds nothing */
  o.edge_count = 3;
  check_counts(values, 9, &o, 2, (uint64_t[]){2, 1});
}

/* Counts of numpy.histogram(values, bins=rule)[0] */
static void rules(void) {
  const double values[] = {-3, -1.5, -1, -.5, -.25, 0, 0, .1, .25, .5, .5, .75, 1, 1.5, 2, 9};
  const struct {
    const char *rule;
    size_t count;
    uint64_t counts[16];
  } known[] = {{"auto", 8, {1, 4, 8, 2, 0, 0, 0, 1}},
               {"fd", 14, {1, 1, 2, 5, 4, 2, 0, 0, 0, 0, 0, 0, 0, 1}},
               {"doane", 8, {1, 4, 8, 2, 0, 0, 0, 1}},
               {"scott", 4, {5, 10, 0, 1}},
               {"rice", 6, {2, 10, 3, 0, 0, 1}},
               {"sturges", 5, {3, 11, 1, 0, 1}},
               {"sqrt", 4, {5, 10, 0, 1}}};
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    helios_histogram_options o = {.bins = known[i].rule};
    check_counts(values, 16, &o, known[i].count, known[i].counts);
  }
  helios_histogram_options o = {.bins = "auto"};
  check_counts((double[]){5, 5, 5}, 3, &o, 1, (uint64_t[]){3});
}

static void refusals(void) {
  hl_error err;
  const double one[] = {1}, down[] = {0, 2, 1}, nan[] = {0, NAN};
  helios_histogram_options o = {.edges = down, .edge_count = 3};
  CHECK_INVALID(encode(one, 1, &o, &err), err, "bins", "edges must ascend, but edge 2 is 2 and edge 3 is 1");
  o.edge_count = 1;
  CHECK_INVALID(encode(one, 1, &o, &err), err, "bins", "expected at least two edges, got 1");
  o = (helios_histogram_options){.edges = nan, .edge_count = 2};
  CHECK_INVALID(encode(one, 1, &o, &err), err, "bins", "edges must ascend, but edge 1 is 0 and edge 2 is nan");
  o = (helios_histogram_options){.bins = "stone"};
  CHECK_INVALID(encode(one, 1, &o, &err), err, "bins",
                "expected tensorflow, auto, fd, doane, scott, rice, sturges or sqrt, got 'stone'");
  o = (helios_histogram_options){.bin_count = -1};
  CHECK_INVALID(encode(one, 1, &o, &err), err, "bins", "expected at least one bin, got -1");
  o = (helios_histogram_options){.bin_count = INT64_MAX};
  CHECK_INVALID(encode(one, 1, &o, &err), err, "bins", "expected 1 to 16777216 bins, got 9223372036854775808");
  o = (helios_histogram_options){.bin_count = 5};
  CHECK_INVALID(encode((double[]){1, INFINITY}, 2, &o, &err), err, "values",
                "equal bins need a finite range of values, got 1 to inf");
  CHECK_INVALID(encode((double[]){1, nextafter(1, 2)}, 2, &o, &err), err, "bins",
                "5 bins are too many for values from 1 to 1");
  o = (helios_histogram_options){.max_bins = -2};
  CHECK_INVALID(encode(one, 1, &o, &err), err, "max_bins", "expected at least 1, got -2");
  CHECK_INVALID(encode(one, 0, NULL, &err), err, "values", "the tensor is empty");
  CHECK_INVALID(encode((double[]){1e30, NAN, -INFINITY}, 3, NULL, &err), err, "values",
                "none of the values lies in any of the bins");
}

static helios_status encode_default(hl_buf *out) {
  static double v[] = {1, 2, 3};
  int64_t n = 3;
  DLTensor t = tensor(v, HELIOS_FLOAT64, 1, &n);
  return hl_encode_histogram(out, tag, &t, NULL, NULL, NULL);
}

static helios_status encode_by_rule(hl_buf *out) {
  static double v[] = {1, 2, 3, 3, 8};
  int64_t n = 5;
  helios_histogram_options o = {.bins = "auto"};
  DLTensor t = tensor(v, HELIOS_FLOAT64, 1, &n);
  return hl_encode_histogram(out, tag, &t, &o, NULL, NULL);
}

int main(void) {
  hl_buf_init(&buf, NULL);
  make_edges();
  as_torch();
  every_edge_and_its_neighbours();
  every_bucket_of_bits();
  sums_to_the_bit();
  moments();
  lists_of_edges();
  rules();
  refusals();
  CHECK(fail_each_allocation(encode_default) > 3);
  CHECK(fail_each_allocation(encode_by_rule) > 2);
  hl_buf_free(&buf);
  return check_done("histogram");
}

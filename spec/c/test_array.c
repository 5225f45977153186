/* test_array.c - checking and walking DLTensors; float16 and bfloat16 for every bit pattern. */
#include <math.h>

#include "array.h"
#include "encode_check.h"

static void dtypes(void) {
  static const char *const names[] = {"bool",   "int8",   "int16",   "int32",    "int64",   "uint8",  "uint16",
                                      "uint32", "uint64", "float16", "bfloat16", "float32", "float64"};
  static const size_t sizes[] = {1, 1, 2, 4, 8, 1, 2, 4, 8, 2, 2, 4, 8};
  for (int i = 0; i < 13; i++) {
    CHECK_STR(helios_dtype_name((helios_dtype)i), names[i]);
    CHECK_INT(helios_dtype_from_name(names[i]), i);
    CHECK_INT(helios_dtype_size((helios_dtype)i), sizes[i]);
    CHECK_INT(helios_dtype_from_dl(helios_dtype_to_dl((helios_dtype)i)), i);
  }
  CHECK(helios_dtype_name((helios_dtype)13) == NULL);
  CHECK_INT(helios_dtype_size((helios_dtype)99), 0);
  CHECK_INT(helios_dtype_from_name("float"), -1);
  CHECK_INT(helios_dtype_from_name(NULL), -1);
  CHECK_INT(helios_dtype_from_dl((DLDataType){kDLFloat, 32, 4}), -1);
  CHECK_INT(helios_dtype_from_dl((DLDataType){kDLComplex, 64, 1}), -1);
}

/* What the 16 bits mean, from the definition of the format and with no code of ours. */
static double half_value(unsigned bits) {
  double sign = bits & 0x8000 ? -1 : 1;
  int exponent = (int)(bits >> 10 & 31), fraction = (int)(bits & 1023);
  if (exponent == 31) return fraction ? NAN : sign * INFINITY;
  return sign * (exponent == 0 ? ldexp(fraction, -24) : ldexp(1024 + fraction, exponent - 25));
}

static void half_floats(void) {
  int exact = 1, back = 1, nearest = 1;
  for (unsigned bits = 0; bits < 65536; bits++) {
    float f = hl_half_to_float((uint16_t)bits);
    double want = half_value(bits);
    exact &= isnan(want) ? isnan(f) : ((double)f == want && !signbit(f) == !signbit(want));
    if (!isnan(f)) back &= hl_float_to_half(f) == bits;
    if ((bits & 0x7fff) >= 0x7bff) continue; /* halfway to the next number goes to the even one, beyond it upwards */
    float middle = (float)((half_value(bits) + half_value(bits + 1)) / 2);
    nearest &= hl_float_to_half(middle) == (bits & 1 ? bits + 1 : bits);
    nearest &= hl_float_to_half(nextafterf(middle, 0)) == bits;
    nearest &= hl_float_to_half(nextafterf(middle, middle < 0 || (bits >> 15) ? -INFINITY : INFINITY)) == bits + 1;
  }
  CHECK(exact);
  CHECK(back);
  CHECK(nearest);
  CHECK_INT(hl_float_to_half(65519.996f), 0x7bff);
  CHECK_INT(hl_float_to_half(65520.0f), 0x7c00);
  CHECK_INT(hl_float_to_half(-1e30f), 0xfc00);
  CHECK(isnan(hl_half_to_float(hl_float_to_half(NAN))));
}

static void bfloats(void) {
  int back = 1;
  for (unsigned bits = 0; bits < 65536; bits++) {
    float f = hl_bfloat16_to_float((uint16_t)bits);
    if (!isnan(f)) back &= hl_float_to_bfloat16(f) == bits;
  }
  CHECK(back);
  CHECK_INT(hl_float_to_bfloat16(1.0f), 0x3f80);
  CHECK_INT(hl_float_to_bfloat16(1.00390625f), 0x3f80);  /* halfway, down to even */
  CHECK_INT(hl_float_to_bfloat16(1.01171875f), 0x3f82);  /* halfway, up to even */
  CHECK_INT(hl_float_to_bfloat16(3.4028235e38f), 0x7f80); /* rounds to infinity */
  CHECK(isnan(hl_bfloat16_to_float(hl_float_to_bfloat16(hl_float_from_bits(0x7f800001)))));
}

static void refusals(void) {
  int64_t shape[33] = {2, 3};
  int64_t strides[2] = {INT64_MAX / 2, 1};
  float data[6] = {0};
  hl_array a;
  hl_error err;
  DLTensor t = tensor(data, HELIOS_FLOAT32, 2, shape);
  CHECK_INVALID(hl_array_from_dl(&a, NULL, "img", &err), err, "img", "expected a tensor, got none");
  t.device.device_type = kDLCUDA;
  CHECK_INVALID(hl_array_from_dl(&a, &t, "img", &err), err, "img",
                "the tensor is not in CPU memory (DLPack device type 2)");
  t = tensor(data, HELIOS_FLOAT32, 33, shape);
  CHECK_INVALID(hl_array_from_dl(&a, &t, "img", &err), err, "img", "expected 0 to 32 dimensions, got 33");
  t = tensor(data, HELIOS_FLOAT32, 2, NULL);
  CHECK_INVALID(hl_array_from_dl(&a, &t, "img", &err), err, "img", "the tensor has no shape");
  t = tensor(data, HELIOS_FLOAT32, 2, shape);
  t.dtype.lanes = 2;
  CHECK_INVALID(hl_array_from_dl(&a, &t, "img", &err), err, "img",
                "unsupported element type (DLPack code 2, 32 bits, 2 lanes)");
  t = tensor(NULL, HELIOS_FLOAT32, 2, shape);
  CHECK_INVALID(hl_array_from_dl(&a, &t, "img", &err), err, "img", "the tensor has no data");
  t = tensor(data, HELIOS_FLOAT32, 2, shape);
  t.strides = strides;
  CHECK_INVALID(hl_array_from_dl(&a, &t, "img", &err), err, "img", "the stride of dimension 1 overflows");
  shape[1] = -1;
  t.strides = NULL;
  CHECK_INVALID(hl_array_from_dl(&a, &t, "img", &err), err, "img", "dimension 2 has the size -1");
  shape[0] = shape[1] = (int64_t)1 << 32;
  CHECK_INVALID(hl_array_from_dl(&a, &t, "img", &err), err, "img", "the product of the sizes overflows");
  shape[2] = 0; /* as numpy has it: no elements, whatever the other sizes are */
  t = tensor(NULL, HELIOS_FLOAT32, 3, shape);
  CHECK_INT(hl_array_from_dl(&a, &t, "img", &err), HELIOS_OK);
  CHECK_INT(a.numel, 0);
}

static void walks(void) {
  int64_t shape[] = {2, 3}, turned[] = {1, 2}, backwards[] = {-3, -1}, repeated[] = {0, 1};
  int16_t data[] = {1, 2, 3, 4, 5, 6};
  struct {
    int64_t *strides;
    uint64_t offset;
    double want[6];
  } cases[] = {{NULL, 0, {1, 2, 3, 4, 5, 6}},
               {turned, 0, {1, 3, 5, 2, 4, 6}},
               {backwards, 10, {6, 5, 4, 3, 2, 1}},
               {repeated, 4, {3, 4, 5, 3, 4, 5}}};
  for (size_t c = 0; c < 4; c++)
    for (size_t step = 1; step <= 6; step++) { /* whatever the size of a request, the same values come */
      DLTensor t = tensor(data, HELIOS_INT16, 2, shape);
      t.strides = cases[c].strides;
      t.byte_offset = cases[c].offset;
      hl_array a;
      hl_array_iter it, jt;
      double got[8];
      float floats[8];
      CHECK_INT(hl_array_from_dl(&a, &t, "x", NULL), HELIOS_OK);
      CHECK_INT(a.contiguous, cases[c].strides == NULL);
      hl_array_iter_init(&it, &a);
      hl_array_iter_init(&jt, &a);
      for (size_t done = 0; done < 6;) {
        size_t n = hl_array_next_doubles(&it, got, step);
        CHECK_INT(hl_array_next_floats(&jt, floats, step), n);
        for (size_t i = 0; i < n; i++) CHECK(got[i] == cases[c].want[done + i] && (double)floats[i] == got[i]);
        done += n;
      }
      CHECK_INT(hl_array_next_doubles(&it, got, 8), 0);
    }
}

static void elements(void) {
  int64_t low = INT64_MIN;
  uint64_t high = UINT64_MAX;
  uint8_t truth = 7;
  double d = -0.0;
  CHECK(hl_element_as_double(HELIOS_INT64, (unsigned char *)&low) == -0x1p63);
  CHECK(hl_element_as_double(HELIOS_UINT64, (unsigned char *)&high) == 0x1p64);
  CHECK(hl_element_as_double(HELIOS_BOOL, &truth) == 1);
  CHECK(signbit(hl_element_as_double(HELIOS_FLOAT64, (unsigned char *)&d)) != 0);
}

static void scalars_and_permutations(void) {
  int64_t shape[] = {2, 3};
  uint8_t data[] = {1, 2, 3, 4, 5, 6};
  double got[6];
  hl_array a;
  hl_array_iter it;
  DLTensor zero_d = tensor(data, HELIOS_UINT8, 0, NULL);
  CHECK_INT(hl_array_from_dl(&a, &zero_d, "x", NULL), HELIOS_OK);
  CHECK_INT(a.numel, 1);
  hl_array_iter_init(&it, &a);
  CHECK_INT(hl_array_next_doubles(&it, got, 6), 1);
  DLTensor t = tensor(data, HELIOS_UINT8, 2, shape);
  CHECK_INT(hl_array_from_dl(&a, &t, "x", NULL), HELIOS_OK);
  hl_array_permute(&a, (const int[]){1, 0});
  hl_array_iter_init(&it, &a);
  CHECK_INT(a.shape[0], 3);
  CHECK_INT(hl_array_next_doubles(&it, got, 6), 6);
  CHECK(got[0] == 1 && got[1] == 4 && got[2] == 2 && got[5] == 6);
}

int main(void) {
  dtypes();
  half_floats();
  bfloats();
  refusals();
  walks();
  elements();
  scalars_and_permutations();
  return check_done("array");
}

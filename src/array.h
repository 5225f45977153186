/* array.h - a DLTensor checked once and walked safely: what every encoder reads its values through. */
#ifndef HL_ARRAY_H
#define HL_ARRAY_H

#include <stdbool.h>

#include "error.h"
#include "helios/tensor.h"

/* A checked, normalised view. Strides are in bytes; nothing is owned. */
typedef struct hl_array {
  const unsigned char *data; /* first element; byte_offset applied */
  helios_dtype dtype;
  int ndim;
  size_t numel;
  int64_t shape[HELIOS_MAX_NDIM];
  int64_t stride[HELIOS_MAX_NDIM];
  bool contiguous;           /* C order without gaps */
} hl_array;

/* Check device, dtype, lanes, ndim, sizes (no negative, no overflow of the product), data. */
helios_status hl_array_from_dl(hl_array *a, const DLTensor *t, const char *argument, hl_error *err);
/* Reorder dimensions: dimension i becomes what order[i] was. order has a->ndim entries, checked by the caller. */
void hl_array_permute(hl_array *a, const int *order);

/* One element, whatever its dtype, as double (int64 and uint64 are rounded). */
double hl_element_as_double(helios_dtype dtype, const unsigned char *p);

/* n elements that lie `stride` bytes apart, converted to float as C rounds. */
void hl_run_floats(helios_dtype dtype, float *out, const unsigned char *p, int64_t stride, size_t n);

/* float16 and bfloat16 bits to float and back (nearest even). */
float hl_half_to_float(uint16_t bits);
float hl_bfloat16_to_float(uint16_t bits);
uint16_t hl_float_to_half(float f);
uint16_t hl_float_to_bfloat16(float f);

/* Walk all elements in C order in blocks: fill `out` with up to `max` values converted to double (or float, rounding
 * as C does); returns how many, 0 at the end. Contiguous arrays cost a tight loop per dtype. */
typedef struct hl_array_iter {
  const hl_array *array;
  int64_t index[HELIOS_MAX_NDIM];
  size_t done;
} hl_array_iter;

void hl_array_iter_init(hl_array_iter *it, const hl_array *a);
size_t hl_array_next_doubles(hl_array_iter *it, double *out, size_t max);
size_t hl_array_next_floats(hl_array_iter *it, float *out, size_t max);
/* The same, as they are: `out` has room for max elements of the array's dtype. */
size_t hl_array_next_raw(hl_array_iter *it, void *out, size_t max);

/* Hand all elements, numel times the element size in all, to `fn` piece by piece, until it returns false: then so does
 * this. stride gets where they are in the pieces put together, in bytes. Memory that is dense in some order of the
 * dimensions (a permuted image) is one piece as it lies, else C order is made. */
typedef bool (*hl_bytes_fn)(void *ctx, const void *data, size_t n);
bool hl_array_pass(const hl_array *a, int64_t *stride, hl_bytes_fn fn, void *ctx);

#endif

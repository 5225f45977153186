/* array_copy.c - a tensor's values brought together, in the fewest and longest moves. */
#include <string.h>

#include "array.h"

enum { BLOCK = 32 * 1024 };

/* Dimensions from the widest stride to the narrowest; those of size 1 do not matter and go first. */
static void sort_dimensions(const hl_array *a, int *order) {
  for (int i = 0; i < a->ndim; i++) {
    int64_t stride = a->shape[i] == 1 ? INT64_MAX : a->stride[i];
    int k = i;
    for (; k > 0; k--) {
      int before = order[k - 1];
      if ((a->shape[before] == 1 ? INT64_MAX : a->stride[before]) >= stride) break;
      order[k] = before;
    }
    order[k] = i;
  }
}

/* Does the tensor fill one stretch of memory from its first element on? */
static bool is_dense(const hl_array *a) {
  int order[HELIOS_MAX_NDIM];
  int64_t expected = (int64_t)helios_dtype_size(a->dtype);
  sort_dimensions(a, order);
  for (int i = a->ndim - 1; i >= 0; i--) {
    int d = order[i];
    if (a->shape[d] == 1) continue;
    if (a->stride[d] != expected) return false;
    expected *= a->shape[d];
  }
  return true;
}

static bool pass_in_order(const hl_array *a, hl_bytes_fn fn, void *ctx) {
  unsigned char block[BLOCK];
  size_t size = helios_dtype_size(a->dtype);
  hl_array_iter it;
  hl_array_iter_init(&it, a);
  for (size_t n; (n = hl_array_next_raw(&it, block, sizeof block / size)) > 0;)
    if (!fn(ctx, block, n * size)) return false;
  return true;
}

bool hl_array_pass(const hl_array *a, int64_t *stride, hl_bytes_fn fn, void *ctx) {
  size_t size = helios_dtype_size(a->dtype);
  if (a->numel == 0) return true;
  if (is_dense(a)) {
    memcpy(stride, a->stride, (size_t)a->ndim * sizeof *stride);
    return fn(ctx, a->data, a->numel * size);
  }
  int64_t next = (int64_t)size;
  for (int d = a->ndim - 1; d >= 0; d--) {
    stride[d] = next;
    next *= a->shape[d];
  }
  return pass_in_order(a, fn, ctx);
}

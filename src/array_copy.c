/* array_copy.c - a tensor's values brought together in memory of one's own, in the fewest and longest moves. */
#include <string.h>

#include "array.h"

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

static bool next_row(const hl_array *a, int64_t *index) {
  for (int d = a->ndim - 2; d >= 0; d--) {
    if (++index[d] < a->shape[d]) return true;
    index[d] = 0;
  }
  return false;
}

static const unsigned char *row_start(const hl_array *a, const int64_t *index) {
  const unsigned char *p = a->data;
  for (int d = 0; d < a->ndim - 1; d++) p += index[d] * a->stride[d];
  return p;
}

static void copy_in_order(const hl_array *a, unsigned char *out) {
  size_t size = helios_dtype_size(a->dtype);
  int64_t n = a->ndim == 0 ? 1 : a->shape[a->ndim - 1];
  int64_t step = a->ndim == 0 ? 0 : a->stride[a->ndim - 1];
  int64_t index[HELIOS_MAX_NDIM] = {0};
  do {
    const unsigned char *p = row_start(a, index);
    if (step == (int64_t)size) {
      memcpy(out, p, (size_t)n * size);
      out += (size_t)n * size;
    } else {
      for (int64_t i = 0; i < n; i++, p += step, out += size) memcpy(out, p, size);
    }
  } while (next_row(a, index));
}

void hl_array_copy(const hl_array *a, void *out, int64_t *stride) {
  size_t size = helios_dtype_size(a->dtype);
  if (a->numel == 0) return;
  if (is_dense(a)) {
    memcpy(out, a->data, a->numel * size);
    memcpy(stride, a->stride, (size_t)a->ndim * sizeof *stride);
    return;
  }
  copy_in_order(a, out);
  int64_t next = (int64_t)size;
  for (int d = a->ndim - 1; d >= 0; d--) {
    stride[d] = next;
    next *= a->shape[d];
  }
}

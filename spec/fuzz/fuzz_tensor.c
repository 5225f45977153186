/* fuzz_tensor.c - tensors of any dtype, shape, strides and content through every encoder that takes them: encoded into
 * a well-formed summary or refused with a reason; no read outside the data. */
#include <stdlib.h>

#include "array.h"
#include "encode/encode.h"
#include "wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEAD = 32, MAX_BYTES = 1 << 16 };

static void *sparing_realloc(void *ctx, void *p, size_t old_size, size_t size) {
  return size > 32u << 20 ? NULL : hl_default_allocator.realloc(ctx, p, old_size, size);
}

static const helios_allocator sparing = {sparing_realloc, NULL};

typedef struct input {
  DLTensor tensor;
  int64_t shape[8], strides[8];
  unsigned char *storage; /* just as long as the tensor reaches */
} input;

/* Ten bytes of head: dtype, dimensions, how strides are made, and the sizes. False when it gets too large. */
static bool make_input(input *in, const uint8_t *head, const uint8_t *data, size_t size) {
  helios_dtype dtype = (helios_dtype)(head[0] % 13);
  int ndim = head[1] % 6;
  size_t item = helios_dtype_size(dtype);
  int64_t step = 1, negative = 0;
  for (int i = 0; i < ndim; i++) in->shape[i] = head[3 + i] % 20;
  for (int i = ndim - 1; i >= 0; i--) {
    int64_t way = head[2] >> i & 1 ? -1 : head[8] >> i & 1 ? 0 : 1; /* backwards, repeated, onwards */
    in->strides[i] = way * step;
    if (way < 0 && in->shape[i] > 0) negative += (in->shape[i] - 1) * step;
    if (way != 0 && in->shape[i] > 0) step *= in->shape[i];
  }
  size_t bytes = (size_t)step * item;
  if (bytes > MAX_BYTES) return false;
  in->storage = calloc(1, bytes);
  memcpy(in->storage, data, size < bytes ? size : bytes);
  in->tensor = (DLTensor){in->storage, {kDLCPU, 0}, ndim, helios_dtype_to_dl(dtype), in->shape,
                          head[9] & 1 ? in->strides : NULL, head[9] & 1 ? (uint64_t)negative * item : 0};
  if ((head[9] & 1) == 0 && (head[8] & 63) != 0) { /* dense, though some dimension was to be repeated */
    hl_array a;
    free(in->storage);
    if (hl_array_from_dl(&a, &in->tensor, "x", NULL) != HELIOS_OK || a.numel * item > MAX_BYTES) return false;
    in->storage = in->tensor.data = calloc(1, a.numel * item + 1);
    memcpy(in->storage, data, size < a.numel * item ? size : a.numel * item);
  }
  return true;
}

static void check_result(const hl_buf *out, helios_status st, const hl_error *err) {
  hl_wire_reader r;
  hl_wire_item item;
  if (st == HELIOS_EINVAL && (err->argument[0] == '\0' || err->reason[0] == '\0')) abort();
  if (st != HELIOS_OK && st != HELIOS_EINVAL && st != HELIOS_ENOMEM) abort();
  if (st != HELIOS_OK) return;
  hl_wire_read(&r, out->data, out->len);
  if (!hl_wire_next(&r, &item) || item.field != 1 || item.type != HL_WIRE_BYTES || r.p != r.end) abort();
}

static helios_status encode(hl_buf *out, const DLTensor *t, const uint8_t *head, hl_error *err) {
  static const char *const bins[] = {"tensorflow", "auto", "fd", "doane", "scott", "rice", "sturges", "sqrt"};
  static const char *const formats[] = {"CHW", "HWC", "HW", "WH", "NCHW", "NHWC", "CNWH", "WCH"};
  double edges[4] = {-1, 0, 0.5, 1e9}, not_finite;
  helios_histogram_options o = {.max_bins = head[11] % 9, .bins = bins[head[12] % 8]};
  switch (head[10] % 6) {
    case 0: return hl_encode_image(out, (hl_str){"t", 1}, t, formats[head[12] % 8], "img", err);
    case 1: return hl_encode_histogram(out, (hl_str){"t", 1}, t, &o, &not_finite, err);
    case 2: o.bin_count = head[12]; return hl_encode_histogram(out, (hl_str){"t", 1}, t, &o, NULL, err);
    case 3:
      o.edges = edges;
      o.edge_count = head[12] % 5;
      return hl_encode_histogram(out, (hl_str){"t", 1}, t, &o, NULL, err);
    case 4: return hl_encode_pr_curve(out, (hl_str){"t", 1}, t, t, head[12], NULL, err);
    default: return hl_encode_pr_curve(out, (hl_str){"t", 1}, t, t, head[12], t, err);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  input in;
  hl_buf out;
  hl_error err = {0};
  if (size < HEAD || !make_input(&in, data, data + HEAD, size - HEAD)) return 0;
  hl_buf_init(&out, &sparing);
  helios_status st = encode(&out, &in.tensor, data, &err);
  check_result(&out, st, &err);
  hl_buf_free(&out);
  free(in.storage);
  return 0;
}

/* encode_check.h - what the encoders' tests share: tensors from C arrays, bytes as hex, memory that runs out. */
#ifndef HL_ENCODE_CHECK_H
#define HL_ENCODE_CHECK_H

#include "check.h"
#include "encode/encode.h"

/* A C-contiguous tensor over `data`. */
static inline DLTensor tensor(void *data, helios_dtype dtype, int ndim, int64_t *shape) {
  return (DLTensor){data, {kDLCPU, 0}, ndim, helios_dtype_to_dl(dtype), shape, NULL, 0};
}

#define CHECK_HEX(buf, want) check_hex((buf), (want), __FILE__, __LINE__)

static inline void check_hex(const hl_buf *b, const char *want, const char *file, int line) {
  char got[4096];
  size_t n = b->len < sizeof got / 2 - 1 ? b->len : sizeof got / 2 - 1;
  for (size_t i = 0; i < n; i++) snprintf(got + 2 * i, 3, "%02x", b->data[i]);
  got[2 * n] = '\0';
  check_str(got, want, "bytes", file, line);
}

/* The call must be refused with just this argument and reason. `err` must be zeroed before. */
#define CHECK_INVALID(call, err, want_argument, want_reason) \
  do {                                                       \
    (err) = (hl_error){0};                                   \
    CHECK_INT((call), HELIOS_EINVAL);                        \
    CHECK_STR((err).argument, (want_argument));              \
    CHECK_STR((err).reason, (want_reason));                  \
  } while (0)

/* An allocator that counts what is out and fails the call number `fail_at` (from 1; 0: none). */
typedef struct fault_alloc {
  helios_allocator allocator;
  long calls, fail_at;
  size_t bytes_out;
} fault_alloc;

static void *fault_realloc(void *ctx, void *p, size_t old_size, size_t size) {
  fault_alloc *f = ctx;
  if (size != 0 && ++f->calls == f->fail_at) return NULL;
  f->bytes_out += size - old_size;
  return hl_default_allocator.realloc(NULL, p, old_size, size);
}

static inline void fault_alloc_init(fault_alloc *f, long fail_at) {
  *f = (fault_alloc){.allocator = {fault_realloc, f}, .fail_at = fail_at};
}

/* Run `encode` with the first, second, ... allocation failing, until it needs no more of them: each time out of memory,
 * and nothing left behind. Returns how many allocations it makes. */
static inline long fail_each_allocation(helios_status (*encode)(hl_buf *out)) {
  for (long n = 1;; n++) {
    fault_alloc f;
    hl_buf out;
    fault_alloc_init(&f, n);
    hl_buf_init(&out, &f.allocator);
    helios_status st = encode(&out);
    hl_buf_free(&out);
    CHECK_INT(f.bytes_out, 0);
    if (f.calls < n) {
      CHECK_INT(st, HELIOS_OK);
      return n - 1;
    }
    if (!CHECK_INT(st, HELIOS_ENOMEM)) return n;
  }
}

#endif

/* spool.h - pixels on their way to a worker, in a file that outlives the process.
 *
 * ## The file, `<folder>/.helios-media-<pid>-<n>.media` (native byte order)
 *
 *   0      header, one page: magic (published last), version, capacity, `full`; when full, one call: kind, wall time, step,
 *          dtype, shape, strides, parameters, the event file it is meant for and the pending file on the way there, lengths of
 *          tag and data, and a CRC of all that
 *   4096   tag, then (at the next multiple of 64) the tensor's elements
 *
 * ## Invariants
 *   1. `full` is stored after everything it covers, and cleared after the event was queued (pending.h keeps it from then on).
 *   2. The owner holds an flock on the file as long as it lives; the file is removed when the writer closes.
 *   3. Killed between the two halves of 1, the event is both queued and here: recovery looks for an event of the same
 *      time, step and tag in the file before it adds one.
 *   4. Its event is looked for, and added, only when the pending file it names is no more: while that is there, the event
 *      may be in it, and whoever recovers it cuts the event file.
 * The header is stored through the mapping; tag and elements are written with pwrite, since a store costs a page fault for
 * every 4 KiB of a new file, and again whenever the kernel has written the page to the disk meanwhile (8 ms for a photograph
 * of 6 MB, where a write takes 1.3 ms; 0.4 ms when the pages are there). A spool that is empty again is used for the next
 * call that fits. */
#ifndef HL_SPOOL_H
#define HL_SPOOL_H

#include <stdatomic.h>

#include "array.h"
#include "encode/encode.h"
#include "env.h"

#define HL_SPOOL_MAGIC UINT64_C(0x31414944454d4c48) /* "HLMEDIA1" */

enum { HL_SPOOL_VERSION = 2, HL_SPOOL_HEADER = 4096, HL_SPOOL_PATH = 1024, HL_SPOOL_PENDING = 64, HL_SPOOL_ALIGN = 64 };

/* What an encoder of media needs besides its tensor. */
typedef struct hl_media_params {
  char text[16];  /* dataformats, terminated */
  double number;  /* frames, or samples, a second */
} hl_media_params;

typedef enum hl_media_kind { HL_MEDIA_IMAGE = 1, HL_MEDIA_VIDEO = 2, HL_MEDIA_AUDIO = 3 } hl_media_kind;

/* One call. */
typedef struct hl_media_call {
  uint32_t kind;
  uint32_t dtype;
  int32_t ndim;
  uint32_t tag_length;
  uint64_t data_size;
  int64_t order;                   /* of the call: monotonic ns, no two alike in a process */
  int64_t written;                 /* how long the event file was then: its event lies behind that */
  hl_event event;
  hl_media_params params;
  int64_t shape[HELIOS_MAX_NDIM];
  int64_t stride[HELIOS_MAX_NDIM]; /* in elements */
  char path[HL_SPOOL_PATH];        /* of the event file, relative to the spool's folder */
  char pending[HL_SPOOL_PENDING];  /* name of the pending file beside the spool; empty: heap memory */
} hl_media_call;

typedef struct hl_spool_header {
  _Atomic uint64_t magic;
  uint32_t version;
  uint32_t crc; /* of `call` and the tag */
  uint64_t capacity;
  _Atomic uint64_t full;
  hl_media_call call;
} hl_spool_header;

/* A file that is mapped, or heap memory where there can be none. */
typedef struct hl_spool {
  hl_spool_header *header;
  size_t capacity; /* bytes behind the header */
  int fd;          /* -1: heap */
  char *path;
  bool busy;
  struct hl_spool *next;
} hl_spool;

/* Bytes behind the header that a call takes. */
static inline size_t hl_spool_data_at(size_t tag_length) {
  return (tag_length + HL_SPOOL_ALIGN - 1) / HL_SPOOL_ALIGN * HL_SPOOL_ALIGN;
}
static inline unsigned char *hl_spool_bytes(const hl_spool_header *h) {
  return (unsigned char *)(uintptr_t)h + HL_SPOOL_HEADER;
}

/* Without memory for its bytes yet. NULL when out of memory. */
hl_spool *hl_spool_new(const helios_allocator *alloc, size_t capacity);
/* folder NULL: on the heap. False when out of memory; close it all the same. */
bool hl_spool_open(hl_spool *s, const hl_env *env, const helios_allocator *alloc, const char *folder);
void hl_spool_close(hl_spool *s, const hl_env *env, const helios_allocator *alloc);
/* In a forked child. */
void hl_spool_abandon(hl_spool *s, const hl_env *env);
/* Copy a call in; it fits. Then it is safe from the death of the process. False when the file cannot be written. */
bool hl_spool_fill(hl_spool *s, const hl_env *env, const hl_media_call *call, hl_str tag, const hl_array *values);
static inline void hl_spool_clear(hl_spool *s) { atomic_store_explicit(&s->header->full, 0, memory_order_release); }
uint32_t hl_spool_crc(const hl_media_call *call, const void *tag);

/* Append the Summary of a call whose tensor lies at `data` (media.c). */
helios_status hl_media_encode(hl_buf *out, hl_str tag, const hl_media_call *call, const void *data, hl_error *err);

#endif

/* queue.h - framed bytes waiting for their files: bounded, counted, drained by time from one thread.
 *
 * One queue stands behind each logger, and behind each writer together with all its sub-runs. What is pushed is
 * acknowledged: it lies in a buffer that outlives the process (pending.h) until a drain has written it. */
#ifndef HL_QUEUE_H
#define HL_QUEUE_H

#include <stdbool.h>

#include "alloc.h"
#include "bytes.h"
#include "env.h"
#include "error.h"
#include "helios/helios.h"

typedef struct hl_queue hl_queue;

/* What a record is dropped in favour of, when memory for a failing disk has run out: lowest first. */
typedef enum hl_class { HL_CLASS_MEDIA = 0, HL_CLASS_SCALAR = 1, HL_CLASS_TEXT = 2 } hl_class;

typedef struct hl_queue_options {
  const char *folder;      /* where the pending file lives; it exists */
  bool shared;             /* the target is a text log that other processes append to as well */
  size_t capacity;         /* bytes of the pending buffer; 0 for the default of the kind */
  size_t max_overflow;     /* bytes kept on the heap beyond it while the disk fails; 0 for 16 MiB */
  int64_t flush_ns;        /* longest wait of a record */
  bool disk;               /* fdatasync at each flush */
  bool heap_only;          /* no pending file: the target is not a regular file, or the host does not want one */
  bool no_thread;          /* drains happen in callers only */
  /* Shared: the log at `path` ends within a line of somebody else, who may be dead. Called while draining, without the
   * log's lock; true when its end may be another one now. May be NULL. */
  bool (*mend_log)(const hl_env *env, const helios_allocator *alloc, const char *path);
  const helios_allocator *alloc;
  const hl_env *env;
  helios_error_fn on_error;
  void *ctx;
} hl_queue_options;

/* Opens never write to a target. On failure *out is NULL and err tells. */
helios_status hl_queue_open(hl_queue **out, const hl_queue_options *options, hl_error *err);

/* A file that records go to. `path` is absolute. The file is opened now when `create` asks for it (exclusively, or for
 * append in a shared queue), and again whenever a drain needs it: descriptors may be taken back when they run short. */
helios_status hl_queue_add_target(hl_queue *q, const char *path, bool create, uint32_t *target, hl_error *err);
/* What the file begins with should somebody remove it and it has to be made anew; a copy is kept. */
helios_status hl_queue_set_start(hl_queue *q, uint32_t target, const void *data, size_t n);
/* Added to a count of records: whoever pushes has counted them as accepted already. */
#define HL_RECORDS_COUNTED (UINT32_C(1) << 29)

/* Acknowledge n bytes holding `records` whole records. HELIOS_OK also when the disk is failing: the records are then
 * kept on the heap, or dropped and counted. HELIOS_ECLOSED after close. */
helios_status hl_queue_push(hl_queue *q, uint32_t target, hl_class c, const void *data, size_t n, uint32_t records);

/* The same for one record and without a copy: room for up to n bytes, with the queue locked; fill it and commit what
 * was used (0 gives it back). NULL: no room in the buffer, nothing locked, use push. Between the two call nothing that
 * can block. */
unsigned char *hl_queue_reserve(hl_queue *q, uint32_t target, size_t n);
void hl_queue_commit(hl_queue *q, uint32_t target, hl_class c, size_t n);

/* Write what is pending, whatever the retry pause says. Tells what failed or was dropped since it was last asked. */
helios_status hl_queue_flush(hl_queue *q, hl_error *err);
/* Flush, close the files, and remove the pending file when all of it was written. Later pushes are HELIOS_ECLOSED, a
 * second close is HELIOS_OK. */
helios_status hl_queue_close(hl_queue *q, hl_error *err);
/* Close if need be, and free. */
void hl_queue_free(hl_queue *q);
void hl_queue_stats(hl_queue *q, helios_stats *out);

/* Something accepted was lost before it came here: it is told and counted like what is dropped here. */
void hl_queue_add_dropped(hl_queue *q, uint64_t records);
/* How much of a target's file was written, now or a little earlier. */
int64_t hl_queue_written(hl_queue *q, uint32_t target);
/* The name of the pending file in its folder; empty when there is none. */
void hl_queue_pending_name(const hl_queue *q, char *out, size_t size);

/* False in a process that was forked since the queue was opened: touch nothing then but free. */
bool hl_queue_alive(const hl_queue *q);

#endif

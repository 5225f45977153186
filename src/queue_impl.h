/* queue_impl.h - what queue.c, queue_files.c and queue_drain.c share: the queue itself.
 *
 * Two locks. `lock` guards the ring's head, the slots, the heap and the counters, and is held for the time of a memory
 * copy. `drain_lock` is held by whoever writes files; it is taken first where both are needed. Files, their lengths and
 * the ring's tail change under drain_lock only (the tail under both), so a drain reads [tail, head) without `lock`. */
#ifndef HL_QUEUE_IMPL_H
#define HL_QUEUE_IMPL_H

#include <pthread.h>

#include "flusher.h"
#include "overflow.h"
#include "pending.h"
#include "queue.h"
#include "target.h"

typedef struct hl_queue_target {
  hl_target file;
  uint32_t number;
  uint32_t slot;         /* HL_NO_SLOT: none now */
  uint64_t upto;         /* ring entries that end at or before this are in the file */
  uint64_t last;         /* where its newest ring entry ends */
  uint32_t overflowing;  /* its entries on the heap: while there are any, new ones must queue up behind them */
  size_t batch;          /* drain: bytes to write now */
  size_t batch_at;       /* drain: where they are in the staging memory */
  uint64_t batch_records;
  bool failed;           /* drain: the write of this round failed */
  bool part_on_heap;     /* drain: file.skip counts bytes of its first entry on the heap */
  bool part_is_first;    /* the same, while that entry is the first to be dropped */
  bool part_dropped;     /* it was dropped: file.skip counts nothing any more */
  uint64_t last_used;
  _Atomic int64_t written; /* file.length when the mark was last set */
} hl_queue_target;

struct hl_queue {
  hl_flusher_client client; /* first: the flusher hands back a pointer to it */
  pthread_mutex_t lock;
  pthread_mutex_t drain_lock;
  uint_fast32_t generation;
  helios_allocator alloc;
  const hl_env *env;
  hl_queue_options options;
  bool closed;
  _Atomic bool shared_buffer; /* pending bytes survive the process */

  hl_pending ring;
  hl_overflow heap;
  hl_queue_target **slot_owner;
  hl_queue_target **targets;
  size_t target_count, target_capacity;

  hl_queue_target **touched; /* drain: the targets of this round; as many places as targets */
  unsigned char *staging; /* drain: a ring's worth of bytes, sorted by target */
  unsigned char *reserved; /* what hl_queue_reserve gave out, while the lock is held for it */
  uint64_t rounds;

  bool scheduled, urgent;   /* a deadline is set; it is now */
  bool slow;                /* the last round took longer than a caller should wait */
  _Atomic bool stalled;     /* a caller has waited for the present round in vain */
  bool quiet;               /* drain: in a signal handler nothing is put into words */
  _Atomic int64_t retry_at; /* after a failure: not before this time */
  int64_t pause;            /* how long the next pause is */
  bool failing;             /* the last round failed: on_error was told */
  hl_error failure;         /* kept until flush or close tells it */
  char last_error[256];
  uint64_t records, bytes, dropped, dropped_told, pending;
};

static inline int64_t hl_queue_monotonic(const hl_queue *q) { return q->env->monotonic_ns(q->env); }

/* Kept until flush or close tells it; the first of a failing time goes to on_error at once. */
void hl_queue_note_failure(hl_queue *q, const hl_error *err);
/* An hl_drop_fn of overflow.h; its ctx is the queue. `lock` held. */
void hl_queue_count_dropped(void *ctx, const hl_entry *e);

/* queue_files.c; drain_lock held. `create`: only a file that is not there yet. */
helios_status hl_queue_open_file(hl_queue *q, hl_queue_target *t, bool create, hl_error *err);
/* n bytes that end at `end` of the ring. False: t->failed, and the failure is noted. */
bool hl_queue_write_file(hl_queue *q, hl_queue_target *t, const void *data, size_t n, uint64_t end);

/* queue_drain.c. One round, and a sync where that was asked for; drain_lock held. */
void hl_queue_drain_and_sync(hl_queue *q);
/* For callers that found the buffer full. Does nothing while a failing disk has its pause, or when another thread has
 * been writing for too long. */
bool hl_queue_drain_in_caller(hl_queue *q);
/* For the flusher: at the deadline, and in a crash handler. */
void hl_queue_drain_when_due(hl_flusher_client *client);
void hl_queue_emergency(hl_flusher_client *client);

#endif

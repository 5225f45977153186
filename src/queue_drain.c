/* queue_drain.c - from memory to files: what the ring holds, then what the heap holds, one round after another; and what
 * waits when a disk fails. */
#include <string.h>
#include <time.h>

#include "queue_impl.h"

enum {
  LARGE_HEAP = 1024 * 1024, /* given back once it is empty */
  LONGEST_WAIT_MS = 200     /* for another thread's write, before a record goes to the heap instead */
};

#define FIRST_PAUSE_NS INT64_C(100000000)
#define SLOW_ROUND_NS INT64_C(5000000)
#define LONGEST_PAUSE_NS INT64_C(5000000000)

/* ---- draining the ring ------------------------------------------------------------------------------- */

static void touch(hl_queue *q, size_t *count, hl_queue_target *t) {
  q->touched[(*count)++] = t;
  t->batch = 0;
  t->batch_records = 0;
  t->failed = false;
}

/* Sort the entries before `end` by target into the staging memory. Returns how many targets there are. */
static size_t collect_batches(hl_queue *q, uint64_t end) {
  size_t count = 0, at = 0;
  uint64_t offset = q->ring.tail;
  for (size_t i = 0; i < q->target_count; i++) q->targets[i]->batch = SIZE_MAX; /* untouched */
  for (const hl_entry *e; (e = hl_pending_next(&q->ring, &offset, end)) != NULL;) {
    hl_queue_target *t = q->slot_owner[e->target];
    if (offset <= t->upto) continue; /* in its file since an earlier round, when another target failed */
    if (t->batch == SIZE_MAX) touch(q, &count, t);
    t->batch += e->size;
    t->batch_records += hl_entry_records(e);
  }
  for (size_t i = 0; i < count; i++) {
    q->touched[i]->batch_at = at;
    at += q->touched[i]->batch;
    q->touched[i]->batch = 0;
  }
  offset = q->ring.tail;
  for (const hl_entry *e; (e = hl_pending_next(&q->ring, &offset, end)) != NULL;) {
    hl_queue_target *t = q->slot_owner[e->target];
    if (offset <= t->upto) continue;
    memcpy(q->staging + t->batch_at + t->batch, e + 1, e->size);
    t->batch += e->size;
  }
  return count;
}

static void mark_written(hl_queue *q, hl_queue_target *t, uint64_t upto) {
  t->upto = upto;
  t->written = t->file.length;
  if (t->slot != HL_NO_SLOT)
    hl_pending_mark_slot(&q->ring, t->slot, (hl_pending_mark){.upto = upto, .length = t->file.length});
}

static void count_written(hl_queue *q, size_t bytes) {
  pthread_mutex_lock(&q->lock);
  q->bytes += bytes;
  q->pending -= bytes;
  pthread_mutex_unlock(&q->lock);
}

/* Of a batch that a log took in part, whole entries are done: what is left begins within one. */
static void settle_ring_part(hl_queue *q, hl_queue_target *t, uint64_t end) {
  uint64_t offset = q->ring.tail;
  size_t done = 0;
  for (const hl_entry *e; t->file.skip > 0 && (e = hl_pending_next(&q->ring, &offset, end)) != NULL;) {
    if (offset <= t->upto) continue;
    if (t->file.skip < e->size) break;
    t->file.skip -= e->size;
    t->upto = offset;
    done += e->size;
  }
  if (done == 0) return;
  if (t->slot != HL_NO_SLOT)
    hl_pending_mark_slot(&q->ring, t->slot, (hl_pending_mark){.upto = t->upto,
                                                              .length = t->file.resume_at - (int64_t)t->file.skip,
                                                              .busy = t->file.skip > 0 ? end : 0});
  count_written(q, done);
}

/* What one file cannot take waits on the heap, so that the others have the ring: all of it, also what came since the
 * round began, or the younger would be written first; and in front of what lies there, which is younger still. Both
 * locks held. */
static void move_to_heap(hl_queue *q) {
  uint64_t offset = q->ring.tail, head = q->ring.head;
  hl_overflow moved;
  hl_overflow_init(&moved, SIZE_MAX, &q->alloc);
  for (const hl_entry *e; (e = hl_pending_next(&q->ring, &offset, head)) != NULL;) {
    hl_queue_target *t = q->slot_owner[e->target];
    if (!t->failed || offset <= t->upto) continue;
    hl_entry copy = *e;
    copy.target = t->number;
    t->overflowing++;
    hl_overflow_push(&moved, copy, e + 1, hl_queue_count_dropped, q);
  }
  hl_overflow_prepend(&q->heap, &moved.entries, hl_queue_count_dropped, q);
  hl_overflow_free(&moved);
  for (size_t i = 0; i < q->target_count; i++)
    if (q->targets[i]->failed && q->targets[i]->last > q->targets[i]->upto) mark_written(q, q->targets[i], head);
}

/* Write what the ring holds up to `end`. heap_free: the heap holds nothing that belongs behind it. */
static bool drain_ring(hl_queue *q, uint64_t end, bool heap_free) {
  if (end == q->ring.tail) return true;
  size_t count = collect_batches(q, end), written = 0;
  for (size_t i = 0; i < count; i++) {
    hl_queue_target *t = q->touched[i];
    if (hl_queue_write_file(q, t, q->staging + t->batch_at, t->batch, end)) {
      mark_written(q, t, end);
      count_written(q, t->batch);
      written++;
    } else if (t->file.skip > 0) {
      settle_ring_part(q, t, end);
    }
  }
  pthread_mutex_lock(&q->lock);
  bool ring_is_needed = written > 0 && hl_pending_used(&q->ring) > q->ring.capacity / 2;
  bool moved = written < count && ring_is_needed && heap_free;
  if (moved) move_to_heap(q);
  if (written == count || moved) hl_pending_set_tail(&q->ring, end);
  pthread_mutex_unlock(&q->lock);
  return written == count;
}

/* ---- draining the heap ------------------------------------------------------------------------------- */

/* Consecutive entries of one target, as much as the staging memory holds. */
typedef struct heap_batch {
  hl_queue_target *target;
  size_t first, end; /* offsets of its entries */
  size_t bytes;
  uint32_t entries;
} heap_batch;

static bool next_batch(hl_queue *q, const hl_buf *entries, size_t from, heap_batch *b) {
  *b = (heap_batch){.first = from, .end = from};
  size_t offset = from;
  for (const hl_entry *e; (e = hl_overflow_next(entries, &offset)) != NULL; b->end = offset) {
    hl_queue_target *t = q->targets[e->target];
    bool full = b->entries > 0 && b->bytes + e->size > q->ring.capacity;
    if (full || (b->target != NULL && b->target != t)) break;
    b->target = t;
    b->bytes += e->size;
    b->entries++;
  }
  return b->entries > 0;
}

static const void *batch_bytes(hl_queue *q, const hl_buf *entries, const heap_batch *b) {
  size_t offset = b->first, at = 0;
  if (b->entries == 1) return (const hl_entry *)(const void *)(entries->data + b->first) + 1;
  while (offset < b->end) {
    const hl_entry *e = hl_overflow_next(entries, &offset);
    memcpy(q->staging + at, e + 1, e->size);
    at += e->size;
  }
  return q->staging;
}

static void count_heap_written(hl_queue *q, hl_queue_target *t, uint32_t entries, size_t bytes) {
  t->overflowing -= entries;
  q->bytes += bytes;
  q->pending -= bytes;
}

/* As settle_ring_part: the batch begins behind what is done. */
static void settle_heap_part(hl_queue *q, const hl_buf *entries, heap_batch *b) {
  hl_queue_target *t = b->target;
  size_t offset = b->first, done = 0;
  uint32_t count = 0;
  for (const hl_entry *e; t->file.skip > 0 && (e = hl_overflow_next(entries, &offset)) != NULL; count++) {
    if (t->file.skip < e->size) break;
    t->file.skip -= e->size;
    done += e->size;
    b->first = offset;
  }
  t->part_on_heap = t->file.skip > 0;
  pthread_mutex_lock(&q->lock);
  count_heap_written(q, t, count, done);
  pthread_mutex_unlock(&q->lock);
}

static bool write_batch(hl_queue *q, const hl_buf *entries, heap_batch *b) {
  hl_queue_target *t = b->target;
  if (t->failed) return false;
  if (!hl_queue_write_file(q, t, batch_bytes(q, entries, b), b->bytes, t->upto)) {
    settle_heap_part(q, entries, b);
    return false;
  }
  pthread_mutex_lock(&q->lock); /* which also keeps the slot from being given to another target */
  mark_written(q, t, t->upto);  /* the file is longer now */
  count_heap_written(q, t, b->entries, b->bytes);
  pthread_mutex_unlock(&q->lock);
  return true;
}

static void give_back_heap(hl_queue *q, hl_buf *rest) {
  pthread_mutex_lock(&q->lock);
  for (size_t i = 0; i < q->target_count; i++) q->targets[i]->part_is_first = q->targets[i]->part_on_heap;
  if (rest->len == 0 && q->heap.entries.data == NULL && rest->cap < LARGE_HEAP) {
    q->heap.entries = *rest;
  } else {
    hl_overflow_prepend(&q->heap, rest, hl_queue_count_dropped, q);
    hl_buf_free(rest);
  }
  pthread_mutex_unlock(&q->lock);
}

static bool drain_heap(hl_queue *q, hl_buf entries) {
  size_t kept = 0;
  heap_batch b;
  for (size_t offset = 0; next_batch(q, &entries, offset, &b); offset = b.end) {
    if (write_batch(q, &entries, &b)) continue;
    memmove(entries.data + kept, entries.data + b.first, b.end - b.first);
    kept += b.end - b.first;
  }
  entries.len = kept;
  give_back_heap(q, &entries);
  return kept == 0;
}

/* ---- a round ----------------------------------------------------------------------------------------- */

static void begin_round(hl_queue_target *t) {
  if (t->part_dropped) t->file.skip = 0;
  t->failed = t->part_on_heap = t->part_is_first = t->part_dropped = false;
}

/* What is there now, ring and heap at the same instant: a target's entries on the heap are younger than all it has in
 * the ring. */
static void take_all(hl_queue *q, uint64_t *end, hl_buf *heap) {
  pthread_mutex_lock(&q->lock);
  q->scheduled = q->urgent = false;
  *end = q->ring.head;
  *heap = q->heap.entries;
  hl_buf_init(&q->heap.entries, heap->alloc);
  for (size_t i = 0; i < q->target_count; i++) begin_round(q->targets[i]);
  pthread_mutex_unlock(&q->lock);
}

static void plan_retry(hl_queue *q, bool ok, bool slow) {
  pthread_mutex_lock(&q->lock);
  q->slow = slow;
  if (ok) q->failing = false;
  int64_t longer = q->pause == 0 ? FIRST_PAUSE_NS : q->pause * 2;
  q->pause = ok ? 0 : longer < LONGEST_PAUSE_NS ? longer : LONGEST_PAUSE_NS;
  int64_t at = ok ? 0 : hl_queue_monotonic(q) + q->pause;
  q->retry_at = at;
  q->stalled = false;
  pthread_mutex_unlock(&q->lock);
  if (!ok && q->client.threaded) hl_flusher_schedule(&q->client, at);
}

static void sync_files(hl_queue *q) {
  for (size_t i = 0; i < q->target_count; i++) {
    hl_error err = {.status = HELIOS_OK};
    if (hl_target_sync(&q->targets[i]->file, q->env, &err) != HELIOS_OK) hl_queue_note_failure(q, &err);
  }
}

/* One round: write everything that was accepted before now. drain_lock held. */
static bool drain(hl_queue *q) {
  uint64_t end;
  int64_t start = hl_queue_monotonic(q);
  hl_buf heap;
  take_all(q, &end, &heap);
  if (q->shared_buffer && !hl_pending_survives(&q->ring)) q->shared_buffer = false;
  bool ring_done = drain_ring(q, end, heap.len == 0);
  bool ok = drain_heap(q, heap) && ring_done;
  plan_retry(q, ok, hl_queue_monotonic(q) - start > SLOW_ROUND_NS);
  return ok;
}

void hl_queue_drain_and_sync(hl_queue *q) {
  if (drain(q) && q->options.disk) sync_files(q);
}

void hl_queue_drain_when_due(hl_flusher_client *client) {
  hl_queue *q = (hl_queue *)(void *)client;
  pthread_mutex_lock(&q->drain_lock);
  if (q->ring.header != NULL) hl_queue_drain_and_sync(q); /* it is gone when a close was faster */
  pthread_mutex_unlock(&q->drain_lock);
}

/* Wait for another thread's round, but once only: nobody else waits before that round has ended. */
static bool lock_drain_briefly(hl_queue *q) {
  if (q->stalled) return pthread_mutex_trylock(&q->drain_lock) == 0;
  struct timespec deadline;
  clock_gettime(CLOCK_REALTIME, &deadline);
  deadline.tv_nsec += LONGEST_WAIT_MS * 1000000L;
  deadline.tv_sec += deadline.tv_nsec / 1000000000;
  deadline.tv_nsec %= 1000000000;
  if (pthread_mutex_timedlock(&q->drain_lock, &deadline) == 0) return true;
  q->stalled = true;
  return false;
}

bool hl_queue_drain_in_caller(hl_queue *q) {
  int64_t retry_at = q->retry_at;
  if (retry_at != 0 && hl_queue_monotonic(q) < retry_at) return false;
  if (!lock_drain_briefly(q)) return false;
  bool ok = q->ring.header != NULL && drain(q);
  pthread_mutex_unlock(&q->drain_lock);
  return ok;
}

/* ---- a crash handler's last chance --------------------------------------------------------------------
 * The crashed thread may hold `lock` and be in the middle of a copy; the ring up to `head` is whole all the same. Only
 * system calls below, and two trylocks, which glibc and musl do with one atomic instruction. */
void hl_queue_emergency(hl_flusher_client *client) {
  hl_queue *q = (hl_queue *)(void *)client;
  if (q->ring.header == NULL || pthread_mutex_trylock(&q->drain_lock) != 0) return;
  if (pthread_mutex_trylock(&q->lock) == 0) {
    pthread_mutex_unlock(&q->lock);
    q->quiet = true;
    drain_ring(q, atomic_load_explicit(&q->ring.header->head, memory_order_acquire), false);
    q->quiet = false;
  }
  pthread_mutex_unlock(&q->drain_lock);
}

/* queue.c - framed bytes on their way to files: who may put in when, who drains when, what happens when a disk fails.
 * Knows no events and no text: the bytes it takes are whole records.
 *
 * Two locks. `lock` guards the ring's head, the slots, the heap and the counters, and is held for the time of a memory
 * copy. `drain_lock` is held by whoever writes files; it is taken first where both are needed. Files, their lengths and
 * the ring's tail change under drain_lock only (the tail under both), so a drain reads [tail, head) without `lock`. */
#include "queue.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "crc32c.h"
#include "flusher.h"
#include "fork.h"
#include "overflow.h"
#include "pending.h"
#include "target.h"

enum {
  EVENT_CAPACITY = 256 * 1024,
  LOG_CAPACITY = 64 * 1024,
  EVENT_SLOTS = 128,
  EVENT_SLOT_SIZE = 512,
  LOG_SLOT_SIZE = 4096,
  MOST_OPEN_FILES = 32, /* of one queue: the host needs descriptors too */
  DEFAULT_OVERFLOW = 16 * 1024 * 1024,
  LARGE_HEAP = 1024 * 1024, /* given back once it is empty */
  LONGEST_WAIT_MS = 200     /* for another thread's write, before a record goes to the heap instead */
};

#define FIRST_PAUSE_NS INT64_C(100000000)
#define SLOW_ROUND_NS INT64_C(5000000)
#define LONGEST_PAUSE_NS INT64_C(5000000000)

typedef struct queue_target {
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
} queue_target;

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
  queue_target **slot_owner;
  queue_target **targets;
  size_t target_count, target_capacity;

  queue_target **touched; /* drain: the targets of this round; as many places as targets */
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

bool hl_queue_alive(const hl_queue *q) { return q->generation == hl_fork_generation(); }

/* ---- failures and drops ------------------------------------------------------------------------------ */

static void note_failure(hl_queue *q, const hl_error *err) {
  pthread_mutex_lock(&q->lock);
  if (q->failure.status == HELIOS_OK) q->failure = *err;
  hl_error_text(err, q->last_error, sizeof q->last_error);
  bool first = !q->failing;
  q->failing = true;
  pthread_mutex_unlock(&q->lock);
  if (first && q->options.on_error != NULL) q->options.on_error(q->options.ctx, err->status, err->reason);
}

static void count_dropped(void *ctx, const hl_entry *e) {
  hl_queue *q = ctx;
  queue_target *t = q->targets[e->target];
  if (t->overflowing > 0) t->overflowing--;
  t->part_dropped |= t->part_is_first; /* its rest must not stand in for another line's */
  t->part_is_first = false;
  q->dropped += hl_entry_records(e);
  q->pending -= e->size;
}

static helios_status tell(hl_queue *q, hl_error *err) {
  pthread_mutex_lock(&q->lock);
  hl_error failure = q->failure;
  q->failure = (hl_error){.status = HELIOS_OK};
  uint64_t lost = q->dropped - q->dropped_told;
  q->dropped_told = q->dropped;
  pthread_mutex_unlock(&q->lock);
  if (failure.status != HELIOS_OK) {
    if (err != NULL) *err = failure;
    return failure.status;
  }
  if (lost == 0) return HELIOS_OK;
  return hl_fail(err, HELIOS_EDROPPED, "%llu records were dropped", (unsigned long long)lost);
}

/* ---- files ------------------------------------------------------------------------------------------- */

static queue_target *least_recently_used(hl_queue *q, const queue_target *but, size_t *open) {
  queue_target *oldest = NULL;
  *open = 0;
  for (size_t i = 0; i < q->target_count; i++) {
    queue_target *t = q->targets[i];
    if (t == but || t->file.fd < 0) continue;
    ++*open;
    if (oldest == NULL || t->last_used < oldest->last_used) oldest = t;
  }
  return oldest;
}

/* So that at most `most` others stay open. False when there is nothing to close. */
static bool close_one_file(hl_queue *q, const queue_target *but, size_t most) {
  size_t open;
  queue_target *t = least_recently_used(q, but, &open);
  if (t == NULL || open <= most) return false;
  hl_target_close(&t->file, q->env);
  return true;
}

static bool descriptors_ran_short(int code) { return code == EMFILE || code == ENFILE; }

/* Somebody removed the folder, or it could not be made earlier. The path is copied: others read it meanwhile. */
static bool make_folder(const hl_queue *q, const char *path) {
  char folder[4096];
  int code;
  size_t n = (size_t)(strrchr(path, '/') - path);
  if (n == 0 || n >= sizeof folder) return false;
  memcpy(folder, path, n);
  folder[n] = '\0';
  return hl_env_make_dirs(q->env, folder, &code) == 0;
}

/* create: only a file that is not there yet. */
static helios_status open_file(hl_queue *q, queue_target *t, bool create, hl_error *err) {
  if (t->file.fd >= 0) return HELIOS_OK;
  close_one_file(q, t, MOST_OPEN_FILES - 1);
  for (bool folder_made = false;;) {
    hl_error attempt = {.status = HELIOS_OK};
    int code = 0;
    helios_status st = hl_target_open(&t->file, q->env, create, &code, err == NULL ? NULL : &attempt);
    if (st == HELIOS_OK) return HELIOS_OK;
    if (descriptors_ran_short(code) && close_one_file(q, t, 0)) continue;
    if (code == ENOENT && !folder_made && (folder_made = make_folder(q, t->file.path))) continue;
    if (err != NULL) *err = attempt;
    return st;
  }
}

typedef struct place {
  hl_queue *q;
  queue_target *t;
  uint64_t end;
} place;

/* A batch is about to be written at `length`: recovery will look there for it. `lock` keeps the slot from being given
 * to another target. */
static void note_place(void *ctx, int64_t length) {
  place *p = ctx;
  pthread_mutex_lock(&p->q->lock);
  if (p->t->slot != HL_NO_SLOT)
    hl_pending_mark_slot(&p->q->ring, p->t->slot,
                         (hl_pending_mark){.upto = p->t->upto, .length = length, .busy = p->end});
  pthread_mutex_unlock(&p->q->lock);
}

static bool write_file(hl_queue *q, queue_target *t, const void *data, size_t n, uint64_t end) {
  hl_error err = {.status = HELIOS_OK}, *why = q->quiet ? NULL : &err;
  place where = {q, t, end};
  int code;
  t->last_used = ++q->rounds;
  hl_target_look(&t->file, q->env);
  helios_status st = open_file(q, t, false, why);
  if (st == HELIOS_OK) st = hl_target_write(&t->file, q->env, data, n, note_place, &where, &code, why);
  t->failed = st != HELIOS_OK;
  if (t->failed && why != NULL) note_failure(q, why);
  return !t->failed;
}

/* ---- draining the ring ------------------------------------------------------------------------------- */

static void touch(hl_queue *q, size_t *count, queue_target *t) {
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
    queue_target *t = q->slot_owner[e->target];
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
    queue_target *t = q->slot_owner[e->target];
    if (offset <= t->upto) continue;
    memcpy(q->staging + t->batch_at + t->batch, e + 1, e->size);
    t->batch += e->size;
  }
  return count;
}

static void mark_written(hl_queue *q, queue_target *t, uint64_t upto) {
  t->upto = upto;
  t->written = t->file.length;
  if (t->slot != HL_NO_SLOT)
    hl_pending_mark_slot(&q->ring, t->slot, (hl_pending_mark){.upto = upto, .length = t->file.length});
}

static int64_t monotonic(const hl_queue *q) { return q->env->monotonic_ns(q->env); }

static void count_written(hl_queue *q, size_t bytes) {
  pthread_mutex_lock(&q->lock);
  q->bytes += bytes;
  q->pending -= bytes;
  pthread_mutex_unlock(&q->lock);
}

/* Of a batch that a log took in part, whole entries are done: what is left begins within one. */
static void settle_ring_part(hl_queue *q, queue_target *t, uint64_t end) {
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
    queue_target *t = q->slot_owner[e->target];
    if (!t->failed || offset <= t->upto) continue;
    hl_entry copy = *e;
    copy.target = t->number;
    t->overflowing++;
    hl_overflow_push(&moved, copy, e + 1, count_dropped, q);
  }
  hl_overflow_prepend(&q->heap, &moved.entries, count_dropped, q);
  hl_overflow_free(&moved);
  for (size_t i = 0; i < q->target_count; i++)
    if (q->targets[i]->failed && q->targets[i]->last > q->targets[i]->upto) mark_written(q, q->targets[i], head);
}

/* Write what the ring holds up to `end`. heap_free: the heap holds nothing that belongs behind it. */
static bool drain_ring(hl_queue *q, uint64_t end, bool heap_free) {
  if (end == q->ring.tail) return true;
  size_t count = collect_batches(q, end), written = 0;
  for (size_t i = 0; i < count; i++) {
    queue_target *t = q->touched[i];
    if (write_file(q, t, q->staging + t->batch_at, t->batch, end)) {
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
  queue_target *target;
  size_t first, end; /* offsets of its entries */
  size_t bytes;
  uint32_t entries;
} heap_batch;

static bool next_batch(hl_queue *q, const hl_buf *entries, size_t from, heap_batch *b) {
  *b = (heap_batch){.first = from, .end = from};
  size_t offset = from;
  for (const hl_entry *e; (e = hl_overflow_next(entries, &offset)) != NULL; b->end = offset) {
    queue_target *t = q->targets[e->target];
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

static void count_heap_written(hl_queue *q, queue_target *t, uint32_t entries, size_t bytes) {
  t->overflowing -= entries;
  q->bytes += bytes;
  q->pending -= bytes;
}

/* As settle_ring_part: the batch begins behind what is done. */
static void settle_heap_part(hl_queue *q, const hl_buf *entries, heap_batch *b) {
  queue_target *t = b->target;
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
  queue_target *t = b->target;
  if (t->failed) return false;
  if (!write_file(q, t, batch_bytes(q, entries, b), b->bytes, t->upto)) {
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
    hl_overflow_prepend(&q->heap, rest, count_dropped, q);
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

static void begin_round(queue_target *t) {
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
  int64_t at = ok ? 0 : monotonic(q) + q->pause;
  q->retry_at = at;
  q->stalled = false;
  pthread_mutex_unlock(&q->lock);
  if (!ok && q->client.threaded) hl_flusher_schedule(&q->client, at);
}

static void sync_files(hl_queue *q) {
  for (size_t i = 0; i < q->target_count; i++) {
    hl_error err = {.status = HELIOS_OK};
    if (hl_target_sync(&q->targets[i]->file, q->env, &err) != HELIOS_OK) note_failure(q, &err);
  }
}

/* One round: write everything that was accepted before now. drain_lock held. */
static bool drain(hl_queue *q) {
  uint64_t end;
  int64_t start = monotonic(q);
  hl_buf heap;
  take_all(q, &end, &heap);
  if (q->shared_buffer && !hl_pending_survives(&q->ring)) q->shared_buffer = false;
  bool ring_done = drain_ring(q, end, heap.len == 0);
  bool ok = drain_heap(q, heap) && ring_done;
  plan_retry(q, ok, monotonic(q) - start > SLOW_ROUND_NS);
  return ok;
}

static void drain_and_sync(hl_queue *q) {
  if (drain(q) && q->options.disk) sync_files(q);
}

static void drain_when_due(hl_flusher_client *client) {
  hl_queue *q = (hl_queue *)(void *)client;
  pthread_mutex_lock(&q->drain_lock);
  if (q->ring.header != NULL) drain_and_sync(q); /* it is gone when a close was faster */
  pthread_mutex_unlock(&q->drain_lock);
}

/* Locks live on in descriptors that a child inherited: that of the pending file, and that of the log, should the
 * parent be killed while it holds it. */
static void forked(hl_flusher_client *client) {
  hl_queue *q = (hl_queue *)(void *)client;
  hl_pending_abandon(&q->ring);
  if (q->options.shared && q->target_count == 1) hl_target_close(&q->targets[0]->file, q->env);
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

/* For callers that found the buffer full. Does nothing while a failing disk has its pause, or when another thread has
 * been writing for too long. */
static bool drain_in_caller(hl_queue *q) {
  int64_t retry_at = q->retry_at;
  if (retry_at != 0 && monotonic(q) < retry_at) return false;
  if (!lock_drain_briefly(q)) return false;
  bool ok = q->ring.header != NULL && drain(q);
  pthread_mutex_unlock(&q->drain_lock);
  return ok;
}

/* ---- putting in --------------------------------------------------------------------------------------- */

static uint32_t find_slot(const hl_queue *q) {
  for (uint32_t s = 0; s < q->ring.slot_count; s++) {
    const queue_target *owner = q->slot_owner[s];
    if (owner == NULL || owner->last <= q->ring.tail) return s; /* pending.h, invariant 4 */
  }
  return HL_NO_SLOT;
}

/* The pending file names its targets relative to its folder, so that the folder may be moved. */
static const char *relative_path(const hl_queue *q, const queue_target *t) {
  size_t n = strlen(q->options.folder);
  bool inside = strncmp(t->file.path, q->options.folder, n) == 0 && t->file.path[n] == '/';
  return inside ? t->file.path + n + 1 : NULL;
}

static bool give_slot(hl_queue *q, queue_target *t) {
  const char *path = relative_path(q, t);
  if (path == NULL || !hl_pending_path_fits(&q->ring, path)) return false;
  uint32_t slot = find_slot(q);
  if (slot == HL_NO_SLOT) return false;
  if (q->slot_owner[slot] != NULL) q->slot_owner[slot]->slot = HL_NO_SLOT;
  q->slot_owner[slot] = t;
  t->slot = slot;
  t->upto = q->ring.head;
  hl_pending_assign_slot(&q->ring, slot, path, (hl_pending_mark){.upto = t->upto, .length = t->file.length});
  return true;
}

static bool may_use_ring(hl_queue *q, queue_target *t) {
  return t->overflowing == 0 && (t->slot != HL_NO_SLOT || give_slot(q, t));
}

unsigned char *hl_queue_reserve(hl_queue *q, uint32_t target, size_t n) {
  pthread_mutex_lock(&q->lock);
  unsigned char *p = NULL;
  if (!q->closed && n <= q->ring.capacity / 2 && may_use_ring(q, q->targets[target]))
    p = hl_pending_reserve(&q->ring, n);
  q->reserved = p;
  if (p == NULL) pthread_mutex_unlock(&q->lock);
  return p;
}

static void commit_entry(hl_queue *q, queue_target *t, unsigned char *p, hl_entry e) {
  e.target = t->slot;
  if (q->options.shared) e.crc = hl_crc32c(0, p, e.size);
  hl_pending_commit(&q->ring, p, e);
  t->last = q->ring.head;
}

static void count_accepted(hl_queue *q, size_t n, uint32_t records) {
  q->records += records;
  q->pending += n;
}

/* Unlocks, and sees to it that somebody drains in time: the thread when the deadline comes, or the caller that finds
 * the ring full. The ring is then still in its cache, and a write into the page cache costs it tens of microseconds for
 * thousands of records; waking the thread for it costs twice the time in all. When the disk turns out to be slow, the
 * thread is woken while there is half a ring of room, so that callers do not meet the disk. */
static void unlock_and_schedule(hl_queue *q) {
  bool first = !q->scheduled;
  bool urgent = q->slow && !q->urgent && !q->failing && hl_pending_used(&q->ring) > q->ring.capacity / 2;
  q->scheduled = true;
  q->urgent |= urgent;
  pthread_mutex_unlock(&q->lock);
  if (!q->client.threaded || (!first && !urgent)) return;
  hl_flusher_schedule(&q->client, urgent ? 0 : monotonic(q) + q->options.flush_ns);
}

/* A log line in memory that dies with the process is not safe until it is in the file. */
static bool must_write_at_once(const hl_queue *q) { return q->options.shared && !q->shared_buffer; }

static uint32_t pack_records(uint32_t records, hl_class c) { return records << 2 | (uint32_t)c; }

void hl_queue_commit(hl_queue *q, uint32_t target, hl_class c, size_t n) {
  if (n == 0) {
    pthread_mutex_unlock(&q->lock);
    return;
  }
  queue_target *t = q->targets[target];
  commit_entry(q, t, q->reserved, (hl_entry){.size = (uint32_t)n, .records = pack_records(1, c)});
  count_accepted(q, n, 1);
  unlock_and_schedule(q);
  if (must_write_at_once(q)) drain_in_caller(q);
}

static bool push_to_ring(hl_queue *q, queue_target *t, const hl_entry *e, const void *data) {
  if (e->size > q->ring.capacity / 2 || !may_use_ring(q, t)) return false;
  unsigned char *p = hl_pending_reserve(&q->ring, e->size);
  if (p == NULL) return false;
  memcpy(p, data, e->size);
  commit_entry(q, t, p, *e);
  return true;
}

static void push_to_heap(hl_queue *q, queue_target *t, hl_entry e, const void *data) {
  e.target = t->number;
  t->overflowing++;
  hl_overflow_push(&q->heap, e, data, count_dropped, q);
}

/* A record too large for the ring passes over the heap straight into its file, behind what waits already. */
helios_status hl_queue_push(hl_queue *q, uint32_t target, hl_class c, const void *data, size_t n, uint32_t records) {
  if (n > UINT32_MAX - 64) return HELIOS_ELIMIT;
  bool counted = records & HL_RECORDS_COUNTED;
  hl_entry e = {.size = (uint32_t)n, .records = pack_records(records & ~HL_RECORDS_COUNTED, c)};
  bool large = n > q->ring.capacity / 2;
  for (bool drained = false;; drained = true) {
    pthread_mutex_lock(&q->lock);
    if (q->closed) {
      pthread_mutex_unlock(&q->lock);
      return HELIOS_ECLOSED;
    }
    queue_target *t = q->targets[target];
    bool in_ring = !large && push_to_ring(q, t, &e, data);
    if (in_ring || large || drained) {
      count_accepted(q, n, counted ? 0 : records);
      if (!in_ring) push_to_heap(q, t, e, data);
      unlock_and_schedule(q);
      if (!in_ring || must_write_at_once(q)) drain_in_caller(q);
      return HELIOS_OK;
    }
    pthread_mutex_unlock(&q->lock);
    drain_in_caller(q);
  }
}

/* ---- targets ------------------------------------------------------------------------------------------ */

static bool grow_list(const hl_queue *q, queue_target ***list, size_t old_count, size_t count) {
  size_t size = sizeof(queue_target *);
  queue_target **grown = hl_realloc(&q->alloc, *list, old_count * size, count * size);
  if (grown != NULL) *list = grown;
  return grown != NULL;
}

static helios_status make_room_for_target(hl_queue *q) {
  if (q->target_count < q->target_capacity) return HELIOS_OK;
  size_t capacity = q->target_capacity == 0 ? 4 : q->target_capacity * 2;
  /* each list remembers its own size through target_capacity: grow both or, failing, shrink the first back */
  if (!grow_list(q, &q->targets, q->target_capacity, capacity)) return HELIOS_ENOMEM;
  if (!grow_list(q, &q->touched, q->target_capacity, capacity)) {
    grow_list(q, &q->targets, capacity, q->target_capacity == 0 ? 1 : q->target_capacity);
    if (q->target_capacity == 0) {
      hl_free(&q->alloc, q->targets, sizeof(queue_target *));
      q->targets = NULL;
    }
    return HELIOS_ENOMEM;
  }
  q->target_capacity = capacity;
  return HELIOS_OK;
}

static queue_target *new_target(hl_queue *q, const char *path) {
  queue_target *t = hl_alloc_zeroed(&q->alloc, 1, sizeof *t);
  if (t == NULL) return NULL;
  t->slot = HL_NO_SLOT;
  if (hl_target_init(&t->file, path, q->options.shared, &q->alloc) == HELIOS_OK) return t;
  hl_free(&q->alloc, t, sizeof *t);
  return NULL;
}

static void free_target(hl_queue *q, queue_target *t) {
  hl_target_free(&t->file, q->env, &q->alloc);
  hl_free(&q->alloc, t, sizeof *t);
}

static helios_status enlist(hl_queue *q, queue_target *t, bool create) {
  pthread_mutex_lock(&q->lock);
  helios_status st = q->closed ? HELIOS_ECLOSED : make_room_for_target(q);
  if (st == HELIOS_OK) {
    t->number = (uint32_t)q->target_count;
    q->targets[q->target_count++] = t;
    /* the slot comes before the file: if the process ends in between, recovery knows of the empty file */
    if (create) give_slot(q, t);
  }
  pthread_mutex_unlock(&q->lock);
  return st;
}

/* Take the newest target back. */
static void delist(hl_queue *q, queue_target *t) {
  pthread_mutex_lock(&q->lock);
  q->target_count--;
  if (t->slot != HL_NO_SLOT) {
    hl_pending_release_slot(&q->ring, t->slot);
    q->slot_owner[t->slot] = NULL;
  }
  pthread_mutex_unlock(&q->lock);
}

static helios_status add_target(hl_queue *q, const char *path, bool create, uint32_t *number, hl_error *err) {
  queue_target *t = new_target(q, path);
  if (t == NULL) return HELIOS_ENOMEM;
  helios_status st = enlist(q, t, create);
  if (st == HELIOS_OK && create) {
    st = open_file(q, t, true, err);
    if (st != HELIOS_OK) delist(q, t);
  }
  if (st != HELIOS_OK) free_target(q, t);
  else *number = t->number;
  return st;
}

helios_status hl_queue_add_target(hl_queue *q, const char *path, bool create, uint32_t *target, hl_error *err) {
  pthread_mutex_lock(&q->drain_lock);
  helios_status st = add_target(q, path, create, target, err);
  pthread_mutex_unlock(&q->drain_lock);
  return st;
}

helios_status hl_queue_set_start(hl_queue *q, uint32_t target, const void *data, size_t n) {
  pthread_mutex_lock(&q->drain_lock);
  helios_status st = hl_target_set_start(&q->targets[target]->file, data, n, &q->alloc);
  pthread_mutex_unlock(&q->drain_lock);
  return st;
}

/* ---- a crash handler's last chance --------------------------------------------------------------------
 * The crashed thread may hold `lock` and be in the middle of a copy; the ring up to `head` is whole all the same. Only
 * system calls below, and two trylocks, which glibc and musl do with one atomic instruction. */
static void emergency_drain(hl_flusher_client *client) {
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

/* ---- lifecycle ---------------------------------------------------------------------------------------- */

static size_t power_of_two(size_t least) {
  size_t n = 4096;
  while (n < least && n <= SIZE_MAX / 4) n *= 2;
  return n;
}

static hl_pending_options pending_options(const hl_queue_options *o) {
  size_t capacity = o->capacity != 0 ? o->capacity : o->shared ? LOG_CAPACITY : EVENT_CAPACITY;
  return (hl_pending_options){.folder = o->folder,
                              .shared_log = o->shared,
                              .capacity = power_of_two(capacity),
                              .slot_count = o->shared ? 1 : EVENT_SLOTS,
                              .slot_size = o->shared ? LOG_SLOT_SIZE : EVENT_SLOT_SIZE,
                              .heap_only = o->heap_only};
}

static void free_queue(hl_queue *q) {
  helios_allocator alloc = q->alloc;
  for (size_t i = 0; i < q->target_count; i++) free_target(q, q->targets[i]);
  hl_free(&alloc, q->targets, q->target_capacity * sizeof(queue_target *));
  hl_free(&alloc, q->touched, q->target_capacity * sizeof(queue_target *));
  hl_free(&alloc, q->slot_owner, q->ring.slot_count * sizeof(queue_target *));
  hl_free(&alloc, q->staging, q->ring.capacity);
  hl_overflow_free(&q->heap);
  char *folder = (char *)(uintptr_t)q->options.folder;
  hl_free_str(&alloc, folder);
  hl_free(&alloc, q, sizeof *q);
}

static helios_status init_queue(hl_queue *q, const hl_queue_options *o) {
  q->options = *o;
  q->options.folder = hl_strdup(&q->alloc, o->folder);
  if (q->options.folder == NULL) return HELIOS_ENOMEM;
  hl_overflow_init(&q->heap, o->max_overflow != 0 ? o->max_overflow : DEFAULT_OVERFLOW, &q->alloc);
  hl_pending_options po = pending_options(o);
  helios_status st = hl_pending_open(&q->ring, &po, q->env, &q->alloc);
  if (st != HELIOS_OK) return st;
  q->shared_buffer = hl_pending_is_shared(&q->ring);
  q->slot_owner = hl_alloc_zeroed(&q->alloc, po.slot_count, sizeof(queue_target *));
  q->staging = hl_alloc(&q->alloc, po.capacity);
  return q->slot_owner == NULL || q->staging == NULL ? HELIOS_ENOMEM : HELIOS_OK;
}

helios_status hl_queue_open(hl_queue **out, const hl_queue_options *o, hl_error *err) {
  const helios_allocator *alloc = o->alloc != NULL ? o->alloc : &hl_default_allocator;
  *out = NULL;
  hl_queue *q = hl_alloc_zeroed(alloc, 1, sizeof *q);
  if (q == NULL) return hl_fail(err, HELIOS_ENOMEM, "out of memory");
  q->alloc = *alloc;
  q->env = o->env != NULL ? o->env : &hl_env_system;
  pthread_mutex_init(&q->lock, NULL);
  pthread_mutex_init(&q->drain_lock, NULL);
  q->ring.fd = -1;
  q->client = (hl_flusher_client){.due = drain_when_due, .forked = forked, .emergency = emergency_drain,
                                  .threaded = !o->no_thread};
  hl_fork_watch();
  q->generation = hl_fork_generation();
  hl_flusher_attach(&q->client); /* before there is a lock that a child could inherit */
  helios_status st = init_queue(q, o);
  if (st != HELIOS_OK) {
    hl_flusher_detach(&q->client);
    hl_pending_close(&q->ring, true);
    free_queue(q);
    return hl_fail(err, st, "out of memory");
  }
  *out = q;
  return HELIOS_OK;
}

int64_t hl_queue_written(hl_queue *q, uint32_t target) {
  pthread_mutex_lock(&q->lock);
  int64_t written = q->targets[target]->written;
  pthread_mutex_unlock(&q->lock);
  return written;
}

void hl_queue_pending_name(const hl_queue *q, char *out, size_t size) {
  snprintf(out, size, "%s", q->ring.path == NULL ? "" : strrchr(q->ring.path, '/') + 1);
}

helios_status hl_queue_flush(hl_queue *q, hl_error *err) {
  pthread_mutex_lock(&q->drain_lock);
  if (q->ring.header != NULL) drain_and_sync(q);
  pthread_mutex_unlock(&q->drain_lock);
  return tell(q, err);
}

/* What neither a file nor the pending file holds is lost, and counted. */
static void give_up_rest(hl_queue *q) {
  pthread_mutex_lock(&q->lock);
  size_t offset = 0;
  for (const hl_entry *e; (e = hl_overflow_next(&q->heap.entries, &offset)) != NULL;) count_dropped(q, e);
  hl_overflow_free(&q->heap);
  if (!q->shared_buffer) {
    uint64_t at = q->ring.tail;
    for (const hl_entry *e; (e = hl_pending_next(&q->ring, &at, q->ring.head)) != NULL;) {
      if (at <= q->slot_owner[e->target]->upto) continue;
      q->dropped += hl_entry_records(e);
      q->pending -= e->size;
    }
  }
  pthread_mutex_unlock(&q->lock);
}

static void close_files(hl_queue *q) {
  for (size_t i = 0; i < q->target_count; i++) {
    hl_target *file = &q->targets[i]->file;
    int code;
    if (!file->shared && file->fd >= 0 && file->length == 0) q->env->remove(q->env, file->path, &code);
    hl_target_close(file, q->env);
  }
}

helios_status hl_queue_close(hl_queue *q, hl_error *err) {
  pthread_mutex_lock(&q->lock);
  bool was_closed = q->closed;
  q->closed = true; /* nothing comes in any more */
  pthread_mutex_unlock(&q->lock);
  if (was_closed) return HELIOS_OK;
  pthread_mutex_lock(&q->drain_lock);
  drain_and_sync(q);
  give_up_rest(q);
  close_files(q);
  hl_pending_close(&q->ring, hl_pending_used(&q->ring) == 0);
  pthread_mutex_unlock(&q->drain_lock);
  hl_flusher_detach(&q->client); /* after there is a lock that a child could inherit */
  return tell(q, err);
}

void hl_queue_free(hl_queue *q) {
  if (hl_queue_alive(q)) {
    hl_queue_close(q, NULL);
    pthread_mutex_destroy(&q->lock);
    pthread_mutex_destroy(&q->drain_lock);
  } else {
    hl_pending_close(&q->ring, false); /* its memory: lock and mapping were let go at the fork */
  }
  free_queue(q);
}

void hl_queue_stats(hl_queue *q, helios_stats *out) {
  pthread_mutex_lock(&q->lock);
  out->events = q->records;
  out->bytes = q->bytes;
  out->dropped = q->dropped;
  out->pending = q->pending;
  out->shared_buffer = q->shared_buffer;
  memcpy(out->last_error, q->last_error, sizeof out->last_error);
  pthread_mutex_unlock(&q->lock);
}

void helios_emergency_flush(void) { hl_flusher_emergency(); }

/* queue.c - framed bytes on their way to files: who may put in when, and how a queue begins and ends. Knows no events and
 * no text: the bytes it takes are whole records. Locks: queue_impl.h. */
#include "queue_impl.h"

#include <stdio.h>
#include <string.h>

#include "crc32c.h"
#include "fork.h"

enum {
  EVENT_CAPACITY = 256 * 1024,
  LOG_CAPACITY = 64 * 1024,
  EVENT_SLOTS = 128,
  EVENT_SLOT_SIZE = 512,
  LOG_SLOT_SIZE = 4096,
  DEFAULT_OVERFLOW = 16 * 1024 * 1024
};

bool hl_queue_alive(const hl_queue *q) { return q->generation == hl_fork_generation(); }

/* ---- failures and drops ------------------------------------------------------------------------------ */

void hl_queue_note_failure(hl_queue *q, const hl_error *err) {
  pthread_mutex_lock(&q->lock);
  if (q->failure.status == HELIOS_OK) q->failure = *err;
  hl_error_text(err, q->last_error, sizeof q->last_error);
  bool first = !q->failing;
  q->failing = true;
  pthread_mutex_unlock(&q->lock);
  if (first && q->options.on_error != NULL) q->options.on_error(q->options.ctx, err->status, err->reason);
}

void hl_queue_count_dropped(void *ctx, const hl_entry *e) {
  hl_queue *q = ctx;
  hl_queue_target *t = q->targets[e->target];
  if (t->overflowing > 0) t->overflowing--;
  t->part_dropped |= t->part_is_first; /* its rest must not stand in for another line's */
  t->part_is_first = false;
  q->dropped += hl_entry_records(e);
  q->pending -= e->size;
}

/* Each failure and each drop is told once: first the failure, then, by the next call that has none to tell, the drops;
 * the last call of all tells both. */
static helios_status tell(hl_queue *q, bool last, hl_error *err) {
  pthread_mutex_lock(&q->lock);
  hl_error failure = q->failure;
  bool failed = failure.status != HELIOS_OK;
  uint64_t lost = failed && !last ? 0 : q->dropped - q->dropped_told;
  q->failure = (hl_error){.status = HELIOS_OK};
  q->dropped_told += lost;
  pthread_mutex_unlock(&q->lock);
  if (!failed && lost == 0) return HELIOS_OK;
  if (!failed) return hl_fail(err, HELIOS_EDROPPED, "%llu records were dropped", (unsigned long long)lost);
  size_t n = strlen(failure.reason);
  if (lost > 0)
    snprintf(failure.reason + n, sizeof failure.reason - n, "; %llu records were dropped", (unsigned long long)lost);
  if (err != NULL) *err = failure;
  return failure.status;
}

/* ---- putting in --------------------------------------------------------------------------------------- */

/* A free one, or one that invariant 4 of pending.h lets go; last that of a file which is empty yet: should the process
 * end now, nobody else knows that it is to be removed. */
static uint32_t find_slot(const hl_queue *q) {
  uint32_t best = HL_NO_SLOT;
  for (uint32_t s = 0; s < q->ring.slot_count; s++) {
    const hl_queue_target *owner = q->slot_owner[s];
    if (owner == NULL) return s;
    if (owner->last <= q->ring.tail && (best == HL_NO_SLOT || q->slot_owner[best]->written == 0)) best = s;
  }
  return best;
}

/* The pending file names its targets relative to its folder, so that the folder may be moved. */
static const char *relative_path(const hl_queue *q, const hl_queue_target *t) {
  size_t n = strlen(q->options.folder);
  bool inside = strncmp(t->file.path, q->options.folder, n) == 0 && t->file.path[n] == '/';
  return inside ? t->file.path + n + 1 : NULL;
}

static bool give_slot(hl_queue *q, hl_queue_target *t) {
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

static bool may_use_ring(hl_queue *q, hl_queue_target *t) {
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

static void commit_entry(hl_queue *q, hl_queue_target *t, unsigned char *p, hl_entry e) {
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
  hl_flusher_schedule(&q->client, urgent ? 0 : hl_queue_monotonic(q) + q->options.flush_ns);
}

/* A log line in memory that dies with the process is not safe until it is in the file. */
static bool must_write_at_once(const hl_queue *q) { return q->options.shared && !q->shared_buffer; }

static uint32_t pack_records(uint32_t records, hl_class c) { return records << 2 | (uint32_t)c; }

void hl_queue_commit(hl_queue *q, uint32_t target, hl_class c, size_t n) {
  if (n == 0) {
    pthread_mutex_unlock(&q->lock);
    return;
  }
  hl_queue_target *t = q->targets[target];
  commit_entry(q, t, q->reserved, (hl_entry){.size = (uint32_t)n, .records = pack_records(1, c)});
  count_accepted(q, n, 1);
  unlock_and_schedule(q);
  if (must_write_at_once(q)) hl_queue_drain_in_caller(q);
}

static bool push_to_ring(hl_queue *q, hl_queue_target *t, const hl_entry *e, const void *data) {
  if (e->size > q->ring.capacity / 2 || !may_use_ring(q, t)) return false;
  unsigned char *p = hl_pending_reserve(&q->ring, e->size);
  if (p == NULL) return false;
  memcpy(p, data, e->size);
  commit_entry(q, t, p, *e);
  return true;
}

static void push_to_heap(hl_queue *q, hl_queue_target *t, hl_entry e, const void *data) {
  e.target = t->number;
  t->overflowing++;
  hl_overflow_push(&q->heap, e, data, hl_queue_count_dropped, q);
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
    hl_queue_target *t = q->targets[target];
    bool in_ring = !large && push_to_ring(q, t, &e, data);
    if (in_ring || large || drained) {
      count_accepted(q, n, counted ? 0 : records);
      if (!in_ring) push_to_heap(q, t, e, data);
      unlock_and_schedule(q);
      if (!in_ring || must_write_at_once(q)) hl_queue_drain_in_caller(q);
      return HELIOS_OK;
    }
    pthread_mutex_unlock(&q->lock);
    hl_queue_drain_in_caller(q);
  }
}

/* ---- targets ------------------------------------------------------------------------------------------ */

static bool grow_list(const hl_queue *q, hl_queue_target ***list, size_t old_count, size_t count) {
  size_t size = sizeof(hl_queue_target *);
  hl_queue_target **grown = hl_realloc(&q->alloc, *list, old_count * size, count * size);
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
      hl_free(&q->alloc, q->targets, sizeof(hl_queue_target *));
      q->targets = NULL;
    }
    return HELIOS_ENOMEM;
  }
  q->target_capacity = capacity;
  return HELIOS_OK;
}

static hl_queue_target *new_target(hl_queue *q, const char *path) {
  hl_queue_target *t = hl_alloc_zeroed(&q->alloc, 1, sizeof *t);
  if (t == NULL) return NULL;
  t->slot = HL_NO_SLOT;
  if (hl_target_init(&t->file, path, q->options.shared, &q->alloc) == HELIOS_OK) return t;
  hl_free(&q->alloc, t, sizeof *t);
  return NULL;
}

static void free_target(hl_queue *q, hl_queue_target *t) {
  hl_target_free(&t->file, q->env, &q->alloc);
  hl_free(&q->alloc, t, sizeof *t);
}

static helios_status enlist(hl_queue *q, hl_queue_target *t, bool create) {
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
static void delist(hl_queue *q, hl_queue_target *t) {
  pthread_mutex_lock(&q->lock);
  q->target_count--;
  if (t->slot != HL_NO_SLOT) {
    hl_pending_release_slot(&q->ring, t->slot);
    q->slot_owner[t->slot] = NULL;
  }
  pthread_mutex_unlock(&q->lock);
}

static helios_status add_target(hl_queue *q, const char *path, bool create, uint32_t *number, hl_error *err) {
  hl_queue_target *t = new_target(q, path);
  if (t == NULL) return HELIOS_ENOMEM;
  helios_status st = enlist(q, t, create);
  if (st == HELIOS_OK && create) {
    st = hl_queue_open_file(q, t, true, err);
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

/* ---- lifecycle ---------------------------------------------------------------------------------------- */

/* Locks live on in descriptors that a child inherited: that of the pending file, and that of the log, should the
 * parent be killed while it holds it. */
static void forked(hl_flusher_client *client) {
  hl_queue *q = (hl_queue *)(void *)client;
  hl_pending_abandon(&q->ring);
  if (q->options.shared && q->target_count == 1) hl_target_close(&q->targets[0]->file, q->env);
}

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
  hl_free(&alloc, q->targets, q->target_capacity * sizeof(hl_queue_target *));
  hl_free(&alloc, q->touched, q->target_capacity * sizeof(hl_queue_target *));
  hl_free(&alloc, q->slot_owner, q->ring.slot_count * sizeof(hl_queue_target *));
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
  q->slot_owner = hl_alloc_zeroed(&q->alloc, po.slot_count, sizeof(hl_queue_target *));
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
  q->client = (hl_flusher_client){.due = hl_queue_drain_when_due, .forked = forked, .emergency = hl_queue_emergency,
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

void hl_queue_add_dropped(hl_queue *q, uint64_t records) {
  pthread_mutex_lock(&q->lock);
  q->dropped += records;
  pthread_mutex_unlock(&q->lock);
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
  if (q->ring.header != NULL) hl_queue_drain_and_sync(q);
  pthread_mutex_unlock(&q->drain_lock);
  return tell(q, false, err);
}

/* What neither a file nor the pending file holds is lost, and counted. */
static void give_up_rest(hl_queue *q) {
  pthread_mutex_lock(&q->lock);
  size_t offset = 0;
  for (const hl_entry *e; (e = hl_overflow_next(&q->heap.entries, &offset)) != NULL;) hl_queue_count_dropped(q, e);
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
  hl_queue_drain_and_sync(q);
  give_up_rest(q);
  close_files(q);
  hl_pending_close(&q->ring, hl_pending_used(&q->ring) == 0);
  pthread_mutex_unlock(&q->drain_lock);
  hl_flusher_detach(&q->client); /* after there is a lock that a child could inherit */
  return tell(q, true, err);
}

void hl_queue_free(hl_queue *q) {
  if (hl_queue_alive(q)) {
    hl_queue_close(q, NULL);
    pthread_mutex_destroy(&q->lock);
    pthread_mutex_destroy(&q->drain_lock);
  } else {
    if (!hl_fork_found_whole(&q->drain_lock) || !hl_fork_found_whole(&q->lock)) return;
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

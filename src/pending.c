/* pending.c - the owner's side of the pending buffer: make it, put entries in, take them out. Format and invariants:
 * pending.h. Recovery is recover.c's; who may call when is queue.c's. */
#include "pending.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { MOST_NAMES_TRIED = 64 };

/* ---- making the file -------------------------------------------------------------------------------- */

static size_t file_size(const hl_pending_options *o) {
  return HL_PENDING_HEADER + (size_t)o->slot_count * o->slot_size + o->capacity;
}

static void lay_out(hl_pending *p, void *memory) {
  p->header = memory;
  p->slots = (unsigned char *)memory + HL_PENDING_HEADER;
  p->ring = p->slots + (size_t)p->slot_count * p->slot_size;
}

static void fill_header(hl_pending *p, const hl_pending_options *o) {
  p->header->version = HL_PENDING_VERSION;
  p->header->flags = o->shared_log ? HL_PENDING_SHARED_LOG : 0;
  p->header->capacity = o->capacity;
  p->header->slot_count = o->slot_count;
  p->header->slot_size = o->slot_size;
  atomic_store_explicit(&p->header->magic, HL_PENDING_MAGIC, memory_order_release);
}

static void discard(hl_pending *p) {
  int code;
  p->env->remove(p->env, p->path, &code);
  p->env->close(p->env, p->fd, &code);
  p->fd = -1;
}

static bool make_some_file(hl_pending *p, const hl_pending_options *o) {
  static _Atomic uint32_t made; /* only to try fresh names first: pids and numbers come back, O_EXCL decides */
  size_t room = strlen(o->folder) + 64;
  char *path = hl_alloc(p->alloc, room);
  if (path == NULL) return false;
  for (int i = 0; i < MOST_NAMES_TRIED; i++) {
    snprintf(path, room, "%s/.helios-%s-%lld-%u.pending", o->folder, o->shared_log ? "log" : "run",
             (long long)p->env->pid(p->env), atomic_fetch_add(&made, 1));
    int code;
    if (hl_env_make_locked(p->env, path, &p->fd, &code) == 0 || (code != EEXIST && code != EAGAIN)) break;
  }
  if (p->fd >= 0) { /* the stored copy has exactly its own size, for hl_free_str */
    p->path = hl_strdup(p->alloc, path);
    int code;
    if (p->path == NULL) {
      p->env->remove(p->env, path, &code);
      p->env->close(p->env, p->fd, &code);
      p->fd = -1;
    }
  } else {
    p->path = NULL;
  }
  hl_free(p->alloc, path, room);
  return p->fd >= 0;
}

static void *map_file(hl_pending *p) {
  int code;
  /* blocks first: a store to a page that the full disk cannot back is a SIGBUS */
  if (p->env->allocate(p->env, p->fd, (int64_t)p->file_size, &code) != 0) return NULL;
  return p->env->map(p->env, p->fd, p->file_size, &code);
}

static bool open_shared(hl_pending *p, const hl_pending_options *o) {
  if (o->heap_only || !make_some_file(p, o)) return false;
  void *memory = map_file(p);
  if (memory == NULL) {
    discard(p);
    hl_free_str(p->alloc, p->path);
    p->path = NULL;
    return false;
  }
  lay_out(p, memory);
  return true;
}

static bool open_heap(hl_pending *p) {
  void *memory = hl_alloc_zeroed(p->alloc, 1, p->file_size);
  if (memory != NULL) lay_out(p, memory);
  return memory != NULL;
}

helios_status hl_pending_open(hl_pending *p, const hl_pending_options *o, const hl_env *env,
                              const helios_allocator *alloc) {
  *p = (hl_pending){.capacity = o->capacity, .slot_count = o->slot_count, .slot_size = o->slot_size,
                    .file_size = file_size(o), .fd = -1, .env = env, .alloc = alloc};
  if (!open_shared(p, o) && !open_heap(p)) return HELIOS_ENOMEM;
  fill_header(p, o);
  return HELIOS_OK;
}

/* The struct lets go before the system does: a fork in between finds nothing to let go of a second time. */
void hl_pending_close(hl_pending *p, bool remove_file) {
  int code, fd = p->fd;
  hl_pending_header *header = p->header;
  p->fd = -1;
  p->header = NULL;
  if (fd >= 0) {
    p->env->unmap(p->env, header, p->file_size, &code);
    if (remove_file) p->env->remove(p->env, p->path, &code);
    p->env->close(p->env, fd, &code); /* gives the lock back: last */
  } else if (header != NULL) {
    hl_free(p->alloc, header, p->file_size);
  }
  hl_free_str(p->alloc, p->path);
  p->path = NULL;
}

bool hl_pending_survives(const hl_pending *p) {
  int code;
  int64_t links = 1;
  if (p->fd < 0) return false;
  return p->env->stat_fd(p->env, p->fd, NULL, NULL, &links, &code) != 0 || links > 0;
}

void hl_pending_abandon(hl_pending *p) {
  int code;
  if (p->fd < 0) return;
  p->env->unmap(p->env, p->header, p->file_size, &code);
  p->env->close(p->env, p->fd, &code);
  p->header = NULL;
  p->fd = -1;
}

/* ---- the ring --------------------------------------------------------------------------------------- */

/* Where an offset lies in the ring: the capacity is a power of two. */
static size_t place(const hl_pending *p, uint64_t offset) { return (size_t)offset & (p->capacity - 1); }

unsigned char *hl_pending_reserve(hl_pending *p, size_t payload) {
  if (payload > p->capacity) return NULL;
  size_t space = hl_entry_space(payload);
  size_t at = place(p, p->head);
  size_t before_end = p->capacity - at;
  size_t skipped = space > before_end ? before_end : 0;
  if (hl_pending_used(p) + skipped + space > p->capacity) return NULL;
  if (skipped != 0) {
    const uint32_t skip = HL_ENTRY_SKIP;
    memcpy(p->ring + at, &skip, sizeof skip);
    at = 0;
  }
  return p->ring + at + sizeof(hl_entry);
}

void hl_pending_commit(hl_pending *p, unsigned char *payload, hl_entry entry) {
  unsigned char *start = payload - sizeof entry;
  memcpy(start, &entry, sizeof entry);
  size_t at = (size_t)(start - p->ring);
  size_t old_at = place(p, p->head);
  uint64_t skipped = at == old_at ? 0 : p->capacity - old_at;
  p->head += skipped + hl_entry_space(entry.size);
  atomic_store_explicit(&p->header->head, p->head, memory_order_release); /* invariant 1 */
}

const hl_entry *hl_pending_next(const hl_pending *p, uint64_t *offset, uint64_t end) {
  while (*offset < end) {
    size_t at = place(p, *offset);
    const unsigned char *start = p->ring + at;
    uint32_t size;
    memcpy(&size, start, sizeof size);
    if (size == HL_ENTRY_SKIP) {
      *offset += p->capacity - at;
      continue;
    }
    *offset += hl_entry_space(size);
    return (const hl_entry *)(const void *)start;
  }
  return NULL;
}

void hl_pending_set_tail(hl_pending *p, uint64_t tail) {
  p->tail = tail;
  atomic_store_explicit(&p->header->tail, tail, memory_order_release);
}

/* ---- slots ------------------------------------------------------------------------------------------ */

hl_pending_slot *hl_pending_slot_at(const hl_pending *p, uint32_t slot) {
  return (hl_pending_slot *)(void *)(p->slots + (size_t)slot * p->slot_size);
}

bool hl_pending_path_fits(const hl_pending *p, const char *path) {
  return strlen(path) < p->slot_size - offsetof(hl_pending_slot, path);
}

void hl_pending_assign_slot(hl_pending *p, uint32_t slot, const char *path, hl_pending_mark mark) {
  hl_pending_slot *s = hl_pending_slot_at(p, slot);
  atomic_store_explicit(&s->used, 0, memory_order_release);
  memcpy((char *)s + offsetof(hl_pending_slot, path), path, strlen(path) + 1);
  s->mark[0] = mark;
  atomic_store_explicit(&s->which, 0, memory_order_relaxed);
  atomic_store_explicit(&s->used, 1, memory_order_release);
}

void hl_pending_mark_slot(hl_pending *p, uint32_t slot, hl_pending_mark mark) {
  hl_pending_slot *s = hl_pending_slot_at(p, slot);
  uint32_t other = 1 - atomic_load_explicit(&s->which, memory_order_relaxed);
  s->mark[other] = mark;
  atomic_store_explicit(&s->which, other, memory_order_release); /* invariant 2 */
}

void hl_pending_release_slot(hl_pending *p, uint32_t slot) {
  atomic_store_explicit(&hl_pending_slot_at(p, slot)->used, 0, memory_order_release);
}

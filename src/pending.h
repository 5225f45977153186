/* pending.h - the buffer that outlives the process: a small file, mapped and shared, that holds what was acknowledged
 * and not yet written.
 *
 * ## The file, `<folder>/.helios-<what>-<pid>-<n>.pending` (native byte order: it never leaves its machine)
 *
 *   0      header, one page:
 *            magic     published last when the file is made: without it there is nothing in the file
 *            version, flags (1: the target is a text log that others append to), capacity, slot count, slot size
 *            head      bytes ever put into the ring; a release store, after the bytes it covers
 *            tail      bytes ever taken out of it
 *   4096   slots: one per target file
 *            used, which (0 or 1), mark[2], path (relative to the folder)
 *            mark[which] = { upto, length, busy }: the target holds, in its first `length` bytes, everything of it in the
 *            ring before offset `upto`. busy (logs only): a write of what follows `upto` at `length` was begun.
 *   then   ring of `capacity` bytes, a power of two; offset o lies at o % capacity. Entries, each at a multiple of 8:
 *            { size, slot, crc, count_and_class } then size bytes: whole records, or whole lines
 *          size SKIP: nothing more up to the end of the ring
 *
 * ## Invariants
 *   1. Bytes are in place before the head that covers them is stored: [tail, head) is always whole entries.
 *   2. A target's file is written only from the ring, in order; after a whole batch its other mark is filled in and then
 *      `which` is flipped, so that at every instant one mark is true.
 *   3. tail moves over an entry only after its target's mark has passed it.
 *   4. A slot is given to another target only when no entry in [tail, head) names it.
 *   5. The owner holds an flock on the file as long as it lives. Whoever gets that lock, finds the name still leading to
 *      the file and the magic in it, holds what a dead process left, and may recover it (recover.c).
 *   6. The file is removed only when everything in it is in its target.
 * From 1 to 4 follows: cutting a target to mark.length and appending its entries at or behind mark.upto gives the file
 * that a process that had lived would have written; doing it twice, or half and then whole, gives the same file. */
#ifndef HL_PENDING_H
#define HL_PENDING_H

#include <stdatomic.h>
#include <stdbool.h>

#include "alloc.h"
#include "env.h"
#include "error.h"

#define HL_PENDING_MAGIC UINT64_C(0x31444e4550534c48) /* "HLSPEND1" */

enum {
  HL_PENDING_VERSION = 1,
  HL_PENDING_SHARED_LOG = 1,
  HL_PENDING_HEADER = 4096,
  HL_ENTRY_ALIGN = 8,
  HL_NO_SLOT = 0xffff
};

#define HL_ENTRY_SKIP UINT32_MAX

typedef struct hl_pending_header {
  _Atomic uint64_t magic;
  uint32_t version;
  uint32_t flags;
  uint64_t capacity;
  uint32_t slot_count;
  uint32_t slot_size;
  unsigned char pad1[32];
  _Atomic uint64_t head; /* on a cache line of its own: producers write it, the drain the next */
  unsigned char pad2[56];
  _Atomic uint64_t tail;
} hl_pending_header;

typedef struct hl_pending_mark {
  uint64_t upto;
  int64_t length;
  uint64_t busy;
} hl_pending_mark;

typedef struct hl_pending_slot {
  _Atomic uint32_t used;
  _Atomic uint32_t which;
  hl_pending_mark mark[2];
  char path[8]; /* goes on to the end of the slot */
} hl_pending_slot;

/* In front of each payload, in the ring and on the heap alike. */
typedef struct hl_entry {
  uint32_t size;
  uint32_t target;  /* in the ring: the slot; on the heap: the target's number */
  uint32_t crc;     /* of the payload, for text; records carry their own */
  uint32_t records; /* count << 2 | class */
} hl_entry;

static inline size_t hl_entry_space(size_t payload) {
  return sizeof(hl_entry) + ((payload + HL_ENTRY_ALIGN - 1) & ~(size_t)(HL_ENTRY_ALIGN - 1));
}

/* The owner's side: a mapped file, or plain memory where there can be none. Not locked: the queue does that. */
typedef struct hl_pending {
  hl_pending_header *header;
  unsigned char *slots;
  unsigned char *ring;
  uint64_t head, tail; /* what the header says, without the atomics */
  size_t capacity;
  uint32_t slot_count, slot_size;
  size_t file_size;
  int fd;              /* -1: heap memory */
  char *path;          /* NULL: heap memory */
  const hl_env *env;
  const helios_allocator *alloc;
} hl_pending;

typedef struct hl_pending_options {
  const char *folder;
  bool shared_log;
  size_t capacity; /* a power of two, at least 4096 */
  uint32_t slot_count;
  uint32_t slot_size; /* a multiple of 64 */
  bool heap_only;
} hl_pending_options;

/* Make and lock the file; heap memory instead when the world does not allow it. HELIOS_ENOMEM when there is neither. */
helios_status hl_pending_open(hl_pending *p, const hl_pending_options *o, const hl_env *env,
                              const helios_allocator *alloc);
/* remove_file: only when it holds nothing (invariant 6). Capacity and slot count stay readable. */
void hl_pending_close(hl_pending *p, bool remove_file);
/* In a forked child: let go of lock and mapping without touching the parent's. */
void hl_pending_abandon(hl_pending *p);

static inline bool hl_pending_is_shared(const hl_pending *p) { return p->fd >= 0; }
/* Would what it holds be found after the death of the process? Not on the heap, nor once somebody removed the file. */
bool hl_pending_survives(const hl_pending *p);
static inline size_t hl_pending_used(const hl_pending *p) { return (size_t)(p->head - p->tail); }

/* Room for an entry with up to `payload` bytes, or NULL. The entry's header lies in front of what is returned. Nothing
 * is visible until commit; a second reserve before that simply starts again. */
unsigned char *hl_pending_reserve(hl_pending *p, size_t payload);
/* Publish what lies behind the pointer that reserve gave. */
void hl_pending_commit(hl_pending *p, unsigned char *payload, hl_entry entry);
/* Entries in order: *offset is moved behind the entry that is returned; NULL at `end`. */
const hl_entry *hl_pending_next(const hl_pending *p, uint64_t *offset, uint64_t end);
void hl_pending_set_tail(hl_pending *p, uint64_t tail);

hl_pending_slot *hl_pending_slot_at(const hl_pending *p, uint32_t slot);
/* Does the path fit into a slot? */
bool hl_pending_path_fits(const hl_pending *p, const char *path);
/* Invariant 4 is the caller's to keep. */
void hl_pending_assign_slot(hl_pending *p, uint32_t slot, const char *path, hl_pending_mark mark);
void hl_pending_mark_slot(hl_pending *p, uint32_t slot, hl_pending_mark mark);
void hl_pending_release_slot(hl_pending *p, uint32_t slot);

#endif

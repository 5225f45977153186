/* recover_pending.c - bring what a dead process left in a pending file into its targets. Format and invariants: pending.h.
 *
 * For a run: cut each target to its mark, append its entries from there on. Doing that twice gives the same file, so
 * recovery may be killed at any point and done again; the pending file goes last, after the targets are synced.
 * For a text log, which others append to as well, nothing is cut: under the log's lock, what an unfinished write may
 * have put at the marked place is compared with what was pending, and only what is not there is appended.
 *
 * The pending file may be damaged or hostile: everything in it is checked, it is read as a copy and never mapped, and
 * its paths cannot lead out of its folder. */
#include "recover_pending.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "buf.h"
#include "crc32c.h"
#include "encode/encode.h"
#include "options.h"
#include "path.h"
#include "pending.h"
#include "record.h"
#include "recover_media.h"
#include "wire.h"

enum { LARGEST_PENDING_FILE = 256 * 1024 * 1024, PATIENCE_MS = 5000 };

typedef struct recovery {
  const hl_env *env;
  const helios_allocator *alloc;
  const char *folder;
  const char *path;    /* of the pending file */
  const char *log_name;
  hl_pending pending;  /* over a copy of the file */
  helios_recovery *result;
  hl_error *err;
} recovery;

/* ---- reading the pending file -------------------------------------------------------------------------- */

static bool plain_path(const char *path, size_t size) {
  if (memchr(path, '\0', size) == NULL || path[0] == '\0' || path[0] == '/') return false;
  for (const char *part = path; part != NULL; part = strchr(part, '/')) {
    part += *part == '/';
    if (strcspn(part, "/") == 2 && part[0] == '.' && part[1] == '.') return false;
  }
  return true;
}

static bool offsets_are_sound(const hl_pending_header *h) {
  uint64_t head = atomic_load(&h->head), tail = atomic_load(&h->tail);
  return tail <= head && head - tail <= h->capacity && head % HL_ENTRY_ALIGN == 0 && tail % HL_ENTRY_ALIGN == 0;
}

/* A log's file names one target: the one that is asked for. */
static bool geometry_is_sound(const hl_pending_header *h, size_t size) {
  uint32_t most_slots = h->flags & HL_PENDING_SHARED_LOG ? 1 : HL_NO_SLOT - 1;
  return atomic_load(&h->magic) == HL_PENDING_MAGIC && h->version == HL_PENDING_VERSION && h->capacity >= 4096 &&
         h->capacity % HL_ENTRY_ALIGN == 0 && h->slot_size >= 128 && h->slot_size % 64 == 0 && h->slot_count >= 1 &&
         h->slot_count <= most_slots && h->capacity <= size &&
         HL_PENDING_HEADER + (uint64_t)h->slot_count * h->slot_size + h->capacity == size && offsets_are_sound(h);
}

/* 1: p holds a sound copy; 0: there is nothing in the file; negative: a status. */
static int load(recovery *r, int fd, size_t size) {
  hl_pending *p = &r->pending;
  if (size < HL_PENDING_HEADER || size > LARGEST_PENDING_FILE) return 0;
  unsigned char *copy = hl_alloc(r->alloc, size);
  if (copy == NULL) return hl_fail(r->err, HELIOS_ENOMEM, "out of memory");
  *p = (hl_pending){.header = (hl_pending_header *)(void *)copy, .file_size = size, .fd = -1, .env = r->env,
                    .alloc = r->alloc};
  size_t done = 0;
  while (done < size) {
    int code;
    int64_t k = r->env->pread(r->env, fd, copy + done, size - done, (int64_t)done, &code);
    if (k < 0) return hl_fail_io(r->err, r->path, "cannot read", code);
    if (k == 0) return 0;
    done += (size_t)k;
  }
  if (!geometry_is_sound(p->header, size)) return 0;
  p->capacity = (size_t)p->header->capacity;
  p->slot_count = p->header->slot_count;
  p->slot_size = p->header->slot_size;
  p->head = atomic_load(&p->header->head);
  p->tail = atomic_load(&p->header->tail);
  p->slots = copy + HL_PENDING_HEADER;
  p->ring = p->slots + (size_t)p->slot_count * p->slot_size;
  return 1;
}

/* Whole records with sound checksums at the start of [data, data + n). */
static uint32_t count_records(const unsigned char *data, size_t n) {
  uint32_t count = 0;
  while (n >= HL_RECORD_OVERHEAD) {
    uint64_t length = hl_get_le64(data);
    if (length > n - HL_RECORD_OVERHEAD || hl_get_le32(data + 8) != hl_crc32c_masked(data, 8)) return 0;
    const unsigned char *payload = data + HL_RECORD_HEADER;
    if (hl_get_le32(payload + length) != hl_crc32c_masked(payload, (size_t)length)) return 0;
    data += length + HL_RECORD_OVERHEAD;
    n -= (size_t)length + HL_RECORD_OVERHEAD;
    count++;
  }
  return n == 0 ? count : 0;
}

/* hl_pending_next for a ring that may lie: stays inside it, and stops at what cannot be. */
static const hl_entry *next_entry(const hl_pending *p, uint64_t *offset) {
  while (*offset < p->head) {
    size_t at = (size_t)(*offset % p->capacity), to_end = p->capacity - at;
    hl_entry e;
    memcpy(&e.size, p->ring + at, sizeof e.size);
    if (e.size == HL_ENTRY_SKIP) {
      if (to_end > p->head - *offset) return NULL;
      *offset += to_end;
      continue;
    }
    if (to_end < sizeof e || e.size > to_end - sizeof e || hl_entry_space(e.size) > p->head - *offset) return NULL;
    *offset += hl_entry_space(e.size);
    return (const hl_entry *)(const void *)(p->ring + at);
  }
  return NULL;
}

static bool entry_is_sound(const recovery *r, const hl_entry *e) {
  const unsigned char *payload = (const unsigned char *)(e + 1);
  if (e->target >= r->pending.slot_count) return false;
  if (r->pending.header->flags & HL_PENDING_SHARED_LOG) return e->crc == hl_crc32c(0, payload, e->size);
  return e->size == 0 || count_records(payload, e->size) > 0;
}

/* What the slot's target lacks, in order: entries that end behind the mark. */
static helios_status collect(recovery *r, uint32_t slot, hl_pending_mark mark, hl_buf *bytes) {
  uint64_t offset = r->pending.tail;
  for (const hl_entry *e; (e = next_entry(&r->pending, &offset)) != NULL;) {
    if (!entry_is_sound(r, e)) break; /* behind damage nothing is believed */
    if (e->target != slot || offset <= mark.upto) continue;
    hl_buf_append(bytes, e + 1, e->size);
    r->result->records += e->records >> 2;
  }
  r->result->bytes += bytes->len;
  return hl_buf_status(bytes);
}

/* ---- bringing it into a file --------------------------------------------------------------------------- */

static helios_status write_at(recovery *r, int fd, const char *path, const hl_buf *bytes, int64_t length) {
  int code = 0;
  if (r->env->truncate(r->env, fd, length, &code) != 0) return hl_fail_io(r->err, path, "cannot cut back", code);
  if (hl_env_pwrite_all(r->env, fd, bytes->data, bytes->len, length, &code) != 0)
    return hl_fail_io(r->err, path, "cannot write", code);
  return HELIOS_OK;
}

static helios_status sync_file(recovery *r, int fd, const char *path) {
  int code;
  if (r->env->sync(r->env, fd, &code) == 0 || code == EINVAL || code == EROFS) return HELIOS_OK;
  return hl_fail_io(r->err, path, "cannot sync", code);
}

/* The pending file says, before each attempt, where the attempt begins: killed in it, the next one finds its bytes. */
static helios_status note_attempt(recovery *r, int pending_fd, uint32_t slot, hl_pending_mark *mark, int64_t size) {
  hl_pending_slot *s = hl_pending_slot_at(&r->pending, slot);
  *mark = (hl_pending_mark){.upto = mark->upto, .length = size, .busy = 1};
  uint32_t other = 1 - (atomic_load(&s->which) & 1);
  int64_t slot_at = (const unsigned char *)s - (const unsigned char *)r->pending.header;
  int64_t mark_at = slot_at + (int64_t)(offsetof(hl_pending_slot, mark) + other * sizeof *mark);
  int64_t which_at = slot_at + (int64_t)offsetof(hl_pending_slot, which);
  int code = EIO;
  if (r->env->pwrite(r->env, pending_fd, mark, sizeof *mark, mark_at, &code) != (int64_t)sizeof *mark ||
      r->env->pwrite(r->env, pending_fd, &other, sizeof other, which_at, &code) != (int64_t)sizeof other)
    return hl_fail_io(r->err, r->path, "cannot write", code);
  return HELIOS_OK;
}

/* A file that somebody removed is made anew, and begins as every event file does. */
static helios_status put_start(recovery *r, hl_buf *bytes) {
  hl_buf start;
  hl_buf_init(&start, r->alloc);
  helios_status st = hl_encode_file_start(&start, r->env->now(r->env), "helios");
  hl_buf_append(&start, bytes->data, bytes->len);
  if (st == HELIOS_OK) st = hl_buf_status(&start);
  if (st == HELIOS_OK) {
    hl_buf_free(bytes);
    *bytes = start;
  } else {
    hl_buf_free(&start);
  }
  return st;
}

/* A file shorter than its mark was replaced or cut by somebody: what is pending then goes behind what is there. */
static helios_status restore_run_file(recovery *r, int pending_fd, uint32_t slot, int fd, const char *path,
                                      hl_buf *bytes, hl_pending_mark mark) {
  int64_t size;
  int code;
  helios_status st = HELIOS_OK;
  if (r->env->stat_fd(r->env, fd, &size, NULL, NULL, &code) != 0) return hl_fail_io(r->err, path, "cannot stat", code);
  bool anew = size == 0 && mark.length > 0;
  if (size < mark.length) st = note_attempt(r, pending_fd, slot, &mark, size);
  if (st == HELIOS_OK && anew && bytes->len > 0) st = put_start(r, bytes);
  if (st == HELIOS_OK) st = write_at(r, fd, path, bytes, mark.length);
  return st == HELIOS_OK ? sync_file(r, fd, path) : st;
}

/* How many bytes of `bytes` stand in the file at `at`. */
static size_t common_length(recovery *r, int fd, const hl_buf *bytes, int64_t at) {
  char chunk[4096];
  size_t same = 0;
  while (same < bytes->len) {
    int code;
    size_t want = bytes->len - same < sizeof chunk ? bytes->len - same : sizeof chunk;
    int64_t got = r->env->pread(r->env, fd, chunk, want, at + (int64_t)same, &code);
    if (got <= 0) break;
    size_t i = 0;
    while (i < (size_t)got && chunk[i] == (char)bytes->data[same + i]) i++;
    same += i;
    if (i < (size_t)got) break;
  }
  return same;
}

static size_t whole_lines(const hl_buf *bytes, size_t n) {
  while (n > 0 && bytes->data[n - 1] != '\n') n--;
  return n;
}

/* From where on `bytes` must be appended. */
static size_t lines_already_there(recovery *r, int fd, const hl_buf *bytes, hl_pending_mark mark, int64_t size) {
  if (mark.busy == 0) return 0; /* no write was under way: nothing of it can be there */
  size_t same = common_length(r, fd, bytes, mark.length);
  bool at_end = mark.length + (int64_t)same == size;
  return at_end ? same : whole_lines(bytes, same); /* others wrote behind a torn line: give that line again, whole */
}

static helios_status append_lines(recovery *r, int fd, const char *path, const hl_buf *bytes, hl_pending_mark mark) {
  int code;
  int64_t size;
  if (r->env->stat_fd(r->env, fd, &size, NULL, NULL, &code) != 0) return hl_fail_io(r->err, path, "cannot stat", code);
  size_t there = lines_already_there(r, fd, bytes, mark, size);
  char last = '\n';
  bool torn = (there == 0 || bytes->data[there - 1] == '\n') && size > 0 &&
              r->env->pread(r->env, fd, &last, 1, size - 1, &code) == 1 && last != '\n';
  size_t done = 0;
  if (torn && hl_env_write_all(r->env, fd, "\n", 1, &done, &code) != 0)
    return hl_fail_io(r->err, path, "cannot write", code);
  if (hl_env_write_all(r->env, fd, bytes->data + there, bytes->len - there, &done, &code) != 0)
    return hl_fail_io(r->err, path, "cannot write", code);
  return sync_file(r, fd, path);
}

static helios_status restore_log(recovery *r, int pending_fd, uint32_t slot, int fd, const char *path,
                                 const hl_buf *bytes, hl_pending_mark mark) {
  int code, ignored;
  int64_t size;
  if (bytes->len == 0) return HELIOS_OK;
  if (hl_env_lock_within(r->env, fd, PATIENCE_MS, &code) != 0) return hl_fail_io(r->err, path, "cannot lock", code);
  helios_status st = HELIOS_OK;
  if (r->env->stat_fd(r->env, fd, &size, NULL, NULL, &code) != 0) st = hl_fail_io(r->err, path, "cannot stat", code);
  if (st == HELIOS_OK && mark.busy == 0) st = note_attempt(r, pending_fd, slot, &mark, size);
  if (st == HELIOS_OK) st = append_lines(r, fd, path, bytes, mark);
  r->env->unlock(r->env, fd, &ignored);
  return st;
}

static helios_status make_parents(recovery *r, char *path) {
  char *slash = strrchr(path, '/');
  int code;
  *slash = '\0';
  int made = hl_env_make_dirs(r->env, path, &code);
  helios_status st = made == 0 ? HELIOS_OK : hl_fail_io(r->err, path, "cannot make the folder", code);
  *slash = '/';
  return st;
}

/* Folders between the run's and the file must not lead elsewhere: a folder that came from somebody else may hold
 * links. */
static helios_status refuse_links(recovery *r, char *path) {
  int code = 0;
  for (char *slash = path + strlen(r->folder) + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
    *slash = '\0';
    int fd = r->env->open(r->env, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, &code);
    bool absent = fd < 0 && code == ENOENT;
    helios_status st = fd < 0 && !absent ? hl_fail_io(r->err, path, "cannot open the folder", code) : HELIOS_OK;
    *slash = '/';
    if (fd < 0) return st;
    r->env->close(r->env, fd, &code);
  }
  return HELIOS_OK;
}

/* ---- one target, one pending file ----------------------------------------------------------------------- */

/* A log's name was the caller's choice; the name of a run's file is the pending file's word only. With nothing to add,
 * a file that is not there is not made. */
static int open_target(recovery *r, char *path, bool log, bool make, helios_status *st) {
  int code;
  *st = log ? HELIOS_OK : refuse_links(r, path);
  if (*st == HELIOS_OK && make) *st = make_parents(r, path);
  if (*st != HELIOS_OK) return -1;
  int flags = O_RDWR | (make ? O_CREAT : 0) | (log ? O_APPEND : O_NOFOLLOW | O_NONBLOCK);
  int fd = r->env->open(r->env, path, flags, &code);
  if (fd < 0 && (make || code != ENOENT)) *st = hl_fail_io(r->err, path, "cannot open", code);
  return fd;
}

static helios_status restore(recovery *r, int pending_fd, uint32_t slot, char *path, hl_buf *bytes,
                             hl_pending_mark mark) {
  bool log = r->pending.header->flags & HL_PENDING_SHARED_LOG;
  int code;
  helios_status st;
  int fd = open_target(r, path, log, bytes->len > 0, &st);
  if (fd < 0) return st;
  st = log ? restore_log(r, pending_fd, slot, fd, path, bytes, mark)
           : restore_run_file(r, pending_fd, slot, fd, path, bytes, mark);
  r->env->close(r->env, fd, &code);
  return st;
}

/* A file that was made and never got a record: no run leaves an empty one. */
static void remove_if_empty(recovery *r, const char *path) {
  int code;
  int64_t size = 1;
  int fd = r->env->open(r->env, path, O_RDONLY, &code);
  if (fd < 0) return;
  int known = r->env->stat_fd(r->env, fd, &size, NULL, NULL, &code);
  r->env->close(r->env, fd, &code);
  if (known == 0 && size == 0) r->env->remove(r->env, path, &code);
}

static helios_status recover_slot(recovery *r, int pending_fd, uint32_t slot) {
  const hl_pending_slot *s = hl_pending_slot_at(&r->pending, slot);
  const char *name = (const char *)s + offsetof(hl_pending_slot, path);
  if (atomic_load(&s->used) != 1) return HELIOS_OK;
  if (!plain_path(name, r->pending.slot_size - offsetof(hl_pending_slot, path))) return HELIOS_OK;
  hl_pending_mark mark = s->mark[atomic_load(&s->which) & 1];
  if (mark.length < 0) return HELIOS_OK;
  hl_buf bytes, path;
  hl_buf_init(&bytes, r->alloc);
  hl_buf_init(&path, r->alloc);
  hl_buf_printf(&path, "%s/%s", r->folder, name);
  hl_buf_append_byte(&path, '\0');
  helios_status st = hl_buf_status(&path);
  if (st == HELIOS_OK) st = collect(r, slot, mark, &bytes);
  bool log = r->pending.header->flags & HL_PENDING_SHARED_LOG;
  bool whole = bytes.len == 0 && log;
  if (st == HELIOS_OK && !log && bytes.len == 0 && mark.length == 0) remove_if_empty(r, (const char *)path.data);
  else if (st == HELIOS_OK && !whole) st = restore(r, pending_fd, slot, (char *)path.data, &bytes, mark);
  hl_buf_free(&bytes);
  hl_buf_free(&path);
  return st;
}

/* Does this pending file belong to what is being recovered? */
static bool concerns(const recovery *r) {
  bool log = r->pending.header->flags & HL_PENDING_SHARED_LOG;
  if (!log || r->log_name == NULL) return log == (r->log_name != NULL);
  const hl_pending_slot *slot = hl_pending_slot_at(&r->pending, 0);
  if (atomic_load(&slot->used) != 1) return true; /* its owner died before it named the log: nothing is in it */
  const char *path = (const char *)slot + offsetof(hl_pending_slot, path);
  size_t room = r->pending.slot_size - offsetof(hl_pending_slot, path);
  return strlen(r->log_name) < room && strncmp(path, r->log_name, room) == 0;
}

static helios_status recover_slots(recovery *r, int fd) {
  helios_status st = HELIOS_OK;
  for (uint32_t slot = 0; slot < r->pending.slot_count && st == HELIOS_OK; slot++) st = recover_slot(r, fd, slot);
  return st;
}

static helios_status recover_file(recovery *r, int fd, int64_t size) {
  int code;
  int loaded = load(r, fd, size < 0 ? 0 : (size_t)size);
  helios_status st = loaded < 0 ? (helios_status)loaded : HELIOS_OK;
  /* Without a magic it cannot be told whose it was; it holds nothing, and whoever comes first tidies it up. */
  bool ours = loaded == 0 || (loaded == 1 && concerns(r));
  if (loaded == 1 && ours) st = recover_slots(r, fd);
  if (r->pending.header != NULL) hl_free(r->alloc, r->pending.header, r->pending.file_size);
  if (st != HELIOS_OK || !ours) return st;
  if (r->env->remove(r->env, r->path, &code) != 0) return hl_fail_io(r->err, r->path, "cannot remove", code);
  r->result->pending_files += (uint64_t)loaded;
  return HELIOS_OK;
}

bool hl_is_pending_name(const char *name) {
  size_t n = strlen(name);
  return n > 16 && strncmp(name, ".helios-", 8) == 0 && strcmp(name + n - 8, ".pending") == 0;
}

helios_status hl_recover_pending(const hl_recovery_of *of, const char *path, int fd, int64_t size,
                                 helios_recovery *result, hl_error *err) {
  recovery r = {.env = of->env, .alloc = of->alloc, .folder = of->folder, .log_name = of->log_name, .path = path,
                .result = result, .err = err};
  return recover_file(&r, fd, size);
}

/* Of several who were killed, the one who wrote last comes first: its line may be torn at the log's end, and is to be
 * made whole before others come behind it. */
int64_t hl_pending_log_order(const hl_env *env, const char *path) {
  hl_pending_slot slot;
  int code;
  int64_t order = INT64_MAX;
  int fd = env->open(env, path, O_RDONLY, &code);
  if (fd < 0) return order;
  if (env->pread(env, fd, &slot, sizeof slot, HL_PENDING_HEADER, &code) == (int64_t)sizeof slot) {
    hl_pending_mark mark = slot.mark[atomic_load(&slot.which) & 1];
    if (mark.busy != 0 && mark.length >= 0) order = -mark.length;
  }
  env->close(env, fd, &code);
  return order;
}

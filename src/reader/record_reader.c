/* record_reader.c - finds records in a window of a file. See record_reader.h for what it promises.
 *
 * Invariants: window[begin, end) holds the bytes from `offset` on; no allocation is larger than what the file was seen
 * to hold (a compressed file: than what was unpacked, doubled). */
#include "record_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "../alloc.h"
#include "../crc32c.h"
#include "../record.h"
#include "inflate.h"

enum { WINDOW = 256 * 1024 };

static void drop_window(hl_record_reader *r) {
  hl_free(r->alloc, r->window, r->capacity);
  r->window = NULL;
  r->capacity = r->begin = r->end = 0;
}

static helios_status open_file(hl_record_reader *r, hl_error *err) {
  if (r->fd >= 0) return HELIOS_OK;
  int code = 0;
  r->fd = r->env->open(r->env, r->path, O_RDONLY | O_NONBLOCK, &code); /* a FIFO must not hang us */
  if (r->fd < 0) return hl_fail_io(err, r->path, "cannot open", code);
  int64_t size, links;
  bool regular = false;
  if (r->env->stat_fd(r->env, r->fd, &size, &regular, &links, &code) == 0 && regular) return HELIOS_OK;
  hl_record_reader_park(r);
  return hl_fail(err, HELIOS_EIO, "%s: cannot read: not a regular file", r->path);
}

helios_status hl_record_reader_open(hl_record_reader *r, const char *path, const hl_env *env,
                                    const helios_allocator *alloc, uint64_t max_record, hl_error *err) {
  *r = (hl_record_reader){.alloc = alloc, .env = env, .fd = -1};
  r->max_record = max_record == 0 ? HL_MAX_RECORD : max_record;
  r->path = hl_strdup(alloc, path);
  if (r->path == NULL) return hl_fail(err, HELIOS_ENOMEM, "out of memory");
  helios_status st = open_file(r, err);
  if (st != HELIOS_OK) hl_record_reader_close(r);
  return st;
}

void hl_record_reader_park(hl_record_reader *r) {
  int code;
  if (r->fd >= 0) r->env->close(r->env, r->fd, &code);
  r->fd = -1;
  if (r->begin == r->end || r->inflater == NULL) drop_window(r);
}

void hl_record_reader_close(hl_record_reader *r) {
  hl_record_reader_park(r);
  drop_window(r);
  hl_inflater_free(r->inflater);
  r->inflater = NULL;
  hl_free_str(r->alloc, r->path);
  r->path = NULL;
}

/* ---- the window ------------------------------------------------------------------------------------- */

static size_t available(const hl_record_reader *r) { return r->end - r->begin; }

static helios_status read_failed(hl_record_reader *r, helios_status status, int code, hl_error *err) {
  if (status == HELIOS_EIO) return hl_fail_io(err, r->path, "cannot read", code);
  if (status == HELIOS_ENOMEM) return hl_fail(err, status, "%s: out of memory", r->path);
  return status;
}

/* Bytes from the file to the end of the window. *got 0: nothing more yet. */
static helios_status read_more(hl_record_reader *r, size_t *got, hl_error *err) {
  int code = 0;
  helios_status status = HELIOS_EIO;
  int64_t n;
  unsigned char *to = r->window + r->end;
  size_t room = r->capacity - r->end;
  if (r->inflater != NULL) n = hl_inflater_read(r->inflater, r->env, r->fd, to, room, &status, &code);
  else n = r->env->pread(r->env, r->fd, to, room, (int64_t)(r->offset + available(r)), &code);
  *got = 0;
  if (n < 0) return read_failed(r, status, code, err);
  *got = (size_t)n;
  r->end += (size_t)n;
  return HELIOS_OK;
}

/* The unread bytes move to the front of a window of `capacity` bytes. */
static helios_status set_capacity(hl_record_reader *r, size_t capacity, hl_error *err) {
  if (r->begin > 0) memmove(r->window, r->window + r->begin, available(r));
  r->end = available(r);
  r->begin = 0;
  if (capacity <= r->capacity) return HELIOS_OK;
  unsigned char *window = hl_realloc(r->alloc, r->window, r->capacity, capacity);
  if (window == NULL) return hl_fail(err, HELIOS_ENOMEM, "%s: out of memory for a record", r->path);
  r->window = window;
  r->capacity = capacity;
  return HELIOS_OK;
}

/* A plain file tells beforehand whether it can hold `need` bytes from here. */
static bool file_can_hold(hl_record_reader *r, size_t need) {
  int64_t size, links;
  bool regular;
  int code;
  if (r->inflater != NULL) return true;
  if (r->env->stat_fd(r->env, r->fd, &size, &regular, &links, &code) != 0) return true;
  return size >= 0 && (uint64_t)size >= r->offset && (uint64_t)size - r->offset >= need;
}

static helios_status widen(hl_record_reader *r, size_t need, hl_error *err) {
  size_t capacity = need <= WINDOW ? WINDOW : need;
  if (r->inflater != NULL && capacity > WINDOW) { /* grow with what really comes */
    size_t doubled = 2 * available(r) + WINDOW;
    if (capacity > doubled) capacity = doubled;
  }
  return set_capacity(r, capacity, err);
}

/* At least `need` bytes in the window, or HELIOS_EAGAIN. */
static helios_status fill(hl_record_reader *r, size_t need, hl_error *err) {
  if (available(r) >= need) return HELIOS_OK;
  helios_status st = open_file(r, err);
  if (st != HELIOS_OK) return st;
  if (need > WINDOW && !file_can_hold(r, need)) return HELIOS_EAGAIN;
  while (available(r) < need) {
    if (r->end == r->capacity || r->begin > 0) st = widen(r, need, err);
    size_t got = 0;
    if (st == HELIOS_OK) st = read_more(r, &got, err);
    if (st != HELIOS_OK) return st;
    if (got == 0) return HELIOS_EAGAIN;
  }
  return HELIOS_OK;
}

/* What lies incomplete at the end may be cut off and written anew by a recovery: read it again next time. */
static helios_status not_yet(hl_record_reader *r) {
  r->cut_bytes = available(r);
  int64_t size, links;
  bool regular;
  int code;
  if (r->inflater != NULL) return HELIOS_EAGAIN;
  if (r->fd >= 0 && r->env->stat_fd(r->env, r->fd, &size, &regular, &links, &code) == 0)
    r->cut_bytes = (uint64_t)size > r->offset ? (uint64_t)size - r->offset : 0;
  r->begin = r->end = 0;
  return HELIOS_EAGAIN;
}

/* ---- records ---------------------------------------------------------------------------------------- */

static helios_status damaged(hl_record_reader *r, uint64_t length, const char *reason) {
  r->damage = (helios_damage){.offset = r->offset, .length = length};
  snprintf(r->damage.reason, sizeof r->damage.reason, "%s", reason);
  if (length == 0) r->ended = true;
  return HELIOS_EFORMAT;
}

static bool length_holds(const unsigned char *p) { return hl_get_le32(p + 8) == hl_crc32c_masked(p, 8); }

static bool payload_holds(const unsigned char *p, size_t n) {
  const unsigned char *data = p + HL_RECORD_HEADER;
  return hl_get_le32(data + n) == hl_crc32c_masked(data, n);
}

/* A gzip or zlib stream begins with bytes that no record with a right length CRC begins with. */
static bool looks_packed(const unsigned char *p) {
  if (length_holds(p)) return false;
  if (p[0] == 0x1f && p[1] == 0x8b) return true;
  return (p[0] & 0x0f) == 8 && p[0] <= 0x78 && (p[0] * 256 + p[1]) % 31 == 0;
}

static helios_status sniff(hl_record_reader *r, hl_error *err) {
  helios_status st = fill(r, HL_RECORD_HEADER, err);
  if (st != HELIOS_OK) return st;
  r->sniffed = true;
  if (!looks_packed(r->window + r->begin)) return HELIOS_OK;
  r->inflater = hl_inflater_new(r->alloc);
  if (r->inflater == NULL) {
    r->sniffed = false;
    return hl_fail(err, HELIOS_ENOMEM, "%s: out of memory", r->path);
  }
  r->begin = r->end = 0;
  return HELIOS_OK;
}

static void consume(hl_record_reader *r, size_t n) {
  r->begin += n;
  r->offset += n;
}

/* The header of the next record. */
static helios_status next_length(hl_record_reader *r, uint64_t *length, hl_error *err) {
  helios_status st = r->sniffed ? HELIOS_OK : sniff(r, err);
  if (st == HELIOS_OK) st = fill(r, HL_RECORD_HEADER, err);
  if (st == HELIOS_EFORMAT) return damaged(r, 0, "the compressed stream is damaged; nothing behind it can be read");
  if (st != HELIOS_OK) return st;
  const unsigned char *p = r->window + r->begin;
  if (!length_holds(p)) return damaged(r, 0, "wrong length checksum; records behind it cannot be found");
  *length = hl_get_le64(p);
  if (*length > r->max_record) return damaged(r, 0, "a record longer than the limit");
  return HELIOS_OK;
}

helios_status hl_record_next(hl_record_reader *r, hl_str *payload, uint64_t *offset, hl_error *err) {
  uint64_t length = 0;
  if (r->ended) return HELIOS_EFORMAT;
  helios_status st = next_length(r, &length, err);
  if (st == HELIOS_OK) st = fill(r, (size_t)length + HL_RECORD_OVERHEAD, err);
  if (st == HELIOS_EAGAIN) return not_yet(r);
  if (st == HELIOS_EFORMAT && !r->ended)
    return damaged(r, 0, "the compressed stream is damaged; nothing behind it can be read");
  if (st != HELIOS_OK) return st;
  size_t n = (size_t)length;
  const unsigned char *p = r->window + r->begin;
  *offset = r->offset;
  *payload = (hl_str){(const char *)p + HL_RECORD_HEADER, n};
  r->cut_bytes = 0;
  if (!payload_holds(p, n)) st = damaged(r, n + HL_RECORD_OVERHEAD, "wrong data checksum");
  consume(r, n + HL_RECORD_OVERHEAD);
  return st;
}

/* Each false candidate costs a checksum as long as it claims: a file made of them must not hang us. */
static const uint64_t MOST_RESYNC_BYTES = (uint64_t)4 << 30;

/* True when a whole, intact record begins at the front of the window. */
static bool record_here(hl_record_reader *r) {
  const unsigned char *p = r->window + r->begin;
  if (!length_holds(p)) return false;
  uint64_t length = hl_get_le64(p);
  if (length == 0 || length > r->max_record || r->resync_bytes > MOST_RESYNC_BYTES) return false;
  r->resync_bytes += length;
  if (fill(r, (size_t)length + HL_RECORD_OVERHEAD, NULL) != HELIOS_OK) return false;
  return payload_holds(r->window + r->begin, (size_t)length);
}

helios_status hl_record_resync(hl_record_reader *r, uint64_t *skipped, hl_error *err) {
  uint64_t from = r->offset;
  r->ended = false;
  r->sniffed = true;
  helios_status st;
  while ((st = fill(r, HL_RECORD_HEADER, err)) == HELIOS_OK && (r->offset == from || !record_here(r))) consume(r, 1);
  *skipped = r->offset - from;
  return st == HELIOS_EAGAIN ? not_yet(r) : st;
}

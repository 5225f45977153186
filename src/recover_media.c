/* recover_media.c - encode what waited for a worker when its process died. Like recover.c it may be killed at any point
 * and done again, and believes nothing in the file that it has not checked. */
#include "recover_media.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "buf.h"
#include "crc32c.h"
#include "record.h"
#include "spool.h"
#include "wire.h"

enum { SMALLEST = HL_SPOOL_HEADER };

static const int64_t LARGEST = INT64_C(1) << 32;

typedef struct rescue {
  const hl_env *env;
  const helios_allocator *alloc;
  const char *folder;
  const char *path; /* of the spool */
  hl_spool_header *header; /* a copy of the file */
  size_t size; /* of the copy: what the call takes */
  helios_recovery *result;
  hl_error *err;
} rescue;

/* ---- the spool ------------------------------------------------------------------------------------------ */

static helios_status read_all(const rescue *r, int fd, const char *path, unsigned char *out, size_t n, int64_t at) {
  for (size_t done = 0; done < n;) {
    int code = EIO;
    int64_t k = r->env->pread(r->env, fd, out + done, n - done, at + (int64_t)done, &code);
    if (k <= 0) return hl_fail_io(r->err, path, "cannot read", code);
    done += (size_t)k;
  }
  return HELIOS_OK;
}

static bool tensor_is_sound(const hl_media_call *c) {
  if (c->ndim < 0 || c->ndim > HELIOS_MAX_NDIM || c->dtype > HELIOS_FLOAT64) return false;
  uint64_t size = helios_dtype_size((helios_dtype)c->dtype), last = 0;
  uint64_t numel = 1;
  for (int d = 0; d < c->ndim; d++) {
    if (c->shape[d] < 1 || c->stride[d] < 0) return false;
    uint64_t steps = (uint64_t)c->shape[d] - 1, stride = (uint64_t)c->stride[d], reach;
    if (__builtin_mul_overflow(numel, (uint64_t)c->shape[d], &numel)) return false;
    if (__builtin_mul_overflow(steps, stride, &reach) || __builtin_add_overflow(last, reach, &last)) return false;
  }
  uint64_t bytes;
  if (__builtin_mul_overflow(last + 1, size, &bytes) || bytes > c->data_size) return false;
  return !__builtin_mul_overflow(numel, size, &bytes) && bytes <= c->data_size;
}

static bool path_is_plain(const char *path) {
  return memchr(path, '\0', HL_SPOOL_PATH) != NULL && path[0] != '\0' && strchr(path, '/') == NULL && path[0] != '.';
}

static bool pending_is_plain(const char *name) {
  return memchr(name, '\0', HL_SPOOL_PENDING) != NULL && strchr(name, '/') == NULL;
}

/* How many bytes of a file of `size` the call in this header takes; 0: there is none, or it cannot be. */
static size_t used_size(const hl_spool_header *h, size_t size) {
  const hl_media_call *c = &h->call;
  size_t room = size - HL_SPOOL_HEADER;
  if (atomic_load(&h->magic) != HL_SPOOL_MAGIC || h->version != HL_SPOOL_VERSION || atomic_load(&h->full) != 1)
    return 0;
  if (c->tag_length > room || hl_spool_data_at(c->tag_length) > room) return 0;
  if (c->data_size > room - hl_spool_data_at(c->tag_length)) return 0;
  return HL_SPOOL_HEADER + hl_spool_data_at(c->tag_length) + (size_t)c->data_size;
}

/* Does the copy hold a whole call? */
static bool is_sound(const rescue *r) {
  const hl_media_call *c = &r->header->call;
  return used_size(r->header, r->size) == r->size && r->header->crc == hl_spool_crc(c, hl_spool_bytes(r->header)) &&
         memchr(c->params.text, '\0', sizeof c->params.text) != NULL && path_is_plain(c->path) && pending_is_plain(c->pending) &&
         tensor_is_sound(c);
}

static hl_str tag_of(const rescue *r) {
  return (hl_str){(const char *)hl_spool_bytes(r->header), r->header->call.tag_length};
}

/* ---- is it in the event file already? ------------------------------------------------------------------- */

static bool tag_matches(hl_str summary, hl_str tag) {
  hl_wire_reader values, fields;
  hl_wire_item value, field;
  hl_wire_read(&values, summary.data, summary.len);
  while (hl_wire_next(&values, &value)) {
    if (value.field != 1 || value.type != HL_WIRE_BYTES) continue;
    hl_wire_read(&fields, value.bytes.data, value.bytes.len);
    while (hl_wire_next(&fields, &field))
      if (field.field == 1 && field.type == HL_WIRE_BYTES)
        return field.bytes.len == tag.len && memcmp(field.bytes.data, tag.data, tag.len) == 0;
  }
  return false;
}

/* wall_time=1, step=2, summary=5 */
static bool is_same_event(const rescue *r, const unsigned char *payload, size_t n) {
  const hl_event *e = &r->header->call.event;
  uint64_t wall_time = 0, step = 0;
  bool tag = false;
  hl_wire_reader fields;
  hl_wire_item field;
  hl_wire_read(&fields, payload, n);
  while (hl_wire_next(&fields, &field)) {
    if (field.field == 1) wall_time = field.value;
    if (field.field == 2) step = field.value;
    if (field.field == 5 && field.type == HL_WIRE_BYTES) tag = tag_matches(field.bytes, tag_of(r));
  }
  return tag && wall_time == hl_double_bits(e->wall_time) && step == (uint64_t)e->step;
}

typedef struct scan {
  int64_t end; /* where a new record belongs: behind the last whole one, or behind damage */
  bool found;
} scan;

/* One record of the file, if it is there as a whole. *more: it is, and s->end has moved behind it. Damage within it
 * leaves its length believed. */
static helios_status scan_record(const rescue *r, int fd, const char *path, int64_t size, scan *s, bool *more) {
  unsigned char header[HL_RECORD_HEADER];
  int64_t left = size - s->end;
  *more = false;
  if (left < HL_RECORD_HEADER) return HELIOS_OK;
  helios_status st = read_all(r, fd, path, header, sizeof header, s->end);
  if (st != HELIOS_OK) return st;
  uint64_t n = hl_get_le64(header);
  if (hl_get_le32(header + 8) != hl_crc32c_masked(header, 8)) {
    s->end = size; /* nothing that a write was cut short in: it is not ours to cut away */
    return HELIOS_OK;
  }
  if (left < HL_RECORD_OVERHEAD || n > (uint64_t)(left - HL_RECORD_OVERHEAD)) return HELIOS_OK;
  hl_buf payload;
  hl_buf_init(&payload, r->alloc);
  unsigned char *p = hl_buf_grow(&payload, (size_t)n + HL_RECORD_FOOTER);
  st = p == NULL ? HELIOS_ENOMEM : read_all(r, fd, path, p, (size_t)n + HL_RECORD_FOOTER, s->end + HL_RECORD_HEADER);
  *more = st == HELIOS_OK;
  if (*more && hl_get_le32(p + n) == hl_crc32c_masked(p, (size_t)n)) s->found |= is_same_event(r, p, (size_t)n);
  if (*more) s->end += (int64_t)n + HL_RECORD_OVERHEAD;
  hl_buf_free(&payload);
  return st;
}

/* Does a record of this file begin where our event may begin at the earliest? Somebody may have put another file in its
 * place. */
static int64_t scan_start(const rescue *r, int fd, int64_t size) {
  unsigned char header[HL_RECORD_HEADER];
  int64_t written = r->header->call.written;
  if (written == size) return written;
  if (written < 0 || written > size - (int64_t)sizeof header) return 0;
  int code;
  bool read = r->env->pread(r->env, fd, header, sizeof header, written, &code) == (int64_t)sizeof header;
  return read && hl_get_le32(header + 8) == hl_crc32c_masked(header, 8) ? written : 0;
}

static helios_status scan_records(const rescue *r, int fd, const char *path, int64_t size, scan *s) {
  helios_status st;
  bool more;
  *s = (scan){scan_start(r, fd, size), false};
  do st = scan_record(r, fd, path, size, s, &more);
  while (more);
  return st;
}

/* ---- adding it ------------------------------------------------------------------------------------------- */

static helios_status write_record(const rescue *r, int fd, const char *path, hl_str record, int64_t at) {
  int code = 0;
  if (r->env->truncate(r->env, fd, at, &code) != 0) return hl_fail_io(r->err, path, "cannot cut back", code);
  if (hl_env_pwrite_all(r->env, fd, record.data, record.len, at, &code) != 0)
    return hl_fail_io(r->err, path, "cannot write", code);
  if (r->env->sync(r->env, fd, &code) != 0) return hl_fail_io(r->err, path, "cannot sync", code);
  r->result->records++;
  r->result->bytes += record.len;
  return HELIOS_OK;
}

static helios_status encode(const rescue *r, hl_buf *b, hl_str *record) {
  const hl_media_call *c = &r->header->call;
  const unsigned char *data = hl_spool_bytes(r->header) + hl_spool_data_at(c->tag_length);
  size_t mark = hl_event_begin(b);
  helios_status st = hl_media_encode(b, tag_of(r), c, data, r->err);
  return st == HELIOS_OK ? hl_event_end(b, mark, &c->event, HL_EVENT_SUMMARY, record) : st;
}

/* A file that nobody has begun yet begins as every event file does. */
static helios_status put_start(const rescue *r, hl_buf *b, hl_str *record) {
  hl_buf start;
  hl_buf_init(&start, r->alloc);
  helios_status st = hl_encode_file_start(&start, r->env->now(r->env), "helios");
  hl_buf_append(&start, record->data, record->len);
  if (st == HELIOS_OK) st = hl_buf_status(&start);
  hl_buf_free(st == HELIOS_OK ? b : &start);
  if (st != HELIOS_OK) return st;
  *b = start;
  *record = (hl_str){(const char *)b->data, b->len};
  return HELIOS_OK;
}

static helios_status add_to_file(const rescue *r, int fd, const char *path) {
  int64_t size;
  int code;
  scan s;
  if (r->env->stat_fd(r->env, fd, &size, NULL, NULL, &code) != 0) return hl_fail_io(r->err, path, "cannot stat", code);
  helios_status st = scan_records(r, fd, path, size, &s);
  if (st != HELIOS_OK || s.found) return st;
  hl_str record;
  hl_buf b;
  hl_buf_init(&b, r->alloc);
  st = encode(r, &b, &record);
  if (st == HELIOS_OK && s.end == 0) st = put_start(r, &b, &record);
  if (st == HELIOS_OK) st = write_record(r, fd, path, record, s.end);
  hl_buf_free(&b);
  return st == HELIOS_EINVAL || st == HELIOS_EFORMAT ? HELIOS_OK : st; /* no image: nothing to be had from it */
}

static helios_status rescue_call(const rescue *r) {
  int code;
  hl_buf path;
  hl_buf_init(&path, r->alloc);
  hl_buf_printf(&path, "%s/%s", r->folder, r->header->call.path);
  hl_buf_append_byte(&path, '\0');
  if (path.failed) return HELIOS_ENOMEM;
  const char *name = (const char *)path.data;
  helios_status st;
  int fd = r->env->open(r->env, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, &code); /* see recover.c */
  if (fd < 0) {
    st = hl_fail_io(r->err, name, "cannot open", code);
  } else {
    st = add_to_file(r, fd, name);
    r->env->close(r->env, fd, &code);
  }
  hl_buf_free(&path);
  return st;
}

/* ---- one spool -------------------------------------------------------------------------------------------- */

bool hl_is_spool_name(const char *name) {
  size_t n = strlen(name);
  return n > 20 && strncmp(name, ".helios-media-", 14) == 0 && strcmp(name + n - 6, ".media") == 0;
}

int64_t hl_spool_order(const hl_env *env, const char *path) {
  int64_t order;
  int code;
  int fd = env->open(env, path, O_RDONLY, &code);
  if (fd < 0) return INT64_MAX;
  int64_t at = (int64_t)(offsetof(hl_spool_header, call) + offsetof(hl_media_call, order));
  if (env->pread(env, fd, &order, sizeof order, at, &code) != (int64_t)sizeof order) order = INT64_MAX;
  env->close(env, fd, &code);
  return order;
}

/* An empty spool is as large as a full one, and a hostile one as large as it says: the header is read first. */
static helios_status find_used_size(rescue *r, int fd, int64_t size) {
  hl_spool_header header;
  if (size < SMALLEST || size > LARGEST) return HELIOS_OK;
  helios_status st = read_all(r, fd, r->path, (unsigned char *)&header, sizeof header, 0);
  if (st == HELIOS_OK) r->size = used_size(&header, (size_t)size);
  return st;
}

/* Invariant 4 of spool.h. The pending files were recovered just now; one that is still there has an owner who is about
 * to end: the system takes back its locks one by one. */
static bool pending_is_there(const rescue *r) {
  const char *name = r->header->call.pending;
  int code;
  hl_buf path;
  if (name[0] == '\0') return false;
  hl_buf_init(&path, r->alloc);
  hl_buf_printf(&path, "%s/%s", r->folder, name);
  hl_buf_append_byte(&path, '\0');
  bool there = path.failed || r->env->stat_path(r->env, (const char *)path.data, NULL, NULL, &code) == 0;
  hl_buf_free(&path);
  return there;
}

/* *live: it is to stay. */
static helios_status rescue_copy(rescue *r, int fd, bool *live) {
  unsigned char *copy = hl_alloc(r->alloc, r->size);
  if (copy == NULL) return hl_fail(r->err, HELIOS_ENOMEM, "out of memory");
  r->header = (hl_spool_header *)(void *)copy;
  helios_status st = read_all(r, fd, r->path, copy, r->size, 0);
  if (st == HELIOS_OK && is_sound(r)) {
    *live = pending_is_there(r);
    if (!*live) st = rescue_call(r);
  }
  hl_free(r->alloc, copy, r->size);
  return st;
}

static helios_status rescue_file(rescue *r, int fd, int64_t size) {
  int code;
  bool live = false;
  helios_status st = find_used_size(r, fd, size);
  if (st == HELIOS_OK && r->size > 0) st = rescue_copy(r, fd, &live);
  if (st != HELIOS_OK) return st;
  if (live) {
    r->result->live_files++;
    return HELIOS_OK;
  }
  if (r->env->remove(r->env, r->path, &code) != 0) return hl_fail_io(r->err, r->path, "cannot remove", code);
  r->result->pending_files++;
  return HELIOS_OK;
}

helios_status hl_recover_spool(const hl_env *env, const helios_allocator *alloc, const char *folder, const char *path,
                               int fd, int64_t size, helios_recovery *result, hl_error *err) {
  rescue r = {.env = env, .alloc = alloc, .folder = folder, .path = path, .result = result, .err = err};
  return rescue_file(&r, fd, size);
}

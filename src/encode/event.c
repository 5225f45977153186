/* event.c - the envelope: an Event around a payload, framed as a record. Values in, bytes out; it asks no clock.
 *
 *   Event { wall_time=1 double, step=2 int64, one of (file_version=3, graph_def=4, summary=5, session_log=7,
 *           tagged_run_metadata=8), source_metadata=10 { writer=1 } }      (tensorflow/core/util/event.proto)
 *
 * A payload is encoded behind HL_EVENT_HEADROOM free bytes, so that everything in front of it can be put there once
 * its length is known, without moving it. */
#include "encode.h"

#include "../record.h"
#include "../wire.h"

/* Field tags as they stand in the bytes: number << 3 | wire type. */
enum { TAG_WALL_TIME = 0x09, TAG_STEP = 0x10 };

static unsigned char *put_double_field(unsigned char *p, unsigned char tag, double v) {
  if (hl_double_bits(v) == 0) return p; /* proto3 leaves 0.0 out, but writes -0.0 */
  *p++ = tag;
  hl_put_le64(p, hl_double_bits(v));
  return p + 8;
}

static unsigned char *put_step(unsigned char *p, int64_t step) {
  if (step == 0) return p;
  *p++ = TAG_STEP;
  return hl_put_varint(p, (uint64_t)step);
}

unsigned char *hl_put_event_start(unsigned char *p, const hl_event *e) {
  return put_step(put_double_field(p, TAG_WALL_TIME, e->wall_time), e->step);
}

size_t hl_event_begin(hl_buf *b) {
  hl_buf_grow(b, HL_EVENT_HEADROOM);
  return b->len;
}

helios_status hl_event_end(hl_buf *b, size_t mark, const hl_event *e, uint32_t field, hl_str *record) {
  unsigned char start[HL_EVENT_HEADROOM];
  if (hl_buf_grow(b, HL_RECORD_FOOTER) == NULL) return HELIOS_ENOMEM;
  size_t payload = b->len - HL_RECORD_FOOTER - mark;
  unsigned char *end = hl_put_header(hl_put_event_start(start, e), field, payload);
  size_t n = (size_t)(end - start);
  unsigned char *event = b->data + mark - n;
  memcpy(event, start, n);
  hl_record_seal(event - HL_RECORD_HEADER, n + payload);
  *record = (hl_str){(const char *)event - HL_RECORD_HEADER, n + payload + HL_RECORD_OVERHEAD};
  return HELIOS_OK;
}

/* ---- the first records of a file ------------------------------------------------------------------------ */

static helios_status append_event(hl_buf *records, hl_buf *event) {
  helios_status st = hl_buf_status(event);
  if (st == HELIOS_OK) st = hl_record_append(records, event->data, event->len);
  hl_buf_free(event);
  return st;
}

static void begin_event(hl_buf *event, const hl_buf *records, double wall_time, int64_t step) {
  hl_buf_init(event, records->alloc);
  hl_wire_opt_double(event, 1, wall_time);
  hl_wire_opt_varint(event, 2, (uint64_t)step);
}

static const hl_str FILE_VERSION = {"brain.Event:2", 13};

helios_status hl_encode_file_start(hl_buf *records, double wall_time, const char *source) {
  hl_buf event;
  begin_event(&event, records, wall_time, 0);
  hl_wire_str_field(&event, HL_EVENT_FILE_VERSION, FILE_VERSION);
  size_t metadata = hl_wire_begin(&event, 10, 0);
  hl_wire_str_field(&event, 1, hl_str_of(source));
  hl_wire_end(&event, metadata, 0);
  return append_event(records, &event);
}

helios_status hl_encode_purge(hl_buf *records, double wall_time, int64_t step) {
  static const unsigned char session_start[] = {0x08, 0x01}; /* SessionLog { status=1 START } */
  hl_buf event;
  begin_event(&event, records, wall_time, step);
  hl_wire_str_field(&event, HL_EVENT_FILE_VERSION, FILE_VERSION);
  helios_status st = append_event(records, &event);
  if (st != HELIOS_OK) return st;
  begin_event(&event, records, wall_time, step);
  hl_wire_bytes_field(&event, HL_EVENT_SESSION_LOG, session_start, sizeof session_start);
  return append_event(records, &event);
}

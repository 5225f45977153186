/* event_reader.c - events from records, and the values inside them, without a copy.
 *
 * Fields that are unknown or of an unexpected wire type are skipped, as protobuf does; of a scalar field given twice
 * the last one counts. No recursion: a message is as deep as the code below, whatever the file says.
 * Source of the field numbers: tensorflow/core/util/event.proto, framework/summary.proto, framework/tensor.proto. */
#include "event_reader.h"

#include "../wire.h"

static const helios_slice NOTHING = {"", 0};

static helios_slice slice(hl_str s) { return (helios_slice){s.data, s.len}; }

static bool is_bytes(const hl_wire_item *item, uint32_t field) {
  return item->field == field && item->type == HL_WIRE_BYTES;
}

static bool slice_is(helios_slice s, const char *text) {
  return s.length == strlen(text) && memcmp(s.data, text, s.length) == 0;
}

/* ---- Event ------------------------------------------------------------------------------------------ */

static int session_status(helios_slice session) {
  hl_wire_reader r;
  hl_wire_item item;
  int status = 0;
  hl_wire_read(&r, session.data, session.length);
  while (hl_wire_next_inline(&r, &item))
    if (item.field == 1 && item.type == HL_WIRE_VARINT) status = (int)(item.value & 0xff);
  return status;
}

static helios_slice first_bytes_field(helios_slice message, uint32_t field) {
  hl_wire_reader r;
  hl_wire_item item;
  hl_wire_read(&r, message.data, message.length);
  while (hl_wire_next_inline(&r, &item))
    if (is_bytes(&item, field)) return slice(item.bytes);
  return (helios_slice){"", 0};
}

static void take_event_bytes(helios_event *e, const hl_wire_item *item) {
  if (item->field == 10) e->source = first_bytes_field(slice(item->bytes), 1);
  else if (item->field >= 3 && item->field <= 9) {
    e->kind = (helios_event_kind)item->field;
    e->data = slice(item->bytes);
  }
}

bool hl_event_decode(hl_str record, uint64_t offset, helios_event *e) {
  hl_wire_reader r;
  hl_wire_item item;
  memset(e, 0, sizeof *e);
  e->data = e->source = NOTHING;
  e->record = slice(record);
  e->offset = offset;
  hl_wire_read(&r, record.data, record.len);
  while (hl_wire_next_inline(&r, &item)) {
    if (item.type == HL_WIRE_BYTES) take_event_bytes(e, &item);
    else if (item.field == 1 && item.type == HL_WIRE_FIXED64) e->wall_time = hl_double_from_bits(item.value);
    else if (item.field == 2 && item.type == HL_WIRE_VARINT) e->step = (int64_t)item.value;
  }
  if (e->kind == HELIOS_EVENT_SESSION) e->session_status = session_status(e->data);
  return !r.bad;
}

void hl_event_with_summary(hl_buf *out, const helios_event *e, const hl_buf *summary) {
  hl_wire_reader r;
  hl_wire_item item;
  hl_wire_read(&r, e->record.data, e->record.length);
  for (const unsigned char *from = r.p; hl_wire_next_inline(&r, &item); from = r.p)
    if (item.field != 5) hl_buf_append(out, from, (size_t)(r.p - from));
  hl_wire_bytes_field(out, 5, summary->data, summary->len);
}

/* ---- Summary.Value ---------------------------------------------------------------------------------- */

static void take_plugin(helios_point *p, helios_slice plugin_data) {
  hl_wire_reader r;
  hl_wire_item item;
  hl_wire_read(&r, plugin_data.data, plugin_data.length);
  while (hl_wire_next_inline(&r, &item)) {
    if (is_bytes(&item, 1)) p->plugin = slice(item.bytes);
    else if (is_bytes(&item, 2)) p->content = slice(item.bytes);
  }
}

static void take_metadata(helios_point *p, helios_slice metadata) {
  hl_wire_reader r;
  hl_wire_item item;
  hl_wire_read(&r, metadata.data, metadata.length);
  while (hl_wire_next_inline(&r, &item)) {
    if (is_bytes(&item, 1)) take_plugin(p, slice(item.bytes));
    else if (is_bytes(&item, 2)) p->display_name = slice(item.bytes);
    else if (is_bytes(&item, 3)) p->description = slice(item.bytes);
  }
}

static const struct {
  const char *plugin;
  helios_kind kind;
} PLUGINS[] = {
  {"scalars", HELIOS_KIND_SCALAR},       {"text", HELIOS_KIND_TEXT},
  {"histograms", HELIOS_KIND_HISTOGRAM}, {"images", HELIOS_KIND_IMAGE},
  {"pr_curves", HELIOS_KIND_PR_CURVE},   {"hparams", HELIOS_KIND_HPARAMS},
  {"audio", HELIOS_KIND_AUDIO},          {"tensor", HELIOS_KIND_TENSOR},
  {"mesh", HELIOS_KIND_MESH},            {"custom_scalars", HELIOS_KIND_CUSTOM_SCALARS},
};

helios_kind hl_kind_of_plugin(helios_slice plugin) {
  if (plugin.length == 0) return HELIOS_KIND_TENSOR;
  for (size_t i = 0; i < sizeof PLUGINS / sizeof *PLUGINS; i++)
    if (slice_is(plugin, PLUGINS[i].plugin)) return PLUGINS[i].kind;
  return HELIOS_KIND_OTHER;
}

static void take_value_item(helios_point *p, const hl_wire_item *item) {
  switch (item->field) {
    case 1: p->tag = slice(item->bytes); return;
    case 9: take_metadata(p, slice(item->bytes)); return;
    case 4: p->kind = HELIOS_KIND_IMAGE; break;
    case 5: p->kind = HELIOS_KIND_HISTOGRAM; break;
    case 6: p->kind = HELIOS_KIND_AUDIO; break;
    case 8: p->kind = HELIOS_KIND_TENSOR; break;
    default: return;
  }
  p->data_field = item->field;
  p->data = slice(item->bytes);
}

static void take_simple_value(helios_point *p, const hl_wire_item *item) {
  p->kind = HELIOS_KIND_SCALAR;
  p->data_field = 2;
  p->value = (double)hl_float_from_bits((uint32_t)item->value);
  p->single = true;
}

void hl_point_set_kind(helios_point *p, helios_kind kind) {
  p->kind = kind;
  if (kind == HELIOS_KIND_SCALAR && !hl_tensor_scalar(p->data, &p->value, &p->single)) p->kind = HELIOS_KIND_TENSOR;
}

/* Nearly all values of nearly all files are float scalars as torch and this library write them, whose bytes differ in
 * tag and number only: comparing instead of decoding halves the time of reading them. */
static bool decode_usual_scalar(helios_point *p) {
  static const char TENSOR[] = "\x42\x08\x08\x01\x2a\x04";
  static const char METADATA[] = "\x4a\x0b\x0a\x09\x0a\x07scalars";
  enum { TENSOR_SIZE = 6, METADATA_SIZE = 13, PLUGIN_SIZE = 7 };
  const char *s = p->encoded.data;
  if (p->encoded.length < 2 || s[0] != 0x0a || (unsigned char)s[1] >= 0x80) return false;
  size_t n = (unsigned char)s[1];
  const char *rest = s + 2 + n;
  if (p->encoded.length != 2 + n + TENSOR_SIZE + 4 + METADATA_SIZE) return false;
  if (memcmp(rest, TENSOR, TENSOR_SIZE) != 0) return false;
  if (memcmp(rest + TENSOR_SIZE + 4, METADATA, METADATA_SIZE) != 0) return false;
  p->kind = HELIOS_KIND_SCALAR;
  p->tag = (helios_slice){s + 2, n};
  p->data_field = 8;
  p->data = (helios_slice){rest + 2, 8};
  p->plugin = (helios_slice){rest + TENSOR_SIZE + 4 + METADATA_SIZE - PLUGIN_SIZE, PLUGIN_SIZE};
  p->value = (double)hl_float_from_bits(hl_get_le32((const unsigned char *)rest + TENSOR_SIZE));
  p->single = true;
  return true;
}

static void decode_value(helios_point *p) {
  if (decode_usual_scalar(p)) return;
  hl_wire_reader r;
  hl_wire_item item;
  hl_wire_read(&r, p->encoded.data, p->encoded.length);
  while (hl_wire_next_inline(&r, &item)) {
    if (item.type == HL_WIRE_BYTES) take_value_item(p, &item);
    else if (item.field == 2 && item.type == HL_WIRE_FIXED32) take_simple_value(p, &item);
  }
  if (r.bad) {
    p->kind = HELIOS_KIND_OTHER;
    p->data = (helios_slice){"", 0};
    p->data_field = 0;
  } else if (p->data_field == 8) hl_point_set_kind(p, hl_kind_of_plugin(p->plugin));
  else if (p->data_field == 0 && slice_is(p->plugin, "hparams")) p->kind = HELIOS_KIND_HPARAMS; /* metadata is all */
}

/* ---- points of an event ----------------------------------------------------------------------------- */

void hl_point_init(helios_point *p, const helios_event *e) {
  memset(p, 0, sizeof *p);
  p->step = e->step;
  p->wall_time = e->wall_time;
  p->offset = e->offset;
  p->tag = p->plugin = p->content = p->display_name = p->description = p->data = p->encoded = NOTHING;
}

static bool whole_event_point(const helios_event *e, helios_point *p) {
  hl_point_init(p, e);
  p->data = e->data;
  p->kind = HELIOS_KIND_GRAPH;
  if (e->kind == HELIOS_EVENT_GRAPH) return true;
  p->kind = HELIOS_KIND_RUN_METADATA;
  p->tag = first_bytes_field(e->data, 1);
  p->data = first_bytes_field(e->data, 2);
  return true;
}

bool helios_event_next_point(const helios_event *e, size_t *cursor, helios_point *p) {
  if (e == NULL || cursor == NULL || p == NULL) return false;
  if (e->kind == HELIOS_EVENT_GRAPH || e->kind == HELIOS_EVENT_RUN_METADATA)
    return (*cursor)++ == 0 && whole_event_point(e, p);
  if (e->kind != HELIOS_EVENT_SUMMARY || *cursor > e->data.length) return false;
  hl_wire_reader r;
  hl_wire_item item;
  hl_wire_read(&r, e->data.data + *cursor, e->data.length - *cursor);
  while (hl_wire_next_inline(&r, &item)) {
    if (!is_bytes(&item, 1)) continue;
    *cursor = (size_t)((const char *)r.p - e->data.data);
    hl_point_init(p, e);
    p->encoded = slice(item.bytes);
    decode_value(p);
    return true;
  }
  return false;
}

const char *helios_kind_name(helios_kind kind) {
  static const char *const NAMES[] = {"other",    "scalar", "text",    "image", "histogram",      "audio",
                                      "pr_curve", "tensor", "hparams", "mesh",  "custom_scalars", "graph",
                                      "run_metadata", "restart"};
  return (size_t)kind < sizeof NAMES / sizeof *NAMES ? NAMES[kind] : "other";
}

/* scalar.c - a new-style scalar: a one-element float tensor under plugin `scalars`, and the whole record around it.
 *
 *   Summary { value=1 { tag=1, tensor=8 { dtype=1, float_val=5 | double_val=6 }, metadata=9 { plugin scalars } } }
 *
 * Nine tenths of all records are these, so they are put down front to back with every length known before. */
#include "../record.h"
#include "summary.h"

/* Value.metadata: SummaryMetadata { plugin_data=1 { plugin_name=1 "scalars" } } */
static const unsigned char METADATA[] = {0x4a, 0x0b, 0x0a, 0x09, 0x0a, 0x07, 's', 'c', 'a', 'l', 'a', 'r', 's'};
/* Value.tensor up to the value's bits: {FLOAT, float_val} or {DOUBLE, double_val}, without a shape */
static const unsigned char FLOAT_START[] = {0x42, 0x08, 0x08, 0x01, 0x2a, 0x04};
static const unsigned char DOUBLE_START[] = {0x42, 0x0c, 0x08, 0x02, 0x32, 0x08};

static size_t value_size(size_t tag_length, bool double_precision) {
  size_t tensor = double_precision ? sizeof DOUBLE_START + 8 : sizeof FLOAT_START + 4;
  return hl_opt_field_size(tag_length) + tensor + sizeof METADATA;
}

size_t hl_scalar_summary_size(size_t tag_length, bool double_precision) {
  return hl_field_size(value_size(tag_length, double_precision));
}

static unsigned char *put_tensor(unsigned char *p, double value, bool double_precision) {
  if (double_precision) {
    memcpy(p, DOUBLE_START, sizeof DOUBLE_START);
    hl_put_le64(p + sizeof DOUBLE_START, hl_double_bits(value));
    return p + sizeof DOUBLE_START + 8;
  }
  memcpy(p, FLOAT_START, sizeof FLOAT_START);
  hl_put_le32(p + sizeof FLOAT_START, hl_float_bits((float)value));
  return p + sizeof FLOAT_START + 4;
}

static inline unsigned char *put_summary(unsigned char *p, hl_str tag, double value, bool double_precision, size_t size) {
  p = hl_put_header(p, HL_SUMMARY_VALUE, size);
  if (tag.len != 0) p = hl_put_bytes_field(p, HL_VALUE_TAG, tag.data, tag.len);
  p = put_tensor(p, value, double_precision);
  memcpy(p, METADATA, sizeof METADATA);
  return p + sizeof METADATA;
}

unsigned char *hl_put_scalar_summary(unsigned char *p, hl_str tag, double value, bool double_precision) {
  return put_summary(p, tag, value, double_precision, value_size(tag.len, double_precision));
}

size_t hl_scalar_record_bound(size_t tag_length) { return tag_length + 128; }

size_t hl_put_scalar_record(unsigned char *record, hl_str tag, double value, bool double_precision, const hl_event *e) {
  size_t size = value_size(tag.len, double_precision);
  unsigned char *p = hl_put_event_start(record + HL_RECORD_HEADER, e);
  p = hl_put_header(p, HL_EVENT_SUMMARY, hl_field_size(size));
  p = put_summary(p, tag, value, double_precision, size);
  size_t n = (size_t)(p - record) - HL_RECORD_HEADER;
  hl_record_seal(record, n);
  return n + HL_RECORD_OVERHEAD;
}

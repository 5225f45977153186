/* summary.c - pieces of Summary.Value that every kind needs, and the check of its strings. */
#include "summary.h"

void hl_put_metadata(hl_buf *b, hl_str plugin, hl_str content) {
  size_t plugin_data = hl_opt_field_size(plugin.len) + hl_opt_field_size(content.len);
  size_t metadata = hl_field_size(plugin_data);
  unsigned char *p = hl_buf_grow(b, hl_field_size(metadata));
  if (p == NULL) return;
  p = hl_put_header(p, HL_VALUE_METADATA, metadata);
  p = hl_put_header(p, HL_METADATA_PLUGIN_DATA, plugin_data);
  if (plugin.len != 0) p = hl_put_bytes_field(p, HL_PLUGIN_NAME, plugin.data, plugin.len);
  if (content.len != 0) hl_put_bytes_field(p, HL_PLUGIN_CONTENT, content.data, content.len);
}

size_t hl_value_begin(hl_buf *b, hl_str tag, size_t size_hint) {
  size_t mark = hl_wire_begin(b, HL_SUMMARY_VALUE, hl_opt_field_size(tag.len) + size_hint);
  hl_wire_opt_str(b, HL_VALUE_TAG, tag);
  return mark;
}

void hl_value_end(hl_buf *b, size_t mark, hl_str tag, size_t size_hint) {
  hl_wire_end(b, mark, hl_opt_field_size(tag.len) + size_hint);
}

/* Length of the well-formed sequence at p, or 0. The bounds of the second byte are those of the Unicode standard's
 * table 3-7: they shut out overlong forms, surrogates and what lies above U+10FFFF. */
static size_t sequence_length(const unsigned char *p, size_t left) {
  unsigned char lead = p[0];
  if (lead < 0x80) return 1;
  size_t n = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || left < n) return 0;
  unsigned char low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  unsigned char high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  if (p[1] < low || p[1] > high) return 0;
  for (size_t i = 2; i < n; i++)
    if ((p[i] & 0xc0) != 0x80) return 0;
  return n;
}

static uint64_t eight_bytes(const unsigned char *p) {
  uint64_t v;
  memcpy(&v, p, sizeof v);
  return v;
}

/* Nearly all tags and most text: eight bytes at a time, the last eight overlapping what was looked at already. */
static bool is_ascii(const unsigned char *p, size_t n) {
  static const uint64_t high_bits = 0x8080808080808080u;
  uint64_t seen = 0;
  if (n < sizeof seen) {
    for (size_t i = 0; i < n; i++) seen |= p[i];
    return seen < 0x80;
  }
  for (size_t i = 0; i + sizeof seen < n; i += sizeof seen) seen |= eight_bytes(p + i);
  return ((seen | eight_bytes(p + n - sizeof seen)) & high_bits) == 0;
}

bool hl_utf8_valid(const char *s, size_t n) {
  const unsigned char *p = (const unsigned char *)s;
  if (is_ascii(p, n)) return true;
  for (size_t i = 0; i < n;) {
    size_t length = sequence_length(p + i, n - i);
    if (length == 0) return false;
    i += length;
  }
  return true;
}

helios_status hl_check_utf8(hl_str s, const char *argument, hl_error *err) {
  if (s.data == NULL && s.len > 0) return hl_invalid(err, argument, "is NULL");
  return hl_utf8_valid(s.data, s.len) ? HELIOS_OK : hl_invalid(err, argument, "not valid UTF-8");
}

helios_status hl_check_name(const char *s, const char *argument, hl_str *out, hl_error *err) {
  if (s == NULL) return hl_invalid(err, argument, "is NULL");
  *out = hl_str_of(s);
  return hl_check_utf8(*out, argument, err);
}

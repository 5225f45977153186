/* text.c - Markdown text and tables of it: a string tensor under plugin `text`, tag `<tag>/text_summary`. */
#include "tensor_proto.h"

static const char suffix[] = "/text_summary";
enum { SUFFIX_LENGTH = sizeof suffix - 1, OVERHEAD_HINT = 30 };

static void put_text(hl_buf *out, hl_str tag, hl_shape shape, const hl_str *cells, size_t count, size_t size_hint) {
  size_t tag_length = tag.len + SUFFIX_LENGTH;
  size_t hint = 2 + tag_length + size_hint + OVERHEAD_HINT;
  size_t mark = hl_wire_begin(out, HL_SUMMARY_VALUE, hint);
  unsigned char *p = hl_buf_grow(out, hl_field_size(tag_length));
  if (p == NULL) return;
  p = hl_put_header(p, HL_VALUE_TAG, tag_length);
  memcpy(p, tag.data, tag.len);
  memcpy(p + tag.len, suffix, SUFFIX_LENGTH);
  hl_put_string_tensor(out, shape, cells, count);
  hl_put_metadata(out, hl_str_of("text"), (hl_str){"", 0});
  hl_wire_end(out, mark, hint);
}

helios_status hl_encode_text(hl_buf *out, hl_str tag, hl_str text, hl_error *err) {
  helios_status st = hl_check_utf8(text, "text_string", err);
  if (st != HELIOS_OK) return st;
  const int64_t one = 1;
  put_text(out, tag, (hl_shape){&one, 1}, &text, 1, text.len);
  return hl_buf_status(out);
}

helios_status hl_encode_text_table(hl_buf *out, hl_str tag, const hl_str *cells, size_t rows, size_t columns,
                                   hl_error *err) {
  size_t count;
  if (rows == 0 || columns == 0) return hl_invalid(err, "text_string", "the table has no cells");
  if (__builtin_mul_overflow(rows, columns, &count) || count > INT64_MAX / sizeof *cells)
    return hl_invalid(err, "text_string", "the table has too many cells");
  size_t bytes = 0;
  for (size_t i = 0; i < count; i++) {
    if (!hl_utf8_valid(cells[i].data, cells[i].len))
      return hl_invalid(err, "text_string", "the cell in row %zu, column %zu is not valid UTF-8", i / columns + 1,
                        i % columns + 1);
    bytes += cells[i].len + 2;
  }
  const int64_t dims[] = {(int64_t)rows, (int64_t)columns};
  put_text(out, tag, (hl_shape){dims, 2}, cells, count, bytes);
  return hl_buf_status(out);
}

/* custom_scalars.c - which tags share a chart: a Layout message in a string tensor, plugin `custom_scalars`.
 *   Layout {category=2 {title=1, chart=2 {title=1, multiline=2 {tag=1 ...} | margin=3 {series=1 {value=1 ...}}}}} */
#include "tensor_proto.h"

enum { LAYOUT_CATEGORY = 2, CATEGORY_TITLE = 1, CATEGORY_CHART = 2 };
enum { CHART_TITLE = 1, CHART_MULTILINE = 2, CHART_MARGIN = 3, MULTILINE_TAG = 1, MARGIN_SERIES = 1 };
enum { SERIES_PARTS = 3, SIZE_HINT = 100 };

static const char argument[] = "layout";

static helios_status check_chart(const hl_chart *chart, hl_error *err) {
  if (chart->margin && (chart->tag_count == 0 || chart->tag_count % SERIES_PARTS != 0))
    return hl_invalid(err, argument, "a margin chart needs three tags (value, lower, upper), got %zu",
                      chart->tag_count);
  helios_status st = hl_check_utf8(chart->title, argument, err);
  for (size_t i = 0; i < chart->tag_count && st == HELIOS_OK; i++) st = hl_check_utf8(chart->tags[i], argument, err);
  return st;
}

static void put_series(hl_buf *b, const hl_str *tags) {
  size_t mark = hl_wire_begin(b, MARGIN_SERIES, SIZE_HINT);
  for (uint32_t part = 0; part < SERIES_PARTS; part++) hl_wire_opt_str(b, part + 1, tags[part]);
  hl_wire_end(b, mark, SIZE_HINT);
}

static void put_chart(hl_buf *b, const hl_chart *chart) {
  size_t outer = hl_wire_begin(b, CATEGORY_CHART, SIZE_HINT);
  hl_wire_opt_str(b, CHART_TITLE, chart->title);
  size_t inner = hl_wire_begin(b, chart->margin ? CHART_MARGIN : CHART_MULTILINE, SIZE_HINT);
  if (chart->margin)
    for (size_t i = 0; i < chart->tag_count; i += SERIES_PARTS) put_series(b, chart->tags + i);
  else
    for (size_t i = 0; i < chart->tag_count; i++) hl_wire_str_field(b, MULTILINE_TAG, chart->tags[i]);
  hl_wire_end(b, inner, SIZE_HINT);
  hl_wire_end(b, outer, SIZE_HINT);
}

static helios_status put_category(hl_buf *b, const hl_category *category, hl_error *err) {
  helios_status st = hl_check_utf8(category->title, argument, err);
  size_t mark = hl_wire_begin(b, LAYOUT_CATEGORY, SIZE_HINT);
  hl_wire_opt_str(b, CATEGORY_TITLE, category->title);
  for (size_t i = 0; i < category->chart_count && st == HELIOS_OK; i++) {
    st = check_chart(&category->charts[i], err);
    if (st == HELIOS_OK) put_chart(b, &category->charts[i]);
  }
  hl_wire_end(b, mark, SIZE_HINT);
  return st;
}

static void put_summary(hl_buf *out, hl_str layout) {
  hl_str tag = hl_str_of("custom_scalars__config__");
  size_t hint = layout.len + SIZE_HINT;
  size_t mark = hl_value_begin(out, tag, hint);
  hl_put_string_tensor(out, (hl_shape){NULL, 0}, &layout, 1);
  hl_put_metadata(out, hl_str_of("custom_scalars"), (hl_str){"", 0});
  hl_value_end(out, mark, tag, hint);
}

helios_status hl_encode_custom_scalars(hl_buf *out, const hl_category *categories, size_t count, hl_error *err) {
  hl_buf layout;
  hl_buf_init(&layout, out->alloc);
  helios_status st = HELIOS_OK;
  for (size_t i = 0; i < count && st == HELIOS_OK; i++) st = put_category(&layout, &categories[i], err);
  if (st == HELIOS_OK) st = hl_buf_status(&layout);
  if (st == HELIOS_OK) {
    put_summary(out, (hl_str){(const char *)layout.data, layout.len});
    st = hl_buf_status(out);
  }
  hl_buf_free(&layout);
  return st;
}

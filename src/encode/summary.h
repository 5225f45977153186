/* summary.h - what the kinds share of Summary.Value: its numbers, its beginning and its end. */
#ifndef HL_SUMMARY_H
#define HL_SUMMARY_H

#include "../wire.h"
#include "encode.h"

/* Summary's one field; field numbers of Summary.Value. */
enum { HL_SUMMARY_VALUE = 1 };
enum { HL_VALUE_TAG = 1, HL_VALUE_IMAGE = 4, HL_VALUE_HISTO = 5, HL_VALUE_TENSOR = 8, HL_VALUE_METADATA = 9 };
/* ... of SummaryMetadata, and of its PluginData. */
enum { HL_METADATA_PLUGIN_DATA = 1, HL_PLUGIN_NAME = 1, HL_PLUGIN_CONTENT = 2 };

/* One Summary.value with its tag: begin, append the other fields in ascending order, end. The hint is the expected
 * size of the other fields (wire.h: a good guess spares a move of the bytes). */
size_t hl_value_begin(hl_buf *b, hl_str tag, size_t size_hint);
void hl_value_end(hl_buf *b, size_t mark, hl_str tag, size_t size_hint);

/* HELIOS_EINVAL when the string given in `argument` is no UTF-8. */
helios_status hl_check_utf8(hl_str s, const char *argument, hl_error *err);
/* The same for a C string, which may be NULL by mistake; *out is then as it was. */
helios_status hl_check_name(const char *s, const char *argument, hl_str *out, hl_error *err);

#endif

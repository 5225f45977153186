/* encode.h - values in, bytes out: no file, no clock, no global, no lock.
 *
 * Each hl_encode_* appends the content of one `Summary` message (or of several, where it says so) to `out`.
 * On failure the status says why, err names argument and reason, and what was appended is to be thrown away by
 * the caller (who remembers out->len). tag is UTF-8 that has been checked.
 * Byte for byte what torch.utils.tensorboard 2.13 writes, but for the deviations the conformance tests list. */
#ifndef HL_ENCODE_H
#define HL_ENCODE_H

#include "../array.h"
#include "../buf.h"
#include "../error.h"
#include "helios/writer.h"

/* ---- event.c: the envelope ------------------------------------------------------------------------- */

/* Bytes that may come before a payload: record header, wall_time, step, field tag and length. */
enum { HL_EVENT_HEADROOM = 64 };

typedef struct hl_event {
  double wall_time;
  int64_t step;  /* 0 is not written: proto3 cannot tell it from none */
} hl_event;

/* Reserve the headroom; then append the payload of one field of Event; then end. Returns where it began. */
size_t hl_event_begin(hl_buf *b);
/* Make the bytes behind `mark` field `field` (HL_EVENT_*) of an Event, framed as a record. The record lies at
 * (*record, *size) inside b, valid until b changes. */
helios_status hl_event_end(hl_buf *b, size_t mark, const hl_event *e, uint32_t field, hl_str *record);

/* Field numbers of Event's oneof. */
enum {
  HL_EVENT_FILE_VERSION = 3,
  HL_EVENT_GRAPH_DEF = 4,
  HL_EVENT_SUMMARY = 5,
  HL_EVENT_SESSION_LOG = 7,
  HL_EVENT_TAGGED_RUN_METADATA = 8
};

/* Wall time and step, at most HL_EVENT_HEADROOM bytes; returns the byte behind them. */
unsigned char *hl_put_event_start(unsigned char *p, const hl_event *e);

/* The first record of a file: file_version brain.Event:2 and source_metadata.writer. */
helios_status hl_encode_file_start(hl_buf *records, double wall_time, const char *source);
/* The two records that make viewers purge steps >= step. */
helios_status hl_encode_purge(hl_buf *records, double wall_time, int64_t step);

/* ---- summary pieces shared by the kinds (tensor_proto.c, event.c) ---------------------------------- */

/* Summary.Value.metadata with this plugin; content may be empty. Field 9 of Value. */
void hl_put_metadata(hl_buf *b, hl_str plugin, hl_str content);
/* Is this UTF-8 (no surrogates, nothing above U+10FFFF, no overlong form)? NUL counts as a character. */
bool hl_utf8_valid(const char *s, size_t n);

/* ---- one file per kind ----------------------------------------------------------------------------- */

/* Straight to p, which must have room: the Summary, returning the byte behind it, or a whole record, returning its size.
 * Old-style values are read, never written. */
size_t hl_scalar_summary_size(size_t tag_length, bool double_precision);
unsigned char *hl_put_scalar_summary(unsigned char *p, hl_str tag, double value, bool double_precision);
size_t hl_scalar_record_bound(size_t tag_length);
size_t hl_put_scalar_record(unsigned char *p, hl_str tag, double value, bool double_precision, const hl_event *e);
/* Tag gets "/text_summary". */
helios_status hl_encode_text(hl_buf *out, hl_str tag, hl_str text, hl_error *err);
helios_status hl_encode_text_table(hl_buf *out, hl_str tag, const hl_str *cells, size_t rows, size_t columns,
                                   hl_error *err);
/* dataformats in either case; a permutation of CHW, HW or NCHW. `argument` is the image argument's name. */
helios_status hl_encode_image(hl_buf *out, hl_str tag, const DLTensor *image, const char *dataformats,
                              const char *argument, hl_error *err);
/* not_finite, if not NULL, gets a NaN or infinity that is among the values, 0 when there is none. */
helios_status hl_encode_histogram(hl_buf *out, hl_str tag, const DLTensor *values,
                                  const helios_histogram_options *options, double *not_finite, hl_error *err);
/* num_thresholds of more than 127 count as 127, less than 1 is an error; weights may be NULL. */
helios_status hl_encode_pr_curve(hl_buf *out, hl_str tag, const DLTensor *labels, const DLTensor *predictions,
                                 int64_t num_thresholds, const DLTensor *weights, hl_error *err);
/* The three summaries of add_hparams, each appended to a buffer of its own. */
helios_status hl_encode_hparams_experiment(hl_buf *out, const helios_hparam *hparams, size_t count,
                                           const helios_named_value *metrics, size_t metric_count, hl_error *err);
helios_status hl_encode_hparams_session_start(hl_buf *out, const helios_hparam *hparams, size_t count,
                                              hl_error *err);
helios_status hl_encode_hparams_session_end(hl_buf *out);

/* A custom-scalars layout (tag custom_scalars__config__). */
typedef struct hl_chart {
  hl_str title;
  bool margin;        /* tags hold value, lower, upper triples */
  const hl_str *tags;
  size_t tag_count;
} hl_chart;

typedef struct hl_category {
  hl_str title;
  const hl_chart *charts;
  size_t chart_count;
} hl_category;

helios_status hl_encode_custom_scalars(hl_buf *out, const hl_category *categories, size_t count, hl_error *err);

/* ---- beyond Helios ---------------------------------------------------------------------------------- */

helios_status hl_encode_histogram_raw(hl_buf *out, hl_str tag, const helios_histogram_raw *h, hl_error *err);
helios_status hl_encode_pr_curve_raw(hl_buf *out, hl_str tag, const helios_pr_curve_raw *c, hl_error *err);
/* not_finite as of hl_encode_histogram. */
helios_status hl_encode_tensor(hl_buf *out, hl_str tag, const DLTensor *tensor, double *not_finite, hl_error *err);
helios_status hl_encode_audio(hl_buf *out, hl_str tag, const DLTensor *sound, double sample_rate, hl_error *err);
helios_status hl_encode_video(hl_buf *out, hl_str tag, const DLTensor *video, double fps, hl_error *err);
/* All that an encoder would refuse, found without encoding; *array is the checked tensor. What passes is encoded later, by
 * a worker, and can only fail for want of memory or for passing an event's 2 GiB. */
helios_status hl_check_image(hl_array *array, const DLTensor *image, const char *dataformats, const char *argument,
                             hl_error *err);
helios_status hl_check_audio(hl_array *array, const DLTensor *sound, double sample_rate, hl_error *err);
helios_status hl_check_video(hl_array *array, const DLTensor *video, double fps, hl_error *err);
/* colors and faces may be NULL. */
helios_status hl_encode_mesh(hl_buf *out, hl_str tag, const DLTensor *vertices, const DLTensor *colors,
                             const DLTensor *faces, hl_str json_config, hl_error *err);
helios_status hl_encode_image_with_boxes(hl_buf *out, hl_str tag, const DLTensor *image, const DLTensor *boxes,
                                         const helios_boxes_options *o, hl_error *err);

#endif

/* writer_add.c - the calls that add one kind of data each: check, encode, push. What a kind's bytes are is in encode/. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "writer_impl.h"

/* ---- scalars ------------------------------------------------------------------------------------------- */

/* The record goes straight into the queue's memory: no buffer, no copy. False: the queue has no room for that. */
static bool put_scalar_in_place(helios_writer *w, hl_run *run, hl_str tag, double value, bool double_precision,
                                const hl_event *event) {
  unsigned char *p = hl_queue_reserve(w->queue, run->target, hl_scalar_record_bound(tag.len));
  if (p == NULL) return false;
  hl_queue_commit(w->queue, run->target, HL_CLASS_SCALAR, hl_put_scalar_record(p, tag, value, double_precision, event));
  return true;
}

static helios_status push_scalar(helios_writer *w, hl_run *run, hl_str tag, double value, bool double_precision,
                                 const hl_event *event, hl_error *err) {
  if (run->started && put_scalar_in_place(w, run, tag, value, double_precision, event)) return HELIOS_OK;
  hl_buf record;
  hl_writer_take_buf(w, &record);
  helios_status st = HELIOS_ENOMEM;
  if (hl_buf_reserve(&record, hl_scalar_record_bound(tag.len))) {
    size_t n = hl_put_scalar_record(record.data, tag, value, double_precision, event);
    st = hl_writer_push(w, run, HL_CLASS_SCALAR, (hl_str){(const char *)record.data, n}, 1, err);
  }
  hl_writer_give_buf(w, &record);
  return st;
}

/* What a point's float holds: infinite where the double was too large. */
static double as_float(double value) { return (float)value; }

static helios_status add_scalar(helios_writer *w, const char *tag, double value, int64_t step,
                                const helios_scalar_options *o) {
  hl_error err;
  err.status = HELIOS_OK;
  helios_status st = hl_writer_check(w);
  if (st == HELIOS_OK) {
    hl_str name;
    st = hl_check_name(tag, "tag", &name, &err);
    if (st == HELIOS_OK) {
      hl_event event = hl_writer_event(w, step, o);
      st = push_scalar(w, w->main, name, value, o != NULL && o->double_precision, &event, &err);
    }
  }
  if (st != HELIOS_OK) return hl_writer_fail(w, st, &err);
  hl_writer_check_finite(w, tag, o != NULL && o->double_precision ? value : as_float(value), step);
  return HELIOS_OK;
}

helios_status helios_writer_add_scalar(helios_writer *w, const char *tag, double value, int64_t step) {
  return add_scalar(w, tag, value, step, NULL);
}

helios_status helios_writer_add_scalar_with(helios_writer *w, const char *tag, double value, int64_t step,
                                            const helios_scalar_options *options) {
  hl_error err = {.status = HELIOS_OK};
  helios_scalar_options o;
  helios_status st = hl_take_add_options(&o, sizeof o, options, &err);
  return st == HELIOS_OK ? add_scalar(w, tag, value, step, &o) : hl_writer_fail(w, st, &err);
}

/* ---- several scalars of one chart ---------------------------------------------------------------------- */

/* A folder that no file system takes is a wrong call; as a disk's failure it would be tried again for ever. */
static helios_status check_folder_length(size_t length, const char *argument, hl_error *err) {
  if (length <= NAME_MAX) return HELIOS_OK;
  return hl_invalid(err, argument, "its run's folder would have a name of %zu bytes, %d are possible", length, NAME_MAX);
}

static void append_part(hl_buf *path, const char *part) {
  for (; *part != '\0'; part++) hl_buf_append_byte(path, (unsigned char)(*part == '/' ? '_' : *part));
}

static helios_status add_to_series_run(helios_writer *w, const char *main_tag, const helios_named_value *v,
                                       const hl_event *event, hl_buf *path, hl_error *err) {
  hl_run *run;
  hl_buf_reset(path);
  append_part(path, main_tag);
  hl_buf_append_byte(path, '_');
  append_part(path, v->name);
  if (path->failed) return HELIOS_ENOMEM;
  helios_status st = hl_writer_run(w, (hl_str){(const char *)path->data, path->len}, &run, err);
  return st == HELIOS_OK ? push_scalar(w, run, hl_str_of(main_tag), v->value, false, event, err) : st;
}

static helios_status add_to_series_tag(helios_writer *w, const char *main_tag, const helios_named_value *v,
                                       const hl_event *event, hl_buf *tag, hl_error *err) {
  hl_buf_reset(tag);
  hl_buf_append_str(tag, main_tag);
  hl_buf_append_byte(tag, '/');
  hl_buf_append_str(tag, v->name);
  if (tag->failed) return HELIOS_ENOMEM;
  return push_scalar(w, w->main, (hl_str){(const char *)tag->data, tag->len}, v->value, false, event, err);
}

/* A new series changes the layout that draws them together; viewers take the newest. */
static helios_status update_layout(helios_writer *w, const char *main_tag, const helios_named_value *values,
                                   size_t count, const hl_event *event, hl_error *err) {
  bool changed = false;
  helios_status st = hl_layout_add(w, main_tag, values, count, &changed);
  if (st != HELIOS_OK || !changed) return st;
  hl_str record;
  hl_buf b;
  hl_writer_take_buf(w, &b);
  hl_event at = {.wall_time = event->wall_time, .step = 0};
  size_t mark = hl_event_begin(&b);
  st = hl_layout_encode(w, &b, err);
  if (st == HELIOS_OK) st = hl_event_end(&b, mark, &at, HL_EVENT_SUMMARY, &record);
  if (st == HELIOS_OK) st = hl_writer_push(w, w->main, HL_CLASS_TEXT, record, 1, err);
  hl_writer_give_buf(w, &b);
  return st;
}

static helios_status check_series(const char *main_tag, const helios_named_value *values, size_t count, bool tags,
                                  hl_error *err) {
  static const char argument[] = "tag_scalar_dict";
  hl_str main, name;
  helios_status st = hl_check_name(main_tag, "main_tag", &main, err);
  if (st == HELIOS_OK && values == NULL && count > 0) st = hl_invalid(err, argument, "is NULL");
  for (size_t i = 0; i < count && st == HELIOS_OK; i++) {
    st = hl_check_name(values[i].name, argument, &name, err);
    if (st == HELIOS_OK && !tags) st = check_folder_length(main.len + 1 + name.len, argument, err);
  }
  return st;
}

static helios_status add_series(helios_writer *w, const char *main_tag, const helios_named_value *values, size_t count,
                                const hl_event *event, hl_error *err) {
  bool tags = w->options.scalars_layout == HELIOS_SCALARS_TAGS;
  helios_status st = check_series(main_tag, values, count, tags, err);
  if (st == HELIOS_OK && tags && count > 0) st = update_layout(w, main_tag, values, count, event, err);
  hl_buf name;
  hl_buf_init(&name, &w->alloc);
  for (size_t i = 0; i < count && st == HELIOS_OK; i++)
    st = tags ? add_to_series_tag(w, main_tag, &values[i], event, &name, err)
              : add_to_series_run(w, main_tag, &values[i], event, &name, err);
  hl_buf_free(&name);
  return st;
}

helios_status helios_writer_add_scalars(helios_writer *w, const char *main_tag, const helios_named_value *values,
                                        size_t count, int64_t step, const helios_add_options *options) {
  hl_error err = {.status = HELIOS_OK};
  helios_add_options o;
  helios_status st = hl_writer_check(w);
  if (st == HELIOS_OK) st = hl_take_add_options(&o, sizeof o, options, &err);
  if (st == HELIOS_OK) {
    hl_event event = hl_writer_event(w, step, &o);
    st = add_series(w, main_tag, values, count, &event, &err);
  }
  if (st != HELIOS_OK) return hl_writer_fail(w, st, &err);
  for (size_t i = 0; i < count; i++) hl_writer_check_finite(w, main_tag, as_float(values[i].value), step);
  return HELIOS_OK;
}

/* ---- one event each -------------------------------------------------------------------------------------- */

helios_status helios_writer_add_text(helios_writer *w, const char *tag, const char *text, size_t length, int64_t step,
                                     const helios_add_options *options) {
  helios_add_options o;
  hl_add a;
  helios_status st = hl_add_begin(&a, w, tag, step, options, &o, sizeof o);
  if (st == HELIOS_OK) st = hl_encode_text(&a.buf, a.tag, (hl_str){text, length}, &a.err);
  return hl_add_end(&a, st, HL_CLASS_TEXT);
}

static helios_status encode_cells(hl_add *a, const char *const *cells, const size_t *lengths, size_t rows,
                                  size_t columns) {
  if (columns != 0 && rows > SIZE_MAX / sizeof(hl_str) / columns)
    return hl_invalid(&a->err, "text_string", "has too many cells");
  size_t count = rows * columns;
  if (cells == NULL && count > 0) return hl_invalid(&a->err, "text_string", "is NULL");
  hl_str *strings = hl_alloc(&a->w->alloc, (count + 1) * sizeof *strings);
  if (strings == NULL) return HELIOS_ENOMEM;
  helios_status st = HELIOS_OK;
  for (size_t i = 0; i < count && st == HELIOS_OK; i++) {
    if (lengths != NULL) strings[i] = (hl_str){cells[i], lengths[i]};
    else st = hl_check_name(cells[i], "text_string", &strings[i], &a->err);
  }
  if (st == HELIOS_OK) st = hl_encode_text_table(&a->buf, a->tag, strings, rows, columns, &a->err);
  hl_free(&a->w->alloc, strings, (count + 1) * sizeof *strings);
  return st;
}

helios_status helios_writer_add_text_table(helios_writer *w, const char *tag, const char *const *cells,
                                           const size_t *lengths, size_t rows, size_t columns, int64_t step,
                                           const helios_add_options *options) {
  helios_add_options o;
  hl_add a;
  helios_status st = hl_add_begin(&a, w, tag, step, options, &o, sizeof o);
  if (st == HELIOS_OK) st = encode_cells(&a, cells, lengths, rows, columns);
  return hl_add_end(&a, st, HL_CLASS_TEXT);
}

/* `argument` is the image's name in errors. */
static helios_status add_image(helios_writer *w, const char *tag, const DLTensor *image, const char *argument,
                               const char *dataformats, int64_t step, const helios_add_options *options) {
  helios_add_options o;
  hl_media_request m;
  helios_status st = hl_writer_begin_media(&m, w, tag, step, options, &o, sizeof o);
  if (st == HELIOS_OK) st = hl_check_image(&m.values, image, dataformats, argument, &m.err);
  if (st == HELIOS_OK) snprintf(m.params.text, sizeof m.params.text, "%s", dataformats);
  return hl_writer_end_media(&m, st, HL_MEDIA_IMAGE);
}

helios_status helios_writer_add_image(helios_writer *w, const char *tag, const DLTensor *image, const char *dataformats,
                                      int64_t step, const helios_add_options *options) {
  return add_image(w, tag, image, "img", dataformats != NULL ? dataformats : "CHW", step, options);
}

helios_status helios_writer_add_images(helios_writer *w, const char *tag, const DLTensor *images,
                                       const char *dataformats, int64_t step, const helios_add_options *options) {
  return add_image(w, tag, images, "imgs", dataformats != NULL ? dataformats : "NCHW", step, options);
}

helios_status helios_writer_add_histogram(helios_writer *w, const char *tag, const DLTensor *values, int64_t step,
                                          const helios_histogram_options *options) {
  helios_histogram_options o;
  hl_add a;
  helios_status st = hl_add_begin(&a, w, tag, step, options, &o, sizeof o);
  double not_finite = 0;
  if (st == HELIOS_OK) st = hl_encode_histogram(&a.buf, a.tag, values, &o, &not_finite, &a.err);
  st = hl_add_end(&a, st, HL_CLASS_SCALAR);
  if (st == HELIOS_OK) hl_writer_check_finite(w, tag, not_finite, step);
  return st;
}

enum { MOST_THRESHOLDS = 127 };

helios_status helios_writer_add_pr_curve(helios_writer *w, const char *tag, const DLTensor *labels,
                                         const DLTensor *predictions, int64_t step,
                                         const helios_pr_curve_options *options) {
  helios_pr_curve_options o;
  hl_add a;
  helios_status st = hl_add_begin(&a, w, tag, step, options, &o, sizeof o);
  if (st == HELIOS_OK) {
    int64_t thresholds = o.num_thresholds != 0 ? o.num_thresholds : MOST_THRESHOLDS;
    st = hl_encode_pr_curve(&a.buf, a.tag, labels, predictions, thresholds, o.weights, &a.err);
  }
  return hl_add_end(&a, st, HL_CLASS_SCALAR);
}

/* ---- hyper-parameters: several events, queued in one piece ------------------------------------------------ */

static helios_status check_run_name(const char *name, hl_error *err) {
  helios_status st = hl_check_utf8(hl_str_of(name), "run_name", err);
  if (st != HELIOS_OK) return st;
  if (name[0] == '/' || name[0] == '\0') return hl_invalid(err, "run_name", "must be a path below the run folder");
  for (const char *part = name; part != NULL; part = strchr(part, '/')) {
    part += *part == '/';
    size_t n = strcspn(part, "/");
    if (n == 0 || (n == 1 && part[0] == '.') || (n == 2 && part[0] == '.' && part[1] == '.'))
      return hl_invalid(err, "run_name", "\"%s\" is no plain path below the run folder", name);
    st = check_folder_length(n, "run_name", err);
    if (st != HELIOS_OK) return st;
  }
  return HELIOS_OK;
}

static helios_status run_of(helios_writer *w, const char *name, hl_run **run, hl_error *err) {
  *run = w->main;
  if (name == NULL || strcmp(name, ".") == 0) return HELIOS_OK;
  helios_status st = check_run_name(name, err);
  return st == HELIOS_OK ? hl_writer_run(w, hl_str_of(name), run, err) : st;
}

/* Encode one Summary in `event`, and append it as a record. */
static helios_status append_record(hl_buf *records, hl_buf *event, const hl_event *e, size_t mark) {
  hl_str record;
  helios_status st = hl_buf_status(event);
  if (st == HELIOS_OK) st = hl_event_end(event, mark, e, HL_EVENT_SUMMARY, &record);
  if (st == HELIOS_OK) hl_buf_append(records, record.data, record.len);
  return st == HELIOS_OK ? hl_buf_status(records) : st;
}

typedef struct hparams_call {
  const helios_hparam *hparams;
  size_t hparam_count;
  const helios_named_value *metrics;
  size_t metric_count;
  hl_event event;
} hparams_call;

static helios_status append_experiment(hl_buf *records, hl_buf *b, const hparams_call *c, hl_error *err) {
  hl_buf_reset(b);
  size_t mark = hl_event_begin(b);
  helios_status st =
      hl_encode_hparams_experiment(b, c->hparams, c->hparam_count, c->metrics, c->metric_count, err);
  return st == HELIOS_OK ? append_record(records, b, &c->event, mark) : st;
}

static helios_status append_session(hl_buf *records, hl_buf *b, const hparams_call *c, hl_error *err) {
  hl_buf_reset(b);
  size_t mark = hl_event_begin(b);
  helios_status st = hl_encode_hparams_session_start(b, c->hparams, c->hparam_count, err);
  if (st == HELIOS_OK) st = append_record(records, b, &c->event, mark);
  if (st != HELIOS_OK) return st;
  hl_buf_reset(b);
  mark = hl_event_begin(b);
  st = hl_encode_hparams_session_end(b);
  return st == HELIOS_OK ? append_record(records, b, &c->event, mark) : st;
}

static helios_status append_metrics(hl_buf *records, const hparams_call *c) {
  for (size_t i = 0; i < c->metric_count; i++) {
    hl_str tag = hl_str_of(c->metrics[i].name);
    if (!hl_buf_reserve(records, hl_scalar_record_bound(tag.len))) return HELIOS_ENOMEM;
    records->len += hl_put_scalar_record(records->data + records->len, tag, c->metrics[i].value, false, &c->event);
  }
  return HELIOS_OK;
}

static helios_status add_hparams(helios_writer *w, const hparams_call *c, const char *run_name, hl_error *err) {
  hl_run *run;
  hl_buf records, event;
  hl_buf_init(&records, &w->alloc);
  hl_writer_take_buf(w, &event);
  helios_status st = append_experiment(&records, &event, c, err);
  if (st == HELIOS_OK) st = append_session(&records, &event, c, err);
  if (st == HELIOS_OK) st = append_metrics(&records, c);
  if (st == HELIOS_OK) st = run_of(w, run_name, &run, err); /* last: a wrong call makes no folder */
  if (st == HELIOS_OK)
    st = hl_writer_push(w, run, HL_CLASS_TEXT, (hl_str){(const char *)records.data, records.len},
                        (uint32_t)(3 + c->metric_count), err);
  hl_writer_give_buf(w, &event);
  hl_buf_free(&records);
  return st;
}

helios_status helios_writer_add_hparams(helios_writer *w, const helios_hparam *hparams, size_t hparam_count,
                                        const helios_named_value *metrics, size_t metric_count, int64_t step,
                                        const helios_hparams_options *options) {
  hl_error err = {.status = HELIOS_OK};
  helios_hparams_options o;
  helios_status st = hl_writer_check(w);
  if (st == HELIOS_OK) st = hl_take_add_options(&o, sizeof o, options, &err);
  if (st == HELIOS_OK) {
    hparams_call c = {hparams, hparam_count, metrics, metric_count, hl_writer_event(w, step, &o)};
    st = add_hparams(w, &c, o.run_name, &err);
  }
  if (st != HELIOS_OK) return hl_writer_fail(w, st, &err);
  for (size_t i = 0; i < metric_count; i++)
    hl_writer_check_finite(w, metrics[i].name, as_float(metrics[i].value), step);
  return HELIOS_OK;
}

/* writer_media.c - the calls for what TensorBoard shows beyond scalars, text, images and distributions: check, encode,
 * push. What a kind's bytes are is in encode/. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "encode/graph.h"
#include "writer_impl.h"

static const double USUAL_RATE = 44100, USUAL_FPS = 4;

helios_status helios_writer_add_histogram_raw(helios_writer *w, const char *tag, const helios_histogram_raw *histogram,
                                              int64_t step, const helios_add_options *options) {
  helios_add_options o;
  hl_add a;
  helios_status st = hl_add_begin(&a, w, tag, step, options, &o, sizeof o);
  if (st == HELIOS_OK) st = hl_encode_histogram_raw(&a.buf, a.tag, histogram, &a.err);
  return hl_add_end(&a, st, HL_CLASS_SCALAR);
}

helios_status helios_writer_add_pr_curve_raw(helios_writer *w, const char *tag, const helios_pr_curve_raw *curve,
                                             int64_t step, const helios_add_options *options) {
  helios_add_options o;
  hl_add a;
  helios_status st = hl_add_begin(&a, w, tag, step, options, &o, sizeof o);
  if (st == HELIOS_OK) st = hl_encode_pr_curve_raw(&a.buf, a.tag, curve, &a.err);
  return hl_add_end(&a, st, HL_CLASS_SCALAR);
}

helios_status helios_writer_add_tensor(helios_writer *w, const char *tag, const DLTensor *tensor, int64_t step,
                                       const helios_add_options *options) {
  helios_add_options o;
  hl_add a;
  helios_status st = hl_add_begin(&a, w, tag, step, options, &o, sizeof o);
  double not_finite = 0;
  if (st == HELIOS_OK) st = hl_encode_tensor(&a.buf, a.tag, tensor, &not_finite, &a.err);
  st = hl_add_end(&a, st, HL_CLASS_MEDIA);
  if (st == HELIOS_OK) hl_writer_check_finite(w, tag, not_finite, step);
  return st;
}

helios_status helios_writer_add_audio(helios_writer *w, const char *tag, const DLTensor *sound, int64_t step,
                                      const helios_audio_options *options) {
  helios_audio_options o;
  hl_media_request m;
  helios_status st = hl_writer_begin_media(&m, w, tag, step, options, &o, sizeof o);
  if (st == HELIOS_OK) m.params.number = o.sample_rate == 0 ? USUAL_RATE : o.sample_rate;
  if (st == HELIOS_OK) st = hl_check_audio(&m.values, sound, m.params.number, &m.err);
  return hl_writer_end_media(&m, st, HL_MEDIA_AUDIO);
}

helios_status helios_writer_add_video(helios_writer *w, const char *tag, const DLTensor *video, int64_t step,
                                      const helios_video_options *options) {
  helios_video_options o;
  hl_media_request m;
  helios_status st = hl_writer_begin_media(&m, w, tag, step, options, &o, sizeof o);
  if (st == HELIOS_OK) m.params.number = o.fps == 0 ? USUAL_FPS : o.fps;
  if (st == HELIOS_OK) st = hl_check_video(&m.values, video, m.params.number, &m.err);
  return hl_writer_end_media(&m, st, HL_MEDIA_VIDEO);
}

helios_status helios_writer_add_mesh(helios_writer *w, const char *tag, const DLTensor *vertices, int64_t step,
                                     const helios_mesh_options *options) {
  helios_mesh_options o;
  hl_add a;
  helios_status st = hl_add_begin(&a, w, tag, step, options, &o, sizeof o);
  if (st == HELIOS_OK) {
    hl_str config = hl_str_of(o.json_config != NULL ? o.json_config : "{}");
    st = hl_encode_mesh(&a.buf, a.tag, vertices, o.colors, o.faces, config, &a.err);
  }
  return hl_add_end(&a, st, HL_CLASS_MEDIA);
}

helios_status helios_writer_add_image_with_boxes(helios_writer *w, const char *tag, const DLTensor *image,
                                                 const DLTensor *boxes, int64_t step,
                                                 const helios_boxes_options *options) {
  helios_boxes_options o;
  hl_add a;
  helios_status st = hl_add_begin(&a, w, tag, step, options, &o, sizeof o);
  if (st == HELIOS_OK) st = hl_encode_image_with_boxes(&a.buf, a.tag, image, boxes, &o, &a.err);
  return hl_add_end(&a, st, HL_CLASS_MEDIA);
}

/* ---- custom scalars ---------------------------------------------------------------------------------------- */

static size_t count_tags(const helios_category *categories, size_t count, size_t *charts) {
  size_t tags = 0;
  *charts = 0;
  for (size_t i = 0; i < count; i++) {
    *charts += categories[i].chart_count;
    for (size_t k = 0; k < categories[i].chart_count; k++) tags += categories[i].charts[k].tag_count;
  }
  return tags;
}

/* Nothing that is counted may be missing. */
static helios_status check_given(const helios_category *categories, size_t count, hl_error *err) {
  static const char argument[] = "layout";
  if (categories == NULL && count > 0) return hl_invalid(err, argument, "is NULL");
  for (size_t i = 0; i < count; i++) {
    const helios_category *c = &categories[i];
    if (c->title == NULL) return hl_invalid(err, argument, "category %zu has no title", i + 1);
    if (c->charts == NULL && c->chart_count > 0) return hl_invalid(err, argument, "'%.200s' has no charts", c->title);
    for (size_t k = 0; k < c->chart_count; k++) {
      const helios_chart *chart = &c->charts[k];
      if (chart->title == NULL) return hl_invalid(err, argument, "chart %zu of '%.200s' has no title", k + 1, c->title);
      for (size_t t = 0; t < chart->tag_count; t++)
        if (chart->tags == NULL || chart->tags[t] == NULL)
          return hl_invalid(err, argument, "tag %zu of chart '%.200s' is NULL", t + 1, chart->title);
    }
  }
  return HELIOS_OK;
}

/* The public layout as the encoder's slices, laid out in memory the caller made room in. */
static void fill_layout(hl_category *to, hl_chart *charts, hl_str *tags, const helios_category *from, size_t count) {
  for (size_t i = 0; i < count; i++) {
    to[i] = (hl_category){hl_str_of(from[i].title), charts, from[i].chart_count};
    for (size_t k = 0; k < from[i].chart_count; k++, charts++) {
      const helios_chart *c = &from[i].charts[k];
      *charts = (hl_chart){hl_str_of(c->title), c->margin, tags, c->tag_count};
      for (size_t t = 0; t < c->tag_count; t++) *tags++ = hl_str_of(c->tags[t]);
    }
  }
}

static helios_status encode_layout(hl_add *a, const helios_category *categories, size_t count) {
  const helios_allocator *alloc = &a->w->alloc;
  size_t chart_count, tag_count = count_tags(categories, count, &chart_count);
  hl_category *to = hl_alloc_zeroed(alloc, count + 1, sizeof *to);
  hl_chart *charts = hl_alloc_zeroed(alloc, chart_count + 1, sizeof *charts);
  hl_str *tags = hl_alloc_zeroed(alloc, tag_count + 1, sizeof *tags);
  helios_status st = HELIOS_ENOMEM;
  if (to != NULL && charts != NULL && tags != NULL) {
    fill_layout(to, charts, tags, categories, count);
    st = hl_encode_custom_scalars(&a->buf, to, count, &a->err);
  }
  hl_free(alloc, to, (count + 1) * sizeof *to);
  hl_free(alloc, charts, (chart_count + 1) * sizeof *charts);
  hl_free(alloc, tags, (tag_count + 1) * sizeof *tags);
  return st;
}

helios_status helios_writer_add_custom_scalars(helios_writer *w, const helios_category *categories, size_t count,
                                               const helios_add_options *options) {
  helios_add_options o;
  hl_add a;
  helios_status st = hl_add_begin(&a, w, "", 0, options, &o, sizeof o); /* a layout has no step */
  if (st == HELIOS_OK) st = check_given(categories, count, &a.err);
  if (st == HELIOS_OK) st = encode_layout(&a, categories, count);
  return hl_add_end(&a, st, HL_CLASS_TEXT);
}

static helios_status add_one_chart(helios_writer *w, helios_chart chart, const char *category, const char *title,
                                   const helios_add_options *options) {
  chart.title = title != NULL ? title : "untitled";
  helios_category only = {category != NULL ? category : "default", &chart, 1};
  return helios_writer_add_custom_scalars(w, &only, 1, options);
}

helios_status helios_writer_add_custom_scalars_multilinechart(helios_writer *w, const char *const *tags,
                                                              size_t tag_count, const char *category,
                                                              const char *title, const helios_add_options *options) {
  return add_one_chart(w, (helios_chart){.tags = tags, .tag_count = tag_count}, category, title, options);
}

helios_status helios_writer_add_custom_scalars_marginchart(helios_writer *w, const char *const *tags, size_t tag_count,
                                                           const char *category, const char *title,
                                                           const helios_add_options *options) {
  helios_chart chart = {.margin = true, .tags = tags, .tag_count = tag_count};
  return add_one_chart(w, chart, category, title, options);
}

/* ---- graphs ------------------------------------------------------------------------------------------------ */

/* Both events of a graph as one piece: viewers must not find the second without the first. */
static helios_status push_graph(helios_writer *w, const helios_graph *graph, const hl_event *at, hl_error *err) {
  hl_str record;
  hl_buf def, metadata;
  hl_writer_take_buf(w, &def);
  hl_buf_init(&metadata, &w->alloc);
  size_t mark = hl_event_begin(&metadata);
  helios_status st = hl_encode_graph_run_metadata(&metadata);
  hl_str second = {NULL, 0};
  if (st == HELIOS_OK) st = hl_event_end(&metadata, mark, at, HL_EVENT_TAGGED_RUN_METADATA, &second);
  mark = hl_event_begin(&def);
  if (st == HELIOS_OK) st = hl_encode_graph_def(&def, graph);
  if (st == HELIOS_OK) st = hl_event_end(&def, mark, at, HL_EVENT_GRAPH_DEF, &record);
  if (st == HELIOS_OK) {
    size_t start = (size_t)((const unsigned char *)record.data - def.data);
    def.len = start + record.len;
    hl_buf_append(&def, second.data, second.len);
    st = hl_buf_status(&def);
    record = (hl_str){(const char *)def.data + start, record.len + second.len};
  }
  if (st == HELIOS_OK) st = hl_writer_push(w, w->main, HL_CLASS_MEDIA, record, 2, err);
  hl_writer_give_buf(w, &def);
  hl_buf_free(&metadata);
  return st;
}

static helios_status add_graph(helios_writer *w, const helios_graph *graph, const helios_add_options *options,
                               hl_error *err) {
  helios_add_options o;
  helios_status st = hl_take_add_options(&o, sizeof o, options, err);
  if (st != HELIOS_OK) return st;
  hl_event at = hl_writer_event(w, 0, &o); /* a graph has no step */
  return push_graph(w, graph, &at, err);
}

helios_status helios_writer_add_graph(helios_writer *w, const helios_graph *graph, const helios_add_options *options) {
  hl_error err = {.status = HELIOS_OK};
  helios_status st = hl_writer_check(w);
  if (st == HELIOS_OK && graph == NULL) st = hl_invalid(&err, "graph", "is NULL");
  if (st == HELIOS_OK) st = add_graph(w, graph, options, &err);
  return hl_writer_fail(w, st, &err);
}

/* ---- ONNX -------------------------------------------------------------------------------------------------- */

/* Fill `data` with n bytes from the start of a file; -1 with *code. A file that shrank meanwhile is an error. */
static int read_whole(const hl_env *env, int fd, unsigned char *data, size_t n, int *code) {
  for (size_t done = 0; done < n;) {
    int64_t k = env->pread(env, fd, data + done, n - done, (int64_t)done, code);
    if (k < 0) return -1;
    if (k == 0) {
      *code = ESTALE;
      return -1;
    }
    done += (size_t)k;
  }
  return 0;
}

static helios_status read_model(helios_writer *w, const char *path, int fd, hl_buf *out, hl_error *err) {
  int64_t size, links;
  bool regular;
  int code;
  if (w->env->stat_fd(w->env, fd, &size, &regular, &links, &code) != 0) return hl_fail_io(err, path, "stat", code);
  if (!regular) return hl_fail(err, HELIOS_EFORMAT, "%s: not a regular file", path);
  if (size > INT32_MAX) return hl_fail(err, HELIOS_ELIMIT, "%s: larger than the 2 GiB of an ONNX model", path);
  unsigned char *data = hl_buf_grow(out, (size_t)size);
  if (data == NULL) return size == 0 ? HELIOS_OK : HELIOS_ENOMEM;
  if (read_whole(w->env, fd, data, (size_t)size, &code) != 0) return hl_fail_io(err, path, "cannot read", code);
  return HELIOS_OK;
}

static helios_status load_model(helios_writer *w, const char *path, hl_buf *out, hl_error *err) {
  int code, ignored;
  int fd = w->env->open(w->env, path, O_RDONLY | O_NONBLOCK, &code); /* a FIFO must not make us wait */
  if (fd < 0) return hl_fail_io(err, path, "cannot open", code);
  helios_status st = read_model(w, path, fd, out, err);
  w->env->close(w->env, fd, &ignored);
  return st;
}

/* The reason with the file in front of it. */
static helios_status name_file(helios_status st, const char *path, hl_error *err) {
  if (st != HELIOS_EFORMAT && st != HELIOS_ELIMIT) return st;
  hl_error why = *err;
  *err = (hl_error){.status = HELIOS_OK};
  return hl_fail(err, st, "%.160s: %s", path, why.reason);
}

static helios_status add_model(helios_writer *w, const char *path, const helios_add_options *options, hl_error *err) {
  hl_buf file;
  hl_buf_init(&file, &w->alloc);
  helios_graph *graph = NULL;
  helios_status st = load_model(w, path, &file, err);
  if (st == HELIOS_OK) st = helios_graph_new(&w->alloc, &graph);
  if (st == HELIOS_OK) st = name_file(hl_graph_add_onnx(graph, file.data, file.len, &w->alloc, err), path, err);
  if (st == HELIOS_OK) st = add_graph(w, graph, options, err);
  helios_graph_free(graph);
  hl_buf_free(&file);
  return st;
}

helios_status helios_writer_add_onnx_graph(helios_writer *w, const char *path, const helios_add_options *options) {
  hl_error err = {.status = HELIOS_OK};
  helios_status st = hl_writer_check(w);
  if (st == HELIOS_OK && path == NULL) st = hl_invalid(&err, "path", "is NULL");
  if (st == HELIOS_OK) st = add_model(w, path, options, &err);
  return hl_writer_fail(w, st, &err);
}

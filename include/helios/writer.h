/* helios/writer.h - a TensorBoard run: open a folder, add points, flush, close.
 *
 * The conventions numbered in helios.h hold. For every helios_writer_add_*:
 * - `tag` is UTF-8, kept byte for byte; invalid UTF-8 is HELIOS_EINVAL.
 * - `step` is any int64, or HELIOS_NO_STEP: then the writer's step is written if
 *   helios_writer_set_step() gave one, else no step at all.
 * - arguments are copied before the call returns; a call never waits for the disk.
 * - HELIOS_EINVAL and HELIOS_ENOMEM are returned here and nothing is written. An I/O failure is kept
 *   and told by the next flush or close; what could not be written is kept and tried again.
 * - options may be NULL for the defaults; otherwise set `.size = sizeof(that struct)`, which lets a
 *   program compiled against an older header run with a newer library.
 * - a call on a closed writer is HELIOS_ECLOSED; in a forked child HELIOS_EFORKED.
 * What each call writes is described in docs of TensorBoard's summary.proto and, byte for byte, by
 * torch.utils.tensorboard 2.13, which the conformance tests compare against. */
#ifndef HELIOS_WRITER_H
#define HELIOS_WRITER_H

#include <stdbool.h>

#include "status.h"
#include "tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

/* "No step was given." Not a usable step itself. */
#define HELIOS_NO_STEP INT64_MIN

typedef struct helios_writer helios_writer;

/* How far a flush goes. PROCESS: acknowledged data survives the process, not a power cut.
 * DISK: each flush also ends in fdatasync. */
typedef enum helios_durability { HELIOS_DURABLE_PROCESS = 0, HELIOS_DURABLE_DISK = 1 } helios_durability;

/* Where add_scalars puts its series: a run folder each (as torch does), or tags of this run. */
typedef enum helios_scalars_layout { HELIOS_SCALARS_RUNS = 0, HELIOS_SCALARS_TAGS = 1 } helios_scalars_layout;

/* Called when the first write to a path fails, and again only after a success in between. May be
 * called from the background thread, while the handle is locked: it must not call back into it. */
typedef void (*helios_error_fn)(void *ctx, helios_status status, const char *message);

/* Called in the adding thread, before add_* returns and with no lock held, the first time a tag gets
 * a value that is NaN or infinite as it is written, in add_scalar, add_scalars, a metric of add_hparams, add_histogram
 * or add_tensor. step: HELIOS_NO_STEP when none was given. */
typedef void (*helios_notice_fn)(void *ctx, const char *tag, double value, int64_t step);

typedef struct helios_writer_options {
  size_t size;                    /* sizeof(helios_writer_options) */
  double flush_secs;              /* longest time an event waits for its file; 0 means 2 s */
  int64_t purge_step;             /* with has_purge_step: viewers drop steps >= this, from earlier files */
  bool has_purge_step;
  const char *filename_suffix;    /* appended to each event file's name; NULL for none */
  helios_durability durability;
  helios_scalars_layout scalars_layout;
  size_t max_pending;             /* bytes kept on the heap while the disk fails; 0 means 16 MiB */
  int threads;                    /* media workers and the background thread: -1 for none, 0 as built in */
  const char *source;             /* source_metadata.writer; NULL means "helios" */
  const helios_allocator *allocator;
  helios_error_fn on_error;
  helios_notice_fn on_notice;
  void *ctx;                      /* passed to both callbacks */
  double (*clock)(void *ctx);     /* seconds since the epoch; NULL for the system's */
  void *clock_ctx;
} helios_writer_options;

/* Open the run in folder `run_path`: make it (with parents), recover what a killed process left pending
 * there, and get ready to write. The event file itself appears with the first event.
 * HELIOS_EIO when the folder cannot be made or written; *out is then NULL. `error`, if not NULL, gets the
 * detail (at most error_size bytes, always terminated). */
HELIOS_API helios_status helios_writer_open(const char *run_path, const helios_writer_options *options,
                                            helios_writer **out, char *error, size_t error_size);

/* The step of every later call that gives none (HELIOS_NO_STEP: none again). */
HELIOS_API helios_status helios_writer_set_step(helios_writer *w, int64_t step);

/* The highest step that any call so far has given its event; HELIOS_NO_STEP before the first. A program that goes on
 * from a checkpoint purges from the step after the one that this was at the checkpoint. Also after close. */
HELIOS_API int64_t helios_writer_highest_step(const helios_writer *w);

/* What every add_* with options has in common. */
#define HELIOS_ADD_OPTIONS_FIELDS                                             \
  size_t size;                                                                \
  double walltime;   /* with has_walltime: seconds since the epoch, finite */ \
  bool has_walltime

typedef struct helios_add_options {
  HELIOS_ADD_OPTIONS_FIELDS;
} helios_add_options;

/* Queue one point of series `tag` (a new-style scalar: float tensor, plugin `scalars`). The value is
 * rounded once, from double to float. */
HELIOS_API helios_status helios_writer_add_scalar(helios_writer *w, const char *tag, double value,
                                                  int64_t step);

typedef struct helios_scalar_options {
  HELIOS_ADD_OPTIONS_FIELDS;
  bool double_precision; /* keep a double, which TensorBoard's data server does not show */
} helios_scalar_options;

/* The same with options. */
HELIOS_API helios_status helios_writer_add_scalar_with(helios_writer *w, const char *tag, double value,
                                                       int64_t step, const helios_scalar_options *options);

typedef struct helios_named_value {
  const char *name;
  double value;
} helios_named_value;

/* One point for each of `count` series that one chart overlays: runs `<run>/<main_tag>_<name>`, in which
 * a '/' of tag or name becomes '_', or tags `<main_tag>/<name>` with HELIOS_SCALARS_TAGS. */
HELIOS_API helios_status helios_writer_add_scalars(helios_writer *w, const char *main_tag,
                                                   const helios_named_value *values, size_t count,
                                                   int64_t step, const helios_add_options *options);

/* Markdown text of `length` bytes (may hold NUL, must be UTF-8) under `<tag>/text_summary`. */
HELIOS_API helios_status helios_writer_add_text(helios_writer *w, const char *tag, const char *text,
                                                size_t length, int64_t step,
                                                const helios_add_options *options);

/* A table of strings, rows x columns in row order, shown as a table. lengths may be NULL (C strings). */
HELIOS_API helios_status helios_writer_add_text_table(helios_writer *w, const char *tag,
                                                      const char *const *cells, const size_t *lengths,
                                                      size_t rows, size_t columns, int64_t step,
                                                      const helios_add_options *options);

/* An image. dataformats: a permutation of "CHW", "HW", or a permutation of "NCHW" (drawn as a grid of 8
 * columns), any case; NULL means "CHW". 1, 3 or 4 channels (a grid: 1 or 3). uint8 is taken as it is; anything
 * else times 255, clipped to 0..255, truncated; NaN is 0. */
HELIOS_API helios_status helios_writer_add_image(helios_writer *w, const char *tag, const DLTensor *image,
                                                 const char *dataformats, int64_t step,
                                                 const helios_add_options *options);

/* The same with "NCHW" as default. */
HELIOS_API helios_status helios_writer_add_images(helios_writer *w, const char *tag, const DLTensor *images,
                                                  const char *dataformats, int64_t step,
                                                  const helios_add_options *options);

/* A figure as the host has drawn it: pixels, or the bytes of a PNG file; the other is NULL. */
typedef struct helios_picture {
  const DLTensor *pixels; /* uint8, height x width x channels, 1, 3 or 4 of those */
  const void *png;
  size_t png_size;
} helios_picture;

/* A figure, or `count` figures of one size in a grid of 8 columns, as an RGB image: gray is repeated, alpha dropped. Takes
 * as long as decoding the PNG. (From Lua, helios.figure draws them.) */
HELIOS_API helios_status helios_writer_add_figure(helios_writer *w, const char *tag, const helios_picture *figures,
                                                  size_t count, int64_t step, const helios_add_options *options);

typedef struct helios_histogram_options {
  HELIOS_ADD_OPTIONS_FIELDS;
  const char *bins;    /* NULL or "tensorflow", "auto", "fd", "doane", "scott", "rice", "sturges", "sqrt" */
  int64_t bin_count;   /* > 0: that many equal bins from min to max */
  const double *edges; /* edge_count ascending edges, instead of the two above */
  size_t edge_count;
  int64_t max_bins;    /* > 0: join neighbours until there are about this many */
} helios_histogram_options;

/* The distribution of `values` (any shape and dtype), in at most 2^24 bins: HELIOS_EINVAL where more are asked for, or
 * where a rule such as "fd" would make more of values that lie far apart. */
HELIOS_API helios_status helios_writer_add_histogram(helios_writer *w, const char *tag, const DLTensor *values,
                                                     int64_t step, const helios_histogram_options *options);

typedef struct helios_pr_curve_options {
  HELIOS_ADD_OPTIONS_FIELDS;
  int64_t num_thresholds;  /* 0 means 127; at most 127 are used */
  const DLTensor *weights; /* one number, or as many as labels; NULL means 1 */
} helios_pr_curve_options;

/* Precision and recall over thresholds. labels are 0/1, predictions in [0, 1], as many of each. */
HELIOS_API helios_status helios_writer_add_pr_curve(helios_writer *w, const char *tag, const DLTensor *labels,
                                                    const DLTensor *predictions, int64_t step,
                                                    const helios_pr_curve_options *options);

typedef enum helios_value_type { HELIOS_VALUE_NUMBER, HELIOS_VALUE_STRING, HELIOS_VALUE_BOOL } helios_value_type;

/* A hyper-parameter's value. */
typedef struct helios_value {
  helios_value_type type;
  double number;      /* NUMBER; BOOL as 0 or 1 */
  const char *string; /* STRING: UTF-8 */
} helios_value;

typedef struct helios_hparam {
  const char *name;
  helios_value value;
  const helios_value *domain; /* the discrete values it can take; NULL: not given */
  size_t domain_count;
  bool has_domain;            /* tells an empty domain from none */
} helios_hparam;

typedef struct helios_hparams_options {
  HELIOS_ADD_OPTIONS_FIELDS;
  const char *run_name; /* NULL or ".": this run's own event file; else the run <run_path>/<run_name> */
} helios_hparams_options;

/* Hyper-parameters and metrics for the HPARAMS tab. Metrics are new-style scalars of the same run. */
HELIOS_API helios_status helios_writer_add_hparams(helios_writer *w, const helios_hparam *hparams,
                                                   size_t hparam_count, const helios_named_value *metrics,
                                                   size_t metric_count, int64_t step,
                                                   const helios_hparams_options *options);

/* ---- the rest of what TensorBoard shows, with torch.utils.tensorboard's names -------------------------- */

/* A histogram that was counted elsewhere; written as it is. */
typedef struct helios_histogram_raw {
  double min, max, num, sum, sum_squares;
  const double *bucket_limits; /* bucket_count right edges */
  const double *bucket_counts;
  size_t bucket_count;
} helios_histogram_raw;

HELIOS_API helios_status helios_writer_add_histogram_raw(helios_writer *w, const char *tag,
                                                         const helios_histogram_raw *histogram, int64_t step,
                                                         const helios_add_options *options);

/* A PR curve that was computed elsewhere: six rows of `count` numbers, one for each threshold. */
typedef struct helios_pr_curve_raw {
  const double *true_positive_counts, *false_positive_counts, *true_negative_counts, *false_negative_counts;
  const double *precision, *recall;
  size_t count;
  int64_t num_thresholds; /* what is told to viewers: 0 means 127, which is also the most */
} helios_pr_curve_raw;

HELIOS_API helios_status helios_writer_add_pr_curve_raw(helios_writer *w, const char *tag,
                                                        const helios_pr_curve_raw *curve, int64_t step,
                                                        const helios_add_options *options);

/* A whole tensor of any shape and dtype (plugin `tensor`, which viewers do not draw), at most 2 GiB. */
HELIOS_API helios_status helios_writer_add_tensor(helios_writer *w, const char *tag, const DLTensor *tensor,
                                                  int64_t step, const helios_add_options *options);

typedef struct helios_audio_options {
  HELIOS_ADD_OPTIONS_FIELDS;
  double sample_rate; /* Hz; 0 means 44100 */
} helios_audio_options;

/* Mono sound: one dimension of at least two samples in [-1, 1] (others may be 1), clipped to that; 16-bit WAV. */
HELIOS_API helios_status helios_writer_add_audio(helios_writer *w, const char *tag, const DLTensor *sound,
                                                 int64_t step, const helios_audio_options *options);

typedef struct helios_video_options {
  HELIOS_ADD_OPTIONS_FIELDS;
  double fps; /* frames a second; 0 means 4 */
} helios_video_options;

/* Films of (N, T, C, H, W), C 1 or 3, as one animated GIF with the N films in a grid. uint8 is taken as it is, anything
 * else times 255. A frame keeps its colours when it has at most 256 of them, else gets the best 256. */
HELIOS_API helios_status helios_writer_add_video(helios_writer *w, const char *tag, const DLTensor *video,
                                                 int64_t step, const helios_video_options *options);

typedef struct helios_mesh_options {
  HELIOS_ADD_OPTIONS_FIELDS;
  const DLTensor *colors;  /* (B, N, 3); NULL: none */
  const DLTensor *faces;   /* (B, M, 3) indices of vertices; NULL: a cloud of points */
  const char *json_config; /* three.js settings as a JSON object; NULL means "{}" */
} helios_mesh_options;

/* Points in space, (B, N, 3), with colours and faces. */
HELIOS_API helios_status helios_writer_add_mesh(helios_writer *w, const char *tag, const DLTensor *vertices,
                                                int64_t step, const helios_mesh_options *options);

typedef struct helios_boxes_options {
  HELIOS_ADD_OPTIONS_FIELDS;
  double rescale;            /* the picture's size is multiplied by it (Lanczos); 0 means 1 */
  const char *dataformats;   /* as for add_image; NULL means "CHW" */
  const char *const *labels; /* one line of text for each box; drawn when there are as many as boxes */
  size_t label_count;
} helios_boxes_options;

/* An image with red boxes on it: rows of left, top, right, bottom in pixels. */
HELIOS_API helios_status helios_writer_add_image_with_boxes(helios_writer *w, const char *tag, const DLTensor *image,
                                                            const DLTensor *boxes, int64_t step,
                                                            const helios_boxes_options *options);

/* An embedding for the projector. It is no event but files: <run>/<step>/<tag>/{tensors,metadata}.tsv and sprite.png,
 * named by <run>/projector_config.pbtxt, which lists all embeddings this handle has added. */
typedef struct helios_embedding {
  size_t size;                        /* sizeof(helios_embedding) */
  const char *tag;                    /* NULL means "default" */
  const DLTensor *matrix;             /* (N, D): a row for each point */
  const char *const *metadata;        /* metadata_rows labels, or metadata_rows x metadata_columns cells in row order with
                                         a header; NULL: none */
  size_t metadata_rows;
  const char *const *metadata_header; /* metadata_columns column names; NULL: one column without a name */
  size_t metadata_columns;
  const DLTensor *label_img;          /* (N, C, H, W), C 1 or 3: a small picture for each point; NULL: none */
} helios_embedding;

/* Files are made before the call returns. A wrong call makes none. HELIOS_EIO: what could not be written is named in
 * the detail, and what the call had made is removed again. */
HELIOS_API helios_status helios_writer_add_embedding(helios_writer *w, const helios_embedding *embedding, int64_t step);

/* Which tags share a chart on the custom scalars dashboard. */
typedef struct helios_chart {
  const char *title;
  bool margin;             /* tags are triples: value, lower and upper bound; else each is a line (a regular expression) */
  const char *const *tags;
  size_t tag_count;
} helios_chart;

typedef struct helios_category {
  const char *title;
  const helios_chart *charts;
  size_t chart_count;
} helios_category;

/* The layout of that dashboard; the newest one counts. */
HELIOS_API helios_status helios_writer_add_custom_scalars(helios_writer *w, const helios_category *categories,
                                                          size_t count, const helios_add_options *options);

/* A layout of one chart: a line for each tag, or a margin for each triple of tags (value, lower and upper bound). category
 * NULL means "default", title NULL "untitled". */
HELIOS_API helios_status helios_writer_add_custom_scalars_multilinechart(
  helios_writer *w, const char *const *tags, size_t tag_count, const char *category, const char *title,
  const helios_add_options *options);
HELIOS_API helios_status helios_writer_add_custom_scalars_marginchart(
  helios_writer *w, const char *const *tags, size_t tag_count, const char *category, const char *title,
  const helios_add_options *options);

/* ---- graphs -------------------------------------------------------------------------------------------- */

/* A graph that is built node by node. Not for several threads at once. */
typedef struct helios_graph helios_graph;

typedef struct helios_graph_attr {
  const char *name;
  helios_value value; /* a number with an integer's value is shown as one */
} helios_graph_attr;

/* The shape of one output. */
typedef struct helios_graph_shape {
  const int64_t *dims; /* -1: unknown size */
  size_t ndim;
} helios_graph_shape;

typedef struct helios_graph_node {
  size_t size;               /* sizeof(helios_graph_node) */
  const char *name;          /* unique in the graph; '/' separates scopes */
  const char *op;            /* its type; NULL means "UnSpecified" */
  const char *device;        /* such as "/device:CPU:0"; NULL: none */
  const char *const *inputs; /* names of nodes; "name:1" is the second output, "^name" a dependency without data */
  size_t input_count;
  const helios_graph_shape *shapes; /* of the outputs; NULL: not known */
  size_t shape_count;
  const helios_graph_attr *attrs;
  size_t attr_count;
} helios_graph_node;

/* HELIOS_ENOMEM is the only failure; *graph is then NULL. */
HELIOS_API helios_status helios_graph_new(const helios_allocator *allocator, helios_graph **graph);
/* Append a copy of the node. A name that is empty or was there before is HELIOS_EINVAL. */
HELIOS_API helios_status helios_graph_add_node(helios_graph *graph, const helios_graph_node *node);
/* Detail of the last failed call on this graph; like helios_writer_error(). */
HELIOS_API size_t helios_graph_error(const helios_graph *graph, char *text, size_t size);
/* NULL is fine. */
HELIOS_API void helios_graph_free(helios_graph *graph);

/* Show the graph. It is read, not kept; it has no step. */
HELIOS_API helios_status helios_writer_add_graph(helios_writer *w, const helios_graph *graph,
                                                 const helios_add_options *options);

/* Show the graph of an ONNX model's file. HELIOS_EIO when it cannot be read, HELIOS_EFORMAT when it is none. */
HELIOS_API helios_status helios_writer_add_onnx_graph(helios_writer *w, const char *path,
                                                      const helios_add_options *options);

typedef struct helios_stats {
  size_t size;           /* set to sizeof(helios_stats) before the call */
  uint64_t events;       /* events or lines accepted */
  uint64_t bytes;        /* bytes that reached files */
  uint64_t dropped;      /* events or lines that were given up, ever */
  uint64_t pending;      /* bytes accepted and not yet in their file */
  bool shared_buffer;    /* pending bytes survive a kill (false: heap memory, see the manual) */
  char last_error[256];  /* text of the last failure, or "" */
} helios_stats;

/* Write everything that is pending now. HELIOS_EIO or HELIOS_EDROPPED tell of failures since the last flush. */
HELIOS_API helios_status helios_writer_flush(helios_writer *w);

/* Flush and end the run's files; the handle stays valid for stats, error, a second close (HELIOS_OK, no
 * effect) and free. Returns what flush would. */
HELIOS_API helios_status helios_writer_close(helios_writer *w);

/* Close if need be and give the memory back. NULL is fine. */
HELIOS_API void helios_writer_free(helios_writer *w);

/* Counters; works on closed writers too. */
HELIOS_API helios_status helios_writer_stats(helios_writer *w, helios_stats *out);

/* The run folder, as given to open. */
HELIOS_API const char *helios_writer_run_path(const helios_writer *w);

/* Detail of the last failed call on this handle: for HELIOS_EINVAL the argument's name, ": " and the reason; for
 * HELIOS_EIO path and reason. Copies at most size bytes, terminated; returns the length it has whole. */
HELIOS_API size_t helios_writer_error(helios_writer *w, char *text, size_t size);

#ifdef __cplusplus
}
#endif
#endif

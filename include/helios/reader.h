/* helios/reader.h - events back from files: of any writer, whole or damaged, finished or still growing.
 *
 * The conventions numbered in helios.h hold, with one exception: a reader or run is used by one thread at a time.
 * Three layers, each usable alone:
 *   helios_reader  one event file: records in order, CRCs checked, plain or gzip-ed (told by its first bytes)
 *   helios_point   one value of one tag at one step, decoded from an event without a copy
 *   helios_run     all event files of one folder in name order, with the points viewers would show
 *
 * What damage does, and the same holds for every call here:
 *   - the end of the file inside a record is "not yet" (HELIOS_EAGAIN): call again when the file has grown;
 *   - a payload whose CRC is wrong, or which is no Event, is skipped, counted and listed;
 *   - a length whose CRC is wrong ends the file, since nothing behind it can be found; counted and listed.
 * A length is believed only up to the bytes the file has and to max_record, before anything is allocated. */
#ifndef HELIOS_READER_H
#define HELIOS_READER_H

#include <stdbool.h>

#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes that belong to a reader: valid until its next call. Not terminated. */
typedef struct helios_slice {
  const char *data;
  size_t length;
} helios_slice;

typedef struct helios_reader_options {
  size_t size;                        /* sizeof(helios_reader_options) */
  const helios_allocator *allocator;
  uint64_t max_record;                /* largest payload believed; 0 means 2 GiB, protobuf's own limit */
  bool keep_purged;                   /* runs: give every point, and say where a restart voids earlier ones */
} helios_reader_options;

/* ---- one file -------------------------------------------------------------------------------------- */

typedef struct helios_reader helios_reader;

typedef enum helios_event_kind {
  HELIOS_EVENT_EMPTY = 0,        /* none of the below */
  HELIOS_EVENT_FILE_VERSION = 3, /* data: "brain.Event:2" */
  HELIOS_EVENT_GRAPH = 4,        /* data: a GraphDef */
  HELIOS_EVENT_SUMMARY = 5,      /* data: a Summary; see helios_event_next_point() */
  HELIOS_EVENT_LOG_MESSAGE = 6,  /* data: a LogMessage (deprecated in TensorFlow) */
  HELIOS_EVENT_SESSION = 7,      /* data: a SessionLog; session_status tells */
  HELIOS_EVENT_RUN_METADATA = 8, /* data: a TaggedRunMetadata */
  HELIOS_EVENT_META_GRAPH = 9    /* data: a MetaGraphDef */
} helios_event_kind;

enum { HELIOS_SESSION_START = 1, HELIOS_SESSION_STOP = 2, HELIOS_SESSION_CHECKPOINT = 3 };

typedef struct helios_event {
  helios_event_kind kind;
  double wall_time;    /* seconds since the epoch */
  int64_t step;        /* 0 when none was written: the format cannot tell the two apart */
  int session_status;  /* of HELIOS_EVENT_SESSION, else 0 */
  helios_slice data;   /* content of the field that `kind` names */
  helios_slice source; /* source_metadata.writer: who wrote the file; on first events only */
  helios_slice record; /* the whole serialized Event */
  uint64_t offset;     /* of its record in the (unpacked) file */
} helios_event;

/* One place where a file is damaged. */
typedef struct helios_damage {
  uint64_t offset;  /* of the record, in the unpacked file */
  uint64_t length;  /* bytes that were skipped; 0: everything from here on */
  char reason[80];
} helios_damage;

typedef struct helios_reader_stats {
  size_t size;        /* set to sizeof(helios_reader_stats) before the call */
  uint64_t records;   /* intact events given so far */
  uint64_t damaged;   /* damaged places met so far */
  uint64_t offset;    /* end of the last record that was read whole */
  uint64_t cut_bytes; /* bytes of an incomplete record seen at the end; 0 when the file ends at a boundary */
  bool ended;         /* a bad length was met: nothing more will come */
  bool compressed;
} helios_reader_stats;

/* Open an event file. HELIOS_EIO: it cannot be opened; *out is NULL and `error` (may be NULL) has the detail. */
HELIOS_API helios_status helios_reader_open(const char *path, const helios_reader_options *options,
                                            helios_reader **out, char *error, size_t error_size);

/* The next intact event, which lives until the next call.
 * HELIOS_EAGAIN: no further whole record yet. HELIOS_EFORMAT: the file ended at a bad length (stats.ended), for
 * good. HELIOS_EIO: reading failed; may be called again. HELIOS_ENOMEM: the event is not lost, call again. */
HELIOS_API helios_status helios_reader_next(helios_reader *r, helios_event *event);

/* What has been met so far. */
HELIOS_API helios_status helios_reader_stats_get(const helios_reader *r, helios_reader_stats *out);

/* The i-th damaged place, from 0, in order; false when there is none. The first 256 are listed, all are counted. */
HELIOS_API bool helios_reader_damage(const helios_reader *r, size_t i, helios_damage *out);

/* Detail of the last failure: path, offset and reason. As helios_writer_error(). */
HELIOS_API size_t helios_reader_error(const helios_reader *r, char *text, size_t size);

/* The path as given to open. */
HELIOS_API const char *helios_reader_path(const helios_reader *r);

/* Close the file and give the memory back. NULL is fine. */
HELIOS_API void helios_reader_free(helios_reader *r);

/* ---- one value ------------------------------------------------------------------------------------- */

/* What a value is to a user, whether it was written old-style (simple_value, image, histo, audio) or new-style (a
 * tensor whose plugin says what it means). */
typedef enum helios_kind {
  HELIOS_KIND_OTHER = 0,
  HELIOS_KIND_SCALAR,
  HELIOS_KIND_TEXT,
  HELIOS_KIND_IMAGE,
  HELIOS_KIND_HISTOGRAM,
  HELIOS_KIND_AUDIO,
  HELIOS_KIND_PR_CURVE,
  HELIOS_KIND_TENSOR,
  HELIOS_KIND_HPARAMS,
  HELIOS_KIND_MESH,
  HELIOS_KIND_CUSTOM_SCALARS,
  HELIOS_KIND_GRAPH,        /* data is a GraphDef, the tag is empty */
  HELIOS_KIND_RUN_METADATA, /* data is a RunMetadata */
  HELIOS_KIND_RESTART       /* runs with keep_purged: points of all tags at `step` and above are void */
} helios_kind;

/* "scalar", "text" and so on; never NULL. */
HELIOS_API const char *helios_kind_name(helios_kind kind);

typedef struct helios_point {
  helios_kind kind;
  int64_t step;
  double wall_time;
  double value;              /* of a scalar */
  bool single;               /* the value was stored as a float, so that 9 digits tell it */
  bool restarts;             /* runs with keep_purged: this tag's points at `step` and above, given before, are void */
  uint32_t data_field;       /* of Summary.Value: 2 simple_value, 4 image, 5 histo, 6 audio, 8 tensor; 0 none */
  uint32_t tag_index;        /* runs: see helios_run_tag(); UINT32_MAX for HELIOS_KIND_RESTART */
  uint32_t file_index;       /* runs: see helios_run_file() */
  helios_slice tag;
  helios_slice plugin;       /* as written with this value; may be empty */
  helios_slice content;      /* the plugin's own bytes */
  helios_slice display_name;
  helios_slice description;
  helios_slice data;         /* the message that holds the value */
  helios_slice encoded;      /* the whole Summary.Value */
  uint64_t offset;           /* of the record that holds it */
} helios_point;

/* Step through the values of an event: *cursor starts at 0. Also gives graphs and run metadata as points. False at
 * the end. A value that does not parse has kind HELIOS_KIND_OTHER and no data. */
HELIOS_API bool helios_event_next_point(const helios_event *event, size_t *cursor, helios_point *point);

/* The same for events of this reader in order: a tensor without a plugin is what the first value of its tag was told to
 * be. TensorFlow writes the plugin only there. */
HELIOS_API bool helios_reader_next_point(helios_reader *r, const helios_event *event, size_t *cursor,
                                         helios_point *point);

typedef struct helios_image_view {
  int64_t width, height;
  int64_t colorspace;    /* channels: 1, 3, 4; 0 when the file does not say */
  helios_slice encoded;  /* PNG, GIF or JPEG bytes */
} helios_image_view;

typedef struct helios_audio_view {
  double sample_rate;
  int64_t channels, frames;
  helios_slice encoded;      /* the bytes of a sound file */
  helios_slice content_type; /* "audio/wav" */
} helios_audio_view;

/* The decoders below return HELIOS_EINVAL for a point of another kind and HELIOS_EFORMAT for damaged bytes.
 * They allocate nothing. index counts the images or sounds of a new-style batch from 0; beyond it: HELIOS_EAGAIN. */
HELIOS_API helios_status helios_point_image(const helios_point *p, size_t index, helios_image_view *out);
HELIOS_API helios_status helios_point_audio(const helios_point *p, size_t index, helios_audio_view *out);

/* The i-th string of a tensor of strings (text: row order); HELIOS_EAGAIN beyond the last. */
HELIOS_API helios_status helios_point_string(const helios_point *p, size_t i, helios_slice *out);

/* dtype (TensorFlow's number) and sizes of a tensor. *ndim is how many sizes there are; at most max are stored. */
HELIOS_API helios_status helios_point_shape(const helios_point *p, int *dtype, int64_t *sizes, int max, int *ndim);

/* The numbers of a tensor in row order as doubles: at most max are stored, *count is how many the file holds. A shape
 * of more elements than the file has values repeats the last one, as TensorFlow means it; HELIOS_ELIMIT when
 * it claims more than 2^22 of them. `out` may be NULL with max 0. */
HELIOS_API helios_status helios_point_numbers(const helios_point *p, double *out, size_t max, size_t *count);

typedef struct helios_bucket {
  double left, right, count;
} helios_bucket;

typedef struct helios_histogram_view {
  double min, max, num, sum, sum_squares;
} helios_histogram_view;

/* A histogram's buckets from left to right: at most max are stored, *count is how many there are. The empty first
 * bucket that some writers put before the first edge is left out. view may be NULL. */
HELIOS_API helios_status helios_point_histogram(const helios_point *p, helios_histogram_view *view,
                                                helios_bucket *out, size_t max, size_t *count);

/* ---- one run --------------------------------------------------------------------------------------- */

typedef struct helios_run helios_run;

/* What is known of one tag, from the points read so far. With keep_purged, voided points are counted too. The strings are
 * the run's: good until it is freed, rewound, or a call on it gave HELIOS_ENOMEM. */
typedef struct helios_tag_info {
  const char *tag;      /* terminated; may hold NUL before tag_length */
  size_t tag_length;
  const char *plugin;   /* of its first value; "" when none */
  helios_kind kind;
  uint64_t points;
  int64_t first_step, last_step;
  double first_time, last_time;
  double last_value;    /* of a scalar */
  bool single;
} helios_tag_info;

/* Open all event files directly in the folder `path` (names with "tfevents"), or the one file `path`.
 * What a later sitting replaced is left out, as in TensorBoard: a step at or below the last one of its tag voids that
 * tag's points from there on, and a SessionLog START at step N voids all points at N and above.
 * This takes a first pass over the files with the first call of next. HELIOS_EIO: nothing there to read. */
HELIOS_API helios_status helios_run_open(const char *path, const helios_reader_options *options, helios_run **out,
                                         char *error, size_t error_size);

/* The next point, in the order of the files. HELIOS_EAGAIN: no more yet. A file that ends in damage ends there, and
 * the next file goes on. HELIOS_EIO as helios_reader_next(). New files and new events are found by calling again. */
HELIOS_API helios_status helios_run_next(helios_run *run, helios_point *point);

/* Take the first pass now, so that helios_run_tag() tells what viewers would show, and start from the first file. */
HELIOS_API helios_status helios_run_scan(helios_run *run);

/* Start again from the first file. */
HELIOS_API helios_status helios_run_rewind(helios_run *run);

/* For runs opened with keep_purged, instead of next: read to the end and keep what viewers would show of scalars in
 * memory (24 bytes a point); call again for what is new. */
HELIOS_API helios_status helios_run_load(helios_run *run);

typedef struct helios_column {
  size_t count;
  const int64_t *steps;
  const double *times;
  const double *values;
} helios_column;

/* The loaded points of a tag, valid until the next call of load; empty for tags that are not scalars. */
HELIOS_API bool helios_run_column(const helios_run *run, size_t tag_index, helios_column *out);

/* The tags met so far, in order of appearance. A tag whose values are of two kinds is two entries. */
HELIOS_API size_t helios_run_tag_count(const helios_run *run);
HELIOS_API bool helios_run_tag(const helios_run *run, size_t i, helios_tag_info *out);

/* The files, in the order they are read. The reader is for stats, damage and path only; NULL beyond the last, and for a
 * file to which no call has come yet (helios_run_scan comes to all). */
HELIOS_API size_t helios_run_file_count(const helios_run *run);
HELIOS_API const helios_reader *helios_run_file(const helios_run *run, size_t i);

/* Detail of the last failed call on this run, as helios_reader_error(). */
HELIOS_API size_t helios_run_error(const helios_run *run, char *text, size_t size);
/* Close its files and give the memory back. NULL is fine. */
HELIOS_API void helios_run_free(helios_run *run);

/* Call fn for each run at or below `root`, in name order: `name` is the folder relative to root, "." for itself.
 * A file is one run. Links are followed, but not in circles. fn returning false ends the search. */
HELIOS_API helios_status helios_find_runs(const char *root, bool (*fn)(void *ctx, const char *name, const char *path),
                                          void *ctx, char *error, size_t error_size);

/* Write the scalars of `run` as lines "run,tag,step,wall_time,value" to `sink`, which returns false to stop
 * (HELIOS_EIO then). Text is quoted as RFC 4180 says; values read back to the same bits. Memory does not grow with
 * the run. `tag` NULL means all. No heading is written. */
typedef bool (*helios_sink)(void *ctx, const void *data, size_t n);
HELIOS_API helios_status helios_run_write_csv(helios_run *run, const char *name, const char *tag, helios_sink sink,
                                              void *ctx);

/* ---- care of files ---------------------------------------------------------------------------------- */

/* Read a whole file and tell its state. HELIOS_OK also for a damaged file: look at damaged and cut_bytes. first gets the
 * first damaged place, all zero when there is none. Both may be NULL. */
HELIOS_API helios_status helios_verify_file(const char *path, const helios_reader_options *options,
                                            helios_reader_stats *stats, helios_damage *first, char *error,
                                            size_t error_size);

/* What repair, purge and merge did; they take NULL where nobody asks. */
typedef struct helios_repair_stats {
  size_t size;         /* set to sizeof(helios_repair_stats) before the call */
  uint64_t kept;       /* records in the new file */
  uint64_t dropped;    /* damaged places, or events that were to go */
  uint64_t lost_bytes; /* of the old file that are not in the new one */
  bool replaced;       /* a new file was put in place; false: there was nothing to do */
} helios_repair_stats;

/* Write the intact records of `path` to a new file, those behind a bad length too, and put it in the old one's place
 * (or at `target`, if not NULL). The old file stays untouched until the new one is on the disk; a compressed file
 * becomes a plain one only with a target. HELIOS_EAGAIN: a live writer holds the folder. HELIOS_EFORMAT: there is not
 * one intact record, so it is no event file, and is left as it is. */
HELIOS_API helios_status helios_repair_file(const char *path, const char *target, helios_repair_stats *stats,
                                            char *error, size_t error_size);

typedef struct helios_purge_options {
  size_t size;
  const char *tag;     /* only this tag; NULL: all */
  int64_t from_step;   /* with has_from_step: only steps at and above */
  bool has_from_step;
} helios_purge_options;

/* Drop what the options describe from one event file, in the same careful way. */
HELIOS_API helios_status helios_purge_file(const char *path, const helios_purge_options *options,
                                           helios_repair_stats *stats, char *error, size_t error_size);

/* Join the event files of the folder `path` into one, in order of time, with what later sittings replaced left out.
 * The new file takes the name of the newest one; the old ones are removed once it is safe. */
HELIOS_API helios_status helios_merge_run(const char *path, helios_repair_stats *stats, char *error,
                                          size_t error_size);

#ifdef __cplusplus
}
#endif
#endif

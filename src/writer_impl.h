/* writer_impl.h - what the files of the writer share: the handle, its runs, and how a kind is added.
 *
 * A kind is five lines: hl_add_begin checks handle, options, tag and step; an encoder of encode/ appends the Summary to
 * add.buf; hl_add_end frames and queues it, or keeps the failure's detail in the handle:
 *
 *   helios_thing_options o;
 *   hl_add add;
 *   helios_status st = hl_add_begin(&add, w, tag, step, options, &o, sizeof o);
 *   if (st == HELIOS_OK) st = hl_encode_thing(&add.buf, add.tag, ..., &add.err);
 *   return hl_add_end(&add, st, HL_CLASS_MEDIA);                                                              */
#ifndef HL_WRITER_IMPL_H
#define HL_WRITER_IMPL_H

#include <pthread.h>
#include <stdatomic.h>

#include "buf.h"
#include "encode/encode.h"
#include "encode/summary.h"
#include "env.h"
#include "error.h"
#include "helios/helios.h"
#include "media.h"
#include "options.h"
#include "queue.h"
#include "str_map.h"

/* A run: a folder with one event file of ours. */
typedef struct hl_run {
  char *folder;           /* absolute */
  char *file;             /* name of its event file */
  _Atomic bool started;   /* that has a name and a target */
  uint32_t target;
} hl_run;

struct helios_writer {
  helios_allocator alloc;
  const hl_env *env;
  helios_writer_options options; /* strings in it are the writer's own copies */
  char *run_path;                /* as given */
  hl_queue *queue;
  char pending[HL_SPOOL_PENDING]; /* the name of its pending file, for spools */
  hl_media *media;
  _Atomic bool closed;
  _Atomic int64_t step;
  _Atomic int64_t highest_step; /* of all events so far */
  _Atomic(unsigned char *) scratch; /* memory of one buffer, kept between calls; NULL while in use */
  size_t scratch_size;

  pthread_mutex_t lock; /* runs, told, layout, error */
  hl_run *main;            /* the run folder itself; also runs[0] */
  hl_run **runs;
  size_t run_count, run_capacity;
  hl_str_map run_numbers;  /* path below the run folder -> index */
  hl_str_map told;         /* tags whose first NaN or infinity was told */
  struct hl_layout *layout;
  hl_buf projector;        /* writer_embedding.c: what projector_config.pbtxt holds */
  bool projector_loaded;   /* what an earlier writer of this run left there has been read */
  hl_error error;          /* detail of the last failed call */
};

/* helios_writer_open in a given world, for tests of clocks and disks. */
helios_status hl_writer_open(const hl_env *env, const char *run_path, const helios_writer_options *options,
                             helios_writer **out, hl_error *err);

typedef struct hl_add {
  helios_writer *w;
  hl_str tag;
  hl_event event;
  hl_buf buf;
  size_t mark;
  hl_error err;
} hl_add;

/* HELIOS_ECLOSED, HELIOS_EFORKED, or HELIOS_EINVAL for no writer, a bad tag or bad options; hl_add_end must be called all the same.
 * options: NULL, or a struct that starts with HELIOS_ADD_OPTIONS_FIELDS, of which `taken` gets a whole copy. */
helios_status hl_add_begin(hl_add *a, helios_writer *w, const char *tag, int64_t step, const void *options,
                           void *taken, size_t taken_size);
/* With st HELIOS_OK: queue the event in the writer's own run. Returns the call's status. */
helios_status hl_add_end(hl_add *a, helios_status st, hl_class c);
/* The same for another field of Event than `summary`. */
helios_status hl_add_end_field(hl_add *a, helios_status st, hl_class c, uint32_t event_field);

/* For calls that write several events: check handle and options, then encode records and push them in one piece. */
helios_status hl_writer_check(helios_writer *w);
/* Their options as hl_take_options takes them; a walltime that no clock shows is a wrong argument. */
helios_status hl_take_add_options(void *taken, size_t taken_size, const void *options, hl_error *err);
hl_event hl_writer_event(helios_writer *w, int64_t step, const void *taken_options);
helios_status hl_writer_fail(helios_writer *w, helios_status st, const hl_error *err);
/* The run in folder `path` below the run folder, made when it is new. The writer's own is w->main. */
helios_status hl_writer_run(helios_writer *w, hl_str path, hl_run **run, hl_error *err);
helios_status hl_writer_push(helios_writer *w, hl_run *run, hl_class c, hl_str records, uint32_t count, hl_error *err);
/* The same for a kind that workers encode (media.h): begin checks the handle, the options and the tag; the caller checks
 * its tensor into m->values, for nothing can be refused later, and sets m->params; end hands it over. */
typedef struct hl_media_request {
  helios_writer *w;
  hl_str tag;
  hl_event event;
  hl_media_params params;
  hl_array values;
  hl_error err;
} hl_media_request;

helios_status hl_writer_begin_media(hl_media_request *m, helios_writer *w, const char *tag, int64_t step,
                                    const void *options, void *taken, size_t taken_size);
helios_status hl_writer_end_media(hl_media_request *m, helios_status st, hl_media_kind kind);
/* Tell about a NaN or infinity the first time this tag has one. */
void hl_writer_check_finite(helios_writer *w, const char *tag, double value, int64_t step);
/* A buffer that reuses the writer's scratch memory, and its end. */
void hl_writer_take_buf(helios_writer *w, hl_buf *b);
void hl_writer_give_buf(helios_writer *w, hl_buf *b);

/* writer_layout.c: the series of add_scalars that share a chart. */
helios_status hl_layout_add(helios_writer *w, const char *main_tag, const helios_named_value *values, size_t count,
                            bool *changed);
helios_status hl_layout_encode(helios_writer *w, hl_buf *out, hl_error *err);
void hl_layout_free(helios_writer *w);

#endif

/* target.h - one file that a queue writes to: opened when needed, written in whole batches, cut back when a write fails.
 *
 * An event file is exclusive: it is written at `length`, whatever a failed write left behind it. A text log is shared with
 * other processes: a lock on it is held while its end is looked up and written, a batch that was cut short is gone on
 * with where it stopped, and nothing in it is ever cut. */
#ifndef HL_TARGET_H
#define HL_TARGET_H

#include "alloc.h"
#include "env.h"
#include "error.h"

typedef struct hl_target {
  char *path;          /* absolute */
  int fd;              /* -1: not open now */
  bool shared;
  bool regular;        /* a pipe or device is written, never locked, measured or read */
  bool torn;           /* exclusive: bytes behind `length` that should not be there */
  int64_t length;      /* exclusive: of the whole records in it; shared: where our last write ended */
  size_t skip;         /* shared: bytes of the next batch that are in the file already */
} hl_target;

helios_status hl_target_init(hl_target *t, const char *path, bool shared, const helios_allocator *alloc);
void hl_target_free(hl_target *t, const hl_env *env, const helios_allocator *alloc);
/* create: the file must be new (exclusive), or may be (shared). HELIOS_EIO with *code for errno. */
helios_status hl_target_open(hl_target *t, const hl_env *env, bool create, int *code, hl_error *err);
void hl_target_close(hl_target *t, const hl_env *env);

/* Called under the file's lock with the place where a shared batch is going to be written. */
typedef void (*hl_place_fn)(void *ctx, int64_t length);

/* Write a batch: all of it and HELIOS_OK, or HELIOS_EIO, and trying the same batch again continues correctly. */
helios_status hl_target_write(hl_target *t, const hl_env *env, const void *data, size_t n, hl_place_fn place, void *ctx,
                              int *code, hl_error *err);
helios_status hl_target_sync(hl_target *t, const hl_env *env, hl_error *err);

#endif

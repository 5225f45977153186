/* target.h - one file that a queue writes to: opened when needed, written in whole batches, cut back when a write
 * fails.
 *
 * An event file is exclusive: it is written at `length`, whatever a failed write left behind it. A text log is shared
 * with other processes: a lock on it is held while its end is looked up and written, a batch that was cut short is
 * gone on with where it stopped unless somebody wrote behind it since, and nothing in it is ever cut.
 *
 * Users remove, replace and cut files that are open. A removed one is made anew, folder and first records included; of
 * one that was replaced or cut we go on at the end. */
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
  bool known;          /* exclusive: `length` is what we left in the file that the path leads to */
  bool lacks_start;    /* exclusive: it was made anew and does not begin with `start` yet */
  int64_t length;      /* exclusive: of the whole records in it; shared: where our last write ended */
  int64_t size;        /* exclusive: of the whole file, when it was opened or last looked at */
  int64_t torn_end;    /* exclusive: how far the bytes of a failed write may reach behind `length` */
  size_t skip;         /* shared: bytes of the next batch that are in the file already */
  int64_t resume_at;   /* shared: where they end */
  bool impatient;      /* shared: somebody keeps its lock for long */
  void *start;         /* what a file that is made anew begins with; NULL: nothing */
  size_t start_size;
} hl_target;

helios_status hl_target_init(hl_target *t, const char *path, bool shared, const helios_allocator *alloc);
void hl_target_free(hl_target *t, const hl_env *env, const helios_allocator *alloc);
/* create: the file must be new (exclusive), or may be (shared). HELIOS_EIO with *code for errno. */
helios_status hl_target_open(hl_target *t, const hl_env *env, bool create, int *code, hl_error *err);
void hl_target_close(hl_target *t, const hl_env *env);
/* Before each write: a file that somebody removed swallows what is written to it, and is let go of. */
void hl_target_look(hl_target *t, const hl_env *env);

/* Keep a copy of what a file that is made anew begins with. */
helios_status hl_target_set_start(hl_target *t, const void *data, size_t n, const helios_allocator *alloc);

/* What whoever writes a batch is told and asked meanwhile. */
typedef struct hl_target_calls {
  /* The batch is going to be written here: of a shared file always, under its lock; of an exclusive one when that is not
   * where the last batch ended. */
  void (*place)(void *ctx, int64_t length);
  /* A shared file ends within a line that is not ours. Called without its lock; true when its end may be another one
   * now. NULL: then ours begins on a new line. */
  bool (*torn)(void *ctx);
  void *ctx;
} hl_target_calls;

/* Write a batch to the open file: all of it and HELIOS_OK, or HELIOS_EIO. Then the same batch, or one that begins
 * behind whole entries that lie before `skip`, with `skip` set to the rest, continues correctly. */
helios_status hl_target_write(hl_target *t, const hl_env *env, const void *data, size_t n, const hl_target_calls *calls,
                              int *code, hl_error *err);
helios_status hl_target_sync(hl_target *t, const hl_env *env, hl_error *err);

#endif

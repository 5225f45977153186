/* media.h - encoding off the caller's thread: a call's tensor is copied, a worker of the process makes the event.
 *
 * Jobs of one tag of one writer are done in order; jobs of different tags may overtake each other. The waiting copies
 * are bounded in bytes: a caller that finds no room does waiting jobs itself until there is some. Nothing is dropped.
 * */
#ifndef HL_MEDIA_H
#define HL_MEDIA_H

#include "spool.h"

typedef struct hl_media hl_media;

/* What a finished record is given to; returns what hl_writer_push does. In a worker, or in the caller. */
typedef helios_status (*hl_media_sink)(void *ctx, hl_str record);
/* A job failed: out of memory, the only way it can. */
typedef void (*hl_media_failed)(void *ctx, helios_status status);

typedef struct hl_media_options {
  const char *folder;           /* where spools live */
  const helios_allocator *alloc; /* these outlive the hl_media */
  const hl_env *env;
  bool threads;                 /* false: every call is done by the caller */
  hl_media_sink sink;
  hl_media_failed failed;
  void *ctx;
} hl_media_options;

/* NULL: out of memory. */
hl_media *hl_media_open(const hl_media_options *options);
/* Do a call, now or soon. `values` has been checked for what its encoder refuses: the only failure is HELIOS_ENOMEM,
 * with nothing done. call->tag_length, data_size, dtype and shape are filled in here. */
helios_status hl_media_add(hl_media *m, hl_media_call *call, hl_str tag, const hl_array *values);
/* Returns when every call made before is in the queue. */
void hl_media_wait(hl_media *m);
/* How many calls were ever accepted, and the bytes of the copies that wait. */
void hl_media_count(hl_media *m, uint64_t *calls, uint64_t *bytes);
/* Wait, then give back threads and files; a second time has no effect. Nothing may be added any more. */
void hl_media_close(hl_media *m);
/* Close if need be, and free; in a forked child only that. NULL is fine. */
void hl_media_free(hl_media *m);

#endif

/* rewrite.h - put a new event file in an old one's place, so that at every moment one of the two is whole. */
#ifndef HL_REWRITE_H
#define HL_REWRITE_H

#include "../buf.h"
#include "../env.h"
#include "../error.h"

typedef struct hl_rewrite {
  const hl_env *env;
  const char *target; /* in target_path */
  hl_buf target_path; /* behind a link: the new file takes the place of what the link leads to, not the link's */
  hl_buf temporary; /* its path, terminated */
  hl_buf pending;   /* records that are not in it yet */
  int fd;
  uint64_t records, bytes;
} hl_rewrite;

/* Make an empty file beside `target`, under a name that viewers do not read. HELIOS_EAGAIN: a writer holds the folder,
 * or was killed there and is not yet recovered. HELIOS_EIO: a device, pipe or folder is there, which stays. */
helios_status hl_rewrite_begin(hl_rewrite *w, const hl_env *env, const char *target, hl_error *err);
helios_status hl_rewrite_put(hl_rewrite *w, const void *payload, size_t n, hl_error *err);
/* All records to the disk. The path of the new file is then w->temporary.data. */
helios_status hl_rewrite_sync(hl_rewrite *w, hl_error *err);
/* Sync, and let it take the target's place. Ends the rewrite, whatever it returns. */
helios_status hl_rewrite_commit(hl_rewrite *w, hl_error *err);
/* Ends it with nothing changed. */
void hl_rewrite_abort(hl_rewrite *w);

#endif

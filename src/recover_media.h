/* recover_media.h - images that a killed process had accepted and not yet encoded. Format and invariants: spool.h. */
#ifndef HL_RECOVER_MEDIA_H
#define HL_RECOVER_MEDIA_H

#include "alloc.h"
#include "env.h"
#include "error.h"
#include "helios/recover.h"

/* Is this the name of a spool? */
bool hl_is_spool_name(const char *name);
/* When its call was made, INT64_MAX when that cannot be told: a folder's spools are recovered in this order. */
int64_t hl_spool_order(const hl_env *env, const char *path);
/* fd: the spool at `path`, `size` bytes, whose lock the caller has taken. Encode what it holds, append that to its event
 * file unless it is there, remove the spool. The pending files of the folder have been recovered before. */
helios_status hl_recover_spool(const hl_env *env, const helios_allocator *alloc, const char *folder, const char *path,
                               int fd, int64_t size, helios_recovery *result, hl_error *err);

#endif

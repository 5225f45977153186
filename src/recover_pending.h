/* recover_pending.h - one pending file of a dead process, brought into its targets. */
#ifndef HL_RECOVER_PENDING_H
#define HL_RECOVER_PENDING_H

#include "alloc.h"
#include "env.h"
#include "error.h"
#include "helios/recover.h"

/* What is being recovered: a run, or with log_name the text log of that base name, in `folder`. */
typedef struct hl_recovery_of {
  const hl_env *env;
  const helios_allocator *alloc;
  const char *folder;
  const char *log_name;
} hl_recovery_of;

bool hl_is_pending_name(const char *name);
/* fd: the file at `path`, `size` bytes, whose lock the caller has taken. Counts in *result and removes the file, but for
 * one of another log, which stays. */
helios_status hl_recover_pending(const hl_recovery_of *of, const char *path, int fd, int64_t size,
                                 helios_recovery *result, hl_error *err);
/* By which the pending files of one log are to be sorted. */
int64_t hl_pending_log_order(const hl_env *env, const char *path);

#endif

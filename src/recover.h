/* recover.h - what a killed process left pending, brought into its files. Format and invariants: pending.h. */
#ifndef HL_RECOVER_H
#define HL_RECOVER_H

#include "alloc.h"
#include "env.h"
#include "error.h"
#include "helios/recover.h"

/* Recover every pending file in `folder` whose owner is dead. log_name: only those of this text log (its base name);
 * NULL: only those of runs; result may be NULL. One that cannot be recovered stays, and the first failure is returned.
 * */
helios_status hl_recover_folder(const hl_env *env, const helios_allocator *alloc, const char *folder,
                                const char *log_name, helios_recovery *result, hl_error *err);

/* For a living owner of the log at the absolute `path` that finds it ending within a line: bring in what dead owners
 * left. True when that may have changed the log, or somebody else is about to. */
bool hl_recover_torn_log(const hl_env *env, const helios_allocator *alloc, const char *path);

#endif

/* run_file.h - names in a run folder: `events.out.tfevents.<secs>.<host>.<pid>.<n><suffix>`. */
#ifndef HL_RUN_FILE_H
#define HL_RUN_FILE_H

#include "alloc.h"
#include "buf.h"
#include "env.h"
#include "error.h"

/* Append the path of a new event file in `folder`. Its seconds are `now`, or more: viewers read a folder's files in name
 * order, so the name must sort behind every event file that is there, also when the clock went back. */
void hl_run_file_name(hl_buf *path, const hl_env *env, const char *folder, double now, const char *suffix);
#endif

/* path.h - paths as strings. Reads no file. */
#ifndef HL_PATH_H
#define HL_PATH_H

#include "alloc.h"
#include "env.h"

/* `path` with the current folder in front when it is relative, so that a later chdir does not matter; dots and links
 * stay as they are. NULL with *code when the folder is unknown (errno's value) or memory is out (ENOMEM). Give it back
 * with hl_free_str. */
char *hl_path_absolute(const helios_allocator *a, const hl_env *env, const char *path, int *code);

/* The part before the last '/': "/" for a file there, "." when there is none. NULL: out of memory. */
char *hl_path_folder(const helios_allocator *a, const char *path);

#endif

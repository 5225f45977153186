/* path.c - paths as strings. */
#include "path.h"

#include <errno.h>
#include <string.h>

static char *join(const helios_allocator *a, const char *folder, size_t folder_length, const char *name) {
  size_t size = strlen(name) + 1;
  char *whole = hl_alloc(a, folder_length + size);
  if (whole == NULL) return NULL;
  memcpy(whole, folder, folder_length);
  memcpy(whole + folder_length, name, size);
  return whole;
}

char *hl_path_absolute(const helios_allocator *a, const hl_env *env, const char *path, int *code) {
  *code = ENOMEM;
  if (path[0] == '/') return hl_strdup(a, path);
  char folder[4096];
  if (env->current_dir(env, folder, sizeof folder - 1, code) != 0) return NULL;
  *code = ENOMEM;
  size_t n = strlen(folder);
  if (folder[n - 1] != '/') folder[n++] = '/';
  return join(a, folder, n, path);
}

char *hl_path_folder(const helios_allocator *a, const char *path) {
  const char *slash = strrchr(path, '/');
  if (slash == NULL) return hl_strdup(a, ".");
  return join(a, path, slash == path ? 1 : (size_t)(slash - path), "");
}

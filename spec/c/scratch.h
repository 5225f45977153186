/* scratch.h - fresh folders for C tests, and what lies in them. */
#ifndef HL_SCRATCH_H
#define HL_SCRATCH_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A new folder under $TMPDIR or /tmp; static, good until the next call with the same `slot` (0 to 3). */
static inline const char *scratch_dir(int slot) {
  static char paths[4][300];
  const char *base = getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp";
  snprintf(paths[slot], sizeof paths[slot], "%s/helios-test-XXXXXX", base);
  if (mkdtemp(paths[slot]) == NULL) {
    perror("mkdtemp");
    exit(2);
  }
  return paths[slot];
}

static inline void scratch_remove(const char *path) {
  DIR *dir = opendir(path);
  if (dir == NULL) {
    unlink(path);
    return;
  }
  for (struct dirent *e; (e = readdir(dir)) != NULL;) {
    char inner[4096];
    if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
    if (snprintf(inner, sizeof inner, "%s/%s", path, e->d_name) >= (int)sizeof inner) continue;
    if (unlink(inner) != 0) scratch_remove(inner);
  }
  closedir(dir);
  rmdir(path);
}

/* How many names in the folder begin with `prefix`; the last of them in `name`. */
static inline int scratch_count(const char *path, const char *prefix, char *name, size_t size) {
  DIR *dir = opendir(path);
  int n = 0;
  if (dir == NULL) return -1;
  for (struct dirent *e; (e = readdir(dir)) != NULL;) {
    if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
    if (strncmp(e->d_name, prefix, strlen(prefix)) != 0) continue;
    if (name != NULL) snprintf(name, size, "%s/%s", path, e->d_name);
    n++;
  }
  closedir(dir);
  return n;
}

/* The whole file, allocated and terminated; NULL when it cannot be read. */
static inline char *scratch_read(const char *path, size_t *size) {
  FILE *f = fopen(path, "rb");
  if (f == NULL) return NULL;
  fseek(f, 0, SEEK_END);
  *size = (size_t)ftell(f);
  rewind(f);
  char *data = malloc(*size + 1);
  if (data != NULL) {
    *size = fread(data, 1, *size, f);
    data[*size] = '\0';
  }
  fclose(f);
  return data;
}

#endif

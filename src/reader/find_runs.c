/* find_runs.c - which folders below a root are runs. Opens no event file. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "run_reader.h"

enum { MOST_DEPTH = 64 };

/* The folders from the root to where we are, to notice a link that leads back. */
typedef struct ancestor {
  const struct ancestor *above;
  dev_t device;
  ino_t inode;
  int depth;
} ancestor;

typedef struct search {
  const hl_env *env;
  bool (*fn)(void *ctx, const char *name, const char *path);
  void *ctx;
  bool stopped;
  helios_status status;
} search;

typedef struct names {
  char **list;
  size_t count, capacity;
  bool failed;
} names;

static bool take(void *ctx, const char *name) {
  names *n = ctx;
  if (n->count == n->capacity) {
    size_t capacity = n->capacity == 0 ? 16 : 2 * n->capacity;
    char **list = hl_realloc(NULL, n->list, n->capacity * sizeof *list, capacity * sizeof *list);
    if (list == NULL) n->failed = true;
    if (list == NULL) return false;
    n->list = list;
    n->capacity = capacity;
  }
  char *copy = hl_strdup(NULL, name);
  if (copy == NULL) n->failed = true;
  else n->list[n->count++] = copy;
  return copy != NULL;
}

static void free_names(names *n) {
  for (size_t i = 0; i < n->count; i++) hl_free_str(NULL, n->list[i]);
  hl_free(NULL, n->list, n->capacity * sizeof *n->list);
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* Is `path` a folder that is not one of its own ancestors? */
static bool enter(const search *s, const char *path, const ancestor *above, ancestor *here) {
  int code;
  struct stat st;
  int fd = s->env->open(s->env, path, O_RDONLY | O_DIRECTORY | O_NONBLOCK, &code);
  if (fd < 0) return false;
  bool ok = fstat(fd, &st) == 0;
  s->env->close(s->env, fd, &code);
  if (!ok || (above != NULL && above->depth >= MOST_DEPTH)) return false;
  *here = (ancestor){above, st.st_dev, st.st_ino, above == NULL ? 0 : above->depth + 1};
  for (; above != NULL; above = above->above)
    if (above->device == here->device && above->inode == here->inode) return false;
  return true;
}

static void visit(search *s, const char *path, const char *name, const ancestor *here);

static void visit_child(search *s, const char *path, const char *name, const char *child, const ancestor *here) {
  hl_buf child_path, child_name;
  hl_buf_init(&child_path, NULL);
  hl_buf_init(&child_name, NULL);
  hl_buf_printf(&child_path, "%s/%s", path, child);
  hl_buf_append_byte(&child_path, '\0');
  if (strcmp(name, ".") != 0) hl_buf_printf(&child_name, "%s/", name);
  hl_buf_append(&child_name, child, strlen(child) + 1);
  ancestor below;
  if (child_path.failed || child_name.failed) s->status = HELIOS_ENOMEM;
  else if (enter(s, (const char *)child_path.data, here, &below))
    visit(s, (const char *)child_path.data, (const char *)child_name.data, &below);
  hl_buf_free(&child_path);
  hl_buf_free(&child_name);
}

static bool is_folder(const search *s, const char *path, const char *name) {
  hl_buf full;
  ancestor unused;
  hl_buf_init(&full, NULL);
  hl_buf_printf(&full, "%s/%s", path, name);
  hl_buf_append_byte(&full, '\0');
  bool yes = !full.failed && enter(s, (const char *)full.data, NULL, &unused);
  hl_buf_free(&full);
  return yes;
}

static bool holds_event_file(const search *s, const char *path, const names *n) {
  for (size_t i = 0; i < n->count; i++)
    if (hl_is_event_file_name(n->list[i]) && !is_folder(s, path, n->list[i])) return true;
  return false;
}

/* The folder itself first, then what is below it. A folder that may not be read is passed over, as viewers do. */
static void visit(search *s, const char *path, const char *name, const ancestor *here) {
  names n = {.list = NULL};
  int code;
  s->env->list_dir(s->env, path, take, &n, &code);
  if (n.failed) s->status = HELIOS_ENOMEM;
  if (n.count > 0) qsort(n.list, n.count, sizeof *n.list, by_name);
  if (holds_event_file(s, path, &n) && !s->fn(s->ctx, name, path)) s->stopped = true;
  for (size_t i = 0; i < n.count && !s->stopped && s->status == HELIOS_OK; i++)
    visit_child(s, path, name, n.list[i], here);
  free_names(&n);
}

static bool nothing(void *ctx, const char *name) {
  (void)ctx;
  (void)name;
  return false;
}

helios_status helios_find_runs(const char *root, bool (*fn)(void *ctx, const char *name, const char *path), void *ctx,
                               char *error, size_t error_size) {
  search s = {.env = &hl_env_system, .fn = fn, .ctx = ctx};
  hl_error err = {0};
  int code = 0;
  ancestor here;
  if (root == NULL || fn == NULL) return hl_tell(&err, hl_invalid(&err, root == NULL ? "root" : "fn", "is NULL"), error, error_size);
  if (s.env->list_dir(s.env, root, nothing, NULL, &code) != 0) {
    if (code == ENOTDIR) fn(ctx, ".", root);
    else s.status = hl_fail_io(&err, root, "cannot open", code);
  } else if (enter(&s, root, NULL, &here)) visit(&s, root, ".", &here);
  if (s.status == HELIOS_ENOMEM) hl_fail(&err, HELIOS_ENOMEM, "out of memory");
  return hl_tell(&err, s.status, error, error_size);
}

/* run_file.c - names of event files. Lists a folder; opens and writes nothing. */
#include "run_file.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static const char PREFIX[] = "events.out.tfevents.";

/* How many event files this process has named; torch counts its writers like this. */
static _Atomic uint32_t files_named;

typedef struct newest {
  char name[256];
} newest;

/* Ten digits and a point follow the prefix, as in every name a writer gives before the year 2286. Behind any other name
 * there is no sorting by seconds: it must not take them astray. */
static bool has_seconds(const char *name) {
  if (strncmp(name, PREFIX, sizeof PREFIX - 1) != 0) return false;
  const char *seconds = name + sizeof PREFIX - 1;
  return strspn(seconds, "0123456789") == 10 && seconds[10] == '.';
}

static bool keep_newest(void *ctx, const char *name) {
  newest *n = ctx;
  if (has_seconds(name) && strcmp(name, n->name) > 0) snprintf(n->name, sizeof n->name, "%s", name);
  return true;
}

static int64_t seconds_of(const char *name) { return strtoll(name + sizeof PREFIX - 1, NULL, 10); }

static void format_name(char *out, size_t size, int64_t seconds, const char *host, int64_t pid, uint32_t n,
                        const char *suffix) {
  snprintf(out, size, "%s%010lld.%s.%lld.%u%s", PREFIX, (long long)seconds, host, (long long)pid, n, suffix);
}

void hl_run_file_name(hl_buf *path, const hl_env *env, const char *folder, double now, const char *suffix) {
  char host[128], name[512];
  newest last = {""};
  int code;
  env->host_name(env, host, sizeof host);
  env->list_dir(env, folder, keep_newest, &last, &code); /* unreadable: then there is nothing to sort behind */
  uint32_t n = atomic_fetch_add(&files_named, 1);
  int64_t seconds = (int64_t)now;
  format_name(name, sizeof name, seconds, host, env->pid(env), n, suffix);
  if (last.name[0] != '\0' && strcmp(name, last.name) <= 0) {
    seconds = seconds_of(last.name);
    format_name(name, sizeof name, seconds, host, env->pid(env), n, suffix);
    if (strcmp(name, last.name) <= 0) format_name(name, sizeof name, seconds + 1, host, env->pid(env), n, suffix);
  }
  hl_buf_append_str(path, folder);
  hl_buf_append_byte(path, '/');
  hl_buf_append_str(path, name);
  hl_buf_append_byte(path, '\0');
}

/* spool.c - the owner's side of a media spool. Format and invariants: spool.h. */
#include "spool.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "crc32c.h"

enum { MOST_NAMES_TRIED = 64 };

uint32_t hl_spool_crc(const hl_media_call *call, const void *tag) {
  return hl_crc32c(hl_crc32c(0, call, sizeof *call), tag, call->tag_length);
}

static void make_file(hl_spool *s, const hl_env *env, char *path, size_t room, const char *folder) {
  static _Atomic uint32_t made;
  for (int i = 0; i < MOST_NAMES_TRIED; i++) {
    int code = 0;
    uint32_t n = atomic_fetch_add(&made, 1);
    snprintf(path, room, "%s/.helios-media-%lld-%u.media", folder, (long long)env->pid(env), n);
    if (hl_env_make_locked(env, path, &s->fd, &code) == 0 || (code != EEXIST && code != EAGAIN)) return;
  }
}

static void *map_new_file(const hl_env *env, int fd, size_t size) {
  int code;
  if (env->allocate(env, fd, (int64_t)size, &code) != 0) return NULL;
  return env->map(env, fd, size, &code);
}

static bool open_shared(hl_spool *s, const hl_env *env, const helios_allocator *alloc, const char *folder) {
  size_t room = strlen(folder) + 64, size = HL_SPOOL_HEADER + s->capacity;
  char *path = hl_alloc(alloc, room);
  if (path == NULL) return false;
  make_file(s, env, path, room, folder);
  if (s->fd >= 0) {
    int code;
    s->header = map_new_file(env, s->fd, size);
    s->path = s->header != NULL ? hl_strdup(alloc, path) : NULL;
    if (s->path == NULL) {
      if (s->header != NULL) env->unmap(env, s->header, size, &code);
      s->header = NULL;
      env->remove(env, path, &code);
      env->close(env, s->fd, &code);
      s->fd = -1;
    }
  }
  hl_free(alloc, path, room);
  return s->fd >= 0;
}

hl_spool *hl_spool_new(const helios_allocator *alloc, size_t capacity) {
  hl_spool *s = hl_alloc_zeroed(alloc, 1, sizeof *s);
  if (s == NULL) return NULL;
  s->capacity = capacity;
  s->fd = -1;
  return s;
}

bool hl_spool_open(hl_spool *s, const hl_env *env, const helios_allocator *alloc, const char *folder) {
  if (folder == NULL || !open_shared(s, env, alloc, folder)) s->header = hl_alloc(alloc, HL_SPOOL_HEADER + s->capacity);
  if (s->header == NULL) return false;
  memset(s->header, 0, sizeof *s->header);
  s->header->version = HL_SPOOL_VERSION;
  s->header->capacity = s->capacity;
  atomic_store_explicit(&s->header->magic, HL_SPOOL_MAGIC, memory_order_release);
  return true;
}

void hl_spool_close(hl_spool *s, const hl_env *env, const helios_allocator *alloc) {
  int code;
  if (s->fd >= 0) {
    env->unmap(env, s->header, HL_SPOOL_HEADER + s->capacity, &code);
    env->remove(env, s->path, &code);
    env->close(env, s->fd, &code);
  } else if (s->header != NULL) {
    hl_free(alloc, s->header, HL_SPOOL_HEADER + s->capacity);
  }
  hl_free_str(alloc, s->path);
  hl_free(alloc, s, sizeof *s);
}

void hl_spool_abandon(hl_spool *s, const hl_env *env) {
  int code;
  if (s->fd < 0) return;
  env->unmap(env, s->header, HL_SPOOL_HEADER + s->capacity, &code);
  env->close(env, s->fd, &code);
  s->header = NULL;
  s->fd = -1;
}

/* Where the next bytes go. */
typedef struct place {
  const hl_spool *spool;
  const hl_env *env;
  size_t at; /* behind the header */
} place;

static bool put(void *ctx, const void *data, size_t n) {
  place *p = ctx;
  int code;
  size_t at = p->at;
  p->at += n;
  if (p->spool->fd >= 0)
    return hl_env_pwrite_all(p->env, p->spool->fd, data, n, (int64_t)(HL_SPOOL_HEADER + at), &code) == 0;
  memcpy(hl_spool_bytes(p->spool->header) + at, data, n);
  return true;
}

bool hl_spool_fill(hl_spool *s, const hl_env *env, const hl_media_call *call, hl_str tag, const hl_array *values) {
  hl_spool_header *h = s->header;
  int64_t stride[HELIOS_MAX_NDIM] = {0};
  if (!put(&(place){s, env, 0}, tag.data, tag.len)) return false;
  if (!hl_array_pass(values, stride, put, &(place){s, env, hl_spool_data_at(tag.len)})) return false;
  h->call = *call;
  int64_t size = (int64_t)helios_dtype_size(values->dtype);
  for (int d = 0; d < values->ndim; d++) h->call.stride[d] = stride[d] / size;
  h->crc = hl_spool_crc(&h->call, tag.data);
  atomic_store_explicit(&h->full, 1, memory_order_release); /* invariant 1 */
  return true;
}

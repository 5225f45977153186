/* alloc.c - the one caller of realloc and free in the core. */
#include "alloc.h"

#include <stdlib.h>
#include <string.h>

static void *default_realloc(void *ctx, void *ptr, size_t old_size, size_t size) {
  (void)ctx;
  (void)old_size;
  if (size == 0) {
    free(ptr);
    return NULL;
  }
  return realloc(ptr, size);
}

const helios_allocator hl_default_allocator = {default_realloc, NULL};

void *hl_realloc(const helios_allocator *a, void *p, size_t old_size, size_t size) {
  if (a == NULL) a = &hl_default_allocator;
  return a->realloc(a->ctx, p, old_size, size);
}

void *hl_alloc(const helios_allocator *a, size_t size) { return hl_realloc(a, NULL, 0, size); }

void *hl_alloc_zeroed(const helios_allocator *a, size_t count, size_t size) {
  if (size != 0 && count > SIZE_MAX / size) return NULL;
  void *p = hl_alloc(a, count * size);
  if (p != NULL) memset(p, 0, count * size);
  return p;
}

void hl_free(const helios_allocator *a, void *p, size_t size) {
  if (p != NULL) hl_realloc(a, p, size, 0);
}

char *hl_strdup(const helios_allocator *a, const char *s) {
  size_t size = strlen(s) + 1;
  char *copy = hl_alloc(a, size);
  if (copy != NULL) memcpy(copy, s, size);
  return copy;
}

void hl_free_str(const helios_allocator *a, char *s) {
  if (s != NULL) hl_free(a, s, strlen(s) + 1);
}

/* alloc.h - the only way to memory: every allocation of the core goes through a helios_allocator. */
#ifndef HL_ALLOC_H
#define HL_ALLOC_H

#include "helios/status.h"

/* The C library's realloc and free; what a NULL allocator stands for. */
extern const helios_allocator hl_default_allocator;

/* NULL when out of memory. size 0 is never asked for. */
void *hl_alloc(const helios_allocator *a, size_t size);
/* The same, zeroed; NULL also when count * size overflows. */
void *hl_alloc_zeroed(const helios_allocator *a, size_t count, size_t size);
/* On NULL the old block is still valid. */
void *hl_realloc(const helios_allocator *a, void *p, size_t old_size, size_t size);
void hl_free(const helios_allocator *a, void *p, size_t size);
/* Copy of a C string; give it back with hl_free_str. */
char *hl_strdup(const helios_allocator *a, const char *s);
void hl_free_str(const helios_allocator *a, char *s);

#endif

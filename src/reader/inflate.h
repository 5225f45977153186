/* inflate.h - a gzip or zlib stream read from a file that may still grow. */
#ifndef HL_INFLATE_H
#define HL_INFLATE_H

#include "../env.h"
#include "helios/status.h"

typedef struct hl_inflater hl_inflater;

/* NULL when out of memory. */
hl_inflater *hl_inflater_new(const helios_allocator *alloc);
void hl_inflater_free(hl_inflater *z);
/* Up to n unpacked bytes; 0: nothing more yet; -1: *status is HELIOS_EIO (*code is the errno value), HELIOS_ENOMEM, or
 * HELIOS_EFORMAT, after which every call gives the same. */
int64_t hl_inflater_read(hl_inflater *z, const hl_env *env, int fd, void *out, size_t n, helios_status *status,
                         int *code);

#endif

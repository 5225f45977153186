/* options.h - structs that start with their size: how a program compiled against an older or newer header and this
 * library understand each other. */
#ifndef HL_OPTIONS_H
#define HL_OPTIONS_H

#include "error.h"

/* Copy `options`, as large as its size field says, into our layout `out`; NULL: all zero. A size that was forgotten is
 * HELIOS_EINVAL. */
helios_status hl_take_options(void *out, size_t out_size, const void *options, hl_error *err);

/* Whether a caller's result struct can be filled: there is one, and its size was set. */
helios_status hl_check_result(const void *out, hl_error *err);
/* Fill it, as far as the caller knows it. out: checked. */
void hl_give_result(void *out, const void *ours, size_t size);

#endif

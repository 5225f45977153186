/* error.h - why a call failed, in words: filled where the reason is known, told by the handle that was called. */
#ifndef HL_ERROR_H
#define HL_ERROR_H

#include "helios/status.h"

/* The first failure wins; a later one does not overwrite it. Starts zeroed. */
typedef struct hl_error {
  helios_status status;
  char argument[32]; /* for HELIOS_EINVAL: which argument; else "" */
  char reason[320];
} hl_error;

/* A wrong argument. Returns HELIOS_EINVAL. err may be NULL. */
helios_status hl_invalid(hl_error *err, const char *argument, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Any other failure. Returns `status`. */
helios_status hl_fail(hl_error *err, helios_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* HELIOS_EIO with "path: what: strerror(code)". */
helios_status hl_fail_io(hl_error *err, const char *path, const char *what, int code);
/* "argument: reason", or just the reason. Returns the length it has whole, as snprintf. text may be NULL. */
size_t hl_error_text(const hl_error *err, char *text, size_t size);
/* The end of a public call that gives its detail to the caller's `text` (which may be NULL): empty when all is well.
 * Returns status. */
helios_status hl_tell(const hl_error *err, helios_status status, char *text, size_t size);

#endif

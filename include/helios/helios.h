/* helios/helios.h - everything a C host needs. Conventions that hold for every header:
 *
 * 1. Handles are opaque. open makes one, close ends its work, free gives back its memory.
 * 2. Every function that can fail returns a helios_status: 0 or negative. helios_strerror() names it, the
 *    handle keeps the detail (helios_writer_error(), helios_logger_error()).
 * 3. Strings are UTF-8. Names and paths are NUL-terminated; text comes as pointer and length.
 * 4. Arguments belong to the caller and are copied or read before a call returns, unless it says otherwise.
 * 5. A handle may be used from several threads at once; only free must come last and alone.
 * 6. After fork the child's handles are inert: every call returns HELIOS_EFORKED and touches nothing of the
 *    parent. The child may open handles of its own.
 * 7. No output of its own, no signal handler, no locale, no environment variable is read or changed.
 * 8. One background thread per process writes what is pending; it runs while a handle is open.
 * 9. Option and result structs start with their size, which the program sets: fields that an older program does not
 *    know are zero, or not filled.
 * 10. Allocation goes through the handle's helios_allocator; failing any one gives HELIOS_ENOMEM and leaves
 *     the handle as it was. The struct is copied, what its ctx points to must outlive the handle.
 * 11. NULL may be given where it is said to mean something: options (the defaults), an error text or a result nobody
 *     asks for, a list of none; to free. Elsewhere it is HELIOS_EINVAL, like a size that was not set; functions without
 *     a status give false, 0 or NULL, and an error's text says that there is no handle. */
#ifndef HELIOS_HELIOS_H
#define HELIOS_HELIOS_H

#include "logger.h"
#include "reader.h"
#include "recover.h"
#include "status.h"
#include "tensor.h"
#include "writer.h"

#ifdef __cplusplus
extern "C" {
#endif

/* For a host's own crash handler: writes what is pending to the files with nothing but async-signal-safe calls.
 * Best effort; with the shared buffer nothing is lost without it either. */
HELIOS_API void helios_emergency_flush(void);

#ifdef __cplusplus
}
#endif
#endif

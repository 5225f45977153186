/* helios/status.h - what a call can return, and what it means.
 *
 * Zero is success, negative is failure. A failure is one of two kinds, never mixed:
 * the call was wrong (HELIOS_EINVAL, HELIOS_ECLOSED, HELIOS_EFORKED: nothing happened), or the
 * world said no (the rest: see the handle's detail text for path and reason). */
#ifndef HELIOS_STATUS_H
#define HELIOS_STATUS_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define HELIOS_API __attribute__((visibility("default")))
#else
#define HELIOS_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define HELIOS_VERSION_MAJOR 0
#define HELIOS_VERSION_MINOR 1
#define HELIOS_VERSION_PATCH 0
#define HELIOS_VERSION "0.1.0"

typedef enum helios_status {
  HELIOS_OK = 0,
  HELIOS_EINVAL = -1,       /* a wrong argument: type, shape, value, option; nothing was done */
  HELIOS_ENOMEM = -2,       /* an allocation failed; nothing was done */
  HELIOS_EIO = -3,          /* a system call failed; the detail names path and reason */
  HELIOS_ECLOSED = -4,      /* the handle is closed */
  HELIOS_EFORKED = -5,      /* the handle belongs to the parent process; the call had no effect */
  HELIOS_EFORMAT = -6,      /* a file's bytes are damaged or are not what they should be */
  HELIOS_ELIMIT = -7,       /* a bound was passed: a hostile length, a depth, a size */
  HELIOS_EDROPPED = -8,     /* records were dropped since the last flush; the detail says how many */
  HELIOS_EAGAIN = -9,       /* not yet: the rest of a record has not arrived */
  HELIOS_EUNAVAILABLE = -10 /* something this call needs is not installed; the detail says what */
} helios_status;

/* The status' name and meaning in English, a static string; never NULL, also for unknown values. */
HELIOS_API const char *helios_strerror(int status);

/* The library's version, "major.minor.patch"; a static string. */
HELIOS_API const char *helios_version(void);

/* Where a handle takes its memory. Works like realloc: ptr NULL allocates, size 0 frees (and
 * returns NULL), NULL otherwise means out of memory and ptr stays valid. old_size is the size ptr
 * was allocated with. Called from any thread, possibly from several at once. Pass NULL where a
 * const helios_allocator * is taken for the C library's own. */
typedef struct helios_allocator {
  void *(*realloc)(void *ctx, void *ptr, size_t old_size, size_t size);
  void *ctx;
} helios_allocator;

#ifdef __cplusplus
}
#endif
#endif

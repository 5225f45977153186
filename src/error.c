/* error.c - texts of failures. */
#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 4, 0)))
static void set(hl_error *err, helios_status status, const char *argument, const char *format, va_list args) {
  if (err == NULL || err->status != HELIOS_OK) return;
  err->status = status;
  snprintf(err->argument, sizeof err->argument, "%s", argument);
  vsnprintf(err->reason, sizeof err->reason, format, args);
}

helios_status hl_invalid(hl_error *err, const char *argument, const char *format, ...) {
  va_list args;
  va_start(args, format);
  set(err, HELIOS_EINVAL, argument, format, args);
  va_end(args);
  return HELIOS_EINVAL;
}

helios_status hl_fail(hl_error *err, helios_status status, const char *format, ...) {
  va_list args;
  va_start(args, format);
  set(err, status, "", format, args);
  va_end(args);
  return status;
}

helios_status hl_fail_io(hl_error *err, const char *path, const char *what, int code) {
  if (err == NULL) return HELIOS_EIO; /* also keeps this safe to call from a signal handler */
  char text[128];
#if defined(__GLIBC__)
  const char *why = strerror_r(code, text, sizeof text); /* GNU's: strerror shares a static buffer */
#else
  const char *why = strerror_r(code, text, sizeof text) == 0 ? text : "unknown error";
#endif
  return hl_fail(err, HELIOS_EIO, "%s: %s: %s", path, what, why);
}

size_t hl_error_text(const hl_error *err, char *text, size_t size) {
  char whole[sizeof err->argument + sizeof err->reason + 2];
  const char *colon = err->argument[0] == '\0' ? "" : ": ";
  size_t length = (size_t)snprintf(whole, sizeof whole, "%s%s%s", err->argument, colon, err->reason);
  if (size == 0 || text == NULL) return length;
  size_t kept = length < size ? length : size - 1;
  memcpy(text, whole, kept);
  text[kept] = '\0';
  return length;
}

helios_status hl_tell(const hl_error *err, helios_status status, char *text, size_t size) {
  if (text == NULL || size == 0) return status;
  if (status == HELIOS_OK) text[0] = '\0';
  else if (err->status == HELIOS_OK) snprintf(text, size, "%s", helios_strerror(status));
  else hl_error_text(err, text, size);
  return status;
}

/* options.c - structs that start with their size. */
#include "options.h"

#include <string.h>

enum { LARGEST = 4096 };

/* The first field of each of them. */
static size_t size_of(const void *options) {
  size_t size;
  memcpy(&size, options, sizeof size);
  return size;
}

static helios_status check_size(const void *options, const char *argument, hl_error *err) {
  size_t size = size_of(options);
  if (size >= sizeof size && size <= LARGEST) return HELIOS_OK;
  return hl_invalid(err, argument, "size is %zu: set it to sizeof the struct", size);
}

helios_status hl_take_options(void *out, size_t out_size, const void *options, hl_error *err) {
  memset(out, 0, out_size);
  if (options == NULL) return HELIOS_OK;
  helios_status st = check_size(options, "options", err);
  if (st != HELIOS_OK) return st;
  size_t size = size_of(options);
  memcpy(out, options, size < out_size ? size : out_size);
  return HELIOS_OK;
}

helios_status hl_check_result(const void *out, hl_error *err) {
  return out == NULL ? hl_invalid(err, "out", "is NULL") : check_size(out, "out", err);
}

void hl_give_result(void *out, const void *ours, size_t size) {
  size_t theirs = size_of(out);
  memcpy((unsigned char *)out + sizeof theirs, (const unsigned char *)ours + sizeof theirs,
         (theirs < size ? theirs : size) - sizeof theirs);
}

/* verify.c - reads a file to its end and tells its state. */
#include "../options.h"
#include "file_reader.h"

helios_status helios_verify_file(const char *path, const helios_reader_options *options, helios_reader_stats *stats,
                                 helios_damage *first, char *error, size_t error_size) {
  hl_error err = {0};
  helios_reader *r;
  helios_event event;
  helios_status st = stats == NULL ? HELIOS_OK : hl_check_result(stats, &err);
  if (st == HELIOS_OK) st = hl_reader_new(path, &hl_env_system, options, &r, &err);
  if (st != HELIOS_OK) return hl_tell(&err, st, error, error_size);
  while ((st = helios_reader_next(r, &event)) == HELIOS_OK) continue;
  if (stats != NULL) helios_reader_stats_get(r, stats);
  if (first != NULL && !helios_reader_damage(r, 0, first)) *first = (helios_damage){0};
  if (st == HELIOS_EAGAIN || st == HELIOS_EFORMAT) st = HELIOS_OK;
  hl_tell(&r->error, st, error, error_size);
  helios_reader_free(r);
  return st;
}

/* logger.h - the text log in a given world; what helios_logger_open() does in the real one. For tests of clocks and
 * disks. */
#ifndef HL_LOGGER_H
#define HL_LOGGER_H

#include "env.h"
#include "error.h"
#include "helios/logger.h"

helios_status hl_logger_open(const hl_env *env, const char *path, const helios_logger_options *options,
                             helios_logger **out, hl_error *err);

#endif

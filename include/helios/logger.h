/* helios/logger.h - a text log: one line per record, to a file and to callbacks.
 *
 * The conventions numbered in helios.h hold. A line is
 *   [2026-11-23 23:09:13,042] [INFO]: message
 * in local time, milliseconds after a comma; with a mark set, `[ERROR] [rank 3]:`. A message is written as it
 * is, embedded NUL and newlines included. A record at HELIOS_WARNING or above is in the file before the call
 * returns, one below it within flush_secs. Files are opened for append and may be shared by processes: what one
 * drain writes is whole lines. */
#ifndef HELIOS_LOGGER_H
#define HELIOS_LOGGER_H

#include <stdarg.h>
#include <stdbool.h>

#include "status.h"
#include "writer.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Levels, with the values of Python's logging. */
enum {
  HELIOS_DEBUG = 10,
  HELIOS_INFO = 20,
  HELIOS_WARNING = 30,
  HELIOS_ERROR = 40,
  HELIOS_CRITICAL = 50
};

typedef struct helios_logger helios_logger;

typedef struct helios_logger_options {
  size_t size;                 /* sizeof(helios_logger_options) */
  int level;                   /* records below are ignored; 0 means HELIOS_INFO */
  int file_level;              /* of those, the file gets this and above; 0 means HELIOS_INFO */
  const char *mark;            /* written after the level, e.g. "[rank 3]"; NULL for none */
  double flush_secs;           /* longest time a line below WARNING waits; 0 means 0.2 s */
  helios_durability durability;
  size_t max_pending;          /* as in helios_writer_options */
  int threads;                 /* -1: no background thread; lines below WARNING then wait for a flush or a full buffer */
  const helios_allocator *allocator;
  helios_error_fn on_error;
  void *ctx;
  double (*clock)(void *ctx);
  void *clock_ctx;
} helios_logger_options;

/* One record as sinks see it; valid during the call. */
typedef struct helios_record {
  double time; /* seconds since the epoch */
  int level;
  const char *message; /* not terminated */
  size_t message_length;
  const char *line; /* the whole line as a file gets it, with its newline; not terminated */
  size_t line_length;
} helios_record;

/* A sink is called in the logging thread after the record was queued for the file (from HELIOS_WARNING on: is in it),
 * with no lock held: it may log, and add or remove sinks. */
typedef void (*helios_sink_fn)(void *ctx, const helios_record *record);

/* Make a logger; with a path also open that file (made if missing, with its folders), after recovering what a
 * killed process left pending for it. path NULL: no file. HELIOS_EIO: it cannot be opened, *out is NULL. */
HELIOS_API helios_status helios_logger_open(const char *path, const helios_logger_options *options,
                                            helios_logger **out, char *error, size_t error_size);

/* Move to another file (NULL: none), made like that of open: open the new, then flush and close the old. On failure the
 * old one stays. The path is made absolute here, a later chdir does not matter. What the old file could not take is
 * told by the next flush or close. */
HELIOS_API helios_status helios_logger_set_file(helios_logger *l, const char *path);

/* Open the same path again, for logrotate: what was pending goes to the old file. No effect without a file;
 * HELIOS_ECLOSED after close. */
HELIOS_API helios_status helios_logger_reopen(helios_logger *l);

/* Log one message, as it is. Any int is a level; those without a name are written `[Level 25]`. Records below the level
 * cost a compare. HELIOS_OK says that the record is kept, not that the disk took it: flush and close tell that.
 * HELIOS_ENOMEM: it is not kept. */
HELIOS_API helios_status helios_logger_log(helios_logger *l, int level, const char *message, size_t length);

/* The same with printf formatting, done only if the record is going to be written. */
HELIOS_API helios_status helios_logger_printf(helios_logger *l, int level, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 3, 4)))
#endif
    ;
HELIOS_API helios_status helios_logger_vlog(helios_logger *l, int level, const char *format, va_list args)
#if defined(__GNUC__)
    __attribute__((format(printf, 3, 0)))
#endif
    ;

/* True when a record of this level would reach the file or a sink. */
HELIOS_API bool helios_logger_enabled(const helios_logger *l, int level);

/* From now on records below `level` are ignored; any int. Sinks and file have thresholds of their own above it. */
HELIOS_API helios_status helios_logger_set_level(helios_logger *l, int level);
HELIOS_API int helios_logger_level(const helios_logger *l);

/* Add a callback for records at `level` and above; remove takes out the first with the same fn and ctx
 * (HELIOS_EINVAL: not there). A record that another thread is logging may still reach a sink just removed. */
HELIOS_API helios_status helios_logger_add_sink(helios_logger *l, int level, helios_sink_fn fn, void *ctx);
HELIOS_API helios_status helios_logger_remove_sink(helios_logger *l, helios_sink_fn fn, void *ctx);

/* Write everything that is pending now. HELIOS_EIO or HELIOS_EDROPPED tell of failures since the last flush. */
HELIOS_API helios_status helios_logger_flush(helios_logger *l);
/* Flush and close the file; returns what flush would, HELIOS_OK a second time. A closed logger still serves its sinks;
 * helios_logger_set_file opens it anew. */
HELIOS_API helios_status helios_logger_close(helios_logger *l);
/* Close if need be and give the memory back. NULL is fine. */
HELIOS_API void helios_logger_free(helios_logger *l);
/* Counters, of all files this logger has had; works on closed loggers too. */
HELIOS_API helios_status helios_logger_stats(helios_logger *l, helios_stats *out);

/* The file's path as given, or NULL; close keeps it. Valid until set_file or free. */
HELIOS_API const char *helios_logger_path(const helios_logger *l);
/* Detail of the last failed call on this handle, as helios_writer_error. */
HELIOS_API size_t helios_logger_error(helios_logger *l, char *text, size_t size);

#ifdef __cplusplus
}
#endif
#endif

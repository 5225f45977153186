/* run_reader.h - the inside of a helios_run, for the files of this folder. */
#ifndef HL_RUN_READER_H
#define HL_RUN_READER_H

#include "../buf.h"
#include "file_reader.h"
#include "tag_table.h"

typedef struct hl_run_file {
  char *name; /* in the folder; what files are told apart by */
  helios_reader *reader;
  uint64_t planned_end; /* the first pass read up to here */
  bool failure_told;    /* it could not be read, and somebody was told */
} hl_run_file;

/* Which points next gives: all with restarts told (LIVE), or those that the first pass left (FILTER), or all of the
 * first pass' part, for counting (PLAN). */
typedef enum hl_run_stage { HL_RUN_LIVE, HL_RUN_PLAN, HL_RUN_FILTER } hl_run_stage;

struct helios_run {
  helios_allocator own;          /* a copy: the caller's struct may go away */
  const helios_allocator *alloc; /* &own */
  const hl_env *env;
  helios_reader_options options;
  char *path;
  bool is_folder;
  hl_run_file *files;
  size_t file_count, file_capacity;
  size_t current;     /* the file being read */
  size_t quiet;       /* files in a row that had nothing new */
  helios_event event; /* of `current`, while has_event */
  size_t cursor;
  bool has_event;
  hl_run_stage stage;
  bool scanned;
  bool started;       /* next has given points, or has begun to */
  bool any_void;      /* the first pass found points that later ones replaced */
  bool events_seen;
  hl_tag_table tags;
  hl_cuts cuts;       /* of all tags: SessionLog START */
  hl_error error;
};

helios_status hl_run_new(const char *path, const hl_env *env, const helios_reader_options *options, helios_run **out,
                         hl_error *err);
/* After a scan: was this point (with its file_index and tag_index) replaced by later ones? */
bool hl_run_point_void(const helios_run *run, const helios_point *p);
/* True for a name that viewers take for an event file. */
bool hl_is_event_file_name(const char *name);

#endif

/* file_reader.h - the inside of a helios_reader, for the files of this folder. */
#ifndef HL_FILE_READER_H
#define HL_FILE_READER_H

#include "record_reader.h"
#include "tag_table.h"

enum { HL_MOST_DAMAGE_LISTED = 256 };

struct helios_reader {
  helios_allocator alloc; /* a copy: the caller's struct may go away */
  hl_record_reader records;
  helios_damage *damage; /* the first ones */
  size_t listed;
  size_t damage_capacity;
  uint64_t damaged;
  uint64_t intact;
  hl_tag_table tags; /* what helios_reader_next_point has seen of plugins */
  hl_error error;
};

helios_status hl_reader_new(const char *path, const hl_env *env, const helios_reader_options *options,
                            helios_reader **out, hl_error *err);
void hl_reader_park(helios_reader *r);
/* Behind a bad length: go on at the next whole record. HELIOS_EAGAIN: there is none. */
helios_status hl_reader_resync(helios_reader *r);

#endif

/* helios/recover.h - bring back what a killed process had acknowledged and not yet written.
 *
 * Opening a writer or logger does this by itself for its folder or file; this is for tools and other programs. */
#ifndef HELIOS_RECOVER_H
#define HELIOS_RECOVER_H

#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct helios_recovery {
  size_t size;              /* set to sizeof(helios_recovery) before the call */
  uint64_t pending_files;   /* found with no living owner, recovered and removed */
  uint64_t live_files;      /* left alone: their owner lives */
  uint64_t records;         /* events or lines that were pending */
  uint64_t bytes;           /* of them */
} helios_recovery;

/* path: a run folder, or a text log. Killing this call at any point loses and doubles nothing. HELIOS_EIO when a file could
 * not be written: its pending file then stays for the next try. result may be NULL. error gets the detail, as in helios_writer_open. */
HELIOS_API helios_status helios_recover(const char *path, helios_recovery *result, char *error, size_t error_size);

#ifdef __cplusplus
}
#endif
#endif

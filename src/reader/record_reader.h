/* record_reader.h - records from a file that may be damaged, compressed or still growing.
 *
 * Reads in large blocks into one window instead of mapping the file: a writer that cuts a torn tail off would turn
 * a mapping into a SIGBUS. Payloads are slices of that window, valid until the next call.
 * Knows records and files; no events. */
#ifndef HL_RECORD_READER_H
#define HL_RECORD_READER_H

#include "../bytes.h"
#include "../env.h"
#include "../error.h"
#include "helios/reader.h"

/* Largest payload believed when nobody says otherwise: protobuf's own limit. */
#define HL_MAX_RECORD 0x80000000u

typedef struct hl_inflater hl_inflater;

typedef struct hl_record_reader {
  const helios_allocator *alloc;
  const hl_env *env;
  char *path;
  int fd;               /* -1: closed, to be opened again when needed */
  uint64_t max_record;
  unsigned char *window;
  size_t capacity;
  size_t begin, end;    /* the unread bytes of the window */
  uint64_t offset;      /* of window[begin] in the unpacked file */
  uint64_t cut_bytes;   /* of an incomplete record at the end */
  uint64_t resync_bytes; /* checksummed in search of a record */
  bool sniffed;         /* the first bytes were looked at */
  bool ended;           /* for good, by a bad length */
  hl_inflater *inflater; /* NULL: a plain file */
  helios_damage damage; /* of the last HELIOS_EFORMAT */
} hl_record_reader;

helios_status hl_record_reader_open(hl_record_reader *r, const char *path, const hl_env *env,
                                    const helios_allocator *alloc, uint64_t max_record, hl_error *err);
/* HELIOS_OK: a whole record whose CRCs hold. HELIOS_EAGAIN: not yet. HELIOS_EFORMAT: r->damage tells; call again
 * unless r->ended. HELIOS_ENOMEM and HELIOS_EIO leave the position as it was. */
helios_status hl_record_next(hl_record_reader *r, hl_str *payload, uint64_t *offset, hl_error *err);
/* Give descriptor and memory back until the next call; for files that are read to their end. */
void hl_record_reader_park(hl_record_reader *r);
void hl_record_reader_close(hl_record_reader *r);
/* Behind a bad length: skip to the next place where a whole record begins, whatever lies between. HELIOS_EAGAIN when
 * there is none. *skipped is how far it went. */
helios_status hl_record_resync(hl_record_reader *r, uint64_t *skipped, hl_error *err);

#endif

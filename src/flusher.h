/* flusher.h - the one background thread of the process: calls each client when its deadline has come.
 *
 * The thread starts with the first threaded client and ends with the last. It blocks all signals. The list of clients also
 * serves fork: in the child every client's `forked` is called. */
#ifndef HL_FLUSHER_H
#define HL_FLUSHER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct hl_flusher_client hl_flusher_client;

struct hl_flusher_client {
  void (*due)(hl_flusher_client *client);    /* in the background thread, with no lock of the flusher held */
  void (*forked)(hl_flusher_client *client); /* in a forked child: async-signal-safe calls only */
  void (*emergency)(hl_flusher_client *client); /* in a crash handler: the same; NULL for nothing to do */
  bool threaded;                             /* wants `due` to be called */
  /* the flusher's own */
  int64_t deadline_ns;
  bool busy;
  hl_flusher_client *next, *previous;
};

/* False when no thread could be started: the client is then listed, but must drain in its callers. */
bool hl_flusher_attach(hl_flusher_client *client);
/* Returns when no `due` of this client runs or will run again. Not from within `due`. */
void hl_flusher_detach(hl_flusher_client *client);
/* Call `due` at this monotonic time (ns; 0: now) or earlier, once. */
void hl_flusher_schedule(hl_flusher_client *client, int64_t deadline_ns);
/* For helios_emergency_flush: `emergency` of each client in turn, without taking a lock. */
void hl_flusher_emergency(void);

#endif

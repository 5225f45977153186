/* fork.h - telling a forked child from the process that opened a handle. */
#ifndef HL_FORK_H
#define HL_FORK_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Counts the forks between the first process and this one. Read it through the functions. */
extern _Atomic uint_fast32_t hl_fork_count;

/* Start counting; call it before keeping a generation. Cheap when repeated. */
void hl_fork_watch(void);

/* A number that differs in a forked child. One load: a handle keeps what it was born with and compares before it
 * touches a lock, which in a child may be held for ever by a thread that does not exist there. */
static inline uint_fast32_t hl_fork_generation(void) {
  return atomic_load_explicit(&hl_fork_count, memory_order_relaxed);
}

/* In a child, once: was nobody within this lock at the fork? Else what it guards was being changed by a thread that is
 * not here, and stays as it is: not even its memory can be given back. */
static inline bool hl_fork_found_whole(pthread_mutex_t *lock) { return pthread_mutex_trylock(lock) == 0; }

#endif

/* fork.c - counts forks by pthread_atfork; getpid would cost a system call per log line. */
#include "fork.h"

#include <pthread.h>

_Atomic uint_fast32_t hl_fork_count;

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void in_child(void) { atomic_fetch_add_explicit(&hl_fork_count, 1, memory_order_relaxed); }

/* When memory for the handler is lacking, children are not told apart; nothing else depends on it. */
static void watch(void) { (void)pthread_atfork(NULL, NULL, in_child); }

void hl_fork_watch(void) { pthread_once(&once, watch); }

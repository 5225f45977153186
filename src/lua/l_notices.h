/* l_notices.h - NaN and infinities that the core met while it added, remembered until Lua may be told of them. */
#ifndef HL_L_NOTICES_H
#define HL_L_NOTICES_H

#include <pthread.h>
#include <stdatomic.h>

#include "l_helios.h"

typedef struct hl_notice hl_notice;

typedef struct hl_notices {
  pthread_mutex_t lock; /* the core may be adding from a host's thread */
  hl_notice *first;
  atomic_bool waiting; /* whether there is a first one: a look at it needs no lock */
} hl_notices;

void hl_notices_init(hl_notices *n);
void hl_notices_free(hl_notices *n);
/* A helios_notice_fn whose ctx is the hl_notices: only remembers. Out of memory, the notice is lost and the point is
 * not. */
void hl_notices_add(void *ctx, const char *tag, double value, int64_t step);
/* Call the function at stack index `function` with (tag, value, step or nil) for each notice. */
void hl_notices_tell(lua_State *L, hl_notices *n, int function);

static inline bool hl_notices_waiting(const hl_notices *n) {
  return atomic_load_explicit(&n->waiting, memory_order_relaxed);
}

#endif

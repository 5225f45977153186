/* l_notices.c - a list that any thread appends to and the state's own thread tells of. */
#include "l_notices.h"

#include <string.h>

#include "../alloc.h"

struct hl_notice {
  hl_notice *next;
  double value;
  int64_t step;
  char tag[];
};

void hl_notices_init(hl_notices *n) {
  memset(n, 0, sizeof *n);
  pthread_mutex_init(&n->lock, NULL);
}

void hl_notices_add(void *ctx, const char *tag, double value, int64_t step) {
  hl_notices *n = ctx;
  size_t size = strlen(tag) + 1;
  hl_notice *notice = hl_alloc(NULL, sizeof *notice + size);
  if (notice == NULL) return;
  notice->next = NULL;
  notice->value = value;
  notice->step = step;
  memcpy(notice->tag, tag, size);
  pthread_mutex_lock(&n->lock);
  hl_notice **end = &n->first;
  while (*end != NULL) end = &(*end)->next;
  *end = notice;
  atomic_store(&n->waiting, true);
  pthread_mutex_unlock(&n->lock);
}

/* Drop the first notice. */
static void forget_first(hl_notices *n) {
  pthread_mutex_lock(&n->lock);
  hl_notice *notice = n->first;
  n->first = notice->next;
  atomic_store(&n->waiting, n->first != NULL);
  pthread_mutex_unlock(&n->lock);
  hl_free(NULL, notice, sizeof *notice + strlen(notice->tag) + 1);
}

void hl_notices_free(hl_notices *n) {
  while (n->first != NULL) forget_first(n);
  pthread_mutex_destroy(&n->lock);
}

/* The first notice stays in the list until all is pushed, as that may raise. */
static void push_first(lua_State *L, hl_notices *n) {
  const hl_notice *notice = n->first; /* other threads only append behind it */
  lua_pushstring(L, notice->tag);
  lua_pushnumber(L, notice->value);
  if (notice->step == HELIOS_NO_STEP) lua_pushnil(L);
  else lua_pushinteger(L, notice->step);
  forget_first(n);
}

void hl_notices_tell(lua_State *L, hl_notices *n, int function) {
  luaL_checkstack(L, LUA_MINSTACK, "notices");
  while (atomic_load(&n->waiting)) {
    lua_pushvalue(L, function);
    push_first(L, n);
    lua_call(L, 3, 0);
  }
}

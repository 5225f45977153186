/* l_random.c - the state of Lua's own math.random, which Lua seeds but does not show: `helios.native.random`.
 *
 * Lua 5.4 keeps it in a userdata of four 64-bit words, the first upvalue of math.random. Where it is anything else (a
 * host's own generator) there is no state to be had, and both functions say so with nil and false. */
#include <string.h>

#include "l_helios.h"

enum { STATE_SIZE = 4 * sizeof(lua_Unsigned) };

/* The state, left on the stack as the upvalue it is; NULL when it is not as expected. */
static void *push_state(lua_State *L) {
  if (lua_getglobal(L, "math") != LUA_TTABLE) return NULL;
  if (lua_getfield(L, -1, "random") != LUA_TFUNCTION || !lua_iscfunction(L, -1)) return NULL;
  if (lua_getupvalue(L, -1, 1) == NULL || lua_type(L, -1) != LUA_TUSERDATA) return NULL;
  return lua_rawlen(L, -1) == STATE_SIZE ? lua_touserdata(L, -1) : NULL;
}

static int l_state(lua_State *L) {
  const char *state = push_state(L);
  if (state == NULL) lua_pushnil(L);
  else lua_pushlstring(L, state, STATE_SIZE);
  return 1;
}

static int l_set_state(lua_State *L) {
  size_t n;
  const char *wanted = luaL_checklstring(L, 1, &n);
  void *state = n == STATE_SIZE ? push_state(L) : NULL;
  if (state != NULL) memcpy(state, wanted, STATE_SIZE);
  lua_pushboolean(L, state != NULL);
  return 1;
}

static const luaL_Reg FUNCTIONS[] = {{"state", l_state}, {"set_state", l_set_state}, {NULL, NULL}};

void hl_open_random(lua_State *L) { luaL_newlib(L, FUNCTIONS); }

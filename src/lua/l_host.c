/* l_host.c - the default logger and writer of a state, for the host that runs its scripts. Knows the module's name and
 * two of its functions; what the objects hold is their own files' business. */
#include <lauxlib.h>

#include "helios/lua.h"

/* Push what a function of helios.core.logging gives; raises when the script has not loaded the module, or as the
 * function does. The name is the light userdata. */
static int push_default(lua_State *L) {
  const char *getter = lua_touserdata(L, 1);
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_getfield(L, -1, "helios.core.logging");
  lua_getfield(L, -1, getter);
  lua_call(L, 0, 1);
  return 1;
}

/* The object is on top of the stack, or nil. The module keeps it alive when it is popped. */
static void find_default(lua_State *L, const char *getter) {
  lua_pushcfunction(L, push_default);
  lua_pushlightuserdata(L, (void *)(size_t)getter);
  if (lua_pcall(L, 1, 1, 0) == LUA_OK) return;
  lua_pop(L, 1);
  lua_pushnil(L);
}

helios_writer *helios_lua_default_writer(lua_State *L) {
  if (!lua_checkstack(L, LUA_MINSTACK)) return NULL;
  find_default(L, "get_tensorboard_writer");
  helios_writer *writer = helios_lua_to_writer(L, -1);
  lua_pop(L, 1);
  return writer;
}

helios_logger *helios_lua_default_logger(lua_State *L) {
  if (!lua_checkstack(L, LUA_MINSTACK)) return NULL;
  find_default(L, "get_root_logger");
  helios_logger *logger = helios_lua_to_logger(L, -1);
  lua_pop(L, 1);
  return logger;
}

/* preload.c - every helios module out of the program itself, no files on disk: for require, or for luaL_requiref. */
#include <lauxlib.h>
#include <lua.h>
#include <string.h>

#include "embedded.h"
#include "helios/lua.h"

/* require(name) of an embedded module: run its text. An asset is its text. */
static int load_embedded(lua_State *L) {
  const hl_embedded *file = lua_touserdata(L, lua_upvalueindex(1));
  if (strncmp(file->name, "asset:", 6) == 0) {
    lua_pushlstring(L, (const char *)file->data, file->size);
    return 1;
  }
  if (luaL_loadbufferx(L, (const char *)file->data, file->size, file->chunk, "t") != LUA_OK) return lua_error(L);
  lua_pushvalue(L, 1);
  lua_pushstring(L, file->chunk + 1);
  lua_call(L, 2, 1);
  return 1;
}

void helios_lua_preload(lua_State *L) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, luaopen_helios_native);
  lua_setfield(L, -2, "helios.native");
  for (const hl_embedded *file = hl_embedded_files; file->name != NULL; file++) {
    lua_pushlightuserdata(L, (void *)(size_t)file);
    lua_pushcclosure(L, load_embedded, 1);
    lua_setfield(L, -2, file->name);
  }
  lua_pop(L, 1);
}

static int open_module(lua_State *L, const char *name) {
  helios_lua_preload(L);
  lua_getglobal(L, "require");
  lua_pushstring(L, name);
  lua_call(L, 1, 1);
  return 1;
}

int luaopen_helios(lua_State *L) { return open_module(L, "helios"); }
int luaopen_helios_core_logging(lua_State *L) { return open_module(L, "helios.core.logging"); }

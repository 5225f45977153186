/* l_buffer.c - growable bytes that Lua frees, whatever raises meanwhile. */
#include "l_helios.h"

#define BUFFER "helios.buffer"

static int l_gc(lua_State *L) {
  hl_buf_free(luaL_checkudata(L, 1, BUFFER));
  return 0;
}

hl_buf *hl_push_buffer(lua_State *L) {
  hl_buf *buf = lua_newuserdatauv(L, sizeof *buf, 0);
  hl_buf_init(buf, &hl_default_allocator);
  if (luaL_newmetatable(L, BUFFER)) {
    lua_pushcfunction(L, l_gc);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  return buf;
}

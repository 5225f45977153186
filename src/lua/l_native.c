/* l_native.c - `helios.native`: one table per userdata type, filled by the openers of the other files. */
#include "l_helios.h"

typedef struct opener {
  const char *name;
  void (*open)(lua_State *L);
} opener;

static const opener OPENERS[] = {
  {"tensor", hl_open_tensor},
  {"msgpack", hl_open_msgpack},
  {"fs", hl_open_fs},
  {"signals", hl_open_signals},
  {"terminal", hl_open_terminal},
  {"random", hl_open_random},
  {"process", hl_open_process},
  {"logger", hl_open_logger},
  {"writer", hl_open_writer},
  {NULL, NULL},
};

int luaopen_helios_native(lua_State *L) {
  luaL_checkversion(L);
  lua_newtable(L);
  for (const opener *o = OPENERS; o->name != NULL; o++) {
    o->open(L);
    lua_setfield(L, -2, o->name);
  }
  lua_pushstring(L, helios_version());
  lua_setfield(L, -2, "version");
  return 1;
}

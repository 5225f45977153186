/* l_native.c - `helios.native`: one table per userdata type, filled by the openers of the other files. */
#include <pthread.h>
#include <stdlib.h>

#include "l_helios.h"

typedef struct opener {
  const char *name;
  void (*open)(lua_State *L);
} opener;

static const opener OPENERS[] = {
  {"tensor", hl_open_tensor},
  {"reader", hl_open_reader},
  {"tty", hl_open_tty},
  {"msgpack", hl_open_msgpack},
  {"fs", hl_open_fs},
  {"signals", hl_open_signals},
  {"terminal", hl_open_terminal},
  {"random", hl_open_random},
  {"process", hl_open_process},
  {"graph", hl_open_graph},
  {"figure", hl_open_figure},
  {"logger", hl_open_logger},
  {"writer", hl_open_writer},
  {NULL, NULL},
};

/* os.exit ends a process without closing its state, so no finalizer runs: what is pending goes to its files here. Were
 * there no room to register this, the next opening of the file or run would bring it in. */
static void drain_at_exit(void) { (void)atexit(helios_emergency_flush); }

int luaopen_helios_native(lua_State *L) {
  luaL_checkversion(L);
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, drain_at_exit);
  lua_newtable(L);
  for (const opener *o = OPENERS; o->name != NULL; o++) {
    o->open(L);
    lua_setfield(L, -2, o->name);
  }
  lua_pushstring(L, helios_version());
  lua_setfield(L, -2, "version");
  return 1;
}

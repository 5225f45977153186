/* l_terminal.c - what a progress bar asks of the world: `helios.native.terminal`. */
#include <sys/ioctl.h>
#include <unistd.h>

#include "../env.h"
#include "l_helios.h"

enum { USUAL_COLUMNS = 80 };

/* columns(): the width of the terminal that stderr is, now; nil when it is none. */
static int l_columns(lua_State *L) {
  struct winsize size = {0};
  if (!isatty(STDERR_FILENO)) {
    lua_pushnil(L);
    return 1;
  }
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) size.ws_col = USUAL_COLUMNS;
  lua_pushinteger(L, size.ws_col);
  return 1;
}

/* monotonic(): seconds that never go back, from a start of their own. */
static int l_monotonic(lua_State *L) {
  int64_t ns = hl_env_system.monotonic_ns(&hl_env_system);
  lua_pushnumber(L, (lua_Number)ns * 1e-9);
  return 1;
}

static const luaL_Reg FUNCTIONS[] = {{"columns", l_columns}, {"monotonic", l_monotonic}, {NULL, NULL}};

void hl_open_terminal(lua_State *L) { luaL_newlib(L, FUNCTIONS); }

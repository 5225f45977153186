/* host.c SCRIPT STEPS - a C program with a Lua script inside, both writing into one log and one run.
 *
 * The script opens the default loggers and returns a function that does one step of its work. The host calls it, and
 * adds a measurement of its own to the script's run and a line to its log, through the handles the script opened. */
#include <helios/helios.h>
#include <helios/lua.h>
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static int complain(lua_State *L) {
  fprintf(stderr, "host: %s\n", lua_tostring(L, -1));
  lua_close(L);
  return 1;
}

/* Run a piece of Lua that returns one value; it is then on top of the stack. */
static int evaluate(lua_State *L, const char *code) {
  return luaL_loadstring(L, code) == LUA_OK && lua_pcall(L, 0, 1, 0) == LUA_OK;
}

static double milliseconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

/* The step function is at stack index 1. */
static int one_step(lua_State *L, helios_writer *writer, int step) {
  double start = milliseconds();
  lua_pushvalue(L, 1);
  lua_pushinteger(L, step);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK) return 0;
  helios_writer_add_scalar(writer, "host/step_ms", milliseconds() - start, step);
  return 1;
}

int main(int argc, char **argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: host SCRIPT STEPS\n");
    return 2;
  }
  lua_State *L = luaL_newstate();
  if (L == NULL) return 1;
  luaL_openlibs(L);
  helios_lua_preload(L); /* require finds every helios module inside this program */
  if (luaL_loadfile(L, argv[1]) != LUA_OK || lua_pcall(L, 0, 1, 0) != LUA_OK) return complain(L);
  /* The handles stay the script's: they are good until it closes its default loggers. */
  helios_writer *writer = helios_lua_default_writer(L);
  helios_logger *log = helios_lua_default_logger(L);
  if (writer == NULL || log == NULL) {
    lua_pushliteral(L, "the script opened no log or no run");
    return complain(L);
  }
  for (int step = 1; step <= atoi(argv[2]); step++)
    if (!one_step(L, writer, step)) return complain(L);
  helios_logger_printf(log, HELIOS_INFO, "the host is done after %s steps", argv[2]);
  if (!evaluate(L, "return require('helios.core.logging').close_default_loggers()")) return complain(L);
  lua_close(L);
  return 0;
}

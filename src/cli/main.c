/* main.c - the command `helios`: a Lua interpreter with every helios module inside (runner.c), and the sub-commands,
 * which are Lua modules too (helios.cli). Knows which of the two a command line is for. */
#include <errno.h>
#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner.h"

/* What main hands to the protected call. */
typedef struct invocation {
  int argc;
  char **argv;
  int status; /* to exit with when nothing raised */
} invocation;

/* What a command printed and could not be written is a failure, unless the command has told one already. */
static int status_of_output(int status) {
  int failed = fflush(stdout);
  if (status != EXIT_SUCCESS || (failed == 0 && ferror(stdout) == 0)) return status;
  fprintf(stderr, "helios: stdout: %s\n", failed != 0 ? strerror(errno) : "cannot write");
  return EXIT_FAILURE;
}

/* `helios ls ...`: helios.cli.main(arguments) gives the status to exit with. */
static int run_command(lua_State *L, const invocation *v) {
  hl_open_libraries(L);
  lua_getglobal(L, "require");
  lua_pushstring(L, "helios.cli");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "main");
  lua_createtable(L, v->argc, 0);
  for (int i = 1; i < v->argc; i++) {
    lua_pushstring(L, v->argv[i]);
    lua_rawseti(L, -2, i);
  }
  lua_call(L, 1, 1);
  return status_of_output((int)lua_tointeger(L, -1));
}

static bool is_one_of(const char *word, const char *const *words) {
  while (*words != NULL && strcmp(word, *words) != 0) words++;
  return *words != NULL;
}

/* Options and scripts are Lua's; a script is a name with a dot or a slash, or "-". The rest is helios.cli's. */
static bool wants_lua(const invocation *v) {
  static const char *const OURS[] = {"-h", "--help", "--version", NULL};
  if (v->argc < 2) return false;
  const char *first = v->argv[1];
  if (first[0] == '-') return !is_one_of(first, OURS);
  return first[0] == '\0' || strchr(first, '/') != NULL || strchr(first, '.') != NULL;
}

static int protected_main(lua_State *L) {
  invocation *v = lua_touserdata(L, 1);
  luaL_checkversion(L);
  v->status = wants_lua(v) ? hl_run_lua(L, v->argc, v->argv) : run_command(L, v);
  return 0;
}

int main(int argc, char **argv) {
  invocation v = {argc, argv, EXIT_FAILURE};
  lua_State *L = luaL_newstate();
  if (L == NULL) {
    fputs("helios: cannot create state: not enough memory\n", stderr);
    return EXIT_FAILURE;
  }
  lua_pushcfunction(L, hl_traceback);
  lua_pushcfunction(L, protected_main);
  lua_pushlightuserdata(L, &v);
  int status = hl_report(L, lua_pcall(L, 1, 0, 1));
  lua_close(L);
  return status == LUA_OK ? v.status : EXIT_FAILURE;
}

/* main.c - the command `helios`: a Lua interpreter with every helios module inside, and the sub-commands, which are Lua
 * modules too (helios.cli). Knows arguments and messages; what a sub-command does is not its business. */
#include <errno.h>
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "helios/lua.h"

static const char *const NAME = "helios";

/* What main hands to the protected call. */
typedef struct invocation {
  int argc;
  char **argv;
  int status; /* to exit with when nothing raised */
} invocation;

static int report(lua_State *L, int status) {
  if (status == LUA_OK) return status;
  const char *message = lua_tostring(L, -1);
  fprintf(stderr, "%s: %s\n", NAME, message != NULL ? message : "(error message is not a string)");
  lua_pop(L, 1);
  return status;
}

/* As `lua` does: a traceback behind text, objects with __tostring as they say, others named by type. */
static int traceback(lua_State *L) {
  const char *message = lua_tostring(L, 1);
  if (message == NULL) {
    if (luaL_callmeta(L, 1, "__tostring") && lua_type(L, -1) == LUA_TSTRING) return 1;
    message = lua_pushfstring(L, "(error object is a %s value)", luaL_typename(L, 1));
  }
  luaL_traceback(L, L, message, 1);
  return 1;
}

/* The first ^C raises "interrupted!" in the running function, the next one ends the program: as `lua` does. */
static lua_State *interruptible;

static void raise_interrupted(lua_State *L, lua_Debug *unused) {
  (void)unused;
  lua_sethook(L, NULL, 0, 0);
  luaL_error(L, "interrupted!");
}

static void on_interrupt(int signal_number) {
  signal(signal_number, SIG_DFL);
  lua_sethook(interruptible, raise_interrupted, LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT, 1);
}

/* Call the function under its arguments; on failure the message is on the stack. */
static int call(lua_State *L, int arguments, int results) {
  int base = lua_gettop(L) - arguments;
  lua_pushcfunction(L, traceback);
  lua_insert(L, base);
  interruptible = L;
  signal(SIGINT, on_interrupt);
  int status = lua_pcall(L, arguments, results, base);
  signal(SIGINT, SIG_DFL);
  lua_remove(L, base);
  return status;
}

/* The global `arg`: the script at 0, what came before it below, its arguments above. */
static void set_arg(lua_State *L, char **argv, int argc, int script) {
  lua_createtable(L, argc - script, script + 1);
  for (int i = 0; i < argc; i++) {
    lua_pushstring(L, argv[i]);
    lua_rawseti(L, -2, i - script);
  }
  lua_setglobal(L, "arg");
}

static int push_arguments(lua_State *L, char **argv, int from, int argc) {
  luaL_checkstack(L, argc - from + 3, "too many arguments to the script");
  for (int i = from; i < argc; i++) lua_pushstring(L, argv[i]);
  return argc - from;
}

static int run_script(lua_State *L, const invocation *v, int script) {
  const char *file = v->argv[script];
  int status = luaL_loadfile(L, strcmp(file, "-") == 0 ? NULL : file);
  if (status == LUA_OK) status = call(L, push_arguments(L, v->argv, script + 1, v->argc), 0);
  return report(L, status);
}

static int run_text(lua_State *L, const char *text) {
  int status = luaL_loadbuffer(L, text, strlen(text), "=(command line)");
  if (status == LUA_OK) status = call(L, 0, 0);
  return report(L, status);
}

/* "module" or "global=module". */
static int run_require(lua_State *L, const char *text) {
  const char *equals = strchr(text, '=');
  const char *module = equals != NULL ? equals + 1 : text;
  lua_getglobal(L, "require");
  lua_pushstring(L, module);
  int status = call(L, 1, 1);
  if (status != LUA_OK) return report(L, status);
  lua_pushlstring(L, text, equals != NULL ? (size_t)(equals - text) : strlen(text));
  lua_insert(L, -2);
  lua_pushglobaltable(L);
  lua_insert(L, -3);
  lua_settable(L, -3);
  lua_pop(L, 1);
  return LUA_OK;
}

/* What a command printed and could not be written is a failure, unless the command has told one already. */
static int status_of_output(int status) {
  int failed = fflush(stdout);
  if (status != EXIT_SUCCESS || (failed == 0 && ferror(stdout) == 0)) return status;
  fprintf(stderr, "%s: stdout: %s\n", NAME, failed != 0 ? strerror(errno) : "cannot write");
  return EXIT_FAILURE;
}

/* `helios ls ...`: helios.cli.main(name, arguments) gives the status to exit with. */
static int run_command(lua_State *L, invocation *v) {
  lua_getglobal(L, "require");
  lua_pushstring(L, "helios.cli");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "main");
  lua_createtable(L, v->argc - 1, 0);
  for (int i = 1; i < v->argc; i++) {
    lua_pushstring(L, v->argv[i]);
    lua_rawseti(L, -2, i);
  }
  lua_call(L, 1, 1);
  v->status = status_of_output((int)lua_tointeger(L, -1));
  return LUA_OK;
}

/* Sub-commands, --help and --version are helios.cli's; a script is a name with a dot or a slash, or "-". */
static bool is_script(const char *word) {
  return strcmp(word, "-") == 0 || strchr(word, '/') != NULL || strchr(word, '.') != NULL;
}

/* -e text, -l module, --: as `lua` has them. Returns where the script is, argc when there is none, -1 on failure. */
static int run_options(lua_State *L, const invocation *v) {
  int i = 1;
  for (; i < v->argc && v->argv[i][0] == '-' && v->argv[i][1] != '\0'; i++) {
    const char *option = v->argv[i];
    if (strcmp(option, "--") == 0) return i + 1;
    const char *value = option[2] != '\0' ? option + 2 : ++i < v->argc ? v->argv[i] : NULL;
    if (value == NULL || (option[1] != 'e' && option[1] != 'l')) {
      fprintf(stderr, value == NULL ? "%s: '%s' needs argument\n" : "%s: unrecognized option '%s'\n", NAME, option);
      return -1;
    }
    if ((option[1] == 'e' ? run_text(L, value) : run_require(L, value)) != LUA_OK) return -1;
  }
  return i;
}

/* Where the script would be if the options before it are skipped, for `arg`, which they may read. */
static int find_script(const invocation *v) {
  int i = 1;
  for (; i < v->argc && v->argv[i][0] == '-' && v->argv[i][1] != '\0'; i++) {
    if (strcmp(v->argv[i], "--") == 0) return i + 1 < v->argc ? i + 1 : 0;
    if (v->argv[i][2] == '\0') i++;
  }
  return i < v->argc ? i : 0;
}

static bool wants_lua(const invocation *v) {
  if (v->argc < 2) return false;
  const char *first = v->argv[1];
  if (strncmp(first, "-e", 2) == 0 || strncmp(first, "-l", 2) == 0 || strcmp(first, "--") == 0) return true;
  return is_script(first);
}

static int run_lua(lua_State *L, invocation *v) {
  set_arg(L, v->argv, v->argc, find_script(v));
  int script = run_options(L, v);
  if (script < 0) return LUA_ERRRUN;
  return script < v->argc ? run_script(L, v, script) : LUA_OK;
}

static int protected_main(lua_State *L) {
  invocation *v = lua_touserdata(L, 1);
  luaL_checkversion(L);
  luaL_openlibs(L);
  helios_lua_preload(L);
  if (wants_lua(v)) v->status = run_lua(L, v) == LUA_OK ? EXIT_SUCCESS : EXIT_FAILURE;
  else run_command(L, v);
  return 0;
}

int main(int argc, char **argv) {
  invocation v = {argc, argv, EXIT_FAILURE};
  lua_State *L = luaL_newstate();
  if (L == NULL) {
    fprintf(stderr, "%s: cannot create state: not enough memory\n", NAME);
    return EXIT_FAILURE;
  }
  lua_pushcfunction(L, traceback);
  lua_pushcfunction(L, protected_main);
  lua_pushlightuserdata(L, &v);
  int status = report(L, lua_pcall(L, 1, 0, 1));
  lua_close(L);
  return status == LUA_OK ? v.status : EXIT_FAILURE;
}

/* runner.c - scripts as `lua` runs them: its options but for -i, its `arg`, its messages, its status. Knows nothing of
 * sub-commands. */
#include "runner.h"

#include <lauxlib.h>
#include <lualib.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "helios/lua.h"

static const char *const NAME = "helios";

/* ---- messages ------------------------------------------------------------------------------------------- */

int hl_report(lua_State *L, int status) {
  if (status == LUA_OK) return status;
  const char *message = lua_tostring(L, -1);
  fprintf(stderr, "%s: %s\n", NAME, message != NULL ? message : "(error message is not a string)");
  lua_pop(L, 1);
  return status;
}

/* A traceback behind text, objects with __tostring as they say, others named by type. */
int hl_traceback(lua_State *L) {
  const char *message = lua_tostring(L, 1);
  if (message == NULL) {
    if (luaL_callmeta(L, 1, "__tostring") && lua_type(L, -1) == LUA_TSTRING) return 1;
    message = lua_pushfstring(L, "(error object is a %s value)", luaL_typename(L, 1));
  }
  luaL_traceback(L, L, message, 1);
  return 1;
}

static void print_version(void) {
  printf("helios %s  (%s)\n", helios_version(), LUA_VERSION);
  fflush(stdout);
}

static void print_usage(const char *wrong) {
  bool needs_argument = wrong[1] == 'e' || wrong[1] == 'l';
  fprintf(stderr, needs_argument ? "%s: '%s' needs argument\n" : "%s: unrecognized option '%s'\n", NAME, wrong);
  fprintf(stderr, "usage: %s [options] [script [args]]\n"
                  "Available options are:\n"
                  "  -e stat   execute string 'stat'\n"
                  "  -l mod    require library 'mod' into global 'mod'\n"
                  "  -l g=mod  require library 'mod' into global 'g'\n"
                  "  -v        show version information\n"
                  "  -E        ignore environment variables\n"
                  "  -W        turn warnings on\n"
                  "  --        stop handling options\n"
                  "  -         stop handling options and execute stdin\n",
          NAME);
}

/* ---- calls ---------------------------------------------------------------------------------------------- */

/* The first ^C raises "interrupted!" in the running function, the next one ends the program. */
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
  lua_pushcfunction(L, hl_traceback);
  lua_insert(L, base);
  interruptible = L;
  signal(SIGINT, on_interrupt);
  int status = lua_pcall(L, arguments, results, base);
  signal(SIGINT, SIG_DFL);
  lua_remove(L, base);
  return status;
}

static int run_text(lua_State *L, const char *text, const char *chunk) {
  int status = luaL_loadbuffer(L, text, strlen(text), chunk);
  if (status == LUA_OK) status = call(L, 0, 0);
  return hl_report(L, status);
}

static int push_arguments(lua_State *L, char **argv, int from, int argc) {
  luaL_checkstack(L, argc - from + 3, "too many arguments to script");
  for (int i = from; i < argc; i++) lua_pushstring(L, argv[i]);
  return argc - from;
}

/* NULL: standard input. */
static int run_file(lua_State *L, const char *file) {
  int status = luaL_loadfile(L, file);
  if (status == LUA_OK) status = call(L, 0, 0);
  return hl_report(L, status);
}

static int run_script(lua_State *L, int argc, char **argv, int script) {
  bool from_stdin = strcmp(argv[script], "-") == 0 && strcmp(argv[script - 1], "--") != 0;
  int status = luaL_loadfile(L, from_stdin ? NULL : argv[script]);
  if (status == LUA_OK) status = call(L, push_arguments(L, argv, script + 1, argc), 0);
  return hl_report(L, status);
}

/* "module" or "global=module". */
static int run_require(lua_State *L, const char *text) {
  const char *equals = strchr(text, '=');
  const char *module = equals != NULL ? equals + 1 : text;
  lua_getglobal(L, "require");
  lua_pushstring(L, module);
  int status = call(L, 1, 1);
  if (status != LUA_OK) return hl_report(L, status);
  lua_pushglobaltable(L);
  lua_pushlstring(L, text, equals != NULL ? (size_t)(equals - text) : strlen(text));
  lua_rotate(L, -3, -1);
  lua_settable(L, -3);
  lua_pop(L, 1);
  return LUA_OK;
}

/* LUA_INIT_5_4, or else LUA_INIT: text, or "@" and a file. */
static int run_environment(lua_State *L) {
  const char *chunk = "=LUA_INIT_5_4", *text = getenv(chunk + 1);
  if (text == NULL) text = getenv((chunk = "=LUA_INIT") + 1);
  if (text == NULL) return LUA_OK;
  return text[0] == '@' ? run_file(L, text + 1) : run_text(L, text, chunk);
}

/* ---- the command line ----------------------------------------------------------------------------------- */

typedef struct options {
  int script;        /* its place in argv; argc when there is none */
  const char *wrong; /* what is no option or lacks its argument; else NULL */
  bool text, version, alone; /* -e, -v, -E */
} options;

/* All are read before anything runs. */
static options read_options(int argc, char **argv) {
  options o = {.script = 1};
  for (; o.script < argc && argv[o.script][0] == '-' && argv[o.script][1] != '\0'; o.script++) {
    const char *option = argv[o.script];
    bool longer = option[2] != '\0';
    if (strcmp(option, "--") == 0) {
      o.script++;
      break;
    }
    if (option[1] == 'e' || option[1] == 'l') {
      if (!longer && (++o.script >= argc || argv[o.script][0] == '-')) o.wrong = option;
    } else if (longer || strchr("vEW", option[1]) == NULL) {
      o.wrong = option;
    }
    if (o.wrong != NULL) break;
    o.text = o.text || option[1] == 'e';
    o.version = o.version || option[1] == 'v';
    o.alone = o.alone || option[1] == 'E';
  }
  return o;
}

/* -e, -l and -W in their order. */
static int run_options(lua_State *L, char **argv, int script) {
  int status = LUA_OK;
  for (int i = 1; i < script && status == LUA_OK; i++) {
    char option = argv[i][1];
    if (option == 'W') lua_warning(L, "@on", 0);
    if (option != 'e' && option != 'l') continue;
    const char *value = argv[i][2] != '\0' ? argv[i] + 2 : argv[++i];
    status = option == 'e' ? run_text(L, value, "=(command line)") : run_require(L, value);
  }
  return status;
}

/* The global `arg`: the script at 0, or the program when there is none; what came before below, arguments above. */
static void set_arg(lua_State *L, int argc, char **argv, int script) {
  if (script == argc) script = 0;
  lua_createtable(L, argc - script, script + 1);
  for (int i = 0; i < argc; i++) {
    lua_pushstring(L, argv[i]);
    lua_rawseti(L, -2, i - script);
  }
  lua_setglobal(L, "arg");
}

void hl_open_libraries(lua_State *L) {
  luaL_openlibs(L);
  helios_lua_preload(L);
}

int hl_run_lua(lua_State *L, int argc, char **argv) {
  options o = read_options(argc, argv);
  if (o.wrong != NULL) {
    print_usage(o.wrong);
    return EXIT_FAILURE;
  }
  if (o.version) print_version();
  lua_pushboolean(L, o.alone);
  lua_setfield(L, LUA_REGISTRYINDEX, "LUA_NOENV"); /* the package library asks for it */
  hl_open_libraries(L);
  set_arg(L, argc, argv, o.script);
  lua_gc(L, LUA_GCGEN, 0, 0);
  if (!o.alone && run_environment(L) != LUA_OK) return EXIT_FAILURE;
  if (run_options(L, argv, o.script) != LUA_OK) return EXIT_FAILURE;
  int status = LUA_OK;
  if (o.script < argc) status = run_script(L, argc, argv, o.script);
  else if (!o.text && !o.version) status = run_file(L, NULL);
  return status == LUA_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

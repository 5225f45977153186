/* l_logger.c - helios.native.logger: the text log for Lua. Translation only: levels, lines and files are the core's.
 *
 * The methods are found by Lua directly in the classes of core/root_logger.lua, with no wrapper between. Their self is
 * a table whose [1] is the userdata made here. The core calls this file's sinks in the logging thread and never Lua:
 * what Lua functions want to see is noted in a `record` and handed to them after the core has returned. */
#include <limits.h>
#include <lualib.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "buf.h"
#include "env.h"
#include "l_helios.h"

static const char HANDLE[] = "helios.logger";

/* Registry keys: their addresses count. */
static const char STDERR_KEY, HOOK_KEY;

enum { LEVEL_UNSET = 0 };

/* Upvalues of every function here. */
enum { UP_METATABLE = 1, UP_FORMAT = 2 };

/* What all loggers of a lua_State share. */
typedef struct stderr_state {
  bool hooked;  /* lines for stderr go to the function at HOOK_KEY */
  bool in_hook; /* a line logged by the hook itself goes to stderr */
} stderr_state;

/* The userdata. Its user value is the list of handlers: {fn = , level = , told = } each; the list never changes in
 * place. */
typedef struct l_logger {
  helios_logger *handle; /* NULL: not open yet, or collected */
  stderr_state *to_stderr;
  lua_Integer rank;
  int shown_from; /* records below go to no sink */
  int handlers_from;
  bool in_handlers;
  hl_buf line; /* the last line for the hook; owned here, so that no raise can leak it */
} l_logger;

/* One record on its way through the core, in the thread that logs it. */
typedef struct record {
  l_logger *logger;
  double time;
  bool for_handlers;
  bool for_hook;
} record;

/* The record that this thread logs for Lua; NULL when a C host logs, whose threads must not touch the lua_State. */
static _Thread_local record *current;

/* ---- what the core calls ------------------------------------------------------------------------------- */

/* One write, so that lines of several threads and processes stay whole; only a pipe may take less. A stderr that nobody
 * reads must not end the program, and no one is left to be told. */
static void write_stderr(const char *text, size_t n) {
  size_t done;
  int code;
  (void)hl_env_write_all(&hl_env_system, STDERR_FILENO, text, n, &done, &code);
}

static void stderr_sink(void *ctx, const helios_record *r) {
  l_logger *logger = ctx;
  bool ours = current != NULL && current->logger == logger;
  if (ours && logger->to_stderr->hooked && !logger->to_stderr->in_hook) {
    hl_buf_reset(&logger->line);
    hl_buf_append(&logger->line, r->line, r->line_length);
    current->for_hook = hl_buf_status(&logger->line) == HELIOS_OK;
    if (current->for_hook) return;
  }
  write_stderr(r->line, r->line_length);
}

static void handlers_sink(void *ctx, const helios_record *r) {
  if (current == NULL || current->logger != ctx) return;
  current->for_handlers = true;
  current->time = r->time;
}

/* The first failure of a file, from any thread. */
static void tell_failure(void *ctx, helios_status status, const char *message) {
  (void)ctx;
  (void)status;
  char line[512];
  int n = snprintf(line, sizeof line, "helios: the log cannot be written: %s\n", message);
  if (n > 0) write_stderr(line, (size_t)n < sizeof line ? (size_t)n : sizeof line - 1);
}

/* ---- self ---------------------------------------------------------------------------------------------- */

static l_logger *to_logger(lua_State *L, int index) {
  l_logger *logger = lua_touserdata(L, index);
  if (logger == NULL || !lua_getmetatable(L, index)) return NULL;
  bool ours = lua_rawequal(L, -1, lua_upvalueindex(UP_METATABLE));
  lua_pop(L, 1);
  return ours ? logger : NULL;
}

static l_logger *self_error(lua_State *L, const char *function) {
  luaL_error(L, "%s: argument 'self': expected a logger, got %s (call it with a colon)", function, hl_describe(L, 1));
  return NULL;
}

/* The logger behind self. Its userdata takes self's place on the stack: whatever Lua functions run until the call is
 * over, it is not collected. */
static l_logger *check_self(lua_State *L, const char *function) {
  if (!lua_istable(L, 1)) return self_error(L, function);
  lua_rawgeti(L, 1, 1);
  l_logger *logger = to_logger(L, -1);
  if (logger == NULL) return self_error(L, function);
  if (logger->handle == NULL) luaL_error(L, "%s: the logger is gone, its Lua state is being closed", function);
  lua_replace(L, 1);
  return logger;
}

static int push_result(lua_State *L, l_logger *logger, helios_status st) {
  char message[512];
  message[0] = '\0';
  if (st != HELIOS_OK) helios_logger_error(logger->handle, message, sizeof message);
  return hl_push_status(L, st, message);
}

/* ---- levels -------------------------------------------------------------------------------------------- */

typedef struct level_name {
  const char *name;
  int level;
} level_name;

static const level_name LEVELS[] = {
    {"NOTSET", LEVEL_UNSET},      {"DEBUG", HELIOS_DEBUG}, {"INFO", HELIOS_INFO},
    {"WARNING", HELIOS_WARNING},  {"WARN", HELIOS_WARNING}, {"ERROR", HELIOS_ERROR},
    {"CRITICAL", HELIOS_CRITICAL}, {"FATAL", HELIOS_CRITICAL},
};

static int level_of_name(lua_State *L, const hl_call *c, int slot) {
  const char *name = lua_tostring(L, slot);
  for (size_t i = 0; i < sizeof LEVELS / sizeof LEVELS[0]; i++)
    if (strcasecmp(name, LEVELS[i].name) == 0) return LEVELS[i].level;
  return hl_arg_error(L, c, slot, "unknown level '%s'", name);
}

static int check_level(lua_State *L, const hl_call *c, int slot) {
  if (lua_type(L, slot) == LUA_TSTRING) return level_of_name(L, c, slot);
  if (lua_type(L, slot) != LUA_TNUMBER) hl_arg_type_error(L, c, slot, "a level's number or name");
  int64_t level = hl_check_integer(L, c, slot);
  if (level < 0 || level >= INT_MAX) hl_arg_error(L, c, slot, "out of range");
  return (int)level;
}

/* ---- after the core: the stderr hook and the handlers --------------------------------------------------- */

/* Protected: (line) */
static int run_hook(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &HOOK_KEY);
  lua_insert(L, 1);
  lua_call(L, 1, 0);
  return 0;
}

/* A hook that fails costs no line. */
static void call_hook(lua_State *L, l_logger *logger) {
  lua_pushcfunction(L, run_hook);
  lua_pushlstring(L, (const char *)logger->line.data, logger->line.len);
  size_t n;
  const char *line = lua_tolstring(L, -1, &n);
  lua_pushvalue(L, -1);
  lua_insert(L, -3); /* the line stays below: it is written when the hook fails */
  logger->to_stderr->in_hook = true;
  if (lua_pcall(L, 1, 0, 0) != LUA_OK) {
    write_stderr(line, n);
    lua_pop(L, 1);
  }
  logger->to_stderr->in_hook = false;
  lua_pop(L, 1);
}

/* Once per handler: {fn = , level = , told = } at index `handler`, the error at the top. */
static void tell_handler_failure(lua_State *L, int handler) {
  if (lua_getfield(L, handler, "told") == LUA_TNIL) {
    lua_pushboolean(L, 1);
    lua_setfield(L, handler, "told");
    const char *why = luaL_tolstring(L, -2, NULL);
    size_t n;
    lua_pushfstring(L, "helios: a log handler failed: %s\n", why);
    const char *line = lua_tolstring(L, -1, &n);
    write_stderr(line, n);
    lua_pop(L, 2);
  }
  lua_pop(L, 2);
}

/* Protected: (handlers, record, level) */
static int run_handlers(lua_State *L) {
  lua_Integer level = lua_tointeger(L, 3);
  for (lua_Integer i = 1; lua_rawgeti(L, 1, i) == LUA_TTABLE; i++) {
    lua_getfield(L, 4, "level");
    if (level >= lua_tointeger(L, -1)) {
      lua_getfield(L, 4, "fn");
      lua_pushvalue(L, 2);
      if (lua_pcall(L, 1, 0, 0) != LUA_OK) tell_handler_failure(L, 4);
    }
    lua_settop(L, 3);
  }
  return 0;
}

/* Push {time, level, message} and the fields of the table at `extra` (0: none). */
static void push_record(lua_State *L, const record *r, int level, int message, int extra) {
  lua_createtable(L, 0, 4);
  lua_pushnumber(L, r->time);
  lua_setfield(L, -2, "time");
  lua_pushinteger(L, level);
  lua_setfield(L, -2, "level");
  lua_pushvalue(L, message);
  lua_setfield(L, -2, "message");
  if (extra == 0) return;
  lua_pushnil(L);
  while (lua_next(L, extra)) {
    lua_pushvalue(L, -2);
    lua_insert(L, -2);
    lua_rawset(L, -4);
  }
}

/* What a handler logs reaches file and stderr but no handler: it would call itself for ever. */
static void call_handlers(lua_State *L, l_logger *logger, const record *r, int level, int message, int extra) {
  lua_pushcfunction(L, run_handlers);
  lua_getiuservalue(L, 1, 1);
  push_record(L, r, level, message, extra);
  lua_pushinteger(L, level);
  logger->in_handlers = true;
  int status = lua_pcall(L, 3, 0, 0);
  logger->in_handlers = false;
  if (status != LUA_OK) lua_error(L); /* out of memory: handlers' own errors end in run_handlers */
}

/* ---- logging ------------------------------------------------------------------------------------------- */

/* Failing files are told by tell_failure, flush, close and stats; a forked child is silent. */
static void check_logged(lua_State *L, helios_status st) {
  if (st == HELIOS_ENOMEM) luaL_error(L, "not enough memory");
}

static void emit_shown(lua_State *L, l_logger *logger, int level, int message, int extra) {
  size_t n;
  const char *text = lua_tolstring(L, message, &n);
  record r = {.logger = logger};
  record *outer = current;
  current = &r;
  helios_status st = helios_logger_log(logger->handle, level, text, n);
  current = outer;
  if (r.for_hook) call_hook(L, logger);
  if (r.for_handlers && !logger->in_handlers) call_handlers(L, logger, &r, level, message, extra);
  check_logged(L, st);
}

/* Log the string at stack index `message`; `extra` is 0 or the index of a table. */
static void emit(lua_State *L, l_logger *logger, int level, int message, int extra) {
  if (level >= logger->shown_from) {
    emit_shown(L, logger, level, message, extra);
    return;
  }
  size_t n;
  const char *text = lua_tolstring(L, message, &n);
  check_logged(L, helios_logger_log(logger->handle, level, text, n));
}

/* A message is a string, a number, or an object that says how it reads. */
static void check_message(lua_State *L, const hl_call *c, int slot) {
  if (lua_type(L, slot) == LUA_TSTRING) return;
  if (lua_type(L, slot) == LUA_TNUMBER || luaL_getmetafield(L, slot, "__tostring") != LUA_TNIL) {
    luaL_tolstring(L, slot, NULL);
    lua_replace(L, slot);
    return;
  }
  if (lua_isnone(L, slot)) hl_arg_error(L, c, slot, "missing");
  hl_arg_type_error(L, c, slot, "a string");
}

/* string.format of the message and all that follows it, in the message's place. */
static void format_message(lua_State *L, const hl_call *c, int slot) {
  int count = lua_gettop(L) - slot;
  lua_pushvalue(L, lua_upvalueindex(UP_FORMAT));
  lua_insert(L, slot);
  if (lua_pcall(L, count + 1, 1, 0) != LUA_OK)
    hl_arg_error(L, c, slot, "cannot be formatted: %s", luaL_tolstring(L, -1, NULL));
}

/* Replace the message at `slot` by message, newline and the string at the top. */
static void append_lines(lua_State *L, int slot) {
  lua_pushvalue(L, slot);
  lua_pushliteral(L, "\n");
  lua_rotate(L, -3, 2);
  lua_concat(L, 3);
  lua_replace(L, slot);
}

/* true: the traceback. Another value: the error itself, followed by the traceback unless it brings one. */
static void append_exception(lua_State *L, int message, int value, int frame) {
  bool has_traceback = false;
  if (lua_type(L, value) != LUA_TBOOLEAN) {
    has_traceback = strstr(luaL_tolstring(L, value, NULL), "stack traceback:") != NULL;
    append_lines(L, message);
  }
  if (has_traceback) return;
  luaL_traceback(L, L, NULL, frame);
  append_lines(L, message);
}

/* Places of the options after those of a call's arguments. */
enum { EXC_INFO = 1, STACK_INFO = 2, STACKLEVEL = 3, EXTRA = 4 };

static void check_extra(lua_State *L, const hl_call *c, int slot) {
  if (lua_isnil(L, slot)) return;
  if (!lua_istable(L, slot)) hl_arg_type_error(L, c, slot, "a table");
  lua_pushnil(L);
  while (lua_next(L, slot)) {
    lua_pop(L, 1);
    if (lua_type(L, -1) != LUA_TSTRING) hl_arg_error(L, c, slot, "its keys must be strings");
    const char *key = lua_tostring(L, -1);
    if (strcmp(key, "time") == 0 || strcmp(key, "level") == 0 || strcmp(key, "message") == 0)
      hl_arg_error(L, c, slot, "would overwrite the record's '%s'", key);
  }
}

/* The message with its options table behind it: checked always, built up only for a record that is going somewhere. */
static void log_with_options(lua_State *L, l_logger *logger, int level, const hl_call *c, int message) {
  bool by_default = strcmp(c->function, "exception") == 0;
  hl_args(L, c);
  check_message(L, c, message);
  check_extra(L, c, message + EXTRA);
  int64_t frame = hl_opt_integer(L, c, message + STACKLEVEL, 1);
  if (frame < 1 || frame > INT_MAX) hl_arg_error(L, c, message + STACKLEVEL, "must be at least 1");
  bool stack_info = hl_opt_boolean(L, c, message + STACK_INFO, false);
  if (!helios_logger_enabled(logger->handle, level)) return;
  if (by_default && lua_isnil(L, message + EXC_INFO)) {
    lua_pushboolean(L, 1);
    lua_replace(L, message + EXC_INFO);
  }
  if (lua_toboolean(L, message + EXC_INFO)) append_exception(L, message, message + EXC_INFO, (int)frame);
  if (stack_info) {
    luaL_traceback(L, L, NULL, (int)frame);
    append_lines(L, message);
  }
  emit(L, logger, level, message, lua_isnil(L, message + EXTRA) ? 0 : message + EXTRA);
}

/* An object that says how it reads is something to format, not a table of options. */
static bool is_options(lua_State *L, int slot) {
  if (!lua_istable(L, slot)) return false;
  if (luaL_getmetafield(L, slot, "__tostring") == LUA_TNIL) return true;
  lua_pop(L, 1);
  return false;
}

static void log_with_arguments(lua_State *L, l_logger *logger, int level, const hl_call *c, int message) {
  if (lua_gettop(L) == message + 1 && is_options(L, message + 1)) {
    log_with_options(L, logger, level, c, message);
    return;
  }
  check_message(L, c, message);
  if (!helios_logger_enabled(logger->handle, level)) return;
  format_message(L, c, message);
  emit(L, logger, level, message, 0);
}

static void log_message(lua_State *L, l_logger *logger, int level, const hl_call *c, int message) {
  if (lua_gettop(L) > message) {
    log_with_arguments(L, logger, level, c, message);
    return;
  }
  check_message(L, c, message);
  emit(L, logger, level, message, 0);
}

#define OPTION_NAMES "exc_info", "stack_info", "stacklevel", "extra"

static int l_info(lua_State *L) {
  static const hl_call call = {"info", 2, 1, 1, false, {"msg", OPTION_NAMES}};
  l_logger *logger = check_self(L, "info");
  if (logger->rank != 0) return 0;
  log_message(L, logger, HELIOS_INFO, &call, 2);
  return 0;
}

static int l_warning(lua_State *L) {
  static const hl_call call = {"warning", 2, 1, 1, false, {"msg", OPTION_NAMES}};
  log_message(L, check_self(L, "warning"), HELIOS_WARNING, &call, 2);
  return 0;
}

static int l_error(lua_State *L) {
  static const hl_call call = {"error", 2, 1, 1, false, {"msg", OPTION_NAMES}};
  log_message(L, check_self(L, "error"), HELIOS_ERROR, &call, 2);
  return 0;
}

static int l_exception(lua_State *L) {
  static const hl_call call = {"exception", 2, 1, 1, false, {"msg", OPTION_NAMES}};
  l_logger *logger = check_self(L, "exception");
  if (lua_gettop(L) == 3 && is_options(L, 3)) {
    log_with_options(L, logger, HELIOS_ERROR, &call, 2);
    return 0;
  }
  check_message(L, &call, 2);
  if (!helios_logger_enabled(logger->handle, HELIOS_ERROR)) return 0;
  if (lua_gettop(L) > 2) format_message(L, &call, 2);
  luaL_traceback(L, L, NULL, 1);
  append_lines(L, 2);
  emit(L, logger, HELIOS_ERROR, 2, 0);
  return 0;
}

static int l_log(lua_State *L) {
  static const hl_call call = {"log", 2, 2, 2, false, {"level", "msg", OPTION_NAMES}};
  l_logger *logger = check_self(L, "log");
  if (lua_gettop(L) < 2) hl_arg_error(L, &call, 2, "missing");
  log_message(L, logger, check_level(L, &call, 2), &call, 3);
  return 0;
}

/* ---- level and handlers -------------------------------------------------------------------------------- */

static int l_level(lua_State *L) {
  lua_pushinteger(L, helios_logger_level(check_self(L, "level")->handle));
  return 1;
}

static int l_set_level(lua_State *L) {
  static const hl_call call = {"set_level", 2, 1, 1, false, {"level"}};
  l_logger *logger = check_self(L, "set_level");
  hl_args(L, &call);
  helios_logger_set_level(logger->handle, check_level(L, &call, 2));
  return 0;
}

/* The handlers' list becomes the table at the top; the core is told from which level on they listen. */
static void use_handlers(lua_State *L, l_logger *logger) {
  int list = lua_gettop(L), lowest = INT_MAX;
  for (lua_Integer i = 1; lua_rawgeti(L, list, i) == LUA_TTABLE; i++) {
    lua_getfield(L, -1, "level");
    if (lua_tointeger(L, -1) < lowest) lowest = (int)lua_tointeger(L, -1);
    lua_settop(L, list);
  }
  lua_settop(L, list);
  if (lowest != INT_MAX && helios_logger_add_sink(logger->handle, lowest, handlers_sink, logger) == HELIOS_ENOMEM)
    luaL_error(L, "not enough memory");
  if (logger->handlers_from != INT_MAX) helios_logger_remove_sink(logger->handle, handlers_sink, logger);
  logger->handlers_from = lowest;
  logger->shown_from = lowest < HELIOS_WARNING ? lowest : HELIOS_WARNING;
  lua_setiuservalue(L, 1, 1);
}

/* Push a copy of the handlers' list, without those whose fn is the value at `without` (0: none). Returns how many
 * there are in it. */
static lua_Integer push_handlers(lua_State *L, int without) {
  lua_getiuservalue(L, 1, 1);
  lua_newtable(L);
  lua_Integer count = 0;
  for (lua_Integer i = 1; lua_rawgeti(L, -2, i) == LUA_TTABLE; i++) {
    lua_getfield(L, -1, "fn");
    bool same = without != 0 && lua_rawequal(L, -1, without);
    lua_pop(L, 1);
    if (same) lua_pop(L, 1);
    else lua_rawseti(L, -2, ++count);
  }
  lua_pop(L, 1);
  lua_remove(L, -2);
  return count;
}

static bool is_callable(lua_State *L, int slot) {
  if (lua_isfunction(L, slot)) return true;
  if (luaL_getmetafield(L, slot, "__call") == LUA_TNIL) return false;
  lua_pop(L, 1);
  return true;
}

static int l_add_handler(lua_State *L) {
  static const hl_call call = {"add_handler", 2, 1, 2, false, {"fn", "level"}};
  l_logger *logger = check_self(L, "add_handler");
  hl_args(L, &call);
  if (!is_callable(L, 2)) hl_arg_type_error(L, &call, 2, "a function");
  int level = lua_isnil(L, 3) ? LEVEL_UNSET : check_level(L, &call, 3);
  lua_Integer count = push_handlers(L, 0);
  lua_createtable(L, 0, 2);
  lua_pushvalue(L, 2);
  lua_setfield(L, -2, "fn");
  lua_pushinteger(L, level);
  lua_setfield(L, -2, "level");
  lua_rawseti(L, -2, count + 1);
  use_handlers(L, logger);
  return 0;
}

static int l_remove_handler(lua_State *L) {
  static const hl_call call = {"remove_handler", 2, 1, 1, false, {"fn"}};
  l_logger *logger = check_self(L, "remove_handler");
  hl_args(L, &call);
  push_handlers(L, 2);
  use_handlers(L, logger);
  return 0;
}

/* ---- files --------------------------------------------------------------------------------------------- */

/* The object itself stays at 2, between its userdata and the arguments: its field is set. */
static int l_setup(lua_State *L) {
  static const hl_call call = {"setup", 3, 0, 1, false, {"log_file"}};
  if (lua_isnone(L, 1)) lua_pushnil(L);
  lua_pushvalue(L, 1);
  lua_insert(L, 1);
  l_logger *logger = check_self(L, "setup");
  hl_args(L, &call);
  if (lua_isnil(L, 3)) return 0;
  const char *path = hl_check_cstring(L, &call, 3);
  if (path[0] == '\0') hl_arg_error(L, &call, 3, "must not be empty");
  helios_status st = helios_logger_set_file(logger->handle, path);
  if (st != HELIOS_OK) {
    char message[512];
    helios_logger_error(logger->handle, message, sizeof message);
    hl_raise(L, "setup", st, message);
  }
  lua_setfield(L, 2, "log_file");
  return 0;
}

static int l_flush(lua_State *L) {
  l_logger *logger = check_self(L, "flush");
  return push_result(L, logger, helios_logger_flush(logger->handle));
}

static int l_close(lua_State *L) {
  l_logger *logger = check_self(L, "close");
  return push_result(L, logger, helios_logger_close(logger->handle));
}

static int l_reopen(lua_State *L) {
  l_logger *logger = check_self(L, "reopen");
  return push_result(L, logger, helios_logger_reopen(logger->handle));
}

static void set_count(lua_State *L, const char *name, uint64_t value) {
  lua_pushinteger(L, (lua_Integer)value);
  lua_setfield(L, -2, name);
}

static int l_stats(lua_State *L) {
  l_logger *logger = check_self(L, "stats");
  helios_stats s = {.size = sizeof s};
  helios_status st = helios_logger_stats(logger->handle, &s);
  if (st != HELIOS_OK) return push_result(L, logger, st);
  lua_createtable(L, 0, 6);
  set_count(L, "events", s.events);
  set_count(L, "bytes", s.bytes);
  set_count(L, "dropped", s.dropped);
  set_count(L, "pending", s.pending);
  lua_pushboolean(L, s.shared_buffer);
  lua_setfield(L, -2, "shared_buffer");
  if (s.last_error[0] != '\0') {
    lua_pushstring(L, s.last_error);
    lua_setfield(L, -2, "last_error");
  }
  return 1;
}

/* ---- making and collecting ------------------------------------------------------------------------------ */

static stderr_state *get_stderr_state(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &STDERR_KEY);
  stderr_state *s = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return s;
}

/* Push the userdata, born closed. */
static l_logger *push_new(lua_State *L) {
  l_logger *logger = lua_newuserdatauv(L, sizeof *logger, 1);
  *logger = (l_logger){.to_stderr = get_stderr_state(L), .shown_from = HELIOS_WARNING, .handlers_from = INT_MAX};
  hl_buf_init(&logger->line, NULL);
  lua_newtable(L);
  lua_setiuservalue(L, -2, 1);
  lua_pushvalue(L, lua_upvalueindex(UP_METATABLE));
  lua_setmetatable(L, -2);
  return logger;
}

/* native.logger.new(rank): the userdata with no file. The rank decides on level and mark. */
static int l_new(lua_State *L) {
  lua_Integer rank = luaL_checkinteger(L, 1);
  l_logger *logger = push_new(L);
  logger->rank = rank;
  char mark[40], error[256];
  snprintf(mark, sizeof mark, "[rank %lld]", (long long)rank);
  helios_logger_options options = {
      .size = sizeof options,
      .level = rank == 0 ? HELIOS_INFO : HELIOS_ERROR,
      .mark = rank == 0 ? NULL : mark,
      .on_error = tell_failure,
  };
  helios_status st = helios_logger_open(NULL, &options, &logger->handle, error, sizeof error);
  if (st == HELIOS_OK) st = helios_logger_add_sink(logger->handle, HELIOS_WARNING, stderr_sink, logger);
  if (st != HELIOS_OK) return luaL_error(L, "RootLogger: %s", helios_strerror(st));
  return 1;
}

static int l_gc(lua_State *L) {
  l_logger *logger = lua_touserdata(L, 1);
  helios_logger *handle = logger->handle;
  logger->handle = NULL;
  helios_logger_free(handle);
  hl_buf_free(&logger->line);
  return 0;
}

/* native.logger.set_stderr_hook(fn or nil): lines for stderr go to fn(line), for a progress bar to step aside. */
static int l_set_stderr_hook(lua_State *L) {
  if (!lua_isnoneornil(L, 1) && !is_callable(L, 1))
    return luaL_error(L, "set_stderr_hook: argument 'fn': expected a function, got %s", hl_describe(L, 1));
  lua_settop(L, 1);
  stderr_state *s = get_stderr_state(L);
  s->hooked = false;
  lua_rawsetp(L, LUA_REGISTRYINDEX, &HOOK_KEY);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &HOOK_KEY);
  s->hooked = !lua_isnil(L, -1);
  return 0;
}

static const luaL_Reg FUNCTIONS[] = {
    {"new", l_new},
    {"set_stderr_hook", l_set_stderr_hook},
    {"setup", l_setup},
    {"info", l_info},
    {"warning", l_warning},
    {"error", l_error},
    {"exception", l_exception},
    {"log", l_log},
    {"level", l_level},
    {"set_level", l_set_level},
    {"add_handler", l_add_handler},
    {"remove_handler", l_remove_handler},
    {"flush", l_flush},
    {"close", l_close},
    {"reopen", l_reopen},
    {"stats", l_stats},
    {NULL, NULL},
};

helios_logger *helios_lua_to_logger(lua_State *L, int index) {
  if (lua_type(L, index) != LUA_TTABLE) return NULL;
  lua_rawgeti(L, index, 1);
  const l_logger *logger = luaL_testudata(L, -1, HANDLE);
  lua_pop(L, 1);
  return logger != NULL ? logger->handle : NULL;
}

static void make_stderr_state(lua_State *L) {
  stderr_state *s = lua_newuserdatauv(L, sizeof *s, 0);
  *s = (stderr_state){0};
  lua_rawsetp(L, LUA_REGISTRYINDEX, &STDERR_KEY);
}

static void push_metatable(lua_State *L) {
  luaL_newmetatable(L, HANDLE);
  lua_pushcfunction(L, l_gc);
  lua_setfield(L, -2, "__gc");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
}

/* string.format as it is now, whatever becomes of the global later. */
static void push_format(lua_State *L) {
  luaL_requiref(L, LUA_STRLIBNAME, luaopen_string, 0);
  lua_getfield(L, -1, "format");
  lua_remove(L, -2);
}

void hl_open_logger(lua_State *L) {
  if (get_stderr_state(L) == NULL) make_stderr_state(L);
  luaL_newlibtable(L, FUNCTIONS);
  push_metatable(L);
  push_format(L);
  luaL_setfuncs(L, FUNCTIONS, 2);
}

/* l_log.c - what one call logs: its level, its message formatted, and what Python's options add to it. */
#include <limits.h>
#include <string.h>
#include <strings.h>

#include "l_logger.h"

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

int hl_check_level(lua_State *L, const hl_call *c, int slot) {
  if (lua_type(L, slot) == LUA_TSTRING) return level_of_name(L, c, slot);
  if (lua_type(L, slot) != LUA_TNUMBER) hl_arg_type_error(L, c, slot, "a level's number or name");
  int64_t level = hl_check_integer(L, c, slot);
  if (level < 0 || level >= INT_MAX) hl_arg_error(L, c, slot, "out of range");
  return (int)level;
}

/* ---- the message --------------------------------------------------------------------------------------- */

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
  hl_log_emit(L, logger, level, message, lua_isnil(L, message + EXTRA) ? 0 : message + EXTRA);
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
  hl_log_emit(L, logger, level, message, 0);
}

static void log_message(lua_State *L, l_logger *logger, int level, const hl_call *c, int message) {
  if (lua_gettop(L) > message) {
    log_with_arguments(L, logger, level, c, message);
    return;
  }
  check_message(L, c, message);
  hl_log_emit(L, logger, level, message, 0);
}

#define OPTION_NAMES "exc_info", "stack_info", "stacklevel", "extra"

static int l_info(lua_State *L) {
  static const hl_call call = {"info", 2, 1, 1, HL_NO_TABLE, {"msg", OPTION_NAMES}};
  l_logger *logger = hl_check_logger(L, "info");
  if (logger->rank != 0) return 0;
  log_message(L, logger, HELIOS_INFO, &call, 2);
  return 0;
}

static int l_warning(lua_State *L) {
  static const hl_call call = {"warning", 2, 1, 1, HL_NO_TABLE, {"msg", OPTION_NAMES}};
  log_message(L, hl_check_logger(L, "warning"), HELIOS_WARNING, &call, 2);
  return 0;
}

static int l_error(lua_State *L) {
  static const hl_call call = {"error", 2, 1, 1, HL_NO_TABLE, {"msg", OPTION_NAMES}};
  log_message(L, hl_check_logger(L, "error"), HELIOS_ERROR, &call, 2);
  return 0;
}

static int l_exception(lua_State *L) {
  static const hl_call call = {"exception", 2, 1, 1, HL_NO_TABLE, {"msg", OPTION_NAMES}};
  l_logger *logger = hl_check_logger(L, "exception");
  if (lua_gettop(L) == 3 && is_options(L, 3)) {
    log_with_options(L, logger, HELIOS_ERROR, &call, 2);
    return 0;
  }
  check_message(L, &call, 2);
  if (!helios_logger_enabled(logger->handle, HELIOS_ERROR)) return 0;
  if (lua_gettop(L) > 2) format_message(L, &call, 2);
  luaL_traceback(L, L, NULL, 1);
  append_lines(L, 2);
  hl_log_emit(L, logger, HELIOS_ERROR, 2, 0);
  return 0;
}

static int l_log(lua_State *L) {
  static const hl_call call = {"log", 2, 2, 2, HL_NO_TABLE, {"level", "msg", OPTION_NAMES}};
  l_logger *logger = hl_check_logger(L, "log");
  if (lua_gettop(L) < 2) hl_arg_error(L, &call, 2, "missing");
  log_message(L, logger, hl_check_level(L, &call, 2), &call, 3);
  return 0;
}

static int l_level(lua_State *L) {
  lua_pushinteger(L, helios_logger_level(hl_check_logger(L, "level")->handle));
  return 1;
}

static int l_set_level(lua_State *L) {
  static const hl_call call = {"set_level", 2, 1, 1, HL_NO_TABLE, {"level"}};
  l_logger *logger = hl_check_logger(L, "set_level");
  hl_args(L, &call);
  helios_logger_set_level(logger->handle, hl_check_level(L, &call, 2));
  return 0;
}

const luaL_Reg HL_LOG_FUNCTIONS[] = {{"info", l_info},           {"warning", l_warning}, {"error", l_error},
                                     {"exception", l_exception}, {"log", l_log},         {"level", l_level},
                                     {"set_level", l_set_level}, {NULL, NULL}};

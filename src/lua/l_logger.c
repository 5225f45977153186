/* l_logger.c - helios.native.logger: the text log for Lua, from making to collecting. Translation only: levels, lines
 * and files are the core's. */
#include "l_logger.h"

#include <limits.h>
#include <lualib.h>
#include <stdio.h>

static const char HANDLE[] = "helios.logger";

/* The first failure of a file, from any thread. */
static void tell_failure(void *ctx, helios_status status, const char *message) {
  (void)ctx;
  (void)status;
  char line[512];
  int n = snprintf(line, sizeof line, "helios: the log cannot be written: %s\n", message);
  if (n > 0) hl_write_stderr(line, (size_t)n < sizeof line ? (size_t)n : sizeof line - 1);
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

l_logger *hl_check_logger(lua_State *L, const char *function) {
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

/* ---- files --------------------------------------------------------------------------------------------- */

/* The object itself stays at 2, between its userdata and the arguments: its field is set. */
static int l_setup(lua_State *L) {
  static const hl_call call = {"setup", 3, 0, 1, HL_NO_TABLE, {"log_file"}};
  if (lua_isnone(L, 1)) lua_pushnil(L);
  lua_pushvalue(L, 1);
  lua_insert(L, 1);
  l_logger *logger = hl_check_logger(L, "setup");
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
  l_logger *logger = hl_check_logger(L, "flush");
  return push_result(L, logger, helios_logger_flush(logger->handle));
}

static int l_close(lua_State *L) {
  l_logger *logger = hl_check_logger(L, "close");
  return push_result(L, logger, helios_logger_close(logger->handle));
}

static int l_reopen(lua_State *L) {
  l_logger *logger = hl_check_logger(L, "reopen");
  return push_result(L, logger, helios_logger_reopen(logger->handle));
}

static void set_count(lua_State *L, const char *name, uint64_t value) {
  lua_pushinteger(L, (lua_Integer)value);
  lua_setfield(L, -2, name);
}

static int l_stats(lua_State *L) {
  l_logger *logger = hl_check_logger(L, "stats");
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

/* Push the userdata, born closed. */
static l_logger *push_new(lua_State *L) {
  l_logger *logger = lua_newuserdatauv(L, sizeof *logger, 1);
  *logger = (l_logger){.to_stderr = hl_stderr_state(L), .shown_from = HELIOS_WARNING, .handlers_from = INT_MAX};
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
  if (st == HELIOS_OK) st = hl_log_to_stderr(logger);
  if (st != HELIOS_OK) return luaL_error(L, "RootLogger: %s", helios_strerror(st));
  return 1;
}

/* Close where nobody reads the result. Why it failed was told when it did; how much went with it, here. */
static void retire(helios_logger *handle) {
  helios_stats stats = {.size = sizeof stats};
  helios_status st = helios_logger_close(handle); /* also of no logger, and in a forked child: nothing then */
  if (st != HELIOS_OK && helios_logger_stats(handle, &stats) == HELIOS_OK && stats.dropped > 0) {
    char line[512];
    int n = snprintf(line, sizeof line, "helios: %s: %llu lines were dropped\n", helios_logger_path(handle),
                     (unsigned long long)stats.dropped);
    hl_write_stderr(line, (size_t)n < sizeof line ? (size_t)n : sizeof line - 1);
  }
  helios_logger_free(handle);
}

static int l_gc(lua_State *L) {
  l_logger *logger = lua_touserdata(L, 1);
  helios_logger *handle = logger->handle;
  logger->handle = NULL;
  retire(handle);
  hl_buf_free(&logger->line);
  return 0;
}

static const luaL_Reg FUNCTIONS[] = {{"new", l_new},       {"setup", l_setup},   {"flush", l_flush}, {"close", l_close},
                                     {"reopen", l_reopen}, {"stats", l_stats},   {NULL, NULL}};

helios_logger *helios_lua_to_logger(lua_State *L, int index) {
  if (lua_type(L, index) != LUA_TTABLE) return NULL;
  lua_rawgeti(L, index, 1);
  const l_logger *logger = luaL_testudata(L, -1, HANDLE);
  lua_pop(L, 1);
  return logger != NULL ? logger->handle : NULL;
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

/* All functions in one table, each with the metatable and string.format as upvalues. */
void hl_open_logger(lua_State *L) {
  lua_newtable(L);
  push_metatable(L);
  push_format(L);
  static const luaL_Reg *const lists[] = {FUNCTIONS, HL_LOG_FUNCTIONS, HL_LOG_SINK_FUNCTIONS};
  for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
    lua_pushvalue(L, -3);
    lua_pushvalue(L, -3);
    lua_pushvalue(L, -3);
    luaL_setfuncs(L, lists[i], 2);
    lua_pop(L, 1);
  }
  lua_pop(L, 2);
}

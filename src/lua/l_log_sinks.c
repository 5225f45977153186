/* l_log_sinks.c - who hears of a record beside the file: stderr, and functions of Lua.
 *
 * The core calls this file's sinks in the logging thread and never Lua: what Lua functions want to see is noted in a
 * `record` and handed to them after the core has returned. */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../env.h"
#include "l_logger.h"

/* Registry keys: their addresses count. */
static const char STDERR_KEY, HOOK_KEY;

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

void hl_write_stderr(const char *text, size_t n) {
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
  hl_write_stderr(r->line, r->line_length);
}

static void handlers_sink(void *ctx, const helios_record *r) {
  if (current == NULL || current->logger != ctx) return;
  current->for_handlers = true;
  current->time = r->time;
}

helios_status hl_log_to_stderr(l_logger *logger) {
  return helios_logger_add_sink(logger->handle, HELIOS_WARNING, stderr_sink, logger);
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
    hl_write_stderr(line, n);
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
    hl_write_stderr(line, n);
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

void hl_log_emit(lua_State *L, l_logger *logger, int level, int message, int extra) {
  if (level >= logger->shown_from) {
    emit_shown(L, logger, level, message, extra);
    return;
  }
  size_t n;
  const char *text = lua_tolstring(L, message, &n);
  check_logged(L, helios_logger_log(logger->handle, level, text, n));
}

/* ---- handlers ------------------------------------------------------------------------------------------ */

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
  static const hl_call call = {"add_handler", 2, 1, 2, HL_NO_TABLE, {"fn", "level"}};
  l_logger *logger = hl_check_logger(L, "add_handler");
  hl_args(L, &call);
  if (!is_callable(L, 2)) hl_arg_type_error(L, &call, 2, "a function");
  int level = lua_isnil(L, 3) ? LEVEL_UNSET : hl_check_level(L, &call, 3);
  lua_Integer count = push_handlers(L, 2); /* added again, it has the new level, and is called once */
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
  static const hl_call call = {"remove_handler", 2, 1, 1, HL_NO_TABLE, {"fn"}};
  l_logger *logger = hl_check_logger(L, "remove_handler");
  hl_args(L, &call);
  push_handlers(L, 2);
  use_handlers(L, logger);
  return 0;
}

/* ---- stderr -------------------------------------------------------------------------------------------- */

stderr_state *hl_stderr_state(lua_State *L) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &STDERR_KEY) == LUA_TNIL) {
    stderr_state *made = lua_newuserdatauv(L, sizeof *made, 0);
    *made = (stderr_state){0};
    lua_rawsetp(L, LUA_REGISTRYINDEX, &STDERR_KEY);
    lua_pop(L, 1);
    return made;
  }
  stderr_state *s = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return s;
}

/* native.logger.set_stderr_hook(fn or nil): lines for stderr go to fn(line), for a progress bar to step aside. */
static int l_set_stderr_hook(lua_State *L) {
  if (!lua_isnoneornil(L, 1) && !is_callable(L, 1))
    return luaL_error(L, "set_stderr_hook: argument 'fn': expected a function, got %s", hl_describe(L, 1));
  lua_settop(L, 1);
  stderr_state *s = hl_stderr_state(L);
  s->hooked = false;
  lua_rawsetp(L, LUA_REGISTRYINDEX, &HOOK_KEY);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &HOOK_KEY);
  s->hooked = !lua_isnil(L, -1);
  return 0;
}

const luaL_Reg HL_LOG_SINK_FUNCTIONS[] = {{"add_handler", l_add_handler},
                                          {"remove_handler", l_remove_handler},
                                          {"set_stderr_hook", l_set_stderr_hook},
                                          {NULL, NULL}};

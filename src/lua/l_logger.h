/* l_logger.h - the userdata behind RootLogger, for the files that make it up: l_logger.c its life and its file, l_log.c
 * what one call logs, l_log_sinks.c who hears of it beside the file: stderr and Lua's handlers.
 *
 * The methods are found by Lua directly in the classes of core/root_logger.lua, with no wrapper between. Their self is
 * a table whose [1] is the userdata. */
#ifndef HL_L_LOGGER_H
#define HL_L_LOGGER_H

#include "l_helios.h"

/* Upvalues of every function of these files. */
enum { UP_METATABLE = 1, UP_FORMAT = 2 };

enum { LEVEL_UNSET = 0 };

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

/* ---- l_logger.c -------------------------------------------------------------------------------------- */

/* The logger behind self. Its userdata takes self's place on the stack: whatever Lua functions run until the call is
 * over, it is not collected. */
l_logger *hl_check_logger(lua_State *L, const char *function);

/* ---- l_log.c: info, warning, error, exception, log, level, set_level ----------------------------------- */

extern const luaL_Reg HL_LOG_FUNCTIONS[];

/* The level at this slot, a number or a name. */
int hl_check_level(lua_State *L, const hl_call *c, int slot);

/* ---- l_log_sinks.c: add_handler, remove_handler, set_stderr_hook ---------------------------------------- */

extern const luaL_Reg HL_LOG_SINK_FUNCTIONS[];

/* Log the string at stack index `message`, and hand it to the handlers; `extra` is 0 or the index of a table. */
void hl_log_emit(lua_State *L, l_logger *logger, int level, int message, int extra);
/* Have the logger tell stderr what is at WARNING or above. */
helios_status hl_log_to_stderr(l_logger *logger);
/* One write, so that lines of several threads and processes stay whole; only a pipe may take less. A stderr that nobody
 * reads must not end the program, and no one is left to be told. */
void hl_write_stderr(const char *text, size_t n);
/* What this state's loggers share, made when first asked for. */
stderr_state *hl_stderr_state(lua_State *L);

#endif

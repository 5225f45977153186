/* runner.h - scripts run as `lua` runs them. */
#ifndef HL_RUNNER_H
#define HL_RUNNER_H

#include <lua.h>

/* Open the standard libraries and make every helios module known; for all that runs in this program. */
void hl_open_libraries(lua_State *L);

/* The options, the script and its arguments of a command line, in a fresh state. What fails is told on stderr.
 * Returns the status to exit with. */
int hl_run_lua(lua_State *L, int argc, char **argv);

/* A message handler for lua_pcall, and the one line or traceback on stderr that tells what it gave; returns `status`. */
int hl_traceback(lua_State *L);
int hl_report(lua_State *L, int status);

#endif

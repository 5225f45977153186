/* helios/lua.h - Helios inside a host's own lua_State. For Lua 5.4; link libhelios-lua.a (pkg-config helios-lua),
 * not only the core.
 *
 * Everything here runs in the thread that owns L, and can raise Lua errors as lua_* functions do. */
#ifndef HELIOS_LUA_H
#define HELIOS_LUA_H

#include <lua.h>

#include "logger.h"
#include "status.h"
#include "tensor.h"
#include "writer.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The opener of `helios.native`, the C half of the Lua modules; pushes its table and returns 1. */
HELIOS_API int luaopen_helios_native(lua_State *L);

/* Make every helios.* module available to require() in this state, out of the program: no files on disk are needed, and
 * package.path, package.cpath and the searchers stay as they are. The modules use the standard libraries base, package,
 * string, table, math, io and os, some also coroutine and debug, which may be opened before or after. Host programs that
 * link libhelios-lua.a have it and the two openers below; the Lua module has not. */
HELIOS_API void helios_lua_preload(lua_State *L);

/* For luaL_requiref, under the names "helios" and "helios.core.logging": preload, then require the module; push it and
 * return 1. The libraries that the modules use must be open. */
HELIOS_API int luaopen_helios(lua_State *L);
HELIOS_API int luaopen_helios_core_logging(lua_State *L);

/* Push a helios.tensor that shows `managed`, any strides, without a copy, and return 1. The tensor owns it from the
 * moment of the call: its deleter runs when Lua collects the tensor and every view of it, or at once when this raises
 * (memory on another device, a dtype or shape that helios/tensor.h does not take, out of memory). */
HELIOS_API int helios_lua_push_dltensor(lua_State *L, DLManagedTensor *managed);

/* The handle behind the TensorboardWriter or RootLogger at this stack index; NULL when there is something else, or a
 * writer that is not open. A logger has its handle also without a file or after its close, when it serves its sinks
 * alone. It stays the object's: use it, from any thread, for as long as Lua holds the object and leaves it open; never
 * close or free it. A writer that is not rank 0's is never open. Raises nothing. */
HELIOS_API helios_writer *helios_lua_to_writer(lua_State *L, int index);
HELIOS_API helios_logger *helios_lua_to_logger(lua_State *L, int index);

/* The handles of the state's default writer and logger, those of helios.core.logging; NULL when the script has made
 * none, has not opened the writer, or has closed it. Theirs like those of to_writer, until the script closes or replaces the
 * default loggers. Raises nothing and leaves the stack as it is. */
HELIOS_API helios_writer *helios_lua_default_writer(lua_State *L);
HELIOS_API helios_logger *helios_lua_default_logger(lua_State *L);

/* Push a TensorboardWriter over a writer the host has opened, and return 1: a script adds to the host's run, and so may
 * other states, in other threads, each with an object of its own. The writer stays the host's. The object's close
 * flushes it and lets it go, collection only lets it go; setup moves the object to a run of its own. The writer must
 * not be freed before each object is closed or collected. Its step (set_step) and its callbacks are shared by all: a
 * NaN is told to its on_notice, not to the script's log. Raises when the Lua modules cannot be found. */
HELIOS_API int helios_lua_push_writer(lua_State *L, helios_writer *writer);

#ifdef __cplusplus
}
#endif
#endif

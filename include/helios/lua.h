/* helios/lua.h - Helios inside a host's own lua_State. For Lua 5.4; link the Lua module's objects, not only the core.
 *
 * Everything here runs in the thread that owns L, and can raise Lua errors as lua_* functions do. */
#ifndef HELIOS_LUA_H
#define HELIOS_LUA_H

#include <lua.h>

#include "status.h"
#include "tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The opener of `helios.native`, the C half of the Lua modules; pushes its table and returns 1. */
HELIOS_API int luaopen_helios_native(lua_State *L);

/* Push a helios.tensor that shows `managed`, any strides, without a copy, and return 1. The tensor owns it from the
 * moment of the call: its deleter runs when Lua collects the tensor and every view of it, or at once when this raises
 * (memory on another device, a dtype or shape that helios/tensor.h does not take, out of memory). */
HELIOS_API int helios_lua_push_dltensor(lua_State *L, DLManagedTensor *managed);

#ifdef __cplusplus
}
#endif
#endif

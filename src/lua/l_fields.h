/* l_fields.h - fields of the table on top of the stack, for the files that describe what was read. */
#ifndef HL_L_FIELDS_H
#define HL_L_FIELDS_H

#include "l_helios.h"

static inline void set_slice(lua_State *L, const char *name, helios_slice s) {
  lua_pushlstring(L, s.data, s.length);
  lua_setfield(L, -2, name);
}

static inline void set_integer(lua_State *L, const char *name, int64_t v) {
  lua_pushinteger(L, (lua_Integer)v);
  lua_setfield(L, -2, name);
}

static inline void set_number(lua_State *L, const char *name, double v) {
  lua_pushnumber(L, v);
  lua_setfield(L, -2, name);
}

static inline void set_boolean(lua_State *L, const char *name, bool v) {
  lua_pushboolean(L, v);
  lua_setfield(L, -2, name);
}

static inline void set_string(lua_State *L, const char *name, const char *v) {
  lua_pushstring(L, v);
  lua_setfield(L, -2, name);
}

/* l_point.c: push a point as a table, with what its kind holds. */
void hl_push_point(lua_State *L, const helios_point *p);

#endif

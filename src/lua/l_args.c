/* l_args.c - the calling convention, once for all functions: positional arguments, or the optional ones by name in a
 * table; and errors that name function, argument and reason. Knows nothing of what the functions do. */
#include <math.h>
#include <string.h>

#include "l_helios.h"

/* ---- errors ------------------------------------------------------------------------------------------ */

/* A userdata's or class' own name, where it has one. */
static const char *push_type_name(lua_State *L, int index) {
  if (luaL_getmetafield(L, index, "__name") == LUA_TSTRING) return lua_tostring(L, -1);
  return luaL_typename(L, index);
}

const char *hl_describe(lua_State *L, int index) {
  index = lua_absindex(L, index);
  switch (lua_type(L, index)) {
    case LUA_TNUMBER: return luaL_tolstring(L, index, NULL);
    case LUA_TBOOLEAN: return lua_pushstring(L, lua_toboolean(L, index) ? "true" : "false");
    case LUA_TNONE:
    case LUA_TNIL: return lua_pushliteral(L, "nil");
    default: return lua_pushfstring(L, "a %s", push_type_name(L, index));
  }
}

int hl_arg_error(lua_State *L, const hl_call *c, int slot, const char *format, ...) {
  va_list args;
  va_start(args, format);
  const char *reason = lua_pushvfstring(L, format, args);
  va_end(args);
  return luaL_error(L, "%s: argument '%s': %s", c->function, c->names[slot - c->first], reason);
}

int hl_arg_type_error(lua_State *L, const hl_call *c, int slot, const char *what) {
  return hl_arg_error(L, c, slot, "expected %s, got %s", what, hl_describe(L, slot));
}

/* ---- placing arguments ------------------------------------------------------------------------------- */

static int count_names(const hl_call *c) {
  int n = 0;
  while (c->names[n] != NULL) n++;
  return n;
}

static int option_slot(const hl_call *c, const char *name) {
  for (int i = c->required; c->names[i] != NULL; i++)
    if (strcmp(c->names[i], name) == 0) return c->first + i;
  return 0;
}

int hl_arg_slot(const hl_call *c, const char *name) {
  for (int i = 0; c->names[i] != NULL; i++)
    if (strcmp(c->names[i], name) == 0) return c->first + i;
  return 0;
}

/* The slot an options table's key (at the top of the stack or below) means; 0 when it is no option. */
static int key_slot(lua_State *L, const hl_call *c, int key) {
  return lua_type(L, key) == LUA_TSTRING ? option_slot(c, lua_tostring(L, key)) : 0;
}

static bool all_keys_are_options(lua_State *L, const hl_call *c, int table) {
  lua_pushnil(L);
  while (lua_next(L, table)) {
    lua_pop(L, 1);
    if (key_slot(L, c, -1) == 0) {
      lua_pop(L, 1);
      return false;
    }
  }
  return true;
}

static bool nothing_follows(lua_State *L, int slot) {
  for (int i = lua_gettop(L); i > slot; i--)
    if (!lua_isnil(L, i)) return false;
  return true;
}

/* No list, and not empty either. */
static bool has_only_names(lua_State *L, int table) {
  if (lua_rawlen(L, table) > 0 || luaL_getmetafield(L, table, "__len") != LUA_TNIL) return false;
  lua_pushnil(L);
  if (lua_next(L, table) == 0) return false;
  lua_pop(L, 2);
  return true;
}

static bool is_options_table(lua_State *L, const hl_call *c, int slot) {
  if (!lua_istable(L, slot)) return false;
  if (c->first_optional == HL_NO_TABLE) return true;
  if (!nothing_follows(L, slot)) return false;
  return all_keys_are_options(L, c, slot) || (c->first_optional == HL_LIST && has_only_names(L, slot));
}

/* The table is at the first optional slot; it moves above the last one, its values into their slots. */
static void spread_options(lua_State *L, const hl_call *c, int count) {
  int place = c->first + c->required;
  int table = c->first + count;
  lua_settop(L, table - 1);
  lua_pushvalue(L, place);
  lua_pushnil(L);
  lua_replace(L, place);
  lua_pushnil(L);
  while (lua_next(L, table)) {
    int slot = key_slot(L, c, -2);
    if (slot == 0) {
      lua_pop(L, 1);
      luaL_error(L, "%s: unknown option '%s'", c->function, luaL_tolstring(L, -1, NULL));
    }
    lua_replace(L, slot);
  }
}

void hl_args(lua_State *L, const hl_call *c) {
  int count = count_names(c);
  int place = c->first + c->required;
  for (int i = 0; i < c->required; i++)
    if (lua_isnoneornil(L, c->first + i)) hl_arg_error(L, c, c->first + i, "missing");
  luaL_checkstack(L, count + LUA_MINSTACK, c->function);
  bool named = count > c->required && is_options_table(L, c, place); /* without options no table can hold them */
  if (!nothing_follows(L, named ? place : c->first + c->positional - 1))
    luaL_error(L, "%s: too many arguments", c->function);
  if (named) spread_options(L, c, count);
  lua_settop(L, c->first + count - 1);
}

void *hl_push_array(lua_State *L, const hl_call *c, size_t count, size_t element_size) {
  if (count > PTRDIFF_MAX / element_size - 1) luaL_error(L, "%s: a table is too long", c->function);
  size_t size = (count + 1) * element_size;
  return memset(lua_newuserdatauv(L, size, 0), 0, size);
}

size_t hl_count_keys(lua_State *L, int table) {
  size_t n = 0;
  lua_pushnil(L);
  while (lua_next(L, table)) {
    n++;
    lua_pop(L, 1);
  }
  return n;
}

/* ---- checks of one argument -------------------------------------------------------------------------- */

const char *hl_check_string(lua_State *L, const hl_call *c, int slot, size_t *length) {
  if (lua_type(L, slot) != LUA_TSTRING) hl_arg_type_error(L, c, slot, "a string");
  return lua_tolstring(L, slot, length);
}

const char *hl_check_cstring(lua_State *L, const hl_call *c, int slot) {
  size_t length;
  const char *s = hl_check_string(L, c, slot, &length);
  if (strlen(s) != length) hl_arg_error(L, c, slot, "must not hold NUL");
  return s;
}

const char *hl_opt_string(lua_State *L, const hl_call *c, int slot, const char *fallback) {
  return lua_isnil(L, slot) ? fallback : hl_check_cstring(L, c, slot);
}

double hl_check_number(lua_State *L, const hl_call *c, int slot) {
  if (lua_type(L, slot) != LUA_TNUMBER) hl_arg_type_error(L, c, slot, "a number");
  return lua_tonumber(L, slot);
}

int64_t hl_check_integer(lua_State *L, const hl_call *c, int slot) {
  int ok = 0;
  lua_Integer n = 0;
  if (lua_type(L, slot) == LUA_TNUMBER) n = lua_tointegerx(L, slot, &ok);
  if (!ok) hl_arg_type_error(L, c, slot, "an integer");
  return n;
}

int64_t hl_opt_integer(lua_State *L, const hl_call *c, int slot, int64_t fallback) {
  return lua_isnil(L, slot) ? fallback : hl_check_integer(L, c, slot);
}

bool hl_opt_boolean(lua_State *L, const hl_call *c, int slot, bool fallback) {
  if (lua_isnil(L, slot)) return fallback;
  if (!lua_isboolean(L, slot)) hl_arg_type_error(L, c, slot, "a boolean");
  return lua_toboolean(L, slot);
}

int64_t hl_opt_step(lua_State *L, const hl_call *c, int slot) {
  if (lua_isnil(L, slot)) return HELIOS_NO_STEP;
  int64_t step = hl_check_integer(L, c, slot);
  if (step == HELIOS_NO_STEP) hl_arg_error(L, c, slot, "must be above math.mininteger");
  return step;
}

void hl_opt_walltime(lua_State *L, const hl_call *c, int slot, double *walltime, bool *has_walltime) {
  *has_walltime = !lua_isnil(L, slot);
  if (!*has_walltime) return;
  *walltime = hl_check_number(L, c, slot);
  if (!isfinite(*walltime)) hl_arg_type_error(L, c, slot, "a finite number of seconds");
}

/* ---- statuses ---------------------------------------------------------------------------------------- */

int hl_push_status(lua_State *L, helios_status status, const char *message) {
  if (status == HELIOS_OK) {
    lua_pushboolean(L, 1);
    return 1;
  }
  const char *name = helios_strerror(status);
  lua_pushnil(L);
  lua_pushstring(L, message != NULL && message[0] != '\0' ? message : name);
  lua_pushlstring(L, name, strcspn(name, ":"));
  return 3;
}

int hl_raise(lua_State *L, const char *function, helios_status status, const char *message) {
  const char *colon = status == HELIOS_EINVAL ? strstr(message, ": ") : NULL;
  if (colon == NULL)
    return luaL_error(L, "%s: %s", function, message[0] != '\0' ? message : helios_strerror(status));
  lua_pushlstring(L, message, (size_t)(colon - message));
  return luaL_error(L, "%s: argument '%s': %s", function, lua_tostring(L, -1), colon + 2);
}

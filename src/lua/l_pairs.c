/* l_pairs.c - dictionaries with a definite order: a Lua table's keys sorted, or a list of {key, value} pairs as given. */
#include <stdlib.h>
#include <string.h>

#include "l_writer.h"

static int compare_names(const void *a, const void *b) {
  return strcmp(((const hl_pair *)a)->name, ((const hl_pair *)b)->name);
}

/* The name on top of the stack; the table it is in keeps it alive. */
static void set_name(lua_State *L, const hl_call *c, int slot, hl_pair *pair) {
  if (lua_type(L, -1) != LUA_TSTRING)
    hl_arg_error(L, c, slot, "expected string keys, got %s", hl_describe(L, -1));
  pair->name = lua_tolstring(L, -1, &pair->length);
  if (strlen(pair->name) != pair->length) hl_arg_error(L, c, slot, "a key must not hold NUL");
}

static const hl_pair *from_list(lua_State *L, const hl_call *c, int slot, size_t count) {
  hl_pair *pairs = hl_push_array(L, c, count, sizeof *pairs);
  if (hl_count_keys(L, slot) != count) /* or the named ones would vanish in silence */
    hl_arg_error(L, c, slot, "expected a list of pairs or string keys, got both");
  for (size_t i = 0; i < count; i++) {
    pairs[i].place = (lua_Integer)i + 1;
    if (lua_rawgeti(L, slot, pairs[i].place) != LUA_TTABLE)
      hl_arg_error(L, c, slot, "[%I]: expected a {key, value} pair, got %s", pairs[i].place, hl_describe(L, -1));
    lua_rawgeti(L, -1, 1);
    set_name(L, c, slot, &pairs[i]);
    lua_pop(L, 2);
  }
  return pairs;
}

const hl_pair *hl_check_pairs(lua_State *L, const hl_call *c, int slot, size_t *count) {
  if (!lua_istable(L, slot)) hl_arg_type_error(L, c, slot, "a table");
  *count = lua_rawlen(L, slot);
  if (*count > 0) return from_list(L, c, slot, *count);
  *count = hl_count_keys(L, slot);
  hl_pair *pairs = hl_push_array(L, c, *count, sizeof *pairs), *next = pairs;
  lua_pushnil(L);
  while (lua_next(L, slot)) {
    lua_pop(L, 1);
    next->place = 0;
    set_name(L, c, slot, next++);
  }
  if (*count > 1) qsort(pairs, *count, sizeof *pairs, compare_names);
  return pairs;
}

void hl_push_pair_value(lua_State *L, int slot, const hl_pair *pair) {
  if (pair->place == 0) {
    lua_pushlstring(L, pair->name, pair->length);
    lua_rawget(L, slot);
    return;
  }
  lua_rawgeti(L, slot, pair->place);
  lua_rawgeti(L, -1, 2);
  lua_remove(L, -2);
}

const helios_named_value *hl_check_measures(lua_State *L, const hl_call *c, int slot, size_t *count) {
  const hl_pair *pairs = hl_check_pairs(L, c, slot, count);
  helios_named_value *values = hl_push_array(L, c, *count, sizeof *values);
  for (size_t i = 0; i < *count; i++) {
    hl_push_pair_value(L, slot, &pairs[i]);
    values[i].name = pairs[i].name;
    values[i].value = hl_check_value(L, c, slot, lua_gettop(L), pairs[i].name);
    lua_pop(L, 1);
  }
  return values;
}

/* l_json.c - Lua values as JSON, to the byte as Python's json.dumps(value, sort_keys=True): `, ` and `: ` between,
 * floats as Python writes them, and everything outside of printable ASCII as \uXXXX. Reads no JSON. */
#include "l_json.h"

#include <math.h>
#include <string.h>

#include "../encode/encode.h"
#include "../encode/number.h"
#include "l_writer.h"

enum { DEEPEST = 64 };

typedef struct json {
  const hl_call *c; /* errors name the argument at `slot` */
  int slot;
  int depth;
  hl_buf *out;
} json;

static void put_value(lua_State *L, json *j);

/* ---- strings --------------------------------------------------------------------------------------------- */

/* The character at *p, which moves behind it; the text is valid UTF-8. */
static uint32_t next_char(const unsigned char **p) {
  uint32_t c = *(*p)++;
  int more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0;
  if (more > 0) c &= 0x3fu >> more;
  for (; more > 0; more--) c = c << 6 | (*(*p)++ & 0x3fu);
  return c;
}

static void put_escaped(hl_buf *out, uint32_t c) {
  static const char plain[] = "\"\\\n\r\t\b\f", letters[] = "\"\\nrtbf";
  const char *short_form = c != 0 && c < 0x80 ? strchr(plain, (int)c) : NULL;
  if (short_form != NULL) {
    hl_buf_append_byte(out, '\\');
    hl_buf_append_byte(out, (unsigned char)letters[short_form - plain]);
  } else if (c >= 0x20 && c < 0x7f) {
    hl_buf_append_byte(out, (unsigned char)c);
  } else if (c < 0x10000) {
    hl_buf_printf(out, "\\u%04x", (unsigned)c);
  } else { /* a pair of surrogates */
    hl_buf_printf(out, "\\u%04x\\u%04x", (unsigned)(0xd7c0 + (c >> 10)), (unsigned)(0xdc00 | (c & 0x3ff)));
  }
}

static void put_string(lua_State *L, json *j, const char *s, size_t length) {
  if (!hl_utf8_valid(s, length)) hl_arg_error(L, j->c, j->slot, "holds a string that is not valid UTF-8");
  const unsigned char *p = (const unsigned char *)s, *end = p + length;
  hl_buf_append_byte(j->out, '"');
  while (p < end) put_escaped(j->out, next_char(&p));
  hl_buf_append_byte(j->out, '"');
}

/* ---- tables ---------------------------------------------------------------------------------------------- */

static void put_list(lua_State *L, json *j, size_t count) {
  hl_buf_append_byte(j->out, '[');
  for (size_t i = 1; i <= count; i++) {
    if (i > 1) hl_buf_append_str(j->out, ", ");
    lua_rawgeti(L, -1, (lua_Integer)i);
    put_value(L, j);
    lua_pop(L, 1);
  }
  hl_buf_append_byte(j->out, ']');
}

/* The keys are sorted with the helper of dictionaries, whose errors name the argument in place of the inner table. */
static void put_object(lua_State *L, json *j) {
  int table = lua_gettop(L);
  hl_call inner = {.function = j->c->function, .first = table, .names = {j->c->names[j->slot - j->c->first], NULL}};
  size_t count;
  const hl_pair *pairs = hl_check_pairs(L, &inner, table, &count);
  hl_buf_append_byte(j->out, '{');
  for (size_t i = 0; i < count; i++) {
    if (i > 0) hl_buf_append_str(j->out, ", ");
    put_string(L, j, pairs[i].name, pairs[i].length);
    hl_buf_append_str(j->out, ": ");
    hl_push_pair_value(L, table, &pairs[i]);
    put_value(L, j);
    lua_pop(L, 1);
  }
  hl_buf_append_byte(j->out, '}');
  lua_settop(L, table);
}

static void put_table(lua_State *L, json *j) {
  if (++j->depth > DEEPEST) hl_arg_error(L, j->c, j->slot, "is nested deeper than %d, or holds itself", DEEPEST);
  luaL_checkstack(L, LUA_MINSTACK, "json");
  size_t count = lua_rawlen(L, -1);
  if (count == 0) {
    put_object(L, j);
  } else {
    if (hl_count_keys(L, lua_gettop(L)) != count)
      hl_arg_error(L, j->c, j->slot, "holds a table that is both a list and a dictionary");
    put_list(L, j, count);
  }
  j->depth--;
}

/* ---- values ---------------------------------------------------------------------------------------------- */

static void put_number(lua_State *L, json *j) {
  if (lua_isinteger(L, -1)) {
    hl_buf_printf(j->out, "%lld", (long long)lua_tointeger(L, -1));
    return;
  }
  double v = lua_tonumber(L, -1);
  if (isnan(v)) hl_buf_append_str(j->out, "NaN");
  else if (isinf(v)) hl_buf_append_str(j->out, v > 0 ? "Infinity" : "-Infinity");
  else hl_put_python_float(j->out, v);
}

/* The value on top of the stack, which stays there. */
static void put_value(lua_State *L, json *j) {
  size_t length;
  switch (lua_type(L, -1)) {
    case LUA_TBOOLEAN: hl_buf_append_str(j->out, lua_toboolean(L, -1) ? "true" : "false"); break;
    case LUA_TNUMBER: put_number(L, j); break;
    case LUA_TTABLE: put_table(L, j); break;
    case LUA_TSTRING: {
      const char *s = lua_tolstring(L, -1, &length);
      put_string(L, j, s, length);
      break;
    }
    default: hl_arg_error(L, j->c, j->slot, "holds a %s, which JSON has no form for", luaL_typename(L, -1));
  }
}

void hl_put_json(lua_State *L, const hl_call *c, int slot, hl_buf *out) {
  json j = {.c = c, .slot = slot, .out = out};
  lua_pushvalue(L, slot);
  put_value(L, &j);
  lua_pop(L, 1);
  if (out->failed) luaL_error(L, "%s: out of memory", c->function);
}

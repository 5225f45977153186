/* l_value.c - one number of a series, in all the forms users have it: a number, a string as Python's float() reads
 * it, a tensor or table of one element. */
#include <ctype.h>
#include <math.h>
#include <string.h>
#include <strings.h>

#include "../array.h"
#include "l_tensor.h"

/* ---- strings ----------------------------------------------------------------------------------------- */

static bool is_space(char c) { return c != '\0' && strchr(" \t\n\v\f\r", c) != NULL; }

/* Digits with single underscores between them, appended to `b` without those; returns what follows. */
static const char *take_digits(luaL_Buffer *b, const char *s) {
  while (isdigit((unsigned char)*s)) {
    luaL_addchar(b, *s++);
    if (*s == '_' && isdigit((unsigned char)s[1])) s++;
  }
  return s;
}

/* [digits][.digits][e[sign]digits] into `b`; returns what follows, or NULL when it is no number. */
static const char *take_decimal(luaL_Buffer *b, const char *s) {
  const char *start = s;
  s = take_digits(b, s);
  size_t digits = (size_t)(s - start);
  if (*s == '.') {
    luaL_addchar(b, *s++);
    start = s;
    s = take_digits(b, s);
    digits += (size_t)(s - start);
  }
  if (digits == 0) return NULL;
  if (*s != 'e' && *s != 'E') return s;
  luaL_addchar(b, *s++);
  if (*s == '+' || *s == '-') luaL_addchar(b, *s++);
  start = s;
  s = take_digits(b, s);
  return s == start ? NULL : s;
}

/* inf, infinity or nan at s, any case: the value, and where it ends. */
static const char *take_word(const char *s, double *value) {
  static const struct { const char *word; double value; } words[] = {
    {"infinity", INFINITY}, {"inf", INFINITY}, {"nan", NAN}};
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
    size_t n = strlen(words[i].word);
    if (strncasecmp(s, words[i].word, n) != 0) continue;
    *value = words[i].value;
    return s + n;
  }
  return NULL;
}

/* Leaves one value on the stack. */
static bool parse_float(lua_State *L, const char *s, size_t length, double *value) {
  const char *end = s + length;
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  while (is_space(*s)) s++;
  bool negative = *s == '-';
  if (*s == '-' || *s == '+') s++;
  const char *rest = take_word(s, value);
  bool is_word = rest != NULL;
  if (!is_word) rest = take_decimal(&b, s);
  luaL_pushresult(&b);
  while (rest != NULL && is_space(*rest)) rest++;
  if (rest != end) return false;
  if (!is_word) {
    /* unlike strtod, it reads a point in any locale (where that is a comma: up to 200 digits) */
    if (lua_stringtonumber(L, lua_tostring(L, -1)) == 0) return false;
    *value = lua_tonumber(L, -1);
    lua_pop(L, 1);
  }
  if (negative) *value = -*value;
  return true;
}

/* ---- errors ------------------------------------------------------------------------------------------ */

static int value_error(lua_State *L, const hl_call *c, int slot, const char *key, const char *what, const char *got) {
  if (key == NULL) return hl_arg_error(L, c, slot, "expected %s, got %s", what, got);
  return hl_arg_error(L, c, slot, "['%s']: expected %s, got %s", key, what, got);
}

static const char *describe_count(lua_State *L, size_t n) {
  return lua_pushfstring(L, "%I elements", (lua_Integer)n);
}

/* ---- containers of one ------------------------------------------------------------------------------- */

static double tensor_value(const hl_tensor *t) {
  double v = hl_element_as_double(t->dtype, t->dl.data);
  /* torch hands bfloat16 over as float16: beyond 65504 it is infinite */
  if (t->dtype == HELIOS_BFLOAT16) v = hl_half_to_float(hl_float_to_half((float)v));
  return v;
}

/* Replace the table on top by the one number in it, however deep. */
static void unwrap_table(lua_State *L, const hl_call *c, int slot, const char *key, const char *what) {
  for (int depth = 0; lua_istable(L, -1); depth++) {
    lua_Unsigned n = lua_rawlen(L, -1);
    if (n != 1) value_error(L, c, slot, key, what, describe_count(L, n));
    if (depth == HELIOS_MAX_NDIM) value_error(L, c, slot, key, what, "a cyclic table");
    lua_rawgeti(L, -1, 1);
    lua_remove(L, -2);
  }
}

static double check_number(lua_State *L, const hl_call *c, int slot, int index, const char *key, const char *what) {
  int type = lua_type(L, index);
  if (type == LUA_TNUMBER) return lua_tonumber(L, index);
  if (type == LUA_TTABLE) {
    lua_pushvalue(L, index);
    unwrap_table(L, c, slot, key, what);
    type = lua_type(L, -1);
    if (type != LUA_TNUMBER && type != LUA_TBOOLEAN) value_error(L, c, slot, key, what, hl_describe(L, -1));
    float value = type == LUA_TNUMBER ? (float)lua_tonumber(L, -1) : (float)lua_toboolean(L, -1); /* as every table */
    lua_pop(L, 1);
    return value;
  }
  const hl_tensor *t = hl_test_tensor(L, index);
  if (t == NULL) value_error(L, c, slot, key, what, hl_describe(L, index));
  size_t numel = hl_tensor_numel(t);
  if (numel != 1) value_error(L, c, slot, key, what, describe_count(L, numel));
  return tensor_value(t);
}

double hl_check_measure(lua_State *L, const hl_call *c, int slot, int index, const char *key) {
  return check_number(L, c, slot, index, key, "a number or a tensor of one element");
}

double hl_check_value(lua_State *L, const hl_call *c, int slot, int index, const char *key) {
  if (lua_type(L, index) != LUA_TSTRING)
    return check_number(L, c, slot, index, key, "a number, a numeric string or a tensor of one element");
  size_t length;
  const char *s = lua_tolstring(L, index, &length);
  double value = 0;
  if (!parse_float(L, s, length, &value)) value_error(L, c, slot, key, "a numeric string", lua_pushfstring(L, "'%s'", s));
  lua_pop(L, 1);
  return value;
}

/* ---- lists ------------------------------------------------------------------------------------------- */

static const hl_tensor *as_float64(lua_State *L, int slot) {
  const hl_tensor *t = lua_touserdata(L, slot);
  if (t->dtype == HELIOS_FLOAT64 && hl_tensor_is_contiguous(t)) return t;
  int64_t n = t->dl.shape[0];
  const hl_tensor *doubles = hl_push_tensor(L, HELIOS_FLOAT64, 1, &n);
  const unsigned char *p = t->dl.data;
  double *out = doubles->dl.data;
  ptrdiff_t stride = (ptrdiff_t)t->dl.strides[0] * (ptrdiff_t)helios_dtype_size(t->dtype);
  for (int64_t i = 0; i < n; i++, p += stride) out[i] = hl_element_as_double(t->dtype, p);
  lua_replace(L, slot);
  return doubles;
}

const double *hl_check_doubles(lua_State *L, const hl_call *c, int slot, size_t *count) {
  if (hl_test_tensor(L, slot) == NULL) {
    if (!lua_istable(L, slot)) hl_arg_type_error(L, c, slot, "a list of numbers");
    hl_table_to_tensor(L, c, slot, HELIOS_FLOAT64);
  }
  const hl_tensor *t = lua_touserdata(L, slot);
  if (t->dl.ndim != 1) hl_arg_error(L, c, slot, "expected a list, got %d dimensions", t->dl.ndim);
  t = as_float64(L, slot);
  *count = (size_t)t->dl.shape[0];
  return t->dl.data;
}

/* l_element.c - one element of a tensor: memory to a Lua value and back. Integers must fit their dtype. */
#include <string.h>

#include "../array.h"
#include "l_tensor.h"

#define LOAD(type, p) (*(type *)memcpy(&(type){0}, (p), sizeof(type)))

static void push_uint64(lua_State *L, uint64_t n) {
  if (n <= INT64_MAX) lua_pushinteger(L, (lua_Integer)n);
  else lua_pushnumber(L, (lua_Number)n);
}

void hl_push_element(lua_State *L, helios_dtype dtype, const unsigned char *p) {
  switch (dtype) {
    case HELIOS_BOOL: lua_pushboolean(L, *p != 0); break;
    case HELIOS_INT8: lua_pushinteger(L, LOAD(int8_t, p)); break;
    case HELIOS_INT16: lua_pushinteger(L, LOAD(int16_t, p)); break;
    case HELIOS_INT32: lua_pushinteger(L, LOAD(int32_t, p)); break;
    case HELIOS_INT64: lua_pushinteger(L, LOAD(int64_t, p)); break;
    case HELIOS_UINT8: lua_pushinteger(L, *p); break;
    case HELIOS_UINT16: lua_pushinteger(L, LOAD(uint16_t, p)); break;
    case HELIOS_UINT32: lua_pushinteger(L, LOAD(uint32_t, p)); break;
    case HELIOS_UINT64: push_uint64(L, LOAD(uint64_t, p)); break;
    default: lua_pushnumber(L, hl_element_as_double(dtype, p)); break;
  }
}

static void put_float(helios_dtype dtype, double v, unsigned char *p) {
  float f = (float)v;
  uint16_t half = dtype == HELIOS_BFLOAT16 ? hl_float_to_bfloat16(f) : hl_float_to_half(f);
  if (dtype == HELIOS_FLOAT64) memcpy(p, &v, sizeof v);
  else if (dtype == HELIOS_FLOAT32) memcpy(p, &f, sizeof f);
  else memcpy(p, &half, sizeof half);
}

/* Two's complement, as many low bytes as the dtype has. */
static void put_bits(helios_dtype dtype, uint64_t bits, unsigned char *p) {
  switch (helios_dtype_size(dtype)) {
    case 1: *p = (unsigned char)bits; break;
    case 2: memcpy(p, &(uint16_t){(uint16_t)bits}, 2); break;
    case 4: memcpy(p, &(uint32_t){(uint32_t)bits}, 4); break;
    default: memcpy(p, &bits, 8); break;
  }
}

/* uint64 is told apart: its upper half has no Lua integer and comes as a float. */
static const char *put_uint64(lua_State *L, int index, unsigned char *p) {
  int is_integer = 0;
  lua_Integer n = lua_tointegerx(L, index, &is_integer);
  lua_Number v = lua_tonumber(L, index);
  if (!is_integer && v >= 0x1p63 && v < 0x1p64) put_bits(HELIOS_UINT64, (uint64_t)v, p);
  else if (!is_integer) return "an integer that fits uint64";
  else if (n < 0) return "an integer that fits uint64";
  else put_bits(HELIOS_UINT64, (uint64_t)n, p);
  return NULL;
}

typedef struct int_range {
  int64_t min, max;
  const char *what;
} int_range;

static const int_range RANGES[] = {
  [HELIOS_BOOL] = {0, 1, "a boolean, 0 or 1"},
  [HELIOS_INT8] = {INT8_MIN, INT8_MAX, "an integer that fits int8"},
  [HELIOS_INT16] = {INT16_MIN, INT16_MAX, "an integer that fits int16"},
  [HELIOS_INT32] = {INT32_MIN, INT32_MAX, "an integer that fits int32"},
  [HELIOS_INT64] = {INT64_MIN, INT64_MAX, "an integer that fits int64"},
  [HELIOS_UINT8] = {0, UINT8_MAX, "an integer that fits uint8"},
  [HELIOS_UINT16] = {0, UINT16_MAX, "an integer that fits uint16"},
  [HELIOS_UINT32] = {0, UINT32_MAX, "an integer that fits uint32"},
};

static const char *put_integer(lua_State *L, int index, helios_dtype dtype, unsigned char *p) {
  if (dtype == HELIOS_UINT64) return put_uint64(L, index, p);
  int is_integer = 0;
  lua_Integer n = lua_tointegerx(L, index, &is_integer);
  const int_range *range = &RANGES[dtype];
  if (!is_integer || n < range->min || n > range->max) return range->what;
  put_bits(dtype, (uint64_t)n, p);
  return NULL;
}

const char *hl_put_element(lua_State *L, int index, helios_dtype dtype, unsigned char *p) {
  int type = lua_type(L, index);
  bool is_float = dtype >= HELIOS_FLOAT16;
  if (type == LUA_TBOOLEAN) {
    int one = lua_toboolean(L, index);
    if (is_float) put_float(dtype, one, p);
    else put_bits(dtype, (uint64_t)one, p);
    return NULL;
  }
  if (type != LUA_TNUMBER) return "a number";
  if (!is_float) return put_integer(L, index, dtype, p);
  put_float(dtype, lua_tonumber(L, index), p);
  return NULL;
}

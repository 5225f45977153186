/* fuzz_lua_tensor.c - any bytes as calls of helios.tensor: constructors with shapes, dtypes, nested tables and strings of
 * every kind, then views and elements of what they made. A tensor or an error; never memory beyond a bound; and a tensor's
 * bytes make the same tensor again. */
#include <stdlib.h>

#include "lua/l_helios.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MEMORY = 4 << 20, MOST_CALLS = 40, DEEPEST = 20 };
enum { LIBRARY = 1, METHODS, CURRENT }; /* on the stack; CURRENT is the last tensor, or false */

typedef struct budget {
  size_t used;
} budget;

static void *limited_realloc(void *ctx, void *p, size_t old_size, size_t size) {
  budget *b = ctx;
  if (p == NULL) old_size = 0;
  if (size > old_size && b->used - old_size + size > MEMORY) return NULL;
  b->used = b->used - old_size + size;
  if (size > 0) return realloc(p, size);
  free(p);
  return NULL;
}

/* ---- values out of bytes ------------------------------------------------------------------------------ */

typedef struct input {
  const uint8_t *p, *end;
} input;

static unsigned next_byte(input *in) { return in->p < in->end ? *in->p++ : 0; }

static uint64_t next_word(input *in) {
  uint64_t v = 0;
  for (int i = 0; i < 8; i++) v = v << 8 | next_byte(in);
  return v;
}

static void push_string(lua_State *L, input *in) {
  size_t n = next_byte(in), left = (size_t)(in->end - in->p);
  if (n > left) n = left;
  lua_pushlstring(L, (const char *)in->p, n);
  in->p += n;
}

static void push_dtype(lua_State *L, input *in) {
  static const char *const names[] = {"bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
                                      "float16", "bfloat16", "float32", "float64", "float128"};
  lua_pushstring(L, names[next_byte(in) % 14]);
}

static void push_value(lua_State *L, input *in, int depth) {
  double number;
  uint64_t bits;
  switch (next_byte(in) % 9) {
    case 0: lua_pushinteger(L, (lua_Integer)next_byte(in) - 128); break;
    case 1: lua_pushinteger(L, (lua_Integer)next_byte(in) % 5); break;
    case 2: lua_pushinteger(L, (lua_Integer)next_word(in)); break;
    case 3:
      bits = next_word(in);
      memcpy(&number, &bits, sizeof number);
      lua_pushnumber(L, number);
      break;
    case 4: lua_pushboolean(L, next_byte(in) & 1); break;
    case 5: push_string(L, in); break;
    case 6: push_dtype(L, in); break;
    case 7: lua_pushvalue(L, CURRENT); break;
    default:
      lua_newtable(L);
      for (unsigned i = 1, n = depth < DEEPEST ? next_byte(in) % 5 : 0; i <= n; i++) {
        push_value(L, in, depth + 1);
        lua_rawseti(L, -2, (lua_Integer)i);
      }
  }
}

/* ---- calls -------------------------------------------------------------------------------------------- */

static const char *const CONSTRUCTORS[] = {"new", "from_table", "from_bytes"};
static const char *const METHOD_NAMES[] = {"get", "set", "fill", "numel", "bytes", "totable", "permute", "reshape", "select"};

static void push_call(lua_State *L, input *in) {
  unsigned which = next_byte(in);
  bool method = lua_isuserdata(L, CURRENT) && (which & 1);
  const char *name = method ? METHOD_NAMES[(which >> 1) % 9] : CONSTRUCTORS[(which >> 1) % 3];
  if (lua_getfield(L, method ? METHODS : LIBRARY, name) != LUA_TFUNCTION) abort();
  if (method) lua_pushvalue(L, CURRENT);
  for (unsigned i = 0, n = next_byte(in) % 5; i < n; i++) push_value(L, in, 0);
}

static bool is_tensor(lua_State *L) { return lua_isuserdata(L, -1) && luaL_testudata(L, -1, "helios.tensor") != NULL; }

/* Protected: of CURRENT. */
static int there_and_back(lua_State *L) {
  lua_getfield(L, METHODS, "bytes");
  lua_pushvalue(L, CURRENT);
  lua_call(L, 1, 1);
  lua_getfield(L, LIBRARY, "from_bytes");
  lua_pushvalue(L, -2);
  lua_getfield(L, CURRENT, "shape");
  lua_getfield(L, CURRENT, "dtype");
  lua_call(L, 3, 1);
  lua_getfield(L, METHODS, "bytes");
  lua_insert(L, -2);
  lua_call(L, 1, 1);
  if (!lua_rawequal(L, -1, -2)) abort();
  luaL_tolstring(L, CURRENT, NULL);
  return 0;
}

static int run(lua_State *L) {
  input *in = lua_touserdata(L, CURRENT + 1);
  for (int i = 0; i < MOST_CALLS && in->p < in->end; i++) {
    lua_settop(L, CURRENT);
    luaL_checkstack(L, 3 * DEEPEST + 10, NULL);
    push_call(L, in);
    if (lua_pcall(L, lua_gettop(L) - CURRENT - 1, 1, 0) != LUA_OK) {
      if (!lua_isstring(L, -1)) abort();
    } else if (is_tensor(L)) {
      lua_replace(L, CURRENT);
      there_and_back(L);
    }
  }
  return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  budget b = {0};
  input in = {data, data + size};
  lua_State *L = lua_newstate(limited_realloc, &b);
  if (L == NULL) abort();
  hl_open_tensor(L);
  lua_getfield(L, LIBRARY, "methods");
  lua_pushboolean(L, 0);
  lua_pushcfunction(L, run);
  for (int i = LIBRARY; i <= CURRENT; i++) lua_pushvalue(L, i);
  lua_pushlightuserdata(L, &in);
  if (lua_pcall(L, 4, 0, 0) != LUA_OK && !lua_isstring(L, -1)) abort();
  lua_close(L);
  if (b.used != 0) abort();
  return 0;
}

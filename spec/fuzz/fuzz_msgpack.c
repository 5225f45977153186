/* fuzz_msgpack.c - any bytes as a checkpoint's MessagePack: a value or a message, in memory that grows with the bytes and
 * not with what they claim; and a value packs to bytes that give it back. */
#include <stdlib.h>

#include "lua/l_helios.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The smallest thing that costs memory is an empty table: a byte in the file. */
enum { BASE = 1 << 20, PER_BYTE = 256 };

typedef struct budget {
  size_t used, limit;
} budget;

static void *limited_realloc(void *ctx, void *p, size_t old_size, size_t size) {
  budget *b = ctx;
  if (p == NULL) old_size = 0;
  b->used = b->used - old_size + size;
  if (b->used > b->limit) abort();
  if (size > 0) return realloc(p, size);
  free(p);
  return NULL;
}

static void call(lua_State *L, const char *name, int results) {
  lua_getfield(L, 1, name);
  lua_insert(L, -2);
  if (lua_pcall(L, 1, results, 0) != LUA_OK) abort();
}

/* At the top: the value that was read. NaN keys cannot be; a table met twice has become two. */
static void check_round_trip(lua_State *L) {
  call(L, "pack", 1);
  lua_pushvalue(L, -1);
  call(L, "unpack", 1);
  call(L, "pack", 1);
  if (!lua_rawequal(L, -1, -2)) abort();
}

static void check(lua_State *L, const uint8_t *data, size_t size) {
  lua_pushlstring(L, (const char *)data, size);
  call(L, "unpack", 2);
  if (lua_isstring(L, -1) && lua_isnil(L, -2)) return; /* a message */
  lua_pop(L, 1);
  check_round_trip(L);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  budget b = {0, BASE + PER_BYTE * size};
  lua_State *L = lua_newstate(limited_realloc, &b);
  hl_open_tensor(L);
  hl_open_msgpack(L);
  lua_replace(L, 1);
  check(L, data, size);
  lua_close(L);
  if (b.used != 0) abort();
  return 0;
}

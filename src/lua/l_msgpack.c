/* l_msgpack.c - Lua values to MessagePack and back, exactly: `helios.native.msgpack`.
 *
 *   nil, booleans           as they are
 *   integers, floats        kept apart: int64 in its shortest form, float always with all its 64 bits
 *   strings                 str when valid UTF-8, else bin; both come back as the same Lua string
 *   tables with keys 1..n   array
 *   any other table         map, keys sorted (numbers, strings, booleans), so that equal tables give equal bytes
 *   helios.tensor           ext type 1: u8 dtype (helios_dtype, + 0x80 when written by a big-endian machine), u8 ndim,
 *                           ndim x i64 little-endian, then the elements in C order
 *
 * What would not come back as it was is refused with its place: functions, threads, other userdata, tables with a
 * metatable, cycles. A table met twice comes back as two. Reading runs no code and takes memory in proportion to the
 * bytes it is given, whatever lengths they claim. Packs and unpacks with msgpack-c's headers; knows no files. */
#define MSGPACK_EMBED_STACK_SIZE 128 /* the depth of tables; read by msgpack/unpack_define.h */

#include <msgpack.h>
#include <msgpack/unpack_define.h>
#include <stdlib.h>
#include <string.h>

#include "l_tensor.h"

enum { MAX_DEPTH = MSGPACK_EMBED_STACK_SIZE, TENSOR_EXT = 1, TENSOR_HEAD = 2, MOST_PREALLOCATED = 64 };

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
enum { BYTE_ORDER_FLAG = 0x80 };
#else
enum { BYTE_ORDER_FLAG = 0 };
#endif

/* ---- packing ----------------------------------------------------------------------------------------- */

/* One table being packed; the chain of them is the place that an error names, and what finds cycles. */
typedef struct frame {
  const struct frame *parent;
  const void *table;
  int depth;
  int key; /* stack index of the key being packed, 0 at the root */
} frame;

typedef struct packer {
  lua_State *L;
  hl_buf *buf;
  msgpack_packer msgpack;
} packer;

typedef struct table_shape {
  size_t count;
  bool is_array;
} table_shape;

static void pack_value(packer *p, int index, const frame *at);

static int append(void *buf, const char *data, size_t n) {
  hl_buf_append(buf, data, n);
  return hl_buf_status(buf) == HELIOS_OK ? 0 : -1;
}

static void add_key(lua_State *L, luaL_Buffer *text, int key) {
  if (lua_type(L, key) == LUA_TSTRING) {
    luaL_addchar(text, '.');
    lua_pushvalue(L, key);
    luaL_addvalue(text);
    return;
  }
  luaL_tolstring(L, key, NULL);
  lua_pushfstring(L, "[%s]", lua_tostring(L, -1));
  lua_remove(L, -2);
  luaL_addvalue(text);
}

static void add_place(lua_State *L, luaL_Buffer *text, const frame *at) {
  if (at == NULL || at->key == 0) return;
  add_place(L, text, at->parent);
  add_key(L, text, at->key);
}

static int refuse(packer *p, const frame *at, const char *what) {
  luaL_Buffer text;
  luaL_checkstack(p->L, LUA_MINSTACK, "msgpack.pack");
  luaL_buffinit(p->L, &text);
  luaL_addstring(&text, "value");
  add_place(p->L, &text, at);
  luaL_pushresult(&text);
  return luaL_error(p->L, "msgpack.pack: cannot pack %s at %s", what, lua_tostring(p->L, -1));
}

/* Strict: no surrogates, nothing beyond U+10FFFF, no overlong forms, as every MessagePack reader expects of str. */
static bool is_utf8(const unsigned char *s, size_t n) {
  static const uint32_t SMALLEST[] = {0, 0, 0x80, 0x800, 0x10000};
  for (size_t i = 0; i < n;) {
    if (s[i] < 0x80) {
      i++;
      continue;
    }
    size_t length = s[i] >= 0xF0 ? 4 : s[i] >= 0xE0 ? 3 : 2;
    if (s[i] < 0xC2 || s[i] > 0xF4 || n - i < length) return false;
    uint32_t rune = s[i] & (0x7Fu >> length);
    for (size_t k = 1; k < length; k++) {
      if ((s[i + k] & 0xC0) != 0x80) return false;
      rune = rune << 6 | (s[i + k] & 0x3Fu);
    }
    if (rune < SMALLEST[length] || rune > 0x10FFFF || (rune >= 0xD800 && rune < 0xE000)) return false;
    i += length;
  }
  return true;
}

static void pack_string(packer *p, int index, const frame *at) {
  size_t n;
  const char *s = lua_tolstring(p->L, index, &n);
  if (n > UINT32_MAX) refuse(p, at, "a string of 4 GiB or more");
  if (is_utf8((const unsigned char *)s, n)) {
    msgpack_pack_str(&p->msgpack, n);
    msgpack_pack_str_body(&p->msgpack, s, n);
  } else {
    msgpack_pack_bin(&p->msgpack, n);
    msgpack_pack_bin_body(&p->msgpack, s, n);
  }
}

static void pack_number(packer *p, int index) {
  if (lua_isinteger(p->L, index)) msgpack_pack_int64(&p->msgpack, lua_tointeger(p->L, index));
  else msgpack_pack_double(&p->msgpack, lua_tonumber(p->L, index));
}

/* An array has the keys 1..n and no other: all keys are positive integers and the greatest equals their number. */
static table_shape shape_of(packer *p, int index, const frame *at) {
  lua_State *L = p->L;
  table_shape shape = {0, true};
  lua_Integer greatest = 0;
  lua_pushnil(L);
  while (lua_next(L, index)) {
    lua_pop(L, 1);
    int type = lua_type(L, -1);
    if (type != LUA_TSTRING && type != LUA_TNUMBER && type != LUA_TBOOLEAN)
      refuse(p, at, lua_pushfstring(L, "a key of type %s", lua_typename(L, type)));
    lua_Integer i = lua_isinteger(L, -1) ? lua_tointeger(L, -1) : 0;
    if (i < 1) shape.is_array = false;
    if (i > greatest) greatest = i;
    shape.count++;
  }
  if (shape.count == 0 || (lua_Unsigned)greatest != shape.count) shape.is_array = false;
  if (shape.count > UINT32_MAX) refuse(p, at, "a table of 4 billion entries");
  return shape;
}

static void pack_array(packer *p, int index, size_t count, frame *at) {
  lua_State *L = p->L;
  msgpack_pack_array(&p->msgpack, count);
  for (size_t i = 1; i <= count; i++) {
    lua_pushinteger(L, (lua_Integer)i);
    lua_rawgeti(L, index, (lua_Integer)i);
    at->key = lua_gettop(L) - 1;
    pack_value(p, lua_gettop(L), at);
    lua_pop(L, 2);
  }
}

typedef struct map_key {
  int type;
  bool boolean;
  size_t length;
  const char *string; /* owned by the table, which holds the key meanwhile */
  lua_Number number;  /* the order of numbers; ties (2^53 and its neighbours) are broken by `integer` */
  lua_Integer integer;
  bool is_integer;
} map_key;

static map_key read_key(lua_State *L, int index) {
  map_key k = {.type = lua_type(L, index)};
  if (k.type == LUA_TSTRING) k.string = lua_tolstring(L, index, &k.length);
  if (k.type == LUA_TBOOLEAN) k.boolean = lua_toboolean(L, index);
  if (k.type == LUA_TNUMBER) {
    k.number = lua_tonumber(L, index);
    k.is_integer = lua_isinteger(L, index);
    if (k.is_integer) k.integer = lua_tointeger(L, index);
  }
  return k;
}

static void push_key(lua_State *L, const map_key *k) {
  if (k->type == LUA_TSTRING) lua_pushlstring(L, k->string, k->length);
  else if (k->type == LUA_TBOOLEAN) lua_pushboolean(L, k->boolean);
  else if (k->is_integer) lua_pushinteger(L, k->integer);
  else lua_pushnumber(L, k->number);
}

static int compare_strings(const map_key *a, const map_key *b) {
  int order = memcmp(a->string, b->string, a->length < b->length ? a->length : b->length);
  return order != 0 ? order : (a->length > b->length) - (a->length < b->length);
}

static int compare_numbers(const map_key *a, const map_key *b) {
  if (a->number < b->number || a->number > b->number) return a->number < b->number ? -1 : 1;
  return (a->integer > b->integer) - (a->integer < b->integer);
}

/* LUA_TBOOLEAN < LUA_TNUMBER < LUA_TSTRING orders the types. */
static int compare_keys(const void *left, const void *right) {
  const map_key *a = left, *b = right;
  if (a->type != b->type) return a->type < b->type ? -1 : 1;
  if (a->type == LUA_TSTRING) return compare_strings(a, b);
  if (a->type == LUA_TNUMBER) return compare_numbers(a, b);
  return a->boolean - b->boolean;
}

/* Pushes a userdata that holds the sorted keys. */
static map_key *sorted_keys(lua_State *L, int index, size_t count) {
  map_key *keys = lua_newuserdatauv(L, (count + 1) * sizeof *keys, 0);
  size_t n = 0;
  lua_pushnil(L);
  while (lua_next(L, index)) {
    lua_pop(L, 1);
    keys[n++] = read_key(L, -1);
  }
  qsort(keys, n, sizeof *keys, compare_keys);
  return keys;
}

static void pack_map(packer *p, int index, size_t count, frame *at) {
  lua_State *L = p->L;
  map_key *keys = sorted_keys(L, index, count);
  msgpack_pack_map(&p->msgpack, count);
  for (size_t i = 0; i < count; i++) {
    push_key(L, &keys[i]);
    at->key = lua_gettop(L);
    pack_value(p, at->key, at);
    lua_pushvalue(L, -1);
    lua_rawget(L, index);
    pack_value(p, lua_gettop(L), at);
    lua_pop(L, 2);
  }
  lua_pop(L, 1);
}

static void pack_table(packer *p, int index, const frame *parent) {
  lua_State *L = p->L;
  frame at = {parent, lua_topointer(L, index), parent == NULL ? 1 : parent->depth + 1, 0};
  for (const frame *f = parent; f != NULL; f = f->parent)
    if (f->table == at.table) refuse(p, parent, "a table that holds itself");
  if (at.depth > MAX_DEPTH) refuse(p, parent, "tables nested deeper than 128 levels");
  if (lua_getmetatable(L, index)) refuse(p, parent, "a table with a metatable (save its fields instead)");
  luaL_checkstack(L, LUA_MINSTACK, "msgpack.pack");
  table_shape shape = shape_of(p, index, parent);
  if (shape.is_array) pack_array(p, index, shape.count, &at);
  else pack_map(p, index, shape.count, &at);
}

/* ---- packing tensors --------------------------------------------------------------------------------- */

static void put_shape(hl_buf *buf, const hl_tensor *t) {
  unsigned char *p = hl_buf_grow(buf, 8 * (size_t)t->dl.ndim);
  for (int i = 0; p != NULL && i < t->dl.ndim; i++) hl_put_le64(p + 8 * i, (uint64_t)t->dl.shape[i]);
}

static void pack_tensor(packer *p, const hl_tensor *t, const frame *at) {
  size_t head = TENSOR_HEAD + 8 * (size_t)t->dl.ndim;
  size_t size = hl_tensor_numel(t) * helios_dtype_size(t->dtype);
  if (size > UINT32_MAX - 1 - head) refuse(p, at, "a tensor of 4 GiB or more");
  msgpack_pack_ext(&p->msgpack, head + size, TENSOR_EXT);
  hl_buf_append_byte(p->buf, (unsigned char)((unsigned)t->dtype | BYTE_ORDER_FLAG));
  hl_buf_append_byte(p->buf, (unsigned char)t->dl.ndim);
  put_shape(p->buf, t);
  unsigned char *data = size > 0 ? hl_buf_grow(p->buf, size) : NULL;
  if (data != NULL) hl_tensor_copy_out(t, data);
}

static void pack_userdata(packer *p, int index, const frame *at) {
  const hl_tensor *t = hl_test_tensor(p->L, index);
  if (t == NULL) refuse(p, at, "a userdata");
  else pack_tensor(p, t, at);
}

static void pack_value(packer *p, int index, const frame *at) {
  switch (lua_type(p->L, index)) {
    case LUA_TNIL: msgpack_pack_nil(&p->msgpack); break;
    case LUA_TBOOLEAN:
      if (lua_toboolean(p->L, index)) msgpack_pack_true(&p->msgpack);
      else msgpack_pack_false(&p->msgpack);
      break;
    case LUA_TNUMBER: pack_number(p, index); break;
    case LUA_TSTRING: pack_string(p, index, at); break;
    case LUA_TTABLE: pack_table(p, index, at); break;
    case LUA_TUSERDATA: pack_userdata(p, index, at); break;
    default: refuse(p, at, lua_pushfstring(p->L, "a %s", luaL_typename(p->L, index)));
  }
  if (p->buf->failed) luaL_error(p->L, "msgpack.pack: not enough memory");
}

static int l_pack(lua_State *L) {
  luaL_checkany(L, 1);
  lua_settop(L, 1);
  packer p = {.L = L, .buf = hl_push_buffer(L)};
  msgpack_packer_init(&p.msgpack, p.buf, append);
  pack_value(&p, 1, NULL);
  lua_pushlstring(L, (const char *)p.buf->data, p.buf->len);
  hl_buf_free(p.buf);
  return 1;
}

/* ---- unpacking: msgpack-c's parser calls these, values lie on the Lua stack ---------------------------- */

enum { FAILED = -1, GOING_ON = 0 };

typedef struct reader {
  lua_State *L;
  const char *why;
} reader;

/* What the parser keeps for each value; it matters for containers only: how many items they have had. */
typedef lua_Integer item_count;

static int fail(reader *r, const char *why) {
  r->why = why;
  return FAILED;
}

static int push_integer(reader *r, int64_t v) {
  lua_pushinteger(r->L, v);
  return GOING_ON;
}

static item_count unpack_root(reader *r) {
  (void)r;
  return 0;
}

static int unpack_nil(reader *r, item_count *o) {
  *o = 0;
  lua_pushnil(r->L);
  return GOING_ON;
}

static int push_boolean(reader *r, bool b, item_count *o) {
  *o = 0;
  lua_pushboolean(r->L, b);
  return GOING_ON;
}

static int unpack_true(reader *r, item_count *o) { return push_boolean(r, true, o); }
static int unpack_false(reader *r, item_count *o) { return push_boolean(r, false, o); }

static int push_double(reader *r, double v) {
  lua_pushnumber(r->L, v);
  return GOING_ON;
}

static int push_float(reader *r, float v) { return push_double(r, (double)v); }

static int push_uint64(reader *r, uint64_t v) {
  return v > INT64_MAX ? fail(r, "an integer beyond 63 bits") : push_integer(r, (int64_t)v);
}

static int push_bytes(reader *r, const char *s, unsigned int n) {
  lua_pushlstring(r->L, n == 0 ? "" : s, n);
  return GOING_ON;
}

/* The count is a claim of the bytes: room is made for what it says only up to a bound. */
static int push_container(reader *r, unsigned int n, bool is_map, item_count *o) {
  int room = n < MOST_PREALLOCATED ? (int)n : MOST_PREALLOCATED;
  *o = 0;
  if (!lua_checkstack(r->L, 4)) return fail(r, "tables nested too deep");
  lua_createtable(r->L, is_map ? 0 : room, is_map ? room : 0);
  return GOING_ON;
}

static int unpack_array_item(reader *r, item_count *count, item_count item) {
  (void)item;
  lua_rawseti(r->L, -2, ++*count);
  return GOING_ON;
}

static int unpack_map_item(reader *r, item_count *count, item_count key, item_count value) {
  (void)count, (void)key, (void)value;
  int type = lua_type(r->L, -2);
  bool is_nan = type == LUA_TNUMBER && lua_tonumber(r->L, -2) != lua_tonumber(r->L, -2);
  if ((type != LUA_TSTRING && type != LUA_TNUMBER && type != LUA_TBOOLEAN) || is_nan)
    return fail(r, "a key that is no string, number or boolean");
  lua_rawset(r->L, -3);
  return GOING_ON;
}

/* false when the sizes are none, or do not make a tensor of `size` bytes. */
static bool read_shape(const char *dims, int ndim, helios_dtype dtype, size_t size, int64_t *shape) {
  size_t numel;
  for (int i = 0; i < ndim; i++) {
    shape[i] = (int64_t)hl_get_le64((const unsigned char *)dims + 8 * i);
    if (shape[i] < 0) return false;
  }
  return hl_shape_numel(dtype, ndim, shape, &numel) && numel * helios_dtype_size(dtype) == size;
}

static int push_tensor(reader *r, const char *s, size_t n) {
  int64_t shape[HELIOS_MAX_NDIM];
  if (n < TENSOR_HEAD) return fail(r, "a damaged tensor");
  unsigned order = (unsigned char)s[0] & 0x80, dtype = (unsigned char)s[0] & 0x7F, ndim = (unsigned char)s[1];
  size_t head = TENSOR_HEAD + 8 * (size_t)ndim;
  if (order != BYTE_ORDER_FLAG) return fail(r, "a tensor written by a machine of the other byte order");
  if (helios_dtype_name((helios_dtype)dtype) == NULL || ndim > HELIOS_MAX_NDIM || n < head ||
      !read_shape(s + TENSOR_HEAD, (int)ndim, (helios_dtype)dtype, n - head, shape))
    return fail(r, "a damaged tensor");
  hl_tensor *t = hl_push_tensor(r->L, (helios_dtype)dtype, (int)ndim, shape);
  if (n > head) memcpy(t->dl.data, s + head, n - head);
  return GOING_ON;
}

static int unpack_ext(reader *r, const char *base, const char *s, unsigned int n, item_count *o) {
  (void)base;
  *o = 0;
  if (n < 1 || s[0] != TENSOR_EXT) return fail(r, "an extension type that is not ours");
  return push_tensor(r, s + 1, n - 1);
}

#define UNPACK(name, type, push)                             \
  static int unpack_##name(reader *r, type v, item_count *o) { \
    *o = 0;                                                    \
    return push(r, v);                                         \
  }
UNPACK(uint8, uint8_t, push_integer)
UNPACK(uint16, uint16_t, push_integer)
UNPACK(uint32, uint32_t, push_integer)
UNPACK(uint64, uint64_t, push_uint64)
UNPACK(int8, int8_t, push_integer)
UNPACK(int16, int16_t, push_integer)
UNPACK(int32, int32_t, push_integer)
UNPACK(int64, int64_t, push_integer)
UNPACK(float, float, push_float)
UNPACK(double, double, push_double)

static int unpack_array(reader *r, unsigned int n, item_count *o) { return push_container(r, n, false, o); }
static int unpack_map(reader *r, unsigned int n, item_count *o) { return push_container(r, n, true, o); }

static int unpack_str(reader *r, const char *base, const char *s, unsigned int n, item_count *o) {
  (void)base;
  *o = 0;
  return push_bytes(r, s, n);
}

static int unpack_bin(reader *r, const char *base, const char *s, unsigned int n, item_count *o) {
  return unpack_str(r, base, s, n, o);
}

#define msgpack_unpack_struct(name) struct unpacker##name
#define msgpack_unpack_func(ret, name) static __attribute__((unused)) ret unpacker##name
#define msgpack_unpack_callback(name) unpack##name
#define msgpack_unpack_object item_count
#define msgpack_unpack_user reader
#include <msgpack/unpack_template.h>

static int push_damage(lua_State *L, const char *why, size_t offset) {
  lua_pushfstring(L, "damaged at byte %I: %s", (LUAI_UACINT)offset, why);
  return hl_push_status(L, HELIOS_EFORMAT, lua_tostring(L, -1));
}

static int l_unpack(lua_State *L) {
  size_t n, offset = 0;
  const char *data = luaL_checklstring(L, 1, &n);
  struct unpacker_context parser;
  memset(&parser, 0, sizeof parser);
  unpacker_init(&parser);
  parser.user = (reader){L, "not MessagePack, or nested too deep"};
  int result = unpacker_execute(&parser, data, n, &offset);
  if (result == GOING_ON) return push_damage(L, "the end is missing", n);
  if (result < 0) return push_damage(L, parser.user.why, offset);
  if (offset != n) return push_damage(L, "more bytes than one value", offset);
  return 1;
}

static const luaL_Reg FUNCTIONS[] = {{"pack", l_pack}, {"unpack", l_unpack}, {NULL, NULL}};

void hl_open_msgpack(lua_State *L) { luaL_newlib(L, FUNCTIONS); }

/* test_lua.c - the binding from C: tensors of a host inside Lua, and every allocation of Lua's failing in turn. */
#include "helios/lua.h"

#include <lauxlib.h>
#include <lualib.h>

#include "check.h"
#include "helios/helios.h"
#include "scratch.h"

/* ---- a state whose memory runs out on demand ------------------------------------------------------------ */

typedef struct memory {
  long left;     /* allocations until the first that fails; negative: none does */
  bool for_good; /* all later ones fail too, else just that one */
  bool hit;
} memory;

static void *limited(void *ctx, void *p, size_t old_size, size_t size) {
  memory *m = ctx;
  if (size == 0) {
    free(p);
    return NULL;
  }
  bool grows = p == NULL || size > old_size;
  if (grows && m->left >= 0 && m->left-- == 0) {
    m->hit = true;
    if (m->for_good) m->left = 0;
    return NULL;
  }
  return realloc(p, size);
}

static lua_State *new_state(memory *m) {
  m->left = -1;
  lua_State *L = lua_newstate(limited, m);
  luaL_openlibs(L);
  luaL_requiref(L, "helios.native", luaopen_helios_native, 1);
  lua_setglobal(L, "native");
  lua_settop(L, 0);
  return L;
}

/* ---- tensors of a host ---------------------------------------------------------------------------------- */

static float elements[7] = {-1, 1, 2, 3, 4, 5, 6};
static int64_t shape[2] = {3, 2}, strides[2] = {1, 3}; /* the transpose of 2 x 3, after one */
static int deleted;

static void count_deleted(DLManagedTensor *self) {
  (void)self;
  deleted++;
}

static DLManagedTensor transposed(void) {
  DLManagedTensor managed = {.deleter = count_deleted};
  managed.dl_tensor = (DLTensor){.data = elements, .device = {kDLCPU, 0}, .ndim = 2, .shape = shape,
                                 .strides = strides, .byte_offset = sizeof(float),
                                 .dtype = helios_dtype_to_dl(HELIOS_FLOAT32)};
  return managed;
}

static int push(lua_State *L) { return helios_lua_push_dltensor(L, lua_touserdata(L, 1)); }

static int push_protected(lua_State *L, DLManagedTensor *managed) {
  lua_pushcfunction(L, push);
  lua_pushlightuserdata(L, managed);
  return lua_pcall(L, 1, 1, 0);
}

static void check_text(lua_State *L, const char *code, const char *want) {
  if (luaL_dostring(L, code) != LUA_OK) CHECK_STR(lua_tostring(L, -1), "no error");
  else CHECK_STR(luaL_tolstring(L, -1, NULL), want);
  lua_settop(L, 0);
}

static void a_host_tensor_is_shown_not_copied(lua_State *L) {
  static DLManagedTensor managed; /* until its deleter ran */
  managed = transposed();
  CHECK_INT(push_protected(L, &managed), LUA_OK);
  lua_setglobal(L, "t");
  check_text(L, "return t", "helios.tensor float32 {3, 2}");
  check_text(L, "return table.concat(t:totable()[2], ' ')", "2.0 5.0");
  check_text(L, "t:set(9, 3, 1) return t:select(1, 3):get(1)", "9.0");
  CHECK(elements[3] == 9);
  elements[3] = 3;
  CHECK_INT(deleted, 0);
}

static void its_deleter_runs_once_all_views_are_gone(lua_State *L) {
  check_text(L, "view = t:permute(2, 1) t = nil collectgarbage() return view:get(2, 3)", "6.0");
  CHECK_INT(deleted, 0);
  check_text(L, "view = nil collectgarbage() collectgarbage() return 0", "0");
  CHECK_INT(deleted, 1);
}

static void a_wrong_tensor_goes_back_at_once(lua_State *L) {
  DLManagedTensor managed = transposed();
  managed.dl_tensor.device.device_type = kDLCUDA;
  deleted = 0;
  CHECK_INT(push_protected(L, &managed), LUA_ERRRUN);
  CHECK(strstr(lua_tostring(L, -1), "push_dltensor: the tensor is not in CPU memory") != NULL);
  CHECK_INT(deleted, 1);
  managed = transposed();
  managed.deleter = NULL;
  managed.dl_tensor.dtype.lanes = 4;
  CHECK_INT(push_protected(L, &managed), LUA_ERRRUN);
  lua_settop(L, 0);
}

static void it_goes_back_when_memory_runs_out(bool for_good) {
  memory m = {.for_good = for_good};
  for (long at = 0;; at++) {
    lua_State *L = new_state(&m);
    DLManagedTensor managed = transposed();
    deleted = 0;
    lua_gc(L, LUA_GCSTOP, 0);
    m = (memory){.left = at, .for_good = for_good};
    int result = push_protected(L, &managed);
    m.left = -1;
    CHECK_INT(deleted, result == LUA_OK ? 0 : 1);
    lua_close(L);
    CHECK_INT(deleted, 1);
    if (!m.hit) break;
  }
}

/* ---- every allocation fails in turn --------------------------------------------------------------------- */

static const char *const PROGRAMS[] = {
  "t = native.tensor.from_table({{1, 2, 3}, {4, 5, 6}}, 'int16') assert(tostring(t) and t.shape and t:totable())",
  "assert(#native.tensor.new({2, 3}, 'int8'):permute(2, 1):reshape(6):select(1, 2):bytes() == 1)",
  "tb:add_image('x', {{{1, 0}}}, 1) tb:add_image('x', '\\1\\2\\3', {shape = {3, 1, 1}, dtype = 'uint8'})",
  "tb:add_histogram('x', {{1, 2}, {3, 4}}, {bins = {0, 1, 5}}) tb:add_pr_curve('x', {1, 0}, {.5, .5}, {weights = 2})",
  "tb:add_hparams({lr = 1, net = 'a', on = true}, {m = 1}, {lr = {1, 2}, net = {'a'}}) tb:add_text('x', {{'a'}, {'b'}})",
  "tb:add_scalars('m', {a = 1, b = 2}, 3) tb:add_scalar('x', ' 1_0 ', {walltime = 1}) tb:add_scalar('n', 0/0, 1)",
  "pcall(tb.add_image, tb, 'x', {{1}, {2, 3}}) pcall(tb.add_scalar, tb, 'x', {}) tb:stats() tb:flush() tb:close()",
  "log:setup(dir .. '/b.log') log:info('%d', 1) log:info('m', {exc_info = true, extra = {x = 1}}) log:close()",
  "log:add_handler(function() end) log:info('a') log:set_level(10) log:log('DEBUG', 'b') log:remove_handler(print)",
  "local w = native.writer.new(false, print) setmetatable({w}, {__index = native.writer.methods}):setup(dir)",
};

static const char SETUP[] =
  "dir = ... tb = setmetatable({native.writer.new(false, function() end)}, {__index = native.writer.methods})\n"
  "tb:setup(dir, {flush_secs = 1000, scalars_layout = 'tags'})\n"
  "log = setmetatable({native.logger.new(0)}, {__index = native.logger}) log:setup(dir .. '/a.log')";

/* Whether the program met the failure it was set up for. */
static bool run_with_failure(const char *program, const char *dir, long at, bool for_good) {
  memory m = {0};
  lua_State *L = new_state(&m);
  CHECK_INT(luaL_loadstring(L, SETUP), LUA_OK);
  lua_pushstring(L, dir);
  CHECK_INT(lua_pcall(L, 1, 0, 0), LUA_OK);
  CHECK_INT(luaL_loadstring(L, program), LUA_OK);
  m = (memory){.left = at, .for_good = for_good};
  int result = lua_pcall(L, 0, 0, 0);
  bool hit = m.hit;
  m.left = -1;
  CHECK(result == LUA_OK || hit);
  CHECK_INT(luaL_dostring(L, "tb:setup(dir) tb:add_scalar('after', 1, 1) assert(tb:close())"), LUA_OK);
  CHECK_INT(luaL_dostring(L, "log:setup(dir .. '/a.log') log:info('after') assert(log:close())"), LUA_OK);
  lua_close(L);
  return hit;
}

/* The state goes on after every one of them; the sanitizer sees what would leak. */
static void memory_runs_out(const char *program, bool for_good) {
  const char *dir = scratch_dir(0);
  for (long at = 0; run_with_failure(program, dir, at, for_good); at++) continue;
  scratch_remove(dir);
}

int main(void) {
  memory m = {0};
  lua_State *L = new_state(&m);
  a_host_tensor_is_shown_not_copied(L);
  its_deleter_runs_once_all_views_are_gone(L);
  a_wrong_tensor_goes_back_at_once(L);
  lua_close(L);
  it_goes_back_when_memory_runs_out(false);
  it_goes_back_when_memory_runs_out(true);
  for (size_t i = 0; i < sizeof PROGRAMS / sizeof PROGRAMS[0]; i++) {
    memory_runs_out(PROGRAMS[i], false);
    memory_runs_out(PROGRAMS[i], true);
  }
  return check_done("lua");
}

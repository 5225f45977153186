/* test_every_call.c - each allocation of a script that uses every call fails in turn, Lua's and the library's, once and
 * for good: the call raises or succeeds, the state and its objects go on, and what is on disk is whole.
 *
 * The script is spec/support/every_call.lua. The Makefile links this test so that the library's realloc is ours. */
#include <fcntl.h>
#include <ftw.h>
#include <lauxlib.h>
#include <lualib.h>

#include "check.h"
#include "helios/helios.h"
#include "helios/lua.h"
#include "scratch.h"

/* ---- memory that runs out ----------------------------------------------------------------------------------- */

typedef struct supply {
  _Atomic long left; /* allocations until the first that fails; negative: none does */
  bool for_good;
  _Atomic bool hit;
} supply;

static supply lua_memory = {.left = -1}, core_memory = {.left = -1};

static bool gives(supply *s) {
  if (s->left < 0) return true;
  if (s->left-- > 0) return true;
  s->hit = true;
  if (s->for_good) s->left = 0;
  return false;
}

static void *lua_realloc(void *ctx, void *p, size_t old_size, size_t size) {
  (void)ctx;
  bool grows = p == NULL || size > old_size;
  if (size > 0 && (!grows || gives(&lua_memory))) return realloc(p, size);
  if (size == 0) free(p);
  return NULL;
}

void *__real_realloc(void *p, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_realloc(void *p, size_t size) { return gives(&core_memory) ? __real_realloc(p, size) : NULL; }

/* ---- the script --------------------------------------------------------------------------------------------- */

enum { PIECES = 1, AFTER, CLOSE };

static void fail_with(lua_State *L, const char *what) {
  check_that(0, what, __FILE__, __LINE__);
  fprintf(stderr, "  %s\n", luaL_tolstring(L, -1, NULL));
}

/* The three results of the script are the stack. */
static lua_State *load_script(const char *dir) {
  lua_State *L = lua_newstate(lua_realloc, NULL);
  luaL_openlibs(L);
  helios_lua_preload(L);
  if (luaL_dofile(L, "spec/support/every_call.lua") != LUA_OK) {
    fail_with(L, "the script loads");
    exit(1);
  }
  lua_pushstring(L, dir);
  if (lua_pcall(L, 1, 3, 0) != LUA_OK) {
    fail_with(L, "the script starts");
    exit(1);
  }
  return L;
}

static bool is_of_memory(const char *error) { return strstr(error, "memory") != NULL; }

/* What the pieces log and the library tells is of no interest here. */
static void silence(bool silent) {
  static int heard = -1, nowhere = -1;
  if (heard < 0) heard = dup(STDERR_FILENO);
  if (nowhere < 0) nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
  dup2(silent ? nowhere : heard, STDERR_FILENO);
}

/* One piece with one failure; true when the failure was met. */
static bool run_piece(lua_State *L, const char *name, supply *s, long at, bool for_good) {
  lua_getfield(L, -1, "run");
  s->for_good = for_good;
  s->hit = false;
  silence(true);
  s->left = at;
  int result = lua_pcall(L, 0, 0, 0);
  s->left = -1;
  silence(false);
  bool hit = s->hit;
  if (result != LUA_OK && !(hit && is_of_memory(luaL_tolstring(L, -1, NULL)))) {
    check_that(0, "a piece fails for want of memory only", __FILE__, __LINE__);
    fprintf(stderr, "  %s, allocation %ld%s: %s\n", name, at, for_good ? " for good" : "", luaL_tolstring(L, -1, NULL));
  }
  lua_settop(L, CLOSE + 1);
  lua_pushvalue(L, AFTER);
  if (!CHECK(lua_pcall(L, 0, 0, 0) == LUA_OK))
    fprintf(stderr, "  after %s, allocation %ld%s: %s\n", name, at, for_good ? " for good" : "", lua_tostring(L, -1));
  lua_settop(L, CLOSE + 1);
  return hit;
}

/* Every one of the first, then ever fewer. */
static long next_failure(long at) { return at + 1 + at / 25; }

static long run_out(lua_State *L, const char *name, supply *s, bool for_good) {
  long at = 0;
  while (run_piece(L, name, s, at, for_good)) at = next_failure(at);
  return at;
}

/* ---- what is on disk ---------------------------------------------------------------------------------------- */

static int look_at_file(const char *path, const struct stat *s, int type, struct FTW *where) {
  (void)s;
  if (type != FTW_F) return 0;
  const char *name = path + where->base;
  if (!CHECK(strncmp(name, ".helios", 7) != 0)) fprintf(stderr, "  %s\n", path);
  if (strstr(name, "tfevents") == NULL) return 0;
  helios_reader_stats stats = {.size = sizeof stats};
  CHECK_INT(helios_verify_file(path, NULL, &stats, NULL, NULL, 0), HELIOS_OK);
  if (!CHECK(stats.damaged == 0 && stats.cut_bytes == 0)) fprintf(stderr, "  %s\n", path);
  return 0;
}

int main(void) {
  const char *dir = scratch_dir(0);
  lua_State *L = load_script(dir);
  lua_Integer count = luaL_len(L, PIECES);
  for (lua_Integer i = 1; i <= count; i++) {
    lua_rawgeti(L, PIECES, i);
    lua_getfield(L, -1, "name");
    const char *name = lua_tostring(L, -1);
    lua_pop(L, 1);
    long lua = run_out(L, name, &lua_memory, false), core = run_out(L, name, &core_memory, false);
    run_out(L, name, &lua_memory, true);
    run_out(L, name, &core_memory, true);
    printf("every call: %s: %ld allocations of Lua's, %ld of the library's\n", name, lua, core);
    lua_settop(L, CLOSE);
  }
  if (lua_pcall(L, 0, 0, 0) != LUA_OK) fail_with(L, "the script ends");
  lua_close(L);
  nftw(dir, look_at_file, 16, FTW_PHYS);
  scratch_remove(dir);
  return check_done("every call");
}

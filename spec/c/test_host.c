/* test_host.c - Helios in a host's states: modules out of the program, several states at once, one writer for all. */
#include <lauxlib.h>
#include <lualib.h>
#include <pthread.h>

#include "check.h"
#include "helios/helios.h"
#include "helios/lua.h"
#include "scratch.h"

enum { STATES = 4, POINTS = 500 };

/* A state that cannot load a file: nothing but package.preload is searched. */
static lua_State *new_state(void) {
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  static const char ALONE[] = "package.path, package.cpath, package.searchers = '', '', {package.searchers[1]}";
  CHECK_INT(luaL_dostring(L, ALONE), LUA_OK);
  helios_lua_preload(L);
  return L;
}

static void check_text(lua_State *L, const char *code, const char *want) {
  if (luaL_dostring(L, code) != LUA_OK) CHECK_STR(lua_tostring(L, -1), "no error");
  else CHECK_STR(luaL_tolstring(L, -1, NULL), want);
  lua_settop(L, 0);
}

static helios_writer *open_run(const char *dir) {
  helios_writer *w = NULL;
  CHECK_INT(helios_writer_open(dir, NULL, &w, NULL, 0), HELIOS_OK);
  return w;
}

static unsigned long scalars_in(const char *dir) {
  helios_run *run = NULL;
  CHECK_INT(helios_run_open(dir, NULL, &run, NULL, 0), HELIOS_OK);
  unsigned long count = 0;
  helios_point point;
  while (helios_run_next(run, &point) == HELIOS_OK) count += point.kind == HELIOS_KIND_SCALAR;
  helios_run_free(run);
  return count;
}

/* ---- modules without files ------------------------------------------------------------------------------ */

static void every_module_comes_out_of_the_program(void) {
  lua_State *L = new_state();
  check_text(L,
             "local count = 0\n"
             "for name in pairs(package.preload) do\n"
             "  if name:find('^helios') then assert(require(name) ~= nil, name) count = count + 1 end\n"
             "end\n"
             "return count > 20",
             "true");
  check_text(L, "return require('helios').core.logging == require 'helios.core.logging'", "true");
  lua_close(L);
}

static void paths_stay_as_they_were(void) {
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  CHECK_INT(luaL_dostring(L, "before = package.path .. package.cpath .. #package.searchers"), LUA_OK);
  helios_lua_preload(L);
  check_text(L, "require 'helios.core.logging'\n"
                "return before == package.path .. package.cpath .. #package.searchers", "true");
  lua_close(L);
}

static void an_opener_can_be_called_by_the_host(void) {
  lua_State *L = luaL_newstate();
  luaL_requiref(L, "helios.native", luaopen_helios_native, 0);
  lua_getfield(L, -1, "version");
  CHECK_STR(lua_tostring(L, -1), helios_version());
  lua_getglobal(L, "helios.native");
  CHECK(lua_isnil(L, -1));
  lua_close(L);
}

static void modules_can_be_required_by_the_host(void) {
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  luaL_requiref(L, "helios", luaopen_helios, 1);
  luaL_requiref(L, "helios.core.logging", luaopen_helios_core_logging, 0);
  CHECK_INT(lua_gettop(L), 2);
  lua_setglobal(L, "given");
  lua_settop(L, 0);
  check_text(L, "return helios.logging == given and given == require 'helios.core.logging' and helios == require 'helios'",
             "true");
  lua_close(L);
}

static void states_do_not_see_each_other(void) {
  lua_State *one = new_state(), *two = new_state();
  check_text(one, "logging = require 'helios.core.logging' logging.create_default_loggers()\n"
                  "return logging.is_root_logger_active()", "true");
  check_text(two, "return require('helios.core.logging').is_root_logger_active()", "false");
  lua_close(one);
  check_text(two, "return require('helios.core.logging').is_root_logger_active()", "false");
  lua_close(two);
}

static void the_default_loggers_are_found(void) {
  const char *dir = scratch_dir(0);
  lua_State *L = new_state();
  lua_pushstring(L, dir);
  lua_setglobal(L, "dir");
  CHECK(helios_lua_default_writer(L) == NULL && helios_lua_default_logger(L) == NULL);
  check_text(L, "logging = require 'helios.core.logging' return 0", "0");
  CHECK(helios_lua_default_writer(L) == NULL && helios_lua_default_logger(L) == NULL);
  check_text(L, "logging.create_default_loggers() logging.restore_default_loggers(dir .. '/log', dir .. '/run')\n"
                "return 0", "0");
  helios_writer *writer = helios_lua_default_writer(L);
  helios_logger *logger = helios_lua_default_logger(L);
  if (CHECK(writer != NULL && logger != NULL)) {
    CHECK_INT(helios_writer_add_scalar(writer, "from c", 1, 1), HELIOS_OK);
    CHECK_INT(helios_logger_printf(logger, HELIOS_INFO, "from c"), HELIOS_OK);
    check_text(L, "return logging.get_tensorboard_writer():stats().events", "1");
  }
  CHECK_INT(lua_gettop(L), 0);
  check_text(L, "return logging.close_default_loggers()", "true");
  CHECK(helios_lua_default_writer(L) == NULL && helios_lua_default_logger(L) == NULL);
  CHECK_INT(lua_gettop(L), 0);
  lua_close(L);
  scratch_remove(dir);
}

/* ---- one writer, several states ------------------------------------------------------------------------- */

static void push_as_tb(lua_State *L, helios_writer *w) {
  CHECK_INT(helios_lua_push_writer(L, w), 1);
  CHECK(helios_lua_to_writer(L, -1) == w);
  lua_setglobal(L, "tb");
}

static void a_script_adds_to_the_hosts_run(void) {
  const char *dir = scratch_dir(0);
  helios_writer *w = open_run(dir);
  lua_State *L = new_state();
  push_as_tb(L, w);
  lua_pushstring(L, dir);
  lua_setglobal(L, "dir");
  check_text(L, "tb:add_scalar('lua', 0.5, 1) return tb.run_path == dir and tb:stats().events", "1");
  check_text(L, "return select(2, pcall(tb.add_scalar, tb, 'lua', {}, 1)):match('add_scalar: argument [^:]*')",
             "add_scalar: argument 'scalar_value'");
  CHECK_INT(helios_writer_add_scalar(w, "c", 0.25, 1), HELIOS_OK);
  check_text(L, "return tb:close()", "true");
  CHECK_INT(scalars_in(dir), 2);
  check_text(L, "return tb:close() and tb:stats().events", "0");
  check_text(L, "return (select(2, pcall(tb.add_scalar, tb, 'lua', 1, 1)))", "add_scalar: writer is closed");
  CHECK_INT(helios_writer_add_scalar(w, "c", 0.25, 2), HELIOS_OK);
  lua_close(L);
  CHECK_INT(helios_writer_close(w), HELIOS_OK);
  helios_writer_free(w);
  CHECK_INT(scalars_in(dir), 3);
  scratch_remove(dir);
}

static void setup_and_collection_leave_the_hosts_writer_open(void) {
  const char *dir = scratch_dir(0), *other = scratch_dir(1);
  helios_writer *w = open_run(dir);
  lua_State *L = new_state();
  push_as_tb(L, w);
  lua_pushstring(L, other);
  lua_setglobal(L, "other");
  check_text(L, "tb:setup(other) tb:add_scalar('own', 1, 1) return tb:close()", "true");
  push_as_tb(L, w);
  check_text(L, "tb = nil collectgarbage() return collectgarbage()", "0");
  push_as_tb(L, w);
  lua_close(L);
  CHECK_INT(helios_writer_add_scalar(w, "c", 1, 1), HELIOS_OK);
  CHECK_INT(helios_writer_close(w), HELIOS_OK);
  helios_writer_free(w);
  CHECK_INT(scalars_in(dir), 1);
  CHECK_INT(scalars_in(other), 1);
  scratch_remove(dir);
  scratch_remove(other);
}

static void a_writer_the_host_closed_is_told_to_the_script(void) {
  const char *dir = scratch_dir(0);
  helios_writer *w = open_run(dir);
  lua_State *L = new_state();
  push_as_tb(L, w);
  CHECK_INT(helios_writer_close(w), HELIOS_OK);
  check_text(L, "return (select(2, pcall(tb.add_scalar, tb, 'a', 1, 1)))", "add_scalar: writer is closed");
  lua_close(L);
  helios_writer_free(w);
  scratch_remove(dir);
}

static void *run_state(void *shared) {
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  helios_lua_preload(L);
  helios_lua_push_writer(L, shared);
  lua_setglobal(L, "tb");
  lua_pushinteger(L, POINTS);
  lua_setglobal(L, "points");
  int failed = luaL_dostring(L, "for i = 1, points do tb:add_scalar('x', i, i) end assert(tb:flush())");
  lua_close(L);
  return failed ? shared : NULL;
}

static void states_in_threads_share_one_writer(void) {
  const char *dir = scratch_dir(0);
  helios_writer *w = open_run(dir);
  pthread_t threads[STATES];
  for (int i = 0; i < STATES; i++) CHECK_INT(pthread_create(&threads[i], NULL, run_state, w), 0);
  for (int i = 0; i < STATES; i++) {
    void *failed;
    pthread_join(threads[i], &failed);
    CHECK(failed == NULL);
  }
  helios_stats stats = {.size = sizeof stats};
  CHECK_INT(helios_writer_stats(w, &stats), HELIOS_OK);
  CHECK_INT(stats.events, STATES * POINTS);
  CHECK_INT(helios_writer_close(w), HELIOS_OK);
  helios_writer_free(w);
  scratch_remove(dir);
}

int main(void) {
  every_module_comes_out_of_the_program();
  paths_stay_as_they_were();
  an_opener_can_be_called_by_the_host();
  modules_can_be_required_by_the_host();
  states_do_not_see_each_other();
  the_default_loggers_are_found();
  a_script_adds_to_the_hosts_run();
  setup_and_collection_leave_the_hosts_writer_open();
  a_writer_the_host_closed_is_told_to_the_script();
  states_in_threads_share_one_writer();
  return check_done("host");
}

/* threads.c SCRIPT RUN WORKERS - a lua_State for each thread, all of them writing into one run.
 *
 * The program opens the run; every state gets a TensorboardWriter over it, and the number of its worker. States share
 * no Lua data, the writer may be used by all at once. The modules come out of the program. */
#include <helios/helios.h>
#include <helios/lua.h>
#include <lauxlib.h>
#include <lualib.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST_WORKERS = 64 };

typedef struct worker {
  pthread_t thread;
  int number;
  const char *script;
  helios_writer *writer; /* everybody's */
  int failed;
} worker;

/* The script as a function of the writer and the worker's number, called in protected mode. */
static int run_script(lua_State *L) {
  worker *w = lua_touserdata(L, 1);
  luaL_openlibs(L);
  helios_lua_preload(L);
  if (luaL_loadfile(L, w->script) != LUA_OK) return lua_error(L);
  helios_lua_push_writer(L, w->writer);
  lua_pushinteger(L, w->number);
  lua_call(L, 2, 0);
  return 0;
}

static void *work(void *argument) {
  worker *w = argument;
  lua_State *L = luaL_newstate();
  if (L == NULL) {
    w->failed = 1;
    return NULL;
  }
  lua_pushcfunction(L, run_script);
  lua_pushlightuserdata(L, w);
  w->failed = lua_pcall(L, 1, 0, 0) != LUA_OK;
  if (w->failed) fprintf(stderr, "threads: worker %d: %s\n", w->number, lua_tostring(L, -1));
  lua_close(L);
  return NULL;
}

/* How many of them failed. */
static int run_workers(worker *workers, int count) {
  int failed = 0;
  for (int i = 0; i < count; i++)
    if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0) exit(1);
  for (int i = 0; i < count; i++) {
    pthread_join(workers[i].thread, NULL);
    failed += workers[i].failed;
  }
  return failed;
}

static int fail(const char *reason) {
  fprintf(stderr, "threads: %s\n", reason);
  return 1;
}

int main(int argc, char **argv) {
  int count = argc == 4 ? atoi(argv[3]) : 0;
  if (count < 1 || count > MOST_WORKERS) return fail("usage: threads SCRIPT RUN WORKERS");
  helios_writer *writer;
  char why[256];
  if (helios_writer_open(argv[2], NULL, &writer, why, sizeof why) != HELIOS_OK) return fail(why);
  worker workers[MOST_WORKERS];
  for (int i = 0; i < count; i++) workers[i] = (worker){.number = i + 1, .script = argv[1], .writer = writer};
  int failed = run_workers(workers, count);
  helios_status status = helios_writer_close(writer);
  helios_writer_free(writer); /* after the last state is closed */
  if (status != HELIOS_OK) return fail(helios_strerror(status));
  return failed > 0;
}

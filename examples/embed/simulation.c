/* simulation.c SCRIPT - heat in a plate, computed in C, steered and recorded by a Lua script.
 *
 * The script returns a table: the plate's parameters, and `observe(step, field)`, which the loop calls every few steps
 * with a tensor that shows the plate's own memory. It logs, draws and may end the simulation; the loop adds its own
 * measurement to the script's run. All modules come out of this program. */
#include <helios/helios.h>
#include <helios/lua.h>
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct plate {
  int64_t size;
  double diffusion;
  float *now, *next;
  int64_t shape[2];
  DLManagedTensor tensor; /* shows `now` to Lua; nothing to delete, as the plate outlives the state */
} plate;

/* A number of the table at stack index 1. */
static double parameter(lua_State *L, const char *name) {
  lua_getfield(L, 1, name);
  if (!lua_isnumber(L, -1)) luaL_error(L, "the script's '%s' is no number", name);
  double value = lua_tonumber(L, -1);
  lua_pop(L, 1);
  return value;
}

static int plate_init(plate *p, int64_t size, double diffusion) {
  *p = (plate){.size = size, .diffusion = diffusion, .shape = {size, size}};
  p->now = calloc((size_t)(size * size), sizeof *p->now);
  p->next = calloc((size_t)(size * size), sizeof *p->next);
  p->tensor.dl_tensor = (DLTensor){.data = p->now, .device = {kDLCPU, 0}, .ndim = 2, .shape = p->shape,
                                   .dtype = helios_dtype_to_dl(HELIOS_FLOAT32)};
  return p->now != NULL && p->next != NULL;
}

static void plate_free(plate *p) {
  free(p->now);
  free(p->next);
}

/* A hot spot in the middle; the rim stays cold. Gives the largest change of a cell. */
static double plate_step(plate *p) {
  int64_t n = p->size;
  double most = 0;
  p->now[n / 2 * n + n / 2] = 1.0f;
  for (int64_t y = 1; y < n - 1; y++) {
    for (int64_t x = 1; x < n - 1; x++) {
      const float *c = p->now + y * n + x;
      double change = p->diffusion * ((double)c[-1] + c[1] + c[-n] + c[n] - 4.0 * *c);
      p->next[y * n + x] = (float)(*c + change);
      if (change > most) most = change;
    }
  }
  memcpy(p->now, p->next, (size_t)(n * n) * sizeof *p->now);
  return most;
}

/* observe(step, field) of the table at 1, which may return false to end; the field's tensor is at 2. */
static int observe(lua_State *L, int64_t step) {
  lua_getfield(L, 1, "observe");
  lua_pushinteger(L, step);
  lua_pushvalue(L, 2);
  lua_call(L, 2, 1);
  int go_on = lua_isnil(L, -1) || lua_toboolean(L, -1);
  lua_pop(L, 1);
  return go_on;
}

static void run(lua_State *L, plate *p) {
  int64_t steps = (int64_t)parameter(L, "steps"), every = (int64_t)parameter(L, "every");
  helios_writer *writer = helios_lua_default_writer(L); /* the script's; NULL when it opened none */
  for (int64_t step = 1; step <= steps; step++) {
    double change = plate_step(p);
    if (writer != NULL) helios_writer_add_scalar(writer, "plate/largest_change", change, step);
    if (step % every == 0 && !observe(L, step)) return;
  }
}

/* Called by pcall with the script's name and a plate to fill. */
static int simulate(lua_State *L) {
  const char *script = lua_tostring(L, 1);
  plate *p = lua_touserdata(L, 2);
  lua_settop(L, 1);
  if (luaL_loadfile(L, script) != LUA_OK) return lua_error(L);
  lua_call(L, 0, 1);
  lua_replace(L, 1);
  if (!lua_istable(L, 1)) return luaL_error(L, "the script returns no table");
  if (!plate_init(p, (int64_t)parameter(L, "size"), parameter(L, "diffusion"))) return luaL_error(L, "out of memory");
  helios_lua_push_dltensor(L, &p->tensor);
  run(L, p);
  return 0;
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: simulation SCRIPT\n");
    return 2;
  }
  lua_State *L = luaL_newstate();
  if (L == NULL) return 1;
  luaL_openlibs(L);
  helios_lua_preload(L);
  plate p = {0};
  lua_pushcfunction(L, simulate);
  lua_pushstring(L, argv[1]);
  lua_pushlightuserdata(L, &p);
  int failed = lua_pcall(L, 2, 0, 0) != LUA_OK;
  if (failed) fprintf(stderr, "simulation: %s\n", lua_tostring(L, -1));
  lua_close(L); /* closes the script's log and run, then the plate may go */
  plate_free(&p);
  return failed;
}

/* l_mpi.c - `helios.mpi`: the few collective calls the training loop needs, on MPI. Built only where mpicc is, as a
 * module of its own, so that nothing else depends on MPI. Bytes and numbers only; `helios.core.distributed` makes
 * values of them.
 *
 * A process that ends without finalizing leaves the others waiting. So the end of the process decides: exit status 0
 * finalizes, any other aborts all ranks. The handler must stay loaded until then: the module is linked with
 * -z nodelete. A failing MPI call ends all ranks, which is MPI's default. */
#include <lauxlib.h>
#include <limits.h>
#include <lua.h>
#include <math.h>
#include <mpi.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int luaopen_helios_mpi(lua_State *L);

/* Forked children run the handler, too, but have no part in MPI. */
static pid_t owner;

static MPI_Op float_max, float_min;

static int is_active(void) {
  int initialized = 0, finalized = 0;
  MPI_Initialized(&initialized);
  MPI_Finalized(&finalized);
  return initialized && !finalized;
}

static void at_exit(int status, void *unused) {
  (void)unused;
  if (owner != getpid() || !is_active()) return;
  if (status == 0) MPI_Finalize();
  else MPI_Abort(MPI_COMM_WORLD, status);
}

static void check_active(lua_State *L) {
  if (!is_active()) luaL_error(L, "MPI is not initialized, or already shut down");
}

/* MPI's own maximum and minimum keep a NaN or lose it, by the order of the ranks. A NaN of any rank is everybody's. */
static void max_of_floats(void *in, void *inout, int *n, MPI_Datatype *type) {
  const double *a = in;
  double *b = inout;
  (void)type;
  for (int i = 0; i < *n; i++)
    if (!isnan(b[i]) && !(a[i] <= b[i])) b[i] = a[i];
}

static void min_of_floats(void *in, void *inout, int *n, MPI_Datatype *type) {
  const double *a = in;
  double *b = inout;
  (void)type;
  for (int i = 0; i < *n; i++)
    if (!isnan(b[i]) && !(a[i] >= b[i])) b[i] = a[i];
}

/* init(): start MPI unless it runs; rank and size. */
static int l_init(lua_State *L) {
  int initialized = 0, finalized = 0, provided, rank, size;
  MPI_Finalized(&finalized);
  if (finalized) return luaL_error(L, "MPI was shut down and cannot start again in this process");
  MPI_Initialized(&initialized);
  if (!initialized) {
    MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided);
    owner = getpid();
    MPI_Op_create(max_of_floats, 1, &float_max);
    MPI_Op_create(min_of_floats, 1, &float_min);
    on_exit(at_exit, NULL);
  }
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  lua_pushinteger(L, rank);
  lua_pushinteger(L, size);
  return 2;
}

static int l_finalize(lua_State *L) {
  (void)L;
  if (is_active()) MPI_Finalize();
  return 0;
}

/* abort(code): end all ranks, now. */
static int l_abort(lua_State *L) {
  int code = (int)luaL_checkinteger(L, 1);
  if (is_active()) MPI_Abort(MPI_COMM_WORLD, code);
  return 0;
}

static int l_barrier(lua_State *L) {
  check_active(L);
  MPI_Barrier(MPI_COMM_WORLD);
  return 0;
}

/* ---- reducing numbers -------------------------------------------------------------------------------- */

typedef enum operation { SUM, MAX, MIN, PROD } operation;

static operation check_op(lua_State *L, int index) {
  static const char *const NAMES[] = {"sum", "max", "min", "prod", NULL};
  return (operation)luaL_checkoption(L, index, "sum", NAMES);
}

/* What the ranks must agree about before they reduce: how many numbers, and whether as integers. A mismatch would read
 * past somebody's buffer. */
static int agree(lua_State *L, size_t n, int has_float) {
  int64_t mine[3] = {(int64_t)n, -(int64_t)n, has_float}, all[3];
  MPI_Allreduce(mine, all, 3, MPI_INT64_T, MPI_MAX, MPI_COMM_WORLD);
  if (all[0] != -all[1])
    luaL_error(L, "all_reduce: the ranks gave different numbers of values, from %I to %I", (LUAI_UACINT)-all[1],
               (LUAI_UACINT)all[0]);
  if (n > INT_MAX) luaL_error(L, "all_reduce: more than 2^31 values");
  return (int)all[2];
}

static int any_float(lua_State *L, size_t n) {
  int has_float = 0;
  for (size_t i = 1; i <= n; i++) {
    if (lua_rawgeti(L, 1, (lua_Integer)i) != LUA_TNUMBER) luaL_error(L, "all_reduce: expected numbers");
    if (!lua_isinteger(L, -1)) has_float = 1;
    lua_pop(L, 1);
  }
  return has_float;
}

static void reduce_floats(lua_State *L, size_t n, operation op) {
  const MPI_Op ops[] = {MPI_SUM, float_max, float_min, MPI_PROD};
  double *values = lua_newuserdatauv(L, (n + 1) * sizeof *values, 0);
  lua_createtable(L, (int)n, 0);
  for (size_t i = 0; i < n; i++) {
    lua_rawgeti(L, 1, (lua_Integer)i + 1);
    values[i] = lua_tonumber(L, -1);
    lua_pop(L, 1);
  }
  MPI_Allreduce(MPI_IN_PLACE, values, (int)n, MPI_DOUBLE, ops[op], MPI_COMM_WORLD);
  for (size_t i = 0; i < n; i++) {
    lua_pushnumber(L, values[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

static void reduce_integers(lua_State *L, size_t n, operation op) {
  const MPI_Op ops[] = {MPI_SUM, MPI_MAX, MPI_MIN, MPI_PROD};
  int64_t *values = lua_newuserdatauv(L, (n + 1) * sizeof *values, 0);
  lua_createtable(L, (int)n, 0);
  for (size_t i = 0; i < n; i++) {
    lua_rawgeti(L, 1, (lua_Integer)i + 1);
    values[i] = lua_tointeger(L, -1);
    lua_pop(L, 1);
  }
  MPI_Allreduce(MPI_IN_PLACE, values, (int)n, MPI_INT64_T, ops[op], MPI_COMM_WORLD);
  for (size_t i = 0; i < n; i++) {
    lua_pushinteger(L, values[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

/* all_reduce(list of numbers, op): a new list, the same on every rank; integers only when all ranks gave integers. */
static int l_all_reduce(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  operation op = check_op(L, 2);
  check_active(L);
  size_t n = lua_rawlen(L, 1);
  if (agree(L, n, any_float(L, n))) reduce_floats(L, n, op);
  else reduce_integers(L, n, op);
  return 1;
}

/* ---- bytes ------------------------------------------------------------------------------------------- */

static int check_size(lua_State *L, int64_t n, const char *function) {
  if (n > INT_MAX) luaL_error(L, "%s: values of 2 GiB or more", function);
  return (int)n;
}

/* broadcast(bytes of the root, or nil elsewhere; root): the root's bytes. */
static int l_broadcast(lua_State *L) {
  int root = (int)luaL_checkinteger(L, 2), rank, size;
  check_active(L);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  luaL_argcheck(L, root >= 0 && root < size, 2, "no such rank");
  size_t n = 0;
  const char *bytes = rank == root ? luaL_checklstring(L, 1, &n) : NULL;
  int64_t length = (int64_t)n;
  MPI_Bcast(&length, 1, MPI_INT64_T, root, MPI_COMM_WORLD);
  int count = check_size(L, length, "broadcast");
  char *copy = lua_newuserdatauv(L, (size_t)count + 1, 0);
  if (bytes != NULL) memcpy(copy, bytes, n);
  MPI_Bcast(copy, count, MPI_BYTE, root, MPI_COMM_WORLD);
  lua_pushlstring(L, copy, (size_t)count);
  return 1;
}

typedef struct parts {
  int *lengths, *offsets;
  int count, total;
} parts;

static parts gather_lengths(lua_State *L, size_t mine) {
  parts p = {0};
  int64_t total = 0;
  int length = check_size(L, (int64_t)mine, "gather");
  MPI_Comm_size(MPI_COMM_WORLD, &p.count);
  p.lengths = lua_newuserdatauv(L, 2 * (size_t)p.count * sizeof(int), 0);
  p.offsets = p.lengths + p.count;
  MPI_Allgather(&length, 1, MPI_INT, p.lengths, 1, MPI_INT, MPI_COMM_WORLD);
  for (int i = 0; i < p.count; i++) {
    p.offsets[i] = check_size(L, total, "gather");
    total += p.lengths[i];
  }
  p.total = check_size(L, total, "gather");
  return p;
}

/* gather(bytes): the bytes of all ranks, in the order of the ranks, on every rank. */
static int l_gather(lua_State *L) {
  size_t n;
  const char *bytes = luaL_checklstring(L, 1, &n);
  check_active(L);
  parts p = gather_lengths(L, n);
  char *all = lua_newuserdatauv(L, (size_t)p.total + 1, 0);
  MPI_Allgatherv(bytes, (int)n, MPI_BYTE, all, p.lengths, p.offsets, MPI_BYTE, MPI_COMM_WORLD);
  lua_createtable(L, p.count, 0);
  for (int i = 0; i < p.count; i++) {
    lua_pushlstring(L, all + p.offsets[i], (size_t)p.lengths[i]);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

static const luaL_Reg FUNCTIONS[] = {
  {"init", l_init},       {"finalize", l_finalize},     {"abort", l_abort},
  {"barrier", l_barrier}, {"all_reduce", l_all_reduce}, {"broadcast", l_broadcast},
  {"gather", l_gather},   {NULL, NULL},
};

__attribute__((visibility("default"))) int luaopen_helios_mpi(lua_State *L) {
  luaL_newlib(L, FUNCTIONS);
  return 1;
}

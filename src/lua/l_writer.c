/* l_writer.c - the userdata behind TensorboardWriter: opening, closing, counters, and the way of every add_*.
 *
 * The object users hold is a Lua table with the userdata at [1], so that its class is an ordinary Lua table in which
 * these functions lie directly: a hot call is one lookup and one C function. What the calls do is in l_add.c and its
 * siblings; what is written, and when, is the core's business. */
#include "l_writer.h"

#include <stdio.h>
#include <string.h>

#include "l_notices.h"
#include "l_tensor.h"

static const char BOX[] = "helios.writer";

typedef enum state {
  UNOPENED, /* before setup: add_* has no effect */
  OPEN,
  CLOSED,   /* after close: add_* raises */
  MUTE      /* not rank 0: nothing ever has an effect */
} state;

/* The userdata at [1] of every TensorboardWriter. Born unopened; user value 1 is the function told of notices. */
typedef struct writer_box {
  const char *mark;      /* BOX: with the size, tells a box from any other userdata faster than a metatable does */
  helios_writer *writer; /* also after close, for stats; NULL before setup */
  state state;
  bool borrowed;         /* the writer is the host's: never closed or freed here */
  int64_t step;          /* of set_step, kept for the next setup */
  hl_notices notices;    /* told of once the core has returned; see hl_end_add */
} writer_box;

/* ---- the object -------------------------------------------------------------------------------------- */

/* The box at [1] of the object at stack index 1, or NULL. */
static writer_box *find_box(lua_State *L) {
  if (lua_type(L, 1) != LUA_TTABLE) return NULL;
  lua_rawgeti(L, 1, 1);
  writer_box *box = lua_touserdata(L, -1);
  if (box != NULL && (lua_rawlen(L, -1) != sizeof *box || box->mark != BOX)) box = NULL;
  lua_pop(L, 1);
  return box;
}

/* While a state closes, others' finalizers may come after the box's own: it lost its mark and is closed for good. */
static writer_box *find_finalized_box(lua_State *L) {
  if (lua_type(L, 1) != LUA_TTABLE) return NULL;
  lua_rawgeti(L, 1, 1);
  writer_box *box = luaL_testudata(L, -1, BOX);
  lua_pop(L, 1);
  return box;
}

static writer_box *check_box(lua_State *L, const char *function) {
  writer_box *box = find_box(L);
  if (box == NULL) box = find_finalized_box(L);
  if (box == NULL)
    luaL_error(L, "%s: expected a TensorboardWriter before the arguments, got %s (call it with ':')", function,
               hl_describe(L, 1));
  return box;
}

/* The box takes the object's place on the stack: nothing can collect it while arguments are checked. */
static void anchor_box(lua_State *L) {
  lua_rawgeti(L, 1, 1);
  lua_replace(L, 1);
}

const char *hl_push_writer_error(lua_State *L, helios_writer *w) {
  char text[512];
  helios_writer_error(w, text, sizeof text);
  return lua_pushstring(L, text);
}

/* ---- the way of every add_* -------------------------------------------------------------------------- */

static int closed_error(lua_State *L, const char *function) { return luaL_error(L, "%s: writer is closed", function); }

bool hl_begin_add(lua_State *L, const hl_call *c) {
  writer_box *box = check_box(L, c->function);
  if (box->state == CLOSED) closed_error(L, c->function);
  if (box->state != OPEN) return false;
  anchor_box(L);
  hl_args(L, c);
  return true;
}

helios_writer *hl_add_handle(lua_State *L, const hl_call *c) {
  writer_box *box = lua_touserdata(L, 1);
  if (box->state != OPEN) closed_error(L, c->function);
  return box->writer;
}

/* The box is at stack index 1. */
static void tell_notices(lua_State *L, writer_box *box) {
  lua_getiuservalue(L, 1, 1);
  hl_notices_tell(L, &box->notices, lua_gettop(L));
}

int hl_end_add(lua_State *L, const hl_call *c, helios_status status) {
  writer_box *box = lua_touserdata(L, 1);
  if (status == HELIOS_ECLOSED) closed_error(L, c->function);
  if (status == HELIOS_EINVAL || status == HELIOS_ENOMEM)
    hl_raise(L, c->function, status, status == HELIOS_EINVAL ? hl_push_writer_error(L, box->writer) : "out of memory");
  if (hl_notices_waiting(&box->notices)) tell_notices(L, box);
  return 0; /* I/O failures, and a forked child's silence, are no errors of this call */
}

/* ---- add_scalar -------------------------------------------------------------------------------------- */

static const hl_call ADD_SCALAR = {
  "add_scalar", 2, 2, 3, HL_NO_TABLE,
  {"tag", "scalar_value", "global_step", "walltime", "double_precision", "shape", "dtype", NULL}};
enum { TAG = 2, VALUE, STEP, WALLTIME, DOUBLE_PRECISION, SHAPE, DTYPE };

/* A string is a number in words, unless shape and dtype make bytes of it. */
static double check_scalar(lua_State *L) {
  if (!lua_isnil(L, SHAPE) || !lua_isnil(L, DTYPE)) hl_check_tensor(L, &ADD_SCALAR, VALUE, HELIOS_FLOAT32);
  return hl_check_value(L, &ADD_SCALAR, VALUE, VALUE, NULL);
}

static int add_scalar_with_options(lua_State *L) {
  if (!hl_begin_add(L, &ADD_SCALAR)) return 0;
  helios_scalar_options options = {.size = sizeof options};
  const char *tag = hl_check_cstring(L, &ADD_SCALAR, TAG);
  double value = check_scalar(L);
  int64_t step = hl_opt_step(L, &ADD_SCALAR, STEP);
  hl_opt_walltime(L, &ADD_SCALAR, WALLTIME, &options.walltime, &options.has_walltime);
  options.double_precision = hl_opt_boolean(L, &ADD_SCALAR, DOUBLE_PRECISION, false);
  helios_writer *w = hl_add_handle(L, &ADD_SCALAR);
  return hl_end_add(L, &ADD_SCALAR, helios_writer_add_scalar_with(w, tag, value, step, &options));
}

/* The common call, (string, number, integer or nothing), takes no detour; every other one is checked at length. */
static int l_add_scalar(lua_State *L) {
  writer_box *box = find_box(L);
  int top = lua_gettop(L), has_step = top == 4;
  if (box == NULL || box->state != OPEN || top < 3 || top > 4 || lua_type(L, TAG) != LUA_TSTRING ||
      lua_type(L, VALUE) != LUA_TNUMBER || (has_step && lua_type(L, STEP) != LUA_TNUMBER))
    return add_scalar_with_options(L);
  size_t length;
  const char *tag = lua_tolstring(L, TAG, &length);
  lua_Integer step = has_step ? lua_tointegerx(L, STEP, &has_step) : HELIOS_NO_STEP;
  if (top - 3 != has_step || (has_step && step == HELIOS_NO_STEP) || strlen(tag) != length)
    return add_scalar_with_options(L);
  helios_status status = helios_writer_add_scalar(box->writer, tag, lua_tonumber(L, VALUE), step);
  if (status == HELIOS_OK && !hl_notices_waiting(&box->notices)) return 0;
  anchor_box(L);
  return hl_end_add(L, &ADD_SCALAR, status);
}

/* ---- lifecycle --------------------------------------------------------------------------------------- */

/* new(mute, notify): the function is told of each tag's first NaN or infinity: (tag, value, step or nil). */
static int l_new(lua_State *L) {
  luaL_checktype(L, 2, LUA_TFUNCTION);
  writer_box *box = lua_newuserdatauv(L, sizeof *box, 1);
  memset(box, 0, sizeof *box);
  box->mark = BOX;
  box->state = lua_toboolean(L, 1) ? MUTE : UNOPENED;
  box->step = HELIOS_NO_STEP;
  hl_notices_init(&box->notices);
  luaL_setmetatable(L, BOX);
  lua_pushvalue(L, 2);
  lua_setiuservalue(L, -2, 1);
  return 1;
}

/* From any thread, with the handle locked: a line on stderr and nothing else. */
static void on_error(void *ctx, helios_status status, const char *message) {
  (void)ctx;
  (void)status;
  fprintf(stderr, "helios: %s\n", message);
}

/* on_error has told why, and of what is only late nobody need hear. */
static void tell_quietly_lost(helios_writer *w, helios_status status) {
  helios_stats stats = {.size = sizeof stats};
  helios_writer_stats(w, &stats);
  if (status == HELIOS_OK || stats.dropped == 0) return;
  char text[512];
  snprintf(text, sizeof text, "%s: %llu records were dropped", helios_writer_run_path(w),
           (unsigned long long)stats.dropped);
  on_error(NULL, status, text);
}

/* Close where nobody reads the result: collection, __close, setup on another path. */
static void retire(helios_writer *w, bool borrowed) {
  if (w == NULL || borrowed) return;
  tell_quietly_lost(w, helios_writer_close(w));
  helios_writer_free(w);
}

static const hl_call SETUP = {
  "setup", 2, 1, 1, HL_NO_TABLE,
  {"run_path", "flush_secs", "purge_step", "filename_suffix", "durability", "scalars_layout", NULL}};
enum { RUN_PATH = 2, FLUSH_SECS, PURGE_STEP, FILENAME_SUFFIX, DURABILITY, SCALARS_LAYOUT };

/* 0 or 1: which of the two words it is. */
static int opt_word(lua_State *L, int slot, const char *first, const char *second) {
  const char *given = hl_opt_string(L, &SETUP, slot, first);
  if (strcmp(given, first) == 0) return 0;
  if (strcmp(given, second) != 0)
    hl_arg_error(L, &SETUP, slot, "expected '%s' or '%s', got '%s'", first, second, given);
  return 1;
}

static void read_options(lua_State *L, helios_writer_options *o) {
  if (!lua_isnil(L, FLUSH_SECS)) {
    o->flush_secs = hl_check_number(L, &SETUP, FLUSH_SECS);
    if (!(o->flush_secs > 0)) hl_arg_type_error(L, &SETUP, FLUSH_SECS, "a number of seconds above 0");
  }
  o->has_purge_step = !lua_isnil(L, PURGE_STEP);
  o->purge_step = hl_opt_integer(L, &SETUP, PURGE_STEP, 0);
  o->filename_suffix = hl_opt_string(L, &SETUP, FILENAME_SUFFIX, NULL);
  if (opt_word(L, DURABILITY, "process", "disk")) o->durability = HELIOS_DURABLE_DISK;
  if (opt_word(L, SCALARS_LAYOUT, "runs", "tags")) o->scalars_layout = HELIOS_SCALARS_TAGS;
}

static void open_box(lua_State *L, writer_box *box, const char *run_path, const helios_writer_options *options) {
  char reason[512];
  helios_writer *fresh = NULL;
  helios_status status = helios_writer_open(run_path, options, &fresh, reason, sizeof reason);
  if (status != HELIOS_OK) hl_raise(L, "setup", status, reason); /* what was open before still is */
  helios_writer *old = box->writer;
  bool borrowed = box->borrowed;
  box->writer = fresh;
  box->borrowed = false;
  box->state = OPEN;
  helios_writer_set_step(fresh, box->step);
  retire(old, borrowed);
}

static int l_setup(lua_State *L) {
  writer_box *box = check_box(L, "setup");
  if (!lua_isnoneornil(L, 3) && !lua_istable(L, 3))
    return luaL_error(L, "setup: argument 'opts': expected a table, got %s", hl_describe(L, 3));
  hl_args(L, &SETUP);
  helios_writer_options options = {
    .size = sizeof options, .on_error = on_error, .on_notice = hl_notices_add, .ctx = &box->notices};
  const char *run_path = hl_check_cstring(L, &SETUP, RUN_PATH);
  read_options(L, &options);
  if (box->state != MUTE) open_box(L, box, run_path, &options);
  lua_pushvalue(L, RUN_PATH);
  lua_setfield(L, 1, "run_path");
  return 0;
}

static const hl_call SET_STEP = {"set_step", 2, 0, 1, HL_NO_TABLE, {"n", NULL}};

/* Remembered also while nothing is open: the next setup takes it over. */
static int l_set_step(lua_State *L) {
  writer_box *box = check_box(L, "set_step");
  hl_args(L, &SET_STEP);
  box->step = hl_opt_step(L, &SET_STEP, 2);
  if (box->state == OPEN) helios_writer_set_step(box->writer, box->step);
  return 0;
}

static int push_result(lua_State *L, const writer_box *box, helios_status status) {
  return hl_push_status(L, status, status == HELIOS_OK ? NULL : hl_push_writer_error(L, box->writer));
}

static int l_flush(lua_State *L) {
  writer_box *box = check_box(L, "flush");
  bool open = box->state == OPEN;
  return push_result(L, box, open ? helios_writer_flush(box->writer) : HELIOS_OK);
}

/* A borrowed writer is only let go: its owner may free it from now on. */
static helios_status close_box(writer_box *box) {
  box->state = CLOSED; /* before closing: whatever happens, it is not closed twice */
  return box->borrowed ? helios_writer_flush(box->writer) : helios_writer_close(box->writer);
}

static void let_go(writer_box *box) {
  if (box->borrowed) box->writer = NULL;
}

static int l_close(lua_State *L) {
  writer_box *box = check_box(L, "close");
  if (box->state != OPEN) return hl_push_status(L, HELIOS_OK, NULL);
  char reason[512] = "";
  helios_status status = close_box(box);
  if (status != HELIOS_OK) helios_writer_error(box->writer, reason, sizeof reason);
  let_go(box);
  return hl_push_status(L, status, reason);
}

static int l_closing(lua_State *L) {
  writer_box *box = check_box(L, "__close");
  if (box->state != OPEN) return 0;
  tell_quietly_lost(box->writer, close_box(box));
  let_go(box);
  return 0;
}

static int l_gc(lua_State *L) {
  writer_box *box = luaL_checkudata(L, 1, BOX);
  if (box->mark == NULL) return 0; /* called by hand before */
  helios_writer *writer = box->writer;
  box->mark = NULL; /* or the memory could pass for a box again, in another userdata's uninitialised bytes */
  box->writer = NULL;
  box->state = CLOSED;
  retire(writer, box->borrowed);
  hl_notices_free(&box->notices);
  return 0;
}

static void set_count(lua_State *L, const char *name, uint64_t n) {
  lua_pushinteger(L, (lua_Integer)n);
  lua_setfield(L, -2, name);
}

static int l_stats(lua_State *L) {
  writer_box *box = check_box(L, "stats");
  helios_stats stats = {.size = sizeof stats};
  if (box->writer != NULL) helios_writer_stats(box->writer, &stats);
  lua_createtable(L, 0, 7);
  set_count(L, "events", stats.events);
  set_count(L, "bytes", stats.bytes);
  set_count(L, "dropped", stats.dropped);
  set_count(L, "pending", stats.pending);
  lua_pushboolean(L, stats.shared_buffer);
  lua_setfield(L, -2, "shared_buffer");
  int64_t highest = box->writer != NULL ? helios_writer_highest_step(box->writer) : HELIOS_NO_STEP;
  if (highest != HELIOS_NO_STEP) {
    lua_pushinteger(L, highest);
    lua_setfield(L, -2, "highest_step");
  }
  if (stats.last_error[0] == '\0') return 1;
  lua_pushstring(L, stats.last_error);
  lua_setfield(L, -2, "last_error");
  return 1;
}

/* ---- for hosts --------------------------------------------------------------------------------------- */

helios_writer *helios_lua_to_writer(lua_State *L, int index) {
  if (lua_type(L, index) != LUA_TTABLE) return NULL;
  lua_rawgeti(L, index, 1);
  const writer_box *box = luaL_testudata(L, -1, BOX);
  lua_pop(L, 1);
  return box != NULL && box->state == OPEN ? box->writer : NULL;
}

/* The object is on top of the stack. What can raise comes first: until then its box is unopened. */
static void borrow(lua_State *L, helios_writer *writer) {
  lua_rawgeti(L, -1, 1);
  writer_box *box = luaL_checkudata(L, -1, BOX);
  lua_pop(L, 1);
  lua_pushstring(L, helios_writer_run_path(writer));
  lua_setfield(L, -2, "run_path");
  box->writer = writer;
  box->borrowed = true;
  box->state = OPEN;
}

int helios_lua_push_writer(lua_State *L, helios_writer *writer) {
  luaL_checkstack(L, LUA_MINSTACK, "push_writer");
  lua_getglobal(L, "require");
  lua_pushliteral(L, "helios.core.tensorboard_writer");
  lua_call(L, 1, 1);
  lua_call(L, 0, 1);
  borrow(L, writer);
  return 1;
}

/* ---- tables ------------------------------------------------------------------------------------------ */

static const luaL_Reg METHODS[] = {
  {"setup", l_setup}, {"set_step", l_set_step}, {"flush", l_flush},     {"close", l_close},
  {"stats", l_stats}, {"__close", l_closing},   {"add_scalar", l_add_scalar}, {NULL, NULL}};

static const luaL_Reg *const METHOD_LISTS[] = {METHODS,         HL_ADD_METHODS,       HL_HPARAMS_METHODS,
                                               HL_MEDIA_METHODS, HL_MESH_METHODS,      HL_EMBEDDING_METHODS,
                                               HL_GRAPH_METHODS, HL_CUSTOM_SCALARS_METHODS};

static void push_methods(lua_State *L) {
  lua_newtable(L);
  for (size_t i = 0; i < sizeof METHOD_LISTS / sizeof METHOD_LISTS[0]; i++) luaL_setfuncs(L, METHOD_LISTS[i], 0);
}

void hl_open_writer(lua_State *L) {
  luaL_newmetatable(L, BOX);
  lua_pushcfunction(L, l_gc);
  lua_setfield(L, -2, "__gc");
  lua_pop(L, 1);
  lua_newtable(L);
  lua_pushcfunction(L, l_new);
  lua_setfield(L, -2, "new");
  push_methods(L);
  lua_setfield(L, -2, "methods");
}

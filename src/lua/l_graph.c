/* l_graph.c - graphs: a table of nodes to the core's graph, and models in ONNX files. How a model becomes nodes is
 * helios.graph's business. */
#include <string.h>

#include "l_writer.h"

#define GRAPH "helios.graph"

/* ---- a graph that Lua frees ------------------------------------------------------------------------------ */

static int graph_gc(lua_State *L) {
  helios_graph **box = luaL_checkudata(L, 1, GRAPH);
  helios_graph *graph = *box;
  *box = NULL;
  helios_graph_free(graph);
  return 0;
}

static helios_graph *push_graph(lua_State *L, const hl_call *c) {
  helios_graph **box = lua_newuserdatauv(L, sizeof *box, 0);
  *box = NULL; /* born empty: safe to collect if a line below raises */
  if (luaL_newmetatable(L, GRAPH)) {
    lua_pushcfunction(L, graph_gc);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  if (helios_graph_new(NULL, box) != HELIOS_OK) luaL_error(L, "%s: out of memory", c->function);
  return *box;
}

/* ---- nodes ------------------------------------------------------------------------------------------------- */

static const hl_call ADD_NODES = {"add_graph", 2, 1, 1, HL_NO_TABLE, {"model", "walltime", NULL}};
enum { NODES = 2 };

typedef struct reader {
  lua_Integer place; /* of the node in the list */
  int node;          /* its stack index */
} reader;

static int bad_node(lua_State *L, const reader *r, const char *what, const char *expected) {
  return hl_arg_error(L, &ADD_NODES, NODES, "node %I: '%s': expected %s, got %s", r->place, what, expected,
                      hl_describe(L, -1));
}

/* The string on top of the stack; a table holds it. */
static const char *string_at_top(lua_State *L, const reader *r, const char *what) {
  size_t length;
  if (lua_type(L, -1) != LUA_TSTRING) bad_node(L, r, what, "a string");
  const char *s = lua_tolstring(L, -1, &length);
  if (strlen(s) != length) bad_node(L, r, what, "no NUL in it");
  return s;
}

static const char *opt_field(lua_State *L, const reader *r, const char *name) {
  const char *s = lua_getfield(L, r->node, name) == LUA_TNIL ? NULL : string_at_top(L, r, name);
  lua_pop(L, 1);
  return s;
}

/* Pushes the array; the list, a field of the node, holds the strings. */
static void read_inputs(lua_State *L, const reader *r, helios_graph_node *n) {
  if (lua_getfield(L, r->node, "inputs") == LUA_TNIL) return;
  if (!lua_istable(L, -1)) bad_node(L, r, "inputs", "a list of names");
  n->input_count = lua_rawlen(L, -1);
  const char **inputs = hl_push_array(L, &ADD_NODES, n->input_count, sizeof *inputs);
  for (size_t i = 0; i < n->input_count; i++) {
    lua_rawgeti(L, -2, (lua_Integer)i + 1);
    inputs[i] = string_at_top(L, r, "inputs");
    lua_pop(L, 1);
  }
  n->inputs = inputs;
}

/* The list of sizes on top of the stack; pushes the array below it. */
static helios_graph_shape read_shape(lua_State *L, const reader *r) {
  helios_graph_shape shape = {.ndim = lua_rawlen(L, -1)};
  int64_t *dims = hl_push_array(L, &ADD_NODES, shape.ndim, sizeof *dims);
  for (size_t i = 0; i < shape.ndim; i++) {
    int ok = 0;
    if (lua_rawgeti(L, -2, (lua_Integer)i + 1) == LUA_TNUMBER) dims[i] = lua_tointegerx(L, -1, &ok);
    if (!ok) bad_node(L, r, "shape", "integers");
    lua_pop(L, 1);
  }
  shape.dims = dims;
  return shape;
}

/* A list of sizes is the shape of the one output; a list of such lists those of several. */
static void read_shapes(lua_State *L, const reader *r, helios_graph_node *n) {
  if (lua_getfield(L, r->node, "shape") == LUA_TNIL) return;
  if (!lua_istable(L, -1)) bad_node(L, r, "shape", "a list of sizes");
  bool several = lua_rawgeti(L, -1, 1) == LUA_TTABLE;
  lua_pop(L, 1);
  int list = lua_gettop(L);
  n->shape_count = several ? lua_rawlen(L, list) : 1;
  helios_graph_shape *shapes = hl_push_array(L, &ADD_NODES, n->shape_count, sizeof *shapes);
  for (size_t i = 0; i < n->shape_count; i++) {
    luaL_checkstack(L, LUA_MINSTACK, "shapes");
    if (several) lua_rawgeti(L, list, (lua_Integer)i + 1);
    else lua_pushvalue(L, list);
    if (!lua_istable(L, -1)) bad_node(L, r, "shape", "a list of sizes");
    shapes[i] = read_shape(L, r);
  }
  n->shapes = shapes;
}

static helios_value read_value(lua_State *L, const reader *r) {
  switch (lua_type(L, -1)) {
    case LUA_TBOOLEAN: return (helios_value){HELIOS_VALUE_BOOL, lua_toboolean(L, -1), NULL};
    case LUA_TNUMBER: return (helios_value){HELIOS_VALUE_NUMBER, lua_tonumber(L, -1), NULL};
    case LUA_TSTRING: return (helios_value){HELIOS_VALUE_STRING, 0, string_at_top(L, r, "attr")};
    default: bad_node(L, r, "attr", "booleans, numbers or strings"); return (helios_value){0};
  }
}

static void read_attrs(lua_State *L, const reader *r, helios_graph_node *n) {
  if (lua_getfield(L, r->node, "attr") == LUA_TNIL) return;
  int table = lua_gettop(L);
  hl_call inner = {.function = ADD_NODES.function, .first = table, .names = {"attr", NULL}};
  const hl_pair *pairs = hl_check_pairs(L, &inner, table, &n->attr_count);
  helios_graph_attr *attrs = hl_push_array(L, &ADD_NODES, n->attr_count, sizeof *attrs);
  for (size_t i = 0; i < n->attr_count; i++) {
    attrs[i].name = pairs[i].name;
    hl_push_pair_value(L, table, &pairs[i]);
    attrs[i].value = read_value(L, r);
    lua_pop(L, 1);
  }
  n->attrs = attrs;
}

static void check_fields(lua_State *L, const reader *r) {
  static const char *const known[] = {"name", "op", "inputs", "shape", "attr", "device", NULL};
  lua_pushnil(L);
  while (lua_next(L, r->node)) {
    lua_pop(L, 1);
    const char *name = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
    int i = 0;
    while (known[i] != NULL && strcmp(known[i], name) != 0) i++;
    if (known[i] == NULL)
      hl_arg_error(L, &ADD_NODES, NODES, "node %I: unknown field '%s'", r->place, luaL_tolstring(L, -1, NULL));
  }
}

static void add_node(lua_State *L, helios_graph *graph, lua_Integer place) {
  int top = lua_gettop(L);
  reader r = {place, top + 1};
  helios_graph_node n = {.size = sizeof n};
  char why[512];
  if (lua_rawgeti(L, NODES, place) != LUA_TTABLE)
    hl_arg_error(L, &ADD_NODES, NODES, "node %I: expected a table, got %s", place, hl_describe(L, -1));
  check_fields(L, &r);
  n.name = opt_field(L, &r, "name");
  n.op = opt_field(L, &r, "op");
  n.device = opt_field(L, &r, "device");
  read_inputs(L, &r, &n);
  read_shapes(L, &r, &n);
  read_attrs(L, &r, &n);
  helios_status st = helios_graph_add_node(graph, &n);
  if (st == HELIOS_ENOMEM) luaL_error(L, "%s: out of memory", ADD_NODES.function);
  if (st != HELIOS_OK) {
    helios_graph_error(graph, why, sizeof why);
    hl_arg_error(L, &ADD_NODES, NODES, "node %I: %s", place, why);
  }
  lua_settop(L, top);
}

/* add(writer, nodes, options): write a list of nodes as a graph. */
static int l_add(lua_State *L) {
  enum { WALLTIME = NODES + 1 };
  if (!hl_begin_add(L, &ADD_NODES)) return 0;
  helios_add_options options = {.size = sizeof options};
  hl_opt_walltime(L, &ADD_NODES, WALLTIME, &options.walltime, &options.has_walltime);
  if (!lua_istable(L, NODES)) hl_arg_type_error(L, &ADD_NODES, NODES, "a list of nodes");
  helios_graph *graph = push_graph(L, &ADD_NODES);
  lua_Integer count = (lua_Integer)lua_rawlen(L, NODES);
  for (lua_Integer i = 1; i <= count; i++) add_node(L, graph, i);
  helios_writer *w = hl_add_handle(L, &ADD_NODES);
  return hl_end_add(L, &ADD_NODES, helios_writer_add_graph(w, graph, &options));
}

/* is_open(writer, function): whether an add_* has an effect; raises in the function's name when it is closed. */
static int l_is_open(lua_State *L) {
  hl_call c = {.function = luaL_checkstring(L, 2), .first = 2, .required = 1, .positional = 1, .names = {"", NULL}};
  lua_pushboolean(L, hl_begin_add(L, &c));
  return 1;
}

/* ---- ONNX -------------------------------------------------------------------------------------------------- */

static const hl_call ADD_ONNX_GRAPH = {"add_onnx_graph", 2, 1, 1, HL_NO_TABLE, {"path", "walltime", NULL}};

/* Unlike other calls this one reads a file, and tells when it cannot. */
static int l_add_onnx_graph(lua_State *L) {
  enum { PATH = 2, WALLTIME };
  const hl_call *c = &ADD_ONNX_GRAPH;
  if (!hl_begin_add(L, c)) return 0;
  helios_add_options options = {.size = sizeof options};
  const char *path = hl_check_cstring(L, c, PATH);
  hl_opt_walltime(L, c, WALLTIME, &options.walltime, &options.has_walltime);
  helios_writer *w = hl_add_handle(L, c);
  helios_status st = helios_writer_add_onnx_graph(w, path, &options);
  bool of_file = st == HELIOS_EIO || st == HELIOS_EFORMAT || st == HELIOS_ELIMIT;
  if (of_file) return hl_push_status(L, st, hl_push_writer_error(L, w));
  hl_end_add(L, c, st);
  lua_pushboolean(L, 1);
  return 1;
}

const luaL_Reg HL_GRAPH_METHODS[] = {{"add_onnx_graph", l_add_onnx_graph}, {NULL, NULL}};

static const luaL_Reg FUNCTIONS[] = {{"add", l_add}, {"is_open", l_is_open}, {NULL, NULL}};

void hl_open_graph(lua_State *L) { luaL_newlib(L, FUNCTIONS); }

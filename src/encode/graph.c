/* graph.c - a graph of named nodes as the two events that TensorBoard's graph dashboard reads.
 *
 *   GraphDef { node=1 ..., versions=4 {producer=1} }
 *   NodeDef { name=1, op=2, input=3 ..., device=4, attr=5 map<string, AttrValue> }
 *   AttrValue { list=1 {shape=7 ...}, s=2, i=3, f=4, b=5 }
 *   TaggedRunMetadata { tag=1, run_metadata=2 RunMetadata {step_stats=1 {dev_stats=1 {device=1}}} }
 *
 * Nodes are encoded as they are added; what stays is their bytes and their names, which must differ. */
#include "graph.h"

#include <math.h>

#include "../options.h"
#include "../str_map.h"
#include "summary.h"

enum { GRAPH_NODE = 1, GRAPH_VERSIONS = 4, NODE_NAME = 1, NODE_OP = 2, NODE_INPUT = 3, NODE_DEVICE = 4, NODE_ATTR = 5 };
enum { MAP_KEY = 1, MAP_VALUE = 2, ATTR_LIST = 1, ATTR_S = 2, ATTR_I = 3, ATTR_F = 4, ATTR_B = 5, LIST_SHAPE = 7 };
enum { SHAPE_DIM = 2, DIM_SIZE = 1, PRODUCER = 22, SIZE_HINT = 60 };

struct helios_graph {
  const helios_allocator *alloc; /* &own, or NULL for the default */
  helios_allocator own;
  hl_buf nodes;
  hl_str_map names;
  hl_error error;
  size_t node_start, node_mark; /* of the node that is being built */
  hl_str node_name;
};

/* ---- a node piece by piece ----------------------------------------------------------------------------------- */

helios_status hl_graph_begin(helios_graph *g, hl_str name, hl_str op, hl_error *err) {
  uint32_t there;
  if (name.len == 0) return hl_invalid(err, "name", "a node must have a name");
  helios_status st = hl_check_utf8(name, "name", err);
  if (st == HELIOS_OK) st = hl_check_utf8(op, "op", err);
  if (st == HELIOS_OK && hl_str_map_get(&g->names, name, &there))
    st = hl_invalid(err, "name", "there are two nodes named '%.*s'", name.len < 200 ? (int)name.len : 200, name.data);
  if (st != HELIOS_OK) return st;
  g->node_name = name;
  g->node_start = g->nodes.len;
  g->node_mark = hl_wire_begin(&g->nodes, GRAPH_NODE, SIZE_HINT * 3);
  hl_wire_str_field(&g->nodes, NODE_NAME, name);
  hl_wire_opt_str(&g->nodes, NODE_OP, op);
  return HELIOS_OK;
}

void hl_graph_input(helios_graph *g, hl_str name) { hl_wire_str_field(&g->nodes, NODE_INPUT, name); }

static void put_shape(hl_buf *b, const helios_graph_shape *s) {
  size_t shape = hl_wire_begin(b, LIST_SHAPE, SIZE_HINT);
  for (size_t i = 0; i < s->ndim; i++) {
    size_t dim = hl_wire_begin(b, SHAPE_DIM, 2);
    hl_wire_opt_varint(b, DIM_SIZE, (uint64_t)s->dims[i]);
    hl_wire_end(b, dim, 2);
  }
  hl_wire_end(b, shape, SIZE_HINT);
}

/* An entry of the map of attributes: its key; the caller appends one field of AttrValue and ends both marks. */
typedef struct attr_marks {
  size_t entry, value;
} attr_marks;

static attr_marks begin_attr(hl_buf *b, hl_str name) {
  attr_marks m = {.entry = hl_wire_begin(b, NODE_ATTR, SIZE_HINT)};
  hl_wire_str_field(b, MAP_KEY, name);
  m.value = hl_wire_begin(b, MAP_VALUE, SIZE_HINT);
  return m;
}

static void end_attr(hl_buf *b, attr_marks m) {
  hl_wire_end(b, m.value, SIZE_HINT);
  hl_wire_end(b, m.entry, SIZE_HINT);
}

/* The dashboard shows an output's shape on the edges that leave it. */
void hl_graph_shapes(helios_graph *g, const helios_graph_shape *shapes, size_t count) {
  if (count == 0) return;
  attr_marks m = begin_attr(&g->nodes, hl_str_of("_output_shapes"));
  size_t list = hl_wire_begin(&g->nodes, ATTR_LIST, SIZE_HINT);
  for (size_t i = 0; i < count; i++) put_shape(&g->nodes, &shapes[i]);
  hl_wire_end(&g->nodes, list, SIZE_HINT);
  end_attr(&g->nodes, m);
}

void hl_graph_attr_string(helios_graph *g, hl_str name, hl_str value) {
  attr_marks m = begin_attr(&g->nodes, name);
  hl_wire_str_field(&g->nodes, ATTR_S, value);
  end_attr(&g->nodes, m);
}

void hl_graph_attr_number(helios_graph *g, hl_str name, double value) {
  attr_marks m = begin_attr(&g->nodes, name);
  bool is_integer = value == floor(value) && fabs(value) < 0x1p63;
  if (is_integer) hl_wire_varint_field(&g->nodes, ATTR_I, (uint64_t)(int64_t)value);
  else hl_wire_float_field(&g->nodes, ATTR_F, (float)value);
  end_attr(&g->nodes, m);
}

static void put_attr_bool(helios_graph *g, hl_str name, bool value) {
  attr_marks m = begin_attr(&g->nodes, name);
  hl_wire_varint_field(&g->nodes, ATTR_B, value); /* part of a oneof: written even when false */
  end_attr(&g->nodes, m);
}

helios_status hl_graph_end(helios_graph *g, hl_error *err) {
  hl_wire_end(&g->nodes, g->node_mark, SIZE_HINT * 3);
  helios_status st = hl_buf_status(&g->nodes);
  if (st == HELIOS_OK && g->nodes.len > INT32_MAX)
    st = hl_fail(err, HELIOS_ELIMIT, "the graph is larger than the 2 GiB of an event");
  if (st == HELIOS_OK && !hl_str_map_put(&g->names, g->node_name, 1)) st = HELIOS_ENOMEM;
  if (st != HELIOS_OK) { /* the graph is as it was */
    g->nodes.len = g->node_start;
    g->nodes.failed = false;
  }
  return st;
}

/* ---- a whole node -------------------------------------------------------------------------------------------- */

static helios_status check_attrs(const helios_graph_node *n, hl_error *err) {
  helios_status st = HELIOS_OK;
  if (n->attrs == NULL && n->attr_count > 0) return hl_invalid(err, "attr", "node '%.200s': is NULL", n->name);
  for (size_t i = 0; i < n->attr_count && st == HELIOS_OK; i++) {
    const helios_graph_attr *a = &n->attrs[i];
    bool is_string = a->value.type == HELIOS_VALUE_STRING;
    if (a->name == NULL || (is_string && a->value.string == NULL))
      return hl_invalid(err, "attr", "node '%.200s': attribute %zu has no name or value", n->name, i + 1);
    st = hl_check_utf8(hl_str_of(a->name), "attr", err);
    if (st == HELIOS_OK && is_string) st = hl_check_utf8(hl_str_of(a->value.string), "attr", err);
  }
  return st;
}

static helios_status check_node(const helios_graph_node *n, hl_error *err) {
  if (n->name == NULL) return hl_invalid(err, "name", "a node must have a name");
  if (n->inputs == NULL && n->input_count > 0) return hl_invalid(err, "inputs", "node '%.200s': is NULL", n->name);
  if (n->shapes == NULL && n->shape_count > 0) return hl_invalid(err, "shape", "node '%.200s': is NULL", n->name);
  for (size_t i = 0; i < n->shape_count; i++)
    if (n->shapes[i].dims == NULL && n->shapes[i].ndim > 0)
      return hl_invalid(err, "shape", "node '%.200s': shape %zu has no sizes", n->name, i + 1);
  helios_status st = n->device == NULL ? HELIOS_OK : hl_check_utf8(hl_str_of(n->device), "device", err);
  for (size_t i = 0; i < n->input_count && st == HELIOS_OK; i++) {
    if (n->inputs[i] == NULL)
      return hl_invalid(err, "inputs", "node '%.200s': input %zu has no name", n->name, i + 1);
    st = hl_check_utf8(hl_str_of(n->inputs[i]), "inputs", err);
  }
  return st == HELIOS_OK ? check_attrs(n, err) : st;
}

static void put_attr(helios_graph *g, const helios_graph_attr *a) {
  hl_str name = hl_str_of(a->name);
  if (a->value.type == HELIOS_VALUE_STRING) hl_graph_attr_string(g, name, hl_str_of(a->value.string));
  else if (a->value.type == HELIOS_VALUE_BOOL) put_attr_bool(g, name, a->value.number != 0);
  else hl_graph_attr_number(g, name, a->value.number);
}

static helios_status add_node(helios_graph *g, const helios_graph_node *n, hl_error *err) {
  hl_str op = hl_str_of(n->op != NULL ? n->op : "UnSpecified");
  helios_status st = check_node(n, err);
  if (st == HELIOS_OK) st = hl_graph_begin(g, hl_str_of(n->name), op, err);
  if (st != HELIOS_OK) return st;
  for (size_t i = 0; i < n->input_count; i++) hl_graph_input(g, hl_str_of(n->inputs[i]));
  if (n->device != NULL) hl_wire_opt_str(&g->nodes, NODE_DEVICE, hl_str_of(n->device));
  hl_graph_shapes(g, n->shapes, n->shape_count);
  for (size_t i = 0; i < n->attr_count; i++) put_attr(g, &n->attrs[i]);
  return hl_graph_end(g, err);
}

helios_status helios_graph_add_node(helios_graph *graph, const helios_graph_node *node) {
  helios_graph_node n;
  hl_error err = {.status = HELIOS_OK};
  if (graph == NULL || node == NULL) return HELIOS_EINVAL;
  helios_status st = hl_take_options(&n, sizeof n, node, &err);
  if (st == HELIOS_OK) st = add_node(graph, &n, &err);
  if (st != HELIOS_OK) graph->error = err;
  return st;
}

/* ---- the graph ----------------------------------------------------------------------------------------------- */

helios_status helios_graph_new(const helios_allocator *allocator, helios_graph **graph) {
  if (graph == NULL) return HELIOS_EINVAL;
  helios_graph *g = hl_alloc_zeroed(allocator, 1, sizeof *g);
  *graph = g;
  if (g == NULL) return HELIOS_ENOMEM;
  if (allocator != NULL) {
    g->own = *allocator;
    g->alloc = &g->own;
  }
  hl_buf_init(&g->nodes, g->alloc);
  hl_str_map_init(&g->names, g->alloc);
  return HELIOS_OK;
}

void helios_graph_free(helios_graph *graph) {
  if (graph == NULL) return;
  hl_buf_free(&graph->nodes);
  hl_str_map_free(&graph->names);
  helios_allocator own = graph->own;
  hl_free(graph->alloc == NULL ? NULL : &own, graph, sizeof *graph);
}

size_t helios_graph_error(const helios_graph *graph, char *text, size_t size) {
  return hl_error_text(graph != NULL ? &graph->error : &(hl_error){.reason = "no graph"}, text, size);
}

/* ---- events -------------------------------------------------------------------------------------------------- */

helios_status hl_encode_graph_def(hl_buf *out, const helios_graph *graph) {
  hl_buf_append(out, graph->nodes.data, graph->nodes.len);
  size_t versions = hl_wire_begin(out, GRAPH_VERSIONS, 2);
  hl_wire_varint_field(out, 1, PRODUCER);
  hl_wire_end(out, versions, 2);
  return hl_buf_status(out);
}

helios_status hl_encode_graph_run_metadata(hl_buf *out) {
  hl_wire_str_field(out, 1, hl_str_of("step1"));
  size_t metadata = hl_wire_begin(out, 2, 0);
  size_t step_stats = hl_wire_begin(out, 1, 0);
  size_t dev_stats = hl_wire_begin(out, 1, 0);
  hl_wire_str_field(out, 1, hl_str_of("/device:CPU:0"));
  hl_wire_end(out, dev_stats, 0);
  hl_wire_end(out, step_stats, 0);
  hl_wire_end(out, metadata, 0);
  return hl_buf_status(out);
}

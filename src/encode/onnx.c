/* onnx.c - the graph of an ONNX model: its inputs, operators and outputs as nodes. Weights are passed over.
 *
 *   ModelProto { graph=7 }   GraphProto { node=1, input=11, output=12, value_info=13 }
 *   NodeProto { input=1, output=2, name=3, op_type=4, attribute=5 }
 *   AttributeProto { name=1, f=2, i=3, s=4, floats=7, ints=8 }
 *   ValueInfoProto { name=1, type=2 {tensor_type=1 {elem_type=1, shape=2 {dim=1 {dim_value=1}}}} }
 *                                                                                  (onnx/onnx.proto)
 * A node is called as its first output, like torch does. Everything is a slice of the file's bytes, read by a cursor
 * that cannot leave them; there is no recursion, and what is kept is at most in proportion to the file. */
#include "../str_map.h"
#include "graph.h"
#include "summary.h"

enum { MODEL_GRAPH = 7, GRAPH_NODE = 1, GRAPH_INPUT = 11, GRAPH_OUTPUT = 12, GRAPH_VALUE_INFO = 13 };
enum { NODE_INPUT = 1, NODE_OUTPUT = 2, NODE_NAME = 3, NODE_OP_TYPE = 4, NODE_ATTRIBUTE = 5 };
enum { ATTR_NAME = 1, ATTR_F = 2, ATTR_I = 3, ATTR_S = 4, ATTR_FLOATS = 7, ATTR_INTS = 8 };
enum { INFO_NAME = 1, INFO_TYPE = 2, TYPE_TENSOR = 1, TENSOR_ELEM = 1, TENSOR_SHAPE = 2, SHAPE_DIM = 1, DIM_VALUE = 1 };
enum { MOST_DIMS = 64, MOST_LIST_ITEMS = 64, MOST_TEXT = 1024 };

typedef struct loader {
  helios_graph *graph;
  hl_str_map outputs; /* name of an output but a node's first -> index in `sources` */
  hl_str_map infos;   /* name of a value -> index in `info_list` */
  hl_buf sources;     /* of hl_str: "first output:k" */
  hl_buf info_list;   /* of hl_str: ValueInfoProto */
  hl_buf name, text;  /* scratch */
  hl_error *err;
} loader;

static hl_str slice_of(const hl_buf *b) { return (hl_str){(const char *)b->data, b->len}; }

/* The first field of this number in a message; false when there is none. */
static bool find_bytes(hl_str message, uint32_t field, hl_str *found) {
  hl_wire_reader r;
  hl_wire_item item;
  hl_wire_read(&r, message.data, message.len);
  while (hl_wire_next(&r, &item)) {
    if (item.field != field || item.type != HL_WIRE_BYTES) continue;
    *found = item.bytes;
    return true;
  }
  return false;
}

/* ---- names --------------------------------------------------------------------------------------------------- */

/* A name as the dashboard can take it: no slash in front (an empty scope), no ':' (an output's number), no '^'. */
static hl_str clean_name(hl_buf *out, hl_str name) {
  hl_buf_reset(out);
  size_t i = 0;
  while (i < name.len && name.data[i] == '/') i++;
  for (; i < name.len; i++) {
    char c = name.data[i];
    hl_buf_append_byte(out, c == ':' || c == '^' || c == '\0' ? '_' : (unsigned char)c);
  }
  if (out->len == 0) hl_buf_append_byte(out, '_');
  return slice_of(out);
}

static void put_input(loader *l, hl_str name) {
  uint32_t index;
  if (name.len == 0 || !hl_utf8_valid(name.data, name.len)) return; /* empty: an optional input that is not used */
  if (hl_str_map_get(&l->outputs, name, &index)) {
    hl_str source;
    memcpy(&source, l->sources.data + index * sizeof source, sizeof source);
    hl_graph_input(l->graph, source);
  } else {
    hl_graph_input(l->graph, clean_name(&l->text, name));
  }
}

/* ---- values: dtype and shape ----------------------------------------------------------------------------------- */

static size_t read_dims(hl_str shape, int64_t dims[MOST_DIMS]) {
  hl_wire_reader r, in_dim;
  hl_wire_item item, value;
  size_t n = 0;
  hl_wire_read(&r, shape.data, shape.len);
  while (n < MOST_DIMS && hl_wire_next(&r, &item)) {
    if (item.field != SHAPE_DIM || item.type != HL_WIRE_BYTES) continue;
    dims[n] = -1; /* a size that only has a name */
    hl_wire_read(&in_dim, item.bytes.data, item.bytes.len);
    while (hl_wire_next(&in_dim, &value))
      if (value.field == DIM_VALUE && value.type == HL_WIRE_VARINT) dims[n] = (int64_t)value.value;
    n++;
  }
  return n;
}

static bool find_tensor_type(hl_str info, hl_str *tensor) {
  hl_str type;
  return find_bytes(info, INFO_TYPE, &type) && find_bytes(type, TYPE_TENSOR, tensor);
}

static void put_value_shape(loader *l, hl_str info) {
  hl_str tensor, shape;
  int64_t dims[MOST_DIMS];
  if (!find_tensor_type(info, &tensor) || !find_bytes(tensor, TENSOR_SHAPE, &shape)) return;
  helios_graph_shape s = {dims, read_dims(shape, dims)};
  hl_graph_shapes(l->graph, &s, 1);
}

static void put_value_dtype(loader *l, hl_str info) {
  static const char *const names[] = {"undefined", "float32", "uint8", "int8",    "uint16", "int16",
                                      "int32",     "int64",   "string", "bool",   "float16", "float64",
                                      "uint32",    "uint64",  "complex64", "complex128", "bfloat16"};
  hl_str tensor;
  hl_wire_reader r;
  hl_wire_item item;
  if (!find_tensor_type(info, &tensor)) return;
  hl_wire_read(&r, tensor.data, tensor.len);
  while (hl_wire_next(&r, &item))
    if (item.field == TENSOR_ELEM && item.type == HL_WIRE_VARINT && item.value < sizeof names / sizeof names[0])
      hl_graph_attr_string(l->graph, hl_str_of("dtype"), hl_str_of(names[item.value]));
}

/* ---- attributes ------------------------------------------------------------------------------------------------ */

/* One attribute: a number, a text, or a list of numbers as text. */
typedef struct attribute {
  hl_str name, string;
  double number;
  bool has_string, has_number;
  size_t items;
  hl_buf *list;
} attribute;

static void put_item(attribute *a, double v) {
  a->items++;
  if (a->items > MOST_LIST_ITEMS) return;
  hl_buf_append_str(a->list, a->items == 1 ? "[" : ", ");
  hl_buf_printf(a->list, "%.9g", v);
}

/* A field of a list of numbers: one of them, or several packed into bytes. */
static void put_items(attribute *a, const hl_wire_item *item) {
  if (item->type == HL_WIRE_VARINT) put_item(a, (double)(int64_t)item->value);
  if (item->type == HL_WIRE_FIXED32) put_item(a, hl_float_from_bits((uint32_t)item->value));
  if (item->type != HL_WIRE_BYTES) return;
  const unsigned char *p = (const unsigned char *)item->bytes.data, *end = p + item->bytes.len;
  for (; item->field == ATTR_FLOATS && end - p >= 4; p += 4) put_item(a, hl_float_from_bits(hl_get_le32(p)));
  uint64_t v;
  while (item->field == ATTR_INTS && p != NULL && p < end)
    if ((p = hl_get_varint(p, end, &v)) != NULL) put_item(a, (double)(int64_t)v);
}

static void take_field(attribute *a, const hl_wire_item *item) {
  bool is_bytes = item->type == HL_WIRE_BYTES;
  if (item->field == ATTR_NAME && is_bytes) a->name = item->bytes;
  if (item->field == ATTR_S && is_bytes) {
    a->string = item->bytes;
    a->has_string = true;
  }
  if (item->field == ATTR_F && item->type == HL_WIRE_FIXED32) {
    a->number = hl_float_from_bits((uint32_t)item->value);
    a->has_number = true;
  }
  if (item->field == ATTR_I && item->type == HL_WIRE_VARINT) {
    a->number = (double)(int64_t)item->value;
    a->has_number = true;
  }
  if (item->field == ATTR_FLOATS || item->field == ATTR_INTS) put_items(a, item);
}

static void put_list(loader *l, attribute *a) {
  if (a->items > MOST_LIST_ITEMS) hl_buf_printf(a->list, ", ... %zu in all", a->items);
  hl_buf_append_byte(a->list, ']');
  hl_graph_attr_string(l->graph, a->name, slice_of(a->list));
}

static void put_attribute(loader *l, hl_str message) {
  attribute a = {.list = &l->text};
  hl_wire_reader r;
  hl_wire_item item;
  hl_buf_reset(&l->text);
  hl_wire_read(&r, message.data, message.len);
  while (hl_wire_next(&r, &item)) take_field(&a, &item);
  if (a.name.len == 0 || !hl_utf8_valid(a.name.data, a.name.len)) return;
  bool is_text = a.has_string && hl_utf8_valid(a.string.data, a.string.len) && a.string.len <= MOST_TEXT;
  if (a.items > 0) put_list(l, &a);
  else if (is_text) hl_graph_attr_string(l->graph, a.name, a.string);
  else if (a.has_number) hl_graph_attr_number(l->graph, a.name, a.number);
  else hl_graph_attr_string(l->graph, a.name, hl_str_of("(not shown)")); /* a tensor, a sub-graph, bytes */
}

/* ---- nodes ----------------------------------------------------------------------------------------------------- */

/* Call fn for each field of this number in a message. */
typedef helios_status (*field_fn)(loader *l, hl_str bytes);

static helios_status for_each(loader *l, hl_str message, uint32_t field, field_fn fn) {
  hl_wire_reader r;
  hl_wire_item item;
  helios_status st = HELIOS_OK;
  hl_wire_read(&r, message.data, message.len);
  while (st == HELIOS_OK && hl_wire_next(&r, &item))
    if (item.field == field && item.type == HL_WIRE_BYTES) st = fn(l, item.bytes);
  return st == HELIOS_OK && r.bad ? hl_fail(l->err, HELIOS_EFORMAT, "damaged: malformed protobuf") : st;
}

/* Remember a slice by name; the first of a name wins. */
static helios_status remember(hl_str_map *map, hl_buf *list, hl_str name, hl_str value) {
  uint32_t there, index = (uint32_t)(list->len / sizeof value);
  if (hl_str_map_get(map, name, &there)) return HELIOS_OK;
  hl_buf_append(list, &value, sizeof value);
  return !list->failed && hl_str_map_put(map, name, index) ? HELIOS_OK : HELIOS_ENOMEM;
}

static helios_status remember_info(loader *l, hl_str info) {
  hl_str name;
  return find_bytes(info, INFO_NAME, &name) ? remember(&l->infos, &l->info_list, name, info) : HELIOS_OK;
}

/* Outputs but the first are called "first:k" where they are used; the text lives as long as the loader. */
static helios_status remember_output(loader *l, hl_str first, hl_str output, unsigned number) {
  hl_buf text;
  hl_buf_init(&text, l->name.alloc);
  hl_str clean = clean_name(&l->name, first);
  hl_buf_append(&text, clean.data, clean.len);
  hl_buf_printf(&text, ":%u", number);
  if (text.failed || l->name.failed) {
    hl_buf_free(&text);
    return HELIOS_ENOMEM;
  }
  char *kept = hl_alloc(l->name.alloc, text.len);
  hl_str source = {kept, text.len};
  if (kept != NULL) memcpy(kept, text.data, text.len);
  hl_buf_free(&text);
  if (kept == NULL) return HELIOS_ENOMEM;
  size_t before = l->sources.len;
  helios_status st = remember(&l->outputs, &l->sources, output, source);
  if (l->sources.len == before) hl_free(l->name.alloc, kept, source.len); /* there was one already */
  return st;
}

static helios_status remember_outputs(loader *l, hl_str node) {
  hl_wire_reader r;
  hl_wire_item item;
  hl_str first = {"", 0};
  unsigned number = 0;
  helios_status st = HELIOS_OK;
  hl_wire_read(&r, node.data, node.len);
  while (st == HELIOS_OK && hl_wire_next(&r, &item)) {
    if (item.field != NODE_OUTPUT || item.type != HL_WIRE_BYTES) continue;
    if (number == 0) first = item.bytes;
    else if (item.bytes.len > 0) st = remember_output(l, first, item.bytes, number);
    number++;
  }
  return st;
}

static helios_status refuse(loader *l, helios_status st) {
  if (st != HELIOS_EINVAL) return st;
  hl_error why = *l->err; /* the file is wrong, not the call */
  *l->err = (hl_error){.status = HELIOS_OK};
  return hl_fail(l->err, HELIOS_EFORMAT, "no usable graph: %s", why.reason);
}

static helios_status add_node(loader *l, hl_str node) {
  hl_str name = {"", 0}, op = hl_str_of("UnSpecified"), info;
  if (!find_bytes(node, NODE_OUTPUT, &name) || name.len == 0) find_bytes(node, NODE_NAME, &name);
  find_bytes(node, NODE_OP_TYPE, &op);
  helios_status st = hl_graph_begin(l->graph, clean_name(&l->name, name), op, l->err);
  if (st != HELIOS_OK) return refuse(l, st);
  hl_wire_reader r;
  hl_wire_item item;
  hl_wire_read(&r, node.data, node.len);
  while (hl_wire_next(&r, &item))
    if (item.field == NODE_INPUT && item.type == HL_WIRE_BYTES) put_input(l, item.bytes);
  uint32_t index;
  if (hl_str_map_get(&l->infos, name, &index)) {
    memcpy(&info, l->info_list.data + index * sizeof info, sizeof info);
    put_value_shape(l, info);
  }
  hl_wire_read(&r, node.data, node.len);
  while (hl_wire_next(&r, &item))
    if (item.field == NODE_ATTRIBUTE && item.type == HL_WIRE_BYTES) put_attribute(l, item.bytes);
  return refuse(l, hl_graph_end(l->graph, l->err));
}

static helios_status add_value(loader *l, hl_str info, const char *op, hl_str name, hl_str input) {
  helios_status st = hl_graph_begin(l->graph, name, hl_str_of(op), l->err);
  if (st != HELIOS_OK) return refuse(l, st);
  if (input.len > 0) put_input(l, input);
  put_value_shape(l, info);
  put_value_dtype(l, info);
  return refuse(l, hl_graph_end(l->graph, l->err));
}

static helios_status add_input(loader *l, hl_str info) {
  hl_str name = {"", 0};
  find_bytes(info, INFO_NAME, &name);
  return add_value(l, info, "Variable", clean_name(&l->name, name), (hl_str){"", 0});
}

/* An output is a node of its own, which takes the value of that name. */
static helios_status add_output(loader *l, hl_str info) {
  hl_str name = {"", 0};
  find_bytes(info, INFO_NAME, &name);
  hl_str clean = clean_name(&l->text, name);
  hl_buf_reset(&l->name);
  hl_buf_append_str(&l->name, "output/");
  hl_buf_append(&l->name, clean.data, clean.len);
  return add_value(l, info, "Output", slice_of(&l->name), name);
}

/* ---- the model ------------------------------------------------------------------------------------------------- */

static helios_status add_graph(loader *l, hl_str graph) {
  helios_status st = for_each(l, graph, GRAPH_VALUE_INFO, remember_info);
  if (st == HELIOS_OK) st = for_each(l, graph, GRAPH_OUTPUT, remember_info);
  if (st == HELIOS_OK) st = for_each(l, graph, GRAPH_NODE, remember_outputs);
  if (st == HELIOS_OK) st = for_each(l, graph, GRAPH_INPUT, add_input);
  if (st == HELIOS_OK) st = for_each(l, graph, GRAPH_NODE, add_node);
  return st == HELIOS_OK ? for_each(l, graph, GRAPH_OUTPUT, add_output) : st;
}

static void free_loader(loader *l) {
  for (size_t at = 0; at < l->sources.len; at += sizeof(hl_str)) {
    hl_str source;
    memcpy(&source, l->sources.data + at, sizeof source);
    hl_free(l->sources.alloc, (void *)(uintptr_t)source.data, source.len);
  }
  hl_buf *const bufs[] = {&l->sources, &l->info_list, &l->name, &l->text};
  for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++) hl_buf_free(bufs[i]);
  hl_str_map_free(&l->outputs);
  hl_str_map_free(&l->infos);
}

helios_status hl_graph_add_onnx(helios_graph *graph, const void *data, size_t n, const helios_allocator *alloc,
                                hl_error *err) {
  hl_str bytes;
  if (!find_bytes((hl_str){data, n}, MODEL_GRAPH, &bytes))
    return hl_fail(err, HELIOS_EFORMAT, "no ONNX model: it holds no graph");
  loader l = {.graph = graph, .err = err};
  hl_buf *const bufs[] = {&l.sources, &l.info_list, &l.name, &l.text};
  for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++) hl_buf_init(bufs[i], alloc);
  hl_str_map_init(&l.outputs, alloc);
  hl_str_map_init(&l.infos, alloc);
  helios_status st = add_graph(&l, bytes);
  if (st == HELIOS_OK && (l.name.failed || l.text.failed)) st = HELIOS_ENOMEM;
  free_loader(&l);
  return st;
}

/* graph.h - a graph's bytes, and how an ONNX model becomes one. */
#ifndef HL_GRAPH_H
#define HL_GRAPH_H

#include "encode.h"

/* The content of Event.graph_def (a GraphDef) and of Event.tagged_run_metadata, without which the dashboard's
 * run menu stays empty. */
helios_status hl_encode_graph_def(hl_buf *out, const helios_graph *graph);
helios_status hl_encode_graph_run_metadata(hl_buf *out);

/* A node piece by piece, in this order: begin, inputs, shapes, attributes, end. Between begin and end nothing fails but
 * memory, which end tells; a node that was not ended, or whose end failed, is not in the graph. */
helios_status hl_graph_begin(helios_graph *g, hl_str name, hl_str op, hl_error *err);
void hl_graph_input(helios_graph *g, hl_str name);
void hl_graph_shapes(helios_graph *g, const helios_graph_shape *shapes, size_t count);
void hl_graph_attr_string(helios_graph *g, hl_str name, hl_str value);
void hl_graph_attr_number(helios_graph *g, hl_str name, double value);
helios_status hl_graph_end(helios_graph *g, hl_error *err);

/* Add the nodes of the ONNX model whose file's bytes these are. The bytes may be hostile. */
helios_status hl_graph_add_onnx(helios_graph *graph, const void *data, size_t n, const helios_allocator *alloc,
                                hl_error *err);

#endif

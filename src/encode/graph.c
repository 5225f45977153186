/* graph.c - a graph of named nodes as the two events that TensorBoard's graph dashboard reads.
 *
 *   GraphDef { node=1 ..., versions=4 {producer=1} }
 *   NodeDef { name=1, op=2, input=3 ..., device=4, attr=5 map<string, AttrValue> }
 *   AttrValue { list=1 {shape=7 ...}, s=2, i=3, f=4, b=5, shape=7 }
 *   TaggedRunMetadata { tag=1, run_metadata=2 RunMetadata {step_stats=1 {dev_stats=1 {device=1}}} }
 *
 * Nodes are encoded as they are added; what stays is bytes and a table of names, as a name may stand once only. */
#include "graph.h"

#include <math.h>
#include <stdio.h>

#include "summary.h"

enum { GRAPH_NODE = 1, GRAPH_VERSIONS = 4, NODE_NAME = 1, NODE_OP = 2, NODE_INPUT = 3, NODE_DEVICE = 4, NODE_ATTR = 5 };
enum { MAP_KEY = 1, MAP_VALUE = 2, ATTR_LIST = 1, ATTR_S = 2, ATTR_I = 3, ATTR_F = 4, ATTR_B = 5, LIST_SHAPE = 7 };
enum { SHAPE_DIM = 2, SHAPE_UNKNOWN_RANK = 3, DIM_SIZE = 1, PRODUCER = 22, SIZE_HINT = 100, FIRST_SLOTS = 64 };

struct helios_graph {
  hl_buf nodes;
  const helios_allocator *alloc;
  hl_str *names;   /* hash table of slices of `texts`, by offset: see name_slot */
  size_t *offsets; /* of the slot's name in `texts`, + 1; 0: free */
  size_t slots, count;
  hl_buf texts;    /* all names, each ended by NUL */
  hl_error error;
};

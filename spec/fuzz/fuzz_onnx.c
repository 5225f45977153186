/* fuzz_onnx.c - arbitrary bytes as an ONNX model: refused, or a graph in proportion to the bytes. */
#include <stdlib.h>

#include "encode/graph.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  hl_error err = {.status = HELIOS_OK};
  helios_graph *graph;
  hl_buf def;
  hl_buf_init(&def, NULL);
  if (helios_graph_new(NULL, &graph) != HELIOS_OK) abort();
  helios_status st = hl_graph_add_onnx(graph, data, size, NULL, &err);
  if (st != HELIOS_OK && st != HELIOS_EFORMAT) abort();
  if (st == HELIOS_EFORMAT && err.reason[0] == '\0') abort();
  if (hl_encode_graph_def(&def, graph) != HELIOS_OK) abort();
  hl_buf_free(&def);
  helios_graph_free(graph);
  return 0;
}

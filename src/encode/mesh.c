/* mesh.c - points, faces and colours in space: up to three float tensors of one Summary, plugin `mesh`.
 *   MeshPluginData { version=1 (0), name=2, content_type=3, json_config=5, shape=6 packed, components=7 } */
#include "../array.h"
#include "tensor_proto.h"

enum { MESH_NAME = 2, MESH_TYPE = 3, MESH_CONFIG = 5, MESH_SHAPE = 6, MESH_COMPONENTS = 7, MESH_RANK = 3 };
enum { VERTEX = 1, FACE = 2, COLOR = 3, PARTS = 3, SIZE_HINT = 128 };

typedef struct part {
  const DLTensor *tensor;
  const char *argument;
  const char *suffix; /* of the tag */
  uint64_t type;
  hl_array array;
} part;

static helios_status check_part(part *p, hl_error *err) {
  helios_status st = hl_array_from_dl(&p->array, p->tensor, p->argument, err);
  if (st != HELIOS_OK) return st;
  if (p->array.ndim != MESH_RANK)
    return hl_invalid(err, p->argument, "expected 3 dimensions (batch, number, 3), got %d", p->array.ndim);
  if (p->array.numel > INT32_MAX / sizeof(float)) return hl_invalid(err, p->argument, "larger than 2 GiB");
  for (int i = 0; i < MESH_RANK; i++)
    if (p->array.shape[i] > INT32_MAX) return hl_invalid(err, p->argument, "a size is above 2^31 - 1");
  return HELIOS_OK;
}

static void put_content(hl_buf *b, const part *p, hl_str tag, hl_str config, uint64_t components) {
  hl_wire_opt_str(b, MESH_NAME, tag);
  hl_wire_varint_field(b, MESH_TYPE, p->type);
  hl_wire_opt_str(b, MESH_CONFIG, config);
  size_t shape = hl_wire_begin(b, MESH_SHAPE, MESH_RANK);
  for (int i = 0; i < MESH_RANK; i++) hl_wire_varint(b, (uint64_t)p->array.shape[i]);
  hl_wire_end(b, shape, MESH_RANK);
  hl_wire_varint_field(b, MESH_COMPONENTS, components);
}

/* `name` and `content` are scratch. */
static helios_status put_part(hl_buf *out, const part *p, hl_str tag, hl_str config, uint64_t components,
                              hl_buf *name, hl_buf *content) {
  hl_buf_reset(name);
  hl_buf_reset(content);
  hl_buf_append(name, tag.data, tag.len);
  hl_buf_append_str(name, p->suffix);
  put_content(content, p, tag, config, components);
  if (name->failed || content->failed) return HELIOS_ENOMEM;
  hl_str part_tag = {(const char *)name->data, name->len};
  size_t hint = p->array.numel * sizeof(float) + content->len + SIZE_HINT;
  size_t mark = hl_value_begin(out, part_tag, hint);
  hl_put_float_array(out, &p->array);
  hl_put_metadata(out, hl_str_of("mesh"), (hl_str){(const char *)content->data, content->len});
  hl_value_end(out, mark, part_tag, hint);
  return hl_buf_status(out);
}

helios_status hl_encode_mesh(hl_buf *out, hl_str tag, const DLTensor *vertices, const DLTensor *colors,
                             const DLTensor *faces, hl_str json_config, hl_error *err) {
  part parts[PARTS] = {{vertices, "vertices", "_VERTEX", VERTEX, {0}},
                       {faces, "faces", "_FACE", FACE, {0}},
                       {colors, "colors", "_COLOR", COLOR, {0}}};
  uint64_t components = 0;
  helios_status st = hl_check_utf8(json_config, "config_dict", err);
  for (int i = 0; i < PARTS && st == HELIOS_OK; i++) {
    if (parts[i].tensor == NULL && parts[i].type != VERTEX) continue;
    st = check_part(&parts[i], err);
    components |= (uint64_t)1 << parts[i].type;
  }
  hl_buf name, content;
  hl_buf_init(&name, out->alloc);
  hl_buf_init(&content, out->alloc);
  for (int i = 0; i < PARTS && st == HELIOS_OK; i++)
    if (parts[i].tensor != NULL) st = put_part(out, &parts[i], tag, json_config, components, &name, &content);
  hl_buf_free(&name);
  hl_buf_free(&content);
  return st;
}

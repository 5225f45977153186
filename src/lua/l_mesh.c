/* l_mesh.c - add_mesh, whose settings are a table that becomes JSON. */
#include "l_json.h"
#include "l_tensor.h"
#include "l_writer.h"

/* Colours are a table themselves: a third table is the options when all its keys are names of options. */
static const hl_call ADD_MESH = {
  "add_mesh", 2, 2, 7, HL_LIST,
  {"tag", "vertices", "colors", "faces", "config_dict", "global_step", "walltime", NULL}};

static const DLTensor *opt_tensor(lua_State *L, int slot) {
  return lua_isnil(L, slot) ? NULL : hl_check_tensor(L, &ADD_MESH, slot, HELIOS_FLOAT32);
}

/* The text lies in a buffer that is pushed. */
static const char *opt_config(lua_State *L, int slot) {
  if (lua_isnil(L, slot)) return NULL;
  if (!lua_istable(L, slot)) hl_arg_type_error(L, &ADD_MESH, slot, "a table");
  hl_buf *text = hl_push_buffer(L);
  hl_put_json(L, &ADD_MESH, slot, text);
  hl_buf_append_byte(text, '\0');
  if (text->failed) luaL_error(L, "%s: out of memory", ADD_MESH.function);
  return (const char *)text->data;
}

static int l_add_mesh(lua_State *L) {
  enum { TAG = 2, VERTICES, COLORS, FACES, CONFIG, STEP, WALLTIME };
  const hl_call *c = &ADD_MESH;
  if (!hl_begin_add(L, c)) return 0;
  helios_mesh_options options = {.size = sizeof options};
  const char *tag = hl_check_cstring(L, c, TAG);
  int64_t step = hl_opt_step(L, c, STEP);
  hl_opt_walltime(L, c, WALLTIME, &options.walltime, &options.has_walltime);
  options.json_config = opt_config(L, CONFIG);
  const DLTensor *vertices = hl_check_tensor(L, c, VERTICES, HELIOS_FLOAT32);
  options.colors = opt_tensor(L, COLORS);
  options.faces = opt_tensor(L, FACES);
  helios_writer *w = hl_add_handle(L, c);
  return hl_end_add(L, c, helios_writer_add_mesh(w, tag, vertices, step, &options));
}

const luaL_Reg HL_MESH_METHODS[] = {{"add_mesh", l_add_mesh}, {NULL, NULL}};

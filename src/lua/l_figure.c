/* l_figure.c - add_figure's second half: what the figures rendered, given to the core. The first half, which calls
 * :render(), is helios.core.writer_figure. */
#include "l_tensor.h"
#include "l_writer.h"

enum { TAG = 2, FIGURE, STEP, WALLTIME };

static const hl_call ADD_FIGURE = {
  "add_figure", 2, 2, 3, false, {"tag", "figure", "global_step", "walltime", NULL}};

/* Picture i of the list, which keeps it alive: PNG bytes or a tensor. */
static helios_picture check_picture(lua_State *L, lua_Integer i) {
  helios_picture picture = {.pixels = NULL};
  lua_rawgeti(L, FIGURE, i);
  const hl_tensor *t = hl_test_tensor(L, -1);
  if (lua_type(L, -1) == LUA_TSTRING) picture.png = lua_tolstring(L, -1, &picture.png_size);
  else if (t != NULL) picture.pixels = &t->dl;
  else
    hl_arg_error(L, &ADD_FIGURE, FIGURE, "picture %I: expected a uint8 tensor of height x width x channels or PNG bytes",
                 i);
  lua_pop(L, 1);
  return picture;
}

/* add(writer, tag, pictures, {global_step, walltime}) */
static int l_add(lua_State *L) {
  if (!hl_begin_add(L, &ADD_FIGURE)) return 0;
  helios_add_options options = {.size = sizeof options};
  const char *tag = hl_check_cstring(L, &ADD_FIGURE, TAG);
  int64_t step = hl_opt_step(L, &ADD_FIGURE, STEP);
  hl_opt_walltime(L, &ADD_FIGURE, WALLTIME, &options.walltime, &options.has_walltime);
  if (lua_type(L, FIGURE) != LUA_TTABLE) return hl_arg_type_error(L, &ADD_FIGURE, FIGURE, "a list of pictures");
  size_t count = (size_t)lua_rawlen(L, FIGURE);
  helios_picture *pictures = hl_push_array(L, &ADD_FIGURE, count, sizeof *pictures);
  for (size_t i = 0; i < count; i++) pictures[i] = check_picture(L, (lua_Integer)i + 1);
  helios_writer *w = hl_add_handle(L, &ADD_FIGURE);
  return hl_end_add(L, &ADD_FIGURE, helios_writer_add_figure(w, tag, pictures, count, step, &options));
}

static const luaL_Reg FUNCTIONS[] = {{"add", l_add}, {NULL, NULL}};

void hl_open_figure(lua_State *L) { luaL_newlib(L, FUNCTIONS); }

/* l_embedding.c - add_embedding: a matrix, its labels and pictures from Lua to one call of the core. */
#include <string.h>

#include "../encode/number.h"
#include "l_tensor.h"
#include "l_writer.h"

/* Labels are a table themselves: a second table is the options when all its keys are names of options. */
static const hl_call ADD_EMBEDDING = {
  "add_embedding", 2, 1, 6, HL_LIST,
  {"mat", "metadata", "label_img", "global_step", "tag", "metadata_header", "walltime", NULL}};
enum { MAT = 2, METADATA, LABEL_IMG, STEP, TAG, HEADER, WALLTIME };

/* The label on top of the stack as text, the way Python's str gives it; what is no string is replaced by its text in
 * `kept`, a table that holds such texts. */
static const char *check_label(lua_State *L, int slot, int kept, lua_Integer row) {
  size_t length;
  if (lua_type(L, -1) == LUA_TNUMBER && !lua_isinteger(L, -1)) {
    hl_buf *text = hl_push_buffer(L);
    hl_put_python_float(text, lua_tonumber(L, -2));
    if (text->failed) luaL_error(L, "%s: out of memory", ADD_EMBEDDING.function);
    lua_pushlstring(L, (const char *)text->data, text->len);
    lua_replace(L, -3);
    lua_pop(L, 1);
  } else if (lua_isinteger(L, -1)) {
    lua_pushfstring(L, "%I", lua_tointeger(L, -1));
    lua_replace(L, -2);
  } else if (lua_isboolean(L, -1)) {
    lua_pushstring(L, lua_toboolean(L, -1) ? "True" : "False");
    lua_replace(L, -2);
  }
  if (lua_type(L, -1) != LUA_TSTRING)
    hl_arg_error(L, &ADD_EMBEDDING, slot, "[%I]: expected a string, got %s", row, hl_describe(L, -1));
  const char *s = lua_tolstring(L, -1, &length);
  if (strlen(s) != length) hl_arg_error(L, &ADD_EMBEDDING, slot, "[%I]: must not hold NUL", row);
  lua_pushvalue(L, -1);
  lua_rawseti(L, kept, (lua_Integer)lua_rawlen(L, kept) + 1);
  return s;
}

/* The list on top of the stack into cells. */
static void take_cells(lua_State *L, int slot, int kept, lua_Integer row, const char **cells, size_t columns) {
  for (size_t i = 0; i < columns; i++) {
    lua_rawgeti(L, -1, (lua_Integer)i + 1);
    cells[i] = check_label(L, slot, kept, row == 0 ? (lua_Integer)i + 1 : row);
    lua_pop(L, 1);
  }
}

static void take_row(lua_State *L, int kept, size_t row, const char **cells, size_t columns) {
  lua_Integer number = (lua_Integer)row + 1;
  if (lua_rawgeti(L, METADATA, number) != LUA_TTABLE || lua_rawlen(L, -1) != columns)
    hl_arg_error(L, &ADD_EMBEDDING, METADATA, "[%I]: expected a list of %I values, as many as the header has", number,
                 (lua_Integer)columns);
  take_cells(L, METADATA, kept, number, cells, columns);
  lua_pop(L, 1);
}

/* Pushes what holds the texts; it stays until the call is over. */
static void check_metadata(lua_State *L, helios_embedding *e) {
  bool has_header = !lua_isnil(L, HEADER);
  if (lua_isnil(L, METADATA) && !has_header) return;
  if (has_header && !lua_istable(L, HEADER)) hl_arg_type_error(L, &ADD_EMBEDDING, HEADER, "a list of strings");
  if (!lua_istable(L, METADATA)) hl_arg_type_error(L, &ADD_EMBEDDING, METADATA, "a list with a label for each row");
  lua_newtable(L);
  int kept = lua_gettop(L);
  size_t columns = has_header ? lua_rawlen(L, HEADER) : 1, rows = lua_rawlen(L, METADATA);
  if (columns == 0) hl_arg_error(L, &ADD_EMBEDDING, HEADER, "has no names");
  size_t count;
  if (__builtin_mul_overflow(rows, columns, &count)) count = SIZE_MAX;
  const char **cells = hl_push_array(L, &ADD_EMBEDDING, count, sizeof *cells);
  const char **header = hl_push_array(L, &ADD_EMBEDDING, columns, sizeof *header);
  if (has_header) {
    lua_pushvalue(L, HEADER);
    take_cells(L, HEADER, kept, 0, header, columns);
    lua_pop(L, 1);
    for (size_t row = 0; row < rows; row++) take_row(L, kept, row, cells + row * columns, columns);
  } else {
    lua_pushvalue(L, METADATA);
    take_cells(L, METADATA, kept, 0, cells, rows);
    lua_pop(L, 1);
  }
  e->metadata = cells;
  e->metadata_rows = rows;
  e->metadata_header = has_header ? header : NULL;
  e->metadata_columns = has_header ? columns : 0;
}

static int l_add_embedding(lua_State *L) {
  const hl_call *c = &ADD_EMBEDDING;
  if (!hl_begin_add(L, c)) return 0;
  helios_embedding e = {.size = sizeof e};
  int64_t step = hl_opt_step(L, c, STEP);
  double unused;
  bool has_walltime;
  e.tag = hl_opt_string(L, c, TAG, "default");
  hl_opt_walltime(L, c, WALLTIME, &unused, &has_walltime); /* files have no time of ours */
  check_metadata(L, &e);
  e.matrix = hl_check_tensor(L, c, MAT, HELIOS_FLOAT32);
  e.label_img = lua_isnil(L, LABEL_IMG) ? NULL : hl_check_tensor(L, c, LABEL_IMG, HELIOS_FLOAT32);
  helios_writer *w = hl_add_handle(L, c);
  return hl_end_add(L, c, helios_writer_add_embedding(w, &e, step));
}

const luaL_Reg HL_EMBEDDING_METHODS[] = {{"add_embedding", l_add_embedding}, {NULL, NULL}};

/* l_writer.h - what a file with add_* methods of its own needs of the writer.
 *
 * An add_* is a lua_CFunction of this shape:
 *
 *   static int l_add_image(lua_State *L) {
 *     if (!hl_begin_add(L, &ADD_IMAGE)) return 0;      nothing is open: no effect
 *     ... hl_check_*, hl_opt_* of each argument ...
 *     helios_writer *w = hl_add_handle(L, &ADD_IMAGE);  after the last check
 *     return hl_end_add(L, &ADD_IMAGE, helios_writer_add_image(w, ...));
 *   }
 *
 * and its luaL_Reg list is named in METHOD_LISTS of l_writer.c. */
#ifndef HL_L_WRITER_H
#define HL_L_WRITER_H

#include "l_helios.h"

/* Make ready for checking arguments: the object's userdata takes the place of the object at stack index 1, and
 * hl_args puts the arguments into their slots. False when there is nothing to write to; raises when it is closed. */
bool hl_begin_add(lua_State *L, const hl_call *c);
/* The open writer. Checks may have run metamethods that closed it, so this comes after them. */
helios_writer *hl_add_handle(lua_State *L, const hl_call *c);
/* Raise if the call was wrong; tell of NaN and infinities that the core met. Returns 0, the number of results. */
int hl_end_add(lua_State *L, const hl_call *c, helios_status status);
/* The detail of what the writer did last, pushed. */
const char *hl_push_writer_error(lua_State *L, helios_writer *w);

/* ---- l_pairs.c: dictionaries and lists of pairs ------------------------------------------------------- */

typedef struct hl_pair {
  const char *name;
  size_t length;
  lua_Integer place; /* in a list of pairs; 0: the name is a key of the dictionary */
} hl_pair;

/* The names in the table at this slot: keys of a dictionary, sorted, or the first elements of a list of pairs, in its
 * order. Pushes a userdata that holds them. Names are strings without NUL. */
const hl_pair *hl_check_pairs(lua_State *L, const hl_call *c, int slot, size_t *count);
/* Push the value that goes with a name. */
void hl_push_pair_value(lua_State *L, int slot, const hl_pair *pair);
/* The numbers that go with the names at this slot. Pushes userdata that hold them. */
const helios_named_value *hl_check_measures(lua_State *L, const hl_call *c, int slot, size_t *count);

/* ---- methods of other files --------------------------------------------------------------------------- */

extern const luaL_Reg HL_ADD_METHODS[];     /* l_add.c */
extern const luaL_Reg HL_HPARAMS_METHODS[]; /* l_hparams.c */
extern const luaL_Reg HL_MEDIA_METHODS[];   /* l_media.c */
extern const luaL_Reg HL_MESH_METHODS[];    /* l_mesh.c */
extern const luaL_Reg HL_EMBEDDING_METHODS[];
extern const luaL_Reg HL_CUSTOM_SCALARS_METHODS[];
extern const luaL_Reg HL_GRAPH_METHODS[];   /* l_graph.c */

#endif

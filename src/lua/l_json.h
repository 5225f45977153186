/* l_json.h - a Lua value as JSON text, to the byte as Python's json.dumps(value, sort_keys=True). */
#ifndef HL_L_JSON_H
#define HL_L_JSON_H

#include "l_helios.h"

/* Append the value at this slot. A table with elements is a list, any other an object with string keys. Raises for what
 * JSON has no form for, naming the place. */
void hl_put_json(lua_State *L, const hl_call *c, int slot, hl_buf *out);

#endif

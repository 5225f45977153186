/* l_helios.h - what the files of the Lua binding share: the calling convention, checks of arguments, statuses as Lua
 * results, and tensors.
 *
 * A binding file checks, calls, pushes. Checks come first and may raise; between a call into the core and the moment
 * its result is owned by a userdata nothing may raise. One file per userdata type, each with one opener below. */
#ifndef HL_L_HELIOS_H
#define HL_L_HELIOS_H

#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>

#include "../buf.h"
#include "helios/helios.h"
#include "helios/lua.h"

/* ---- l_native.c: the sub-tables of helios.native; an opener pushes exactly its table ----------------- */

void hl_open_tensor(lua_State *L);
void hl_open_reader(lua_State *L);
void hl_open_tty(lua_State *L);
void hl_open_msgpack(lua_State *L);
void hl_open_fs(lua_State *L);
void hl_open_signals(lua_State *L);
void hl_open_terminal(lua_State *L);
void hl_open_random(lua_State *L);
void hl_open_graph(lua_State *L);   /* what helios.graph and add_graph need of the core */
void hl_open_figure(lua_State *L);  /* the second half of add_figure */
void hl_open_process(lua_State *L); /* run(argv, input, seconds): a program, fed, heard and bounded in time */
void hl_open_logger(lua_State *L);
void hl_open_writer(lua_State *L);

/* ---- l_args.c: the calling convention ---------------------------------------------------------------- */

enum { HL_MAX_ARGS = 14 };

/* Whether the first optional argument may itself be a table. A dictionary is one unless nothing follows it and all its
 * keys are names of options; of what must be a list or a tensor, a table of names alone is the options as well. */
enum { HL_NO_TABLE = 0, HL_DICTIONARY = 1, HL_LIST = 2 };

/* A function as its user writes it. names: `required` ones, then those that may also be positional (in Helios' order;
 * `positional` counts both), then those that are only ever named, such as walltime. */
typedef struct hl_call {
  const char *function;
  int first;              /* stack index of the first argument: 2 for methods, 1 for functions */
  int required;
  int positional;
  int first_optional;     /* HL_NO_TABLE and so on */
  const char *names[HL_MAX_ARGS + 1]; /* ends with NULL */
} hl_call;

/* Put every argument of the call into its place: afterwards argument i of c->names is at stack index c->first + i,
 * nil when it was not given, and that is the whole stack. Optional arguments are positional, or named in one table in
 * place of the first of them. Raises on a missing argument, an unknown name, and arguments beyond the last. */
void hl_args(lua_State *L, const hl_call *c);

/* Raise "function: argument 'name': reason" for the argument at stack index `slot` (as hl_args left it). The format
 * is lua_pushfstring's. Never returns. */
int hl_arg_error(lua_State *L, const hl_call *c, int slot, const char *format, ...);
/* The same with "expected <what>, got <the value or its type>". */
int hl_arg_type_error(lua_State *L, const hl_call *c, int slot, const char *what);
/* Push a short description of a value for an error text: a number or boolean itself, else the type's name. */
const char *hl_describe(lua_State *L, int index);
/* The stack index of the argument of this name, or 0. */
int hl_arg_slot(const hl_call *c, const char *name);

/* Push a userdata of `count` zeroed elements, never an empty one. Raises when as many cannot be: lengths of tables are
 * the user's to make up. */
void *hl_push_array(lua_State *L, const hl_call *c, size_t count, size_t element_size);

/* How many keys the table at this index (an absolute one) has. */
size_t hl_count_keys(lua_State *L, int table);

/* Checks of one argument; `optional` ones give the fallback for nil. Numbers are no strings and strings no numbers. */
const char *hl_check_string(lua_State *L, const hl_call *c, int slot, size_t *length);
const char *hl_opt_string(lua_State *L, const hl_call *c, int slot, const char *fallback);
/* A string without NUL; whether it is UTF-8 is checked by the core. */
const char *hl_check_cstring(lua_State *L, const hl_call *c, int slot);
double hl_check_number(lua_State *L, const hl_call *c, int slot);
/* An integer, or a float with an integer's value. */
int64_t hl_check_integer(lua_State *L, const hl_call *c, int slot);
int64_t hl_opt_integer(lua_State *L, const hl_call *c, int slot, int64_t fallback);
bool hl_opt_boolean(lua_State *L, const hl_call *c, int slot, bool fallback);
/* HELIOS_NO_STEP for nil. */
int64_t hl_opt_step(lua_State *L, const hl_call *c, int slot);
/* Fill the two fields that all options structs of writer.h share: pass &options.walltime, &options.has_walltime. */
void hl_opt_walltime(lua_State *L, const hl_call *c, int slot, double *walltime, bool *has_walltime);

/* ---- l_convert.c: tensors, and what passes for one ---------------------------------------------------- */

/* The tensor at this slot, which then holds a helios.tensor: what was one already (shown, not copied), a number, a
 * nested table of numbers or booleans, or a string of raw bytes. The call's options `dtype` and `shape`, if it has
 * them, are taken into account; a table's dtype is `fallback` without. May run metamethods: fetch handles after it. */
const DLTensor *hl_check_tensor(lua_State *L, const hl_call *c, int slot, helios_dtype fallback);
/* The list of numbers (or 1-d tensor) at this slot as doubles, kept alive by the slot. */
const double *hl_check_doubles(lua_State *L, const hl_call *c, int slot, size_t *count);
/* One number for the series: a number, a string that Python's float() would read, or a tensor or table of one
 * element. `index` is where it is; errors name the argument `slot`, with `key` (may be NULL) as "['key']". */
double hl_check_value(lua_State *L, const hl_call *c, int slot, int index, const char *key);
/* The same without strings. */
double hl_check_measure(lua_State *L, const hl_call *c, int slot, int index, const char *key);

/* ---- statuses ---------------------------------------------------------------------------------------- */

/* true for HELIOS_OK; else nil, message, code, where code is the status' name such as "EIO". Returns how many. */
int hl_push_status(lua_State *L, helios_status status, const char *message);
/* Raise what the core found wrong: "argument: reason" becomes "function: argument 'argument': reason". */
int hl_raise(lua_State *L, const char *function, helios_status status, const char *message);

/* ---- l_buffer.c -------------------------------------------------------------------------------------- */

/* Push an empty buffer that Lua frees: what a function gathers bytes in while it may raise. */
hl_buf *hl_push_buffer(lua_State *L);

#endif

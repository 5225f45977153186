/* l_hparams.c - add_hparams: dictionaries of hyper-parameters, metrics and domains to the core's arrays. */
#include <string.h>

#include "l_tensor.h"
#include "l_writer.h"

/* Domains are a table themselves: a third table is the options when all its keys are names of options. */
static const hl_call ADD_HPARAMS = {
  "add_hparams", 2, 2, 5, HL_DICTIONARY,
  {"hparam_dict", "metric_dict", "hparam_domain_discrete", "run_name", "global_step", "walltime", NULL}};
enum { HPARAMS = 2, METRICS, DOMAINS, RUN_NAME, STEP, WALLTIME };

/* Errors name the argument `slot` and the key. */
typedef struct place {
  int slot;
  const char *key;
} place;

static helios_value string_value(lua_State *L, place at) {
  size_t length;
  const char *s = lua_tolstring(L, -1, &length);
  if (strlen(s) != length) hl_arg_error(L, &ADD_HPARAMS, at.slot, "['%s']: must not hold NUL", at.key);
  return (helios_value){.type = HELIOS_VALUE_STRING, .string = s};
}

/* The value on top of the stack; a table keeps its string alive. */
static helios_value check_value(lua_State *L, place at) {
  switch (lua_type(L, -1)) {
    case LUA_TBOOLEAN: return (helios_value){.type = HELIOS_VALUE_BOOL, .number = lua_toboolean(L, -1)};
    case LUA_TSTRING: return string_value(L, at);
    case LUA_TNUMBER: return (helios_value){.type = HELIOS_VALUE_NUMBER, .number = lua_tonumber(L, -1)};
    default: break;
  }
  if (hl_test_tensor(L, -1) == NULL)
    hl_arg_error(L, &ADD_HPARAMS, at.slot, "['%s']: expected a boolean, a string, a number or a tensor of one element,"
                 " got %s", at.key, hl_describe(L, -1));
  double number = hl_check_measure(L, &ADD_HPARAMS, at.slot, lua_gettop(L), at.key);
  return (helios_value){.type = HELIOS_VALUE_NUMBER, .number = number};
}

/* Pairs without a value are left out. */
static helios_hparam *check_hparams(lua_State *L, size_t *count) {
  const hl_pair *pairs = hl_check_pairs(L, &ADD_HPARAMS, HPARAMS, count);
  size_t given = *count;
  helios_hparam *hparams = hl_push_array(L, &ADD_HPARAMS, given, sizeof *hparams);
  *count = 0;
  for (size_t i = 0; i < given; i++) {
    hl_push_pair_value(L, HPARAMS, &pairs[i]);
    if (!lua_isnil(L, -1)) {
      helios_hparam *h = &hparams[(*count)++];
      h->name = pairs[i].name;
      h->value = check_value(L, (place){HPARAMS, h->name});
    }
    lua_pop(L, 1);
  }
  return hparams;
}

static helios_hparam *find_hparam(helios_hparam *hparams, size_t count, const char *name) {
  for (size_t i = 0; i < count; i++)
    if (strcmp(hparams[i].name, name) == 0) return &hparams[i];
  return NULL;
}

/* The list on top of the stack. The core compares its values' type with the hyper-parameter's. */
static void check_domain(lua_State *L, helios_hparam *h) {
  place at = {DOMAINS, h->name};
  if (!lua_istable(L, -1)) hl_arg_error(L, &ADD_HPARAMS, DOMAINS, "['%s']: expected a list, got %s", h->name,
                                        hl_describe(L, -1));
  size_t n = lua_rawlen(L, -1);
  if (n == 0 && hl_count_keys(L, lua_gettop(L)) > 0)
    hl_arg_error(L, &ADD_HPARAMS, DOMAINS, "['%s']: expected a list, got a table of names", h->name);
  helios_value *values = hl_push_array(L, &ADD_HPARAMS, n, sizeof *values);
  lua_insert(L, -2); /* stays below the list, until the call is over */
  for (size_t i = 0; i < n; i++) {
    lua_rawgeti(L, -1, (lua_Integer)i + 1);
    values[i] = check_value(L, at);
    lua_pop(L, 1);
  }
  h->domain = values;
  h->domain_count = n;
  h->has_domain = true;
}

static void check_domains(lua_State *L, helios_hparam *hparams, size_t count) {
  if (lua_isnil(L, DOMAINS)) return;
  size_t given;
  const hl_pair *pairs = hl_check_pairs(L, &ADD_HPARAMS, DOMAINS, &given);
  for (size_t i = 0; i < given; i++) {
    helios_hparam *h = find_hparam(hparams, count, pairs[i].name);
    if (h == NULL) hl_arg_error(L, &ADD_HPARAMS, DOMAINS, "'%s' is not in hparam_dict", pairs[i].name);
    luaL_checkstack(L, LUA_MINSTACK, "domains");
    hl_push_pair_value(L, DOMAINS, &pairs[i]);
    check_domain(L, h);
    lua_pop(L, 1);
  }
}

static int l_add_hparams(lua_State *L) {
  const hl_call *c = &ADD_HPARAMS;
  if (!hl_begin_add(L, c)) return 0;
  helios_hparams_options options = {.size = sizeof options};
  size_t hparam_count, metric_count;
  options.run_name = hl_opt_string(L, c, RUN_NAME, NULL);
  int64_t step = hl_opt_step(L, c, STEP);
  hl_opt_walltime(L, c, WALLTIME, &options.walltime, &options.has_walltime);
  helios_hparam *hparams = check_hparams(L, &hparam_count);
  check_domains(L, hparams, hparam_count);
  const helios_named_value *metrics = hl_check_measures(L, c, METRICS, &metric_count);
  helios_writer *w = hl_add_handle(L, c);
  return hl_end_add(L, c, helios_writer_add_hparams(w, hparams, hparam_count, metrics, metric_count, step, &options));
}

const luaL_Reg HL_HPARAMS_METHODS[] = {{"add_hparams", l_add_hparams}, {NULL, NULL}};

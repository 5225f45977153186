/* l_custom_scalars.c - add_custom_scalars and its two short forms: layouts from tables to the core's arrays.
 *
 *   { category = { chart = {"Multiline", {tag, ...}}, other = {"Margin", {value, lower, upper}} } }
 *
 * Dictionaries are sorted by key; a list of {key, value} pairs keeps its order, at both levels. */
#include <string.h>

#include "l_writer.h"

static const hl_call ADD_CUSTOM_SCALARS = {"add_custom_scalars", 2, 1, 1, HL_NO_TABLE, {"layout", "walltime", NULL}};
enum { TAGS = 2, CATEGORY, TITLE, MARGIN_TAGS = 3 };

/* For tables inside of an argument: helpers of dictionaries then name the argument. */
static hl_call at_top(lua_State *L, const hl_call *c) {
  return (hl_call){.function = c->function, .first = lua_gettop(L), .names = {c->names[0], NULL}};
}

/* The list of tags on top of the stack, which keeps them alive; an array for them is pushed. */
static void check_tags(lua_State *L, const hl_call *c, helios_chart *chart) {
  if (!lua_istable(L, -1)) hl_arg_error(L, c, c->first, "expected a list of tags, got %s", hl_describe(L, -1));
  int list = lua_gettop(L);
  chart->tag_count = lua_rawlen(L, list);
  const char **tags = hl_push_array(L, c, chart->tag_count, sizeof *tags);
  for (size_t i = 0; i < chart->tag_count; i++) {
    size_t length;
    if (lua_rawgeti(L, list, (lua_Integer)i + 1) != LUA_TSTRING)
      hl_arg_error(L, c, c->first, "tag %I: expected a string, got %s", (lua_Integer)i + 1, hl_describe(L, -1));
    tags[i] = lua_tolstring(L, -1, &length);
    if (strlen(tags[i]) != length) hl_arg_error(L, c, c->first, "tag %I: must not hold NUL", (lua_Integer)i + 1);
    lua_pop(L, 1);
  }
  chart->tags = tags;
  if (chart->margin && chart->tag_count != MARGIN_TAGS)
    hl_arg_error(L, c, c->first, "a margin chart takes 3 tags (value, lower, upper), got %I",
                 (lua_Integer)chart->tag_count);
}

/* {"Multiline", {tags}} or {"Margin", {tags}} on top of the stack; what it pushes stays there. */
static void check_chart(lua_State *L, helios_chart *chart) {
  const hl_call *c = &ADD_CUSTOM_SCALARS;
  if (!lua_istable(L, -1))
    hl_arg_error(L, c, c->first, "chart '%s': expected {type, tags}, got %s", chart->title, hl_describe(L, -1));
  if (lua_rawgeti(L, -1, 1) != LUA_TSTRING)
    hl_arg_error(L, c, c->first, "chart '%s': expected the type 'Multiline' or 'Margin', got %s", chart->title,
                 hl_describe(L, -1));
  chart->margin = strcmp(lua_tostring(L, -1), "Margin") == 0; /* any other name is multiline, as in torch */
  lua_rawgeti(L, -2, 2);
  check_tags(L, c, chart);
}

/* The charts of the category whose table is on top of the stack. Everything pushed stays: it holds the texts. */
static void check_category(lua_State *L, helios_category *category) {
  hl_call c = at_top(L, &ADD_CUSTOM_SCALARS);
  int table = lua_gettop(L);
  const hl_pair *pairs = hl_check_pairs(L, &c, table, &category->chart_count);
  helios_chart *charts = hl_push_array(L, &c, category->chart_count, sizeof *charts);
  for (size_t i = 0; i < category->chart_count; i++) {
    luaL_checkstack(L, LUA_MINSTACK, "layout");
    charts[i].title = pairs[i].name;
    hl_push_pair_value(L, table, &pairs[i]);
    check_chart(L, &charts[i]);
  }
  category->charts = charts;
}

static const helios_category *check_layout(lua_State *L, int slot, size_t *count) {
  const hl_pair *pairs = hl_check_pairs(L, &ADD_CUSTOM_SCALARS, slot, count);
  helios_category *categories = hl_push_array(L, &ADD_CUSTOM_SCALARS, *count, sizeof *categories);
  for (size_t i = 0; i < *count; i++) {
    luaL_checkstack(L, LUA_MINSTACK, "layout");
    categories[i].title = pairs[i].name;
    hl_push_pair_value(L, slot, &pairs[i]);
    check_category(L, &categories[i]);
  }
  return categories;
}

static int l_add_custom_scalars(lua_State *L) {
  enum { LAYOUT = 2, WALLTIME };
  const hl_call *c = &ADD_CUSTOM_SCALARS;
  if (!hl_begin_add(L, c)) return 0;
  helios_add_options options = {.size = sizeof options};
  hl_opt_walltime(L, c, WALLTIME, &options.walltime, &options.has_walltime);
  size_t count;
  const helios_category *categories = check_layout(L, LAYOUT, &count);
  helios_writer *w = hl_add_handle(L, c);
  return hl_end_add(L, c, helios_writer_add_custom_scalars(w, categories, count, &options));
}

/* ---- one chart --------------------------------------------------------------------------------------------- */

static int add_one_chart(lua_State *L, const hl_call *c, bool margin) {
  enum { WALLTIME = TITLE + 1 };
  if (!hl_begin_add(L, c)) return 0;
  helios_add_options options = {.size = sizeof options};
  helios_chart chart = {.title = hl_opt_string(L, c, TITLE, NULL), .margin = margin};
  const char *category = hl_opt_string(L, c, CATEGORY, NULL);
  hl_opt_walltime(L, c, WALLTIME, &options.walltime, &options.has_walltime);
  lua_pushvalue(L, TAGS);
  check_tags(L, c, &chart);
  helios_writer *w = hl_add_handle(L, c);
  helios_status (*add)(helios_writer *, const char *const *, size_t, const char *, const char *,
                       const helios_add_options *) =
    margin ? helios_writer_add_custom_scalars_marginchart : helios_writer_add_custom_scalars_multilinechart;
  return hl_end_add(L, c, add(w, chart.tags, chart.tag_count, category, chart.title, &options));
}

static const hl_call ADD_MULTILINE = {
  "add_custom_scalars_multilinechart", 2, 1, 3, HL_NO_TABLE, {"tags", "category", "title", "walltime", NULL}};
static const hl_call ADD_MARGIN = {
  "add_custom_scalars_marginchart", 2, 1, 3, HL_NO_TABLE, {"tags", "category", "title", "walltime", NULL}};

static int l_add_multiline(lua_State *L) { return add_one_chart(L, &ADD_MULTILINE, false); }
static int l_add_margin(lua_State *L) { return add_one_chart(L, &ADD_MARGIN, true); }

const luaL_Reg HL_CUSTOM_SCALARS_METHODS[] = {{"add_custom_scalars", l_add_custom_scalars},
                                              {"add_custom_scalars_multilinechart", l_add_multiline},
                                              {"add_custom_scalars_marginchart", l_add_margin},
                                              {NULL, NULL}};

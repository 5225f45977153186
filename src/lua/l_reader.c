/* l_reader.c - `helios.native.reader`: event files and runs as userdata, points as tables (l_point.c). Translation
 * only; arguments are checked by lua/helios/reader.lua, whose users see its names. */
#include "l_fields.h"

#include <string.h>

#include "../buf.h"
#include "../reader/pack.h"
#include "../reader/shortest.h"

#define FILE_TYPE "helios.reader.file"
#define RUN_TYPE "helios.reader.run"

enum { ERROR_SIZE = 400 };

/* ---- files -------------------------------------------------------------------------------------------- */

static helios_reader *check_file(lua_State *L) {
  helios_reader **box = luaL_checkudata(L, 1, FILE_TYPE);
  if (*box == NULL) luaL_error(L, "reader is closed");
  return *box;
}

static int l_open_file(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  char error[ERROR_SIZE];
  helios_reader **box = lua_newuserdatauv(L, sizeof *box, 0);
  *box = NULL; /* born closed */
  luaL_setmetatable(L, FILE_TYPE);
  helios_status st = helios_reader_open(path, NULL, box, error, sizeof error);
  return st == HELIOS_OK ? 1 : hl_push_status(L, st, error);
}

static void push_points(lua_State *L, helios_reader *r, const helios_event *e) {
  helios_point p;
  size_t cursor = 0;
  lua_newtable(L);
  for (lua_Integer i = 1; helios_reader_next_point(r, e, &cursor, &p); i++) {
    hl_push_point(L, &p);
    lua_rawseti(L, -2, i);
  }
}

static void push_event(lua_State *L, helios_reader *r, const helios_event *e) {
  static const char *const KINDS[] = {"empty",       "empty",   "empty",        "file_version", "graph",
                                      "summary",     "log_message", "session", "run_metadata", "meta_graph"};
  lua_createtable(L, 0, 8);
  set_string(L, "kind", KINDS[e->kind]);
  set_integer(L, "step", e->step);
  set_number(L, "wall_time", e->wall_time);
  set_integer(L, "offset", (int64_t)e->offset);
  if (e->kind == HELIOS_EVENT_FILE_VERSION) set_slice(L, "file_version", e->data);
  if (e->kind == HELIOS_EVENT_SESSION) set_integer(L, "session_status", e->session_status);
  if (e->source.length > 0) set_slice(L, "source", e->source);
  push_points(L, r, e);
  lua_setfield(L, -2, "points");
}

/* The next event; nil: not yet; nil, message, code: the end or a failure. */
static int l_file_next(lua_State *L) {
  helios_reader *r = check_file(L);
  helios_event e;
  char error[ERROR_SIZE];
  helios_status st = helios_reader_next(r, &e);
  if (st == HELIOS_OK) push_event(L, r, &e);
  if (st == HELIOS_EAGAIN) lua_pushnil(L);
  if (st == HELIOS_OK || st == HELIOS_EAGAIN) return 1;
  helios_reader_error(r, error, sizeof error);
  return hl_push_status(L, st, error);
}

static void push_damage(lua_State *L, const helios_reader *r) {
  helios_damage d;
  lua_newtable(L);
  for (size_t i = 0; helios_reader_damage(r, i, &d); i++) {
    lua_createtable(L, 0, 3);
    set_integer(L, "offset", (int64_t)d.offset);
    set_integer(L, "length", (int64_t)d.length);
    set_string(L, "reason", d.reason);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

static void push_reader_stats(lua_State *L, const helios_reader_stats *s) {
  lua_createtable(L, 0, 8);
  set_integer(L, "records", (int64_t)s->records);
  set_integer(L, "damaged", (int64_t)s->damaged);
  set_integer(L, "offset", (int64_t)s->offset);
  set_integer(L, "cut_bytes", (int64_t)s->cut_bytes);
  set_boolean(L, "ended", s->ended);
  set_boolean(L, "compressed", s->compressed);
}

static void push_file_state(lua_State *L, const helios_reader *r) {
  helios_reader_stats s = {.size = sizeof s};
  helios_reader_stats_get(r, &s);
  push_reader_stats(L, &s);
  set_string(L, "path", helios_reader_path(r));
  push_damage(L, r);
  lua_setfield(L, -2, "damage");
}

static int l_file_stats(lua_State *L) {
  push_file_state(L, check_file(L));
  return 1;
}

static int l_file_close(lua_State *L) {
  helios_reader **box = luaL_checkudata(L, 1, FILE_TYPE);
  helios_reader *r = *box;
  *box = NULL;
  helios_reader_free(r);
  return 0;
}

/* ---- runs --------------------------------------------------------------------------------------------- */

static helios_run *check_run(lua_State *L) {
  helios_run **box = luaL_checkudata(L, 1, RUN_TYPE);
  if (*box == NULL) luaL_error(L, "run is closed");
  return *box;
}

static int l_open_run(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  helios_reader_options options = {.size = sizeof options, .keep_purged = lua_toboolean(L, 2) != 0};
  char error[ERROR_SIZE];
  helios_run **box = lua_newuserdatauv(L, sizeof *box, 0);
  *box = NULL;
  luaL_setmetatable(L, RUN_TYPE);
  helios_status st = helios_run_open(path, &options, box, error, sizeof error);
  return st == HELIOS_OK ? 1 : hl_push_status(L, st, error);
}

static int push_run_status(lua_State *L, const helios_run *run, helios_status st) {
  char error[ERROR_SIZE];
  helios_run_error(run, error, sizeof error);
  return hl_push_status(L, st, error);
}

/* What the caller of next wants: a set of kinds ({scalar = true}), a tag, a range of steps; nil for all. */
typedef struct filter {
  int kinds; /* stack index of the set, 0 for all */
  const char *tag;
  size_t tag_length;
  lua_Integer low, high;
} filter;

static bool kind_wanted(lua_State *L, const filter *f, helios_kind kind) {
  if (f->kinds == 0) return true;
  lua_getfield(L, f->kinds, helios_kind_name(kind));
  bool yes = lua_toboolean(L, -1) != 0;
  lua_pop(L, 1);
  return yes;
}

static bool wanted(lua_State *L, const filter *f, const helios_point *p) {
  if (p->kind == HELIOS_KIND_RESTART) return true;
  if (p->step < f->low || p->step > f->high) return false;
  if (f->tag != NULL && (p->tag.length != f->tag_length || memcmp(p->tag.data, f->tag, f->tag_length) != 0))
    return false;
  return kind_wanted(L, f, p->kind);
}

static filter check_filter(lua_State *L) {
  filter f = {.kinds = lua_istable(L, 2) ? 2 : 0};
  if (!lua_isnoneornil(L, 3)) f.tag = luaL_checklstring(L, 3, &f.tag_length);
  f.low = luaL_optinteger(L, 4, LUA_MININTEGER);
  f.high = luaL_optinteger(L, 5, LUA_MAXINTEGER);
  return f;
}

/* run:next(kinds, tag, low, high): the next wanted point, nil at the end; nil, message, code. */
static int l_run_next(lua_State *L) {
  helios_run *run = check_run(L);
  filter f = check_filter(L);
  helios_point p;
  helios_status st;
  while ((st = helios_run_next(run, &p)) == HELIOS_OK && !wanted(L, &f, &p)) continue;
  if (st == HELIOS_EAGAIN) lua_pushnil(L);
  else if (st == HELIOS_OK) hl_push_point(L, &p);
  else return push_run_status(L, run, st);
  return 1;
}

static int l_run_scan(lua_State *L) {
  helios_run *run = check_run(L);
  return push_run_status(L, run, helios_run_scan(run));
}

static int l_run_rewind(lua_State *L) {
  helios_run *run = check_run(L);
  return push_run_status(L, run, helios_run_rewind(run));
}

static int l_run_load(lua_State *L) {
  helios_run *run = check_run(L);
  return push_run_status(L, run, helios_run_load(run));
}

static void push_tag_info(lua_State *L, const helios_tag_info *info) {
  lua_createtable(L, 0, 10);
  lua_pushlstring(L, info->tag, info->tag_length);
  lua_setfield(L, -2, "tag");
  set_string(L, "kind", helios_kind_name(info->kind));
  if (info->plugin[0] != '\0') set_string(L, "plugin", info->plugin);
  set_integer(L, "points", (int64_t)info->points);
  set_integer(L, "first_step", info->first_step);
  set_integer(L, "last_step", info->last_step);
  set_number(L, "first_time", info->first_time);
  set_number(L, "last_time", info->last_time);
  if (info->kind != HELIOS_KIND_SCALAR) return;
  set_number(L, "last_value", info->last_value);
  set_boolean(L, "single", info->single);
}

static int l_run_tags(lua_State *L) {
  helios_run *run = check_run(L);
  helios_tag_info info;
  lua_newtable(L);
  for (size_t i = 0; helios_run_tag(run, i, &info); i++) {
    push_tag_info(L, &info);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  return 1;
}

static int l_run_files(lua_State *L) {
  helios_run *run = check_run(L);
  size_t n = helios_run_file_count(run);
  lua_Integer at = 1;
  lua_newtable(L);
  for (size_t i = 0; i < n; i++) {
    const helios_reader *r = helios_run_file(run, i);
    if (r == NULL) continue;
    push_file_state(L, r);
    lua_rawseti(L, -2, at++);
  }
  return 1;
}

static helios_column check_column(lua_State *L, const helios_run *run) {
  helios_column c = {0, NULL, NULL, NULL};
  lua_Integer i = luaL_checkinteger(L, 2);
  luaL_argcheck(L, i >= 1 && helios_run_column(run, (size_t)i - 1, &c), 2, "no such tag");
  return c;
}

static void push_numbers(lua_State *L, const double *numbers, size_t n) {
  lua_createtable(L, (int)n, 0);
  for (size_t i = 0; i < n; i++) {
    lua_pushnumber(L, numbers[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

/* run:column(i): steps, values, times of a loaded tag */
static int l_run_column(lua_State *L) {
  helios_column c = check_column(L, check_run(L));
  lua_createtable(L, (int)c.count, 0);
  for (size_t i = 0; i < c.count; i++) {
    lua_pushinteger(L, (lua_Integer)c.steps[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  push_numbers(L, c.values, c.count);
  push_numbers(L, c.times, c.count);
  return 3;
}

/* run:packed(i): base64 of a packed column, number of points, first time, unit of time */
static int l_run_packed(lua_State *L) {
  helios_column c = check_column(L, check_run(L));
  hl_buf *bytes = hl_push_buffer(L);
  hl_buf *text = hl_push_buffer(L);
  hl_packed packed;
  helios_status st = hl_pack_column(bytes, &c, &packed);
  if (st == HELIOS_OK) hl_base64(text, bytes->data, bytes->len);
  if (st != HELIOS_OK || text->failed) return luaL_error(L, "out of memory");
  lua_pushlstring(L, (const char *)text->data, text->len);
  lua_pushinteger(L, (lua_Integer)c.count);
  lua_pushnumber(L, packed.first_time);
  lua_pushnumber(L, packed.unit);
  return 4;
}

static bool to_stream(void *ctx, const void *data, size_t n) { return fwrite(data, 1, n, ctx) == n; }

/* run:write_csv(file, name, tag) */
static int l_run_write_csv(lua_State *L) {
  helios_run *run = check_run(L);
  luaL_Stream *stream = luaL_checkudata(L, 2, LUA_FILEHANDLE);
  luaL_argcheck(L, stream->closef != NULL, 2, "the file is closed");
  helios_status st =
      helios_run_write_csv(run, luaL_checkstring(L, 3), luaL_optstring(L, 4, NULL), to_stream, stream->f);
  if (st == HELIOS_EIO && ferror(stream->f)) return hl_push_status(L, st, "cannot write");
  return push_run_status(L, run, st);
}

static int l_run_close(lua_State *L) {
  helios_run **box = luaL_checkudata(L, 1, RUN_TYPE);
  helios_run *run = *box;
  *box = NULL;
  helios_run_free(run);
  return 0;
}

/* ---- functions ------------------------------------------------------------------------------------------ */

static bool take_run(void *ctx, const char *name, const char *path) {
  hl_buf *b = ctx;
  hl_buf_append(b, name, strlen(name) + 1);
  hl_buf_append(b, path, strlen(path) + 1);
  return !b->failed;
}

/* find(root): {{name =, path =}, ...} */
static int l_find(lua_State *L) {
  const char *root = luaL_checkstring(L, 1);
  hl_buf *found = hl_push_buffer(L);
  char error[ERROR_SIZE];
  helios_status st = helios_find_runs(root, take_run, found, error, sizeof error);
  if (st != HELIOS_OK) return hl_push_status(L, st, error);
  if (found->failed) return luaL_error(L, "out of memory");
  lua_newtable(L);
  const char *p = (const char *)found->data;
  for (lua_Integer i = 1; p != NULL && p < (const char *)found->data + found->len; i++) {
    lua_createtable(L, 0, 2);
    set_string(L, "name", p);
    p += strlen(p) + 1;
    set_string(L, "path", p);
    p += strlen(p) + 1;
    lua_rawseti(L, -2, i);
  }
  return 1;
}

static int l_verify(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  char error[ERROR_SIZE];
  helios_damage first;
  helios_reader_stats s = {.size = sizeof s};
  helios_status st = helios_verify_file(path, NULL, &s, &first, error, sizeof error);
  if (st != HELIOS_OK) return hl_push_status(L, st, error);
  push_reader_stats(L, &s);
  if (s.damaged == 0) return 1;
  set_integer(L, "damage_offset", (int64_t)first.offset);
  set_string(L, "damage_reason", first.reason);
  return 1;
}

static int push_repair(lua_State *L, helios_status st, const helios_repair_stats *s, const char *error) {
  if (st != HELIOS_OK) return hl_push_status(L, st, error);
  lua_createtable(L, 0, 4);
  set_integer(L, "kept", (int64_t)s->kept);
  set_integer(L, "dropped", (int64_t)s->dropped);
  set_integer(L, "lost_bytes", (int64_t)s->lost_bytes);
  set_boolean(L, "replaced", s->replaced);
  return 1;
}

static int l_repair(lua_State *L) {
  char error[ERROR_SIZE];
  helios_repair_stats s = {.size = sizeof s};
  const char *target = luaL_optstring(L, 2, NULL);
  return push_repair(L, helios_repair_file(luaL_checkstring(L, 1), target, &s, error, sizeof error), &s, error);
}

/* purge(path, tag, from_step) */
static int l_purge(lua_State *L) {
  char error[ERROR_SIZE];
  helios_repair_stats s = {.size = sizeof s};
  helios_purge_options o = {.size = sizeof o, .tag = luaL_optstring(L, 2, NULL)};
  o.has_from_step = !lua_isnoneornil(L, 3);
  o.from_step = luaL_optinteger(L, 3, 0);
  return push_repair(L, helios_purge_file(luaL_checkstring(L, 1), &o, &s, error, sizeof error), &s, error);
}

static int l_merge(lua_State *L) {
  char error[ERROR_SIZE];
  helios_repair_stats s = {.size = sizeof s};
  return push_repair(L, helios_merge_run(luaL_checkstring(L, 1), &s, error, sizeof error), &s, error);
}

static int l_recover(lua_State *L) {
  char error[ERROR_SIZE];
  helios_recovery r = {.size = sizeof r};
  helios_status st = helios_recover(luaL_checkstring(L, 1), &r, error, sizeof error);
  if (st != HELIOS_OK) return hl_push_status(L, st, error);
  lua_createtable(L, 0, 4);
  set_integer(L, "pending_files", (int64_t)r.pending_files);
  set_integer(L, "live_files", (int64_t)r.live_files);
  set_integer(L, "records", (int64_t)r.records);
  set_integer(L, "bytes", (int64_t)r.bytes);
  return 1;
}

/* number(v, single): the shortest text that reads back to the same bits */
static int l_number(lua_State *L) {
  char text[HL_LONGEST_NUMBER];
  char *end = lua_isinteger(L, 1) ? hl_put_integer(text, (int64_t)lua_tointeger(L, 1))
                                  : hl_put_shortest(text, luaL_checknumber(L, 1), lua_toboolean(L, 2) != 0);
  lua_pushlstring(L, text, (size_t)(end - text));
  return 1;
}

static int l_base64(lua_State *L) {
  size_t n;
  const char *bytes = luaL_checklstring(L, 1, &n);
  hl_buf *text = hl_push_buffer(L);
  hl_base64(text, bytes, n);
  if (text->failed) return luaL_error(L, "out of memory");
  lua_pushlstring(L, (const char *)text->data, text->len);
  return 1;
}

/* ---- tables ---------------------------------------------------------------------------------------------- */

static const luaL_Reg FILE_METHODS[] = {
  {"next", l_file_next}, {"stats", l_file_stats}, {"close", l_file_close}, {NULL, NULL},
};

static const luaL_Reg RUN_METHODS[] = {
  {"next", l_run_next},     {"scan", l_run_scan},     {"rewind", l_run_rewind}, {"load", l_run_load},
  {"tags", l_run_tags},     {"files", l_run_files},   {"column", l_run_column}, {"packed", l_run_packed},
  {"write_csv", l_run_write_csv}, {"close", l_run_close}, {NULL, NULL},
};

static const luaL_Reg FUNCTIONS[] = {
  {"open_file", l_open_file}, {"open_run", l_open_run}, {"find", l_find},     {"verify", l_verify},
  {"repair", l_repair},       {"purge", l_purge},       {"merge", l_merge},   {"base64", l_base64},
  {"recover", l_recover},     {"number", l_number},     {NULL, NULL},
};

static void new_type(lua_State *L, const char *name, const luaL_Reg *methods, lua_CFunction gc) {
  luaL_newmetatable(L, name);
  lua_newtable(L);
  luaL_setfuncs(L, methods, 0);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, gc);
  lua_setfield(L, -2, "__gc");
  lua_pushcfunction(L, gc);
  lua_setfield(L, -2, "__close");
  lua_pop(L, 1);
}

void hl_open_reader(lua_State *L) {
  new_type(L, FILE_TYPE, FILE_METHODS, l_file_close);
  new_type(L, RUN_TYPE, RUN_METHODS, l_run_close);
  luaL_newlib(L, FUNCTIONS);
}

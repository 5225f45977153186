/* l_fs.c - the few file operations the training loop needs and Lua lacks: `helios.native.fs`. All go through env.h.
 * A failing world gives nil, message, code. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "../crc32c.h"
#include "../env.h"
#include "../error.h"
#include "l_helios.h"

static const hl_env *const env = &hl_env_system;

static int push_result(lua_State *L, const hl_error *err) {
  char text[sizeof err->argument + sizeof err->reason];
  hl_error_text(err, text, sizeof text);
  return hl_push_status(L, err->status, text);
}

static void write_and_sync(const char *path, const char *data, size_t n, hl_error *err) {
  int code = 0, ignored;
  size_t done;
  int fd = env->open(env, path, O_WRONLY | O_CREAT | O_TRUNC, &code);
  if (fd < 0) {
    hl_fail_io(err, path, "cannot create", code);
    return;
  }
  if (hl_env_write_all(env, fd, data, n, &done, &code) != 0) hl_fail_io(err, path, "cannot write", code);
  else if (env->sync(env, fd, &code) != 0) hl_fail_io(err, path, "cannot sync", code);
  if (env->close(env, fd, &code) != 0) hl_fail_io(err, path, "cannot close", code);
  if (err->status != HELIOS_OK) env->remove(env, path, &ignored);
}

/* The rename itself lasts only once the folder is on the disk. Some file systems cannot sync a folder: best effort. */
static void sync_folder(const char *folder) {
  int code;
  int fd = env->open(env, folder, O_RDONLY | O_DIRECTORY, &code);
  if (fd < 0) return;
  env->sync(env, fd, &code);
  env->close(env, fd, &code);
}

static const char *push_folder(lua_State *L, const char *path) {
  const char *slash = strrchr(path, '/');
  if (slash == NULL) return lua_pushliteral(L, ".");
  return lua_pushlstring(L, path, slash == path ? 1 : (size_t)(slash - path));
}

/* replace(path, bytes): the file holds either what it held before or all of `bytes`, also after a power failure. */
static int l_replace(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  size_t n;
  const char *data = luaL_checklstring(L, 2, &n);
  const char *temporary = lua_pushfstring(L, "%s.tmp", path);
  const char *folder = push_folder(L, path);
  hl_error err = {0};
  int code = 0, ignored;
  write_and_sync(temporary, data, n, &err);
  if (err.status == HELIOS_OK && env->rename(env, temporary, path, &code) != 0) {
    hl_fail_io(&err, path, "cannot rename the temporary file", code);
    env->remove(env, temporary, &ignored);
  }
  if (err.status == HELIOS_OK) sync_folder(folder);
  return push_result(L, &err);
}

static bool add_name(void *names, const char *name) {
  hl_buf_append(names, name, strlen(name) + 1);
  return true;
}

/* list(folder): the names in it, sorted by nothing. */
static int l_list(lua_State *L) {
  const char *folder = luaL_checkstring(L, 1);
  hl_buf *names = hl_push_buffer(L);
  hl_error err = {0};
  int code = 0;
  if (env->list_dir(env, folder, add_name, names, &code) != 0) hl_fail_io(&err, folder, "cannot list", code);
  else if (names->failed) hl_fail(&err, HELIOS_ENOMEM, "%s: out of memory", folder);
  if (err.status != HELIOS_OK) return push_result(L, &err);
  lua_newtable(L);
  for (size_t at = 0; at < names->len; at += strlen((char *)names->data + at) + 1) {
    lua_pushstring(L, (char *)names->data + at);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
  }
  return 1;
}

static int l_make_dirs(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  hl_error err = {0};
  int code = 0;
  if (hl_env_make_dirs(env, path, &code) != 0) hl_fail_io(&err, path, "cannot make the folder", code);
  return push_result(L, &err);
}

/* claim(path, folder): make an empty file, or a folder, that was not there. False when it was: of several processes that
 * want one name, one gets it. */
static int l_claim(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  bool folder = lua_toboolean(L, 2);
  hl_error err = {0};
  int code = 0, ignored;
  int fd = folder ? env->make_dir(env, path, &code) : env->open(env, path, O_WRONLY | O_CREAT | O_EXCL, &code);
  if (fd < 0 && code == EEXIST) {
    lua_pushboolean(L, 0);
    return 1;
  }
  if (fd < 0) hl_fail_io(&err, path, "cannot create", code);
  else if (!folder) env->close(env, fd, &ignored);
  return push_result(L, &err);
}

static int l_remove(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  hl_error err = {0};
  int code = 0;
  if (env->remove(env, path, &code) != 0) hl_fail_io(&err, path, "cannot remove", code);
  return push_result(L, &err);
}

/* is_folder(path), is_file(path): true, false for anything else that exists, nil when nothing is there. A link is what
 * it leads to; a device, a pipe or a socket is neither. */
static int push_kind(lua_State *L, bool want_folder) {
  bool regular, folder;
  int code;
  if (env->stat_path(env, luaL_checkstring(L, 1), &regular, &folder, &code) != 0) lua_pushnil(L);
  else lua_pushboolean(L, want_folder ? folder : regular);
  return 1;
}

static int l_is_folder(lua_State *L) { return push_kind(L, true); }
static int l_is_file(lua_State *L) { return push_kind(L, false); }

/* follow(path): where a link leads, nil when it is none or leads nowhere. */
static int l_follow(lua_State *L) {
  char real[PATH_MAX];
  if (env->follow(env, luaL_checkstring(L, 1), real)) lua_pushstring(L, real);
  else lua_pushnil(L);
  return 1;
}

/* crc32c(bytes): the checksum of a checkpoint. */
static int l_crc32c(lua_State *L) {
  size_t n;
  const char *data = luaL_checklstring(L, 1, &n);
  lua_pushinteger(L, hl_crc32c(0, data, n));
  return 1;
}

static const luaL_Reg FUNCTIONS[] = {
  {"replace", l_replace}, {"list", l_list},           {"make_dirs", l_make_dirs}, {"claim", l_claim},
  {"remove", l_remove},   {"is_folder", l_is_folder}, {"is_file", l_is_file},     {"crc32c", l_crc32c},
  {"follow", l_follow},   {NULL, NULL},
};

void hl_open_fs(lua_State *L) { luaL_newlib(L, FUNCTIONS); }

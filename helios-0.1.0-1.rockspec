-- `luarocks --lua-version=5.4 make` builds and installs this tree; `make rock` does so below build/rock.
rockspec_format = "3.0"
package = "helios"
version = "0.1.0-1"
source = {url = "file://helios-0.1.0.tar.gz"} -- `make dist`
description = {
  summary = "Text logs and TensorBoard runs for Lua 5.4",
  detailed = [[
    Records experiments: a text log, and event files that TensorBoard shows, written by a small C core. The interface is
    that of helios.core.logging and torch.utils.tensorboard.]],
  license = "MIT",
}
supported_platforms = {"linux"}
dependencies = {"lua ~> 5.4"}
external_dependencies = {
  PNG = {header = "png.h"},
  ZLIB = {header = "zlib.h"},
  DLPACK = {header = "dlpack/dlpack.h"},
  MSGPACK = {header = "msgpack.h"},
}
build = {
  type = "make",
  build_target = "lua",
  build_variables = {
    CC = "$(CC)",
    LUA_CFLAGS = "-I$(LUA_INCDIR)",
    BUILD = "build-rock",
    LUA = "$(LUA)",
    WERROR = "",
  },
  install_target = "install-lua",
  install_variables = {
    CC = "$(CC)",
    LUA_CFLAGS = "-I$(LUA_INCDIR)",
    BUILD = "build-rock",
    LUA = "$(LUA)",
    WERROR = "",
    LUADIR = "$(LUADIR)",
    LUACDIR = "$(LIBDIR)",
    LIBDIR = "$(LIBDIR)",
  },
  copy_directories = {"examples"},
}

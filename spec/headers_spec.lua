---The headers alone, as other compilers and languages take them.
-- Compilers and LuaJIT are no sanitizer's business: nothing to do where one is loaded.
if os.getenv("LD_PRELOAD") then return end

local lfs = require "lfs"
local tmp = require "spec.support.tmp"

local build = lfs.currentdir() .. "/" .. (os.getenv("BUILD") or "build")
local cc, cxx = os.getenv("CC") or "cc", os.getenv("CXX") or "c++"

---@return string output stdout and stderr
local function run(command, ...)
  local pipe = assert(io.popen(command:format(...) .. " 2>&1"))
  local output = pipe:read("a")
  return output, pipe:close()
end

local function headers()
  local found = {}
  for name in lfs.dir("include/helios") do
    if name:find("%.h$") then found[#found + 1] = name end
  end
  table.sort(found)
  return found
end

-- A header that leaves no warning is alone enough, and can be included twice.
local function compile(command, suffix)
  local dir = tmp.dir()
  for _, name in ipairs(headers()) do
    local source = ("%s/%s.%s"):format(dir, name, suffix)
    tmp.write(source, ("#include <helios/%s>\n#include <helios/%s>\n"):format(name, name))
    local output = run("%s -Iinclude $(pkg-config --cflags lua5.4) -fsyntax-only %s", command, source)
    assert.equal("", output, name)
  end
end

local WARNINGS = " -Wall -Wextra -Wpedantic "

describe("each header", function()
  it("can be included alone, in C11", function() compile(cc .. " -std=c11" .. WARNINGS, "c") end)
  it("can be included alone, in C++17", function() compile(cxx .. " -std=c++17" .. WARNINGS, "cpp") end)
end)

-- LuaJIT has no preprocessor: it gets what the compiler's leaves of helios.h.
local JIT = [[
local ffi = require "ffi"
ffi.cdef(io.open(arg[1]):read("*a"))
local helios = ffi.load(arg[2])
local writer = ffi.new("helios_writer *[1]")
local why = ffi.new("char[256]")
local options = ffi.new("helios_writer_options", {size = ffi.sizeof("helios_writer_options"), flush_secs = 1})
assert(helios.helios_writer_open(arg[3], options, writer, why, 256) == ffi.C.HELIOS_OK, ffi.string(why))
local pixels, shape = ffi.new("uint8_t[12]", {255, 0, 0}), ffi.new("int64_t[3]", {3, 2, 2})
local image = ffi.new("DLTensor", {data = pixels, device = {device_type = "kDLCPU"}, ndim = 3, shape = shape,
  dtype = helios.helios_dtype_to_dl("HELIOS_UINT8")})
assert(helios.helios_writer_add_scalar(writer[0], "jit", 0.5, 3) == 0)
assert(helios.helios_writer_add_image(writer[0], "picture", image, nil, 3, nil) == 0)
assert(helios.helios_writer_add_scalar(writer[0], "\255", 0.5, 3) == ffi.C.HELIOS_EINVAL)
assert(helios.helios_writer_close(writer[0]) == 0)
helios.helios_writer_free(writer[0])
local log = ffi.new("helios_logger *[1]")
assert(helios.helios_logger_open(arg[3] .. "/jit.log", nil, log, why, 256) == 0, ffi.string(why))
assert(helios.helios_logger_printf(log[0], ffi.C.HELIOS_INFO, "%d points", ffi.new("int", 1)) == 0)
helios.helios_logger_free(log[0])
]]

describe("LuaJIT", function()
  local events = require "spec.support.events"

  it("takes the preprocessed headers and logs through them", function()
    local dir = tmp.dir()
    assert.equal("", (run("%s -E -P -Iinclude include/helios/helios.h -o %s/helios.i", cc, dir)))
    tmp.write(dir .. "/jit.lua", JIT)
    assert.equal("", (run("luajit %s/jit.lua %s/helios.i %s/libhelios.so %s/run", dir, dir, build, dir)))
    assert.equal(3, events.values(dir .. "/run", "jit")[1].step)
    assert.equal(2, events.values(dir .. "/run", "picture")[1].image.width)
    assert.matches("%[INFO%]: 1 points\n$", tmp.read(dir .. "/run/jit.log"))
  end)
end)

describe("helios/writer.h", function()
  it("has a function for every add_* of the Lua class", function()
    local header, count = tmp.read("include/helios/writer.h"), 0
    for name in pairs(require("helios.core.logging").TensorboardWriter) do
      if name:find("^add_") then
        assert.truthy(header:find("helios_writer_" .. name .. "%("), name)
        count = count + 1
      end
    end
    assert.is_true(count > 20)
  end)
end)

---The manual and the README: every example runs. A page's Lua blocks are one program, in which each line keeps its
---number, so that a message names the page's own line; a C block is a program of its own.
-- Compilers are no sanitizer's business, and the modules' own specs run under one.
if os.getenv("LD_PRELOAD") then return end

local lfs = require "lfs"
local shell = require "spec.support.shell"
local tmp = require "spec.support.tmp"

local function pages()
  local found = {"README.md"}
  for name in lfs.dir("docs") do
    if name:find("%.md$") then found[#found + 1] = "docs/" .. name end
  end
  table.sort(found)
  return found
end

---Blocks of a language: {text, first_line}.
local function blocks(path, language)
  local found, block, number = {}, nil, 0
  for line in io.lines(path) do
    number = number + 1
    if block and line:find("^```") then
      block = nil
    elseif line == "```" .. language then
      block = {first_line = number + 1}
      found[#found + 1] = block
    elseif block then
      block[#block + 1] = line
    end
  end
  return found
end

---All blocks as one text with every line at its place.
local function program(path)
  local lines, last = {}, 0
  for _, block in ipairs(blocks(path, "lua")) do
    for number = last + 1, block.first_line - 1 do lines[number] = "" end
    for i, line in ipairs(block) do lines[block.first_line + i - 1] = line end
    last = block.first_line + #block - 1
  end
  return table.concat(lines, "\n") .. "\n"
end

local environment = ([[export LUA_PATH="%s/lua/?.lua;%s/lua/?/init.lua;;" LUA_CPATH="%s/lua/?.so;;"; ]]):format(
  shell.root, shell.root, shell.build)

local function run_lua(path)
  local dir = tmp.dir()
  local name = path:match("[^/]*$")
  tmp.write(dir .. "/" .. name, program(path))
  shell.run("cd %s && %s %s %s", dir, environment, os.getenv("LUA") or "lua5.4", name)
end

local COMPILE = "cc -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -I%s/include $(pkg-config --cflags lua5.4) "
  .. "example.c -o example %s/libhelios-lua.a %s/libhelios.a -lpng -lz -lm -pthread $(pkg-config --libs lua5.4)"

local function run_c(block)
  local dir = tmp.dir()
  tmp.write(dir .. "/example.c", table.concat(block, "\n") .. "\n")
  shell.run("cd %s && " .. COMPILE .. " && ./example", dir, shell.root, shell.build, shell.build)
end

for _, path in ipairs(pages()) do
  describe(path, function()
    if #blocks(path, "lua") > 0 then
      it("has Lua examples that run", function() run_lua(path) end)
    end
    for _, block in ipairs(blocks(path, "c")) do
      it(("has a C example at line %d that builds and runs"):format(block.first_line), function() run_c(block) end)
    end
    it("links to what is there", function()
      for target in tmp.read(path):gmatch("%]%(([^)#]+)[^)]*%)") do
        if not target:find("^%a+:") then
          local file = (path:match("^(.*/)") or "") .. target
          assert.truthy(lfs.attributes(file, "mode"), target)
        end
      end
    end)
  end)
end

-- ---- every public function has an example ------------------------------------------------------------------------

local MODULES = {"core.logging", "core.distributed", "tensor", "figure", "graph", "reader", "rng", "data", "checkpoint",
                 "progress"}

---The classes, by what their methods are found in.
local function classes()
  local helios = require "helios"
  local native = require "helios.native"
  local logging = helios.logging
  return {
    TensorboardWriter = logging.TensorboardWriter,
    RootLogger = logging.RootLogger(),
    Tensor = native.tensor.methods or {},
    Figure = getmetatable(helios.figure.new{}).__index,
    Generator = getmetatable(helios.rng.new(1)).__index,
    Trainer = helios.Trainer, Model = helios.Model, DataModule = helios.DataModule, Plugin = helios.Plugin,
  }
end

describe("the manual", function()
  local text = {}
  for _, path in ipairs(pages()) do text[#text + 1] = program(path) end
  text = table.concat(text)

  local function check(owner, name)
    local called = text:find("[.:]" .. name .. "%s*[({\"]") or text:find("%f[%w_]" .. name .. " = function")
      or text:find("function [%w_.:]*" .. name .. "%(") or text:find("%." .. name .. ",")
    assert.truthy(called, owner .. "." .. name .. " has no example")
  end

  it("has an example of every function of every module", function()
    for _, module in ipairs(MODULES) do
      for name, value in pairs(require("helios." .. module)) do
        if type(value) == "function" then check(module, name) end
      end
    end
  end)

  it("has a C example of every function of the headers", function()
    local programs = {}
    for _, path in ipairs(tmp.files("examples/embed", "%.c$")) do
      programs[#programs + 1] = tmp.read("examples/embed/" .. path)
    end
    for _, path in ipairs(pages()) do
      for _, block in ipairs(blocks(path, "c")) do programs[#programs + 1] = table.concat(block, "\n") end
    end
    local code = table.concat(programs):gsub("EXPECT%((%l)", "EXPECT(helios_writer_%1")
    for _, path in ipairs(tmp.files("include/helios")) do
      local header = tmp.read("include/helios/" .. path):gsub("/%*.-%*/", "")
      for declaration in header:gmatch("HELIOS_API [^;]*;") do
        local name = declaration:gsub("__attribute__.*", ""):match("([%w_]+)%(")
        assert.truthy(name == nil or code:find(name .. "[(),]"), name)
      end
    end
  end)

  it("has an example of every method", function()
    for class, methods in pairs(classes()) do
      for name, value in pairs(type(methods) == "table" and methods or {}) do
        if type(value) == "function" and not name:find("^_") and name ~= "new" then check(class, name) end
      end
    end
  end)
end)

describe("make docs", function()
  for _, tool in ipairs {"markdown", "ldoc", "mandoc"} do
    if not shell.has(tool) then return pending("needs " .. tool) end
  end

  it("makes pages whose links lead somewhere", function()
    local dir = tmp.dir()
    shell.run("make -s docs BUILD=%s LUA=lua5.4", dir)
    local count = 0
    for _, path in ipairs(tmp.files(dir .. "/docs", "%.html$")) do
      local text, folder = tmp.read(dir .. "/docs/" .. path), path:match("^(.*/)") or ""
      for target in text:gmatch('href="([^"#:]+)[#"]') do
        assert.truthy(lfs.attributes(dir .. "/docs/" .. folder .. target, "mode"), path .. ": " .. target)
        count = count + 1
      end
    end
    assert.is_true(count > 100)
    assert.matches("from_table", tmp.read(dir .. "/docs/lua/modules/helios.tensor.html"), 1, true)
    for _, page in ipairs {"index", "helios.1", "helios.3"} do
      assert.matches('<nav><a href="index.html">', tmp.read(dir .. "/docs/" .. page .. ".html"), 1, true)
    end
    assert.matches("helios_writer_add_scalar", tmp.read(dir .. "/docs/helios.3.html"), 1, true)
  end)
end)

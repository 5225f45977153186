local lfs = require "lfs"
local native = require "helios.native"

local FOLDER = "lua/helios/_meta/"

-- "new", "methods.get", ...: what a table of functions holds, sorted.
local function names(functions, prefix, found)
  found = found or {}
  for name, value in pairs(functions) do
    if type(value) == "table" then
      names(value, prefix .. name .. ".", found)
    elseif type(value) == "function" then
      found[#found + 1] = prefix .. name
    end
  end
  table.sort(found)
  return found
end

describe("the types of the C modules", function()
  it("are there for every table of helios.native", function()
    for name, value in pairs(native) do
      if type(value) == "table" then assert.equal("file", lfs.attributes(FOLDER .. name .. ".lua", "mode"), name) end
    end
  end)

  it("name what the C files register, and nothing else", function()
    for file in lfs.dir(FOLDER) do
      local name = file:match("^(%w+)%.lua$")
      if name and name ~= "native" then
        local described = dofile(FOLDER .. file)
        assert.same(names(native[name] or {}, name .. "."), names(described, name .. "."))
      end
    end
  end)

  it("are listed as fields of helios.native", function()
    local text = assert(io.open(FOLDER .. "native.lua")):read("a")
    for name, value in pairs(native) do
      assert.truthy(text:find(("\n---@field %s %s"):format(name, type(value) == "table" and "helios.native." .. name
        or type(value)), 1, true), name)
    end
  end)
end)

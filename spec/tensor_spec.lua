local tensor = require "helios.tensor"
local tmp = require "spec.support.tmp"

local DTYPES = {
  "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
  "float16", "bfloat16", "float32", "float64",
}
local INTEGERS = {int8 = "b", int16 = "h", int32 = "i4", int64 = "i8", uint8 = "B", uint16 = "H", uint32 = "I4",
                  uint64 = "I8"}

local function fails(message, f, ...)
  local ok, err = pcall(f, ...)
  assert.is_false(ok)
  assert.equal(message, (tostring(err):gsub("^[^:]+:%d+: ", "")))
end

describe("tensor.new", function()
  it("makes zeros of the shape, float32 unless told", function()
    local t = tensor.new {2, 3}
    assert.equal("float32", t.dtype)
    assert.same({2, 3}, t.shape)
    assert.same({{0, 0, 0}, {0, 0, 0}}, t:totable())
  end)

  it("knows thirteen dtypes", function()
    local sizes = {bool = 1, int8 = 1, uint8 = 1, int16 = 2, uint16 = 2, float16 = 2, bfloat16 = 2, int32 = 4,
                   uint32 = 4, float32 = 4, int64 = 8, uint64 = 8, float64 = 8}
    for _, dtype in ipairs(DTYPES) do
      local t = tensor.new({3}, dtype)
      assert.equal(dtype, t.dtype)
      assert.equal(("\0"):rep(3 * sizes[dtype]), t:bytes())
    end
  end)

  it("takes the dtype by name too", function()
    assert.equal("int8", tensor.new({1}, {dtype = "int8"}).dtype)
  end)

  it("makes a single number of an empty shape", function()
    local t = tensor.new {}
    assert.equal(0, t.ndim)
    assert.equal(1, t:numel())
    assert.equal(0.0, t:get())
    assert.equal(0.0, t:totable())
  end)

  it("makes an empty tensor of a size of 0", function()
    local t = tensor.new {2, 0, 3}
    assert.equal(0, t:numel())
    assert.equal("", t:bytes())
    assert.same({{}, {}}, t:totable())
  end)

  it("raises for what is no shape", function()
    fails("new: argument 'shape': missing", tensor.new)
    fails("new: argument 'shape': expected a list of sizes, got 5", tensor.new, 5)
    fails("new: argument 'shape': [2]: expected an integer, got 2.5", tensor.new, {2, 2.5})
    fails("new: argument 'shape': [1]: a size must not be negative", tensor.new, {-1})
    fails("new: argument 'shape': [1]: expected an integer, got a string", tensor.new, {"2"})
    fails("new: argument 'shape': expected a list of sizes, got a table with other keys", tensor.new,
      {2, 3, dtype = "uint8"})
    fails("new: argument 'shape': at most 32 dimensions", tensor.new, table.pack(("x"):rep(33):byte(1, -1)))
  end)

  it("raises for a product that overflows", function()
    fails("new: argument 'shape': {4294967296, 4294967296} is too large", tensor.new, {1 << 32, 1 << 32})
    fails("new: argument 'shape': {4611686018427387904} is too large", tensor.new, {1 << 62}, "float64")
    fails("new: argument 'shape': {0, 4294967296, 4294967296} is too large", tensor.new, {0, 1 << 32, 1 << 32})
  end)

  it("raises for unknown dtypes and options", function()
    fails("new: argument 'dtype': unknown dtype 'float33'", tensor.new, {1}, "float33")
    fails("new: argument 'dtype': expected a string, got 32", tensor.new, {1}, 32)
    fails("new: unknown option 'dtyp'", tensor.new, {1}, {dtyp = "int8"})
    fails("new: unknown option '1'", tensor.new, {1}, {"int8"})
    fails("new: too many arguments", tensor.new, {1}, "int8", 3)
  end)
end)

describe("tensor.from_table", function()
  it("takes nested lists, outermost dimension first", function()
    local t = tensor.from_table {{1, 2, 3}, {4, 5, 6}}
    assert.same({2, 3}, t.shape)
    assert.equal(string.pack("<ffffff", 1, 2, 3, 4, 5, 6), t:bytes())
  end)

  it("takes a number", function()
    local t = tensor.from_table(2.5, "float64")
    assert.equal(0, t.ndim)
    assert.equal(2.5, t:get())
  end)

  it("takes booleans as 1 and 0", function()
    assert.same({1, 0}, tensor.from_table({true, false}):totable())
    assert.same({true, false}, tensor.from_table({true, false}, "bool"):totable())
    assert.same({true, false}, tensor.from_table({1, 0}, "bool"):totable())
  end)

  it("keeps every integer of every integer dtype", function()
    for dtype, format in pairs(INTEGERS) do
      local size, signed = string.packsize(format), dtype:sub(1, 1) == "i"
      local bits = size * 8 - (signed and 1 or 0)
      local top = bits == 64 and math.maxinteger or (1 << bits) - 1
      local bottom = signed and ~top or 0
      local t = tensor.from_table({bottom, top, 1}, dtype)
      assert.equal(string.pack("<" .. format:rep(3), bottom, top, 1), t:bytes())
      assert.same({bottom, top, 1}, t:totable())
    end
  end)

  it("keeps the upper half of uint64, which reads back as floats", function()
    local t = tensor.from_table({2.0 ^ 63, 2.0 ^ 64 - 2048}, "uint64")
    assert.equal(string.pack("<I8I8", 1 << 63, -2048), t:bytes())
    assert.same({2.0 ^ 63, 2.0 ^ 64 - 2048}, t:totable())
  end)

  it("rounds floats to their dtype", function()
    assert.equal(string.pack("<d", 0.1), tensor.from_table(0.1, "float64"):bytes())
    assert.equal(string.pack("<f", 0.1), tensor.from_table(0.1):bytes())
    assert.equal("\x66\x2e", tensor.from_table(0.1, "float16"):bytes())
    assert.equal("\xcd\x3d", tensor.from_table(0.1, "bfloat16"):bytes())
    assert.equal(math.huge, tensor.from_table(65536, "float16"):get())
    assert.equal(65536.0, tensor.from_table(65536, "bfloat16"):get())
  end)

  it("takes empty lists", function()
    assert.same({0}, tensor.from_table({}).shape)
    assert.same({2, 0}, tensor.from_table({{}, {}}).shape)
  end)

  it("asks a metatable that says how to read the list", function()
    local squares = setmetatable({}, {__len = function() return 4 end, __index = function(_, i) return i * i end})
    assert.same({1, 4, 9, 16}, tensor.from_table(squares, "int32"):totable())
    assert.same({{1, 4, 9, 16}, {0, 0, 0, 0}}, tensor.from_table({squares, {0, 0, 0, 0}}, "int32"):totable())
  end)

  it("names the ragged place", function()
    local from = tensor.from_table
    fails("from_table: argument 't': ragged table at [2]: expected 2 elements, got 1", from, {{1, 2}, {3}})
    fails("from_table: argument 't': ragged table at [1][2]: expected 1 elements, got 2", from, {{{1}, {2, 3}}})
    fails("from_table: argument 't': ragged table at [2]: expected a table, got 3", from, {{1, 2}, 3})
    fails("from_table: argument 't': ragged table at [2][2]: expected a number, got a table", from, {{1, 2}, {3, {4}}})
  end)

  it("names what is no number", function()
    local from = tensor.from_table
    fails("from_table: argument 't': [2][1]: expected a number, got a string", from, {{1, 2}, {"3", 4}})
    fails("from_table: argument 't': [2]: expected a number, got nil", from, {1, nil, 3})
    fails("from_table: argument 't': expected a number, got a string", from, "1")
    fails("from_table: argument 't': expected a list, got a table", from, {x = 1})
    fails("from_table: argument 't': [2]: expected a list, got a table", from, {{}, {x = 1}})
  end)

  it("names integers that do not fit", function()
    local from = tensor.from_table
    fails("from_table: argument 't': [1]: expected an integer that fits uint8, got 256", from, {256}, "uint8")
    fails("from_table: argument 't': [1]: expected an integer that fits int8, got -129", from, {-129}, "int8")
    fails("from_table: argument 't': [1]: expected an integer that fits int64, got 1.5", from, {1.5}, "int64")
    fails("from_table: argument 't': [1]: expected an integer that fits uint64, got -1", from, {-1}, "uint64")
    fails("from_table: argument 't': [1]: expected a boolean, 0 or 1, got 2", from, {2}, "bool")
  end)

  it("finds cyclic tables", function()
    local straight = {}
    straight[1] = straight
    fails("from_table: argument 't': cyclic table at [1]: expected a number, got a table", tensor.from_table, straight)
    local aside = {{1}, {2}}
    aside[2][1] = aside
    fails("from_table: argument 't': cyclic table at [2][1]: expected a number, got a table", tensor.from_table, aside)
  end)

  it("refuses to nest deeper than 32", function()
    local t = 1
    for _ = 1, 32 do t = {t} end
    assert.equal(32, tensor.from_table(t).ndim)
    fails("from_table: argument 't': nested deeper than 32", tensor.from_table, {t})
  end)
end)

describe("tensor.from_bytes", function()
  it("takes native, C-contiguous bytes", function()
    local t = tensor.from_bytes(string.pack("=i4i4i4i4", 1, -2, 3, -4), {2, 2}, "int32")
    assert.same({{1, -2}, {3, -4}}, t:totable())
  end)

  it("copies them: the string stays as it is", function()
    local s = "abc"
    local t = tensor.from_bytes(s, {3}, "uint8")
    t:set(0, 1)
    assert.equal("abc", s)
    assert.equal("\0bc", t:bytes())
  end)

  it("raises when there are more or fewer than the shape takes", function()
    fails("from_bytes: argument 's': uint8 of {2, 3} takes 6 bytes, got 5", tensor.from_bytes, "abcde", {2, 3}, "uint8")
    fails("from_bytes: argument 's': float32 of {} takes 4 bytes, got 5", tensor.from_bytes, "abcde", {})
    fails("from_bytes: argument 'shape': {4294967296, 4294967296} is too large", tensor.from_bytes, "",
      {1 << 32, 1 << 32}, "uint8")
  end)
end)

describe("a tensor's elements", function()
  it("are read and written by indices from 1", function()
    local t = tensor.new({2, 3}, "int16")
    t:set(7, 2, 3)
    assert.equal(7, t:get(2, 3))
    assert.same({{0, 0, 0}, {0, 0, 7}}, t:totable())
  end)

  it("are taken by float indices with an integer's value", function()
    assert.equal(5.0, tensor.from_table({4, 5}):get(2.0))
  end)

  it("have the type of their dtype in Lua", function()
    assert.equal("integer", math.type(tensor.new({}, "uint8"):get()))
    assert.equal("float", math.type(tensor.new({}, "float16"):get()))
    assert.equal("boolean", type(tensor.new({}, "bool"):get()))
  end)

  it("are all set by fill, which gives the tensor back", function()
    local t = tensor.new({2, 2}, "float64")
    assert.equal(t, t:fill(0.5))
    assert.same({{0.5, 0.5}, {0.5, 0.5}}, t:totable())
  end)

  it("are not read or written outside the shape", function()
    local t = tensor.new {2, 3}
    fails("get: index 1: 3 is outside 1..2", t.get, t, 3, 1)
    fails("get: index 2: 0 is outside 1..3", t.get, t, 1, 0)
    fails("get: index 1: expected an integer, got 1.5", t.get, t, 1.5, 1)
    fails("get: expected 2 indices, got 1", t.get, t, 1)
    fails("set: expected 2 indices, got 3", t.set, t, 0, 1, 1, 1)
    fails("set: expected 2 indices, got 0", t.set, t)
  end)

  it("are not set to what does not fit, and stay as they were", function()
    local t = tensor.from_table({1, 2}, "uint8")
    fails("set: argument 'v': expected an integer that fits uint8, got 300", t.set, t, 300, 1)
    fails("set: argument 'v': expected a number, got a string", t.set, t, "1", 1)
    fails("fill: argument 'v': expected a number, got nil", t.fill, t)
    assert.same({1, 2}, t:totable())
  end)
end)

describe("a tensor's views", function()
  it("permute: share memory, in another order", function()
    local t = tensor.from_table({{1, 2, 3}, {4, 5, 6}}, "int32")
    local p = t:permute(2, 1)
    assert.same({3, 2}, p.shape)
    assert.same({{1, 4}, {2, 5}, {3, 6}}, p:totable())
    assert.equal(string.pack("<i4i4i4i4i4i4", 1, 4, 2, 5, 3, 6), p:bytes())
    p:set(9, 3, 1)
    assert.equal(9, t:get(1, 3))
  end)

  it("select: share memory, one dimension less", function()
    local t = tensor.from_table({{1, 2, 3}, {4, 5, 6}}, "int32")
    assert.same({4, 5, 6}, t:select(1, 2):totable())
    assert.same({3, 6}, t:select(2, 3):totable())
    t:select(2, 1):fill(0)
    assert.same({{0, 2, 3}, {0, 5, 6}}, t:totable())
    assert.equal(5, t:select(1, 2):select(1, 2):get())
  end)

  it("reshape: shares memory where the elements lie in order", function()
    local t = tensor.from_table({{1, 2, 3}, {4, 5, 6}}, "int32")
    local r = t:reshape(3, 2)
    assert.same({{1, 2}, {3, 4}, {5, 6}}, r:totable())
    r:set(0, 1, 1)
    assert.equal(0, t:get(1, 1))
  end)

  it("reshape: copies where they do not", function()
    local t = tensor.from_table({{1, 2, 3}, {4, 5, 6}}, "int32")
    local r = t:permute(2, 1):reshape(6)
    assert.same({1, 4, 2, 5, 3, 6}, r:totable())
    r:fill(0)
    assert.equal(1, t:get(1, 1))
  end)

  it("reshape: works out one size given as -1", function()
    local t = tensor.new {2, 3, 4}
    assert.same({6, 4}, t:reshape(-1, 4).shape)
    assert.same({24}, t:reshape(-1).shape)
    assert.same({}, tensor.new({1}):reshape().shape)
  end)

  it("keep what they show alive", function()
    local view = tensor.from_table({{1, 2}, {3, 4}}, "int64"):permute(2, 1):select(1, 2)
    collectgarbage()
    collectgarbage()
    for i = 1, 100 do tensor.new({2, 2}, "int64"):fill(i) end
    assert.same({2, 4}, view:totable())
  end)

  it("raise for what is no view of the tensor", function()
    local t = tensor.new {2, 3}
    fails("permute: argument 2: expected each of 1..2 once, got 1", t.permute, t, 1, 1)
    fails("permute: argument 1: expected each of 1..2 once, got 3", t.permute, t, 3, 1)
    fails("permute: expected 2 dimensions, got 1", t.permute, t, 1)
    fails("permute: argument 1: expected an integer, got a string", t.permute, t, "1", 2)
    fails("select: argument 'dim': 3 is outside 1..2", t.select, t, 3, 1)
    fails("select: argument 'i': 4 is outside 1..3", t.select, t, 2, 4)
    fails("select: expected a dimension and an index", t.select, t, 1)
    fails("reshape: 6 elements do not make {4}", t.reshape, t, 4)
    fails("reshape: 6 elements do not make {-1, 4}", t.reshape, t, -1, 4)
    fails("reshape: argument 2: only one size may be -1", t.reshape, t, -1, -1)
    fails("reshape: argument 1: a size must not be negative", t.reshape, t, -2, 3)
  end)
end)

describe("a tensor", function()
  it("tells its sizes", function()
    local t = tensor.new({4, 2, 3}, "uint8")
    assert.equal(4, #t)
    assert.equal(3, t.ndim)
    assert.equal(24, t:numel())
    assert.equal("helios.tensor uint8 {4, 2, 3}", tostring(t))
  end)

  it("gives a fresh shape, so that writing to it changes nothing", function()
    local t = tensor.new {2, 3}
    t.shape[1] = 7
    assert.same({2, 3}, t.shape)
  end)

  it("has no length without dimensions", function()
    fails("a tensor without dimensions has no length", function() return #tensor.new {} end)
  end)

  it("has no other fields", function()
    assert.is_nil(tensor.new({1}).colour)
    assert.is_nil(tensor.new({1})[1])
  end)

  it("raises when its methods are called on something else", function()
    local t = tensor.new {1}
    fails("numel: expected a helios.tensor, got a table", t.numel, {})
    fails("get: expected a helios.tensor, got nil", t.get)
    fails("bytes: expected a helios.tensor, got a FILE*", t.bytes, io.stdout)
  end)
end)

describe("tensor.read_png", function()
  it("reads the pixels of a photograph", function()
    local t = assert(tensor.read_png("examples/data/flower.png"))
    assert.equal("uint8", t.dtype)
    assert.same({427, 640, 3}, t.shape)
    assert.same({2, 19, 13}, t:select(1, 1):select(1, 1):totable())
  end)

  it("gives nil, message, code for a file that is not there", function()
    local t, message, code = tensor.read_png("/nowhere/x.png")
    assert.is_nil(t)
    assert.equal("/nowhere/x.png: No such file or directory", message)
    assert.equal("EIO", code)
  end)

  it("gives nil, message, code for a folder and for what is no PNG", function()
    local dir = tmp.dir()
    tmp.write(dir .. "/x.png", "no picture")
    local t, message, code = tensor.read_png(dir .. "/x.png")
    assert.is_nil(t)
    assert.truthy(message:find(dir .. "/x.png: ", 1, true))
    assert.equal("EFORMAT", code)
    t, message, code = tensor.read_png(dir)
    assert.is_nil(t)
    assert.truthy(message:find(dir, 1, true))
    assert.equal("EIO", code)
  end)

  it("raises for a path that is no string", function()
    fails("read_png: argument 'path': expected a string, got nil", tensor.read_png)
  end)
end)

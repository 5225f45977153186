local checkpoint = require "helios.checkpoint"
local msgpack = require "helios.native".msgpack
local rng = require "helios.rng"
local tensor = require "helios.tensor"
local tmp = require "spec.support.tmp"

-- Equal to the last bit: numbers by type and bits, tables by their entries.
local function same(a, b)
  if math.type(a) == "float" and math.type(b) == "float" then return string.pack("d", a) == string.pack("d", b) end
  if type(a) ~= "table" or type(b) ~= "table" then return math.type(a) == math.type(b) and a == b end
  for key, value in pairs(a) do
    if not same(value, b[key]) then return false end
  end
  for key in pairs(b) do
    if a[key] == nil then return false end
  end
  return true
end

local function comes_back(value)
  return same(value, (msgpack.unpack(msgpack.pack(value))))
end

describe("msgpack", function()
  it("keeps integers and floats apart, to the last bit", function()
    for _, n in ipairs {0, 1, -1, 127, 128, -32, -33, 255, 256, -128, -129, 65535, 65536, -32769, 1 << 31, 1 << 32,
      1 << 53, math.maxinteger, math.mininteger, 0.0, -0.0, 1.0, 0.1, 1e308, 5e-324, -5e-324, 2.0 ^ 53, 1 / 0,
      -1 / 0, 0 / 0, -(0 / 0), string.unpack("d", string.pack("I8", 0x7ff0000000000001))} do
      assert.is_true(comes_back(n), tostring(n))
    end
  end)

  it("is MessagePack as its specification writes it", function()
    local map = {[1] = "a", x = false}
    for bytes, value in pairs {
      ["\0"] = 0, ["\x7f"] = 127, ["\xcc\x80"] = 128, ["\xff"] = -1, ["\xe0"] = -32, ["\xd0\xdf"] = -33,
      ["\xcd\x01\0"] = 256, ["\xce\0\1\0\0"] = 65536, ["\xcf\0\0\0\1\0\0\0\0"] = 1 << 32,
      ["\xd3\x80\0\0\0\0\0\0\0"] = math.mininteger, ["\xcb\x3f\xf8\0\0\0\0\0\0"] = 1.5, ["\xc3"] = true,
      ["\xa3abc"] = "abc", ["\x92\1\x92\2\3"] = {1, {2, 3}}, ["\x82\1\xa1a\xa1x\xc2"] = map, ["\x80"] = {},
    } do
      assert.equal(bytes, msgpack.pack(value))
      assert.is_true(same(value, (msgpack.unpack(bytes))))
    end
    assert.equal("\xc0", msgpack.pack(nil))
  end)

  it("reads what other writers choose: wider integers, single floats", function()
    for bytes, value in pairs {["\xcd\0\5"] = 5, ["\xd2\xff\xff\xff\xff"] = -1, ["\xca\x3f\xc0\0\0"] = 1.5,
      ["\xd9\1a"] = "a", ["\xc5\0\1a"] = "a", ["\xdc\0\1\1"] = {1}, ["\xde\0\1\1\2"] = {2}} do
      assert.is_true(same(value, (msgpack.unpack(bytes))))
    end
  end)

  it("keeps strings byte for byte, text or not", function()
    for _, s in ipairs {"", "text", "Größe", "\0", "\255\254", ("x"):rep(31), ("x"):rep(32), ("x"):rep(256),
      ("\128"):rep(70000), "\xed\xa0\x80", "\xc0\x80", "\xf4\x90\x80\x80", "\xe2\x82"} do
      assert.is_true(comes_back(s))
    end
  end)

  it("writes valid UTF-8 as str and anything else as bin, for readers in other languages", function()
    assert.equal("\xa2\xc3\xa4", msgpack.pack "ä")
    assert.equal("\xc4\x01\xe4", msgpack.pack "\xe4")
    assert.equal("\xc4\x03\xed\xa0\x80", msgpack.pack "\xed\xa0\x80") -- a surrogate
  end)

  it("keeps lists, maps, holes, and keys of every kind", function()
    assert.is_true(comes_back {})
    assert.is_true(comes_back {1, "a", true, {2.5, {}}})
    assert.is_true(comes_back {[1] = "a", [2] = "b", [4] = "d"})
    assert.is_true(comes_back {[0] = "zero", "one"})
    assert.is_true(comes_back {"one", x = 1, [2.5] = 2, [true] = 3, [false] = 4, [-7] = 5, [math.maxinteger] = 6})
    assert.is_true(comes_back {["1"] = "string", "integer"})
    local long = {}
    for i = 1, 70000 do long[i] = i end
    assert.is_true(comes_back(long))
  end)

  it("gives equal bytes for equal tables, in whatever order they were filled", function()
    local a, b = {}, {}
    for i = 1, 200 do a["key" .. i] = i end
    for i = 200, 1, -1 do b["key" .. i] = i end
    assert.equal(msgpack.pack(a), msgpack.pack(b))
  end)

  it("keeps tensors of every dtype and shape", function()
    for _, dtype in ipairs {"bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16",
      "bfloat16", "float32", "float64"} do
      local t = tensor.from_table({{1, 0, 1}, {0, 1, 1}}, dtype)
      local back = msgpack.unpack(msgpack.pack {w = t}).w
      assert.same({dtype, {2, 3}, t:bytes()}, {back.dtype, back.shape, back:bytes()})
    end
    local view = tensor.from_table({{1, 2, 3}, {4, 5, 6}}):permute(2, 1)
    assert.same({{1, 4}, {2, 5}, {3, 6}}, msgpack.unpack(msgpack.pack(view)):totable())
    assert.same({0, 3}, msgpack.unpack(msgpack.pack(tensor.new {0, 3})).shape)
    assert.same({}, msgpack.unpack(msgpack.pack(tensor.new {})).shape)
  end)

  it("comes back for random values", function()
    local g = rng.new(11)
    local function value(depth)
      local kind = g:integers(1, depth > 4 and 4 or 6)
      if kind == 1 then return g:bits() end
      if kind == 2 then return (string.unpack("d", string.pack("i8", g:bits()))) end
      if kind == 3 then return g:integers(0, 1) == 1 end
      if kind == 4 then return string.pack("i8", g:bits()):rep(g:integers(0, 9)):sub(1, g:integers(0, 60)) end
      local t = {}
      for i = 1, g:integers(0, 6) do
        local key = kind == 5 and i or value(9)
        if key == key then t[key] = value(depth + 1) end
      end
      return t
    end
    for _ = 1, 500 do assert.is_true(comes_back(value(0))) end
  end)

  it("refuses what would not come back, and says where it is", function()
    local function message(value) return select(2, pcall(msgpack.pack, value)) end
    assert.equal("msgpack.pack: cannot pack a function at value.a[2].f", message {a = {1, {f = print}}})
    assert.equal("msgpack.pack: cannot pack a thread at value", message(coroutine.create(print)))
    assert.equal("msgpack.pack: cannot pack a userdata at value[1]", message {io.stdout})
    assert.equal("msgpack.pack: cannot pack a key of type table at value.a", message {a = {[{}] = 1}})
    assert.equal("msgpack.pack: cannot pack a table with a metatable (save its fields instead) at value.o",
      message {o = setmetatable({}, {})})
    local cycle = {a = {b = {}}}
    cycle.a.b[1] = cycle.a
    assert.equal("msgpack.pack: cannot pack a table that holds itself at value.a.b[1]", message(cycle))
    local deep = {}
    for _ = 1, 128 do deep = {deep} end
    assert.matches("tables nested deeper than 128 levels", message(deep), 1, true)
  end)

  it("takes a table that is met twice, as two", function()
    local shared = {1}
    assert.is_true(comes_back {shared, shared, {shared}})
  end)

  it("never believes a length before the bytes are there", function()
    for _, bytes in ipairs {"\xdd\xff\xff\xff\xff", "\xdf\xff\xff\xff\xff", "\xdb\xff\xff\xff\xff",
      "\xc6\xff\xff\xff\xff", "\xc9\xff\xff\xff\xff\1", "\x91", "", "\xcb\0\0", ("\xdd\xff\xff\xff\xff"):rep(100)} do
      local value, message, code = msgpack.unpack(bytes)
      assert.is_nil(value)
      assert.matches("^damaged at byte", message)
      assert.equal("EFORMAT", code)
    end
  end)

  it("refuses bytes that are no value: a reserved tag, more than one, too deep, bad keys, foreign types", function()
    for _, bytes in ipairs {"\xc1", "\1\2", ("\x91"):rep(200) .. "\1", "\x81\xc0\1", "\x81\x90\1",
      "\x81\xcb\x7f\xf8\0\0\0\0\0\0\1", "\xd4\x05\0", "\xd6\xff\0\0\0\0", "\xcf\xff\xff\xff\xff\xff\xff\xff\xff",
      "\xc7\0\1", "\xd4\1\0", "\xc7\2\1\x0b\1", "\xc7\x0a\1\x0b\1\xff\xff\xff\xff\xff\xff\xff\xff",
      "\xc7\x0a\1\x0b\1\2\0\0\0\0\0\0\0", "\xc7\2\1\x7f\0", "\xc7\2\1\x0b\xff"} do
      local value, message = msgpack.unpack(bytes)
      assert.is_nil(value)
      assert.matches("^damaged at byte", message)
    end
  end)

  it("survives any damage to a real state", function()
    local g = rng.new(3)
    local bytes = msgpack.pack {w = tensor.new {3, 4}, list = {1, 2.5, "x"}, s = ("y"):rep(40), [1] = {a = {b = true}}}
    for _ = 1, 3000 do
      local at = g:integers(1, #bytes)
      msgpack.unpack(bytes:sub(1, at - 1) .. string.char(g:integers(0, 255)) .. bytes:sub(at + 1))
      msgpack.unpack(bytes:sub(1, at))
    end
  end)
end)

describe("a checkpoint file", function()
  local state = {version = "0.1.0", model = {w = {0.1, 0 / 0}, step = 3}, rng = {s = "\0\255"}}

  it("comes back exactly, and no temporary file stays behind", function()
    local dir = tmp.dir()
    assert.is_true(checkpoint.save(dir .. "/a.chkpt", state))
    assert.is_true(same(state, (checkpoint.load(dir .. "/a.chkpt"))))
    assert.same({"a.chkpt"}, tmp.files(dir))
  end)

  it("is one MessagePack map whose first entry is the checksum of what follows", function()
    local bytes = checkpoint.encode(state)
    local map = msgpack.unpack(bytes)
    assert.same({0.1}, {map.model.w[1]})
    assert.equal("\x84\xa6crc32c\xce", bytes:sub(1, 9))
    assert.equal(require "spec.support.events".crc32c(bytes:sub(14)), map.crc32c)
  end)

  it("is refused when any byte is changed or missing", function()
    local bytes = checkpoint.encode(state)
    for at = 1, #bytes do
      local changed = bytes:sub(1, at - 1) .. string.char(bytes:byte(at) ~ 0x10) .. bytes:sub(at + 1)
      assert.is_nil((checkpoint.decode(changed)))
      assert.is_nil((checkpoint.decode(bytes:sub(1, at - 1))))
    end
  end)

  it("is not touched by a save that fails, and the failure says why", function()
    local dir = tmp.dir()
    local ok, message, code = checkpoint.save(dir .. "/none/a.chkpt", state)
    assert.is_nil(ok)
    assert.matches("none/a.chkpt.tmp: cannot create: No such file or directory", message, 1, true)
    assert.equal("EIO", code)
    local loaded, why = checkpoint.load(dir .. "/none/a.chkpt")
    assert.is_nil(loaded)
    assert.matches("No such file", why, 1, true)
  end)

  it("cannot hold what would not come back", function()
    local dir = tmp.dir()
    assert.error_matches(function() checkpoint.save(dir .. "/a.chkpt", {model = {f = print}}) end,
      "cannot pack a function at value.model.f", 1, true)
    assert.error_matches(function() checkpoint.encode {crc32c = 1} end, "named by strings other than 'crc32c'", 1, true)
    assert.same({}, tmp.files(dir))
  end)
end)

describe("find_last_checkpoint", function()
  it("takes the highest epoch, then the highest iteration, as numbers", function()
    local dir = tmp.dir()
    for _, name in ipairs {"m_epoch_9_iter_900.chkpt", "m_epoch_10_iter_5.chkpt", "m_epoch_10_iter_40_loss_0.5.chkpt",
      "m_epoch_11_iter_1.chkpt.tmp", "m_epoch_12_iter_1.txt", "m_epoch_13.chkpt", "notes.chkpt"} do
      tmp.write(dir .. "/" .. name, "")
    end
    assert.equal(dir .. "/m_epoch_10_iter_40_loss_0.5.chkpt", checkpoint.find_last_checkpoint(dir))
  end)

  it("finds nothing where nothing is", function()
    assert.is_nil(checkpoint.find_last_checkpoint(tmp.dir()))
    assert.is_nil(checkpoint.find_last_checkpoint(tmp.dir() .. "/none"))
    assert.is_nil(checkpoint.find_last_checkpoint(nil))
  end)

  it("passes by names whose numbers are none of ours, and refuses what is no path", function()
    local dir = tmp.dir()
    tmp.write(dir .. "/m_epoch_2_iter_8.chkpt", "")
    tmp.write(dir .. "/m_epoch_99999999999999999999_iter_1.chkpt", "")
    assert.equal(dir .. "/m_epoch_2_iter_8.chkpt", checkpoint.find_last_checkpoint(dir))
    assert.error_matches(function() checkpoint.find_last_checkpoint(5) end,
      "find_last_checkpoint: argument 'root': expected a string or nil, got a number", 1, true)
  end)
end)

local TensorboardWriter = require "helios.core.tensorboard_writer"
local child = require "spec.support.child"
local events = require "spec.support.events"
local lfs = require "lfs"
local native = require "helios.native"
local tensor = require "helios.tensor"
local tmp = require "spec.support.tmp"

local function fails(message, f, ...)
  local ok, err = pcall(f, ...)
  assert.is_false(ok, "expected an error: " .. message)
  assert.equal(message, (tostring(err):gsub("^[^:]+:%d+: ", "")))
end

local dir, tb
before_each(function()
  dir, tb = tmp.dir(), TensorboardWriter()
end)
after_each(function() tb:close() end)

local function open(opts)
  tb:setup(dir, opts)
  return tb
end

-- What the calls since setup left on disk.
local function values(tag)
  assert.is_true(tb:flush())
  return events.values(dir, tag)
end

local function only_value()
  local list = values()
  assert.equal(1, #list)
  return list[1]
end

-- A wrong call: this message, and nothing on disk.
local function refuses(message, method, ...)
  fails(message, tb[method], tb, ...)
  assert.is_true(tb:flush())
  assert.same({}, tmp.files(dir, "tfevents"))
end

describe("TensorboardWriter", function()
  it("has every method of the native module", function()
    for name, method in pairs(native.writer.methods) do assert.equal(method, TensorboardWriter[name]) end
  end)

  it("names itself when a method is called with a dot", function()
    fails("add_scalar: expected a TensorboardWriter before the arguments, got a string (call it with ':')",
      tb.add_scalar, "loss", 1)
    fails("flush: expected a TensorboardWriter before the arguments, got nil (call it with ':')", tb.flush)
    fails("add_text: expected a TensorboardWriter before the arguments, got a table (call it with ':')",
      tb.add_text, {io.stdout}, "a", "b")
  end)

  it("takes its folder in setup alone", function()
    fails("TensorboardWriter: takes no arguments; give the folder to setup", TensorboardWriter, dir)
  end)

  it("can be the class of another", function()
    local Mine = setmetatable({}, {__index = TensorboardWriter})
    Mine.__index = Mine
    local mine = setmetatable(TensorboardWriter(), Mine)
    mine:setup(dir)
    mine:add_scalar("x", 1, 1)
    assert.is_true(mine:close())
    assert.same({{tag = "x", step = 1, value = 1}}, events.scalars(dir))
  end)
end)

describe("TensorboardWriter:setup", function()
  it("makes the folder, with those above it, and tells it", function()
    tb:setup(dir .. "/a/b")
    assert.equal(dir .. "/a/b", tb.run_path)
    assert.equal("directory", lfs.attributes(dir .. "/a/b", "mode"))
  end)

  it("leaves no event file when nothing is added", function()
    open():close()
    assert.same({}, tmp.files(dir))
  end)

  it("begins the file with its version and writer", function()
    open():add_scalar("x", 1)
    assert.is_true(tb:flush())
    local first = events.run(dir)[1]
    assert.equal("brain.Event:2", first.file_version)
    assert.equal("helios", first.source_metadata.writer)
  end)

  it("appends filename_suffix to the file's name", function()
    open {filename_suffix = ".mine"}
    tb:add_scalar("x", 1)
    tb:flush()
    assert.truthy(events.files(dir)[1]:find("%.mine$"))
  end)

  it("writes purge_step behind the first event", function()
    open {purge_step = 7}
    tb:add_scalar("x", 1, 7)
    tb:flush()
    local list = events.run(dir)
    assert.equal(7, list[2].step)
    assert.equal(7, list[3].step)
    assert.equal(1, list[3].session_log.status)
  end)

  it("continues an earlier run with a file of its own", function()
    open():add_scalar("x", 1, 1)
    tb:close()
    open():add_scalar("x", 2, 2)
    tb:close()
    assert.equal(2, #events.files(dir))
    assert.same({{tag = "x", step = 1, value = 1}, {tag = "x", step = 2, value = 2}}, events.scalars(dir))
  end)

  it("names its file behind the newest there, and by the clock when a name has no time", function()
    local function added_beside(name)
      local folder = tmp.dir()
      tmp.write(folder .. "/" .. name, "")
      tb:setup(folder)
      tb:add_scalar("x", 1, 1)
      tb:close()
      for _, found in ipairs(tmp.files(folder)) do
        if found ~= name then return math.tointeger(found:match("^events%.out%.tfevents%.(%d%d%d%d%d%d%d%d%d%d)%.")) end
      end
    end
    assert.is_true(added_beside("events.out.tfevents.8999999999.z.1.0") >= 8999999999)
    for _, name in ipairs {"events.out.tfevents.x", "events.out.tfevents.", "events.out.tfevents.8999999999",
                           "events.out.tfevents.99999999999999999999.h.1.0"} do
      local seconds = added_beside(name)
      assert.is_true(seconds and math.abs(seconds - os.time()) < 100, name)
    end
  end)

  it("moves to another folder and leaves the first complete", function()
    open():add_scalar("x", 1, 1)
    local second = tmp.dir()
    tb:setup(second)
    tb:add_scalar("x", 2, 2)
    tb:close()
    assert.equal(second, tb.run_path)
    assert.same({{tag = "x", step = 1, value = 1}}, events.scalars(dir))
    assert.same({{tag = "x", step = 2, value = 2}}, events.scalars(second))
    assert.equal(1, #tmp.files(dir))
  end)

  it("raises when the folder cannot be made, and keeps what was open", function()
    open()
    tmp.write(dir .. "/file", "")
    local ok, err = pcall(tb.setup, tb, dir .. "/file/run")
    assert.is_false(ok)
    assert.truthy(err:find("setup: ", 1, true))
    assert.truthy(err:find(dir .. "/file", 1, true))
    assert.equal(dir, tb.run_path)
    tb:add_scalar("x", 1, 1)
    assert.equal(1, #values "x")
  end)

  it("raises for wrong arguments", function()
    fails("setup: argument 'run_path': missing", tb.setup, tb)
    fails("setup: argument 'run_path': expected a string, got a table", tb.setup, tb, {})
    fails("setup: argument 'run_path': must not hold NUL", tb.setup, tb, dir .. "\0x")
    fails("setup: argument 'opts': expected a table, got 2", tb.setup, tb, dir, 2)
    fails("setup: unknown option 'flush'", tb.setup, tb, dir, {flush = 2})
    fails("setup: argument 'flush_secs': expected a number of seconds above 0, got 0", tb.setup, tb, dir,
      {flush_secs = 0})
    fails("setup: argument 'purge_step': expected an integer, got 1.5", tb.setup, tb, dir, {purge_step = 1.5})
    fails("setup: argument 'durability': expected 'process' or 'disk', got 'safe'", tb.setup, tb, dir,
      {durability = "safe"})
    fails("setup: argument 'scalars_layout': expected 'runs' or 'tags', got 'both'", tb.setup, tb, dir,
      {scalars_layout = "both"})
    assert.is_nil(tb.run_path)
    assert.same({}, tmp.files(dir))
  end)
end)

describe("a TensorboardWriter that is not open", function()
  it("ignores add_* before setup", function()
    tb:add_scalar("x", 1, 1)
    tb:add_text("x", 5)
    assert.is_true(tb:flush())
    assert.is_true(tb:close())
    assert.same({events = 0, bytes = 0, dropped = 0, pending = 0, shared_buffer = false}, tb:stats())
  end)

  it("raises in add_* after close, and says why", function()
    open():close()
    refuses("add_scalar: writer is closed", "add_scalar", "x", 1, 1)
    refuses("add_scalar: writer is closed", "add_scalar", "x", "1", {})
    for _, name in ipairs {"add_scalars", "add_text", "add_image", "add_images", "add_histogram", "add_pr_curve",
                           "add_hparams"} do
      refuses(name .. ": writer is closed", name, "x", {}, {})
    end
  end)

  it("tells the caller's place with every wrong call on a closed writer", function()
    open():close()
    for _, name in ipairs{"add_scalar", "add_figure", "add_graph"} do
      local _, message = pcall(function() tb[name](tb, "x", {}, {}) end)
      assert.truthy(message:find("^spec/tensorboard_writer_spec%.lua:%d+: " .. name .. ": writer is closed"), message)
    end
  end)

  it("raises when a metamethod closes it under the call", function()
    open()
    local sly = setmetatable({}, {
      __len = function() return 1 end,
      __index = function()
        tb:close()
        return 1
      end,
    })
    refuses("add_histogram: writer is closed", "add_histogram", "x", sly)
  end)

  it("opens anew with setup", function()
    open():close()
    open():add_scalar("x", 1, 1)
    assert.equal(1, #values "x")
  end)

  it("has no effect on other ranks", function()
    local result = child.run(([[
      local tb = require("helios.core.tensorboard_writer")()
      tb:setup(%q)
      tb:add_scalar("x", 1, 1)
      tb:add_image("x", 5)
      tb:set_step(3)
      assert(tb:flush() and tb:close() and tb:stats().events == 0)
      tb:add_scalar("x", 1, 1)
      print(tb.run_path)
    ]]):format(dir .. "/run"), {RANK = "1", WORLD_SIZE = "2"})
    assert.same({ok = true, out = dir .. "/run\n", err = ""}, result)
    assert.is_nil(lfs.attributes(dir .. "/run"))
  end)
end)

describe("TensorboardWriter:close", function()
  it("leaves every point on disk and nothing but event files", function()
    open():add_scalar("loss", 0.5, 3)
    assert.is_true(tb:close())
    assert.same({{tag = "loss", step = 3, value = 0.5}}, events.scalars(dir))
    assert.equal(1, #tmp.files(dir))
  end)

  it("may be called twice", function()
    open()
    assert.is_true(tb:close())
    assert.is_true(tb:close())
    assert.is_true(tb:flush())
  end)

  it("is called at the end of a to-be-closed variable's scope", function()
    do
      local scoped <close> = TensorboardWriter()
      scoped:setup(dir)
      scoped:add_scalar("x", 1, 1)
    end
    assert.same({{tag = "x", step = 1, value = 1}}, events.scalars(dir))
    assert.equal(1, #tmp.files(dir))
  end)

  it("is done when the writer is collected", function()
    local lost = TensorboardWriter()
    lost:setup(dir)
    lost:add_scalar("x", 1, 1)
    lost = nil -- luacheck: ignore
    collectgarbage()
    collectgarbage()
    assert.same({{tag = "x", step = 1, value = 1}}, events.scalars(dir))
    assert.equal(1, #tmp.files(dir))
  end)
end)

describe("a state that closes", function()
  it("closes its writers, and lets finalizers that run later find them closed", function()
    local result = child.run(([[
      local tb
      sentinel = setmetatable({}, {__gc = function()
        io.write(tostring(tb:flush()), " ", tostring(tb:close()), " ", tb:stats().events, " ")
        print(select(2, pcall(tb.add_scalar, tb, "x", 2, 2)):match("add_scalar.*"))
      end})
      tb = require("helios.core.tensorboard_writer")()
      tb:setup(%q)
      tb:add_scalar("x", 1, 1)
    ]]):format(dir))
    assert.same({ok = true, out = "true true 0 add_scalar: writer is closed\n", err = ""}, result)
    assert.same({{tag = "x", step = 1, value = 1}}, events.scalars(dir))
  end)
end)

describe("TensorboardWriter:stats", function()
  it("knows the highest step of all, given or set, of whatever kind", function()
    open()
    tb:add_scalar("x", 1)
    assert.is_nil(tb:stats().highest_step)
    for _, call in ipairs {
      {-5, function() tb:add_scalar("x", 1, -5) end},
      {3, function() tb:add_scalars("xs", {a = 1}, 3) end},
      {3, function() tb:add_text("x", "y", 2) end},
      {4, function() tb:set_step(4) tb:add_histogram("h", {1, 2}) end},
      {9, function() tb:add_image("i", {{{0}}}, 9) end},
      {1 << 40, function() tb:add_hparams({a = 1}, {m = 2}, {global_step = 1 << 40}) end},
      {1 << 40, function() tb:add_scalar("x", 1, 5) tb:close() end},
    } do
      call[2]()
      assert.equal(call[1], tb:stats().highest_step)
    end
  end)

  it("counts events and bytes, also after close", function()
    open()
    for i = 1, 10 do tb:add_scalar("x", i, i) end
    assert.equal(10, tb:stats().events)
    tb:close()
    local stats = tb:stats()
    assert.equal(10, stats.events)
    assert.equal(0, stats.pending)
    assert.equal(0, stats.dropped)
    assert.is_nil(stats.last_error)
    assert.equal(lfs.attributes(dir .. "/" .. events.files(dir)[1], "size"), stats.bytes)
  end)
end)

describe("TensorboardWriter:set_step", function()
  it("gives later calls without a step their step", function()
    open():add_scalar("x", 1)
    tb:set_step(5)
    tb:add_scalar("x", 2)
    tb:add_scalar("x", 3, 7)
    tb:add_text("note", "hi")
    tb:set_step(nil)
    tb:add_scalar("x", 4)
    local steps = {}
    for i, value in ipairs(values()) do steps[i] = value.step end
    assert.same({0, 5, 7, 5, 0}, steps)
  end)

  it("may come before setup", function()
    tb:set_step(4)
    open():add_scalar("x", 1)
    assert.equal(4, only_value().step)
  end)

  it("takes integers", function()
    open()
    refuses("set_step: argument 'n': expected an integer, got 2.7", "set_step", 2.7)
    refuses("set_step: argument 'n': expected an integer, got a string", "set_step", "2")
    refuses("set_step: too many arguments", "set_step", 2, 3)
  end)
end)

describe("TensorboardWriter:add_scalar", function()
  local function points(...)
    for i, value in ipairs {...} do tb:add_scalar("x", value, i) end
    local list = {}
    for i, value in ipairs(values "x") do list[i] = value.tensor.float_val[1] end
    return list
  end

  before_each(open)

  it("writes the new style, byte for byte", function()
    tb:add_scalar("t", 1.5)
    local hex = "0a01744208080" .. "12a040000c03f4a0b0a090a077363616c617273"
    assert.equal(hex, (only_value().bytes:gsub(".", function(c) return ("%02x"):format(c:byte()) end)))
  end)

  it("rounds to a float, or keeps a double", function()
    tb:add_scalar("x", 0.1, 1)
    tb:add_scalar("x", 0.1, 2, nil)
    tb:add_scalar("y", 0.1, {global_step = 3, double_precision = true})
    local x, y = values "x", values "y"
    assert.equal(string.unpack("<f", string.pack("<f", 0.1)), x[1].tensor.float_val[1])
    assert.equal(2, x[2].step)
    assert.is_nil(y[1].tensor.float_val)
    assert.equal(0.1, y[1].tensor.double_val[1])
    assert.equal(3, y[1].step)
  end)

  it("takes integers, rounded once", function()
    assert.same({1, 16777216, 2.0 ^ 63}, points(1, 16777217, math.maxinteger))
  end)

  it("takes numeric strings as Python's float() reads them", function()
    assert.same({1, -2.5, 10, 0.5, 1e10, -math.huge, math.huge, 100.5, 3},
      points("1", " -2.5\n", "1_0", ".5", "1e1_0", "-inf", "Infinity", "1_00.5", "3."))
    tb:add_scalar("nan", "-NaN", 1)
    local nan = values "nan"[1].tensor.float_val[1]
    assert.not_equal(nan, nan)
  end)

  it("takes them among several scalars and metrics, too", function()
    tb:add_scalars("m", {a = "1.5"}, 1)
    tb:add_hparams({}, {b = "-2"})
    assert.equal(-2, values "b"[1].tensor.float_val[1])
    assert.same({{tag = "m", step = 1, value = 1.5}}, events.scalars(dir .. "/m_a"))
  end)

  it("refuses strings that Python's float() refuses", function()
    for _, text in ipairs {"", " ", "abc", "0x10", "1__0", "_1", "1_", "1e", "1 2", "--1", ".", "infin", "1\0", "e5",
                           "1._5"} do
      local ok, err = pcall(tb.add_scalar, tb, "x", text)
      assert.is_false(ok, text)
      assert.truthy(err:find("add_scalar: argument 'scalar_value': expected a numeric string", 1, true))
    end
    assert.is_true(tb:flush())
    assert.same({}, tmp.files(dir, "tfevents"))
  end)

  it("takes one element, however it is wrapped", function()
    assert.same({1, 2, 3, 4, 1, 0}, points(tensor.from_table(1), tensor.from_table({{2}}, "int8"), {3}, {{{4}}},
      tensor.from_table({true}, "bool"), {false}))
  end)

  it("takes raw bytes, and a table's dtype", function()
    tb:add_scalar("x", string.pack("d", 0.1), {shape = {1, 1}, dtype = "float64"})
    tb:add_scalar("x", "1234", {shape = {}, dtype = "int32"})
    tb:add_scalar("x", {{0.1}}, {dtype = "float16"})
    tb:add_scalar("double", {0.1}, {double_precision = true})
    local given = {}
    for i, value in ipairs(values "x") do given[i] = value.tensor.float_val[1] end
    assert.same({0x1.99999ap-4, 0x34333240 * 1.0, 0x1.998p-4}, given)
    assert.equal(0x1.99999ap-4, values("double")[1].tensor.double_val[1]) -- a table is float32
  end)

  it("passes bfloat16 through float16, as torch does", function()
    assert.same({math.huge, 65504, -math.huge}, points(tensor.from_table({65536}, "bfloat16"),
      tensor.from_table({65504}, "float16"), tensor.from_table({-131072}, "bfloat16")))
  end)

  it("takes steps that are integers, negative ones and floats with an integer's value too", function()
    tb:add_scalar("x", 1, -3)
    tb:add_scalar("x", 1, 4.0)
    tb:add_scalar("x", 1, {global_step = math.maxinteger})
    local list = values "x"
    assert.equal(-3, list[1].step)
    assert.equal(4, list[2].step)
    assert.equal(math.maxinteger, list[3].step)
  end)

  it("takes a walltime", function()
    tb:add_scalar("x", 1, {walltime = 1234.5, global_step = 2})
    local value = only_value()
    assert.equal(1234.5, value.wall_time)
    assert.equal(2, value.step)
  end)

  it("keeps tags byte for byte", function()
    local tag = "a b/\n\"é\u{1F600}\u{7f}"
    tb:add_scalar(tag, 1)
    assert.equal(tag, only_value().tag)
  end)

  it("refuses wrong tags", function()
    refuses("add_scalar: argument 'tag': missing", "add_scalar")
    refuses("add_scalar: argument 'tag': expected a string, got 5", "add_scalar", 5, 1)
    refuses("add_scalar: argument 'tag': must not hold NUL", "add_scalar", "a\0b", 1)
    refuses("add_scalar: argument 'tag': not valid UTF-8", "add_scalar", "\xff", 1)
    refuses("add_scalar: argument 'tag': not valid UTF-8", "add_scalar", "\xed\xa0\x80", 1, 2)
  end)

  it("refuses values that are no number", function()
    local expected = "add_scalar: argument 'scalar_value': expected a number, a numeric string"
      .. " or a tensor of one element"
    refuses("add_scalar: argument 'scalar_value': missing", "add_scalar", "x")
    refuses("add_scalar: argument 'scalar_value': missing", "add_scalar", "x", nil, 3)
    refuses(expected .. ", got true", "add_scalar", "x", true)
    refuses(expected .. ", got a function", "add_scalar", "x", print)
    refuses(expected .. ", got a FILE*", "add_scalar", "x", io.stdout)
    refuses(expected .. ", got 2 elements", "add_scalar", "x", {1, 2})
    refuses(expected .. ", got 0 elements", "add_scalar", "x", {})
    refuses(expected .. ", got a string", "add_scalar", "x", {"1"})
    refuses(expected .. ", got 3 elements", "add_scalar", "x", tensor.new {3})
    local cyclic = {}
    cyclic[1] = cyclic
    refuses(expected .. ", got a cyclic table", "add_scalar", "x", cyclic)
  end)

  it("refuses wrong steps", function()
    refuses("add_scalar: argument 'global_step': expected an integer, got 2.7", "add_scalar", "x", 1, 2.7)
    refuses("add_scalar: argument 'global_step': expected an integer, got a string", "add_scalar", "x", 1, "2")
    refuses("add_scalar: argument 'global_step': expected an integer, got true", "add_scalar", "x", 1, true)
    refuses("add_scalar: argument 'global_step': expected an integer, got 1e+20", "add_scalar", "x", 1, 1e20)
    refuses("add_scalar: argument 'global_step': must be above math.mininteger", "add_scalar", "x", 1, math.mininteger)
  end)

  it("refuses wrong options", function()
    refuses("add_scalar: unknown option 'step'", "add_scalar", "x", 1, {step = 2})
    refuses("add_scalar: unknown option 'tag'", "add_scalar", "x", 1, {tag = "y"})
    refuses("add_scalar: unknown option '1'", "add_scalar", "x", 1, {3})
    refuses("add_scalar: argument 'walltime': expected a number, got a string", "add_scalar", "x", 1,
      {walltime = "now"})
    refuses("add_scalar: argument 'double_precision': expected a boolean, got 1", "add_scalar", "x", 1,
      {double_precision = 1})
    refuses("add_scalar: argument 'scalar_value': a string of bytes needs the options 'shape' and 'dtype'",
      "add_scalar", "x", "1.5", {dtype = "float32"})
    refuses("add_scalar: argument 'scalar_value': expected a number, a numeric string or a tensor of one element,"
      .. " got 2 elements", "add_scalar", "x", "ab", {shape = {2}, dtype = "uint8"})
    refuses("add_scalar: argument 'scalar_value': [1]: expected an integer that fits int8, got 0.5", "add_scalar", "x",
      {0.5}, {dtype = "int8"})
    refuses("add_scalar: too many arguments", "add_scalar", "x", 1, 2, 3)
    refuses("add_scalar: too many arguments", "add_scalar", "x", 1, {global_step = 2}, 3)
  end)

  it("names the caller's line in an error", function()
    local _, err = pcall(function() tb:add_scalar("x", {}, 1) end)
    assert.truthy(err:find("^spec/tensorboard_writer_spec.lua:%d+: "))
  end)
end)

describe("TensorboardWriter:add_scalars", function()
  it("gives each key a run of its own", function()
    open():add_scalars("loss/all", {train = 1, valid = 2}, 3)
    assert.is_true(tb:close())
    assert.same({{tag = "loss/all", step = 3, value = 1}}, events.scalars(dir .. "/loss_all_train"))
    assert.same({{tag = "loss/all", step = 3, value = 2}}, events.scalars(dir .. "/loss_all_valid"))
    assert.same({}, events.files(dir))
  end)

  it("makes a / of a key a _", function()
    open():add_scalars("m", {["a/b"] = 1}, 1)
    tb:close()
    assert.equal(1, #events.scalars(dir .. "/m_a_b"))
  end)

  it("makes tags of this run with scalars_layout = 'tags', sorted by key or in the list's order", function()
    open {scalars_layout = "tags"}
    tb:add_scalars("m", {b = 1, c = 2, a = 3}, 1)
    tb:add_scalars("m", {{"b", 1}, {"c", 2}, {"a", 3}}, 2)
    tb:close()
    local tags = {}
    for i, point in ipairs(events.scalars(dir)) do tags[i] = point.tag .. point.step end
    assert.same({"m/a1", "m/b1", "m/c1", "m/b2", "m/c2", "m/a2"}, tags)
  end)

  it("takes tensors of one element and a walltime", function()
    open {scalars_layout = "tags"}
    tb:add_scalars("m", {a = tensor.from_table(4)}, {walltime = 9.5})
    local list = values "m/a"
    assert.equal(4, list[1].tensor.float_val[1])
    assert.equal(9.5, list[1].wall_time)
  end)

  it("takes the longest name that a folder can have", function()
    local key = ("x"):rep(253)
    open():add_scalars("m", {[key] = 1})
    tb:close()
    assert.equal(1, #events.values(dir .. "/m_" .. key, "m"))
    open {scalars_layout = "tags"}
    tb:add_scalars("m", {[key .. key] = 1})
    assert.equal(1, #values("m/" .. key .. key))
  end)

  it("writes nothing of an empty dictionary", function()
    open():add_scalars("m", {}, 1)
    tb:close()
    assert.same({}, tmp.files(dir))
  end)

  it("refuses wrong calls", function()
    open()
    local dict = "add_scalars: argument 'tag_scalar_dict': "
    refuses("add_scalars: argument 'main_tag': expected a string, got a table", "add_scalars", {}, {})
    refuses("add_scalars: argument 'tag_scalar_dict': missing", "add_scalars", "m")
    refuses(dict .. "expected a table, got 5", "add_scalars", "m", 5)
    refuses(dict .. "['a']: expected a numeric string, got 'x'", "add_scalars", "m", {a = "x"})
    refuses(dict .. "['a']: expected a number, a numeric string or a tensor of one element, got nil", "add_scalars",
      "m", {{"a"}})
    refuses(dict .. "expected string keys, got true", "add_scalars", "m", {[true] = 1})
    refuses(dict .. "expected string keys, got 5", "add_scalars", "m", {{5, 1}})
    refuses(dict .. "[1]: expected a {key, value} pair, got 1", "add_scalars", "m", {1, 2})
    refuses(dict .. "a key must not hold NUL", "add_scalars", "m", {["a\0"] = 1})
    refuses(dict .. "its run's folder would have a name of 256 bytes, 255 are possible", "add_scalars", "m",
      {a = 1, [("x"):rep(254)] = 2})
    refuses("add_scalars: unknown option 'dtype'", "add_scalars", "m", {a = 1}, {dtype = "int8"})
    refuses("add_scalars: argument 'global_step': expected an integer, got 0.5", "add_scalars", "m", {a = 1}, 0.5)
  end)

  it("refuses names that are not UTF-8", function()
    open()
    assert.is_false(pcall(tb.add_scalars, tb, "\xff", {a = 1}))
    assert.is_false(pcall(tb.add_scalars, tb, "m", {["\xff"] = 1}))
    tb:close()
    assert.same({}, tmp.files(dir))
  end)
end)

describe("TensorboardWriter:add_text", function()
  before_each(open)

  local function text_of(value) return value.tensor.string_val end

  it("writes Markdown under <tag>/text_summary, NUL and all", function()
    tb:add_text("note", "**a**\0é", 2)
    local value = only_value()
    assert.equal("note/text_summary", value.tag)
    assert.same({"**a**\0é"}, text_of(value))
    assert.equal("text", events.plugin(value))
    assert.equal(2, value.step)
  end)

  it("writes a list of strings as one column", function()
    tb:add_text("note", {"a", "b", "c"})
    local value = only_value()
    assert.same({"a", "b", "c"}, text_of(value))
    assert.equal(3, value.tensor.tensor_shape.dim[1].size)
  end)

  it("writes rows of strings as a table", function()
    tb:add_text("note", {{"a", "b"}, {"c", "d"}, {"e", ""}}, {walltime = 3})
    local value = only_value()
    assert.same({"a", "b", "c", "d", "e", ""}, text_of(value))
    assert.same({{size = 3}, {size = 2}}, value.tensor.tensor_shape.dim)
    assert.equal(3, value.wall_time)
  end)

  it("refuses wrong calls", function()
    local text = "add_text: argument 'text_string': "
    refuses(text .. "missing", "add_text", "note")
    refuses(text .. "expected a string or a table of strings, got 5", "add_text", "note", 5)
    refuses(text .. "row 2, column 1: expected a string, got 5", "add_text", "note", {"a", 5})
    refuses(text .. "row 1, column 2: expected a string, got true", "add_text", "note", {{"a", true}})
    refuses(text .. "ragged table: row 2 has 1 cells, the first has 2", "add_text", "note", {{"a", "b"}, {"c"}})
    refuses(text .. "expected a list of strings or of rows of strings, got no cells", "add_text", "note", {})
    refuses(text .. "not valid UTF-8", "add_text", "note", "\xff")
    refuses("add_text: argument 'tag': not valid UTF-8", "add_text", "\xc0\x80", "a")
    refuses("add_text: argument 'tag': must not hold NUL", "add_text", "a\0", "a")
    refuses("add_text: unknown option 'shape'", "add_text", "note", "a", {shape = {1}})
  end)
end)

describe("TensorboardWriter:add_image", function()
  before_each(open)

  -- The pixels of the only image, as its height, width, channels, and bytes.
  local function pixels()
    local image = only_value().image
    local path = dir .. "/image.png"
    tmp.write(path, image.encoded_image_string)
    local t = assert(tensor.read_png(path))
    assert.same({image.height, image.width, image.colorspace}, t.shape)
    return t
  end

  it("takes uint8 as it is, CHW by default", function()
    tb:add_image("x", tensor.from_table({{{1, 2}}, {{3, 4}}, {{5, 6}}}, "uint8"), 4)
    assert.same({{{1, 3, 5}, {2, 4, 6}}}, pixels():totable())
    assert.equal(4, events.values(dir)[1].step)
  end)

  it("takes tables as float32, times 255", function()
    tb:add_image("x", {{0, 1}, {0.5, -1}}, {dataformats = "hw"})
    assert.same({{{0, 0, 0}, {255, 255, 255}}, {{127, 127, 127}, {0, 0, 0}}}, pixels():totable())
  end)

  it("takes a table's dtype from the options", function()
    tb:add_image("x", {{7, 8}}, {dataformats = "HW", dtype = "uint8"})
    assert.same({{{7, 7, 7}, {8, 8, 8}}}, pixels():totable())
  end)

  it("takes raw bytes with shape and dtype", function()
    tb:add_image("x", "\1\2\3\4\5\6", {shape = {1, 2, 3}, dtype = "uint8", dataformats = "HWC"})
    assert.same({{{1, 2, 3}, {4, 5, 6}}}, pixels():totable())
  end)

  it("takes views without a copy of its own", function()
    local hwc = tensor.from_bytes("\1\2\3\4\5\6", {1, 2, 3}, "uint8")
    tb:add_image("x", hwc:permute(3, 1, 2), 1)
    assert.same({{{1, 2, 3}, {4, 5, 6}}}, pixels():totable())
  end)

  it("takes positional dataformats", function()
    tb:add_image("x", tensor.new({2, 3, 4}, "uint8"), 1, "HWC")
    assert.same({2, 3, 4}, pixels().shape)
  end)

  it("refuses images of impossible layout", function()
    for _, case in ipairs {
      {{4, 4}}, {{2, 4, 4}}, {{5, 4, 4}}, {{4, 4}, "CHW"}, {{3, 4, 4}, "HW"}, {{3, 4, 4}, "CHX"},
      {{3, 4, 4}, "CCW"}, {{3, 4, 4}, ""}, {{3, 0, 4}}, {{3, 4, 4}, "CHWN"},
    } do
      local ok, err = pcall(tb.add_image, tb, "x", tensor.new(case[1]), nil, case[2])
      assert.is_false(ok, tostring(case[2]))
      assert.truthy(err:find("add_image: argument '[a-z]+': "), err)
    end
    tb:flush()
    assert.same({}, tmp.files(dir, "tfevents"))
  end)

  it("refuses wrong arguments", function()
    refuses("add_image: argument 'img': missing", "add_image", "x")
    refuses("add_image: argument 'img': expected a tensor, got true", "add_image", "x", true)
    refuses("add_image: argument 'img': a string of bytes needs the options 'shape' and 'dtype'", "add_image", "x",
      "abc")
    refuses("add_image: argument 'img': a string of bytes needs the options 'shape' and 'dtype'", "add_image", "x",
      "abc", {shape = {3}})
    refuses("add_image: argument 'img': uint8 of {2, 2} takes 4 bytes, got 3", "add_image", "x", "abc",
      {shape = {2, 2}, dtype = "uint8"})
    refuses("add_image: argument 'shape': {4294967296, 4294967296} is too large", "add_image", "x", "abc",
      {shape = {1 << 32, 1 << 32}, dtype = "uint8"})
    refuses("add_image: argument 'dtype': unknown dtype 'byte'", "add_image", "x", "abc", {shape = {3}, dtype = "byte"})
    refuses("add_image: argument 'dtype': unknown dtype 'byte'", "add_image", "x", {{1}}, {dtype = "byte"})
    refuses("add_image: argument 'shape': only goes with a string of bytes", "add_image", "x", {{1}}, {shape = {1}})
    refuses("add_image: argument 'dtype': a helios.tensor has its own", "add_image", "x", tensor.new {3, 1, 1},
      {dtype = "uint8"})
    refuses("add_image: argument 'img': ragged table at [2]: expected 2 elements, got 1", "add_image", "x",
      {{1, 2}, {3}}, {dataformats = "HW"})
    refuses("add_image: argument 'img': [1][2]: expected a number, got a string", "add_image", "x", {{1, "2"}})
    refuses("add_image: argument 'dataformats': expected a string, got 5", "add_image", "x", {{1}}, 1, 5)
    refuses("add_image: unknown option 'format'", "add_image", "x", {{1}}, {format = "HW"})
    refuses("add_image: argument 'global_step': expected an integer, got 1.5", "add_image", "x", {{1}}, 1.5)
    local cyclic = {}
    cyclic[1] = cyclic
    refuses("add_image: argument 'img': cyclic table at [1]: expected a number, got a table", "add_image", "x", cyclic)
  end)
end)

describe("TensorboardWriter:add_images", function()
  before_each(open)

  it("draws a grid of NCHW", function()
    tb:add_images("x", tensor.new({9, 1, 2, 3}, "uint8"))
    local image = only_value().image
    assert.same({4, 24, 3}, {image.height, image.width, image.colorspace})
  end)

  it("takes dataformats", function()
    tb:add_images("x", tensor.new({2, 4, 5, 3}, "uint8"), {dataformats = "NHWC", global_step = 1})
    local image = only_value().image
    assert.same({4, 10}, {image.height, image.width})
  end)

  it("refuses wrong arguments under its own names", function()
    refuses("add_images: argument 'imgs': missing", "add_images", "x")
    refuses("add_images: argument 'imgs': expected a tensor, got a function", "add_images", "x", print)
    refuses("add_images: unknown option 'n'", "add_images", "x", {{1}}, {n = 1})
    local ok, err = pcall(tb.add_images, tb, "x", tensor.new {3, 4, 4})
    assert.is_false(ok)
    assert.truthy(err:find("add_images: argument '[a-z]+': "))
  end)
end)

describe("TensorboardWriter:add_histogram", function()
  before_each(open)

  it("takes values of any shape", function()
    tb:add_histogram("x", {{1, 2}, {3, 4}}, 5)
    local value = only_value()
    assert.equal(5, value.step)
    assert.same({1, 4, 4, 10, 30}, {value.histo.min, value.histo.max, value.histo.num, value.histo.sum,
      value.histo.sum_squares})
  end)

  it("takes bins as a list of edges, which stay double", function()
    tb:add_histogram("x", {0.5, 1.5, 1.7}, {bins = {0, 0.1, 1, 2}})
    assert.same({0.1, 1, 2}, {table.unpack(only_value().histo.bucket_limit)})
    assert.same({0, 1, 2}, only_value().histo.bucket)
  end)

  it("takes bins as a number or a name, and max_bins", function()
    tb:add_histogram("x", {0, 1, 2, 3}, nil, 2)
    tb:add_histogram("y", {0, 1, 2, 3}, nil, "sqrt")
    tb:add_histogram("z", {0, 1, 2, 3}, {bins = 4, max_bins = 2})
    assert.same({0, 1.5, 3}, values "x"[1].histo.bucket_limit)
    assert.same({0, 1.5, 3}, values "y"[1].histo.bucket_limit)
    assert.same({0, 1.5, 3}, values "z"[1].histo.bucket_limit)
  end)

  it("takes raw bytes", function()
    tb:add_histogram("x", string.pack("<i2i2", -3, 300), {shape = {2}, dtype = "int16"})
    assert.same({-3, 300}, {only_value().histo.min, only_value().histo.max})
  end)

  it("refuses wrong arguments", function()
    refuses("add_histogram: argument 'values': missing", "add_histogram", "x")
    refuses("add_histogram: argument 'values': expected a tensor, got true", "add_histogram", "x", true)
    refuses("add_histogram: argument 'values': ragged table at [2]: expected a table, got 2", "add_histogram", "x",
      {{1}, 2})
    refuses("add_histogram: argument 'bins': expected at least 1, got 0", "add_histogram", "x", {1}, nil, 0)
    refuses("add_histogram: argument 'bins': expected an integer, got 1.5", "add_histogram", "x", {1}, nil, 1.5)
    refuses("add_histogram: argument 'bins': expected a list of numbers, got true", "add_histogram", "x", {1}, nil,
      true)
    refuses("add_histogram: argument 'bins': [2]: expected a number, got a string", "add_histogram", "x", {1},
      {bins = {1, "2"}})
    refuses("add_histogram: argument 'bins': expected a list, got 2 dimensions", "add_histogram", "x", {1},
      {bins = {{1}, {2}}})
    refuses("add_histogram: argument 'max_bins': expected at least 1, got -1", "add_histogram", "x", {1},
      {max_bins = -1})
    refuses("add_histogram: unknown option 'weights'", "add_histogram", "x", {1}, {weights = {1}})
  end)

  it("refuses what has no distribution", function()
    for _, case in ipairs {{{}}, {{1}, {bins = {2, 1}}}, {{1}, {bins = "many"}}, {{1}, {bins = {1}}}} do
      local ok, err = pcall(tb.add_histogram, tb, "x", case[1], case[2])
      assert.is_false(ok)
      assert.truthy(err:find("add_histogram: argument '[a-z]+': "), err)
    end
    tb:flush()
    assert.same({}, tmp.files(dir, "tfevents"))
  end)
end)

describe("TensorboardWriter:add_pr_curve", function()
  before_each(open)

  it("takes tables and tensors", function()
    tb:add_pr_curve("x", {true, false, true}, tensor.from_table {0.9, 0.1, 0.4}, 2, 3)
    local value = only_value()
    assert.same({{size = 6}, {size = 3}}, value.tensor.tensor_shape.dim)
    assert.same({2, 1, 0, 1, 0, 0, 0, 1, 1, 0, 1, 2}, {table.unpack(value.tensor.float_val, 1, 12)})
    assert.equal(3, events.plugin_data(value).num_thresholds)
    assert.equal(2, value.step)
  end)

  it("takes weights, one or a list, in double", function()
    tb:add_pr_curve("x", {1, 0}, {0.9, 0.1}, {num_thresholds = 2, weights = {3, 4}})
    tb:add_pr_curve("y", {1, 0}, {0.9, 0.1}, {num_thresholds = 2, weights = 2})
    assert.same({3, 0, 4, 0}, {table.unpack(values "x"[1].tensor.float_val, 1, 4)})
    assert.same({2, 0, 2, 0}, {table.unpack(values "y"[1].tensor.float_val, 1, 4)})
  end)

  it("refuses labels and predictions that do not fit each other", function()
    for _, case in ipairs {
      {{1, 0}, {0.5}}, {{1}, {1.5}}, {{1}, {-0.1}}, {{1}, {0 / 0}}, {{2}, {0.5}},
      {{1, 0}, {0.5, 0.5}, {weights = {1, 2, 3}}},
    } do
      local ok, err = pcall(tb.add_pr_curve, tb, "x", case[1], case[2], case[3])
      assert.is_false(ok)
      assert.truthy(err:find("add_pr_curve: argument '[a-z]+': "), err)
    end
    tb:flush()
    assert.same({}, tmp.files(dir, "tfevents"))
  end)

  it("refuses wrong arguments", function()
    refuses("add_pr_curve: argument 'labels': missing", "add_pr_curve", "x")
    refuses("add_pr_curve: argument 'predictions': missing", "add_pr_curve", "x", {1})
    refuses("add_pr_curve: argument 'labels': expected a tensor, got a string", "add_pr_curve", "x", "\1", {1})
    refuses("add_pr_curve: argument 'predictions': [1]: expected a number, got a string", "add_pr_curve", "x", {1},
      {"1"})
    refuses("add_pr_curve: argument 'num_thresholds': expected at least 1, got 0", "add_pr_curve", "x", {1}, {1}, 1, 0)
    refuses("add_pr_curve: unknown option 'threshold'", "add_pr_curve", "x", {1}, {1}, {threshold = 3})
    refuses("add_pr_curve: argument 'weights': expected a number, got a string", "add_pr_curve", "x", {1}, {1},
      {weights = "2"})
  end)
end)

describe("TensorboardWriter:add_hparams", function()
  before_each(open)

  local function plugin_data(tag) return events.plugin_data(values("_hparams_/" .. tag)[1]) end

  it("writes names and types, sorted", function()
    tb:add_hparams({lr = 0.1, net = "mlp", bn = true}, {acc = 0.9}, {global_step = 3})
    local experiment = plugin_data("experiment").experiment
    assert.same({{name = "bn", type = 2}, {name = "lr", type = 3}, {name = "net", type = 1}}, experiment.hparam_infos)
    assert.same({{name = {tag = "acc"}}}, experiment.metric_infos)
    assert.same({{tag = "acc", step = 3, value = string.unpack("<f", string.pack("<f", 0.9))}}, events.scalars(dir))
  end)

  it("writes the values", function()
    tb:add_hparams({{"lr", tensor.from_table({0.5})}, {"net", "mlp"}, {"bn", false}, {"n", 3}}, {})
    local start = plugin_data("session_start_info").session_start_info
    local got = {}
    for _, entry in ipairs(start.hparams) do
      local v = entry.value
      got[entry.key] = v.number_value or v.string_value or v.bool_value
    end
    assert.same({lr = 0.5, net = "mlp", bn = false, n = 3}, got)
  end)

  it("leaves out pairs without a value", function()
    tb:add_hparams({{"a", 1}, {"b", nil}}, {})
    assert.same({{name = "a", type = 3}}, plugin_data("experiment").experiment.hparam_infos)
  end)

  it("takes domains in third place, or among the options", function()
    tb:add_hparams({lr = 0.1, net = "a"}, {}, {lr = {0.1, 0.01}, net = {}})
    local infos = plugin_data("experiment").experiment.hparam_infos
    assert.same({{number_value = 0.1}, {number_value = 0.01}}, infos[1].domain_discrete.values)
    assert.same({}, infos[2].domain_discrete)
    tb:add_hparams({lr = 0.1}, {}, {hparam_domain_discrete = {lr = {1}}, walltime = 5})
    local second = events.values(dir, "_hparams_/experiment")[1]
    assert.truthy(second)
    assert.equal(2, #values "_hparams_/experiment")
    assert.equal(5, values "_hparams_/experiment"[2].wall_time)
  end)

  it("takes a third table with any other key as domains", function()
    tb:add_hparams({run_name = "x", lr = 1}, {}, {run_name = {"x"}, lr = {1}})
    local infos = plugin_data("experiment").experiment.hparam_infos
    assert.same({{string_value = "x"}}, infos[2].domain_discrete.values)
  end)

  it("takes a table before further arguments as domains, whatever its keys", function()
    tb:add_hparams({run_name = 1}, {}, {}, ".", 3)
    tb:add_hparams({run_name = 1}, {}, {run_name = {1, 2}}, nil, 4)
    local list = values "_hparams_/experiment"
    assert.equal(3, list[1].step)
    local info = events.plugin_data(list[2]).experiment.hparam_infos[1]
    assert.same({{number_value = 1}, {number_value = 2}}, info.domain_discrete.values)
  end)

  it("writes into a run of its own, nested too, when it has a name", function()
    tb:add_hparams({lr = 1}, {acc = 1}, nil, "sweep/a", 2)
    tb:close()
    assert.same({{tag = "acc", step = 2, value = 1}}, events.scalars(dir .. "/sweep/a"))
    assert.same({}, events.files(dir))
  end)

  it("refuses runs outside the run's folder, and names that are none for a folder", function()
    for _, name in ipairs {"..", "../x", "a/../../x", "/tmp/x", "a/" .. ("x"):rep(256) .. "/b"} do
      local ok, err = pcall(tb.add_hparams, tb, {lr = 1}, {}, nil, name)
      assert.is_false(ok, name)
      assert.truthy(err:find("add_hparams: argument 'run_name': ", 1, true), err)
    end
    tb:flush()
    assert.same({}, tmp.files(dir, "tfevents"))
  end)

  it("refuses wrong values", function()
    local hparams, metrics = "add_hparams: argument 'hparam_dict': ", "add_hparams: argument 'metric_dict': "
    refuses(hparams .. "missing", "add_hparams")
    refuses(metrics .. "missing", "add_hparams", {})
    refuses(hparams .. "expected a table, got 5", "add_hparams", 5, {})
    refuses(hparams .. "['a']: expected a boolean, a string, a number or a tensor of one element, got a table",
      "add_hparams", {a = {}}, {})
    refuses(hparams .. "['a']: expected a number or a tensor of one element, got 2 elements", "add_hparams",
      {a = tensor.new {2}}, {})
    refuses(hparams .. "['a']: must not hold NUL", "add_hparams", {a = "\0"}, {})
    refuses(hparams .. "expected string keys, got true", "add_hparams", {[true] = 1}, {})
    refuses(metrics .. "['m']: expected a numeric string, got 'x'", "add_hparams", {}, {m = "x"})
    refuses(metrics .. "['m']: expected a number, a numeric string or a tensor of one element, got true", "add_hparams",
      {}, {m = true})
    refuses("add_hparams: argument 'run_name': expected a string, got 5", "add_hparams", {}, {}, nil, 5)
  end)

  it("refuses wrong domains", function()
    local domains = "add_hparams: argument 'hparam_domain_discrete': "
    refuses(domains .. "'lr' is not in hparam_dict", "add_hparams", {a = 1}, {}, {lr = {1}})
    refuses(domains .. "['a']: expected a list, got 1", "add_hparams", {a = 1}, {}, {a = 1})
    refuses(domains .. "['a']: expected a list, got a table of names", "add_hparams", {a = 1}, {}, {a = {x = 1}})
    refuses(domains .. "'a' is a number, but value 2 of its domain is a string", "add_hparams", {a = 1}, {},
      {a = {1, "2"}})
    refuses(domains .. "'a' is a boolean, but value 1 of its domain is a number", "add_hparams", {a = true}, {},
      {a = {1}})
    refuses(domains .. "expected a table, got 5", "add_hparams", {a = 1}, {}, 5)
  end)
end)

describe("a table that lies about its length", function()
  before_each(open)

  -- #t is 2^62 for Lua, with a few dozen elements.
  local function long(element)
    local t = {}
    for i = 0, 62 do t[1 << i], t[(1 << i) + 1] = element, element end
    assert(rawlen(t) > 1 << 50)
    return t
  end

  it("is refused", function()
    refuses("add_scalars: a table is too long", "add_scalars", "x", long {"a", 1})
    refuses("add_text: a table is too long", "add_text", "x", long "a")
    refuses("add_hparams: a table is too long", "add_hparams", long {"a", 1}, {})
    refuses("add_hparams: a table is too long", "add_hparams", {a = 1}, {}, {a = long(1)})
    refuses("add_histogram: argument 'values': too many elements", "add_histogram", "x", long(1))
  end)
end)

describe("NaN and infinities", function()
  -- Stands for the default log: the writer asks for nothing else.
  local told, module
  before_each(function()
    told, module = {}, package.loaded["helios.core.logging"]
    package.loaded["helios.core.logging"] = {
      is_root_logger_active = function() return true end,
      get_root_logger = function()
        return {warning = function(_, ...) told[#told + 1] = string.format(...) end}
      end,
    }
    open()
  end)
  after_each(function() package.loaded["helios.core.logging"] = module end)

  it("are written, and told once per tag with tag and step", function()
    for step = 1, 3 do
      tb:add_scalar("a", 0 / 0, step)
      tb:add_scalar("b", -math.huge, step)
    end
    tb:add_scalar("c", "inf")
    assert.same({"tensorboard: 'a' is nan at step 1", "tensorboard: 'b' is -inf at step 1", "tensorboard: 'c' is inf"},
      told)
    assert.equal(7, #values())
  end)

  it("are told with the step of set_step, and by add_scalars too", function()
    tb:set_step(9)
    tb:add_scalar("a", math.huge)
    tb:add_scalars("m", {x = math.huge, y = 1})
    assert.equal("tensorboard: 'a' is inf at step 9", told[1])
    assert.equal(2, #told)
  end)

  it("are told where a double is too large for the float that is written", function()
    tb:add_scalar("a", 1e39, 1)
    tb:add_scalar("b", 1e39, {global_step = 1, double_precision = true})
    tb:add_scalars("m", {x = -1e39}, 2)
    tb:add_hparams({lr = 1}, {c = 1e39}, nil, nil, 3)
    assert.same({"tensorboard: 'a' is inf at step 1", "tensorboard: 'm' is -inf at step 2",
      "tensorboard: 'c' is inf at step 3"}, told)
  end)

  it("are told where a histogram or a tensor holds them", function()
    for step = 1, 2 do
      tb:add_histogram("h", {1, 0 / 0, math.huge}, step)
      tb:add_histogram("low", {1, -math.huge}, step)
      tb:add_tensor("t", {1, math.huge, 0 / 0}, step)
      tb:add_tensor("half", {1, -math.huge}, {global_step = step, dtype = "float16"})
      tb:add_tensor("fine", {1, 2}, step)
      tb:add_histogram("whole", {1, 2}, {global_step = step, dtype = "int64"})
    end
    assert.same({"tensorboard: 'h' is nan at step 1", "tensorboard: 'low' is -inf at step 1",
      "tensorboard: 't' is inf at step 1", "tensorboard: 'half' is -inf at step 1"}, told)
    assert.equal(12, #values())
  end)

  it("are told with the whole tag, however long", function()
    local tag = ("é"):rep(1000)
    tb:add_scalar(tag, math.huge)
    assert.equal(("tensorboard: '%s' is inf"):format(tag), told[1])
  end)

  it("are told after the point is accepted, so that the log may use the writer", function()
    package.loaded["helios.core.logging"].get_root_logger = function()
      return {warning = function() tb:add_scalar("told", tb:stats().events) end}
    end
    tb:add_scalar("a", math.huge, 1)
    assert.equal(1, values "told"[1].tensor.float_val[1])
  end)
end)

describe("a disk that fails", function()
  -- The run's folder gives way to a file: the event file cannot be made, nor the folder anew.
  local function run(lines)
    return child.run(([[
      local dir = %q
      local tb = require("helios.core.tensorboard_writer")()
      tb:setup(dir)
      assert(os.execute("rm -r " .. dir .. " && touch " .. dir))
      tb:add_scalar("x", 1, 1)
    ]]):format(dir .. "/gone") .. lines)
  end

  it("is told by flush and close as nil, message, code, never by add_*", function()
    local result = run [[
      local ok, message, code = tb:flush()
      print(ok, message:find(dir, 1, true), code, message == tb:stats().last_error)
      tb:add_scalar("x", 2, 2)
      print(select("#", tb:close()))
      print(tb:close())
      print(tb:stats().dropped, tb:stats().pending)
    ]]
    assert.equal("nil\t1\tEIO\ttrue\n3\ntrue\n2\t0\n", result.out)
    assert.is_true(result.ok)
  end)

  it("is told once on stderr, with path and reason, and at the end what was lost", function()
    local result = run [[
      tb:flush()
      tb:add_scalar("x", 2, 2)
      tb:flush()
    ]]
    local line = "^helios: " .. dir .. "/gone/events[^\n]*: cannot open: Not a directory\n"
    local lost = "helios: " .. dir .. "/gone: 2 records were dropped\n$"
    assert.truthy(result.err:find(line .. lost), result.err)
  end)

  it("is forgotten once the folder is back: nothing is lost", function()
    local result = run [[
      tb:flush()
      assert(os.execute("rm " .. dir .. " && mkdir -p " .. dir)) -- the writer may have made it meanwhile
      assert(tb:flush())
      assert(tb:close())
      assert(tb:stats().dropped == 0)
    ]]
    assert.is_true(result.ok, result.err)
    assert.same({{tag = "x", step = 1, value = 1}}, events.scalars(dir .. "/gone"))
  end)
end)

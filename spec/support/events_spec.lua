---The decoder of the specs, held against files that torch wrote (see spec/golden/make_golden.py).
local events = require "spec.support.events"
local tmp = require "spec.support.tmp"

local KINDS, PURGE = "spec/golden/torch_kinds.events", "spec/golden/torch_purge.events"

local function value_of(tag)
  for _, event in ipairs(events.read(KINDS)) do
    local value = event.summary and event.summary.value[1]
    if value and value.tag == tag then return value, event end
  end
end

-- A run folder whose only event file is a copy of one of the golden files.
local function run_with(path)
  local dir = tmp.dir()
  tmp.write(dir .. "/events.out.tfevents.1.golden", tmp.read(path))
  return dir
end

describe("the event decoder", function()
  it("computes CRC-32C as RFC 3720 does", function()
    assert.equal(0x8A9136AA, events.crc32c(("\0"):rep(32)))
    assert.equal(0x62A8AB43, events.crc32c(("\xff"):rep(32)))
    assert.equal(0xE3069283, events.crc32c("123456789"))
  end)

  it("reads the first event", function()
    assert.same({
      wall_time = 1700000000.25, file_version = "brain.Event:2",
      source_metadata = {writer = "tensorboard.summary.writer.event_file_writer"},
    }, events.read(KINDS)[1])
  end)

  it("reads new-style scalars, doubles and zeros too", function()
    local value, event = value_of("loss")
    assert.same({dtype = 1, float_val = {0.5}}, value.tensor)
    assert.equal("scalars", events.plugin(value))
    assert.equal(3, event.step)
    assert.same({dtype = 2, double_val = {0.1}}, value_of("precise").tensor)
    assert.same({0.0}, value_of("zero").tensor.float_val)
  end)

  it("tells a step that is not in the bytes from one that is", function()
    assert.is_nil(select(2, value_of("zero")).step)
    assert.equal(-7, select(2, value_of("old")).step)
    assert.equal(1234.5, select(2, value_of("old")).wall_time)
    assert.equal(2 ^ 40, select(2, value_of("precise")).step)
  end)

  it("keeps the bytes of a summary and of its values", function()
    local _, event = value_of("loss")
    local value = "\x0a\x04loss\x42\x08\x08\x01\x2a\x04\0\0\0\x3f\x4a\x0b\x0a\x09\x0a\x07scalars"
    assert.equal("\x0a" .. string.char(#value) .. value, event.summary_bytes)
    assert.equal(value, event.summary.value[1].bytes)
  end)

  it("reads text with its NUL", function()
    local value = value_of("note/text_summary")
    assert.same({dtype = 7, tensor_shape = {dim = {{size = 1}}}, string_val = {"grüß\0dich"}}, value.tensor)
  end)

  it("reads images", function()
    local image = value_of("picture").image
    assert.same({2, 2, 3}, {image.height, image.width, image.colorspace})
    assert.equal("\x89PNG", image.encoded_image_string:sub(1, 4))
  end)

  it("reads histograms", function()
    local histo = value_of("weights").histo
    assert.same({-1.0, 0.5, 4.0, 1.5}, {histo.min, histo.max, histo.num, histo.sum_squares})
    assert.is_nil(histo.sum) -- 0 is left out
    assert.equal(#histo.bucket_limit, #histo.bucket)
    local count = 0
    for _, n in ipairs(histo.bucket) do count = count + n end
    assert.equal(4.0, count)
  end)

  it("reads PR curves and their plugin data", function()
    local value = value_of("curve")
    assert.same({dim = {{size = 6}, {size = 3}}}, value.tensor.tensor_shape)
    assert.same({2, 1, 0}, table.move(value.tensor.float_val, 1, 3, 1, {}))
    assert.same({num_thresholds = 3}, events.plugin_data(value))
  end)

  it("reads hyper-parameters", function()
    assert.same({
      hparam_infos = {
        {name = "lr", type = 3, domain_discrete = {values = {{number_value = 0.1}, {number_value = 0.2}}}},
        {name = "opt", type = 1},
      },
      metric_infos = {{name = {tag = "acc"}}},
    }, events.plugin_data(value_of("_hparams_/experiment")).experiment)
    local hparams = events.plugin_data(value_of("_hparams_/session_start_info")).session_start_info.hparams
    table.sort(hparams, function(a, b) return a.key < b.key end)
    assert.same({{key = "lr", value = {number_value = 0.1}}, {key = "opt", value = {string_value = "sgd"}}}, hparams)
    assert.same({session_end_info = {status = 1}}, events.plugin_data(value_of("_hparams_/session_end_info")))
  end)

  it("reads what purge_step writes", function()
    local purge = events.read(PURGE)
    assert.same({wall_time = 1700000000.25, step = 10, file_version = "brain.Event:2"}, purge[2])
    assert.same({wall_time = 1700000000.25, step = 10, session_log = {status = 1}}, purge[3])
  end)

  it("lists the points of a run", function()
    assert.same({
      {tag = "loss", step = 3, value = 0.5}, {tag = "zero", step = 0, value = 0.0},
      {tag = "old", step = -7, value = -2.25}, {tag = "precise", step = 2 ^ 40 | 0, value = 0.1},
    }, events.scalars(run_with(KINDS)))
  end)

  it("reads a run's files in name order, one after another", function()
    local dir = run_with(PURGE)
    tmp.write(dir .. "/events.out.tfevents.0.golden", tmp.read(KINDS))
    tmp.write(dir .. "/notes.txt", "no event file")
    assert.equal(#events.read(KINDS) + 3, #events.run(dir))
    assert.is_nil(events.run(dir)[1].step)
  end)

  it("refuses a damaged record, and says where", function()
    local bytes, path = tmp.read(PURGE), tmp.dir() .. "/damaged"
    local function reading(damaged)
      tmp.write(path, damaged)
      return function() events.read(path) end
    end
    assert.error_matches(reading(bytes:sub(1, -2)), "cut record at byte")
    assert.error_matches(reading(bytes:sub(1, -2) .. "\0"), "wrong checksum of the payload at byte")
    assert.error_matches(reading("\1" .. bytes:sub(2)), "wrong checksum of the length at byte 0")
    assert.error_matches(reading(bytes .. "\0\0"), "cut record header at byte")
  end)

  it("refuses fields it does not know", function()
    assert.error_matches(function() events.decode("\x78\1", "Event") end, "unknown field 15 of Event")
    assert.error_matches(function() events.decode("\x08\1", "Event") end, "Event.wall_time: .*wrong wire type")
  end)
end)

describe("tmp", function()
  it("gives an empty folder of its own each time", function()
    local one, two = tmp.dir(), tmp.dir()
    assert.not_equal(one, two)
    assert.same({}, tmp.files(one))
  end)

  it("lists files of sub-folders in byte order", function()
    local dir = tmp.dir()
    assert(require("lfs").mkdir(dir .. "/b"))
    tmp.write(dir .. "/b/c", "1")
    tmp.write(dir .. "/a", "2")
    assert.same({"a", "b/c"}, tmp.files(dir))
    assert.same({"b/c"}, tmp.files(dir, "^b/"))
    assert.equal("1", tmp.read(dir .. "/b/c"))
  end)

  it("removes its folders when the Lua state closes", function()
    local script = tmp.dir() .. "/leaves.lua"
    tmp.write(script, [[
      local tmp = require "spec.support.tmp"
      local dir = tmp.dir()
      assert(require("lfs").mkdir(dir .. "/sub"))
      tmp.write(dir .. "/sub/file", "x")
      print(dir)
      error("half-way")]])
    local pipe = assert(io.popen("lua5.4 " .. script .. " 2>&1"))
    local dir = pipe:read("a"):match("^[^\n]*")
    pipe:close()
    assert.matches("%.d$", dir)
    assert.is_nil(require("lfs").attributes(dir))
  end)
end)

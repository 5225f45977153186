---Wrong calls that were once taken in silence, or told in another function's name or for another line.
local logging = require "helios.core.logging"
local helios = require("spec.support.command").helios
local tmp = require "spec.support.tmp"

local function message_of(fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok)
  return message
end

describe("a dictionary that is a list of pairs and has names too", function()
  it("is an error: the named ones would be lost", function()
    local tb = logging.TensorboardWriter()
    tb:setup(tmp.dir())
    local message = message_of(tb.add_scalars, tb, "m", {{"a", 1}, b = 2}, 1)
    assert.equal("add_scalars: argument 'tag_scalar_dict': expected a list of pairs or string keys, got both", message)
    message = message_of(tb.add_hparams, tb, {{"lr", 1}, momentum = 0.9}, {})
    assert.equal("add_hparams: argument 'hparam_dict': expected a list of pairs or string keys, got both", message)
    assert.equal(0, tb:stats().events)
    tb:close()
  end)
end)

describe("errors of the default loggers", function()
  before_each(function() logging.create_default_loggers() end)
  after_each(function() logging.close_default_loggers() end)

  it("carry the called function's name and the caller's line", function()
    local message = message_of(function() logging.restore_default_loggers(nil, tmp.dir(), {purge = 1}) end)
    assert.matches("wrong_calls_told_spec.lua:%d+: restore_default_loggers: unknown option 'purge'$", message)
    message = message_of(function() logging.setup_default_loggers("r", "/dev/null/x") end)
    assert.matches("wrong_calls_told_spec.lua:%d+: setup_default_loggers: /dev/null/x: ", message)
  end)

  it("do not lose the writer's options when purge_step stands beside them", function()
    local message = message_of(function()
      logging.restore_default_loggers{run_path = tmp.dir(), opts = {durability = "none"}, purge_step = 3}
    end)
    assert.matches("durability", message)
  end)
end)

describe("TensorboardWriter:add_figure", function()
  it("names the caller's line, whatever is wrong with the figure", function()
    local tb = logging.TensorboardWriter()
    tb:setup(tmp.dir())
    local function add(figure) return message_of(function() tb:add_figure("f", figure) end) end
    local here = "wrong_calls_told_spec.lua:%d+: add_figure: argument 'figure': "
    assert.matches(here .. "expected an object with :render%(%), or a list of them, got a string$", add("x"))
    assert.matches(here .. "figure 1 has no :render%(%)$", add{{}})
    assert.matches(here .. "picture 1: PNG", add{render = function() return "no picture" end})
    assert.matches(here .. "picture 1: :render%(%) gave nothing$", add{render = function() end})
    assert.equal(0, tb:stats().events)
    tb:close()
  end)
end)

describe("TensorboardWriter:add_graph", function()
  it("says that the model is missing", function()
    local tb = logging.TensorboardWriter()
    tb:setup(tmp.dir())
    assert.matches("add_graph: argument 'model': missing$", message_of(function() tb:add_graph() end))
    tb:close()
  end)
end)

describe("helios recover", function()
  it("fails on a path that is not there and has nothing pending", function()
    local _, err, status = helios("recover", tmp.dir() .. "/typo")
    assert.matches("typo: No such file or directory\n$", err)
    assert.equal(1, status)
  end)
end)

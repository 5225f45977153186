-- Errors of fit: what gets into the log, and what is expected.
local logging = require "helios.core.logging"
local Model = require "helios.model"
local tmp = require "spec.support.tmp"
local training = require "spec.support.training"

local at, module_of, only_file, quiet = training.at, training.module_of, training.only_file, training.quiet

setup(training.hush)
teardown(training.unhush)

describe("an error in fit", function()
  local function failing(trainer, methods)
    local ok, err = pcall(trainer.fit, trainer, Model.new("m", methods), module_of(1))
    assert.is_false(ok)
    return err
  end

  it("goes to the log with its traceback, closes the loggers, and is raised again as it was", function()
    local dir, value = tmp.dir(), setmetatable({}, {__tostring = function() return "out of weights" end})
    local torn_down = false
    local trainer = quiet(at(dir, {total_steps = 1}))
    local module = module_of(1, nil, nil, {teardown = function() torn_down = true end})
    local ok, err = pcall(trainer.fit, trainer, Model.new("m", {train_step = function() error(value) end}), module)
    assert.is_false(ok)
    assert.equal(value, err)
    assert.is_true(torn_down)
    assert.is_false(logging.is_root_logger_active())
    assert.matches("%[ERROR]: error: uncaught exception\nout of weights\nstack traceback:\n.*in method 'train_step'",
      tmp.read(only_file(dir .. "/logs")))
  end)

  it("has a traceback that starts where it was raised, by error or by Lua itself", function()
    for where, step in pairs {
      ["%[C%]: in function 'error'\n\t[^\n]*in method 'train_step'"] = function() error "x" end,
      ["[^\n]*in method 'train_step'"] = function(self) return self.none.field end,
    } do
      local dir = tmp.dir()
      failing(quiet(at(dir, {total_steps = 1})), {train_step = step})
      assert.matches("stack traceback:\n\t" .. where, tmp.read(only_file(dir .. "/logs")))
    end
  end)

  it("passes untouched when the trainer expects it, by pattern or by function", function()
    for _, exception in ipairs {"^.*pruned", function(err) return tostring(err):find("pruned", 1, true) end} do
      local dir = tmp.dir()
      local trainer = quiet(at(dir, {total_steps = 1}))
      trainer.train_exceptions = {"other", exception}
      assert.matches("pruned", failing(trainer, {train_step = function() error "pruned" end}))
      assert.is_true(logging.is_root_logger_active())
      logging.close_default_loggers()
      assert.not_matches("uncaught", tmp.read(only_file(dir .. "/logs")))
    end
  end)

  it("is not mistaken for expected by a list that is wrong, or by a function that fails", function()
    local trainer = quiet {total_steps = 1}
    for message, list in pairs {
      ["fit: train_exceptions: expected a list, got a string"] = "pruned",
      ["fit: train_exceptions: expected patterns or functions, got a number"] = {5},
      ["fit: train_exceptions: '%': malformed pattern (ends with '%')"] = {"x", "%"},
    } do
      trainer.train_exceptions = list
      assert.error_matches(function() trainer:fit(Model.new "m", module_of(1)) end, message, 1, true)
    end
    trainer.train_exceptions = {function() error "in the question" end}
    assert.matches("pruned", failing(trainer, {train_step = function() error "pruned" end}))
  end)

  it("that cannot be shown is raised as it was, and has its line in the log", function()
    local dir, value = tmp.dir(), setmetatable({}, {__tostring = function() error "no" end})
    local err = failing(quiet(at(dir, {total_steps = 1})), {train_step = function() error(value) end})
    assert.is_true(rawequal(value, err))
    assert.matches("%[ERROR]: error: uncaught exception: a table that cannot be shown\n",
      tmp.read(only_file(dir .. "/logs")))
  end)

  it("before there are loggers is raised all the same", function()
    local module = module_of(1, nil, nil, {prepare_data = function() error "no network" end})
    assert.error_matches(function() quiet {}:fit(Model.new "m", module) end, "no network")
  end)

  it("of teardown is raised when there was no other", function()
    local module = module_of(1, nil, nil, {teardown = function() error "cannot clean up" end})
    assert.error_matches(function() quiet {total_steps = 1}:fit(Model.new "m", module) end, "cannot clean up")
  end)
end)

-- Plugins, and the one that comes with the trainer.
local Model = require "helios.model"
local Plugin = require "helios.plugin"
local tmp = require "spec.support.tmp"
local training = require "spec.support.training"
local Trainer = require "helios.trainer"

local module_of, quiet, recorder = training.module_of, training.quiet, training.recorder

setup(training.hush)
teardown(training.unhush)

describe("plugins", function()
  it("may be plain tables that have only some of the hooks", function()
    local trainer, calls = quiet {total_steps = 5, valid_frequency = 1, chkpt_frequency = 1, chkpt_root = tmp.dir()}, {}
    trainer.plugins.plain = {
      on_training_start = function(self) calls[#calls + 1] = "start of " .. self.trainer.total_steps end,
      process_training_batch = function(_, batch) return {batch[1] + 1} end,
    }
    trainer.plugins.stopping = {should_training_stop = function() return #calls == 3 end}
    trainer:fit(Model.new("m", {train_step = function(_, batch) calls[#calls + 1] = batch[1] end}), module_of(1, 1))
    assert.same({"start of 5", 2, 2}, calls)
  end)

  it("are tables", function()
    local trainer = quiet {total_steps = 1}
    trainer.plugins.five = 5
    assert.error_matches(function() trainer:fit(Model.new "m", module_of(1)) end,
      "plugin 'five': expected a table, got a number", 1, true)
    assert.error_matches(function() Plugin.new("p", 5) end,
      "Plugin.new: argument 'methods': expected a table, got a number", 1, true)
  end)

  it("are called just before the model, in the order of their names", function()
    local model, calls = recorder({}, {})
    local trainer = quiet {total_steps = 1, valid_frequency = 1}
    for _, name in ipairs {"b", "a"} do
      local plugin = Plugin.new(name)
      for _, hook in ipairs {"setup", "on_training_start", "on_training_batch_end", "on_training_end",
        "on_validation_start", "on_validation_end", "should_training_stop"} do
        plugin[hook] = function() calls[#calls + 1] = name .. "." .. hook end
      end
      plugin:configure_trainer(trainer)
    end
    trainer:fit(model, module_of(1, 1))
    local of_plugins = {}
    for i, call in ipairs(calls) do
      if call:find("^a%.") then
        assert.equal("b" .. call:sub(2), calls[i + 1])
        of_plugins[#of_plugins + 1] = call:sub(3) .. " > " .. calls[i + 2]:gsub("%(.*", "")
      end
    end
    assert.same({
      "setup > setup", "on_training_start > on_training_start", "on_training_batch_end > on_training_batch_end",
      "should_training_stop > should_training_stop", "on_validation_start > on_validation_start",
      "on_validation_end > on_validation_end", "should_training_stop > should_training_stop",
      "on_training_end > on_training_end",
    }, of_plugins)
  end)

  it("change batches on their way to the model, one plugin at most", function()
    local trainer, got = quiet {total_steps = 1, valid_frequency = 1}, {}
    trainer.plugins.double = Plugin.new("double", {
      process_training_batch = function(_, batch, state) return {batch[1] * 2, state.global_iteration} end,
      process_validation_batch = function(_, batch, step) return {batch[1] * 3, step} end,
      process_testing_batch = function(_, batch, step) return {batch[1] * 4, step} end,
    })
    local function keep(_, batch) got[#got + 1] = table.concat(batch, " ") end
    local model = Model.new("m", {train_step = keep, valid_step = keep, test_step = keep})
    trainer:fit(model, module_of(2, 1))
    trainer:test(model, module_of(nil, nil, 1))
    assert.same({"2 1", "4 2", "3 0", "4 0"}, got)
    trainer.plugins.other = Plugin.new("other", {process_training_batch = function(_, batch) return batch end})
    assert.error_matches(function() trainer:fit(model, module_of(1)) end,
      "plugins 'double' and 'other' both have process_training_batch: only one may change the batch", 1, true)
  end)

  it("can stop training, and have their state in the checkpoint", function()
    local dir = tmp.dir()
    local function counter()
      return Plugin.new("counter", {
        n = 0,
        on_training_batch_end = function(self) self.n = self.n + 1 end,
        should_training_stop = function(self) return self.n >= 3 end,
        state_dict = function(self) return {n = self.n} end,
        load_state_dict = function(self, saved) self.n = saved.n end,
      })
    end
    local trainer = quiet {train_unit = "iteration", total_steps = 2, chkpt_frequency = 1, chkpt_root = dir}
    trainer.plugins.counter = counter()
    trainer:fit(Model.new "m", module_of(1))
    trainer = quiet {train_unit = "iteration", total_steps = 9, chkpt_frequency = 1, chkpt_root = dir}
    trainer.plugins.counter = counter()
    trainer:fit(Model.new "m", module_of(1))
    assert.equal(3, trainer.plugins.counter.n)
  end)

  it("are registered once under a name", function()
    local trainer = Trainer()
    Plugin.new "p":configure_trainer(trainer)
    assert.error_matches(function() Plugin.new "p":configure_trainer(trainer) end,
      "a plugin with id 'p' has already been registered", 1, true)
  end)
end)

describe("the EMA plugin", function()
  it("averages the weights after each step and validates with the averages, in place", function()
    local EMA = require "helios.plugins.ema"
    local validated
    local model = Model.new("m", {
      setup = function(self) self.w = {1.0, {2.0}, count = 5} end,
      train_step = function(self) self.w[1], self.w[2][1] = self.w[1] + 1, self.w[2][1] * 2 end,
      valid_step = function(self) validated = {self.w[1], self.w[2][1]} end,
    })
    local trainer = quiet {total_steps = 1, valid_frequency = 1}
    trainer.plugins.ema = EMA {decay = 0.5, parameters = function(m) return m.w end}
    trainer:fit(model, module_of(2, 1))
    -- weights 1, 2, 3 and 2, 4, 8: averages 1, 1.5, 2.25 and 2, 3, 5.5
    assert.same({2.25, 5.5}, validated)
    assert.same({3.0, {8.0}, count = 5}, model.w)
    assert.same({2.25, {5.5}, count = 5}, trainer.plugins.ema.averages)
  end)

  it("refuses a decay outside [0, 1) and missing parameters", function()
    local EMA = require "helios.plugins.ema"
    assert.error_matches(function() EMA {decay = 1, parameters = print} end,
      "ema: argument 'decay': must be in [0, 1)", 1, true)
    assert.error_matches(function() EMA {} end, "ema: argument 'parameters': expected a function", 1, true)
  end)
end)

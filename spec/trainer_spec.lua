local checkpoint = require "helios.checkpoint"
local data = require "helios.data"
local events = require "spec.support.events"
local logging = require "helios.core.logging"
local Model = require "helios.model"
local Plugin = require "helios.plugin"
local rng = require "helios.rng"
local tmp = require "spec.support.tmp"
local Trainer = require "helios.trainer"

local CALLBACKS <const> = {
  "setup", "train", "eval", "on_training_start", "on_training_epoch_start", "on_training_batch_start", "train_step",
  "on_training_batch_end", "on_training_epoch_end", "on_training_end", "on_validation_start",
  "on_validation_batch_start", "valid_step", "on_validation_batch_end", "on_validation_end", "have_metrics_improved",
  "should_training_stop", "on_testing_start", "on_testing_batch_start", "test_step", "on_testing_batch_end",
  "on_testing_end", "load_for_testing", "state_dict", "load_state_dict",
}

-- What the loggers would tell stderr is looked for in their files.
local stderr_hook = require "helios.native".logger.set_stderr_hook
setup(function() stderr_hook(function() end) end)
teardown(function() stderr_hook(nil) end)

local function show(value)
  return type(value) == "table" and "state" or tostring(value)
end

-- A model that notes its callbacks with their arguments; batches and states as such.
local function recorder(methods, calls)
  calls = calls or {}
  local all = {}
  for _, name in ipairs(CALLBACKS) do
    local own = methods and methods[name]
    all[name] = function(self, ...)
      local shown = {}
      for i = 1, select("#", ...) do shown[i] = show((select(i, ...))) end
      calls[#calls + 1] = name .. (#shown > 0 and "(" .. table.concat(shown, ", ") .. ")" or "")
      if own then return own(self, ...) end
      return Model[name](self, ...)
    end
  end
  return Model.new("m", all), calls
end

local function numbers(n)
  local list = {}
  for i = 1, n do list[i] = i end
  return list
end

local function module_of(train, valid, test, methods)
  methods = methods or {}
  methods.setup = methods.setup or function(self)
    self.train_dataset = train and self:create_dataset(numbers(train))
    self.valid_dataset = valid and self:create_dataset(numbers(valid))
    self.test_dataset = test and self:create_dataset(numbers(test))
  end
  return data.DataModule.new(methods)
end

local function quiet(settings)
  settings.print_banner = false
  return Trainer(settings)
end

-- Settings with a folder for everything.
local function at(dir, settings)
  settings.chkpt_root, settings.log_path, settings.run_path = dir .. "/chkpt", dir .. "/logs", dir .. "/runs"
  settings.enable_tensorboard, settings.enable_file_logging = true, true
  return settings
end

local function only_file(dir, pattern)
  local files = tmp.files(dir, pattern)
  assert.equal(1, #files, table.concat(files, " "))
  return dir .. "/" .. files[1]
end

describe("Trainer", function()
  it("can be made with no settings", function()
    local t = Trainer()
    assert.same({"epoch", 0, 1, 6691}, {t.train_unit, t.total_steps, t.accumulation_steps, t.random_seed})
  end)

  it("refuses wrong settings at once", function()
    local dir = tmp.dir()
    tmp.write(dir .. "/file", "")
    local function refused(message, settings)
      local ok, err = pcall(Trainer, settings)
      assert.is_false(ok)
      assert.equal("Trainer: " .. message, (tostring(err):gsub("^[^:]+:%d+: ", "")))
    end
    refused("argument 'total_steps': expected an integer or math.huge, got 3.0", {total_steps = 3.0})
    refused("argument 'total_steps': expected an integer or math.huge, got -1", {total_steps = -1})
    refused("argument 'train_unit': expected 'epoch' or 'iteration', got 'step'", {train_unit = "step"})
    for _, name in ipairs {"valid_frequency", "chkpt_frequency", "print_frequency", "accumulation_steps",
      "chkpt_keep_last"} do
      refused(("argument '%s': must be an integer greater than 0 or nil, got 0"):format(name),
        {[name] = 0, chkpt_root = dir})
    end
    refused("argument 'early_stop_cycles': must not be 0 when 'total_steps' is math.huge",
      {total_steps = math.huge, early_stop_cycles = 0})
    refused("argument 'run_path': TensorBoard requested but no folder was given", {enable_tensorboard = true})
    refused("argument 'run_path': " .. dir .. "/file is not a folder",
      {enable_tensorboard = true, run_path = dir .. "/file"})
    refused("argument 'log_path': file logging requested but no folder was given", {enable_file_logging = true})
    refused("argument 'log_path': " .. dir .. "/file is not a folder",
      {enable_file_logging = true, log_path = dir .. "/file"})
    refused("argument 'chkpt_root': checkpoints requested but no folder was given", {chkpt_frequency = 1})
    refused("argument 'handle_signals': expected true, false or 'return', got yes", {handle_signals = "yes"})
    refused("argument 'run_name': expected a string, got 3", {run_name = 3})
    refused("unknown setting 'total_step'", {total_step = 3})
    assert.matches("^spec/trainer_spec.lua:%d+: Trainer: ", select(2, pcall(function()
      local t = Trainer {valid_frequency = 0}
      return t
    end)))
  end)

  it("wants a model and a data module", function()
    assert.error_matches(function() Trainer():fit({}, module_of(1)) end,
      "fit: argument 'model': expected a helios.Model, got a table", 1, true)
    assert.error_matches(function() Trainer():fit(Model.new "m", {train_dataloader = print}) end,
      "fit: argument 'datamodule': expected a helios.DataModule, got a table", 1, true)
    assert.error_matches(function() Model.new("m", 5) end,
      "Model.new: argument 'methods': expected a table, got a number", 1, true)
    assert.error_matches(function() Trainer():test(Model.new "m", nil) end,
      "test: argument 'datamodule': expected a helios.DataModule, got a nil", 1, true)
  end)
end)

describe("a model", function()
  it("may inherit its methods from a class of the user's own", function()
    local Base = {}
    Base.__index = Base
    function Base:train_step() self.steps = (self.steps or 0) + 1 end
    local model = Model.new("m", setmetatable({rate = 0.5}, Base))
    quiet {total_steps = 1}:fit(model, module_of(3))
    assert.same({3, 0.5, "m"}, {model.steps, model.rate, model.save_name})
    assert.is_true(model:have_metrics_improved())
  end)
end)

describe("Trainer:fit by epoch", function()
  it("calls back in Helios' order", function()
    local model, calls = recorder()
    quiet {total_steps = 2, valid_frequency = 2, print_frequency = 2}:fit(model, module_of(2, 1))
    assert.same({
      "setup(false)", "on_training_start", "train",
      "on_training_epoch_start(1)",
      "on_training_batch_start(state)", "train_step(state, state)", "on_training_batch_end(state, false)",
      "should_training_stop",
      "on_training_batch_start(state)", "train_step(state, state)", "on_training_batch_end(state, true)",
      "should_training_stop",
      "on_training_epoch_end(1)", "should_training_stop",
      "on_training_epoch_start(2)",
      "on_training_batch_start(state)", "train_step(state, state)", "on_training_batch_end(state, false)",
      "should_training_stop",
      "on_training_batch_start(state)", "train_step(state, state)", "on_training_batch_end(state, true)",
      "should_training_stop",
      "eval", "on_validation_start(0)",
      "on_validation_batch_start(0)", "valid_step(state, 0)", "on_validation_batch_end(0)",
      "train", "on_validation_end(0)", "have_metrics_improved",
      "on_training_epoch_end(2)", "should_training_stop",
      "on_training_end",
    }, calls)
  end)

  it("counts as Helios does", function()
    local seen = {}
    local model = Model.new("m", {on_training_batch_end = function(_, s)
      seen[#seen + 1] = ("%d %d %d %d %d %d"):format(s.current_iteration, s.global_iteration, s.global_epoch,
        s.validation_cycles, s.dataset_iter, s.running_iter)
    end})
    quiet {total_steps = 3, valid_frequency = 2, accumulation_steps = 2}:fit(model, module_of(2, 1))
    assert.same({"1 1 1 0 0 1", "2 2 1 0 1 2", "3 3 2 0 0 3", "4 4 2 0 1 4", "5 5 3 1 0 1", "6 6 3 1 1 2"}, seen)
  end)

  it("stops early after so many validations without improvement", function()
    local improvements, epochs = {true, false, true, false, false, true}, 0
    local model = Model.new("m", {
      have_metrics_improved = function() return table.remove(improvements, 1) end,
      on_training_epoch_end = function() epochs = epochs + 1 end,
    })
    quiet {total_steps = math.huge, valid_frequency = 1, early_stop_cycles = 2}:fit(model, module_of(1, 1))
    assert.equal(5, epochs)
  end)

  it("stops when the model says so, after that very batch, and still ends the epoch", function()
    local model, calls = recorder {should_training_stop = function(self) return self.trainer.model.steps == 2 end,
      train_step = function(self) self.steps = (self.steps or 0) + 1 end}
    quiet {total_steps = 5}:fit(model, module_of(4))
    assert.equal(2, model.steps)
    assert.equal("on_training_epoch_end(1)", calls[#calls - 2])
    assert.equal("on_training_end", calls[#calls])
  end)

  it("trains nothing when there are no steps to train", function()
    local model, calls = recorder()
    quiet {}:fit(model, module_of(2))
    assert.same({"setup(false)", "on_training_start", "train", "on_training_end"}, calls)
  end)
end)

describe("Trainer:fit by iteration", function()
  it("calls back in Helios' order", function()
    local model, calls = recorder()
    quiet {train_unit = "iteration", total_steps = 3, valid_frequency = 2}:fit(model, module_of(2, 1))
    assert.same({
      "setup(false)", "on_training_start", "train",
      "on_training_epoch_start(1)",
      "on_training_batch_start(state)", "train_step(state, state)", "on_training_batch_end(state, false)",
      "should_training_stop", "should_training_stop",
      "on_training_batch_start(state)", "train_step(state, state)", "on_training_batch_end(state, false)",
      "should_training_stop",
      "eval", "on_validation_start(0)",
      "on_validation_batch_start(0)", "valid_step(state, 0)", "on_validation_batch_end(0)",
      "train", "on_validation_end(0)", "have_metrics_improved",
      "should_training_stop",
      "on_training_epoch_end(1)",
      "on_training_epoch_start(2)",
      "on_training_batch_start(state)", "train_step(state, state)", "on_training_batch_end(state, false)",
      "should_training_stop", "should_training_stop",
      "on_training_epoch_end(2)",
      "on_training_end",
    }, calls)
  end)

  it("counts accumulated batches as one iteration, and tells to log only when one is complete", function()
    local seen = {}
    local model = Model.new("m", {on_training_batch_end = function(_, s, should_log)
      seen[#seen + 1] = ("%d %d %d %s"):format(s.current_iteration, s.global_iteration, s.running_iter, should_log)
    end})
    quiet {train_unit = "iteration", total_steps = 3, accumulation_steps = 2, print_frequency = 1,
      valid_frequency = 2}:fit(model, module_of(5, 1))
    assert.same({"0 1 0 false", "1 2 1 true", "1 3 1 false", "2 4 2 true", "2 5 0 false", "3 6 1 true"}, seen)
  end)

  it("refuses data that would never bring it to its end", function()
    for _, settings in ipairs {{train_unit = "iteration", total_steps = 3}, {total_steps = math.huge}} do
      local module = data.DataModule.new {setup = function(self)
        self.train_dataset = self:create_dataset({1, 2}, {batch_size = 3, drop_last = true})
      end}
      assert.error_matches(function() quiet(settings):fit(Model.new "m", module) end,
        "the train_dataloader gives no batches: training would never end", 1, true)
    end
  end)

  it("goes on through as many epochs as it takes, each in its own order", function()
    local orders = {}
    local model = Model.new("m", {train_step = function(_, batch, s)
      orders[s.global_epoch] = (orders[s.global_epoch] or "") .. batch[1]
    end})
    local module = data.DataModule.new {setup = function(self)
      self.train_dataset = self:create_dataset(numbers(6), {shuffle = true})
    end}
    quiet {train_unit = "iteration", total_steps = 18}:fit(model, module)
    assert.equal(3, #orders)
    assert.not_equal(orders[1], orders[2])
    assert.not_equal(orders[2], orders[3])
  end)
end)

describe("Trainer:fit", function()
  it("sets up plugins, data and model before the loggers have files, and tells them who they are", function()
    local order, trainer = {}, nil
    local function note(name)
      return function(self)
        order[#order + 1] = name
        assert.equal(trainer, self.trainer)
        assert.same({0, false}, {self.rank or 0, self.is_distributed})
        assert.is_true(logging.is_root_logger_active())
        assert.is_nil(logging.get_root_logger().log_file)
      end
    end
    trainer = quiet(at(tmp.dir(), {}))
    trainer.plugins.p = Plugin.new("p", {setup = note "plugin"})
    local module = data.DataModule.new {
      prepare_data = function()
        order[#order + 1] = "prepare"
        assert.is_false(logging.is_root_logger_active())
      end,
      setup = function(self)
        note "data"(self)
        self.train_dataset = self:create_dataset({1})
      end,
      teardown = function() order[#order + 1] = "teardown" end,
    }
    trainer:fit(Model.new("m", {setup = note "model", on_training_end = function() order[#order + 1] = "end" end}),
      module)
    assert.same({"prepare", "plugin", "data", "model", "end", "teardown"}, order)
    assert.is_false(logging.is_root_logger_active())
  end)

  it("writes one log, one run and the checkpoints", function()
    local dir = tmp.dir()
    quiet(at(dir, {run_name = "digits", total_steps = 2, chkpt_frequency = 1})):fit(Model.new("m", {
      train_step = function(self, _, state)
        assert.equal("digits", self.trainer.run_name)
        logging.get_tensorboard_writer():add_scalar("loss", 0.5) -- the step is the trainer's
        logging.get_root_logger():info("iteration %d", state.current_iteration)
      end,
    }), module_of(2))
    local log = tmp.read(only_file(dir .. "/logs", "^digits_%a%a%a%d%d_%d%d%-%d%d%-%d%d%.log$"))
    assert.matches("Helios %d.%d.%d, Lua 5.4, rank 0 of 1\n", log)
    assert.matches("INFO]: Starting epoch 1\n.*iteration 1\n.*iteration 2\n.*INFO]: Epoch 1 completed in %d+%.%d%ds\n",
      log)
    local run = only_file(dir .. "/runs", "tfevents"):match("^(.*)/")
    local steps = {}
    for i, p in ipairs(events.scalars(run)) do steps[i] = p.step end
    assert.same({1, 2, 3, 4}, steps)
    assert.same({"m_epoch_1_iter_2.chkpt", "m_epoch_2_iter_4.chkpt"}, tmp.files(dir .. "/chkpt/m"))
  end)

  it("opens a new run with a session start, so that a later purge is believed", function()
    local dir = tmp.dir()
    quiet(at(dir, {total_steps = 1})):fit(Model.new("m", {train_step = function()
      logging.get_tensorboard_writer():add_scalar("loss", 1)
    end}), module_of(1))
    local list = events.read(only_file(dir .. "/runs", "tfevents"))
    assert.equal(1, list[3].session_log.status)
  end)

  it("does not write into the run of another one started in the same second", function()
    local dir = tmp.dir()
    for _ = 1, 3 do
      quiet(at(dir, {run_name = "r", total_steps = 1})):fit(Model.new("m", {
        train_step = function() logging.get_tensorboard_writer():add_scalar("loss", 1) end,
      }), module_of(1))
    end
    assert.equal(3, #tmp.files(dir .. "/logs"))
    local runs = {}
    for _, path in ipairs(tmp.files(dir .. "/runs")) do runs[#runs + 1] = path:match("^[^/]*") end
    assert.equal(3, #runs)
    assert.not_equal(runs[1], runs[2])
    assert.not_equal(runs[2], runs[3])
  end)

  it("shares no run with processes that start at the same moment", function()
    local dir = tmp.dir()
    local program = ([[local helios = require "helios"
      helios.Trainer {run_name = "r", total_steps = 1, print_banner = false, enable_file_logging = true,
        log_path = "%s/logs", enable_tensorboard = true, run_path = "%s/runs"}:fit(helios.Model.new("m", {
          train_step = function() helios.logging.get_tensorboard_writer():add_scalar("loss", 1) end}),
        helios.DataModule.new {setup = function(self) self.train_dataset = self:create_dataset {1} end})]]):format(dir,
        dir)
    tmp.write(dir .. "/program.lua", program)
    local one = (os.getenv "LUA" or "lua5.4") .. " " .. dir .. "/program.lua & "
    assert.is_true(os.execute(one:rep(6) .. "wait"))
    assert.equal(6, #tmp.files(dir .. "/logs"))
    local runs = {}
    for _, path in ipairs(tmp.files(dir .. "/runs")) do
      local run = path:match("^[^/]*")
      assert.is_nil(runs[run])
      runs[run] = true
    end
  end)

  it("keeps only the last checkpoints when told", function()
    local dir = tmp.dir()
    quiet {total_steps = 5, chkpt_frequency = 1, chkpt_keep_last = 2, chkpt_root = dir}:fit(Model.new "m", module_of(1))
    assert.same({"m_epoch_4_iter_4.chkpt", "m_epoch_5_iter_5.chkpt"}, tmp.files(dir .. "/m"))
  end)

  it("sweeps up what a process left that was killed while it wrote a checkpoint", function()
    local dir = tmp.dir()
    quiet {total_steps = 1, chkpt_frequency = 1, chkpt_root = dir}:fit(Model.new "m", module_of(1))
    tmp.write(dir .. "/m/m_epoch_2_iter_2.chkpt.tmp", "half")
    quiet {total_steps = 1, chkpt_frequency = 1, chkpt_root = dir}:fit(Model.new "m", module_of(1))
    assert.same({"m_epoch_1_iter_1.chkpt"}, tmp.files(dir .. "/m"))
  end)

  it("lets the model add to a checkpoint's name, but not leave its folder", function()
    local dir = tmp.dir()
    local name = "_loss_0.25"
    local model = Model.new("m", {append_metadata_to_chkpt_name = function(_, s) return s .. name end})
    local settings = {total_steps = 1, chkpt_frequency = 1, chkpt_root = dir}
    quiet(settings):fit(model, module_of(1))
    assert.same({"m_epoch_1_iter_1_loss_0.25.chkpt"}, tmp.files(dir .. "/m"))
    name = "/../../x"
    settings.total_steps = 2
    assert.error_matches(function() quiet(settings):fit(model, module_of(1)) end,
      "append_metadata_to_chkpt_name: expected a file name without '/'", 1, true)
  end)

  it("keeps a model without a state", function()
    local settings = {total_steps = 1, chkpt_frequency = 1, chkpt_root = tmp.dir()}
    local loaded
    local model = Model.new("m", {state_dict = function() end, load_state_dict = function(_, saved) loaded = saved end})
    quiet(settings):fit(model, module_of(1))
    quiet(settings):fit(model, module_of(1))
    assert.same({}, loaded)
  end)

  it("survives a checkpoint that cannot be written, and says so", function()
    local dir = tmp.dir()
    local settings = at(dir, {total_steps = 1, chkpt_frequency = 1})
    local model = Model.new("m", {train_step = function()
      assert(os.remove(dir .. "/chkpt/m")) -- what a checkpoint is to be written into
    end})
    assert.is_true(quiet(settings):fit(model, module_of(1)))
    assert.matches("%[ERROR]: checkpoint not written: .*m_epoch_1_iter_1.chkpt.tmp: cannot create: No such file",
      tmp.read(only_file(dir .. "/logs")))
  end)

  it("refuses a state that would not come back, with its place", function()
    local model = Model.new("m", {state_dict = function() return {net = {act = math.sin}} end})
    assert.error_matches(function()
      quiet {total_steps = 1, chkpt_frequency = 1, chkpt_root = tmp.dir()}:fit(model, module_of(1))
    end, "cannot pack a function at value.model.net.act", 1, true)
  end)
end)

describe("resuming", function()
  local function counting(seen)
    return Model.new("m", {
      setup = function(self) self.n = 0 end,
      train_step = function(self, batch)
        self.n = self.n + batch[1]
        if seen then seen[#seen + 1] = batch[1] end
      end,
      state_dict = function(self) return {n = self.n} end,
      load_state_dict = function(self, saved) self.n = saved.n end,
    })
  end

  it("goes on from the last checkpoint, in the same log and run, and says so", function()
    local dir = tmp.dir()
    local model, seen = counting(), {}
    quiet(at(dir, {total_steps = 2, chkpt_frequency = 1})):fit(model, module_of(3))
    assert.equal(12, model.n)
    local again = counting(seen)
    quiet(at(dir, {total_steps = 3, chkpt_frequency = 1})):fit(again, module_of(3))
    assert.equal(18, again.n)
    assert.equal(3, #seen)
    local log = tmp.read(only_file(dir .. "/logs"))
    assert.matches("Resuming training from checkpoint " .. dir .. "/chkpt/m/m_epoch_2_iter_6.chkpt", log, 1, true)
    assert.matches("Starting epoch 3", log)
  end)

  it("has viewers forget what came after the checkpoint, from the step that the model says", function()
    for wanted, override in pairs {[3] = false, [31] = true} do
      local dir = tmp.dir()
      local function sit(total)
        local model = Model.new("m", {
          train_step = function(_, _, state)
            logging.get_tensorboard_writer():add_scalar("loss", 1, state.global_iteration * (override and 10 or 1))
          end,
          purge_step = override and function(_, state) return state.global_iteration * 10 + 11 end or nil,
        })
        quiet(at(dir, {total_steps = total, chkpt_frequency = 1})):fit(model, module_of(2))
      end
      sit(1)
      sit(2)
      local starts = {}
      for _, run in ipairs(tmp.files(dir .. "/runs", "tfevents")) do
        for _, event in ipairs(events.read(dir .. "/runs/" .. run)) do
          if event.session_log then starts[#starts + 1] = event.step or 0 end
        end
      end
      assert.same({0, wanted}, starts)
    end
  end)

  it("of a finished run trains nothing more", function()
    local dir, seen = tmp.dir(), {}
    for _ = 1, 2 do
      quiet {train_unit = "iteration", total_steps = 4, chkpt_frequency = 2, chkpt_root = dir}:fit(counting(seen),
        module_of(3))
    end
    assert.equal(4, #seen)
  end)

  it("steps over damaged checkpoints with a warning each", function()
    local dir = tmp.dir()
    quiet(at(dir, {total_steps = 3, chkpt_frequency = 1})):fit(counting(), module_of(2))
    local files = tmp.files(dir .. "/chkpt/m")
    local function without_time(bytes)
      local state = assert(checkpoint.decode(bytes))
      state.training_state.average_iter_time = nil
      return state
    end
    local whole = tmp.read(dir .. "/chkpt/m/" .. files[3])
    tmp.write(dir .. "/chkpt/m/" .. files[3], whole:sub(1, -2))
    tmp.write(dir .. "/chkpt/m/" .. files[2], "")
    local model = counting()
    quiet(at(dir, {total_steps = 3, chkpt_frequency = 1})):fit(model, module_of(2))
    assert.equal(9, model.n)
    local log = tmp.read(only_file(dir .. "/logs"))
    local warning = "%[WARNING]: checkpoint skipped: [^\n]*"
    assert.matches(warning .. "m_epoch_3_iter_6.chkpt: damaged: the checksum is wrong\n", log)
    assert.matches(warning .. "m_epoch_2_iter_4.chkpt: no checkpoint of Helios\n", log)
    assert.same(without_time(whole), without_time(tmp.read(dir .. "/chkpt/m/" .. files[3]))) -- written again
  end)

  it("does not let a damaged checkpoint push out those that are written after it was stepped over", function()
    local dir = tmp.dir()
    local function settings(total)
      return {train_unit = "iteration", total_steps = total, chkpt_frequency = 1, chkpt_keep_last = 1, chkpt_root = dir}
    end
    tmp.write(dir .. "/damaged", "half")
    quiet(settings(5)):fit(counting(), module_of(9))
    assert(os.rename(dir .. "/damaged", dir .. "/m/m_epoch_1_iter_5.chkpt"))
    quiet(settings(3)):fit(counting(), module_of(9))
    assert.same({"m_epoch_1_iter_3.chkpt", "m_epoch_1_iter_5.chkpt"}, tmp.files(dir .. "/m"))
    quiet(settings(6)):fit(counting(), module_of(9))
    assert.same({"m_epoch_1_iter_6.chkpt"}, tmp.files(dir .. "/m"))
  end)

  it("refuses checkpoints of a newer Helios, and files that are no trainer's", function()
    local dir = tmp.dir()
    local settings = {total_steps = 1, chkpt_frequency = 1, chkpt_root = dir}
    quiet(settings):fit(counting(), module_of(1))
    local path = checkpoint.find_last_checkpoint(dir .. "/m")
    local state = checkpoint.load(path)
    state.version = "999.0.0"
    checkpoint.save(path, state)
    assert.error_matches(function() quiet(settings):fit(counting(), module_of(1)) end,
      "was written by Helios 999.0.0, this is", 1, true)
    state.version, state.rng = "0.0.1", nil
    checkpoint.save(path, state)
    assert.error_matches(function() quiet(settings):fit(counting(), module_of(1)) end,
      "has no 'rng': it was not written by a trainer", 1, true)
  end)

  it("may train longer than the first sitting meant to, as if it had always meant to", function()
    local function final(dir, total)
      local seen = {}
      local module = data.DataModule.new {setup = function(self)
        self.train_dataset = self:create_dataset(numbers(7), {shuffle = true})
      end}
      quiet {train_unit = "iteration", total_steps = total, chkpt_frequency = 1, chkpt_root = dir}:fit(counting(seen),
        module)
      return seen
    end
    local dir = tmp.dir()
    local first, rest = final(dir, 10), final(dir, 25)
    assert.same(final(tmp.dir(), 25), table.move(rest, 1, #rest, #first + 1, first))
  end)
end)

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

describe("Trainer:test", function()
  it("calls back in Helios' order and loads the last checkpoint, but not the random numbers", function()
    local dir = tmp.dir()
    local settings = at(dir, {total_steps = 1, chkpt_frequency = 1})
    quiet(settings):fit(Model.new("m", {state_dict = function() return {w = 7} end}), module_of(1))
    local model, calls = recorder {load_state_dict = function(self, saved) self.w = saved.w end}
    assert.is_true(quiet(settings):test(model, module_of(nil, nil, 2)))
    assert.equal(7, model.w)
    assert.same({
      "setup(true)", "load_state_dict(state, true)", "on_testing_start", "eval",
      "on_testing_batch_start(0)", "test_step(state, 0)", "on_testing_batch_end(0)",
      "on_testing_batch_start(1)", "test_step(state, 1)", "on_testing_batch_end(1)",
      "on_testing_end",
    }, calls)
    assert.matches("INFO]: Helios [^\n]*rank 0 of 1\n[^\n]*INFO]: Testing using checkpoint .*m_epoch_1_iter_1.chkpt\n",
      tmp.read(only_file(dir .. "/logs")))
  end)

  it("lets the model load itself where there is no checkpoint", function()
    local model, calls = recorder()
    quiet {chkpt_root = tmp.dir()}:test(model, module_of(nil, nil, 1))
    assert.same({"setup(true)", "load_for_testing", "on_testing_start", "eval", "on_testing_batch_start(0)",
      "test_step(state, 0)", "on_testing_batch_end(0)", "on_testing_end"}, calls)
  end)

  it("logs errors as fit does, save those of test_exceptions", function()
    local dir = tmp.dir()
    local trainer = quiet(at(dir, {}))
    local model = Model.new("m", {test_step = function() error "bad sample" end})
    assert.error_matches(function() trainer:test(model, module_of(nil, nil, 1)) end, "bad sample")
    assert.matches("error: uncaught exception", tmp.read(only_file(dir .. "/logs")))
    trainer.test_exceptions = {"bad sample"}
    assert.error_matches(function() trainer:test(model, module_of(nil, nil, 1)) end, "bad sample")
    assert.is_true(logging.is_root_logger_active())
    logging.close_default_loggers()
  end)
end)

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

describe("random numbers", function()
  it("are those of the seed in every fit, and the resumed stream is not shifted by what setup draws", function()
    local function drawn(total, dir, draws)
      local list = {}
      quiet {train_unit = "iteration", total_steps = total, chkpt_frequency = 1, chkpt_root = dir, random_seed = 3}:fit(
        Model.new("m", {
          on_training_start = function()
            for _ = 1, draws do rng.get_default_rng():bits() end
          end,
          train_step = function() list[#list + 1] = rng.get_default_rng():bits() ~ math.random(0) end,
        }), module_of(3))
      return list
    end
    local dir = tmp.dir()
    local whole = drawn(8, tmp.dir(), 2)
    local first, second = drawn(3, dir, 2), drawn(8, dir, 5)
    assert.same(whole, table.move(second, 1, #second, #first + 1, first))
  end)
end)

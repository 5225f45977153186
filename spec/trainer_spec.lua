-- Settings, fit and test; in which order what is called is callbacks_spec.lua's.
local data = require "helios.data"
local distributed = require "helios.core.distributed"
local events = require "spec.support.events"
local logging = require "helios.core.logging"
local Model = require "helios.model"
local Plugin = require "helios.plugin"
local tmp = require "spec.support.tmp"
local training = require "spec.support.training"
local Trainer = require "helios.trainer"

local at, module_of, numbers, only_file, quiet, recorder =
  training.at, training.module_of, training.numbers, training.only_file, training.quiet, training.recorder

setup(training.hush)
teardown(training.unhush)

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

  it("says so when train_dataloader gives something else than a loader", function()
    for kind, given in pairs {table = {{1}, {2}}, number = 5} do
      local module = data.DataModule.new {train_dataloader = function() return given end}
      assert.error_matches(function() quiet {total_steps = 1}:fit(Model.new "m", module) end,
        "train_dataloader: expected a DataLoader, got a " .. kind, 1, true)
    end
  end)

  it("trains nothing when there are no steps to train", function()
    local model, calls = recorder()
    quiet {}:fit(model, module_of(2))
    assert.same({"setup(false)", "on_training_start", "train", "on_training_end"}, calls)
  end)
end)

describe("Trainer:fit by iteration", function()
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

  it("lets the model add to the banner of log and screen", function()
    local dir, shown = tmp.dir(), {}
    local model = Model.new("m", {append_to_banner = function(_, banner) return banner .. "\n64 weights" end})
    local print_on_screen = distributed.global_print
    distributed.global_print = function(text) shown[#shown + 1] = text end
    local ok, err = pcall(function() Trainer(at(dir, {total_steps = 1})):fit(model, module_of(1)) end)
    distributed.global_print = print_on_screen
    assert.is_true(ok, err)
    assert.matches("^Helios [^\n]*\n64 weights$", shown[1])
    assert.matches("INFO]: Helios [^\n]*\n64 weights\n", tmp.read(only_file(dir .. "/logs")))
    model.append_to_banner = function() end
    assert.error_matches(function() quiet {total_steps = 1}:fit(model, module_of(1)) end,
      "append_to_banner: expected a string to be returned, got a nil", 1, true)
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

describe("Trainer:test", function()
  it("loads the last checkpoint, networks only, and says so", function()
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

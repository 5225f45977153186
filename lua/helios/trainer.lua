---Trains and tests a model: loggers, checkpoints, resuming, progress, signals and errors around your `train_step`.
---
---```lua
---local trainer = helios.Trainer {run_name = "digits", total_steps = 10, chkpt_frequency = 1, chkpt_root = "chkpt"}
---trainer:fit(model, datamodule) -- goes on from the last checkpoint under chkpt_root/<save_name>, if there is one
---trainer:test(model, datamodule)
---```
local checkpoints = require "helios.trainer.checkpoints"
local distributed = require "helios.core.distributed"
local failures = require "helios.trainer.failures"
local logging = require "helios.core.logging"
local loop = require "helios.trainer.loop"
local native = require "helios.native"
local plugin_list = require "helios.trainer.plugins"
local progress = require "helios.progress"
local recording = require "helios.trainer.recording"
local rng = require "helios.rng"
local trainer_settings = require "helios.trainer.settings"

---@class helios.Trainer
---@overload fun(settings: table?): helios.Trainer
---@field run_name string names log and run, "" by default
---@field train_unit "epoch"|"iteration" what the numbers below count; "epoch"
---@field total_steps integer|number how long to train; math.huge: until something else stops it; 0
---@field valid_frequency integer? how often to validate; nil: never
---@field chkpt_frequency integer? how often to write a checkpoint; nil: only on a signal
---@field print_frequency integer? every how many iterations `on_training_batch_end` is told to log; nil: never
---@field accumulation_steps integer batches per iteration, with train_unit "iteration"; 1
---@field early_stop_cycles integer? stop after so many validations in a row without improvement
---@field random_seed integer 6691
---@field enable_tensorboard boolean false
---@field enable_file_logging boolean false
---@field enable_progress_bar boolean false
---@field print_banner boolean true
---@field chkpt_root string? folder of checkpoints; nil: none are written or read
---@field chkpt_keep_last integer? older checkpoints are removed; nil: all stay
---@field log_path string? folder of the log
---@field run_path string? folder of the run
---@field handle_signals boolean|"return" true: SIGTERM and SIGUSR1 write a checkpoint after this iteration, then the
---  process ends with 128 + the signal's number; "return": `fit` returns nil and a message instead; false: signals are
---  left alone
---@field plugins table<string, helios.Plugin> called in the order of their names
---@field train_exceptions (string|fun(err: any): boolean)[] errors of `fit` that pass without being logged: patterns of
---  their text, or functions that say so; `test_exceptions` likewise
---@field model helios.Model of the current or last `fit` or `test`; likewise `datamodule`
---@field log_file string? the log of the current or last `fit` or `test`; `run_folder` likewise the run's folder
---@field highest_step integer? up to which an earlier sitting had logged when it wrote the checkpoint taken up
---@field rank integer
---@field is_distributed boolean more than one process trains
local Trainer = {}
Trainer.__index = Trainer
Trainer.__name = "helios.Trainer"

---@param settings table? the fields of `helios.Trainer` up to `handle_signals`; a wrong one raises
---@return helios.Trainer
local function new(settings)
  local self, message = trainer_settings.complete(settings)
  if not self then error("Trainer: " .. message, 2) end
  self.plugins, self.train_exceptions, self.test_exceptions = {}, {}, {}
  self.rank, self.is_distributed = 0, false
  return setmetatable(self, Trainer)
end

-- Setting up ---------------------------------------------------------------------------------------------------------

local function introduce(self, object)
  object.trainer, object.rank, object.is_distributed = self, self.rank, self.is_distributed
end

local function prepare_data(self)
  if self.rank == 0 then self.datamodule:prepare_data() end
  distributed.safe_barrier()
end

local function set_up(self, fast_init)
  rng.seed_rngs(self.random_seed)
  logging.create_default_loggers(self.enable_tensorboard)
  self.active_plugins = plugin_list.new(self.plugins)
  self.active_plugins:set_up(function(plugin) introduce(self, plugin) end)
  introduce(self, self.datamodule)
  self.datamodule:setup()
  introduce(self, self.model)
  self.model:setup(fast_init)
end

-- What the user sees at the start ------------------------------------------------------------------------------------

local function tell(warnings)
  for _, warning in ipairs(warnings) do logging.get_root_logger():warning(warning) end
end

local function banner_of(self)
  local banner = ("Helios %s, %s, rank %d of %d"):format(native.version, _VERSION, self.rank,
    distributed.get_world_size())
  local appended = self.model:append_to_banner(banner)
  if type(appended) ~= "string" then
    error("append_to_banner: expected a string to be returned, got a " .. type(appended), 0)
  end
  return appended
end

local function print_header(self, ...)
  if self.print_banner then distributed.global_print(table.concat({...}, "\n")) end
end

local function print_training_header(self, path)
  local banner = banner_of(self)
  local message = path and "Resuming training from checkpoint " .. path
  print_header(self, banner, message and message .. "\n")
  logging.get_root_logger():info(message or banner)
end

local function print_testing_header(self, path)
  local banner = banner_of(self)
  local message = path and "Testing using checkpoint " .. path or "Testing from loaded model"
  print_header(self, banner, message .. "\n")
  logging.get_root_logger():info(banner)
  logging.get_root_logger():info(message)
end

-- Training -----------------------------------------------------------------------------------------------------------

local function resume(self, saved)
  local state = loop.new_state()
  for name, value in pairs(saved.training_state) do state[name] = value end
  self.highest_step = saved.highest_step
  recording.open(self, saved, recording.purge_step(self, saved, state))
  local writer = recording.writer(self)
  if writer then writer:set_step(state.current_iteration) end
  checkpoints.restore_rng(self, saved)
  checkpoints.restore_model(self, saved, false)
  return state
end

-- TensorBoard's Python loader purges only at the second session start of a run, so that the first one opens with a
-- purge of nothing.
local function start_anew(self)
  self.highest_step = nil
  recording.open(self, nil, 0)
  return loop.new_state()
end

local function start_or_resume(self)
  local warnings = {}
  recording.make_folder(checkpoints.folder(self))
  checkpoints.sweep(self)
  local path, saved = checkpoints.find(self, warnings)
  local state = saved and resume(self, saved) or start_anew(self)
  tell(warnings)
  print_training_header(self, path)
  self.active_plugins:call "on_training_start"
  self.model:on_training_start()
  -- What setup and start have drawn must not shift the stream of the run that goes on.
  if saved then checkpoints.restore_rng(self, saved) end
  return state
end

-- The loop sets the sampler's epoch and first batch: a list of batches will not do.
local function training_loader(datamodule)
  local loader = datamodule:train_dataloader() or error("the data module has no train_dataloader", 0)
  local sampler = type(loader) == "table" and loader.sampler
  if type(sampler) ~= "table" or not loader.iter then
    error("train_dataloader: expected a DataLoader, got a " .. type(loader), 0)
  end
  return loader
end

local function new_loop(self, state)
  return {
    trainer = self, model = self.model, state = state, plugins = self.active_plugins,
    loader = training_loader(self.datamodule),
    logger = logging.get_root_logger(),
    writer = recording.writer(self),
    save = function() return checkpoints.save(self, state) end,
    signal = function()
      if self.watch then return self.watch:seen() end
    end,
  }
end

local function note_stop(self, ended)
  local place = ended.last_checkpoint and "checkpoint " .. ended.last_checkpoint
    or self.rank == 0 and "no checkpoint was written" or "rank 0 has the checkpoint"
  self.signal_number = ended.signal_number
  self.stopped = ("%s: training stopped at iteration %d, epoch %d; %s"):format(ended.stopped_by,
    ended.state.current_iteration, ended.state.global_epoch, place)
  logging.get_root_logger():info(self.stopped)
end

local function train(self)
  set_up(self, false)
  local ended = loop.run(new_loop(self, start_or_resume(self)))
  if ended.stopped_by then
    note_stop(self, ended)
  else
    self.active_plugins:call "on_training_end"
    self.model:on_training_end()
  end
  recording.close()
  distributed.safe_barrier()
end

-- Testing ------------------------------------------------------------------------------------------------------------

local function load_for_testing(self, warnings)
  local path, saved = checkpoints.find(self, warnings)
  recording.open(self, saved)
  if saved then checkpoints.restore_model(self, saved, true) else self.model:load_for_testing() end
  return path
end

local function run_test(self, loader)
  local model, plugins = self.model, self.active_plugins
  local bar = progress.bar {desc = "Testing", total = #loader, enabled = self.shows_progress}
  plugins:call "on_testing_start"
  model:on_testing_start()
  model:eval()
  local step = 0
  for batch in loader:iter() do
    batch = plugins:process("process_testing_batch", batch, step)
    model:on_testing_batch_start(step)
    model:test_step(batch, step)
    model:on_testing_batch_end(step)
    bar:update()
    step = step + 1
  end
  bar:close()
  plugins:call "on_testing_end"
  model:on_testing_end()
end

local function test(self)
  set_up(self, true)
  local warnings = {}
  local path = load_for_testing(self, warnings)
  tell(warnings)
  print_testing_header(self, path)
  local loader = self.datamodule:test_dataloader()
  if loader then run_test(self, loader) end
  recording.close()
  distributed.safe_barrier()
end

-- Beginning and ending -----------------------------------------------------------------------------------------------

-- `level` is that of the caller of fit or test.
local function check_object(func, name, object, class, methods, level)
  for _, method in ipairs(methods) do
    if type(object) ~= "table" or type(object[method]) ~= "function" then
      error(("%s: argument '%s': expected a helios.%s, got a %s"):format(func, name, class, type(object)), level + 1)
    end
  end
end

local function check_arguments(self, func, model, datamodule, exceptions)
  check_object(func, "model", model, "Model", {"setup", "train_step", "load_state_dict"}, 3)
  check_object(func, "datamodule", datamodule, "DataModule", {"prepare_data", "setup", "train_dataloader"}, 3)
  local fault = failures.fault(self[exceptions])
  if fault then error(("%s: %s: %s"):format(func, exceptions, fault), 3) end
end

local function begin(self, model, datamodule)
  self.model, self.datamodule, self.stopped = model, datamodule, nil
  self.is_distributed = distributed.get_world_size() > 1
  self.rank = distributed.get_global_rank()
  self.shows_progress = self.enable_progress_bar and self.rank == 0
  if self.is_distributed then distributed.init_dist() end
end

local function finish(self)
  if self.watch then self.watch:stop() end
  self.watch = nil
  progress.close_all()
  return pcall(self.datamodule.teardown, self.datamodule)
end

local function launch(self, body, exceptions)
  local expected = false
  local ok, err = xpcall(function()
    prepare_data(self)
    body(self)
  end, function(e)
    expected = failures.is_expected(e, exceptions)
    if not expected then failures.log(e) end
    return e
  end)
  local torn_down, reason = finish(self)
  if not ok and not expected then
    logging.close_default_loggers()
    if self.is_distributed then distributed.abort(1) end -- the others are waiting for this one, and would for ever
  end
  if not ok then error(err, 0) end
  if not torn_down then error(reason, 0) end
end

-- Only after everything is written and closed.
local function end_process(self)
  if self.rank == 0 then io.stderr:write(self.stopped, "\n") end
  if self.is_distributed then distributed.shutdown_dist() end
  os.exit(128 + self.signal_number, true)
end

---Train. Goes on from the last intact checkpoint of this model under `chkpt_root`, if there is one.
---@param model helios.Model
---@param datamodule helios.DataModule
---@return boolean? ok true; nil when a signal stopped it and `handle_signals` is "return"
---@return string? message
function Trainer:fit(model, datamodule)
  check_arguments(self, "fit", model, datamodule, "train_exceptions")
  begin(self, model, datamodule)
  local watch = self.handle_signals and native.signals.watch() or nil
  self.watch = watch
  launch(self, train, self.train_exceptions)
  local late = watch and watch:seen()
  if late and not self.stopped then
    self.stopped, self.signal_number = late .. ": training was complete", select(2, watch:seen())
  end
  if not self.stopped then return true end
  if self.handle_signals == "return" then return nil, self.stopped end
  end_process(self)
end

---Test, with the last intact checkpoint of this model, or what the model loads itself in `load_for_testing`.
---@param model helios.Model
---@param datamodule helios.DataModule
---@return boolean ok true
function Trainer:test(model, datamodule)
  check_arguments(self, "test", model, datamodule, "test_exceptions")
  begin(self, model, datamodule)
  launch(self, test, self.test_exceptions)
  return true
end

---The class; call it with settings to get a trainer.
return setmetatable(Trainer, {__call = function(_, settings) return new(settings) end})

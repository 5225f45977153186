---Trains and tests a model: loggers, checkpoints, resuming, progress, signals and errors around your `train_step`.
---
---```lua
---local trainer = helios.Trainer {run_name = "digits", total_steps = 10, chkpt_frequency = 1, chkpt_root = "chkpt"}
---trainer:fit(model, datamodule) -- goes on from the last checkpoint under chkpt_root/<save_name>, if there is one
---trainer:test(model, datamodule)
---```
local checkpoint = require "helios.checkpoint"
local distributed = require "helios.core.distributed"
local logging = require "helios.core.logging"
local native = require "helios.native"
local progress = require "helios.progress"
local rng = require "helios.rng"
local train_loop = require "helios.train_loop"

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
---@field rank integer
---@field is_distributed boolean more than one process trains
local Trainer = {}
Trainer.__index = Trainer
Trainer.__name = "helios.Trainer"

-- Settings -----------------------------------------------------------------------------------------------------------

local DEFAULTS <const> = {
  run_name = "", train_unit = "epoch", total_steps = 0, accumulation_steps = 1,
  enable_tensorboard = false, enable_file_logging = false, enable_progress_bar = false, print_banner = true,
  handle_signals = true,
}

local TYPES <const> = {
  run_name = "string", chkpt_root = "string", log_path = "string", run_path = "string",
  enable_tensorboard = "boolean", enable_file_logging = "boolean", enable_progress_bar = "boolean",
  print_banner = "boolean", random_seed = "integer",
  valid_frequency = "count", chkpt_frequency = "count", print_frequency = "count", accumulation_steps = "count",
  chkpt_keep_last = "count",
  early_stop_cycles = "any", total_steps = "any", train_unit = "any", handle_signals = "any",
}

local function refuse(name, reason)
  error(("Trainer: argument '%s': %s"):format(name, reason), 4)
end

local function check_type(name, value)
  local expected = TYPES[name]
  if expected == "count" then
    if math.type(value) ~= "integer" or value < 1 then
      refuse(name, "must be an integer greater than 0 or nil, got " .. tostring(value))
    end
  elseif expected == "integer" then
    if math.type(value) ~= "integer" then refuse(name, "expected an integer, got " .. tostring(value)) end
  elseif expected ~= "any" and type(value) ~= expected then
    refuse(name, ("expected a %s, got %s"):format(expected, tostring(value)))
  end
end

local function check_steps(s)
  if s.train_unit ~= "epoch" and s.train_unit ~= "iteration" then
    refuse("train_unit", ("expected 'epoch' or 'iteration', got '%s'"):format(tostring(s.train_unit)))
  end
  if s.total_steps ~= math.huge and (math.type(s.total_steps) ~= "integer" or s.total_steps < 0) then
    refuse("total_steps", "expected an integer or math.huge, got " .. tostring(s.total_steps))
  end
  if s.early_stop_cycles ~= nil and (math.type(s.early_stop_cycles) ~= "integer" or s.early_stop_cycles < 0) then
    refuse("early_stop_cycles", "expected an integer or nil, got " .. tostring(s.early_stop_cycles))
  end
  if s.total_steps == math.huge and s.early_stop_cycles == 0 then
    refuse("early_stop_cycles", "must not be 0 when 'total_steps' is math.huge")
  end
end

local function check_folder(name, path, needed, what)
  if needed and path == nil then refuse(name, what .. " requested but no folder was given") end
  if path ~= nil and native.fs.is_folder(path) == false then refuse(name, path .. " is not a folder") end
end

local function check_roots(s)
  check_folder("run_path", s.run_path, s.enable_tensorboard, "TensorBoard")
  check_folder("log_path", s.log_path, s.enable_file_logging, "file logging")
  check_folder("chkpt_root", s.chkpt_root, s.chkpt_frequency ~= nil, "checkpoints")
end

local function check_signals(s)
  if type(s.handle_signals) ~= "boolean" and s.handle_signals ~= "return" then
    refuse("handle_signals", "expected true, false or 'return', got " .. tostring(s.handle_signals))
  end
end

local function check_settings(self, settings)
  for name, value in pairs(settings) do
    if TYPES[name] == nil then error(("Trainer: unknown setting '%s'"):format(tostring(name)), 3) end
    check_type(name, value)
    self[name] = value
  end
  check_steps(self)
  check_signals(self)
  check_roots(self)
end

---@param settings table? the fields of `helios.Trainer` up to `handle_signals`; a wrong one raises
---@return helios.Trainer
local function new(settings)
  if settings ~= nil and type(settings) ~= "table" then
    error("Trainer: expected a table of settings, got a " .. type(settings), 2)
  end
  local self = setmetatable({}, Trainer)
  for name, value in pairs(DEFAULTS) do self[name] = value end
  check_settings(self, settings or {})
  self.random_seed = self.random_seed or rng.get_default_seed()
  self.plugins, self.train_exceptions, self.test_exceptions = {}, {}, {}
  self.rank, self.is_distributed = 0, false
  return self
end

-- Setting up ---------------------------------------------------------------------------------------------------------

local BATCH_HOOKS <const> = {"process_training_batch", "process_validation_batch", "process_testing_batch"}

local function sorted_plugins(self)
  local names, plugins = {}, {}
  for name in pairs(self.plugins) do names[#names + 1] = name end
  table.sort(names)
  for i, name in ipairs(names) do plugins[i] = self.plugins[name] end
  for _, hook in ipairs(BATCH_HOOKS) do
    local claimed
    for _, name in ipairs(names) do
      if self.plugins[name][hook] and claimed then
        error(("plugins '%s' and '%s' both have %s: only one may change the batch"):format(claimed, name, hook), 0)
      end
      claimed = self.plugins[name][hook] and name or claimed
    end
  end
  return plugins
end

-- Rank 0's value on every rank.
local function shared(self, value)
  return self.is_distributed and distributed.broadcast(value, 0) or value
end

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
  self.active_plugins = sorted_plugins(self)
  for _, plugin in ipairs(self.active_plugins) do
    introduce(self, plugin)
    plugin:setup()
  end
  introduce(self, self.datamodule)
  self.datamodule:setup()
  introduce(self, self.model)
  self.model:setup(fast_init)
  self.chkpt_folder = self.chkpt_root and self.chkpt_root .. "/" .. self.model.save_name
end

-- What a function gave that answers nil, message when the disk says no.
local function assert_made(answer, message)
  if answer == nil then error(message, 0) end
  return answer
end

local function make_folder(path)
  if path then assert_made(native.fs.make_dirs(path)) end
end

-- Loggers ------------------------------------------------------------------------------------------------------------

local function log_of(self, name)
  return self.enable_file_logging and ("%s/%s.log"):format(self.log_path, name) or nil
end

local function run_of(self, name)
  return self.enable_tensorboard and ("%s/%s"):format(self.run_path, name) or nil
end

-- True when both were nobody's and are ours now.
local function claim(log_file, run_folder)
  if run_folder and not assert_made(native.fs.claim(run_folder, true)) then return false end
  return not log_file or assert_made(native.fs.claim(log_file))
end

-- Runs that start in the same second, of one process or of many, must not land in each other's files.
local function claim_name(self)
  local base = logging.get_default_log_name(self.run_name)
  if self.enable_file_logging then make_folder(self.log_path) end
  if self.enable_tensorboard then make_folder(self.run_path) end
  local name, n = base, 0
  while not claim(log_of(self, name), run_of(self, name)) do
    n = n + 1
    name = ("%s_%d"):format(base, n)
  end
  return name
end

-- TensorBoard's Python loader purges only at the second session start of a run, so that the first one opens with a
-- purge of nothing.
local function open_loggers(self, saved, purge_step)
  local log_file = self.enable_file_logging and saved and saved.log_path or nil
  local run_folder = self.enable_tensorboard and saved and saved.run_path or nil
  if (self.enable_file_logging and not log_file) or (self.enable_tensorboard and not run_folder) then
    local name = shared(self, self.rank == 0 and claim_name(self) or nil)
    log_file, run_folder = log_file or log_of(self, name), run_folder or run_of(self, name)
  end
  self.log_file, self.run_folder = log_file, run_folder
  logging.restore_default_loggers(log_file, run_folder, {purge_step = purge_step})
end

local function writer_of(self)
  return self.enable_tensorboard and logging.get_tensorboard_writer() or nil
end

local function close_loggers()
  logging.flush_default_loggers()
  logging.close_default_loggers()
end

-- Checkpoints --------------------------------------------------------------------------------------------------------

local REQUIRED <const> = {"version", "training_state", "model", "rng"}

local function is_newer(version, than)
  local theirs, ours = {}, {}
  for n in tostring(version):gmatch("%d+") do theirs[#theirs + 1] = tonumber(n) end
  for n in than:gmatch("%d+") do ours[#ours + 1] = tonumber(n) end
  for i = 1, 3 do
    local a, b = theirs[i] or 0, ours[i] or 0
    if a ~= b then return a > b end
  end
  return false
end

local function check_checkpoint(path, saved)
  for _, name in ipairs(REQUIRED) do
    if saved[name] == nil then
      error(("the checkpoint %s has no '%s': it was not written by a trainer"):format(path, name), 0)
    end
  end
  if is_newer(saved.version, native.version) then
    error(("the checkpoint %s was written by Helios %s, this is %s"):format(path, saved.version, native.version), 0)
  end
end

-- The newest intact checkpoint; what was wrong with newer ones goes to `warnings`.
local function newest_intact(folder, warnings)
  for _, file in ipairs(checkpoint.list(folder)) do
    local saved, message = checkpoint.load(file.path)
    if saved then return file.path, saved end
    warnings[#warnings + 1] = ("checkpoint skipped: %s"):format(message)
  end
end

---@return string? path
---@return table? saved
local function find_checkpoint(self, warnings)
  if not self.chkpt_folder then return nil end
  local path, saved
  if self.rank == 0 then path, saved = newest_intact(self.chkpt_folder, warnings) end
  path = shared(self, path)
  if path and not saved then saved = assert(checkpoint.load(path)) end
  if path then check_checkpoint(path, saved) end
  return path, saved
end

local function restore_plugins(self, states)
  for name, plugin in pairs(self.plugins) do
    if states and states[name] ~= nil then plugin:load_state_dict(states[name]) end
  end
end

-- Every rank has its own stream of random numbers, unless the number of ranks has changed meanwhile.
local function restore_rng(self, saved)
  local of_ranks = saved.rank_rng
  local mine = of_ranks and #of_ranks == distributed.get_world_size() and of_ranks[self.rank + 1]
  rng.load_rng_state_dict(mine or saved.rng)
end

local function resume(self, saved)
  local state = train_loop.new_state()
  for name, value in pairs(saved.training_state) do state[name] = value end
  open_loggers(self, saved, self.model:purge_step(state))
  local writer = writer_of(self)
  if writer then writer:set_step(state.current_iteration) end
  restore_rng(self, saved)
  self.model:load_state_dict(saved.model, false)
  restore_plugins(self, saved.plugins)
  return state
end

local function plugin_states(self)
  local states
  for name, plugin in pairs(self.plugins) do
    local state = plugin:state_dict()
    if state ~= nil then
      states = states or {}
      states[name] = state
    end
  end
  return states
end

local function snapshot(self, state, all_rng)
  return {
    version = native.version,
    training_state = state,
    model = self.model:state_dict(),
    plugins = plugin_states(self),
    rng = all_rng[1],
    rank_rng = #all_rng > 1 and all_rng or nil,
    log_path = self.log_file,
    run_path = self.run_folder,
  }
end

local function checkpoint_path(self, state)
  local name = checkpoint.name(self.model.save_name, state.global_epoch, state.current_iteration)
  name = self.model:append_metadata_to_chkpt_name(name)
  if type(name) ~= "string" or name:find("[/%z]") then
    error("append_metadata_to_chkpt_name: expected a file name without '/', got " .. tostring(name), 0)
  end
  return ("%s/%s%s"):format(self.chkpt_folder, name, checkpoint.EXTENSION)
end

-- All ranks come here, since all give their random state; rank 0 writes. A disk that says no is told and survived: the
-- next checkpoint may fare better.
local function save(self, state)
  if not self.chkpt_folder then return nil end
  local all_rng = {rng.get_rng_state_dict()}
  if self.is_distributed then all_rng = distributed.gather(all_rng[1]) end
  if self.rank ~= 0 then return nil end
  local path = checkpoint_path(self, state)
  local ok, message = checkpoint.save(path, snapshot(self, state, all_rng))
  if not ok then
    logging.get_root_logger():error("checkpoint not written: " .. message)
    return nil
  end
  if self.chkpt_keep_last then checkpoint.prune(self.chkpt_folder, self.chkpt_keep_last) end
  return path
end

-- What the user sees at the start ------------------------------------------------------------------------------------

local function environment_text(self)
  return ("Helios %s, %s, rank %d of %d"):format(native.version, _VERSION, self.rank, distributed.get_world_size())
end

local function announce(self, message, banner)
  if self.print_banner and banner then distributed.global_print(banner) end
  if self.print_banner and message then distributed.global_print(message .. "\n") end
  logging.get_root_logger():info(message or banner)
end

local function print_training_header(self, path)
  local banner = self.model:append_to_banner(environment_text(self))
  announce(self, path and "Resuming training from checkpoint " .. path, banner)
end

local function print_testing_header(self, path)
  local banner = self.model:append_to_banner(environment_text(self))
  announce(self, path and "Testing using checkpoint " .. path or "Testing from loaded model", banner)
end

-- fit and test -------------------------------------------------------------------------------------------------------

local function tell(warnings)
  for _, warning in ipairs(warnings) do logging.get_root_logger():warning(warning) end
end

local function call_plugins(self, hook)
  for _, plugin in ipairs(self.active_plugins) do plugin[hook](plugin) end
end

local function new_loop(self, state)
  return {
    trainer = self, model = self.model, state = state, plugins = self.active_plugins,
    loader = self.datamodule:train_dataloader() or error("the data module has no train_dataloader", 0),
    logger = logging.get_root_logger(),
    writer = writer_of(self),
    save = function() return save(self, state) end,
    signal = function()
      if self.watch then return self.watch:seen() end
    end,
  }
end

local function start_or_resume(self)
  local warnings = {}
  make_folder(self.chkpt_folder)
  if self.rank == 0 and self.chkpt_folder then checkpoint.sweep(self.chkpt_folder) end
  local path, saved = find_checkpoint(self, warnings)
  local state
  if saved then state = resume(self, saved)
  else
    state = train_loop.new_state()
    open_loggers(self, nil, 0)
  end
  tell(warnings)
  print_training_header(self, path)
  call_plugins(self, "on_training_start")
  self.model:on_training_start()
  -- What setup and start have drawn must not shift the stream of the run that goes on.
  if saved then restore_rng(self, saved) end
  return state
end

local function train(self)
  set_up(self, false)
  local loop = train_loop.run(new_loop(self, start_or_resume(self)))
  if loop.stopped_by then
    self.signal_number = loop.signal_number
    self.stopped = ("%s: training stopped at iteration %d, epoch %d; %s"):format(loop.stopped_by,
      loop.state.current_iteration, loop.state.global_epoch,
      loop.last_checkpoint and "checkpoint " .. loop.last_checkpoint
        or self.rank == 0 and "no checkpoint was written" or "rank 0 has the checkpoint")
    logging.get_root_logger():info(self.stopped)
  else
    call_plugins(self, "on_training_end")
    self.model:on_training_end()
  end
  close_loggers()
  distributed.safe_barrier()
end

local function load_for_testing(self, warnings)
  local path, saved = find_checkpoint(self, warnings)
  if saved then
    open_loggers(self, saved)
    self.model:load_state_dict(saved.model, true)
    restore_plugins(self, saved.plugins)
  else
    open_loggers(self)
    self.model:load_for_testing()
  end
  return path
end

local function run_test(self, loader)
  local model, loop = self.model, setmetatable({plugins = self.active_plugins}, {__index = train_loop.Loop})
  local bar = progress.bar {desc = "Testing", total = #loader, enabled = self.shows_progress}
  call_plugins(self, "on_testing_start")
  model:on_testing_start()
  model:eval()
  local step = 0
  for batch in loader:iter() do
    batch = loop:process_batch("process_testing_batch", batch, step)
    model:on_testing_batch_start(step)
    model:test_step(batch, step)
    model:on_testing_batch_end(step)
    bar:update()
    step = step + 1
  end
  bar:close()
  call_plugins(self, "on_testing_end")
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
  close_loggers()
  distributed.safe_barrier()
end

-- Errors and signals -------------------------------------------------------------------------------------------------

local function is_expected(err, exceptions)
  for _, exception in ipairs(exceptions) do
    if type(exception) == "function" then
      if exception(err) then return true end
    elseif tostring(err):find(exception) then
      return true
    end
  end
  return false
end

-- Runs where the error was raised, so that the traceback in the log is the error's: it starts below this function and
-- the handler that calls it.
local function log_error(err)
  if not logging.is_root_logger_active() then return end
  logging.get_root_logger():exception("error: uncaught exception", {exc_info = err, stacklevel = 3})
end

-- The other ranks are waiting for this one, and would for ever.
local function end_other_ranks(self)
  if self.is_distributed then distributed.abort(1) end
end

local function check_arguments(func, model, datamodule)
  local function check(name, object, method)
    if type(object) ~= "table" or type(object[method]) ~= "function" then
      error(("%s: argument '%s': expected a helios.%s, got a %s"):format(func, name,
        name == "model" and "Model" or "DataModule", type(object)), 4)
    end
  end
  check("model", model, "train_step")
  check("datamodule", datamodule, "train_dataloader")
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
    expected = is_expected(e, exceptions)
    if not expected then log_error(e) end
    return e
  end)
  local torn_down, reason = finish(self)
  if not ok and not expected then
    logging.close_default_loggers()
    end_other_ranks(self)
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
  check_arguments("fit", model, datamodule)
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
  check_arguments("test", model, datamodule)
  begin(self, model, datamodule)
  launch(self, test, self.test_exceptions)
  return true
end

---The class; call it with settings to get a trainer.
return setmetatable(Trainer, {__call = function(_, settings) return new(settings) end})

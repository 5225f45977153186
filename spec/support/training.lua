---What the specs of the trainer share: models that note their calls, small data, settings.
local data = require "helios.data"
local Model = require "helios.model"
local stderr_hook = require "helios.native".logger.set_stderr_hook
local tmp = require "spec.support.tmp"
local Trainer = require "helios.trainer"

local M = {}

---What the loggers would tell stderr is looked for in their files. `setup(training.hush)`, `teardown(training.unhush)`.
function M.hush()
  stderr_hook(function() end)
end

function M.unhush()
  stderr_hook(nil)
end

local CALLBACKS <const> = {
  "setup", "train", "eval", "on_training_start", "on_training_epoch_start", "on_training_batch_start", "train_step",
  "on_training_batch_end", "on_training_epoch_end", "on_training_end", "on_validation_start",
  "on_validation_batch_start", "valid_step", "on_validation_batch_end", "on_validation_end", "have_metrics_improved",
  "should_training_stop", "on_testing_start", "on_testing_batch_start", "test_step", "on_testing_batch_end",
  "on_testing_end", "load_for_testing", "state_dict", "load_state_dict",
}

local function show(value)
  return type(value) == "table" and "state" or tostring(value)
end

---A model that notes its callbacks with their arguments; batches and states as such.
---@param methods table? overridden ones
---@param calls string[]?
---@return helios.Model model
---@return string[] calls
function M.recorder(methods, calls)
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

---@param n integer
---@return integer[]
function M.numbers(n)
  local list = {}
  for i = 1, n do list[i] = i end
  return list
end

---A data module of the numbers from 1 on, one in a batch.
---@param train integer? how many to train with; none: no such data
---@param valid integer?
---@param test integer?
---@param methods table? of the data module
---@return helios.DataModule
function M.module_of(train, valid, test, methods)
  methods = methods or {}
  methods.setup = methods.setup or function(self)
    self.train_dataset = train and self:create_dataset(M.numbers(train))
    self.valid_dataset = valid and self:create_dataset(M.numbers(valid))
    self.test_dataset = test and self:create_dataset(M.numbers(test))
  end
  return data.DataModule.new(methods)
end

---@param settings table
---@return helios.Trainer without a banner
function M.quiet(settings)
  settings.print_banner = false
  return Trainer(settings)
end

---Settings with a folder for everything.
---@param dir string
---@param settings table
---@return table settings
function M.at(dir, settings)
  settings.chkpt_root, settings.log_path, settings.run_path = dir .. "/chkpt", dir .. "/logs", dir .. "/runs"
  settings.enable_tensorboard, settings.enable_file_logging = true, true
  return settings
end

---@param dir string
---@param pattern string?
---@return string path of the one file there
function M.only_file(dir, pattern)
  local files = tmp.files(dir, pattern)
  assert(#files == 1, table.concat(files, " "))
  return dir .. "/" .. files[1]
end

return M

-- What the trainer calls, in which order and with which counters, beside what Helios 1.1.0 itself called
-- (golden/record_callbacks.py).
local data = require "helios.data"
local Model = require "helios.model"
local Plugin = require "helios.plugin"
local tmp = require "spec.support.tmp"
local Trainer = require "helios.trainer"

local GOLDEN <const> = "spec/golden/callbacks.txt"

local MODEL <const> = {
  "setup", "train", "eval", "on_training_start", "on_training_epoch_start", "on_training_batch_start", "train_step",
  "on_training_batch_end", "on_training_epoch_end", "on_training_end", "on_validation_start",
  "on_validation_batch_start", "valid_step", "on_validation_batch_end", "on_validation_end", "have_metrics_improved",
  "should_training_stop", "on_testing_start", "on_testing_batch_start", "test_step", "on_testing_batch_end",
  "on_testing_end", "load_for_testing", "state_dict", "load_state_dict", "append_metadata_to_chkpt_name",
}
local PLUGIN <const> = {
  "setup", "on_training_start", "on_training_end", "on_validation_start", "on_validation_end", "on_testing_start",
  "on_testing_end", "should_training_stop",
}
local BATCHES <const> = {"process_training_batch", "process_validation_batch", "process_testing_batch"}
local SETTINGS <const> = {
  "train_unit", "total_steps", "valid_frequency", "chkpt_frequency", "print_frequency", "accumulation_steps",
  "early_stop_cycles",
}

---@return {title: string, settings: table, calls: string}[]
local function read_golden()
  local scenarios = {}
  for title, calls in tmp.read(GOLDEN):gmatch("= ([^\n]*)\n([^=]*)") do
    scenarios[#scenarios + 1] = {title = title, settings = assert(load("return {" .. title .. "}"))(), calls = calls}
  end
  return scenarios
end

local function show(value)
  if type(value) ~= "table" then return tostring(value) end
  if value.global_iteration then
    return ("<%d %d %d %d %d %d %d>"):format(value.current_iteration, value.global_iteration, value.global_epoch,
      value.validation_cycles, value.dataset_iter, value.early_stop_count, value.running_iter)
  end
  return #value > 0 and "[" .. table.concat(value, " ") .. "]" or "{}"
end

-- Methods that note their calls, and give the answers that the scenario wants.
local function recorders(calls, who, names, stops, improves)
  local questions, validations = 0, 0
  local answers = {
    state_dict = function() return who == "" and {} or nil end,
    append_metadata_to_chkpt_name = function(name) return name end,
    should_training_stop = function()
      questions = questions + 1
      return questions == stops
    end,
    have_metrics_improved = function()
      validations = validations + 1
      return improves[validations] ~= false
    end,
  }
  for _, name in ipairs(BATCHES) do answers[name] = function(batch) return batch end end
  local methods = {}
  for _, name in ipairs(names) do
    methods[name] = function(_, ...)
      local shown = {}
      for i = 1, select("#", ...) do shown[i] = show((select(i, ...))) end
      calls[#calls + 1] = ("%s%s(%s)"):format(who, name, table.concat(shown, ", "))
      if answers[name] then return answers[name](...) end
    end
  end
  return methods
end

local function module_of(s)
  local function part_of(self, n)
    if not n then return nil end
    local numbers = {}
    for i = 1, n do numbers[i] = i end
    return self:create_dataset(numbers, {batch_size = s.batch, drop_last = s.drop_last})
  end
  return data.DataModule.new {setup = function(self)
    self.train_dataset, self.valid_dataset = part_of(self, s.n_train), part_of(self, s.n_valid)
    self.test_dataset = part_of(self, s.n_test)
  end}
end

local function trainer_of(s, calls, root)
  local settings = {print_banner = false, chkpt_root = root}
  for _, name in ipairs(SETTINGS) do settings[name] = s[name] end
  local trainer = Trainer(settings)
  if s.claims or s.plugin_stops then
    local hooks = table.move(PLUGIN, 1, #PLUGIN, 1, {})
    if s.claims then table.move(BATCHES, 1, #BATCHES, #hooks + 1, hooks) end
    trainer.plugins.p = Plugin.new("p", recorders(calls, "plugin:", hooks, s.plugin_stops))
  end
  return trainer
end

local function run(s)
  local calls, root = {}, tmp.dir()
  for _, action in ipairs {"fit", s.test and "test" or nil} do
    calls[#calls + 1] = "-- " .. action
    local model = Model.new("m", recorders(calls, "", MODEL, s.stops, s.improves or {}))
    local trainer = trainer_of(s, calls, root)
    trainer[action](trainer, model, module_of(s))
  end
  for _, name in ipairs(tmp.files(root)) do
    calls[#calls + 1] = "file " .. name:match("([^/]*)%.chkpt$")
  end
  return table.concat(calls, "\n") .. "\n"
end

describe("the trainer calls what Helios calls, with", function()
  for _, scenario in ipairs(read_golden()) do
    it(scenario.title, function() assert.equal(scenario.calls, run(scenario.settings)) end)
  end
end)

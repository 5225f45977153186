-- luacheck: no unused args
---Extensions of the trainer. A plugin has callbacks like a model's; each is called just before the model's.
---Register it with `trainer.plugins[name] = plugin` (or `plugin:configure_trainer(trainer)`); several are called in the
---order of their names.
local overriding = require "helios.core.overriding"

---@class helios.Plugin
---@field plug_id string
---@field trainer helios.Trainer set by the trainer, as are:
---@field rank integer
---@field is_distributed boolean
local Plugin = {rank = 0, is_distributed = false}
Plugin.__index = Plugin
Plugin.__name = "helios.Plugin"

---@param plug_id string the name `configure_trainer` registers it under
---@param methods table? overridden callbacks and any fields of your own
---@return helios.Plugin
function Plugin.new(plug_id, methods)
  if type(plug_id) ~= "string" or plug_id == "" then
    error("Plugin.new: argument 'plug_id': expected a name, got " .. tostring(plug_id), 2)
  end
  local self = overriding.new(Plugin, "Plugin.new", methods)
  self.plug_id = plug_id
  return self
end

---Register under `plug_id`; raises when the name is taken.
---@param trainer helios.Trainer
function Plugin:configure_trainer(trainer)
  if trainer.plugins[self.plug_id] ~= nil then
    error(("configure_trainer: a plugin with id '%s' has already been registered"):format(self.plug_id), 2)
  end
  trainer.plugins[self.plug_id] = self
end

---Change the model before training or testing, e.g. its save name. Call it yourself.
---@param model helios.Model
function Plugin:configure_model(model) end

---Make what the plugin needs; called once per `fit` or `test`, before the data module's and the model's.
function Plugin:setup() end

function Plugin:on_training_start() end

---After `train_step`, before the model's callback of this name.
---@param state helios.TrainingState
function Plugin:on_training_batch_end(state) end

function Plugin:on_training_end() end

---@param validation_cycle integer counted from 0
function Plugin:on_validation_start(validation_cycle) end

---@param validation_cycle integer counted from 0
function Plugin:on_validation_end(validation_cycle) end

function Plugin:on_testing_start() end

function Plugin:on_testing_end() end

---Asked where the model is asked.
---@return boolean
function Plugin:should_training_stop()
  return false
end

---State for the checkpoint; nil for none.
---@return table?
function Plugin:state_dict()
  return nil
end

---Restore what `state_dict` gave.
---@param state_dict table
function Plugin:load_state_dict(state_dict) end

-- The batch goes through one plugin at most, or two would work on each other's results in an order nobody chose. So
-- these have no default: having one of them is what claims the batch.
---@alias helios.BatchHook
---| "process_training_batch" (batch, state): the batch that `train_step` is to get
---| "process_validation_batch" (batch, step): the batch that `valid_step` is to get
---| "process_testing_batch" (batch, step): the batch that `test_step` is to get

return Plugin

-- luacheck: no unused args
---What is trained: a model is an object whose callbacks the trainer calls. All of them do nothing until overridden.
---
---```lua
---local model = helios.Model.new("digits", {
---  setup = function(self) self.net = new_network() end,
---  train_step = function(self, batch, state) ... end,
---  state_dict = function(self) return {net = self.net} end,
---  load_state_dict = function(self, saved) self.net = saved.net end,
---})
---```
local overriding = require "helios.core.overriding"

---@class helios.Model
---@field save_name string names its checkpoints and their folder
---@field trainer helios.Trainer set by the trainer, as are:
---@field rank integer this process' rank, 0 when there is only one
---@field is_distributed boolean
local Model = {rank = 0, is_distributed = false}
Model.__index = Model
Model.__name = "helios.Model"

---@param save_name string without "/"
---@param methods table? overridden callbacks and any fields of your own
---@return helios.Model
function Model.new(save_name, methods)
  if type(save_name) ~= "string" or save_name == "" or save_name:find("[/%z]") then
    error("Model.new: argument 'save_name': expected a name without '/', got " .. tostring(save_name), 2)
  end
  local self = overriding.new(Model, "Model.new", methods)
  self.save_name = save_name
  return self
end

---Make networks, optimizers and whatever training needs; called once per `fit` or `test`, on every rank.
---@param fast_init boolean true when testing: the networks alone are enough
function Model:setup(fast_init) end

---Restore what `state_dict` gave.
---@param state_dict table
---@param fast_init boolean true when testing: the networks alone are enough
function Model:load_state_dict(state_dict, fast_init) end

---Everything the next step depends on: weights, the optimizer's state, schedules, best scores. Numbers, strings,
---booleans, tensors and tables of them.
---@return table
function Model:state_dict()
  return {}
end

---Called when testing finds no checkpoint.
function Model:load_for_testing() end

---Add figures to a checkpoint's name, e.g. the loss. Epoch and iteration are in it already; no "/".
---@param chkpt_name string without extension
---@return string
function Model:append_metadata_to_chkpt_name(chkpt_name)
  return chkpt_name
end

---Add lines to the banner shown when a run starts.
---@param banner string
---@return string
function Model:append_to_banner(banner)
  return banner
end

---The first step that viewers are to forget when a run goes on from this state: all that an earlier sitting logged from
---there on. nil: the step after the highest one that anything was logged at before the checkpoint, which is right for
---every counter that grows; override it for a model that also logs at steps ahead of its time.
---@param state helios.TrainingState
---@return integer?
function Model:purge_step(state)
  return nil
end

---Switch to training mode.
function Model:train() end

---Switch to evaluation mode.
function Model:eval() end

---Training begins or goes on.
function Model:on_training_start() end

---A new epoch begins. Not called again when a run goes on in the middle of one.
---@param current_epoch integer counted from 1
function Model:on_training_epoch_start(current_epoch) end

---Before `train_step`.
---@param state helios.TrainingState
function Model:on_training_batch_start(state) end

---Forward and backward pass over one batch; step the optimizer when enough of them are accumulated.
---@param batch any
---@param state helios.TrainingState
function Model:train_step(batch, state) end

---After `train_step`.
---@param state helios.TrainingState
---@param should_log boolean true every `print_frequency` iterations
function Model:on_training_batch_end(state, should_log) end

---An epoch has ended, its validation and checkpoint included.
---@param current_epoch integer counted from 1
function Model:on_training_epoch_end(current_epoch) end

---Training is over.
function Model:on_training_end() end

---@param validation_cycle integer counted from 0
function Model:on_validation_start(validation_cycle) end

---@param step integer the batch, counted from 0
function Model:on_validation_batch_start(step) end

---@param batch any
---@param step integer the batch, counted from 0
function Model:valid_step(batch, step) end

---@param step integer the batch, counted from 0
function Model:on_validation_batch_end(step) end

---@param validation_cycle integer counted from 0
function Model:on_validation_end(validation_cycle) end

---Asked after each validation; `early_stop_cycles` counts the answers that are false.
---@return boolean
function Model:have_metrics_improved()
  return true
end

---Asked after each batch and after each epoch. In a distributed run one rank's true stops all.
---@return boolean
function Model:should_training_stop()
  return false
end

function Model:on_testing_start() end

---@param step integer the batch, counted from 0
function Model:on_testing_batch_start(step) end

---@param batch any
---@param step integer the batch, counted from 0
function Model:test_step(batch, step) end

---@param step integer the batch, counted from 0
function Model:on_testing_batch_end(step) end

function Model:on_testing_end() end

return Model

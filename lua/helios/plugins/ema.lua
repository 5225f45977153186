---A plugin that keeps an exponential moving average of the weights and validates and tests with it.
---
---```lua
---trainer.plugins.ema = require "helios.plugins.ema" {
---  decay = 0.999,
---  parameters = function(model) return {model.net.hidden, model.net.output} end,
---}
---```
---During validation and testing the model's weights are the averaged ones, in place; afterwards the trained ones are
---back. The averages are part of the checkpoint.
local Plugin = require "helios.plugin"

-- Calls fn(weights_list, key, averages_list) for every number below `weights`.
local function each_number(weights, averages, fn)
  for key, value in pairs(weights) do
    if type(value) == "table" then
      each_number(value, averages[key], fn)
    elseif math.type(value) == "float" then
      fn(weights, key, averages)
    end
  end
end

local function copy(weights)
  local result = {}
  for key, value in pairs(weights) do result[key] = type(value) == "table" and copy(value) or value end
  return result
end

---@class helios.EMA : helios.Plugin
---@field decay number
---@field averages table? same shape as the parameters; nil before training
local methods = {}

function methods:weights()
  return self.parameters(self.trainer.model)
end

function methods:on_training_start()
  self.averages = self.averages or copy(self:weights())
  self.iteration = self.iteration or 0
end

-- Between two steps of the optimizer the weights stand still: with accumulation only a new iteration counts.
function methods:on_training_batch_end(state)
  if state.current_iteration == self.iteration then return end
  self.iteration = state.current_iteration
  local decay = self.decay
  each_number(self:weights(), self.averages, function(weights, key, averages)
    averages[key] = decay * averages[key] + (1 - decay) * weights[key]
  end)
end

function methods:swap()
  if self.averages == nil then return end
  each_number(self:weights(), self.averages, function(weights, key, averages)
    weights[key], averages[key] = averages[key], weights[key]
  end)
end

methods.on_validation_start = methods.swap
methods.on_validation_end = methods.swap
methods.on_testing_start = methods.swap
methods.on_testing_end = methods.swap

function methods:state_dict()
  return {averages = self.averages, iteration = self.iteration}
end

function methods:load_state_dict(state_dict)
  self.averages, self.iteration = state_dict.averages, state_dict.iteration
end

---@param options {decay: number?, parameters: fun(model: helios.Model): table} decay 0.999, in [0, 1); `parameters`
---  gives tables, nested or not, whose float fields are trained in place
---@return helios.EMA
return function(options)
  local decay = options.decay or 0.999
  if type(options.parameters) ~= "function" then error("ema: argument 'parameters': expected a function", 2) end
  if type(decay) ~= "number" or not (decay >= 0 and decay < 1) then
    error("ema: argument 'decay': must be in [0, 1), got " .. tostring(decay), 2)
  end
  local plugin = Plugin.new("ema", methods)
  plugin.decay, plugin.parameters = decay, options.parameters
  return plugin
end

---A two-layer perceptron in plain Lua: inputs -> ReLU units -> probabilities of classes, trained by SGD with momentum.
---What digits.lua and digits_mpi.lua train; nothing in it knows of Helios. Its parts are modules (`forward`, callable),
---so that add_graph can follow a sample through them.
local M = {}

local function class(name)
  local c = {__name = name, __call = function(self, ...) return self:forward(...) end}
  c.__index = c
  return c
end

local function zeros(n)
  local t = {}
  for i = 1, n do t[i] = 0.0 end
  return t
end

-- Layers -------------------------------------------------------------------------------------------------------------

---@class Linear one row per unit: its weights, its bias last; gradients and velocities have the same shape
---@field rows number[][]
---@field gradients number[][]
---@field velocities number[][]
local Linear = class "Linear"

local function new_linear(inputs, units, random)
  local self = {rows = {}, gradients = {}, velocities = {}, inputs = inputs, units = units}
  for u = 1, units do
    local row = zeros(inputs + 1)
    for i = 1, inputs do row[i] = random:normal(0, math.sqrt(2 / inputs)) end
    self.rows[u], self.gradients[u], self.velocities[u] = row, zeros(inputs + 1), zeros(inputs + 1)
  end
  return setmetatable(self, Linear)
end

---Weighted sums of the inputs, one per unit.
function Linear:forward(x)
  local out, n = {}, #x
  for u, row in ipairs(self.rows) do
    local sum = row[n + 1]
    for i = 1, n do sum = sum + row[i] * x[i] end
    out[u] = sum
  end
  return out
end

---Add one sample's gradients, given those of the sums.
function Linear:accumulate(x, delta)
  local n = #x
  for u, gradient in ipairs(self.gradients) do
    local d = delta[u]
    if d ~= 0 then
      for i = 1, n do gradient[i] = gradient[i] + d * x[i] end
      gradient[n + 1] = gradient[n + 1] + d
    end
  end
end

function Linear:clear()
  for _, gradient in ipairs(self.gradients) do
    for i = 1, #gradient do gradient[i] = 0.0 end
  end
end

function Linear:update(rate, momentum)
  for u, row in ipairs(self.rows) do
    local gradient, velocity = self.gradients[u], self.velocities[u]
    for i = 1, #row do
      velocity[i] = momentum * velocity[i] - rate * gradient[i]
      row[i] = row[i] + velocity[i]
    end
  end
end

local ReLU = class "ReLU"

function ReLU.forward(_, x)
  local out = {}
  for i = 1, #x do out[i] = x[i] > 0 and x[i] or 0.0 end
  return out
end

local Softmax = class "Softmax"

function Softmax.forward(_, x)
  local out, highest, sum = {}, math.max(table.unpack(x)), 0
  for i = 1, #x do
    out[i] = math.exp(x[i] - highest)
    sum = sum + out[i]
  end
  for i = 1, #x do out[i] = out[i] / sum end
  return out
end

-- The network --------------------------------------------------------------------------------------------------------

---@class Perceptron
---@field hidden Linear
---@field output Linear
local Perceptron = class "Perceptron"

---@param inputs integer
---@param hidden integer
---@param classes integer
---@param random helios.Generator
---@return Perceptron
function M.new(inputs, hidden, classes, random)
  return setmetatable({
    hidden = new_linear(inputs, hidden, random), relu = setmetatable({}, ReLU),
    output = new_linear(hidden, classes, random), softmax = setmetatable({}, Softmax),
  }, Perceptron)
end

---@param x number[]
---@return number[] probabilities one per class
function Perceptron:forward(x)
  return self.softmax(self.output(self.relu(self.hidden(x))))
end

---The most probable class.
---@param probabilities number[]
---@return integer
function M.best(probabilities)
  local best = 1
  for i = 2, #probabilities do
    if probabilities[i] > probabilities[best] then best = i end
  end
  return best
end

---Gradients of a ReLU layer's sums, given those of the sums above it.
local function back_through_relu(above, delta, activations)
  local out = zeros(#activations)
  for u, row in ipairs(above.rows) do
    local d = delta[u]
    for i = 1, #activations do
      if activations[i] > 0 then out[i] = out[i] + d * row[i] end
    end
  end
  return out
end

---The sums of the batch's gradients, left in the layers until the next call.
---@param batch {input: number[], class: integer}[]
---@return number loss the sum of the samples' cross entropies
---@return integer right how many samples were told
function Perceptron:backward(batch)
  self.hidden:clear()
  self.output:clear()
  local loss, right = 0, 0
  for _, sample in ipairs(batch) do
    local activations = self.relu(self.hidden(sample.input))
    local delta = self.softmax(self.output(activations))
    if M.best(delta) == sample.class then right = right + 1 end
    loss = loss - math.log(math.max(delta[sample.class], 1e-12))
    delta[sample.class] = delta[sample.class] - 1 -- the gradient of softmax under cross entropy
    self.output:accumulate(activations, delta)
    self.hidden:accumulate(sample.input, back_through_relu(self.output, delta, activations))
  end
  return loss, right
end

---One step of SGD along the gradients.
---@param rate number learning rate over the number of samples that are in the gradients
---@param momentum number
function Perceptron:update(rate, momentum)
  self.hidden:update(rate, momentum)
  self.output:update(rate, momentum)
end

---Weights and velocities, as plain tables.
---@return table
function Perceptron:state_dict()
  local state = {}
  for _, name in ipairs {"hidden", "output"} do
    state[name] = {rows = self[name].rows, velocities = self[name].velocities}
  end
  return state
end

---@param state table
function Perceptron:load_state_dict(state)
  for name, layer in pairs(state) do
    self[name].rows, self[name].velocities = layer.rows, layer.velocities
  end
end

return M

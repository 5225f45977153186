---A two-layer perceptron in plain Lua: inputs -> ReLU units -> probabilities of classes, trained by SGD with momentum.
---What digits.lua and digits_mpi.lua train; nothing in it knows of Helios.
local M = {}

---@class Layer one row per unit: its weights, its bias last; gradients and velocities have the same shape
---@field rows number[][]
---@field gradients number[][]
---@field velocities number[][]

---@class Network
---@field hidden Layer
---@field output Layer

local function zeros(n)
  local t = {}
  for i = 1, n do t[i] = 0.0 end
  return t
end

local function new_layer(inputs, units, random)
  local layer = {rows = {}, gradients = {}, velocities = {}}
  for u = 1, units do
    local row = zeros(inputs + 1)
    for i = 1, inputs do row[i] = random:normal(0, math.sqrt(2 / inputs)) end
    layer.rows[u], layer.gradients[u], layer.velocities[u] = row, zeros(inputs + 1), zeros(inputs + 1)
  end
  return layer
end

---@param inputs integer
---@param hidden integer
---@param classes integer
---@param random helios.Generator
---@return Network
function M.new(inputs, hidden, classes, random)
  return {hidden = new_layer(inputs, hidden, random), output = new_layer(hidden, classes, random)}
end

---Weighted sums of the inputs, one per unit.
local function apply(layer, x)
  local out, n = {}, #x
  for u, row in ipairs(layer.rows) do
    local sum = row[n + 1]
    for i = 1, n do sum = sum + row[i] * x[i] end
    out[u] = sum
  end
  return out
end

local function relu(x)
  for i = 1, #x do
    if x[i] < 0 then x[i] = 0.0 end
  end
  return x
end

local function softmax(x)
  local highest, sum = math.max(table.unpack(x)), 0
  for i = 1, #x do
    x[i] = math.exp(x[i] - highest)
    sum = sum + x[i]
  end
  for i = 1, #x do x[i] = x[i] / sum end
  return x
end

---@param net Network
---@param x number[]
---@return number[] probabilities one per class
---@return number[] activations of the hidden layer
function M.forward(net, x)
  local activations = relu(apply(net.hidden, x))
  return softmax(apply(net.output, activations)), activations
end

---The most probable class.
---@param probabilities number[]
---@return integer
function M.best(probabilities)
  local best = 1
  for class = 2, #probabilities do
    if probabilities[class] > probabilities[best] then best = class end
  end
  return best
end

---Add one sample's gradients, given those of the layer's sums.
local function accumulate(layer, x, delta)
  local n = #x
  for u, gradient in ipairs(layer.gradients) do
    local d = delta[u]
    if d ~= 0 then
      for i = 1, n do gradient[i] = gradient[i] + d * x[i] end
      gradient[n + 1] = gradient[n + 1] + d
    end
  end
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

local function clear(layer)
  for _, gradient in ipairs(layer.gradients) do
    for i = 1, #gradient do gradient[i] = 0.0 end
  end
end

---The sums of the batch's gradients, left in the layers until the next call.
---@param net Network
---@param batch {input: number[], class: integer}[]
---@return number loss the sum of the samples' cross entropies
---@return integer right how many samples were told
function M.backward(net, batch)
  clear(net.hidden)
  clear(net.output)
  local loss, right = 0, 0
  for _, sample in ipairs(batch) do
    local delta, activations = M.forward(net, sample.input)
    if M.best(delta) == sample.class then right = right + 1 end
    loss = loss - math.log(math.max(delta[sample.class], 1e-12))
    delta[sample.class] = delta[sample.class] - 1 -- the gradient of softmax under cross entropy
    accumulate(net.output, activations, delta)
    accumulate(net.hidden, sample.input, back_through_relu(net.output, delta, activations))
  end
  return loss, right
end

local function update_layer(layer, rate, momentum)
  for u, row in ipairs(layer.rows) do
    local gradient, velocity = layer.gradients[u], layer.velocities[u]
    for i = 1, #row do
      velocity[i] = momentum * velocity[i] - rate * gradient[i]
      row[i] = row[i] + velocity[i]
    end
  end
end

---One step of SGD along the gradients.
---@param net Network
---@param rate number learning rate over the number of samples that are in the gradients
---@param momentum number
function M.update(net, rate, momentum)
  update_layer(net.hidden, rate, momentum)
  update_layer(net.output, rate, momentum)
end

return M

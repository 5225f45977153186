-- digits.lua - train a small classifier on real handwritten digits and record the experiment as one would at work.
--
-- A two-layer perceptron in plain Lua 5.4: 64 pixels -> 64 ReLU units -> 10 probabilities, mini-batch SGD with momentum
-- on 1,500 digits, judged on 297 others. The text log and the TensorBoard run are written by helios.core.logging.
-- Run it from the project's folder with `make demo`.

local logging = require "helios.core.logging"

local here = arg[0]:match("^(.*)/") or "."

local config = {
  hidden = 64,
  epochs = 20,
  batch_size = 32,
  learning_rate = 0.1,
  momentum = 0.9,
  seed = 6691,
}

local IMAGE_SIDE <const> = 8
local PIXELS <const> = IMAGE_SIDE * IMAGE_SIDE
local CLASSES <const> = 10
local TRAIN_COUNT <const> = 1500
local MAX_SHOWN <const> = 32 -- misclassified digits in one picture

-- Data -----------------------------------------------------------------------------------------------------------

---@class Digit
---@field pixels number[] 64 values from 0 to 1, row by row
---@field label integer 0 to 9

---One line holds 64 pixels from 0 to 16, then the digit they show.
---@return Digit
local function parse_digit(line)
  local pixels = {}
  for value in line:gmatch("%d+") do pixels[#pixels + 1] = tonumber(value) end
  local label = table.remove(pixels)
  assert(#pixels == PIXELS, "a line of the data set holds 64 pixels and a label")
  for i = 1, PIXELS do pixels[i] = pixels[i] / 16 end
  return {pixels = pixels, label = math.tointeger(label)}
end

local function shuffle(list)
  for i = #list, 2, -1 do
    local j = math.random(i)
    list[i], list[j] = list[j], list[i]
  end
end

---Shuffled before it is split, so that every writer's hand is in both parts.
---@return Digit[] train
---@return Digit[] validation
local function load_digits(path)
  local digits = {}
  for line in io.lines(path) do digits[#digits + 1] = parse_digit(line) end
  shuffle(digits)
  return table.move(digits, 1, TRAIN_COUNT, 1, {}), table.move(digits, TRAIN_COUNT + 1, #digits, 1, {})
end

-- Network --------------------------------------------------------------------------------------------------------

local function zeros(n)
  local t = {}
  for i = 1, n do t[i] = 0.0 end
  return t
end

local function normal()
  return math.sqrt(-2 * math.log(1 - math.random())) * math.cos(2 * math.pi * math.random())
end

---@class Layer one row per unit: its weights, its bias last; gradients and velocities have the same shape
---@field rows number[][]
---@field gradients number[][]
---@field velocities number[][]

---@return Layer
local function new_layer(inputs, units)
  local layer = {rows = {}, gradients = {}, velocities = {}}
  local scale = math.sqrt(2 / inputs)
  for u = 1, units do
    local row = {}
    for i = 1, inputs do row[i] = scale * normal() end
    row[inputs + 1] = 0.0
    layer.rows[u], layer.gradients[u], layer.velocities[u] = row, zeros(inputs + 1), zeros(inputs + 1)
  end
  return layer
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

---One step of SGD with momentum along the mean gradient. The gradients stay until `clear`, for the histograms.
local function update(layer, batch_size)
  local rate = config.learning_rate / batch_size
  for u, row in ipairs(layer.rows) do
    local gradient, velocity = layer.gradients[u], layer.velocities[u]
    for i = 1, #row do
      velocity[i] = config.momentum * velocity[i] - rate * gradient[i]
      row[i] = row[i] + velocity[i]
    end
  end
end

local function clear(layer)
  for _, gradient in ipairs(layer.gradients) do
    for i = 1, #gradient do gradient[i] = 0.0 end
  end
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

---@class Network
---@field hidden Layer
---@field output Layer

---@return number[] probabilities of the digits 0 to 9
---@return number[] activations of the hidden layer
local function forward(net, pixels)
  local activations = relu(apply(net.hidden, pixels))
  return softmax(apply(net.output, activations)), activations
end

---@return number loss the batch's mean cross entropy
local function train_step(net, batch)
  clear(net.hidden)
  clear(net.output)
  local loss = 0
  for _, digit in ipairs(batch) do
    local delta, activations = forward(net, digit.pixels)
    local truth = digit.label + 1
    loss = loss - math.log(math.max(delta[truth], 1e-12))
    delta[truth] = delta[truth] - 1 -- the gradient of softmax under cross entropy
    accumulate(net.output, activations, delta)
    accumulate(net.hidden, digit.pixels, back_through_relu(net.output, delta, activations))
  end
  update(net.hidden, #batch)
  update(net.output, #batch)
  return loss / #batch
end

-- Judging --------------------------------------------------------------------------------------------------------

---@class Verdict
---@field accuracy number
---@field probabilities number[][] one row per digit
---@field wrong {digit: Digit, guess: integer}[]

---@return Verdict
local function judge(net, digits)
  local verdict = {probabilities = {}, wrong = {}}
  for i, digit in ipairs(digits) do
    local probabilities, best = forward(net, digit.pixels), 1
    for class = 2, CLASSES do
      if probabilities[class] > probabilities[best] then best = class end
    end
    verdict.probabilities[i] = probabilities
    if best - 1 ~= digit.label then table.insert(verdict.wrong, {digit = digit, guess = best - 1}) end
  end
  verdict.accuracy = 1 - #verdict.wrong / #digits
  return verdict
end

-- Recording ------------------------------------------------------------------------------------------------------

local function record_layers(tb, net, epoch)
  for _, name in ipairs {"hidden", "output"} do
    tb:add_histogram("weights/" .. name, net[name].rows, epoch)
    tb:add_histogram("gradients/" .. name, net[name].gradients, epoch)
  end
end

---One channel of 8 x 8 pixels, as add_images takes it.
local function as_image(pixels)
  local rows = {}
  for y = 1, IMAGE_SIDE do rows[y] = table.move(pixels, (y - 1) * IMAGE_SIDE + 1, y * IMAGE_SIDE, 1, {}) end
  return {rows}
end

local function record_mistakes(tb, wrong, epoch)
  if #wrong == 0 then return end
  local images, captions = {}, {{"digit", "taken for"}}
  for i = 1, math.min(#wrong, MAX_SHOWN) do
    images[i] = as_image(wrong[i].digit.pixels)
    captions[i + 1] = {tostring(wrong[i].digit.label), tostring(wrong[i].guess)}
  end
  tb:add_images("misclassified", images, epoch)
  tb:add_text("misclassified", captions, epoch)
end

---How well each digit is told from all others.
local function record_pr_curves(tb, digits, verdict, epoch)
  for class = 0, CLASSES - 1 do
    local labels, predictions = {}, {}
    for i, digit in ipairs(digits) do
      labels[i] = digit.label == class
      predictions[i] = verdict.probabilities[i][class + 1]
    end
    tb:add_pr_curve("pr_curve/" .. class, labels, predictions, epoch)
  end
end

local function results_table(digits, verdict)
  local count, mistakes = {}, {}
  for _, digit in ipairs(digits) do count[digit.label] = (count[digit.label] or 0) + 1 end
  for _, w in ipairs(verdict.wrong) do mistakes[w.digit.label] = (mistakes[w.digit.label] or 0) + 1 end
  local lines = {"| digit | seen | right | recall |", "| ---: | ---: | ---: | ---: |"}
  for class = 0, CLASSES - 1 do
    local seen, right = count[class] or 0, (count[class] or 0) - (mistakes[class] or 0)
    lines[#lines + 1] = ("| %d | %d | %d | %.1f %% |"):format(class, seen, right, 100 * right / seen)
  end
  return table.concat(lines, "\n")
end

local function record_hparams(tb, metrics)
  tb:add_hparams({
    hidden = config.hidden,
    epochs = config.epochs,
    batch_size = config.batch_size,
    learning_rate = config.learning_rate,
    momentum = config.momentum,
    optimizer = "sgd",
    nesterov = false,
  }, metrics)
end

-- The run --------------------------------------------------------------------------------------------------------

local function train_epoch(net, digits, tb, step)
  shuffle(digits)
  for first = 1, #digits, config.batch_size do
    local last = math.min(first + config.batch_size - 1, #digits)
    local loss = train_step(net, table.move(digits, first, last, 1, {}))
    step = step + 1
    tb:add_scalar("loss/train", loss, step)
  end
  return step
end

local function train(log, tb)
  local training, validation = load_digits(here .. "/data/digits.csv")
  log:info("%d digits to train, %d to validate", #training, #validation)
  local net = {hidden = new_layer(PIXELS, config.hidden), output = new_layer(config.hidden, CLASSES)}
  local step, seen, held_out = 0, nil, nil
  for epoch = 1, config.epochs do
    step = train_epoch(net, training, tb, step)
    seen, held_out = judge(net, training), judge(net, validation)
    tb:add_scalars("accuracy", {train = seen.accuracy, validation = held_out.accuracy}, epoch)
    record_layers(tb, net, epoch)
    record_mistakes(tb, held_out.wrong, epoch)
    log:info("epoch %2d: accuracy %.2f %% (training), %.2f %% (validation)", epoch, 100 * seen.accuracy,
      100 * held_out.accuracy)
  end
  record_pr_curves(tb, validation, held_out, config.epochs)
  tb:add_text("results", results_table(validation, held_out), config.epochs)
  record_hparams(tb, {["accuracy/train"] = seen.accuracy, ["accuracy/validation"] = held_out.accuracy})
  return held_out.accuracy
end

local function main()
  math.randomseed(config.seed)
  logging.create_default_loggers()
  logging.setup_default_loggers("digits", "logs", "runs")
  local log, tb = logging.get_root_logger(), logging.get_tensorboard_writer()
  local log_file, run_path = log.log_file, tb.run_path
  log.logger:add_handler(function(record) print(record.message) end)
  local started = os.clock()
  local accuracy = train(log, tb)
  log:info("done in %.1f s", os.clock() - started)
  logging.close_default_loggers()

  print(([[
validation accuracy: %.2f %%
log:  %s
run:  %s
see:  tensorboard --logdir runs
      where that is not installed:
      python3 -m venv build/tb && build/tb/bin/pip install tensorboard && build/tb/bin/tensorboard --logdir runs]])
    :format(100 * accuracy, log_file, run_path))
end

main()

-- digits.lua - train a small classifier on real handwritten digits and record the experiment as one would at work.
--
--   lua5.4 examples/digits.lua [checkpoint folder]
--
-- 64 pixels -> 64 ReLU units -> 10 probabilities, in plain Lua (perceptron.lua); 1,500 digits to learn from, 297 others
-- to be judged by. The trainer brings loop, loggers, checkpoints and progress bar; what is ours is the model below.
-- Given a folder that holds checkpoints already, the run goes on from there. `make demo` runs this file.

local here = arg[0]:match("^(.*)/") or "."
package.path = here .. "/?.lua;" .. package.path

local helios = require "helios"
local load_digits = require "digits_data"
local perceptron = require "perceptron"

local config = {hidden = 64, epochs = 20, batch_size = 32, learning_rate = 0.1, momentum = 0.9}

local IMAGE_SIDE <const> = 8
local CLASSES <const> = 10
local MAX_SHOWN <const> = 32 -- misclassified digits in one picture

-- Recording ------------------------------------------------------------------------------------------------------

---One channel of 8 x 8 pixels, as add_images takes it.
local function as_image(pixels)
  local rows = {}
  for y = 1, IMAGE_SIDE do rows[y] = table.move(pixels, (y - 1) * IMAGE_SIDE + 1, y * IMAGE_SIDE, 1, {}) end
  return {rows}
end

local function record_layers(tb, net)
  for _, name in ipairs {"hidden", "output"} do
    tb:add_histogram("weights/" .. name, net[name].rows)
    tb:add_histogram("gradients/" .. name, net[name].gradients)
  end
end

local function record_mistakes(tb, wrong)
  if #wrong == 0 then return end
  local images, captions = {}, {{"digit", "taken for"}}
  for i = 1, math.min(#wrong, MAX_SHOWN) do
    images[i] = as_image(wrong[i].digit.input)
    captions[i + 1] = {tostring(wrong[i].digit.class - 1), tostring(wrong[i].guess - 1)}
  end
  tb:add_images("misclassified", images)
  tb:add_text("misclassified", captions)
end

local function zeros(n)
  local t = {}
  for i = 1, n do t[i] = 0 end
  return t
end

local DIGITS <const> = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}

---Rows are what the digits are, columns what they were taken for.
local function confusion_matrix(judged)
  local matrix = {}
  for class = 1, CLASSES do matrix[class] = zeros(CLASSES) end
  for _, one in ipairs(judged) do
    local row = matrix[one.digit.class]
    row[one.guess] = row[one.guess] + 1
  end
  return helios.figure.new {title = "confusion matrix", xlabel = "taken for", ylabel = "digit"}
    :imshow(matrix, {annotate = true, cmap = "blues", xlabels = DIGITS, ylabels = DIGITS})
end

local function loss_curve(losses)
  local steps = {}
  for i = 1, #losses do steps[i] = i end
  return helios.figure.new {title = "training loss", xlabel = "iteration", ylabel = "cross entropy", logy = true,
    grid = true}:plot(steps, losses)
end

---How well each digit is told from all others.
local function record_pr_curves(tb, judged)
  for class = 1, CLASSES do
    local labels, predictions = {}, {}
    for i, one in ipairs(judged) do
      labels[i], predictions[i] = one.digit.class == class, one.probabilities[class]
    end
    tb:add_pr_curve("pr_curve/" .. class - 1, labels, predictions)
  end
end

local function record_results(tb, judged)
  local lines = {"| digit | seen | right | recall |", "| ---: | ---: | ---: | ---: |"}
  for class = 1, CLASSES do
    local seen, right = 0, 0
    for _, one in ipairs(judged) do
      if one.digit.class == class then
        seen = seen + 1
        right = right + (one.guess == class and 1 or 0)
      end
    end
    lines[#lines + 1] = ("| %d | %d | %d | %.1f %% |"):format(class - 1, seen, right, 100 * right / seen)
  end
  tb:add_text("results", table.concat(lines, "\n"))
end

-- The model ------------------------------------------------------------------------------------------------------

local model = helios.Model.new "digits"

function model:setup()
  self.net = perceptron.new(IMAGE_SIDE * IMAGE_SIDE, config.hidden, CLASSES, helios.rng.get_default_rng())
  self.right, self.seen = 0, 0 -- of this epoch's training
  self.losses = {}
end

function model:state_dict()
  return {net = self.net:state_dict(), right = self.right, seen = self.seen, losses = self.losses,
    accuracy = self.accuracy}
end

function model:load_state_dict(saved)
  self.net:load_state_dict(saved.net)
  self.right, self.seen, self.losses, self.accuracy = saved.right, saved.seen, saved.losses, saved.accuracy
end

function model:on_training_start()
  self.log, self.tb = helios.logging.get_root_logger(), helios.logging.get_tensorboard_writer()
  if #self.losses == 0 then self.tb:add_graph(self.net, self.trainer.datamodule.valid_dataset.dataset[1].input) end
end

function model:train_step(batch, state)
  local loss, right = self.net:backward(batch)
  self.net:update(config.learning_rate / #batch, config.momentum)
  self.right, self.seen = self.right + right, self.seen + #batch
  self.losses[state.current_iteration] = loss / #batch
  self.tb:add_scalar("loss/train", loss / #batch, state.current_iteration)
end

function model:on_validation_start()
  self.judged, self.wrong = {}, {}
end

function model:valid_step(batch)
  for _, digit in ipairs(batch) do
    local probabilities = self.net(digit.input)
    local one = {digit = digit, guess = perceptron.best(probabilities), probabilities = probabilities}
    table.insert(self.judged, one)
    if one.guess ~= digit.class then table.insert(self.wrong, one) end
  end
end

-- Without a step of their own, points get the trainer's: the iteration.
function model:on_validation_end(cycle)
  self.accuracy = {train = self.right / self.seen, validation = 1 - #self.wrong / #self.judged}
  self.right, self.seen = 0, 0
  self.tb:add_scalars("accuracy", self.accuracy)
  record_layers(self.tb, self.net)
  record_mistakes(self.tb, self.wrong)
  self.log:info("epoch %2d: accuracy %.2f %% (training), %.2f %% (validation)", cycle + 1, 100 * self.accuracy.train,
    100 * self.accuracy.validation)
end

-- A machine without gnuplot is no reason to lose a run that has come so far.
function model:record_figure(tag, figure)
  local ok, reason = pcall(self.tb.add_figure, self.tb, tag, figure)
  if not ok then self.log:warning(reason) end
end

function model:on_training_end()
  if not self.judged then return end -- the run was complete before
  self:record_figure("figures/confusion", confusion_matrix(self.judged))
  self:record_figure("figures/loss", loss_curve(self.losses))
  record_pr_curves(self.tb, self.judged)
  record_results(self.tb, self.judged)
  self.tb:add_hparams({
    hidden = config.hidden, epochs = config.epochs, batch_size = config.batch_size,
    learning_rate = config.learning_rate, momentum = config.momentum, optimizer = "sgd", nesterov = false,
  }, {["accuracy/train"] = self.accuracy.train, ["accuracy/validation"] = self.accuracy.validation})
end

-- The data, and the run ------------------------------------------------------------------------------------------

local datamodule = helios.DataModule.new()

function datamodule:setup()
  local training, validation = load_digits(here .. "/data/digits.csv")
  self.train_dataset = self:create_dataset(training, {batch_size = config.batch_size, shuffle = true})
  self.valid_dataset = self:create_dataset(validation, {batch_size = config.batch_size})
end

local trainer = helios.Trainer {
  run_name = "digits", train_unit = "epoch", total_steps = config.epochs,
  valid_frequency = 1, chkpt_frequency = 1, chkpt_keep_last = 3,
  enable_tensorboard = true, enable_file_logging = true, enable_progress_bar = true,
  chkpt_root = arg[1] or os.date("chkpt/%b%d_%H-%M-%S"), log_path = "logs", run_path = "runs",
}
trainer:fit(model, datamodule)

print(([[
validation accuracy: %.2f %%
log:  %s
run:  %s
last: %s
see:  tensorboard --logdir runs
      where that is not installed:
      python3 -m venv build/tb && build/tb/bin/pip install tensorboard && build/tb/bin/tensorboard --logdir runs]])
  :format(100 * model.accuracy.validation, trainer.log_file, trainer.run_folder,
    helios.find_last_checkpoint(trainer.chkpt_root .. "/" .. model.save_name)))

---One sitting of a training run, as a program: the property spec starts it, has it stopped, and starts it again.
---
---  lua resumable_run.lua FOLDER SETTINGS-SEED STOP-KIND STOP-AT
---
---The settings follow from the seed. STOP-KIND is none, error, SIGTERM, SIGUSR1 or SIGKILL, STOP-AT a global iteration.
---FOLDER/trace gets a line per batch and per epoch's beginning and end, FOLDER/result the final state, bit for bit. The
---model uses both kinds of random numbers at each step, changes its rate at the ends of epochs, and logs scalars in the
---run itself and in runs below it, at one of three counters.
local data = require "helios.data"
local logging = require "helios.core.logging"
local Model = require "helios.model"
local msgpack = require "helios.native".msgpack
local rng = require "helios.rng"
local Trainer = require "helios.trainer"
local ema = require "helios.plugins.ema"

local folder, seed, stop_kind, stop_at = arg[1], math.tointeger(arg[2]), arg[3], math.tointeger(arg[4])

local function settings_of(choose)
  local by_epoch = choose:integers(0, 1) == 1
  return {
    run_name = "random",
    train_unit = by_epoch and "epoch" or "iteration",
    total_steps = by_epoch and choose:integers(1, 5) or choose:integers(1, 40),
    accumulation_steps = choose:integers(1, 3),
    valid_frequency = choose:integers(1, by_epoch and 2 or 9),
    chkpt_frequency = choose:integers(1, by_epoch and 2 or 9),
    chkpt_keep_last = choose:integers(1, 3),
    early_stop_cycles = choose:integers(1, 4) == 1 and 3 or nil,
    random_seed = choose:integers(1, 1000),
    chkpt_root = folder .. "/chkpt", log_path = folder .. "/logs", run_path = folder .. "/runs",
    enable_tensorboard = true, enable_file_logging = true, print_banner = false,
  }
end

local choose = rng.new(seed)
local settings = settings_of(choose)
local loading = {batch_size = choose:integers(1, 5), shuffle = choose:integers(0, 3) > 0,
  drop_last = choose:integers(0, 1) == 1}
local samples = choose:integers(5, 30)
local with_ema = choose:integers(0, 1) == 1
local counter = ({"current_iteration", "global_iteration", "global_epoch"})[choose:integers(1, 3)]

local trace = assert(io.open(folder .. "/trace", "a"))
trace:setvbuf("line")

local function own_pid()
  local stat <close> = assert(io.open("/proc/self/stat"))
  return stat:read("n")
end

local function stop()
  if stop_kind == "error" then error("stopped on purpose") end
  os.execute(("kill -%s %d"):format(stop_kind:sub(4), own_pid()))
end

local model = Model.new("random", {
  setup = function(self)
    self.weights = {rng.get_default_rng():normal(), {rng.get_default_rng():normal(), 0.5}}
    self.rate, self.best, self.score, self.scores_seen = 0.1, math.huge, math.huge, 0
  end,
  -- drawing here must not shift the stream of a run that goes on
  on_training_start = function() return rng.get_default_rng():random(), math.random() end,
  on_training_epoch_start = function(self, epoch)
    trace:write(("epoch %d starts\n"):format(epoch))
    self.rate = self.rate * (1 + 0.01 * rng.get_default_rng():random())
  end,
  on_training_epoch_end = function(self, epoch)
    trace:write(("epoch %d ends\n"):format(epoch))
    self.rate = self.rate * 0.9
  end,
  train_step = function(self, batch, state)
    trace:write(("%d: %s\n"):format(state.global_iteration, table.concat(batch, " ")))
    local w = self.weights
    for _, x in ipairs(batch) do
      local noise = rng.get_default_rng():normal() + math.random()
      w[1] = w[1] - self.rate * (w[1] - x * 0.01 + noise)
      w[2][1] = w[2][1] + self.rate * math.sin(w[1] * noise)
      w[2][2] = 0.5 * w[2][2] + w[2][1]
    end
    if state.global_iteration == stop_at then stop() end
  end,
  on_training_batch_end = function(self, state)
    local writer = logging.get_tensorboard_writer()
    self.step = state[counter]
    writer:add_scalar("loss", self.weights[1], self.step)
    writer:add_scalars("parts", {a = self.weights[2][1], b = self.weights[2][2]}, self.step)
  end,
  on_validation_start = function(self) self.score = 0.0 end,
  valid_step = function(self, batch) self.score = self.score + math.abs(batch[1] * 0.01 - self.weights[1]) end,
  on_validation_end = function(self)
    self.scores_seen = self.scores_seen + 1
    logging.get_tensorboard_writer():add_scalar("valid/score", self.score, self.step)
  end,
  have_metrics_improved = function(self)
    local improved = self.score < self.best
    self.best = math.min(self.best, self.score)
    return improved
  end,
  state_dict = function(self)
    return {weights = self.weights, rate = self.rate, best = self.best, score = self.score, seen = self.scores_seen,
      step = self.step}
  end,
  load_state_dict = function(self, saved)
    self.weights, self.rate, self.best = saved.weights, saved.rate, saved.best
    self.score, self.scores_seen, self.step = saved.score, saved.seen, saved.step
  end,
  on_training_end = function(self)
    local result = {model = self:state_dict(), random = {rng.get_default_rng():bits(), math.random(0)},
      averages = self.trainer.plugins.ema and self.trainer.plugins.ema.averages}
    local file <close> = assert(io.open(folder .. "/result", "wb"))
    file:write(msgpack.pack(result))
  end,
})

local datamodule = data.DataModule.new {
  setup = function(self)
    local numbers = {}
    for i = 1, samples do numbers[i] = i end
    self.train_dataset = self:create_dataset(numbers, loading)
    self.valid_dataset = self:create_dataset({1, 2, 3})
  end,
}

local trainer = Trainer(settings)
if with_ema then
  trainer.plugins.ema = ema {decay = 0.9, parameters = function(m) return m.weights end}
end
trainer:fit(model, datamodule)

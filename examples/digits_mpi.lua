-- digits_mpi.lua - the digits classifier trained by several processes at once, on MPI.
--
--   mpirun -n 4 lua5.4 examples/digits_mpi.lua [checkpoint folder] [epochs]
--
-- Data-parallel: every rank has the same network and a part of the data of its own. Each step, a rank computes the
-- gradients of its batch, their sum over all ranks is taken, and all make the same step. So four ranks with batches of
-- 8 are one process with batches of 32. Rank 0 writes the one log, the one run and the checkpoints; an error of any
-- rank is in the log and ends all.

local here = arg[0]:match("^(.*)/") or "."
package.path = here .. "/?.lua;" .. package.path

local helios = require "helios"
local load_digits = require "digits_data"
local perceptron = require "perceptron"

local distributed = helios.distributed
local epochs = math.tointeger(arg[2] or 20)
local config = {hidden = 64, epochs = epochs, batch_size = 32, learning_rate = 0.1, momentum = 0.9}

local model = helios.Model.new "digits_mpi"

-- The random numbers of all ranks start alike, so that the networks do.
function model:setup()
  self.net = perceptron.new(64, config.hidden, 10, helios.rng.get_default_rng())
end

function model:state_dict()
  return {net = self.net:state_dict(), accuracy = self.accuracy}
end

function model:load_state_dict(saved)
  self.net:load_state_dict(saved.net)
  self.accuracy = saved.accuracy
end

function model:train_step(batch, state)
  local loss = self.net:backward(batch)
  local sums = distributed.all_reduce {
    hidden = self.net.hidden.gradients, output = self.net.output.gradients, loss = loss, count = #batch,
  }
  self.net.hidden.gradients, self.net.output.gradients = sums.hidden, sums.output
  self.net:update(config.learning_rate / sums.count, config.momentum)
  helios.logging.get_tensorboard_writer():add_scalar("loss/train", sums.loss / sums.count, state.current_iteration)
end

function model:on_validation_start()
  self.right, self.judged = 0, 0
end

function model:valid_step(batch)
  for _, digit in ipairs(batch) do
    if perceptron.best(self.net(digit.input)) == digit.class then self.right = self.right + 1 end
    self.judged = self.judged + 1
  end
end

function model:on_validation_end(cycle)
  local sums = distributed.all_reduce {right = self.right, judged = self.judged}
  self.accuracy = sums.right / sums.judged
  helios.logging.get_tensorboard_writer():add_scalar("accuracy/validation", self.accuracy)
  helios.logging.get_root_logger():info("epoch %2d: accuracy %.2f %% (validation, %d ranks)", cycle + 1,
    100 * self.accuracy, distributed.get_world_size())
end

local datamodule = helios.DataModule.new()

-- The loaders of a distributed run give each rank its part.
function datamodule:setup()
  local training, validation = load_digits(here .. "/data/digits.csv")
  local per_rank = math.max(1, config.batch_size // distributed.get_world_size())
  self.train_dataset = self:create_dataset(training, {batch_size = per_rank, shuffle = true, drop_last = true})
  self.valid_dataset = self:create_dataset(validation, {batch_size = per_rank, drop_last = true})
end

local trainer = helios.Trainer {
  run_name = "digits_mpi", train_unit = "epoch", total_steps = config.epochs,
  valid_frequency = 1, chkpt_frequency = 1, chkpt_keep_last = 3,
  enable_tensorboard = true, enable_file_logging = true, enable_progress_bar = true,
  chkpt_root = arg[1] or os.date("chkpt/%b%d_%H-%M-%S"), log_path = "logs", run_path = "runs",
}
trainer:fit(model, datamodule)
distributed.global_print(("validation accuracy: %.2f %%\nlog:  %s\nrun:  %s"):format(100 * model.accuracy,
  trainer.log_file, trainer.run_folder))

---The loop inside `Trainer:fit`: epochs, batches, validation, checkpoints, and when to stop.
---
---A checkpoint is written at one of two places, and its state says which, so that a resumed run goes on with exactly
---what an uninterrupted one would have done next:
---
---  * `dataset_iter > 0`: after that many batches of epoch `global_epoch` and their validation; what is left of that
---    step are the questions whether to stop;
---  * `dataset_iter == 0`: after all batches and the validation of epoch `global_epoch`; what is left of that epoch is
---    its end (`on_training_epoch_end`).
local progress = require "helios.progress"
local distributed = require "helios.core.distributed"
local native = require "helios.native"

local M = {}

---Counters of a run. They are in the checkpoints.
---@class helios.TrainingState
---@field current_iteration integer steps of the optimizer; differs from `global_iteration` when batches are accumulated
---@field global_iteration integer batches seen
---@field global_epoch integer epochs begun
---@field validation_cycles integer
---@field dataset_iter integer batches seen in this epoch
---@field early_stop_count integer validations in a row without improvement
---@field average_iter_time number seconds per batch, the mean of this sitting
---@field running_iter integer iterations since the last validation

---@return helios.TrainingState
function M.new_state()
  return {
    current_iteration = 0, global_iteration = 0, global_epoch = 0, validation_cycles = 0, dataset_iter = 0,
    early_stop_count = 0, average_iter_time = 0.0, running_iter = 0,
  }
end

---@class helios.TrainLoop
---@field trainer helios.Trainer
---@field model helios.Model
---@field state helios.TrainingState
---@field loader helios.DataLoader
---@field logger helios.RootLogger
---@field writer helios.TensorboardWriter?
---@field plugins helios.PluginList
---@field save fun(): string? write a checkpoint, return its path
---@field signal fun(): string?, integer? name and number of a signal that asks to stop
---@field done boolean
---@field stopped_by string? the signal's name; `signal_number` its number
---@field epoch_start number? when this sitting began or took up the epoch
local Loop = {done = false, seconds = 0, timed = 0}
Loop.__index = Loop

local function is_due(frequency, count)
  return frequency ~= nil and count % frequency == 0
end

-- One rank's yes is everybody's: ranks that go separate ways wait for each other for ever.
function Loop:any_rank(answer)
  if not self.trainer.is_distributed then return answer end
  return distributed.all_reduce(answer and 1 or 0, "max") == 1
end

-- Stopping -----------------------------------------------------------------------------------------------------------

function Loop:wants_to_stop()
  return self:any_rank(self.plugins:should_training_stop() or self.model:should_training_stop())
end

function Loop:stops_early()
  local cycles = self.trainer.early_stop_cycles
  return cycles ~= nil and self.state.early_stop_count >= cycles
end

function Loop:has_reached_total()
  local unit = self.trainer.train_unit
  return (unit == "epoch" and self.state.global_epoch or self.state.current_iteration) >= self.trainer.total_steps
end

-- A signal that came to this rank or, in a distributed run, to any.
function Loop:caught_signal()
  local name, number = self.signal()
  if not self:any_rank(name ~= nil) then return nil end
  if not self.trainer.is_distributed then return name, number end
  for _, of_rank in ipairs(distributed.gather {name = name, number = number}) do
    if of_rank.name then return of_rank.name, of_rank.number end
  end
end

-- The signal is looked for where a checkpoint can be written. True when one came: everything ends here.
function Loop:save_if_due(due)
  local name, number = self:caught_signal()
  if not due and not name then return false end
  local path = self.save()
  if name then
    self.done, self.stopped_by, self.signal_number, self.last_checkpoint = true, name, number, path
  end
  return name ~= nil
end

-- Validation ---------------------------------------------------------------------------------------------------------

function Loop:run_validation(loader)
  local model, cycle = self.model, self.state.validation_cycles
  local bar = progress.bar {desc = "Validation", total = #loader, enabled = self.trainer.shows_progress}
  model:eval()
  self.plugins:call("on_validation_start", cycle)
  model:on_validation_start(cycle)
  local step = 0
  for batch in loader:iter() do
    batch = self.plugins:process("process_validation_batch", batch, step)
    model:on_validation_batch_start(step)
    model:valid_step(batch, step)
    model:on_validation_batch_end(step)
    bar:update()
    step = step + 1
  end
  bar:close()
  model:train()
  self.plugins:call("on_validation_end", cycle)
  model:on_validation_end(cycle)
  distributed.safe_barrier()
end

function Loop:validate()
  local state = self.state
  local loader = self.trainer.datamodule:valid_dataloader()
  if loader then self:run_validation(loader) end
  state.validation_cycles = state.validation_cycles + 1
  state.running_iter = 0
  local improved = self:any_rank(self.model:have_metrics_improved())
  state.early_stop_count = improved and 0 or state.early_stop_count + 1
end

-- Steps --------------------------------------------------------------------------------------------------------------

-- By epoch every batch is an iteration; by iteration only every accumulation_steps-th one.
function Loop:count_batch()
  local state, trainer = self.state, self.trainer
  state.global_iteration = state.global_iteration + 1
  local steps = trainer.train_unit == "iteration" and trainer.accumulation_steps or 1
  local is_iteration = state.global_iteration % steps == 0
  if is_iteration then
    state.current_iteration = state.current_iteration + 1
    state.running_iter = state.running_iter + 1
  end
  if self.writer then self.writer:set_step(state.current_iteration) end
  return is_iteration
end

function Loop:time(started)
  self.seconds, self.timed = self.seconds + native.terminal.monotonic() - started, self.timed + 1
  self.state.average_iter_time = self.seconds / self.timed
end

-- True when the batch made an iteration of the optimizer's.
function Loop:train_batch(batch, started)
  local state, model = self.state, self.model
  local is_iteration = self:count_batch()
  batch = self.plugins:process("process_training_batch", batch, state)
  model:on_training_batch_start(state)
  model:train_step(batch, state)
  self:time(started)
  self.plugins:call("on_training_batch_end", state)
  model:on_training_batch_end(state, is_iteration and is_due(self.trainer.print_frequency, state.current_iteration))
  state.dataset_iter = state.dataset_iter + 1
  return is_iteration
end

-- What follows a batch, as far as its checkpoint and beyond. True: no more batches in this epoch. Between the batches
-- of one accumulated iteration nothing is saved, so that incomplete gradients need not be in a checkpoint.
local after_batch, after_checkpoint = {}, {}

function after_batch.epoch(loop)
  return loop:save_if_due(false) or after_checkpoint.epoch(loop)
end

function after_checkpoint.epoch(loop)
  loop.done = loop:wants_to_stop()
  return loop.done
end

function after_batch.iteration(loop, is_iteration)
  local trainer, state = loop.trainer, loop.state
  if loop:wants_to_stop() then
    loop.done = true
    return true
  end
  if is_iteration then
    if is_due(trainer.valid_frequency, state.current_iteration) then loop:validate() end
    if loop:save_if_due(is_due(trainer.chkpt_frequency, state.current_iteration)) then return true end
  end
  return after_checkpoint.iteration(loop)
end

function after_checkpoint.iteration(loop)
  loop.done = loop:stops_early() or loop:wants_to_stop() or loop:has_reached_total()
  return loop.done
end

-- Epochs -------------------------------------------------------------------------------------------------------------

function Loop:train_batches()
  local unit, state = self.trainer.train_unit, self.state
  local bar = progress.bar {
    desc = "Epoch " .. state.global_epoch, unit = "batch", total = #self.loader, initial = state.dataset_iter,
    enabled = self.trainer.shows_progress and unit == "epoch",
  }
  local next_batch, started = self.loader:iter(), native.terminal.monotonic()
  for batch in next_batch do
    local is_iteration = self:train_batch(batch, started)
    bar:update()
    if is_iteration and unit == "iteration" then self.bar:update() end
    if after_batch[unit](self, is_iteration) then break end
    started = native.terminal.monotonic()
  end
  bar:close()
end

-- By epoch, validation and checkpoint come when the batches are through.
function Loop:finish_batches()
  local trainer, state = self.trainer, self.state
  state.dataset_iter = 0
  if trainer.train_unit ~= "epoch" then return end
  if is_due(trainer.valid_frequency, state.global_epoch) then self:validate() end
  self:save_if_due(is_due(trainer.chkpt_frequency, state.global_epoch))
end

function Loop:finish_epoch()
  local epoch = self.state.global_epoch
  self.model:on_training_epoch_end(epoch)
  if self.epoch_start then
    self.logger:info("Epoch %d completed in %.2fs", epoch, native.terminal.monotonic() - self.epoch_start)
  end
  if self.trainer.train_unit ~= "epoch" then return end
  self.bar:update()
  self.done = self:wants_to_stop() or self.done or self:stops_early()
end

-- An epoch without batches brings no iteration nearer.
function Loop:check_progress()
  local trainer, batches = self.trainer, self.state.dataset_iter
  if batches == 0 and (trainer.train_unit == "iteration" or trainer.total_steps == math.huge) then
    error("the train_dataloader gives no batches: training would never end", 0)
  end
end

function Loop:run_epoch()
  self.loader.sampler:set_epoch(self.state.global_epoch - 1)
  self.loader.sampler.start_iter = self.state.dataset_iter
  self:train_batches()
  self:check_progress()
  self.loader.sampler.start_iter = 0
  if self.stopped_by then return end
  self:finish_batches()
  if not self.stopped_by then self:finish_epoch() end
end

function Loop:start_epoch()
  local state = self.state
  state.global_epoch = state.global_epoch + 1
  self.epoch_start = native.terminal.monotonic()
  self.logger:info("Starting epoch %d", state.global_epoch)
  self.model:on_training_epoch_start(state.global_epoch)
end

-- From the place of the checkpoint to the end of its epoch.
function Loop:finish_interrupted_epoch()
  local state = self.state
  if state.dataset_iter == 0 then
    if state.global_epoch > 0 then self:finish_epoch() end
    return
  end
  self.epoch_start = native.terminal.monotonic()
  self.logger:info("Resuming epoch %d after batch %d", state.global_epoch, state.dataset_iter)
  if after_checkpoint[self.trainer.train_unit](self) then
    self:finish_batches()
    self:finish_epoch()
  else
    self:run_epoch()
  end
end

local function total_bar(trainer, state)
  local by_epoch = trainer.train_unit == "epoch"
  local resumed = by_epoch and (state.dataset_iter > 0 or state.global_epoch > 0) and state.global_epoch - 1
  return progress.bar {
    desc = by_epoch and "Training epochs" or "Training iterations",
    unit = by_epoch and "epoch" or "it",
    total = trainer.total_steps ~= math.huge and trainer.total_steps or nil,
    initial = by_epoch and (resumed or 0) or state.current_iteration,
    leave = true, enabled = trainer.shows_progress,
  }
end

---Train until the total is reached, somebody asks to stop, or a signal comes.
---@param loop table the fields of `helios.TrainLoop` that are given from outside
---@return helios.TrainLoop
function M.run(loop)
  setmetatable(loop, Loop)
  loop.bar = total_bar(loop.trainer, loop.state)
  loop.model:train()
  loop:finish_interrupted_epoch()
  while not loop.done and not loop:has_reached_total() do
    loop:start_epoch()
    loop:run_epoch()
  end
  loop.bar:close()
  return loop
end

return M

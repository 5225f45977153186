---The log and the run of a sitting: its own when it is new, those of the checkpoint when it goes on.
local distributed = require "helios.core.distributed"
local logging = require "helios.core.logging"
local native = require "helios.native"

local M = {}

-- What a function gave that answers nil, message when the disk says no.
local function assert_made(answer, message)
  if answer == nil then error(message, 0) end
  return answer
end

---@param path string? nil: nothing
function M.make_folder(path)
  if path then assert_made(native.fs.make_dirs(path)) end
end

local function log_of(trainer, name)
  return trainer.enable_file_logging and ("%s/%s.log"):format(trainer.log_path, name) or nil
end

local function run_of(trainer, name)
  return trainer.enable_tensorboard and ("%s/%s"):format(trainer.run_path, name) or nil
end

-- True when both were nobody's and are ours now.
local function claim(log_file, run_folder)
  if run_folder and not assert_made(native.fs.claim(run_folder, true)) then return false end
  return not log_file or assert_made(native.fs.claim(log_file))
end

-- Runs that start in the same second, of one process or of many, must not land in each other's files.
local function claim_name(trainer)
  local base = logging.get_default_log_name(trainer.run_name)
  if trainer.enable_file_logging then M.make_folder(trainer.log_path) end
  if trainer.enable_tensorboard then M.make_folder(trainer.run_path) end
  local name, n = base, 0
  while not claim(log_of(trainer, name), run_of(trainer, name)) do
    n = n + 1
    name = ("%s_%d"):format(base, n)
  end
  return name
end

local function has_pending(folder)
  for _, name in ipairs(native.fs.list(folder) or {}) do
    if name:find("^%.helios%-.*%.pending$") then return true end
  end
  return false
end

-- Entries of a folder that are of this name's runs.
local function earlier(trainer, folder)
  local prefix, found = trainer.run_name .. "_", {}
  for _, name in ipairs(native.fs.list(folder) or {}) do
    if name:sub(1, #prefix) == prefix then found[#found + 1] = folder .. "/" .. name end
  end
  return found
end

-- A sitting that was killed before its first checkpoint is not gone on with: what it had logged and not yet written
-- would wait for `helios recover`. What a living process holds is left alone.
local function recover_earlier(trainer)
  if trainer.enable_file_logging and has_pending(trainer.log_path) then
    for _, log_file in ipairs(earlier(trainer, trainer.log_path)) do native.reader.recover(log_file) end
  end
  for _, run in ipairs(trainer.enable_tensorboard and earlier(trainer, trainer.run_path) or {}) do
    if has_pending(run) then native.reader.recover(run) end
  end
end

---Give the default loggers their files, the same on all ranks, and note them in the trainer.
---@param trainer helios.Trainer
---@param saved table? the checkpoint to go on from
---@param purge_step integer? viewers forget what was logged from this step on
function M.open(trainer, saved, purge_step)
  local log_file = trainer.enable_file_logging and saved and saved.log_path or nil
  local run_folder = trainer.enable_tensorboard and saved and saved.run_path or nil
  if (trainer.enable_file_logging and not log_file) or (trainer.enable_tensorboard and not run_folder) then
    if trainer.rank == 0 then recover_earlier(trainer) end
    local name = distributed.broadcast(trainer.rank == 0 and claim_name(trainer) or nil)
    log_file, run_folder = log_file or log_of(trainer, name), run_folder or run_of(trainer, name)
  end
  trainer.log_file, trainer.run_folder = log_file, run_folder
  logging.restore_default_loggers(log_file, run_folder, {purge_step = purge_step})
end

---@param trainer helios.Trainer
---@return helios.TensorboardWriter? nil when TensorBoard is off
function M.writer(trainer)
  return trainer.enable_tensorboard and logging.get_tensorboard_writer() or nil
end

---The highest step that anything of this run was logged at so far, in earlier sittings up to their checkpoint too.
---@param trainer helios.Trainer
---@return integer? step nil when nothing was
function M.highest_step(trainer)
  local writer, before = M.writer(trainer), trainer.highest_step
  local now = writer and writer:stats().highest_step
  return now and before and math.max(now, before) or now or before
end

---The first step that viewers are to forget when a run goes on: what earlier sittings logged after their checkpoint.
---@param trainer helios.Trainer
---@param saved table the checkpoint
---@param state helios.TrainingState its counters
---@return integer
function M.purge_step(trainer, saved, state)
  local wanted = trainer.model:purge_step(state)
  if wanted ~= nil then return wanted end
  local highest = saved.highest_step or state.current_iteration
  return highest < math.maxinteger and highest + 1 or highest
end

function M.close()
  logging.flush_default_loggers()
  logging.close_default_loggers()
end

return M

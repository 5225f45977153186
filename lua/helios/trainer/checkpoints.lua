---What a trainer puts into a checkpoint, where it finds one again, and what it takes back from it.
local checkpoint = require "helios.checkpoint"
local distributed = require "helios.core.distributed"
local logging = require "helios.core.logging"
local native = require "helios.native"
local recording = require "helios.trainer.recording"
local rng = require "helios.rng"

local M = {}

-- Finding ------------------------------------------------------------------------------------------------------------

local REQUIRED <const> = {"version", "training_state", "model", "rng"}

local function is_newer(version, than)
  local theirs, ours = {}, {}
  for n in tostring(version):gmatch("%d+") do theirs[#theirs + 1] = tonumber(n) end
  for n in than:gmatch("%d+") do ours[#ours + 1] = tonumber(n) end
  for i = 1, 3 do
    local a, b = theirs[i] or 0, ours[i] or 0
    if a ~= b then return a > b end
  end
  return false
end

local function check(path, saved)
  for _, name in ipairs(REQUIRED) do
    if saved[name] == nil then
      error(("the checkpoint %s has no '%s': it was not written by a trainer"):format(path, name), 0)
    end
  end
  if is_newer(saved.version, native.version) then
    error(("the checkpoint %s was written by Helios %s, this is %s"):format(path, saved.version, native.version), 0)
  end
end

-- The newest intact checkpoint; what was wrong with newer ones goes to `warnings`.
local function newest_intact(folder, warnings)
  for _, file in ipairs(checkpoint.list(folder)) do
    local saved, message = checkpoint.load(file.path)
    if saved then return file.path, saved end
    warnings[#warnings + 1] = ("checkpoint skipped: %s"):format(message)
  end
end

---The folder of the model's checkpoints.
---@param trainer helios.Trainer
---@return string? nil when the trainer keeps none
function M.folder(trainer)
  return trainer.chkpt_root and trainer.chkpt_root .. "/" .. trainer.model.save_name
end

---The newest intact checkpoint, the same on all ranks. Raises when it is not a trainer's, or a newer Helios'.
---@param trainer helios.Trainer
---@param warnings string[] gets one for each damaged checkpoint that was stepped over
---@return string? path nil when there is none
---@return table? saved
function M.find(trainer, warnings)
  local folder = M.folder(trainer)
  if not folder then return nil end
  local path, saved
  if trainer.rank == 0 then path, saved = newest_intact(folder, warnings) end
  path = distributed.broadcast(path)
  if path and not saved then saved = assert(checkpoint.load(path)) end
  if path then check(path, saved) end
  return path, saved
end

---Remove what a process left that was killed while it wrote a checkpoint.
---@param trainer helios.Trainer
function M.sweep(trainer)
  if trainer.rank == 0 and trainer.chkpt_root then checkpoint.sweep(M.folder(trainer)) end
end

-- Writing ------------------------------------------------------------------------------------------------------------

local function snapshot(trainer, state, all_rng)
  return {
    version = native.version,
    training_state = state,
    model = trainer.model:state_dict() or {},
    plugins = trainer.active_plugins:state_dict(),
    rng = all_rng[1],
    rank_rng = #all_rng > 1 and all_rng or nil,
    log_path = trainer.log_file,
    run_path = trainer.run_folder,
    highest_step = recording.highest_step(trainer),
  }
end

local function path_of(trainer, state)
  local name = checkpoint.name(trainer.model.save_name, state.global_epoch, state.current_iteration)
  name = trainer.model:append_metadata_to_chkpt_name(name)
  if type(name) ~= "string" or name:find("[/%z]") then
    error("append_metadata_to_chkpt_name: expected a file name without '/', got " .. tostring(name), 0)
  end
  return ("%s/%s%s"):format(M.folder(trainer), name, checkpoint.EXTENSION)
end

---Write a checkpoint. All ranks come here, since all give their random state; rank 0 writes. A disk that says no is
---told and survived: the next checkpoint may fare better.
---@param trainer helios.Trainer
---@param state helios.TrainingState
---@return string? path on rank 0, when it was written
function M.save(trainer, state)
  if not trainer.chkpt_root then return nil end
  local all_rng = distributed.gather(rng.get_rng_state_dict())
  if trainer.rank ~= 0 then return nil end
  local path = path_of(trainer, state)
  local ok, message = checkpoint.save(path, snapshot(trainer, state, all_rng))
  if not ok then
    logging.get_root_logger():error("checkpoint not written: " .. message)
    return nil
  end
  if trainer.chkpt_keep_last then checkpoint.prune(M.folder(trainer), trainer.chkpt_keep_last, path) end
  return path
end

-- Taking back --------------------------------------------------------------------------------------------------------

---Every rank has its own stream of random numbers, unless the number of ranks has changed meanwhile.
---@param trainer helios.Trainer
---@param saved table
function M.restore_rng(trainer, saved)
  local of_ranks = saved.rank_rng
  local mine = of_ranks and #of_ranks == distributed.get_world_size() and of_ranks[trainer.rank + 1]
  rng.load_rng_state_dict(mine or saved.rng)
end

---@param trainer helios.Trainer
---@param saved table
---@param fast_init boolean for testing: the networks alone are enough
function M.restore_model(trainer, saved, fast_init)
  trainer.model:load_state_dict(saved.model, fast_init)
  trainer.active_plugins:load_state_dict(saved.plugins)
end

return M

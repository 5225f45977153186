---Rank and size of this process among those its launcher started, read from the launcher's environment variables.
--
-- The first launcher of the list whose rank variable is set counts: torchrun inside a Slurm job is torchrun's. Without
-- one the process is rank 0 of 1. A variable that makes no sense is an error rather than rank 0: several processes that
-- all believe to be rank 0 would write one run together.
-- @module helios.core.distributed

local M = {}

---Where each launcher tells what. `local_size` may be missing in an environment; then see `local_size_of`.
local LAUNCHERS = {
  {name = "torchrun", rank = "RANK", size = "WORLD_SIZE",
   local_rank = "LOCAL_RANK", local_size = "LOCAL_WORLD_SIZE"},
  {name = "openmpi", rank = "OMPI_COMM_WORLD_RANK", size = "OMPI_COMM_WORLD_SIZE",
   local_rank = "OMPI_COMM_WORLD_LOCAL_RANK", local_size = "OMPI_COMM_WORLD_LOCAL_SIZE"},
  {name = "mvapich", rank = "MV2_COMM_WORLD_RANK", size = "MV2_COMM_WORLD_SIZE",
   local_rank = "MV2_COMM_WORLD_LOCAL_RANK", local_size = "MV2_COMM_WORLD_LOCAL_SIZE"},
  {name = "mpich", rank = "PMI_RANK", size = "PMI_SIZE",
   local_rank = "MPI_LOCALRANKID", local_size = "MPI_LOCALNRANKS"},
  {name = "slurm", rank = "SLURM_PROCID", size = "SLURM_NTASKS",
   local_rank = "SLURM_LOCALID", local_size = "SLURM_NTASKS_PER_NODE"},
}

---An empty variable is as good as none.
local function variable(name)
  local value = os.getenv(name)
  return value ~= "" and value or nil
end

---The script of sbatch runs once but sees the rank 0 and the size of steps it may start with srun later. A step has an
---id, a job without a step is that script.
local function is_batch_script(launcher)
  return launcher.name == "slurm" and variable("SLURM_PROCID") == "0" and variable("SLURM_JOB_ID") ~= nil
    and not (variable("SLURM_STEP_ID") or variable("SLURM_STEPID") or variable("SLURM_STEP_NUM_TASKS"))
end

local function find_launcher()
  for _, launcher in ipairs(LAUNCHERS) do
    if variable(launcher.rank) and not is_batch_script(launcher) then return launcher end
  end
end

---The number in a variable, nil when it is not set; or nil and what is wrong with it.
local function number(name, least)
  local text = variable(name)
  if not text then return nil end
  local value = text:match("^%d+$") and math.tointeger(tonumber(text))
  if value and value >= least and value <= 0x7fffffff then return value end
  return nil, ("environment variable %s: expected an integer from %d on, got '%s'"):format(name, least, text)
end

---Slurm's list of tasks per node, such as "2(x3),1": the entry of node `node`, counted from 0.
local function tasks_on_node(list, node)
  for count, times in (list .. ","):gmatch("(%d+)%(?x?(%d*)%)?,") do
    local nodes = tonumber(times) or 1
    if node < nodes then return math.tointeger(tonumber(count)) end
    node = node - nodes
  end
end

---Processes on this node when the launcher's own variable does not tell: Slurm's list, else all of them.
local function local_size_of(launcher, size)
  local list = variable("SLURM_STEP_TASKS_PER_NODE") or variable("SLURM_TASKS_PER_NODE")
  if launcher.name ~= "slurm" or not list then return size end
  return tasks_on_node(list, math.tointeger(tonumber(variable("SLURM_NODEID") or "0")) or 0) or size
end

local function check_rank(name, rank, size)
  if rank < size then return nil end
  return ("environment variable %s: rank %d is outside a world of %d"):format(name, rank, size)
end

---@return table|nil info nil and a message when the environment makes no sense
local function read_info()
  local launcher = find_launcher()
  if not launcher then return {rank = 0, global_rank = 0, local_rank = 0, world_size = 1, local_world_size = 1} end
  local failure
  local function read(key, least)
    local value, message = number(launcher[key], least)
    failure = failure or message
    return value
  end
  local rank, size = read("rank", 0), read("size", 1)
  local local_rank, local_size = read("local_rank", 0), read("local_size", 1)
  if failure then return nil, failure end
  size = size or rank + 1 -- a rank alone: there are at least so many
  local_rank = local_rank or rank -- nothing about nodes: one node
  local_size = local_size or math.max(local_size_of(launcher, size), local_rank + 1)
  failure = check_rank(launcher.rank, rank, size) or check_rank(launcher.local_rank, local_rank, local_size)
  if failure then return nil, failure end
  return {rank = rank, global_rank = rank, local_rank = local_rank, world_size = size, local_world_size = local_size,
          launcher = launcher.name}
end

---What `get_dist_info` returns. On two nodes with two processes each, local ranks are 0 and 1 on both, ranks 0 to 3,
---`local_world_size` is 2 and `world_size` 4.
---@class helios.DistributedInfo
---@field rank integer among all processes, from 0
---@field global_rank integer the same
---@field local_rank integer among those of this node, from 0
---@field world_size integer number of processes
---@field local_world_size integer number of processes on this node
---@field launcher string|nil "torchrun", "openmpi", "mvapich", "mpich", "slurm"; nil without one

---The distributed state of this process. Raises when a launcher's variable makes no sense.
---@return helios.DistributedInfo
function M.get_dist_info()
  local info, message = read_info()
  return info or error("get_dist_info: " .. message, 2)
end

---The rank among all processes, from 0.
---@return integer
function M.get_global_rank()
  local info, message = read_info()
  return info and info.rank or error("get_global_rank: " .. tostring(message), 2)
end

---The rank among the processes of this node, from 0.
---@return integer
function M.get_local_rank()
  local info, message = read_info()
  return info and info.local_rank or error("get_local_rank: " .. tostring(message), 2)
end

---The number of processes.
---@return integer
function M.get_world_size()
  local info, message = read_info()
  return info and info.world_size or error("get_world_size: " .. tostring(message), 2)
end

---Whether there is more than one process.
---@return boolean
function M.is_dist_active()
  local info, message = read_info()
  if not info then error("is_dist_active: " .. message, 2) end
  return info.world_size > 1
end

---Whether torchrun started this process.
---@return boolean
function M.is_using_torchrun()
  local launcher = find_launcher()
  return launcher ~= nil and launcher.name == "torchrun"
end

---`print` on rank 0; nothing on other ranks.
---@param ... any
function M.global_print(...)
  if M.get_global_rank() == 0 then print(...) end
end

---A function that calls `fn` on rank 0 and returns what it returns, and does nothing on other ranks.
---@generic F: function
---@param fn F
---@return F
function M.rank_zero_only(fn)
  if type(fn) ~= "function" then
    error(("rank_zero_only: argument 'fn': expected a function, got %s"):format(type(fn)), 2)
  end
  return function(...)
    if M.get_global_rank() == 0 then return fn(...) end
  end
end

return M

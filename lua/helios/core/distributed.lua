---Rank and size of this process among those its launcher started, read from the launcher's environment variables.
--
-- The first launcher of the list whose rank variable is set counts: torchrun inside a Slurm job is torchrun's. Without
-- one the process is rank 0 of 1. A variable that makes no sense is an error rather than rank 0: several processes that
-- all believe to be rank 0 would write one run together.
-- @module helios.core.distributed

local msgpack = require("helios.native").msgpack

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

---A function that calls `fn` on rank 0 and returns what it returns; on other ranks it does nothing and returns nil.
---@generic F: function
---@param fn F
---@return F
function M.rank_zero_only(fn)
  if type(fn) ~= "function" then
    error(("rank_zero_only: argument 'fn': expected a function, got %s"):format(type(fn)), 2)
  end
  return function(...)
    if M.get_global_rank() ~= 0 then return nil end
    return fn(...)
  end
end

-- Collective calls --------------------------------------------------------------------------------------------------
-- They run on MPI, through the module `helios.mpi`. Alone in the world they give back what they were given, so that a
-- program need not ask whether it is distributed. Every rank must make the same calls in the same order.

local mpi ---@type table? loaded by the first collective call

local NO_MPI <const> = [[collective calls need MPI: install an MPI library with its compiler (Debian: libopenmpi-dev,
openmpi-bin), build Helios again, and start with mpirun or srun]]

---Join the other processes. Called by the trainer and by the first collective call; calling it again is fine.
function M.init_dist()
  if mpi or M.get_world_size() == 1 then return end
  local found, module = pcall(require, "helios.mpi")
  if not found then error("init_dist: " .. NO_MPI, 2) end
  local info = M.get_dist_info()
  local rank, size = module.init()
  if size ~= info.world_size or rank ~= info.rank then
    local message = "init_dist: MPI sees rank %d of %d, %s says rank %d of %d; start with mpirun or srun --mpi=pmix"
    error(message:format(rank, size, tostring(info.launcher), info.rank, info.world_size), 2)
  end
  mpi = module
end

---Leave; no collective call may follow. A process that ends in success does so by itself.
function M.shutdown_dist()
  if mpi then mpi.finalize() end
  mpi = nil
end

---End all ranks at once: for an error of one that would leave the others waiting.
---@param code integer exit status
function M.abort(code)
  if mpi then mpi.abort(code) end
end

local function engine(level)
  local ok, message = pcall(M.init_dist)
  if not ok then error(message, level + 1) end
  return mpi
end

---Wait until all ranks have come here.
function M.barrier()
  local e = engine(2)
  if e then e.barrier() end
end

---The same; Helios' name for the barrier that may also be called without distributed training.
M.safe_barrier = M.barrier

local function keys_before(a, b)
  if type(a) == type(b) then return a < b end
  return type(a) < type(b)
end

-- The keys in an order that equal shapes share; nil for a list, which has one already.
local function sorted_keys(t)
  local keys = {}
  for key in pairs(t) do keys[#keys + 1] = key end
  if #keys == #t then return nil end
  table.sort(keys, keys_before)
  return keys
end

local function flatten(value, list)
  if type(value) == "number" then
    list[#list + 1] = value
    return list
  elseif type(value) ~= "table" then
    error("all_reduce: argument 'numbers': expected numbers or tables of them, got a " .. type(value), 0)
  end
  local keys = sorted_keys(value)
  for i = 1, keys and #keys or #value do flatten(value[keys and keys[i] or i], list) end
  return list
end

local function unflatten(shape, list, at)
  if type(shape) == "number" then return list[at], at + 1 end
  local result, keys = {}, sorted_keys(shape)
  for i = 1, keys and #keys or #shape do
    local key = keys and keys[i] or i
    result[key], at = unflatten(shape[key], list, at)
  end
  return result, at
end

local OPS <const> = {sum = true, max = true, min = true, prod = true, mean = true}

---Combine the numbers of all ranks, one by one; every rank gets the result.
---@generic T
---@param numbers T a number, or tables of numbers, nested or not, of the same shape on every rank
---@param op "sum"|"mean"|"max"|"min"|"prod"|nil sum
---@return T result a number, or new tables of the same shape; integers stay integers, except for the mean. A NaN of any
---  rank makes the result NaN
function M.all_reduce(numbers, op)
  op = op or "sum"
  if not OPS[op] then
    error(("all_reduce: argument 'op': expected sum, mean, max, min or prod, got '%s'"):format(tostring(op)), 2)
  end
  local ok, list = pcall(flatten, numbers, {})
  if not ok then error(list, 2) end
  local e = engine(2)
  if e then
    ok, list = pcall(e.all_reduce, list, op == "mean" and "sum" or op)
    if not ok then error(list, 2) end
  end
  if op == "mean" then
    local size = M.get_world_size()
    for i = 1, #list do list[i] = list[i] / size end
  end
  return (unflatten(numbers, list, 1))
end

local function pack(func, value)
  local ok, bytes = pcall(msgpack.pack, value)
  if not ok then error(("%s: %s"):format(func, bytes), 3) end
  return bytes
end

---Every rank's value, on every rank.
---@param value any numbers, strings, booleans, nil, tensors, tables of them
---@return any[] values that of rank r at r + 1
function M.gather(value)
  local bytes, e = pack("gather", value), engine(2)
  local values = {}
  for i, part in ipairs(e and e.gather(bytes) or {bytes}) do values[i] = msgpack.unpack(part) end
  return values
end

---One rank's value, on every rank.
---@param value any what `gather` takes; only the root's counts
---@param root integer? the rank whose value it is, 0
---@return any
function M.broadcast(value, root)
  local rank = root == nil and 0 or math.type(root) and math.tointeger(root)
  if not rank or rank < 0 or rank >= M.get_world_size() then
    error(("broadcast: argument 'root': expected a rank, got %s"):format(tostring(root)), 2)
  end
  local e = engine(2)
  if not e then return value end
  local bytes = M.get_global_rank() == rank and pack("broadcast", value) or nil
  return (msgpack.unpack(e.broadcast(bytes, rank)))
end

return M

---One rank of a distributed run, as a program for mpirun: MODE is collectives or train.
---
---  mpirun -n 3 lua mpi_run.lua FOLDER MODE [RANK WHAT]
---
---FOLDER/out<rank> gets what this rank found. With `train`, rank RANK meets WHAT at its 8th batch: error, or the name
---of a signal it sends itself.
local helios = require "helios"
local distributed = helios.distributed

local folder, mode, bad_rank, what = arg[1], arg[2], math.tointeger(tonumber(arg[3])), arg[4]
local rank = distributed.get_global_rank()
local out = assert(io.open(folder .. "/out" .. rank, "a"))
out:setvbuf("line")

local function collectives()
  local size = distributed.get_world_size()
  distributed.barrier()
  local sums = distributed.all_reduce({1, {rank, x = 0.5}}, "sum")
  out:write(("sum %s %s %s %s\n"):format(sums[1], sums[2][1], sums[2].x, math.type(sums[1])))
  out:write(("max %d min %d prod %d mean %s\n"):format(distributed.all_reduce(rank, "max"),
    distributed.all_reduce(rank, "min"), distributed.all_reduce(rank + 1, "prod"),
    distributed.all_reduce(rank, "mean")))
  for _, op in ipairs {"max", "min"} do -- a NaN of any rank is everybody's, wherever it comes from
    for from = 0, size - 1 do
      local reduced = distributed.all_reduce({rank == from and 0/0 or rank, rank + 0.5}, op)
      out:write(("%s %s %s\n"):format(op, reduced[1] ~= reduced[1], reduced[2]))
    end
  end
  local gathered = distributed.gather({name = ("r"):rep(rank), nested = {rank, 0.5, true}})
  for i, value in ipairs(gathered) do
    out:write(("from %d: '%s' %s\n"):format(i - 1, value.name, table.concat({value.nested[1], value.nested[2]}, " ")))
  end
  out:write(("broadcast %s %s\n"):format(distributed.broadcast(rank == 0 and "\0first" or nil),
    distributed.broadcast({rank}, size - 1.0)[1]))
  out:write(select(2, pcall(distributed.all_reduce, rank == 0 and {1, 2} or {1})), "\n")
end

local function meet()
  if what == "error" then error("trouble on rank " .. rank) end
  local stat <close> = assert(io.open("/proc/self/stat"))
  os.execute(("kill -%s %d"):format(what:sub(4), stat:read("n")))
end

local function train()
  local model = helios.Model.new("mpi", {
    setup = function(self) self.w = 0.0 end,
    train_step = function(self, batch, state)
      out:write(("%d: %s\n"):format(state.global_iteration, table.concat(batch, " ")))
      local sum = 0
      for _, x in ipairs(batch) do sum = sum + x * helios.rng.get_default_rng():random() end
      self.w = 0.9 * self.w + distributed.all_reduce(sum)
      if rank == bad_rank and state.global_iteration == 8 then meet() end
      helios.logging.get_tensorboard_writer():add_scalar("w", self.w)
    end,
    on_training_batch_start = function() -- from the first batch on every rank has a stream of its own
      for _ = 1, rank do helios.rng.get_default_rng():bits() end
    end,
    on_training_end = function(self) out:write(("w %a\n"):format(self.w)) end,
    state_dict = function(self) return {w = self.w} end,
    load_state_dict = function(self, saved) self.w = saved.w end,
  })
  local datamodule = helios.DataModule.new {
    setup = function(self)
      local numbers = {}
      for i = 1, 36 do numbers[i] = i end
      self.train_dataset = self:create_dataset(numbers, {batch_size = 3, shuffle = true})
    end,
  }
  helios.Trainer {
    run_name = "mpi", train_unit = "epoch", total_steps = 3, chkpt_frequency = 1,
    chkpt_root = folder .. "/chkpt", log_path = folder .. "/logs", run_path = folder .. "/runs",
    enable_tensorboard = true, enable_file_logging = true, print_banner = false,
  }:fit(model, datamodule)
end

if mode == "train" then train() else collectives() end

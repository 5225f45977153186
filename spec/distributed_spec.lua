local child = require "spec.support.child"
local distributed = require "helios.core.distributed"

local function info(rank, size, local_rank, local_size, launcher)
  return {rank = rank, global_rank = rank, world_size = size, local_rank = local_rank, local_world_size = local_size,
          launcher = launcher}
end

local function fails(message, f, ...)
  local ok, err = pcall(f, ...)
  assert.is_false(ok)
  assert.equal(message, (tostring(err):gsub("^[^:]+:%d+: ", "")))
end

describe("distributed", function()
  local getenv = os.getenv

  ---Every variable but these is unset from here on.
  local function environment(variables)
    os.getenv = function(name) return variables[name] end -- luacheck: ignore
  end

  local function check(want, variables)
    environment(variables)
    assert.same(want, distributed.get_dist_info())
  end

  after_each(function()
    os.getenv = getenv -- luacheck: ignore
  end)

  it("is rank 0 of 1 without a launcher", function()
    check(info(0, 1, 0, 1), {})
    assert.equal(0, distributed.get_global_rank())
    assert.equal(0, distributed.get_local_rank())
    assert.equal(1, distributed.get_world_size())
    assert.is_false(distributed.is_dist_active())
    assert.is_false(distributed.is_using_torchrun())
  end)

  it("knows torchrun", function()
    check(info(3, 4, 1, 2, "torchrun"), {RANK = "3", WORLD_SIZE = "4", LOCAL_RANK = "1", LOCAL_WORLD_SIZE = "2"})
    assert.equal(3, distributed.get_global_rank())
    assert.equal(1, distributed.get_local_rank())
    assert.equal(4, distributed.get_world_size())
    assert.is_true(distributed.is_dist_active())
    assert.is_true(distributed.is_using_torchrun())
  end)

  it("knows Open MPI", function()
    check(info(5, 8, 1, 4, "openmpi"), {
      OMPI_COMM_WORLD_RANK = "5", OMPI_COMM_WORLD_SIZE = "8",
      OMPI_COMM_WORLD_LOCAL_RANK = "1", OMPI_COMM_WORLD_LOCAL_SIZE = "4",
    })
    assert.is_false(distributed.is_using_torchrun())
  end)

  it("knows MPICH and others that speak PMI", function()
    check(info(1, 2, 1, 2, "mpich"), {PMI_RANK = "1", PMI_SIZE = "2"})
    check(info(3, 4, 1, 2, "mpich"), {PMI_RANK = "3", PMI_SIZE = "4", MPI_LOCALRANKID = "1", MPI_LOCALNRANKS = "2"})
  end)

  it("knows MVAPICH", function()
    check(info(3, 4, 1, 2, "mvapich"), {
      MV2_COMM_WORLD_RANK = "3", MV2_COMM_WORLD_SIZE = "4",
      MV2_COMM_WORLD_LOCAL_RANK = "1", MV2_COMM_WORLD_LOCAL_SIZE = "2",
    })
  end)

  it("knows Slurm's steps", function()
    check(info(2, 4, 0, 4, "slurm"), {SLURM_PROCID = "2", SLURM_NTASKS = "4", SLURM_LOCALID = "0"})
    check(info(0, 4, 0, 4, "slurm"), {SLURM_PROCID = "0", SLURM_NTASKS = "4", SLURM_LOCALID = "0"})
    check(info(0, 4, 0, 2, "slurm"), {
      SLURM_JOB_ID = "77", SLURM_STEP_ID = "0", SLURM_PROCID = "0", SLURM_NTASKS = "4", SLURM_LOCALID = "0",
      SLURM_NTASKS_PER_NODE = "2",
    })
  end)

  it("reads the tasks of its node from Slurm's list", function()
    local variables = {SLURM_JOB_ID = "77", SLURM_STEP_ID = "0", SLURM_NTASKS = "11", SLURM_PROCID = "6",
                       SLURM_LOCALID = "0", SLURM_STEP_TASKS_PER_NODE = "3(x2),4,1"}
    for node, count in pairs{[0] = 3, 3, 4, 1} do
      variables.SLURM_NODEID = tostring(node)
      check(info(6, 11, 0, count, "slurm"), variables)
    end
  end)

  it("is rank 0 of 1 in the script of sbatch and in a shell of salloc", function()
    check(info(0, 1, 0, 1), {SLURM_JOB_ID = "77", SLURM_PROCID = "0", SLURM_LOCALID = "0", SLURM_NTASKS = "8"})
    check(info(0, 1, 0, 1), {SLURM_JOB_ID = "77", SLURM_NTASKS = "8"})
  end)

  it("believes the launcher nearest to the process", function()
    check(info(1, 2, 1, 2, "torchrun"), {
      RANK = "1", WORLD_SIZE = "2", OMPI_COMM_WORLD_RANK = "0", OMPI_COMM_WORLD_SIZE = "4",
      SLURM_PROCID = "3", SLURM_NTASKS = "9",
    })
    check(info(2, 4, 2, 4, "openmpi"), {
      OMPI_COMM_WORLD_RANK = "2", OMPI_COMM_WORLD_SIZE = "4",
      SLURM_JOB_ID = "77", SLURM_PROCID = "0", SLURM_NTASKS = "9",
    })
  end)

  it("makes do with a rank alone, and takes an empty variable for none", function()
    check(info(3, 4, 3, 4, "torchrun"), {RANK = "3"})
    check(info(0, 1, 0, 1, "torchrun"), {RANK = "0", WORLD_SIZE = ""})
    check(info(0, 1, 0, 1), {RANK = ""})
  end)

  it("raises for a variable that makes no sense", function()
    environment{RANK = "x"}
    fails("get_dist_info: environment variable RANK: expected an integer from 0 on, got 'x'",
          distributed.get_dist_info)
    fails("get_global_rank: environment variable RANK: expected an integer from 0 on, got 'x'",
          distributed.get_global_rank)
    fails("get_local_rank: environment variable RANK: expected an integer from 0 on, got 'x'",
          distributed.get_local_rank)
    fails("get_world_size: environment variable RANK: expected an integer from 0 on, got 'x'",
          distributed.get_world_size)
    fails("is_dist_active: environment variable RANK: expected an integer from 0 on, got 'x'",
          distributed.is_dist_active)
    for _, bad in ipairs{"-1", "1.5", "0x1", " 1", "1e3", "99999999999", "9999999999999999999999"} do
      environment{RANK = bad}
      assert.is_false(pcall(distributed.get_dist_info), bad)
    end
    environment{RANK = "0", WORLD_SIZE = "0"}
    fails("get_dist_info: environment variable WORLD_SIZE: expected an integer from 1 on, got '0'",
          distributed.get_dist_info)
    environment{RANK = "4", WORLD_SIZE = "4"}
    fails("get_dist_info: environment variable RANK: rank 4 is outside a world of 4", distributed.get_dist_info)
    environment{RANK = "3", WORLD_SIZE = "4", LOCAL_RANK = "2", LOCAL_WORLD_SIZE = "2"}
    fails("get_dist_info: environment variable LOCAL_RANK: rank 2 is outside a world of 2",
          distributed.get_dist_info)
  end)

  it("calls a function on rank 0 only", function()
    local greet = distributed.rank_zero_only(function(...) return "hello", ... end)
    environment{}
    assert.same({"hello", 1, 2}, {greet(1, 2)})
    environment{RANK = "1", WORLD_SIZE = "2"}
    assert.same({n = 1}, table.pack(greet(1, 2)))
    fails("rank_zero_only: argument 'fn': expected a function, got nil", distributed.rank_zero_only)
  end)

  it("prints on rank 0 only", function()
    local script = 'require("helios.core.distributed").global_print("loss", 0.5, nil)'
    assert.equal("loss\t0.5\tnil\n", child.run(script).out)
    assert.equal("loss\t0.5\tnil\n", child.run(script, {RANK = "0", WORLD_SIZE = "2"}).out)
    assert.same({ok = true, out = "", err = ""}, child.run(script, {RANK = "1", WORLD_SIZE = "2"}))
  end)
end)

local distributed = require "helios.core.distributed"
local events = require "spec.support.events"
local native = require "helios.native"
local tmp = require "spec.support.tmp"

local RANKS <const> = 3
-- Open MPI's ways to say: as root, too, and on fewer cores than ranks. Its own leaks are not ours to judge.
local MPIRUN <const> = "OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1 "
  .. "OMPI_MCA_mpi_yield_when_idle=1 ASAN_OPTIONS=detect_leaks=0 timeout -k 5 120 mpirun -n " .. RANKS .. " "

local function has_mpi()
  local found = package.searchpath("helios.mpi", package.cpath)
  return found and os.execute("command -v mpirun >/dev/null 2>&1")
end

local function launch(folder, ...)
  local command = table.concat({MPIRUN .. "lua5.4 spec/support/mpi_run.lua", folder, ...}, " ")
  return select(3, os.execute(("%s >%s/stdout 2>&1 </dev/null"):format(command, folder)))
end

local function outputs(folder)
  local list = {}
  for rank = 0, RANKS - 1 do list[rank] = tmp.read(folder .. "/out" .. rank) end
  return list
end

-- Every rank's distinct lines: a batch trained again after a crash is the same batch.
local function lines(folder)
  local list = {}
  for rank, text in pairs(outputs(folder)) do
    local seen = {}
    for line in text:gmatch("[^\n]+") do seen[line] = true end
    list[rank] = seen
  end
  return list
end

local function log_of(folder)
  local logs = tmp.files(folder .. "/logs", "%.log$")
  assert.equal(1, #logs)
  return tmp.read(folder .. "/logs/" .. logs[1])
end

-- mpirun may return before the ranks it killed are gone, and what a living process holds nobody else recovers: try
-- again until they are, for twenty seconds at most. Returns the files beside the logs.
local function settled(folder)
  local logs = folder .. "/logs"
  for _ = 1, 200 do
    if #tmp.files(logs) == 1 then break end
    assert.is_table(native.reader.recover(logs .. "/" .. tmp.files(logs, "%.log$")[1]))
    os.execute("sleep 0.1")
  end
  return tmp.files(logs)
end

describe("collective calls in a world of one", function()
  it("give back what they were given", function()
    assert.is_nil(distributed.barrier())
    assert.is_nil(distributed.safe_barrier())
    assert.same({1, {2.5}, a = 3}, distributed.all_reduce {1, {2.5}, a = 3})
    assert.equal(7, distributed.all_reduce(7, "max"))
    assert.equal(7.0, distributed.all_reduce(7, "mean"))
    assert.same({{"x"}}, distributed.gather {"x"})
    assert.equal("v", distributed.broadcast("v", 0))
  end)

  it("check their arguments all the same", function()
    assert.error_matches(function() distributed.all_reduce("x") end,
      "all_reduce: argument 'numbers': expected numbers or tables of them, got a string", 1, true)
    assert.error_matches(function() distributed.all_reduce(1, "median") end,
      "all_reduce: argument 'op': expected sum, mean, max, min or prod, got 'median'", 1, true)
    assert.error_matches(function() distributed.gather(print) end, "gather: msgpack.pack: cannot pack a function", 1,
      true)
    assert.error_matches(function() distributed.broadcast(1, 1) end,
      "broadcast: argument 'root': expected a rank, got 1", 1, true)
  end)

  it("say what to install where MPI is missing", function()
    local command = [[WORLD_SIZE=2 RANK=0 LOCAL_RANK=0 lua5.4 -e 'package.searchers[3] = nil package.searchers[3] = nil
      package.preload["helios.native"] = package.loadlib("%s", "luaopen_helios_native")
      print(pcall(require("helios.core.distributed").barrier))']]
    local pipe = assert(io.popen(command:format(package.searchpath("helios.native", package.cpath))))
    assert.matches("collective calls need MPI: install an MPI library with its compiler", pipe:read("a"), 1, true)
    pipe:close()
  end)
end)

describe("under mpirun", function()
  if not has_mpi() then
    pending("needs mpirun and helios.mpi")
    return
  end

  it("ranks reduce, gather, broadcast, and agree that they disagree", function()
    local folder = tmp.dir()
    assert.equal(0, launch(folder, "collectives"), tmp.read(folder .. "/stdout"))
    for _, text in pairs(outputs(folder)) do
      assert.equal([[
sum 3.0 3.0 1.5 float
max 2 min 0 prod 6 mean 1.0
]] .. ("max true 2.5\n"):rep(3) .. ("min true 0.5\n"):rep(3) .. [[
from 0: '' 0 0.5
from 1: 'r' 1 0.5
from 2: 'rr' 2 0.5
broadcast ]] .. "\0first" .. [[ 2
all_reduce: the ranks gave different numbers of values, from 1 to 2
]], text)
    end
  end)

  it("ranks train on disjoint batches, with one log, one run and one set of checkpoints", function()
    local folder, seen = tmp.dir(), {}
    assert.equal(0, launch(folder, "train"), tmp.read(folder .. "/stdout"))
    local weights = {}
    for rank, text in pairs(outputs(folder)) do
      weights[rank] = text:match("w (%S+)\n$")
      for i, batch in text:gmatch("(%d+): ([^\n]*)\n") do
        for n in batch:gmatch(tonumber(i) <= 4 and "%d+" or "none") do -- the first epoch
          assert.is_nil(seen[n])
          seen[n] = true
        end
      end
    end
    assert.same({weights[0], weights[0]}, {weights[1], weights[2]})
    for n = 1, 36 do assert.is_true(seen[tostring(n)]) end
    assert.equal(1, #tmp.files(folder .. "/logs"))
    local files = tmp.files(folder .. "/runs")
    assert.equal(1, #files)
    assert.equal(12, #events.scalars(folder .. "/runs/" .. files[1]:match("^[^/]*")))
    assert.equal(3, #tmp.files(folder .. "/chkpt"))
  end)

  for _, what in ipairs {"error", "SIGTERM", "SIGUSR1", "SIGKILL"} do
    it(what .. " on one rank ends all, and the run goes on as if it had never stopped", function()
      local whole, folder = tmp.dir(), tmp.dir()
      assert.equal(0, launch(whole, "train"))
      assert.not_equal(0, launch(folder, "train", 1, what))
      local log = log_of(folder)
      if what == "error" then
        assert.matches("%[ERROR%] %[rank 1%]: error: uncaught exception\n[^\n]*trouble on rank 1\nstack traceback", log)
      elseif what ~= "SIGKILL" then
        assert.matches(what .. ": training stopped at iteration 8, epoch 2; checkpoint [^\n]*_epoch_2_iter_8.chkpt\n",
          log)
      end
      assert.equal(0, launch(folder, "train"), tmp.read(folder .. "/stdout"))
      assert.same(lines(whole), lines(folder))
      assert.equal(1, #settled(folder)) -- what the dead left pending is in the log by now
    end)
  end
end)

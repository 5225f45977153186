local events = require "spec.support.events"
local rng = require "helios.rng"
local tmp = require "spec.support.tmp"

local KINDS <const> = {"error", "SIGTERM", "SIGUSR1", "SIGKILL"}

local function sit(folder, seed, kind, at)
  local command = ("%s spec/support/resumable_run.lua %s %d %s %d >%s/out 2>&1"):format(os.getenv "LUA" or "lua5.4",
    folder, seed, kind or "none", at or 0, folder)
  return select(3, os.execute(command))
end

-- The lines of all sittings; batches that were trained again after a kill must be the same ones.
local function trace_of(folder)
  local batches, ends, last = {}, {}, 0
  for line in io.lines(folder .. "/trace") do
    local n, batch = line:match("^(%d+): (.*)$")
    if n then
      n = math.tointeger(n)
      assert(batches[n] == nil or batches[n] == batch, line .. ", but before: " .. tostring(batches[n]))
      batches[n], last = batch, math.max(last, n)
    else
      ends[line] = true
    end
  end
  local list = {}
  for line in pairs(ends) do list[#list + 1] = line end
  table.sort(list)
  return {batches = batches, count = last, epochs = list}
end

-- What TensorBoard's Python loader keeps: a session start after the first one purges all steps from its own on.
local function shown_by_python_loader(dir)
  local points, starts = {}, 0
  for _, event in ipairs(events.run(dir)) do
    local step = event.step or 0
    if event.session_log and event.session_log.status == 1 then
      starts = starts + 1
      if starts > 1 then
        local kept = {}
        for _, p in ipairs(points) do
          if p.step < step then kept[#kept + 1] = p end
        end
        points = kept
      end
    end
    for _, value in ipairs(event.summary and event.summary.value or {}) do
      points[#points + 1] = {tag = value.tag, step = step, value = value.tensor.float_val[1]}
    end
  end
  return points
end

-- What its data server keeps: a step at or below a tag's last one drops that tag's points from there on.
local function shown_by_data_server(dir)
  local by_tag = {}
  for _, p in ipairs(events.scalars(dir)) do
    local list = by_tag[p.tag] or {}
    by_tag[p.tag] = list
    while #list > 0 and list[#list].step >= p.step do list[#list] = nil end
    list[#list + 1] = p
  end
  return by_tag
end

-- Several batches of one accumulated iteration log at one step: the last one counts.
local function last_of_each_step(points)
  local by_tag = {}
  for _, p in ipairs(points) do
    local list = by_tag[p.tag] or {}
    by_tag[p.tag] = list
    if #list > 0 and list[#list].step == p.step then list[#list] = nil end
    list[#list + 1] = p
  end
  return by_tag
end

-- A sitting that ended before its first checkpoint has left a run of its own, which comes first in name order.
local function curves(folder)
  local runs, names = {}, {}
  for _, path in ipairs(tmp.files(folder .. "/runs", "tfevents")) do
    local top, below = path:match("^([^/]+)/?(.*)/[^/]*$")
    names[below] = ("%s/runs/%s/%s"):format(folder, top, below)
  end
  for name, dir in pairs(names) do
    runs[name] = {python = last_of_each_step(shown_by_python_loader(dir)), server = shown_by_data_server(dir)}
  end
  return runs
end

local function never_stopped(seed)
  local folder = tmp.dir()
  assert.equal(0, sit(folder, seed))
  return folder, trace_of(folder)
end

local function is_finished(folder)
  local file = io.open(folder .. "/result")
  if file then file:close() end
  return file ~= nil
end

describe("a run that is stopped and started again", function()
  it("sees the same batches, ends with the same state bit for bit, and shows the same curves", function()
    local g = rng.new(math.tointeger(tonumber(os.getenv "RESUME_SEED" or 20261124)))
    for _ = 1, math.tointeger(tonumber(os.getenv "RESUME_RUNS" or 12)) do
      local seed = g:integers(1, 1 << 30)
      local whole, wanted = never_stopped(seed)
      local folder, story = tmp.dir(), {}
      for _ = 1, g:integers(1, 4) do
        local kind, at = KINDS[g:integers(1, #KINDS)], g:integers(1, wanted.count)
        story[#story + 1] = kind .. "@" .. at
        if not is_finished(folder) then sit(folder, seed, kind, at) end
      end
      if not is_finished(folder) then sit(folder, seed) end
      local what = ("settings %d stopped by %s in %s"):format(seed, table.concat(story, ", "), folder)
      assert.is_true(is_finished(folder), what .. "\n" .. tmp.read(folder .. "/out"))
      assert.same(wanted, trace_of(folder), what)
      assert.equal(tmp.read(whole .. "/result"), tmp.read(folder .. "/result"), what)
      assert.same(curves(whole), curves(folder), what)
    end
  end)
end)

describe("a run that is killed before its first checkpoint", function()
  it("has its last lines and points written by the next one of its name", function()
    local folder = tmp.dir()
    local program = [[local helios = require "helios"
      helios.Trainer {run_name = "r", total_steps = 1, print_banner = false, enable_file_logging = true,
        log_path = "%s/logs", enable_tensorboard = true, run_path = "%s/runs"}:fit(helios.Model.new("m", {
          train_step = function()
            helios.logging.get_tensorboard_writer():add_scalar("loss", 1)
            helios.logging.get_root_logger():info("one step")
            if arg[1] then os.execute("kill -KILL " .. arg[1]) end
          end}),
        helios.DataModule.new {setup = function(self) self.train_dataset = self:create_dataset {1} end})]]
    tmp.write(folder .. "/program.lua", program:format(folder, folder))
    local command = (os.getenv "LUA" or "lua5.4") .. " " .. folder .. "/program.lua"
    assert.is_nil((os.execute("sh -c 'exec " .. command .. " $$'")))
    assert.equal(0, select(3, os.execute(command)))
    local logs, runs = tmp.files(folder .. "/logs"), tmp.files(folder .. "/runs")
    assert.same({2, 2}, {#logs, #runs})
    for i = 1, 2 do
      assert.matches("INFO]: one step\n", tmp.read(folder .. "/logs/" .. logs[i]))
      assert.equal(1, #events.scalars(folder .. "/runs/" .. runs[i]:match("^[^/]*")))
    end
  end)
end)

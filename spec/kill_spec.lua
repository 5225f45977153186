-- Lua processes that log as fast as they can and are killed: whatever a call returned for is there once and in order.
local RootLogger = require "helios.core.root_logger"
local TensorboardWriter = require "helios.core.tensorboard_writer"
local events = require "spec.support.events"
local lfs = require "lfs"
local tmp = require "spec.support.tmp"

-- A process: it writes one letter to `<dir>/ack<id>` when a call has returned. Its name is part of every tag and line.
local PROCESS = [[
local dir, id, mode = ...
local RootLogger = require "helios.core.root_logger"
local TensorboardWriter = require "helios.core.tensorboard_writer"
local tb, log = TensorboardWriter(), RootLogger()
local acks = assert(io.open(dir .. "/ack" .. id, "a"))
acks:setvbuf("no")
local function open()
  tb:setup(dir .. "/run", {flush_secs = 0.005})
  log:setup(dir .. "/train.log")
end
local function reopen()
  tb:close()
  log:close()
  open()
end
local between = {flush = function() tb:flush() log:flush() end, close = reopen, steady = function() end}
local image = string.rep("\1", 3 * 64 * 64)
open()
for i = 1, math.huge do
  tb:add_scalar("scalar" .. id, i, i)
  acks:write("s")
  tb:add_scalars("sub" .. id, {a = i, b = -i}, i)
  acks:write("m")
  tb:add_text("text" .. id, "words " .. i, i)
  acks:write("t")
  tb:add_image("image" .. id, image, {global_step = i, shape = {3, 64, 64}, dtype = "uint8"})
  acks:write("i")
  log:info("%s line %d", id, i)
  acks:write("l")
  if i % 10 == 0 then between[mode]() end
end
]]

local LUA = os.getenv("LUA") or "lua5.4"
local dir

local function shell(script)
  assert.is_true(os.execute(script) == true, script)
end

-- Start these processes, kill all of them `ms` milliseconds after each has logged something.
local function kill_after(ms, processes)
  local lines = {"d='" .. dir .. "'"}
  for _, p in ipairs(processes) do
    local start = "%s $d/process.lua $d %s %s >$d/out%s 2>&1 & pids=\"$pids $!\""
    lines[#lines + 1] = start:format(LUA, p.id, p.mode, p.id)
  end
  for _, p in ipairs(processes) do
    local wait = "n=0; until [ -s $d/ack%s ] || [ $n -gt 6000 ]; do sleep 0.01; n=$((n + 1)); done"
    lines[#lines + 1] = wait:format(p.id)
  end
  lines[#lines + 1] = ("sleep %.3f; kill -9 $pids; wait; true"):format(ms / 1000)
  local file <close> = assert(io.open(dir .. "/kill.sh", "w"))
  file:write(table.concat(lines, "\n"), "\n")
  file:close()
  shell("sh '" .. dir .. "/kill.sh' 2>/dev/null")
end

-- Another process opens the run and the log, and is killed while it recovers what it finds there.
local function kill_recovery(ms)
  shell(("%s '%s/recover.lua' '%s' x steady >'%s/out' 2>&1 & sleep %.3f; kill -9 $! 2>/dev/null; wait; true")
    :format(LUA, dir, dir, dir, ms / 1000))
end

local function recover()
  local tb, log = TensorboardWriter(), RootLogger()
  tb:setup(dir .. "/run")
  log:setup(dir .. "/train.log")
  assert.is_true(tb:close())
  assert.is_true(log:close())
end

local function acknowledged(id)
  local counts = {s = 0, m = 0, t = 0, i = 0, l = 0}
  for letter in tmp.read(dir .. "/ack" .. id):gmatch(".") do counts[letter] = counts[letter] + 1 end
  return counts
end

-- `steps` is 1, 2, 3, ... to the number acknowledged, or to one more.
local function check(what, steps, acked)
  for i, step in ipairs(steps) do
    if step ~= i then error(("%s: step %d where %d should be"):format(what, step, i)) end
  end
  assert(#steps == acked or #steps == acked + 1, ("%s: %d found, %d acknowledged"):format(what, #steps, acked))
end

local function steps_by_tag(folder)
  local steps = setmetatable({}, {__index = function(t, tag)
    t[tag] = {}
    return t[tag]
  end})
  for _, value in ipairs(lfs.attributes(folder) and events.values(folder) or {}) do
    table.insert(steps[value.tag], value.step)
  end
  return steps
end

local function lines_by_process()
  local lines = {}
  for line in io.lines(dir .. "/train.log") do
    local id, number = line:match("^%[.-%] %[INFO%]: (%w+) line (%d+)$")
    assert(id, "a damaged line: " .. line)
    lines[id] = lines[id] or {}
    table.insert(lines[id], tonumber(number))
  end
  return lines
end

local function check_all(ids)
  local run, lines = steps_by_tag(dir .. "/run"), lines_by_process()
  for _, id in ipairs(ids) do
    local acked = acknowledged(id)
    assert.equal("", tmp.read(dir .. "/out" .. id))
    check("scalars", run["scalar" .. id], acked.s)
    check("text", run["text" .. id .. "/text_summary"], acked.t)
    check("images", run["image" .. id], acked.i)
    check("lines", lines[id] or {}, acked.l)
    for _, key in ipairs {"a", "b"} do
      check("sub-runs", steps_by_tag(("%s/run/sub%s_%s"):format(dir, id, key))["sub" .. id], acked.m)
    end
  end
  for _, name in ipairs(tmp.files(dir .. "/run")) do assert.truthy(name:find("events.out.tfevents.", 1, true), name) end
  assert.same({}, tmp.files(dir, "%.pending$"))
end

describe("a process that is killed", function()
  before_each(function()
    dir = tmp.dir()
    tmp.write(dir .. "/process.lua", PROCESS)
    tmp.write(dir .. "/recover.lua", (PROCESS:match("^(.-)for i = 1"):gsub("local image.-\n", "")))
  end)

  for round, ms in ipairs {1, 3, 6, 10, 17, 28, 45} do
    it("while it logs loses nothing, round " .. round, function()
      kill_after(ms, {{id = "one", mode = "steady"}})
      recover()
      check_all {"one"}
    end)
  end

  for round, ms in ipairs {2, 5, 11, 23} do
    it("while it flushes loses nothing, nor does its neighbour in the folder, round " .. round, function()
      kill_after(ms, {{id = "one", mode = "flush"}, {id = "two", mode = "flush"}})
      recover()
      check_all {"one", "two"}
    end)

    it("while it closes and opens loses nothing, round " .. round, function()
      kill_after(3 * ms, {{id = "one", mode = "close"}, {id = "two", mode = "steady"}})
      recover()
      check_all {"one", "two"}
    end)

    it("and whose recovery is killed loses nothing, round " .. round, function()
      kill_after(ms, {{id = "one", mode = "steady"}, {id = "two", mode = "close"}})
      for _, wait in ipairs {2, 3, 4, 5, 6, 8} do kill_recovery(wait) end
      recover()
      check_all {"one", "two"}
    end)
  end
end)

local checkpoint = require "helios.checkpoint"
local signals = require "helios.native".signals
local tmp = require "spec.support.tmp"

-- A program that trains for 20 iterations and sends itself a signal at the fifth.
local PROGRAM <const> = [[
local folder, signal, handling, root = table.unpack(arg)
local function send()
  local stat <close> = assert(io.open("/proc/self/stat"))
  os.execute(("kill -%s %d"):format(signal, stat:read("n")))
end
local helios = require "helios"
local model = helios.Model.new("m", {
  train_step = function(_, _, state)
    if state.current_iteration == 5 then send() end
    if state.current_iteration == 6 then print "went on" end
  end,
  on_training_end = function() print "training ended" end,
})
local module = helios.DataModule.new {setup = function(self) self.train_dataset = self:create_dataset {1, 2, 3} end}
local settings = {train_unit = "iteration", total_steps = 20, print_banner = false, enable_file_logging = true,
  log_path = folder .. "/logs", chkpt_root = root and folder .. "/chkpt"}
if handling == "false" then settings.handle_signals = false elseif handling ~= "" then
  settings.handle_signals = handling end
print("fit", helios.Trainer(settings):fit(model, module))
send()
print "survived"
]]

---@return string folder
---@return string stdout
---@return string stderr
---@return integer status as the shell sees it: 128 + number for a death by signal
local function run(signal, handling, root, before)
  local folder = tmp.dir()
  tmp.write(folder .. "/program.lua", PROGRAM)
  local _, how, status = os.execute(("%s %s %s/program.lua %s %s '%s' %s >%s/stdout 2>%s/stderr"):format(before or "",
    os.getenv "LUA" or "lua5.4", folder, folder, signal, handling or "", root or "", folder, folder))
  if how == "signal" then status = 128 + status end
  return folder, tmp.read(folder .. "/stdout"), tmp.read(folder .. "/stderr"), status
end

describe("a signal during fit", function()
  for signal, number in pairs {TERM = 15, USR1 = 10} do
    it("SIG" .. signal .. " saves at the end of the step, says so, and ends the process", function()
      local folder, stdout, stderr, status = run(signal, nil, "root")
      assert.equal(128 + number, status)
      assert.equal("", stdout)
      local path = folder .. "/chkpt/m/m_epoch_2_iter_5.chkpt"
      local message = ("SIG%s: training stopped at iteration 5, epoch 2; checkpoint %s"):format(signal, path)
      assert.equal(message .. "\n", stderr)
      assert.equal(5, checkpoint.load(path).training_state.current_iteration)
      local log = tmp.files(folder .. "/logs")
      assert.equal(1, #log)
      assert.matches("[INFO]: " .. message, tmp.read(folder .. "/logs/" .. log[1]), 1, true)
    end)
  end

  it("is reported by fit when that is wanted, and the old disposition is back afterwards", function()
    local folder, stdout, _, status = run("TERM", "return", "root")
    assert.equal(("fit\tnil\tSIGTERM: training stopped at iteration 5, epoch 2; checkpoint %s\n"):format(
      folder .. "/chkpt/m/m_epoch_2_iter_5.chkpt"), stdout)
    assert.equal(128 + 15, status) -- the second one kills
  end)

  it("is left alone when that is wanted", function()
    local folder, stdout, _, status = run("TERM", "false", "root")
    assert.equal("", stdout)
    assert.equal(128 + 15, status)
    assert.is_nil(checkpoint.find_last_checkpoint(folder .. "/chkpt/m"))
  end)

  it("that the process ignores stays ignored", function()
    local _, stdout, _, status = run("TERM", nil, "root", "trap '' TERM;")
    assert.equal("went on\ntraining ended\nfit\ttrue\nsurvived\n", stdout)
    assert.equal(0, status)
  end)

  it("without a place for checkpoints says that there is none", function()
    local _, _, stderr = run("TERM")
    assert.equal("SIGTERM: training stopped at iteration 5, epoch 2; no checkpoint was written\n", stderr)
  end)
end)

describe("native.signals", function()
  it("sees nothing until something comes, and may be stopped twice", function()
    local watch = signals.watch()
    assert.is_nil((watch:seen()))
    watch:stop()
    watch:stop()
  end)

  it("tells every watcher, and forgets with the last one", function()
    local first, second = signals.watch(), signals.watch()
    local stat <close> = assert(io.open("/proc/self/stat"))
    os.execute(("kill -USR1 %d"):format(stat:read("n")))
    assert.same({"SIGUSR1", 10}, {first:seen()})
    first:stop()
    assert.same({"SIGUSR1", 10}, {second:seen()})
    second:stop()
    local third <close> = signals.watch()
    assert.is_nil((third:seen()))
  end)
end)

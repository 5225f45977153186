---`helios recover`: what a killed process had acknowledged and not yet written.
local common = require "helios.cli.common"
local native = require "helios.native"
local text = require "helios.cli.text"

local M = {}

function M.describe(command)
  command:argument("path", "A run folder, a folder of runs, or a text log."):args("+")
end

---A folder of runs is recovered run by run, and as a run itself: a kill may have come before its first event.
local function places(path)
  local out = {path}
  if not native.fs.is_folder(path) then return out end
  for _, run in ipairs(native.reader.find(path) or {}) do
    if run.path ~= path then out[#out + 1] = run.path end
  end
  return out
end

local function recover(path)
  local result, message = native.reader.recover(path)
  if not result then return common.fail(message) end
  if result.pending_files + result.live_files == 0 then return 0, false end
  if result.pending_files > 0 then
    io.write(("%s: brought back %d pending %s (%s)\n"):format(text.escape(path), result.records,
      result.records == 1 and "record" or "records", text.bytes(result.bytes)))
  end
  if result.live_files > 0 then
    io.write(("%s: a living process is writing here; nothing to recover from it\n"):format(text.escape(path)))
  end
  return 0, true
end

function M.run(arguments)
  local status = 0
  for _, path in ipairs(arguments.path) do
    local told = false
    for _, place in ipairs(places(path)) do
      local failed, found = recover(place)
      status = math.max(status, failed)
      told = told or found or failed > 0
    end
    if not told and native.fs.is_folder(path) == nil then
      status = common.fail(path .. ": No such file or directory")
    elseif not told then
      io.write(("%s: nothing is pending\n"):format(text.escape(path)))
    end
  end
  return status
end

return M

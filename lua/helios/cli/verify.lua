---`helios verify`: how many records of each file are intact.
local common = require "helios.cli.common"
local native = require "helios.native"
local text = require "helios.cli.text"

local M = {}

function M.describe(command)
  command:argument("path", "A run folder, a folder of runs, or an event file."):args("+")
end

local function verify(path)
  local state, message = native.reader.verify(path)
  if not state then return common.fail(message) end
  local whole = state.damaged == 0 and state.cut_bytes == 0
  io.write(("%s: %d intact %s%s\n"):format(text.escape(path), state.records,
    state.records == 1 and "record" or "records", whole and "" or ", DAMAGED"))
  if state.damaged > 0 then
    io.write(("  %d damaged %s, the first at byte %d: %s\n"):format(state.damaged,
      state.damaged == 1 and "place" or "places", state.damage_offset, state.damage_reason))
  end
  if state.cut_bytes > 0 then
    io.write(("  ends inside a record: %d bytes from byte %d on\n"):format(state.cut_bytes, state.offset))
  end
  return whole and 0 or 1
end

function M.run(arguments)
  local runs, status = common.find_runs(arguments.path)
  for _, run in ipairs(runs) do
    local files, message = common.event_files(run.path)
    if not files then status = common.fail(message) end
    for _, path in ipairs(files or {}) do status = math.max(status, verify(path)) end
  end
  return status
end

return M

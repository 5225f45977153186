---`helios repair`: the intact records of damaged files, written anew.
local common = require "helios.cli.common"
local native = require "helios.native"
local text = require "helios.cli.text"

local M = {}

function M.describe(command)
  command:argument("path", "An event file, or a run folder: all its files.")
  command:option("-o --output", "Write here, and leave the damaged file as it is (one file only).")
    :argname("FILE")
  command:epilog("The old file stays untouched until the new one is on the disk. Records behind a damaged length are "
    .. "found again. A compressed file needs --output.")
end

local function repair(path, output)
  local result, message = native.reader.repair(path, output)
  if not result then return common.fail(message) end
  local name, places = text.escape(path), result.dropped == 1 and "place" or "places"
  if not result.replaced then
    io.write(("%s: whole, %d records; left as it is\n"):format(name, result.kept))
  else
    io.write(("%s: kept %d records, dropped %d damaged %s, %s lost%s\n"):format(name, result.kept, result.dropped,
      places, text.bytes(result.lost_bytes), output and "; written to " .. text.escape(output) or ""))
  end
  return 0
end

function M.run(arguments)
  local files, message = common.event_files(arguments.path)
  if not files then return common.fail(message) end
  if arguments.output and #files > 1 then return common.fail("--output is for one file, and there are " .. #files) end
  local status = 0
  for _, path in ipairs(files) do status = math.max(status, repair(path, arguments.output)) end
  return status
end

return M

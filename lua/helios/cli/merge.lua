---`helios merge`: the files of a run joined into one.
local common = require "helios.cli.common"
local core = require("helios.native").reader
local text = require "helios.cli.text"

local M = {}

function M.describe(command)
  command:argument("path", "Run folders."):args("+")
  command:epilog("Events come in order of time; what a later sitting replaced is left out, as viewers do. The new file "
    .. "takes the newest one's name; the others are removed once it is safe.")
end

local function merge(path)
  local result, message = core.merge(path)
  if not result then return common.fail(message) end
  if result.replaced then
    io.write(("%s: one file of %d records; %d were left out\n"):format(text.escape(path), result.kept, result.dropped))
  else
    io.write(("%s: one file already, nothing to leave out\n"):format(text.escape(path)))
  end
  return 0
end

function M.run(arguments)
  local status = 0
  for _, path in ipairs(arguments.path) do status = math.max(status, merge(path)) end
  return status
end

return M

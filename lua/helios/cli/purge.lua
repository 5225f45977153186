---`helios purge`: drop a tag, or steps from one on.
local common = require "helios.cli.common"
local core = require("helios.native").reader
local text = require "helios.cli.text"

local M = {}

local function integer(s)
  local n = math.tointeger(tonumber(s))
  if n then return n end
  return nil, "expected a step, got '" .. s .. "'"
end

function M.describe(command)
  command:argument("path", "An event file, or a run folder: all its files.")
  command:option("--tag", "Drop this tag only."):argname("TAG")
  command:option("--from-step", "Drop only steps from this one on."):argname("STEP"):convert(integer)
  command:epilog("With both, what meets both is dropped. The old file stays untouched until the new one is on the "
    .. "disk.")
end

local function purge(path, arguments)
  local result, message = core.purge(path, arguments.tag, arguments.from_step)
  if not result then return common.fail(message) end
  io.write(("%s: dropped %d values%s\n"):format(text.escape(path), result.dropped,
    result.replaced and "" or "; left as it is"))
  return 0
end

function M.run(arguments)
  if not arguments.tag and not arguments.from_step then
    return math.max(2, common.fail("purge needs --tag or --from-step, to say what is to go"))
  end
  local files, message = common.event_files(arguments.path)
  if not files then return common.fail(message) end
  local status = 0
  for _, path in ipairs(files) do status = math.max(status, purge(path, arguments)) end
  return status
end

return M

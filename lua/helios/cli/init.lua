---The sub-commands of `helios`: which there are, and how they are called. Each is a module `helios.cli.<name>` with
---`describe(command)`, which adds arguments to an argparse command, and `run(arguments)`, which gives the status to
---exit with.
local helios_version = require("helios.native").version

local M = {}

local COMMANDS = {
  {"ls", "runs, their tags, points, steps, last values and damage"},
  {"cat", "events of a file or run as JSON lines"},
  {"tail", "live curves in the terminal, with the text log"},
  {"export", "scalars as a table, images, sounds and text as files"},
  {"report", "one self-contained HTML page of all runs"},
  {"verify", "count intact records; status 0 only when nothing is damaged"},
  {"recover", "bring back what a killed process had not yet written"},
  {"repair", "write a damaged file's intact records anew"},
  {"merge", "join the files of a run into one"},
  {"purge", "drop a tag, or steps from one on"},
}

local function usage()
  local lines = {
    "Usage: helios COMMAND [arguments]       look at runs; `helios COMMAND --help` tells more",
    "       helios SCRIPT.lua [arguments]    run a Lua script with every helios module inside",
    "       helios -e TEXT | -l MODULE | -   as lua has them",
    "",
    "Commands:",
  }
  for _, command in ipairs(COMMANDS) do lines[#lines + 1] = ("  %-9s %s"):format(command[1], command[2]) end
  return table.concat(lines, "\n") .. "\n"
end

local function find(name)
  for _, command in ipairs(COMMANDS) do
    if command[1] == name then return command end
  end
  return nil
end

---A word that begins like a number is the value of the option before it, not an option: `--from-step -5`.
local function with_negative_values(words)
  local out = {}
  for _, word in ipairs(words) do
    if word:find("^%-%d") and (out[#out] or ""):find("^%-%-[%w-]+$") then out[#out] = out[#out] .. "=" .. word
    else out[#out + 1] = word end
  end
  return out
end

local function parse(command, words)
  local argparse = require "helios.cli.argparse"
  local module = require("helios.cli." .. command[1])
  local parser = argparse("helios " .. command[1]):help_max_width(80)
    :description((command[2]:gsub("^%l", string.upper)) .. ".")
  module.describe(parser)
  local ok, result = parser:pparse(with_negative_values(words))
  if ok then return module, result end
  io.stderr:write(parser:get_usage(), "\n\nhelios: ", result, "\n")
  return nil
end

---Run a sub-command.
---@param words string[]  the command line without the program's name
---@return integer status  0: done; 1: it failed or met damage; 2: a wrong call
function M.main(words)
  local name = words[1]
  if name == "help" and words[2] then return M.main{words[2], "--help"} end
  if name == nil or name == "--help" or name == "-h" or name == "help" then
    (name and io.stdout or io.stderr):write(usage())
    return name and 0 or 2
  elseif name == "--version" then
    io.stdout:write("helios ", helios_version, "  (", _VERSION, ")\n")
    return 0
  end
  local command = find(name)
  if not command then
    io.stderr:write(("helios: no command '%s' (a script is given as ./%s or %s.lua)\n"):format(name, name, name))
    return 2
  end
  local module, arguments = parse(command, table.move(words, 2, #words, 1, {}))
  if not module then return 2 end
  return module.run(arguments)
end

return M

---Commands as a developer types them, for specs of what is installed and built.
local lfs = require "lfs"

local M = {root = lfs.currentdir()}
M.build = M.root .. "/" .. (os.getenv("BUILD") or "build")

---Run a command line; an error with all it said when it fails.
---@param line string for `sh`
---@param ... any for `string.format`
---@return string output stdout and stderr
function M.run(line, ...)
  local pipe = assert(io.popen("unset MAKEFLAGS MAKELEVEL MFLAGS; exec 2>&1; " .. line:format(...)))
  local output = pipe:read("a")
  if not pipe:close() then error(line:format(...) .. "\n" .. output, 2) end
  return output
end

---@param program string
---@return boolean
function M.has(program) return os.execute("command -v " .. program .. " >/dev/null") == true end

return M

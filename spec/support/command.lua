---The command `helios`, run as a user runs it.
local tmp = require "spec.support.tmp"

local M = {path = (os.getenv("BUILD") or "build") .. "/helios"}

---@param s string
---@return string word of `sh`
function M.quote(s) return "'" .. s:gsub("'", "'\\''") .. "'" end

---Run the command; an error when a signal ends it. A command that hangs ends with 124.
---@param ... string
---@return string stdout
---@return string stderr
---@return integer status
function M.helios(...)
  local words = {"timeout 300 " .. M.path}
  for _, word in ipairs{...} do words[#words + 1] = M.quote(word) end
  local folder = tmp.dir()
  local line = ("%s >%s/out 2>%s/err </dev/null"):format(table.concat(words, " "), folder, folder)
  local ok, kind, status = os.execute(line)
  local out, err = tmp.read(folder .. "/out"), tmp.read(folder .. "/err")
  if kind ~= "exit" then error("killed by a signal: " .. err, 2) end
  return out, err, ok and 0 or status
end

return M

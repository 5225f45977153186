---Errors of a fit or test: which ones are expected, and how the others get into the log.
local logging = require "helios.core.logging"

local M = {}

---@alias helios.ExpectedErrors (string|fun(err: any): boolean)[] patterns of their text, or functions that say so

-- What is wrong with an entry, or nil.
local function fault_of(exception)
  if type(exception) == "function" then return nil end
  if type(exception) ~= "string" then return "expected patterns or functions, got a " .. type(exception) end
  local ok, reason = pcall(string.find, "", exception)
  if not ok then return ("'%s': %s"):format(exception, reason) end
end

---@param exceptions helios.ExpectedErrors
---@return string? message what is wrong with the list; nil when nothing is
function M.fault(exceptions)
  if type(exceptions) ~= "table" then return "expected a list, got a " .. type(exceptions) end
  for _, exception in ipairs(exceptions) do
    local message = fault_of(exception)
    if message then return message end
  end
end

local function matches(exception, err)
  if type(exception) == "function" then return exception(err) end
  return tostring(err):find(exception) ~= nil
end

---@param err any
---@param exceptions helios.ExpectedErrors
---@return boolean
function M.is_expected(err, exceptions)
  for _, exception in ipairs(exceptions) do
    local ok, answer = pcall(matches, exception, err)
    if ok and answer then return true end -- one that fails itself must not take the error's place
  end
  return false
end

---To the root logger, with a traceback. Call it in the message handler itself: the traceback in the log is then the
---error's, from where it was raised.
---@param err any
function M.log(err)
  if not logging.is_root_logger_active() then return end
  local logger = logging.get_root_logger()
  local told = pcall(logger.exception, logger, "error: uncaught exception", {exc_info = err, stacklevel = 4})
  if not told then logger:error("error: uncaught exception: a %s that cannot be shown", type(err)) end
end

return M

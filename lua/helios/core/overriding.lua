---Objects of a class, some of whose methods their user overrides: models, plugins, data modules.
-- @module helios.core.overriding

local M = {}

-- Methods that themselves inherit, from a class of the user's own, go on doing so.
local function inheriting(class, methods)
  return {
    __name = class.__name,
    __index = function(_, name)
      local value = methods[name]
      if value == nil then return class[name] end
      return value
    end,
  }
end

---A new object: the fields of `methods`, and those of the class that are not among them. Raises in the name of `func`
---for the caller of the function that calls this.
---@param class table
---@param func string
---@param methods table?
---@return table
function M.new(class, func, methods)
  if methods ~= nil and type(methods) ~= "table" then
    error(("%s: argument 'methods': expected a table, got a %s"):format(func, type(methods)), 3)
  end
  local self = {}
  for name, value in pairs(methods or {}) do self[name] = value end
  return setmetatable(self, methods and getmetatable(methods) and inheriting(class, methods) or class)
end

return M

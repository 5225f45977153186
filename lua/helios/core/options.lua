---The calling convention of the Lua functions: arguments by position, or the optional ones by name in one table that
---stands in place of the first of them. (The native functions have it in `src/lua/l_args.c`.)
-- @module helios.core.options

local M = {}

---A short description of a value for an error text, as the native functions give it.
local function describe(value)
  local kind = math.type(value) or type(value)
  if kind == "nil" or kind == "boolean" or kind == "integer" or kind == "float" then return tostring(value) end
  return "a " .. type(value)
end

---Raise `func: argument 'name': reason` for the caller of the public function.
local function fail(func, name, reason, level)
  error(("%s: argument '%s': %s"):format(func, name, reason), level + 1)
end

local function position(names, name)
  for i, known in ipairs(names) do
    if known == name then return i end
  end
end

local function from_table(call, options, level)
  local values = {}
  for key, value in pairs(options) do
    local at = position(call.names, key)
    if not at or at <= call.required then
      error(("%s: unknown option '%s'"):format(call.name, tostring(key)), level + 1)
    end
    values[at] = value
  end
  return values
end

---@class helios.Call a function as its user writes it
---@field name string
---@field required integer how many of `names` must be given
---@field positional integer how many of `names` may be given by position
---@field names string[]
---@field types table<string, string> the Lua type of each argument; none: any

---What `fn` returns; what it raises is raised at the line of the caller of the function that calls this.
---@param fn function
---@param ... any
---@return any
function M.at_caller(fn, ...)
  local ok, result = pcall(fn, ...)
  if not ok then error(result, 3) end
  return result
end

---The arguments by name, checked; nil where none was given. Raises in the name of the caller of the function that calls
---this.
---@param call helios.Call
---@param ... any what the function was called with
---@return table<string, any>
function M.read(call, ...)
  local given = table.pack(...)
  local values, last = given, call.positional
  local first = given[call.required + 1]
  if type(first) == "table" then
    values, last = from_table(call, first, 3), call.required + 1
    table.move(given, 1, call.required, 1, values)
  end
  for i = last + 1, given.n do
    if given[i] ~= nil then error(call.name .. ": too many arguments", 3) end
  end
  local result = {}
  for i, name in ipairs(call.names) do
    local value = values[i]
    if value == nil and i <= call.required then fail(call.name, name, "missing", 3) end
    if value ~= nil and call.types[name] and type(value) ~= call.types[name] then
      fail(call.name, name, ("expected a %s, got %s"):format(call.types[name], describe(value)), 3)
    end
    result[name] = value
  end
  return result
end

return M

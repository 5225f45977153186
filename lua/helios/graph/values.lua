---Values that flow between modules: their shapes, and lists of them.
---@class helios.graph.values
local modules = require "helios.graph.modules"

local M = {}

local getmetatable_of = debug and debug.getmetatable or getmetatable

local MOST_DIMENSIONS = 32

---Sizes of nested lists of numbers; nil when it is something else, such as a list that holds itself.
local function table_shape(t)
  local shape = {}
  while type(t) == "table" do
    if #t == 0 or #shape == MOST_DIMENSIONS then return nil end
    shape[#shape + 1] = #t
    t = t[1]
  end
  return (type(t) == "number" or type(t) == "boolean") and shape or nil
end

local function integer_list(t)
  local out = {}
  if #t > MOST_DIMENSIONS then return nil end
  for i = 1, #t do
    out[i] = math.tointeger(t[i])
    if not out[i] then return nil end
  end
  return out
end

---The shape of a value: its field `shape` or what its method `size` gives, or the sizes of nested lists.
---@param v any
---@return integer[]?
function M.shape_of(v)
  if type(v) == "number" then return {} end
  if not modules.is_object(v) then return nil end
  local shape = modules.field_of(v, "shape")
  if type(shape) == "function" then shape = select(2, pcall(shape, v)) end
  if type(shape) ~= "table" then
    local size = modules.field_of(v, "size")
    if type(size) == "function" then shape = select(2, pcall(size, v)) end
  end
  if modules.is_object(shape) then
    local ok, list = pcall(integer_list, shape)
    if ok and list then return list end
  end
  return type(v) == "table" and table_shape(v) or nil
end

---A plain list with objects in it, such as {h, c}: its elements are values of their own.
function M.is_bundle(v)
  return type(v) == "table" and not getmetatable_of(v) and (type(v[1]) == "userdata"
    or (type(v[1]) == "table" and (getmetatable_of(v[1]) ~= nil or table_shape(v) == nil)))
end

---The values of a result: elements of a bundle one by one.
function M.flatten(results)
  local flat = {}
  for i = 1, results.n do
    if M.is_bundle(results[i]) then
      for k = 1, #results[i] do flat[#flat + 1] = results[i][k] end
    else
      flat[#flat + 1] = results[i]
    end
  end
  return flat
end

function M.shapes_of(values)
  local shapes = {}
  for i, v in ipairs(values) do
    shapes[i] = M.shape_of(v)
    if not shapes[i] then return nil end
  end
  if #shapes > 1 then return shapes end
  return shapes[1]
end

---" -> 2x3" for one shape, " -> 2x3, 4" for two, "" for none.
function M.shape_text(shape)
  if not shape then return "" end
  local several = type(shape[1]) == "table" and shape or {shape}
  local texts = {}
  for i, one in ipairs(several) do texts[i] = #one == 0 and "scalar" or table.concat(one, "x") end
  return " -> " .. table.concat(texts, ", ")
end

return M

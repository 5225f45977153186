---Functions of a model replaced for the time of a trace, and put back. Tables are written raw, so that no metamethod of
---the model sees it.
---@class helios.graph.patches
local modules = require "helios.graph.modules"

local getmetatable_of = debug and debug.getmetatable or getmetatable

---@class helios.graph.Patches
---@field private wrap fun(fn: function): function
---@field private undo table[]
local Patches = {}
Patches.__index = Patches

---Put `value` into t[key] until `restore`.
function Patches:put(t, key, value)
  self.undo[#self.undo + 1] = {t, key, rawget(t, key)}
  rawset(t, key, value)
end

---Asks for no memory: there may be none left. What an error leaves undone, `__close` does.
function Patches:restore()
  local undo = self.undo
  for i = #undo, 1, -1 do
    local change = undo[i]
    rawset(change[1], change[2], change[3])
    undo[i] = nil
  end
end

Patches.__close = Patches.restore

---The table that holds the module's `forward`: itself or a class it inherits from; nil when a function finds it.
local function holder_of(module)
  local t, depth = module, 0
  while type(t) == "table" or (depth == 0 and type(t) == "userdata") do
    if type(t) == "table" and rawget(t, "forward") ~= nil then return t end
    local mt = getmetatable_of(t)
    t, depth = type(mt) == "table" and rawget(mt, "__index") or nil, depth + 1
    if depth > 100 then return nil end
  end
end

---A userdata whose class is a function: what that function finds as `forward` is wrapped.
function Patches:put_index(mt)
  local index = rawget(mt, "__index")
  self:put(mt, "__index", function(object, key)
    local value = index(object, key)
    return key == "forward" and type(value) == "function" and self.wrap(value) or value
  end)
end

function Patches:put_forward(module, done)
  local forward = modules.field_of(module, "forward")
  if type(forward) ~= "function" then return end
  local holder, mt = holder_of(module), getmetatable_of(module)
  if not holder and type(module) == "table" then holder = module end
  if holder and not done[holder] then
    done[holder] = true
    self:put(holder, "forward", self.wrap(forward))
  elseif not holder and not done[mt] and type(rawget(mt, "__index")) == "function" then
    done[mt] = true
    self:put_index(mt)
  end
end

---Replace `forward` and `__call` of all these modules.
---@param list table[]
function Patches:put_modules(list)
  local done, called = {}, {}
  for _, module in ipairs(list) do
    self:put_forward(module, done)
    local mt, call = getmetatable_of(module), modules.call_of(module)
    if type(call) == "function" and not called[mt] then
      called[mt] = true
      self:put(mt, "__call", self.wrap(call))
    end
  end
end

local M = {}

---Nothing is replaced yet. To be closed: `local patches <close> = patches.new(wrap)`.
---@param wrap fun(fn: function): function what stands in for a function of the model
---@return helios.graph.Patches
function M.new(wrap) return setmetatable({wrap = wrap, undo = {}}, Patches) end

return M

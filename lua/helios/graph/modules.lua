---What a module is, what it is called, and which modules lie in its fields. Runs nothing.
---@class helios.graph.modules
local M = {}

local getmetatable_of = debug and debug.getmetatable or getmetatable

local CONTAINER_DEPTH, CONTAINER_SCAN = 3, 1000

---Index without raising; nil for what cannot be indexed.
function M.field_of(object, name)
  local ok, value = pcall(function() return object[name] end)
  return ok and value or nil
end

function M.is_object(v) return type(v) == "table" or type(v) == "userdata" end

function M.call_of(object)
  local mt = getmetatable_of(object)
  return type(mt) == "table" and rawget(mt, "__call") or nil
end

---Can it be run as a module?
---@param v any
---@return boolean
function M.is_module(v)
  return M.is_object(v) and (type(M.field_of(v, "forward")) == "function" or M.call_of(v) ~= nil)
end

---The name of a module's class, as far as its metatable tells.
function M.class_of(module)
  local mt = getmetatable_of(module)
  if type(mt) == "table" then
    for _, key in ipairs{"__name", "_NAME", "name"} do
      local name = rawget(mt, key)
      if type(name) == "string" and name ~= "" then return (name:gsub("/", "_")) end
    end
  end
  return "Module"
end

local function key_order(a, b)
  if type(a) == type(b) then return a < b end
  return type(a) == "number"
end

---String and integer keys of a table, integers first; at most `limit` when there is one.
local function sorted_keys(t, limit)
  local keys = {}
  for k in next, t do
    if type(k) == "string" or math.type(k) == "integer" then keys[#keys + 1] = k end
    if limit and #keys >= limit then break end
  end
  table.sort(keys, key_order)
  return keys
end

---How a field is called in a scope: lists count from 0, as in torch.
local function field_name(t, key)
  if math.type(key) == "integer" and rawget(t, 0) == nil then return tostring(key - 1) end
  return (tostring(key):gsub("/", "_"))
end

---Call fn(module, key, path) for the modules in the fields of `t`, and in plain tables in its fields.
local function each_child(t, fn, path, depth)
  for _, key in ipairs(sorted_keys(t, depth > 0 and CONTAINER_SCAN or nil)) do
    local value, name = rawget(t, key), field_name(t, key)
    if M.is_module(value) then
      fn(value, name, path .. name)
    elseif type(value) == "table" and not getmetatable_of(value) and depth < CONTAINER_DEPTH then
      each_child(value, fn, path .. name .. ".", depth + 1)
    end
  end
end

---The table of a module's fields; a userdata keeps its own in a user value.
local function fields_of(module)
  if type(module) == "table" then return module end
  local fields = debug and debug.getuservalue(module, 1)
  return type(fields) == "table" and fields or nil
end

---The modules below `root`: `children[parent][child]` is the last part of the child's scope, for which the innermost
---field's name is enough unless two children of a class share it; the first scope of each; and all of them in a list.
function M.find(root)
  local children, scopes, queue = {}, {[root] = M.class_of(root)}, {root}
  for _, parent in ipairs(queue) do
    local own, taken = {}, {}
    children[parent] = own
    local fields = fields_of(parent)
    if fields then
      each_child(fields, function(child, key, path)
        if own[child] or child == parent then return end
        local name = ("%s[%s]"):format(M.class_of(child), key)
        if taken[name] then name = ("%s[%s]"):format(M.class_of(child), path) end
        own[child], taken[name] = name, true
        if not scopes[child] then
          scopes[child] = scopes[parent] .. "/" .. name
          queue[#queue + 1] = child
        end
      end, "", 0)
    end
  end
  return children, scopes, queue
end

---Numbers, texts and booleans among the module's own fields.
function M.attributes_of(module)
  local attributes, is_empty = {}, true
  for key, value in next, fields_of(module) or {} do
    local kind = type(value)
    local is_text = kind == "string" and utf8.len(value) and not value:find("\0", 1, true)
    local is_public = type(key) == "string" and utf8.len(key) and not key:find("^_") and not key:find("\0", 1, true)
    if is_public and (is_text or kind == "number" or kind == "boolean") then
      attributes[key], is_empty = value, false
    end
  end
  return not is_empty and attributes or nil
end

return M

---The graph of a model: what its modules are and how values flow between them, found by running it once.
---
---    local nodes = graph.trace(model, input)          -- what add_graph writes
---
---A module is a table or userdata with `forward(self, ...)` or `__call`; its fields, and tables in its fields, hold
---its submodules. While the model runs, `forward` and `__call` of every module found that way are replaced by functions
---that note who is called with what; afterwards everything is as it was, also when the model raises.
---@class helios.graph
local M = {}

local getmetatable_of = debug and debug.getmetatable or getmetatable

local CONTAINER_DEPTH, CONTAINER_SCAN = 3, 1000

---@class helios.GraphNode
---@field name string unique; `/` separates scopes
---@field op? string
---@field inputs? string[] names of nodes; `name:1` is the second output
---@field shape? integer[]|integer[][] of the output, or of several outputs
---@field attr? table<string, string|number|boolean>
---@field device? string

-- ---- what is a module ---------------------------------------------------------------------------------------

---Index without raising; nil for what cannot be indexed.
local function field_of(object, name)
  local ok, value = pcall(function() return object[name] end)
  return ok and value or nil
end

local function is_object(v) return type(v) == "table" or type(v) == "userdata" end

local function call_of(object)
  local mt = getmetatable_of(object)
  return type(mt) == "table" and rawget(mt, "__call") or nil
end

---Can it be run as a module?
---@param v any
---@return boolean
function M.is_module(v)
  return is_object(v) and (type(field_of(v, "forward")) == "function" or call_of(v) ~= nil)
end

---The name of a module's class, as far as its metatable tells.
local function class_of(module)
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
local function find_modules(root)
  local children, scopes, queue = {}, {[root] = class_of(root)}, {root}
  for _, parent in ipairs(queue) do
    local own, taken = {}, {}
    children[parent] = own
    local fields = fields_of(parent)
    if fields then
      each_child(fields, function(child, key, path)
        if own[child] or child == parent then return end
        local name = ("%s[%s]"):format(class_of(child), key)
        if taken[name] then name = ("%s[%s]"):format(class_of(child), path) end
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

-- ---- values -------------------------------------------------------------------------------------------------

---Sizes of nested lists of numbers; nil when it is something else.
local function table_shape(t)
  local shape = {}
  while type(t) == "table" do
    if #t == 0 then return nil end
    shape[#shape + 1] = #t
    t = t[1]
  end
  return (type(t) == "number" or type(t) == "boolean") and shape or nil
end

local function integer_list(t)
  local out = {}
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
  if not is_object(v) then return nil end
  local shape = field_of(v, "shape")
  if type(shape) == "function" then shape = select(2, pcall(shape, v)) end
  if type(shape) ~= "table" then
    local size = field_of(v, "size")
    if type(size) == "function" then shape = select(2, pcall(size, v)) end
  end
  if is_object(shape) then
    local ok, list = pcall(integer_list, shape)
    if ok and list then return list end
  end
  return type(v) == "table" and table_shape(v) or nil
end

---A plain list with objects in it, such as {h, c}: its elements are values of their own.
local function is_bundle(v)
  return type(v) == "table" and not getmetatable_of(v) and (type(v[1]) == "userdata"
    or (type(v[1]) == "table" and (getmetatable_of(v[1]) ~= nil or table_shape(v) == nil)))
end

-- ---- the trace ----------------------------------------------------------------------------------------------

---@class helios.graph.Trace
local Trace = {}
Trace.__index = Trace

local function new_trace(root, strict)
  local children, scopes, modules = find_modules(root)
  return setmetatable({
    children = children, scopes = scopes, modules = modules, strict = strict,
    nodes = {}, names = {}, producers = {}, consumed = {}, frames = {}, undo = {},
  }, Trace)
end

---The name, or the name with the first number that makes it new.
function Trace:unique(name)
  local count = self.names[name]
  if not count then
    self.names[name] = 0
    return name
  end
  local candidate
  repeat
    count = count + 1
    candidate = name .. "_" .. count
  until not self.names[candidate]
  self.names[name], self.names[candidate] = count, 0
  return candidate
end

function Trace:add_node(node)
  self.nodes[#self.nodes + 1] = node
  return node.name
end

---Note that `source` (a node's name, or "name:k") gave this value, and what is inside of it when it is a plain table: a
---step of a sequence, a part of a batch. Numbers have no identity: equal ones are the same.
function Trace:produced(value, source, depth)
  depth = depth or 0
  if is_object(value) or (type(value) == "number" and value == value) then self.producers[value] = source end
  if type(value) ~= "table" or getmetatable_of(value) or depth == CONTAINER_DEPTH then return end
  local seen = 0
  for _, part in next, value do
    seen = seen + 1
    if seen > CONTAINER_SCAN then break end
    if is_object(part) then self:produced(part, source, depth + 1) end
  end
end

function Trace:consume(inputs, source)
  inputs[#inputs + 1] = source
  self.consumed[source:match("^(.-):%d+$") or source] = true
end

---A value that neither is an input nor came out of a module.
function Trace:from_nowhere(value, scope, place)
  if self.strict then
    self.failure = ("a value from nowhere reaches %s (argument %d is neither an input of the model nor the result of"
      .. " another module); with use_strict_trace = false it is drawn as a constant"):format(scope, place)
    error(self.failure, 0)
  end
  local name = self:unique((scope:match("^(.*)/") or scope) .. "/constant")
  self:produced(value, name)
  return self:add_node{name = name, op = "Constant", shape = M.shape_of(value)}
end

---Add the sources of one argument to `inputs`. Texts, booleans and functions are settings, not values.
function Trace:trace_argument(inputs, value, scope, place)
  if not is_object(value) and type(value) ~= "number" then return end
  local source = self.producers[value]
  if source then
    self:consume(inputs, source)
  elseif is_bundle(value) then
    for i = 1, #value do self:trace_argument(inputs, value[i], scope, place) end
  elseif not M.is_module(value) then
    self:consume(inputs, self:from_nowhere(value, scope, place))
  end
end

---Numbers, texts and booleans among the module's own fields.
local function attributes_of(module)
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

---The values of a result: elements of a bundle one by one.
local function flatten(results)
  local flat = {}
  for i = 1, results.n do
    if is_bundle(results[i]) then
      for k = 1, #results[i] do flat[#flat + 1] = results[i][k] end
    else
      flat[#flat + 1] = results[i]
    end
  end
  return flat
end

local function shapes_of(values)
  local shapes = {}
  for i, v in ipairs(values) do
    shapes[i] = M.shape_of(v)
    if not shapes[i] then return nil end
  end
  if #shapes > 1 then return shapes end
  return shapes[1]
end

---Results of nodes inside a scope that nothing has taken yet: what plain code in `forward` must have used.
function Trace:loose_ends(first)
  local ends = {}
  for i = first, #self.nodes do
    local node = self.nodes[i]
    if not self.consumed[node.name] and node.op ~= "Constant" then ends[#ends + 1] = node.name end
  end
  return ends
end

---Make a node for a module's call, which gave these values.
function Trace:add_call(module, scope, inputs, values)
  local name = self:add_node{name = scope, op = class_of(module), inputs = inputs, shape = shapes_of(values),
    attr = attributes_of(module)}
  for i, v in ipairs(values) do self:produced(v, i == 1 and name or ("%s:%d"):format(name, i - 1)) end
end

---After a call: a module that called none is a node; one that did is a scope, and a node as well only when it made
---a value that none of them gave.
function Trace:finish_call(frame, results)
  local values = flatten(results)
  if frame.calls == 0 then return self:add_call(frame.module, frame.scope, frame.inputs, values) end
  local fresh = {}
  for _, v in ipairs(values) do
    local source = self.producers[v]
    if (is_object(v) or type(v) == "number") and not source then fresh[#fresh + 1] = v end
  end
  if #fresh == 0 then return end
  local inputs = self:loose_ends(frame.first_node)
  for _, source in ipairs(inputs) do self.consumed[source] = true end
  if #inputs == 0 then inputs = frame.inputs end
  self:add_call(frame.module, frame.scope, inputs, fresh)
end

---The scope of a call: below the caller's when it holds the module, else where the module was found.
function Trace:scope_of(module)
  local caller = self.frames[#self.frames]
  local own = caller and self.children[caller.module]
  local name = own and own[module] and caller.scope .. "/" .. own[module] or self.scopes[module]
  return self:unique(name)
end

---A call in progress. It ends with its function, by a result, an error or a coroutine that is given up.
local Frame = {}

---The innermost frame is the last one, but for coroutines that were left in the middle.
function Frame.__close(frame)
  local frames = frame.frames
  for i = #frames, 1, -1 do
    if frames[i] == frame then return table.remove(frames, i) end
  end
end

---Run a module's function, and note what went in and came out.
function Trace:run(module, fn, ...)
  local caller = self.frames[#self.frames]
  local called = {module = module, scope = self:scope_of(module), inputs = {}, calls = 0, frames = self.frames}
  if caller then caller.calls = caller.calls + 1 end
  for i = 1, select("#", ...) do
    self:trace_argument(called.inputs, (select(i, ...)), called.scope, i)
  end
  called.first_node = #self.nodes + 1
  self.frames[#self.frames + 1] = called
  local results
  do
    local _ <close> = setmetatable(called, Frame) -- no pcall: a deep model must not use up the C stack
    results = table.pack(fn(module, ...))
  end
  self:finish_call(called, results)
  return table.unpack(results, 1, results.n)
end

-- ---- replacing functions for the time of the trace ------------------------------------------------------------

---Put `value` into t[key] until `restore`.
function Trace:patch(t, key, value)
  self.undo[#self.undo + 1] = {t, key, rawget(t, key)}
  rawset(t, key, value)
end

---Asks for no memory: there may be none left. What an error leaves undone, `__close` does.
function Trace:restore()
  local undo = self.undo
  for i = #undo, 1, -1 do
    local change = undo[i]
    rawset(change[1], change[2], change[3])
    undo[i] = nil
  end
end

Trace.__close = Trace.restore

---The function that stands in for `fn`: it traces calls of the model's modules. A module that calls itself (__call
---calls forward, or a class its base) is one call.
function Trace:wrap(fn)
  return function(module, ...)
    local caller = self.frames[#self.frames]
    if not self.scopes[module] or (caller and caller.module == module) then return fn(module, ...) end
    return self:run(module, fn, ...)
  end
end

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
function Trace:patch_index(mt)
  local index = rawget(mt, "__index")
  self:patch(mt, "__index", function(object, key)
    local value = index(object, key)
    return key == "forward" and type(value) == "function" and self:wrap(value) or value
  end)
end

function Trace:patch_forward(module, done)
  local forward = field_of(module, "forward")
  if type(forward) ~= "function" then return end
  local holder, mt = holder_of(module), getmetatable_of(module)
  if not holder and type(module) == "table" then holder = module end
  if holder and not done[holder] then
    done[holder] = true
    self:patch(holder, "forward", self:wrap(forward))
  elseif not holder and not done[mt] and type(rawget(mt, "__index")) == "function" then
    done[mt] = true
    self:patch_index(mt)
  end
end

function Trace:patch_modules()
  local done, called = {}, {}
  for _, module in ipairs(self.modules) do
    self:patch_forward(module, done)
    local mt, call = getmetatable_of(module), call_of(module)
    if type(call) == "function" and not called[mt] then
      called[mt] = true
      self:patch(mt, "__call", self:wrap(call))
    end
  end
end

-- ---- inputs and outputs ---------------------------------------------------------------------------------------

---How many arguments a function takes after self; huge when it takes any number.
local function parameter_count(fn)
  if not debug or type(fn) ~= "function" then return math.huge end
  local info = debug.getinfo(fn, "u")
  return info.isvararg and math.huge or info.nparams - 1
end

---The arguments of forward in `input`: a plain list of objects is several as far as forward takes so many, or what
---table.pack made; anything else is one.
local function spread(input, fn)
  if input == nil then return {n = 0} end
  if type(input) ~= "table" or getmetatable_of(input) then return {n = 1, input} end
  if math.type(rawget(input, "n")) == "integer" then return input end
  local takes, first = parameter_count(fn), input[1]
  local is_of_objects = type(first) == "userdata" or (type(first) == "table" and getmetatable_of(first) ~= nil)
  local is_of_tables = type(first) == "table" and #input > 1 and takes ~= math.huge
  if (is_of_objects or is_of_tables) and #input <= takes then return table.pack(table.unpack(input)) end
  return {n = 1, input}
end

local function parameter_name(fn, i)
  local name = debug and type(fn) == "function" and debug.getlocal(fn, i + 1)
  if not name or name:find("[^%w_]") then return tostring(i) end
  return name
end

function Trace:add_inputs(arguments, fn)
  for i = 1, arguments.n do
    local value = arguments[i]
    if is_object(value) or type(value) == "number" then
      local name = self:unique("input/" .. parameter_name(fn, i))
      self:add_node{name = name, op = "IO Node", shape = M.shape_of(value)}
      self:produced(value, name)
    end
  end
end

function Trace:add_outputs(results)
  for i, value in ipairs(flatten(results)) do
    local source = self.producers[value]
    local name = self:unique("output/output." .. i)
    self:add_node{name = name, op = "IO Node", inputs = {source}, shape = M.shape_of(value)}
  end
end

local function trace_model(trace, model, input)
  local forward = field_of(model, "forward")
  local fn = type(forward) == "function" and forward or call_of(model)
  local arguments = spread(input, fn)
  trace:add_inputs(arguments, fn)
  trace:patch_modules()
  local results = table.pack(trace:run(model, fn, table.unpack(arguments, 1, arguments.n)))
  trace:add_outputs(results)
end

---Run the model once on `input` and return its nodes in the order of the calls.
---@param model any a module
---@param input? any what `forward` takes; a list of objects, or what `table.pack` gives, is several arguments
---@param strict? boolean raise when a value reaches a module from nowhere (true), or make it a constant
---@return helios.GraphNode[]
function M.trace(model, input, strict)
  if not M.is_module(model) then
    error("trace: argument 'model': expected a module (with forward or __call), got a " .. type(model), 2)
  end
  local trace <close> = new_trace(model, strict ~= false) -- restores the model even in a coroutine that is given up
  local ok, message = pcall(trace_model, trace, model, input)
  trace:restore()
  if trace.failure then error(trace.failure, 2) end
  if not ok then error(message, 0) end
  return trace.nodes
end

---The graph as text, a line for each node.
---@param nodes helios.GraphNode[]
---@return string
function M.describe(nodes)
  local lines = {}
  for i, node in ipairs(nodes) do
    local inputs = table.concat(node.inputs or {}, ", ")
    lines[i] = ("%s = %s(%s)%s"):format(node.name, node.op or "UnSpecified", inputs, M.shape_text(node.shape))
  end
  return table.concat(lines, "\n")
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

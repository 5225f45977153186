---The graph of a model: what its modules are and how values flow between them, found by running it once.
---
---    local nodes = graph.trace(model, input)          -- what add_graph writes
---
---A module is a table or userdata with `forward(self, ...)` or `__call`; its fields, and tables in its fields, hold
---its submodules. While the model runs, `forward` and `__call` of every module found that way are replaced by functions
---that note who is called with what; afterwards everything is as it was, also when the model raises.
local found = require "helios.graph.modules"
local patches = require "helios.graph.patches"
local values = require "helios.graph.values"

---@class helios.graph
local M = {is_module = found.is_module, shape_of = values.shape_of, shape_text = values.shape_text}

local getmetatable_of = debug and debug.getmetatable or getmetatable

local PART_DEPTH, PART_SCAN = 3, 1000 -- how deep and how far the parts of a value are followed

---@class helios.GraphNode
---@field name string unique; `/` separates scopes
---@field op? string
---@field inputs? string[] names of nodes; `name:1` is the second output
---@field shape? integer[]|integer[][] of the output, or of several outputs
---@field attr? table<string, string|number|boolean>
---@field device? string

-- ---- the trace ----------------------------------------------------------------------------------------------

---@class helios.graph.Trace
local Trace = {}
Trace.__index = Trace

local function new_trace(root, strict)
  local children, scopes, modules = found.find(root)
  return setmetatable({
    children = children, scopes = scopes, modules = modules, strict = strict,
    nodes = {}, names = {}, producers = {}, consumed = {}, frames = {},
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
  if found.is_object(value) or (type(value) == "number" and value == value) then self.producers[value] = source end
  if type(value) ~= "table" or getmetatable_of(value) or depth == PART_DEPTH then return end
  local seen = 0
  for _, part in next, value do
    seen = seen + 1
    if seen > PART_SCAN then break end
    if found.is_object(part) then self:produced(part, source, depth + 1) end
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
  return self:add_node{name = name, op = "Constant", shape = values.shape_of(value)}
end

---Add the sources of one argument to `inputs`. Texts, booleans and functions are settings, not values.
function Trace:trace_argument(inputs, value, scope, place)
  if not found.is_object(value) and type(value) ~= "number" then return end
  local source = self.producers[value]
  if source then
    self:consume(inputs, source)
  elseif values.is_bundle(value) then
    for i = 1, #value do self:trace_argument(inputs, value[i], scope, place) end
  elseif not found.is_module(value) then
    self:consume(inputs, self:from_nowhere(value, scope, place))
  end
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
function Trace:add_call(module, scope, inputs, given)
  local name = self:add_node{name = scope, op = found.class_of(module), inputs = inputs,
    shape = values.shapes_of(given), attr = found.attributes_of(module)}
  for i, v in ipairs(given) do self:produced(v, i == 1 and name or ("%s:%d"):format(name, i - 1)) end
end

---After a call: a module that called none is a node; one that did is a scope, and a node as well only when it made
---a value that none of them gave.
function Trace:finish_call(frame, results)
  local given = values.flatten(results)
  if frame.calls == 0 then return self:add_call(frame.module, frame.scope, frame.inputs, given) end
  local fresh = {}
  for _, v in ipairs(given) do
    local source = self.producers[v]
    if (found.is_object(v) or type(v) == "number") and not source then fresh[#fresh + 1] = v end
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

---The function that stands in for `fn`: it traces calls of the model's modules. A module that calls itself (__call
---calls forward, or a class its base) is one call.
function Trace:wrap(fn)
  return function(module, ...)
    local caller = self.frames[#self.frames]
    if not self.scopes[module] or (caller and caller.module == module) then return fn(module, ...) end
    return self:run(module, fn, ...)
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
    if found.is_object(value) or type(value) == "number" then
      local name = self:unique("input/" .. parameter_name(fn, i))
      self:add_node{name = name, op = "IO Node", shape = values.shape_of(value)}
      self:produced(value, name)
    end
  end
end

function Trace:add_outputs(results)
  for i, value in ipairs(values.flatten(results)) do
    local source = self.producers[value]
    local name = self:unique("output/output." .. i)
    self:add_node{name = name, op = "IO Node", inputs = {source}, shape = values.shape_of(value)}
  end
end

local function trace_model(trace, replaced, model, input)
  local forward = found.field_of(model, "forward")
  local fn = type(forward) == "function" and forward or found.call_of(model)
  local arguments = spread(input, fn)
  trace:add_inputs(arguments, fn)
  replaced:put_modules(trace.modules)
  local results = table.pack(trace:run(model, fn, table.unpack(arguments, 1, arguments.n)))
  trace:add_outputs(results)
end

---Run the model once on `input` and return its nodes in the order of the calls.
---@param model any a module
---@param input? any what `forward` takes; a list of objects, or what `table.pack` gives, is several arguments
---@param strict? boolean raise when a value reaches a module from nowhere (true), or make it a constant
---@return helios.GraphNode[]
function M.trace(model, input, strict)
  if not found.is_module(model) then
    error("trace: argument 'model': expected a module (with forward or __call), got a " .. type(model), 2)
  end
  local trace = new_trace(model, strict ~= false)
  local replaced <close> = patches.new(function(fn) return trace:wrap(fn) end) -- put back even in a coroutine given up
  local ok, message = pcall(trace_model, trace, replaced, model, input)
  replaced:restore()
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
    lines[i] = ("%s = %s(%s)%s"):format(node.name, node.op or "UnSpecified", inputs, values.shape_text(node.shape))
  end
  return table.concat(lines, "\n")
end

return M

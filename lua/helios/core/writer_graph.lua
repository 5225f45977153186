---TensorboardWriter:add_graph - a model traced, or nodes as they are, handed to the core.
-- @module helios.core.writer_graph
local calling = require "helios.core.options"
local native = require("helios.native").graph

local OPTIONS = {input_to_model = "any", verbose = "boolean", use_strict_trace = "boolean", walltime = "number"}
local POSITIONAL = {"input_to_model", "verbose", "use_strict_trace"}

---A table that can only be the options: it has keys, and all are names of them.
local function is_options(t)
  if type(t) ~= "table" or next(t) == nil then return false end
  for key in pairs(t) do
    if not OPTIONS[key] then return false end
  end
  return true
end

local function fail(name, reason, level) error(("add_graph: argument '%s': %s"):format(name, reason), level + 1) end

---The input may be a table itself, so the options may also come after it.
local function read_options(...)
  local given, options, last = table.pack(...), {}, #POSITIONAL
  for i = 1, 2 do
    if is_options(given[i]) and last > i then
      for name, value in pairs(given[i]) do options[name] = value end
      last = i
    elseif last >= i then
      options[POSITIONAL[i]] = given[i]
    end
  end
  if last == #POSITIONAL then options.use_strict_trace = given[3] end
  for i = last + 1, given.n do
    if given[i] ~= nil then error("add_graph: too many arguments", 4) end
  end
  for name, kind in pairs(OPTIONS) do
    local value = options[name]
    if value ~= nil and kind ~= "any" and type(value) ~= kind then
      fail(name, ("expected a %s, got %s"):format(kind, type(value)), 3)
    end
  end
  return options
end

---A list of tables that are plain or have names; whether they are nodes is for the core to say.
local function is_node_list(model)
  local first = type(model) == "table" and model[1]
  return type(first) == "table" and (getmetatable(first) == nil or rawget(first, "name") ~= nil)
end

---Nodes take no input: a table with names in its place can only be meant for the options.
local function check_no_options(input)
  if type(input) ~= "table" then return end
  for key in pairs(input) do
    if type(key) == "string" and not OPTIONS[key] then error(("add_graph: unknown option '%s'"):format(key), 3) end
  end
end

---The error of a call inside, as this function's own.
local function renamed(message)
  if type(message) ~= "string" then return message end
  return (message:gsub("^[^\n]-:%d+: (add_graph: )", "%1"))
end

return function(self, model, ...)
  if not calling.at_caller(native.is_open, self, "add_graph") then return end
  if model == nil then fail("model", "missing", 2) end
  local options = read_options(...)
  local graph = require "helios.graph"
  local nodes = model
  if graph.is_module(model) then
    local ok, traced = pcall(graph.trace, model, options.input_to_model, options.use_strict_trace)
    if not ok and type(traced) == "string" and traced:find("from nowhere", 1, true) then
      fail("model", traced:gsub("^[^\n]-:%d+: ", ""), 2)
    end
    if not ok then error(traced, 0) end
    nodes = traced
  elseif not is_node_list(model) then
    fail("model", "expected a module (with forward or __call) or a list of nodes, got a " .. type(model), 2)
  else
    check_no_options(options.input_to_model)
  end
  local ok, message = pcall(native.add, self, nodes, {walltime = options.walltime})
  if not ok then error(renamed(message), 2) end
  if options.verbose then print(graph.describe(nodes)) end
end

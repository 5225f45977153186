-- graph.lua - the graph of a model, found by running it once.
local helios = require "helios"
local logging, tensor = helios.core.logging, helios.tensor

-- Modules are tables with `forward` or `__call`; the metatable's __name is the class. Any library's will do.
local function class(name)
  local methods = {__name = name}
  methods.__index = methods
  methods.__call = function(self, ...) return self:forward(...) end
  return methods
end

local Linear = class "Linear"
function Linear.new(n_in, n_out)
  return setmetatable({in_features = n_in, out_features = n_out, weight = tensor.new{n_out, n_in}}, Linear)
end
function Linear:forward(x) -- the shapes are real, the numbers do not matter here
  return tensor.new{x.shape[1], self.out_features}
end

local ReLU = class "ReLU"
function ReLU:forward(x) return x end -- luacheck: ignore self

local Sequential = class "Sequential"
function Sequential:forward(x)
  for _, module in ipairs(self) do x = module(x) end
  return x
end

local Add = class "Add"
function Add:forward(a) return tensor.new(a.shape) end -- luacheck: ignore self

local Net = class "Net"
function Net.new()
  local layers = {Linear.new(64, 32), setmetatable({}, ReLU), Linear.new(32, 32), setmetatable({}, ReLU)}
  return setmetatable({
    encoder = setmetatable(layers, Sequential),
    skip = Linear.new(64, 32),
    add = setmetatable({}, Add),
    head = Linear.new(32, 10),
  }, Net)
end
function Net:forward(image)
  return self.head(self.add(self.encoder(image), self.skip(image)))
end

local tb = logging.TensorboardWriter()
tb:setup("runs/graph")
tb:add_graph(Net.new(), tensor.new{16, 64}, {verbose = true})
assert(tb:close())
print("the graph is in runs/graph")

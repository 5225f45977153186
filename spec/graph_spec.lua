local TensorboardWriter = require "helios.core.tensorboard_writer"
local events = require "spec.support.events"
local graph = require "helios.graph"
local tensor = require "helios.tensor"
local tmp = require "spec.support.tmp"

local dir, tb
before_each(function()
  dir, tb = tmp.dir(), TensorboardWriter()
  tb:setup(dir)
end)
after_each(function() tb:close() end)

local function fails(message, f, ...)
  local ok, err = pcall(f, ...)
  assert.is_false(ok, "expected an error: " .. message)
  assert.equal(message, (tostring(err):gsub("^[^:]+:%d+: ", "")))
end

-- ---- a small library of modules ---------------------------------------------------------------------------

local Linear = {__name = "Linear"}
Linear.__index = Linear
function Linear.new(n_in, n_out)
  return setmetatable({in_features = n_in, out_features = n_out, bias = true, _hidden = 1, weight = {1}}, Linear)
end
function Linear:forward(x) return tensor.new{x.shape[1], self.out_features} end
Linear.__call = function(self, x) return self:forward(x) end

local Identity = {_NAME = "Identity"}
Identity.__call = function(_, x) return x end

local Sequential = {__name = "Sequential"}
Sequential.__index = Sequential
Sequential.__call = function(self, x)
  for _, module in ipairs(self) do x = module(x) end
  return x
end

local function class(name, forward, fields)
  return setmetatable(fields, {name = name, __index = {forward = forward}})
end

local function input() return tensor.new{2, 3} end

local function lines(...) return graph.describe(graph.trace(...)) end

local function text(...) return table.concat({...}, "\n") end

describe("graph.trace", function()
  it("names nodes by scope and gives class, inputs and output shape", function()
    local net = class("Net", function(self, x) return self.head(self.encoder(x)) end, {
      encoder = setmetatable({Linear.new(3, 4), setmetatable({}, Identity)}, Sequential), head = Linear.new(4, 5),
    })
    assert.equal(text(
      "input/x = IO Node() -> 2x3",
      "Net/Sequential[encoder]/Linear[0] = Linear(input/x) -> 2x4",
      "Net/Sequential[encoder]/Identity[1] = Identity(Net/Sequential[encoder]/Linear[0]) -> 2x4",
      "Net/Linear[head] = Linear(Net/Sequential[encoder]/Identity[1]) -> 2x5",
      "output/output.1 = IO Node(Net/Linear[head]) -> 2x5"), lines(net, input()))
  end)

  it("gives the module's own scalar fields as attributes", function()
    local nodes = graph.trace(Linear.new(3, 4), input())
    assert.same({in_features = 3, out_features = 4, bias = true}, nodes[2].attr)
  end)

  it("makes one node for each call of a shared module", function()
    local net = class("Net", function(self, x) return self.fc(self.fc(x)) end, {fc = Linear.new(3, 3)})
    assert.equal(text(
      "input/x = IO Node() -> 2x3",
      "Net/Linear[fc] = Linear(input/x) -> 2x3",
      "Net/Linear[fc]_1 = Linear(Net/Linear[fc]) -> 2x3",
      "output/output.1 = IO Node(Net/Linear[fc]_1) -> 2x3"), lines(net, input()))
  end)

  it("takes several inputs and gives several outputs", function()
    local split = class("Split", function(_, x) return x, tensor.new{7} end, {})
    local net = class("Net", function(self, a, b)
      local _, second = self.split(a)
      return self.fc:forward(b), second
    end, {fc = Linear.new(3, 1), split = setmetatable(split, {
      name = "Split", __call = function() return tensor.new{1}, tensor.new{7} end})})
    local nodes = graph.trace(net, {input(), input()})
    assert.equal(text(
      "input/a = IO Node() -> 2x3",
      "input/b = IO Node() -> 2x3",
      "Net/Split[split] = Split(input/a) -> 1, 7",
      "Net/Linear[fc] = Linear(input/b) -> 2x1",
      "output/output.1 = IO Node(Net/Linear[fc]) -> 2x1",
      "output/output.2 = IO Node(Net/Split[split]:1) -> 7"), graph.describe(nodes))
  end)

  it("draws a module with plain code of its own as a scope and a node", function()
    local net = class("Residual", function(self, x)
      self.fc(x)
      return tensor.new{9}
    end, {fc = Linear.new(3, 3)})
    assert.equal(text(
      "input/x = IO Node() -> 2x3",
      "Residual/Linear[fc] = Linear(input/x) -> 2x3",
      "Residual = Residual(Residual/Linear[fc]) -> 9",
      "output/output.1 = IO Node(Residual) -> 9"), lines(net, input()))
  end)

  it("finds modules in lists inside of modules, and tells two of a name apart", function()
    local net = class("Net", function(self, x) return self.b[1](self.a[1](x)) end,
      {a = {Linear.new(3, 3)}, b = {Linear.new(3, 2)}})
    assert.equal(text(
      "input/x = IO Node() -> 2x3",
      "Net/Linear[0] = Linear(input/x) -> 2x3",
      "Net/Linear[b.0] = Linear(Net/Linear[0]) -> 2x2",
      "output/output.1 = IO Node(Net/Linear[b.0]) -> 2x2"), lines(net, input()))
  end)

  it("follows values inside of a list that is passed on", function()
    local pair = setmetatable({}, {__name = "Pair", __call = function(_, both) return both[2] end})
    local net = class("Net", function(self, x) return self.pair({self.fc(x), x}) end,
      {fc = Linear.new(3, 4), pair = pair})
    assert.truthy(lines(net, input()):find("Net/Pair[pair] = Pair(Net/Linear[fc], input/x) -> 2x3", 1, true))
  end)

  it("knows the parts of an input that is a plain table", function()
    local cell = setmetatable({}, {__name = "Cell", __call = function(_, x) return {x[1]} end})
    local net = class("Rnn", function(self, batch)
      local h
      for _, x in ipairs(batch.steps) do h = self.cell(x, h) end
      return h
    end, {cell = cell})
    assert.equal(text(
      "input/batch = IO Node()",
      "Rnn/Cell[cell] = Cell(input/batch) -> 1",
      "Rnn/Cell[cell]_1 = Cell(input/batch, Rnn/Cell[cell]) -> 1",
      "output/output.1 = IO Node(Rnn/Cell[cell]_1) -> 1"), lines(net, {steps = {{1, 2}, {3, 4}}}))
  end)

  it("traces modules that are userdata, whether a table or a function finds their methods", function()
    local files, file_mt = {}, getmetatable(io.stdout)
    local function userdata(mt)
      files[#files + 1] = io.tmpfile()
      return debug.setmetatable(files[#files], mt)
    end
    local function forward() return tensor.new{1} end
    local index = function(_, key) return key == "forward" and forward or nil end
    local by_table, by_function = {__name = "Conv", __index = {forward = forward}}, {__name = "Pool", __index = index}
    local net = class("Net", function(self, x) return self.b:forward(self.a:forward(x)) end,
      {a = userdata(by_table), b = userdata(by_function)})
    local found = lines(net, input())
    for _, file in ipairs(files) do debug.setmetatable(file, file_mt):close() end
    assert.equal(text(
      "input/x = IO Node() -> 2x3",
      "Net/Conv[a] = Conv(input/x) -> 1",
      "Net/Pool[b] = Pool(Net/Conv[a]) -> 1",
      "output/output.1 = IO Node(Net/Pool[b]) -> 1"), found)
    assert.equal(forward, by_table.__index.forward)
    assert.equal(index, by_function.__index)
  end)

  it("raises when a value comes from nowhere, or makes it a constant", function()
    local net = class("Net", function(self) return self.fc(tensor.new{2, 3}) end, {fc = Linear.new(3, 4)})
    local message = "a value from nowhere reaches Net/Linear[fc] (argument 1 is neither an input of the model nor the"
      .. " result of another module); with use_strict_trace = false it is drawn as a constant"
    fails(message, graph.trace, net, input())
    assert.equal(text(
      "input/1 = IO Node() -> 2x3",
      "Net/constant = Constant() -> 2x3",
      "Net/Linear[fc] = Linear(Net/constant) -> 2x4",
      "output/output.1 = IO Node(Net/Linear[fc]) -> 2x4"), lines(net, input(), false))
  end)

  it("runs the model once and leaves it as it was, also when it raises", function()
    local runs, forward, call = 0, Linear.forward, Linear.__call
    local net = class("Net", function(self, x)
      runs = runs + 1
      self.fc(x)
      error({code = 7})
    end, {fc = Linear.new(3, 4)})
    local own_forward = getmetatable(net).__index.forward
    local ok, err = pcall(graph.trace, net, input())
    assert.is_false(ok)
    assert.same({code = 7}, err)
    assert.equal(1, runs)
    assert.equal(forward, Linear.forward)
    assert.equal(call, Linear.__call)
    assert.equal(own_forward, getmetatable(net).__index.forward)
    assert.is_nil(rawget(net, "forward"))
  end)

  it("leaves the model as it was when it is given up in the middle", function()
    local layer = Linear.new(3, 4)
    local forward, call = Linear.forward, Linear.__call
    local net = class("Net", function(self, x) return self.fc(coroutine.yield() or x) end, {fc = layer})
    local run = coroutine.create(function() graph.trace(net, input()) end)
    assert.is_true(coroutine.resume(run))
    assert.not_equal(forward, Linear.forward)
    assert.is_true(coroutine.close(run))
    assert.equal(forward, Linear.forward)
    assert.equal(call, Linear.__call)
  end)

  it("goes as deep as the model's own calls", function()
    local net = {forward = function() return tensor.new{1} end}
    for _ = 1, 1000 do net = {inner = net, forward = function(self, x) return self.inner:forward(x) end} end
    local nodes = graph.trace(net, input())
    assert.equal(3, #nodes)
    assert.equal(1000, select(2, nodes[2].name:gsub("/", "")))
  end)

  it("finds the modules in the user value of a userdata", function()
    local net = tensor.new{1} -- a userdata that has a user value
    local own_mt = debug.getmetatable(net)
    assert(debug.setuservalue(net, {fc = Linear.new(3, 4)}, 1))
    debug.setmetatable(net, {__name = "Net", __call = function(self, x) return debug.getuservalue(self, 1).fc(x) end})
    local found = lines(net, input())
    debug.setmetatable(net, own_mt)
    assert.equal(text(
      "input/x = IO Node() -> 2x3",
      "Net/Linear[fc] = Linear(input/x) -> 2x4",
      "output/output.1 = IO Node(Net/Linear[fc]) -> 2x4"), found)
  end)

  it("is not led astray by values that hold themselves", function()
    local ring = {}
    ring[1] = ring
    local net = class("Net", function(self) return self.fc(tensor.new{2, 3}) end, {fc = Linear.new(3, 4)})
    assert.equal("input/1 = IO Node()", (lines(net, ring, false):match("[^\n]+")))
    assert.is_nil(graph.shape_of(ring))
    assert.is_nil(graph.shape_of({shape = setmetatable({}, {__len = function() return 1 << 60 end})}))
  end)

  it("is not led astray by modules that hold one another", function()
    local net = class("Net", function(self, x) return self.fc(x) end, {fc = Linear.new(3, 4)})
    net.fc.parent, net.me = net, net
    assert.equal(3, #graph.trace(net, input()))
  end)
end)

-- The GraphDef of the run, and the events it came in.
local function written()
  assert.is_true(tb:flush())
  local list = events.run(dir)
  for i, event in ipairs(list) do
    if event.graph_def then return events.decode(event.graph_def, "GraphDef"), list, i end
  end
end

local function attr_of(node)
  local attr = {}
  for _, pair in ipairs(node.attr or {}) do attr[pair.key] = pair.value end
  return attr
end

describe("add_graph", function()
  it("writes the graph and, right behind it, the run metadata that viewers want", function()
    tb:add_graph(Linear.new(3, 4), input(), {walltime = 5.5})
    local def, list, at = written()
    assert.equal(22, def.versions.producer)
    assert.equal(5.5, list[at].wall_time)
    assert.is_nil(list[at].step)
    assert.equal("step1", list[at + 1].tagged_run_metadata.tag)
    assert.same({step_stats = {dev_stats = {{device = "/device:CPU:0"}}}},
      events.decode(list[at + 1].tagged_run_metadata.run_metadata, "RunMetadata"))
    assert.equal("Linear", def.node[2].name)
    assert.same({"input/x"}, def.node[2].input)
    local attr = attr_of(def.node[2])
    assert.same({list = {shape = {{dim = {{size = 2}, {size = 4}}}}}}, attr._output_shapes)
    assert.same({i = 4}, attr.out_features)
    assert.same({b = true}, attr.bias)
  end)

  it("writes a list of nodes as it is", function()
    tb:add_graph{
      {name = "x", op = "Placeholder", shape = {-1, 3.0}},
      {name = "net/y", inputs = {"x", "^x"}, shape = {{1}, {}}, device = "/device:GPU:0",
        attr = {rate = 0.5, name = "n\u{e9}", on = false, count = 3}},
    }
    local def = written()
    assert.same({"x", "net/y"}, {def.node[1].name, def.node[2].name})
    assert.equal("UnSpecified", def.node[2].op)
    assert.same({"x", "^x"}, def.node[2].input)
    assert.equal("/device:GPU:0", def.node[2].device)
    local attr = attr_of(def.node[2])
    assert.same({{dim = {{size = 1}}}, {}}, attr._output_shapes.list.shape)
    assert.same({f = 0.5}, attr.rate)
    assert.same({s = "n\u{e9}"}, attr.name)
    assert.same({b = false}, attr.on)
    assert.same({i = 3}, attr.count)
  end)

  it("takes its options by name", function()
    local net = class("Net", function(self) return self.fc(tensor.new{1, 3}) end, {fc = Linear.new(3, 4)})
    tb:add_graph(net, {use_strict_trace = false})
    assert.equal("Net/constant", written().node[1].name)
  end)

  it("has no effect before setup, and raises after close", function()
    local never = TensorboardWriter()
    never:add_graph(17)
    tb:close()
    fails("add_graph: writer is closed", tb.add_graph, tb, Linear.new(1, 1), input())
  end)

  local wrong = {
    {"add_graph: argument 'model': expected a module (with forward or __call) or a list of nodes, got a number", 3},
    {"add_graph: argument 'model': expected a module (with forward or __call) or a list of nodes, got a table", {}},
    {"add_graph: argument 'model': node 2: name: there are two nodes named 'a'", {{name = "a"}, {name = "a"}}},
    {"add_graph: argument 'model': node 2: name: a node must have a name", {{name = "a"}, {op = "b"}}},
    {"add_graph: argument 'model': node 1: name: a node must have a name", {{}}},
    {"add_graph: argument 'model': node 1: unknown field 'input'", {{name = "a", input = {}}}},
    {"add_graph: argument 'model': node 1: 'shape': expected integers, got 1.5", {{name = "a", shape = {1.5}}}},
    {"add_graph: argument 'model': node 1: 'inputs': expected a string, got a table", {{name = "a", inputs = {{}}}}},
    {"add_graph: argument 'model': node 1: 'attr': expected booleans, numbers or strings, got a table",
      {{name = "a", attr = {x = {}}}}},
    {"add_graph: argument 'model': node 1: op: not valid UTF-8", {{name = "a", op = "\xff"}}},
  }
  for _, case in ipairs(wrong) do
    it("says " .. case[1], function()
      fails(case[1], tb.add_graph, tb, case[2])
      assert.is_true(tb:flush())
      assert.same({}, tmp.files(dir, "tfevents"))
    end)
  end

  it("says which option is of the wrong type", function()
    local message = "add_graph: argument 'verbose': expected a boolean, got number"
    fails(message, tb.add_graph, tb, Linear.new(1, 1), input(), 1)
    fails("add_graph: too many arguments", tb.add_graph, tb, Linear.new(1, 1), input(), {verbose = false}, true)
    fails("add_graph: unknown option 'global_step'", tb.add_graph, tb, {{name = "a"}}, {global_step = 3, walltime = 1})
  end)
end)

describe("add_onnx_graph", function()
  it("writes inputs, operators and outputs", function()
    assert.is_true(tb:add_onnx_graph("spec/golden/small.onnx"))
    local def = written()
    local found = {}
    for i, node in ipairs(def.node) do
      found[i] = ("%s = %s(%s)"):format(node.name, node.op, table.concat(node.input or {}, ", "))
    end
    assert.same({
      "x = Variable()",
      "features/conv/Conv_output_0 = Conv(x, conv.weight)",
      "features/act/LeakyRelu_output_0 = LeakyRelu(features/conv/Conv_output_0)",
      "split_0 = Split(features/act/LeakyRelu_output_0)",
      "y = Add(split_0, split_0:1)",
      "output/y = Output(y)",
    }, found)
    local conv, act = attr_of(def.node[2]), attr_of(def.node[3])
    assert.same({s = "[3, 3]"}, conv.kernel_shape)
    assert.same({i = 1}, conv.group)
    assert.same({s = "NOTSET"}, conv.auto_pad)
    assert.same({f = 0.25}, act.alpha)
    assert.same({{size = 1}, {size = 2}, {size = 8}, {size = 8}}, conv._output_shapes.list.shape[1].dim)
    assert.equal(-1, attr_of(def.node[1])._output_shapes.list.shape[1].dim[1].size)
  end)

  it("returns nil and the reason for what cannot be read or is no model", function()
    local ok, message, code = tb:add_onnx_graph("/nowhere/m.onnx")
    assert.same({n = 3, nil, "/nowhere/m.onnx: cannot open: No such file or directory", "EIO"},
      table.pack(ok, message, code))
    assert.same({n = 3, nil, "Makefile: no ONNX model: it holds no graph", "EFORMAT"},
      table.pack(tb:add_onnx_graph("Makefile")))
    assert.equal("EFORMAT", select(3, tb:add_onnx_graph("spec")))
  end)

  it("survives every cut and every changed byte of a model", function()
    local model, path = tmp.read("spec/golden/small.onnx"), dir .. "/m"
    for i = 1, #model, 3 do
      tmp.write(path, model:sub(1, i))
      tb:add_onnx_graph(path)
      tmp.write(path, model:sub(1, i - 1) .. string.char(model:byte(i) ~ (1 << i % 8)) .. model:sub(i + 1))
      local ok, _, code = tb:add_onnx_graph(path)
      assert.truthy(ok or code == "EFORMAT")
    end
    assert.is_true(tb:flush())
  end)
end)

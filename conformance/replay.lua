---Replays the calls of a file through helios: `lua replay.lua calls.lua folder`. A line is `session(name, options)`,
---which opens the run folder/name, or `call{method, n = count, arguments...}` on it. Prints a line for each call: "ok",
---or the error that it raised.
local logging = require "helios.core.logging"
local tensor = require "helios.tensor"

local calls, folder = arg[1], arg[2]
local writer

local function close()
  if writer then assert(writer:close()) end
end

local env = {
  math = math,
  figure = require "helios.figure",
  tensor = tensor,
  nan = (string.unpack("<d", "\0\0\0\0\0\0\xf8\x7f")),
  minus_nan = (string.unpack("<d", "\0\0\0\0\0\0\xf8\xff")),
}

---A tensor of these bytes whose dimensions are then moved, so that it is not contiguous.
function env.permuted(bytes, shape, dtype, order)
  return tensor.from_bytes(bytes, shape, dtype):permute(table.unpack(order))
end

local function class(name, forward)
  return {__name = name, __index = {forward = forward}}
end

local Linear = class("Linear", function(self, x) return tensor.new{x.shape[1], self.out_features} end)
local Sequential = class("Sequential", function(self, x)
  for _, layer in ipairs(self) do x = layer:forward(x) end
  return x
end)
local Net = class("Net", function(self, x) return self.head:forward(self.encoder:forward(x)) end)

---A model of two layers in a container and one behind it.
function env.network()
  local function linear(from, to)
    return setmetatable({in_features = from, out_features = to, kind = "dense"}, Linear)
  end
  local encoder = setmetatable({linear(64, 32), linear(32, 16)}, Sequential)
  return setmetatable({encoder = encoder, head = linear(16, 10)}, Net)
end

function env.session(name, options)
  close()
  writer = logging.TensorboardWriter()
  writer:setup(folder .. "/" .. name, options)
end

function env.call(c)
  local ok, message = pcall(writer[c[1]], writer, table.unpack(c, 2, c.n + 1))
  print(ok and "ok" or tostring(message):gsub("\n", " "))
end

for line in io.lines(calls) do
  assert(load(line, "=calls", "t", env))()
end
close()

---The script of `spec/c/test_every_call.c`: it runs, and no public call is missing from it.
local helios = require "helios"
local native = require "helios.native"
local tmp = require "spec.support.tmp"

local SCRIPT = "spec/support/every_call.lua"

-- Not called there: what ends the process, needs gnuplot, or is the inside of something that is called.
local ELSEWHERE = {
  ["distributed.abort"] = true, ["distributed.global_print"] = true,
  ["Figure.render"] = true, ["Figure.save"] = true,
  ["logger.new"] = true, ["logger.set_stderr_hook"] = true, ["logger.level"] = true,
}

local function functions_of(prefix, t, names)
  for name, value in pairs(t) do
    if type(value) == "function" and not name:find("^_") then names[#names + 1] = {prefix .. "." .. name, name} end
  end
end

local function public_calls()
  local names = {}
  for _, module in ipairs {"logging", "tensor", "figure", "graph", "reader", "rng", "distributed", "checkpoint"} do
    functions_of(module, helios[module], names)
  end
  functions_of("TensorboardWriter", helios.logging.TensorboardWriter, names)
  functions_of("writer", native.writer.methods, names)
  functions_of("RootLogger", helios.logging.RootLogger, names)
  functions_of("logger", native.logger, names)
  functions_of("Figure", getmetatable(helios.figure.new()).__index, names)
  functions_of("Tensor", native.tensor.methods, names)
  return names
end

describe("the script that uses every call", function()
  it("runs, piece by piece", function()
    local pieces, after, close = dofile(SCRIPT)(tmp.dir())
    native.logger.set_stderr_hook(function() end)
    for _, piece in ipairs(pieces) do
      piece.run()
      after()
    end
    close()
    native.logger.set_stderr_hook(nil)
  end)

  it("uses every public call", function()
    local source, missing = tmp.read(SCRIPT), {}
    for _, call in ipairs(public_calls()) do
      local used = source:find("[.:]" .. call[2] .. "[ ({]") or source:find("[.:]" .. call[2] .. ",")
      if not used and not ELSEWHERE[call[1]] then missing[#missing + 1] = call[1] end
    end
    table.sort(missing)
    assert.same({}, missing)
  end)
end)

-- custom_scalars.lua - charts of one's own: several tags in one chart, and a line with a margin around it.
local helios = require "helios"
local logging = helios.core.logging

local tb = logging.TensorboardWriter()
tb:setup("runs/custom_scalars")

tb:add_custom_scalars{
  losses = {
    ["train and valid"] = {"Multiline", {"loss/(train|valid)"}}, -- a regular expression
    estimate = {"Margin", {"estimate/mean", "estimate/low", "estimate/high"}},
  },
}

for step = 1, 100 do
  tb:set_step(step)
  tb:add_scalar("loss/train", math.exp(-step / 20))
  tb:add_scalar("loss/valid", 0.1 + math.exp(-step / 25))
  local mean, margin = math.sin(step / 15), 2 / step
  tb:add_scalar("estimate/mean", mean)
  tb:add_scalar("estimate/low", mean - margin)
  tb:add_scalar("estimate/high", mean + margin)
end

assert(tb:close())
print("two charts are in runs/custom_scalars: see the CUSTOM SCALARS tab")

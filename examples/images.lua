-- images.lua - pictures from a file, from numbers, and as a batch.
local helios = require "helios"
local logging, tensor = helios.core.logging, helios.tensor

local here = arg[0]:match("^(.*)/") or "."

---A disc of the given radius in a square of `side` pixels, as one channel of numbers from 0 to 1.
local function disc(side, radius)
  local rows = {}
  for y = 1, side do
    rows[y] = {}
    for x = 1, side do
      local distance = math.sqrt((x - side / 2) ^ 2 + (y - side / 2) ^ 2)
      rows[y][x] = math.max(0, math.min(1, radius - distance))
    end
  end
  return {rows}
end

local tb = logging.TensorboardWriter()
tb:setup("runs/images")

-- A PNG file is height x width x channels; uint8 is written as it is.
local flower = tensor.read_png(here .. "/data/flower.png")
tb:add_image("flower", flower, {global_step = 0, dataformats = "HWC"})

-- Numbers from 0 to 1 become gray pixels; a batch becomes a grid of eight columns.
local discs = {}
for i = 1, 16 do discs[i] = disc(32, i) end
tb:add_image("disc", discs[10], 0)
tb:add_images("discs", discs, 0)

assert(tb:close())
print("two pictures and a grid are in runs/images")

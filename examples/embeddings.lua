-- embeddings.lua - handwritten digits in the projector: each a point of 64 dimensions, with its label and picture.
local helios = require "helios"
local logging, tensor = helios.core.logging, helios.tensor

local here = arg[0]:match("^(.*)/") or "."
local COUNT, SIDE, DARKEST = 300, 8, 16

---The first rows of digits.csv: 64 pixels from 0 to 16, then the label.
local function read_digits(path, count)
  local rows, labels = {}, {}
  for line in io.lines(path) do
    local numbers = {}
    for field in line:gmatch("[^,]+") do numbers[#numbers + 1] = tonumber(field) end
    if #numbers == SIDE * SIDE + 1 then
      labels[#labels + 1] = math.tointeger(table.remove(numbers))
      for i = 1, #numbers do numbers[i] = numbers[i] / DARKEST end
      rows[#rows + 1] = numbers
    end
    if #rows == count then break end
  end
  return rows, labels
end

local rows, labels = read_digits(here .. "/data/digits.csv", COUNT)
local metadata = {}
for i, label in ipairs(labels) do metadata[i] = {label, label % 2 == 0 and "even" or "odd"} end

local tb = logging.TensorboardWriter()
tb:setup("runs/embeddings")
tb:add_embedding(rows, {
  metadata = metadata, metadata_header = {"digit", "parity"}, tag = "digits",
  label_img = tensor.from_table(rows):reshape(COUNT, 1, SIDE, SIDE),
})
assert(tb:close())
print(COUNT .. " digits are in runs/embeddings: see the PROJECTOR tab")

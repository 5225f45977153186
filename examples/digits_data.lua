---The handwritten digits of data/digits.csv as two datasets, shuffled before they are split, so that every hand is in
---both.
local helios = require "helios"

local TRAIN_COUNT <const> = 1500
local SPLIT_SEED <const> = 1

---@class Digit
---@field input number[] 64 values from 0 to 1, row by row
---@field class integer 1 to 10: the digit it shows, plus one

---One line holds 64 pixels from 0 to 16, then the digit they show.
---@return Digit
local function parse(line)
  local input = {}
  for value in line:gmatch("%d+") do input[#input + 1] = tonumber(value) / 16 end
  local label = table.remove(input) * 16
  return {input = input, class = math.tointeger(label) + 1}
end

---@param path string
---@return Digit[] training 1,500
---@return Digit[] validation 297
return function(path)
  local digits = {}
  for line in io.lines(path) do digits[#digits + 1] = parse(line) end
  helios.rng.new(SPLIT_SEED):shuffle(digits)
  return table.move(digits, 1, TRAIN_COUNT, 1, {}), table.move(digits, TRAIN_COUNT + 1, #digits, 1, {})
end

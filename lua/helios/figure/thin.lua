---Which points of a curve a picture can tell apart. The time to draw grows with every line and mark, whether or not
---they fall on the same pixels: twenty thousand points of noise take gnuplot many seconds, and look like two thousand.
---@class helios.figure.thin
local axes = require "helios.figure.axes"

local M = {}

local FEW = 2000 -- points that are drawn as they are

---Stands among the kept points for a gap in the line.
M.GAP = 0

local function append_in_order(kept, column)
  local first, second = math.min(column.low, column.high), math.max(column.low, column.high)
  for _, i in ipairs{column.first, first, second, column.last} do
    if kept[#kept] ~= i then kept[#kept + 1] = i end
  end
end

---Of the points that follow one another in a column of pixels: the first, the lowest, the highest and the last. The
---line through them covers the same pixels.
local function thin_line(item, shows, pixel)
  local kept, column = {}, nil
  local function finish()
    if column then append_in_order(kept, column) end
    column = nil
  end
  for i = 1, #item.y do
    if not shows(i) then
      finish()
      if kept[#kept] ~= M.GAP then kept[#kept + 1] = M.GAP end
    else
      local place = pixel(i)
      if not column or column.place ~= place then
        finish()
        column = {place = place, first = i, low = i, high = i}
      end
      if item.y[i] < item.y[column.low] then column.low = i end
      if item.y[i] > item.y[column.high] then column.high = i end
      column.last = i
    end
  end
  finish()
  return kept
end

---Of the marks on one pixel the first.
local function thin_marks(item, shows, pixel)
  local kept, taken = {}, {}
  for i = 1, #item.y do
    if shows(i) then
      local x, y = pixel(i)
      local place = x * 65536 + y
      if not taken[place] then kept[#kept + 1] = i end
      taken[place] = true
    end
  end
  return kept
end

---The points of a curve that are worth drawing, by number, with GAP where a line is broken; nil: all.
---@param item table
---@param options table the panel's `logx` and `logy`
---@param layout {x: number[], y: number[], width: number, height: number} limits, and pixels
---@return integer[]?
function M.kept(item, options, layout)
  if #item.y <= FEW then return nil end
  local function cell(v, limits, log, pixels)
    local at = axes.fraction(v, limits, log) * pixels
    return math.floor(math.max(-1, math.min(at, pixels)))
  end
  local function shows(i) return axes.shows(options, item.x[i], item.y[i]) end
  local function pixel(i)
    return cell(item.x[i], layout.x, options.logx, layout.width), cell(item.y[i], layout.y, options.logy, layout.height)
  end
  return (item.has_line and thin_line or thin_marks)(item, shows, pixel)
end

return M

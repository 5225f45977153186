---Curves drawn with braille characters: eight dots in each cell of a terminal. Knows series and text, no terminal.

local text = require "helios.cli.text"

local M = {}

---The bit of each dot of a braille cell, by row and column.
local DOTS = {[0] = {[0] = 0x01, 0x08}, {[0] = 0x02, 0x10}, {[0] = 0x04, 0x20}, {[0] = 0x40, 0x80}}

local LABEL = 9 -- columns of the numbers at the left

---@param width integer
---@param height integer cells
local function new_canvas(width, height) return {width = width, height = height, bits = {}, colors = {}} end

local function dot(canvas, x, y, color)
  if x < 0 or y < 0 or x >= 2 * canvas.width or y >= 4 * canvas.height then return end
  local cell = (y // 4) * canvas.width + x // 2
  canvas.bits[cell] = (canvas.bits[cell] or 0) | DOTS[y % 4][x % 2]
  canvas.colors[cell] = color
end

---Bresenham's line.
local function line(canvas, x0, y0, x1, y1, color)
  local dx, dy = math.abs(x1 - x0), -math.abs(y1 - y0)
  local sx, sy = x0 < x1 and 1 or -1, y0 < y1 and 1 or -1
  local err = dx + dy
  while true do
    dot(canvas, x0, y0, color)
    if x0 == x1 and y0 == y1 then return end
    local twice = 2 * err
    if twice >= dy then err, x0 = err + dy, x0 + sx end
    if twice <= dx then err, y0 = err + dx, y0 + sy end
  end
end

---Rows of text; `paint(color, s)` colours a stretch.
local function rows(canvas, paint)
  local out = {}
  for y = 0, canvas.height - 1 do
    local parts, stretch, color = {}, {}, nil
    local function finish()
      if #stretch > 0 then parts[#parts + 1] = paint(color, table.concat(stretch)) end
      stretch = {}
    end
    for x = 0, canvas.width - 1 do
      local cell = y * canvas.width + x
      if canvas.colors[cell] ~= color then
        finish()
        color = canvas.colors[cell]
      end
      stretch[#stretch + 1] = canvas.bits[cell] and utf8.char(0x2800 + canvas.bits[cell]) or " "
    end
    finish()
    out[#out + 1] = table.concat(parts)
  end
  return out
end

---The exponential moving average that TensorBoard shows, with its correction of the start; what is not finite passes.
---@param values number[]
---@param weight number 0 (none) to below 1
---@return number[]
function M.smooth(values, weight)
  if weight <= 0 then return values end
  local out, last, n = {}, 0, 0
  for i, v in ipairs(values) do
    if v - v == 0 then
      last = last * weight + (1 - weight) * v
      n = n + 1
      out[i] = last / (1 - weight ^ n)
    else
      out[i] = v
    end
  end
  return out
end

---Lowest and highest of what is finite (and positive on a log axis).
local function extent(series, key, log)
  local low, high = math.huge, -math.huge
  for _, s in ipairs(series) do
    for _, v in ipairs(s[key]) do
      if v - v == 0 and (not log or v > 0) then
        if v < low then low = v end
        if v > high then high = v end
      end
    end
  end
  return low, high
end

---A function from finite values to dots 0..size - 1. Halves are taken so that the span of the largest doubles, or of
---the lowest and highest step, is still a number.
local function scale(low, high, size, log)
  if log then low, high = math.log(low), math.log(high) end
  low, high = low / 2, high / 2
  local span = high - low
  return function(v)
    if log then v = math.log(v) end
    if span <= 0 then return (size - 1) // 2 end
    return math.floor((v / 2 - low) / span * (size - 1) + 0.5)
  end
end

local function draw(canvas, s, to_x, to_y, log)
  local last_x, last_y
  local bottom = 4 * canvas.height - 1
  for i, x in ipairs(s.xs) do
    local y = s.ys[i]
    if x - x == 0 and y - y == 0 and (not log or y > 0) then
      local px, py = to_x(x), bottom - to_y(y)
      if not last_x then dot(canvas, px, py, s.color)
      elseif px ~= last_x or py ~= last_y then line(canvas, last_x, last_y, px, py, s.color) end
      last_x, last_y = px, py
    else
      last_x = nil -- a gap where there is no number
    end
  end
end

local function pad_left(s, width) return (" "):rep(width - #s) .. s end

---A number in as many digits as there is room for.
local function label(v)
  local s
  for digits = 4, 1, -1 do
    s = ("%.*g"):gsub("%*", digits):format(v)
    if #s < LABEL then break end
  end
  return pad_left(s, LABEL - 1)
end

local clip = text.clip

local function with_labels(lines, low, high, log)
  local middle = log and math.exp((math.log(low) + math.log(high)) / 2) or low / 2 + high / 2
  local marks = {[1] = high, [#lines] = low}
  if low == high then marks = {[(#lines + 1) // 2] = low}
  elseif #lines >= 5 then marks[(#lines + 1) // 2] = middle end
  for i, body in ipairs(lines) do
    lines[i] = (marks[i] and label(marks[i]) or (" "):rep(LABEL - 1)) .. (marks[i] and "┤" or "│") .. body
  end
end

---@class helios.cli.Curve
---@field xs number[]
---@field ys number[]
---@field color integer

---A chart as `height` lines of `width` columns: title, curves, and the ends of the x axis.
---@param series helios.cli.Curve[]
---@param options {title: string, width: integer, height: integer, log: boolean?, paint: function, x_text: function}
---@return string[]
function M.chart(series, options)
  local width, height = options.width - LABEL, options.height - 2
  local log = options.log
  local low, high = extent(series, "ys", log)
  local first, last = extent(series, "xs", false)
  local title = clip(options.title, options.width - 1)
  if low > high then
    local lines = {title, (" "):rep(LABEL) .. (log and "(nothing above 0)" or "(no numbers)")}
    for i = 3, options.height do lines[i] = "" end
    return lines
  end
  local canvas = new_canvas(width, height)
  local to_x, to_y = scale(first, last, 2 * width, false), scale(low, high, 4 * height, log)
  for _, s in ipairs(series) do draw(canvas, s, to_x, to_y, log) end
  local lines = rows(canvas, options.paint)
  with_labels(lines, low, high, log)
  table.insert(lines, 1, title)
  local left, right = options.x_text(first), options.x_text(last)
  local gap = width - #left - #right
  lines[#lines + 1] = (" "):rep(LABEL) .. (gap > 0 and left .. (" "):rep(gap) .. right or clip(right, width))
  return lines
end

return M

---Where the axes of a panel begin and end, where their ticks stand, and which corner is free for the legend. Numbers
---only: gnuplot's language is gnuplot.lua's. gnuplot would choose all this itself, but lets ticks run into one another,
---marks hang over the border and the legend hide data.
---@class helios.figure.axes
local M = {}

M.BIGGEST = 1e300            -- beyond it gnuplot's own arithmetic overflows
M.SMALLEST = 1e-300          -- below it gnuplot reads no number

local LETTER_PIXELS = 7      -- about the width of a letter of the font in gnuplot.lua
local LINE_PIXELS = 15       -- the height of a line of the legend, of a tick's text
local SLANTED_PIXELS = 18    -- the room from one slanted text to the next
local SAMPLE_PIXELS = 45     -- the width of the legend's sample of a line, with its margins
local MARGIN = 0.04          -- of an axis, so that marks do not lie on the border
local HEADROOM = 1.05        -- bars end below the border
local LEAST_DIGITS = 8       -- of a tick's number: gnuplot's own format writes 0.0000002 for 1.5e-7

---A number gnuplot can place.
local function is_placeable(v, log)
  return v == v and v <= M.BIGGEST and v >= -M.BIGGEST and (not log or v >= M.SMALLEST)
end

---Does (x, y) show on axes of this kind?
---@param axes table options `logx`, `logy`
---@return boolean
function M.shows(axes, x, y) return is_placeable(x, axes.logx) and is_placeable(y, axes.logy) end

---The points an item puts on the axes, as an iterator of x, y.
function M.points(item)
  local i = 0
  return function()
    i = i + 1
    if item.y[i] == nil then return nil end
    local x = item.x and item.x[i] or item.edges and (item.edges[i] + item.edges[i + 1]) / 2 or i
    return x, item.y[i]
  end
end

---The panel's image, if it has one.
function M.image(panel)
  for _, item in ipairs(panel.items) do
    if item.kind == "image" then return item end
  end
end

-- ---- ranges -------------------------------------------------------------------------------------------------

local function widen(limits, v) limits[1], limits[2] = math.min(limits[1], v), math.max(limits[2], v) end

---What the panel's items span: whether anything shows, whether marks or boxes do, and the ranges of x and y.
local function survey(panel)
  local seen = {shows = false, has_boxes = false, has_marks = false, x = {math.huge, -math.huge},
    y = {math.huge, -math.huge}}
  for _, item in ipairs(panel.items) do
    if item.kind ~= "image" then
      seen.has_boxes = seen.has_boxes or item.kind ~= "curve"
      for x, y in M.points(item) do
        if M.shows(panel.axes, x, y) then
          seen.shows = true
          seen.has_marks = seen.has_marks or item.has_marks or false
          widen(seen.x, x)
          widen(seen.y, y)
        end
      end
    end
  end
  return seen
end

---A step of 1, 2 or 5 times a power of ten that divides `span` into at most `count` parts.
local function nice_step(span, count)
  local rough = span / count
  local power = 10.0 ^ math.floor(math.log(rough, 10))
  for _, factor in ipairs{1, 2, 5} do
    if factor * power >= rough then return factor * power end
  end
  return 10 * power
end

---Limits that are far enough apart to have ticks between them.
local function apart(limits)
  local low, high = limits[1], limits[2]
  local size = math.max(math.abs(low), math.abs(high))
  if high - low > math.max(size * 1e-13, M.SMALLEST * 1e3) then return low, high end
  local half = size < M.SMALLEST and 1 or size * 0.1
  return low - half, high + half
end

---Limits of a linear axis: with a margin when there are marks, else up to the ticks around them.
local function linear_range(limits, with_margin)
  local low, high = apart(limits)
  if with_margin then
    local margin = (high - low) * MARGIN
    return {low - margin, high + margin}
  end
  local step = nice_step(high - low, 10)
  if step > M.BIGGEST then return {low, high} end
  return {math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step}
end

---Limits of a logarithmic axis: whole decades, with a margin where a mark lies on their border.
local function log_range(limits, with_margin, has_boxes)
  local low, high = math.log(limits[1], 10), math.log(limits[2], 10)
  local first, last = math.floor(low + 1e-9), math.ceil(high - 1e-9)
  if has_boxes and low - first < 0.1 then first = first - 1 end -- the lowest bar must have a height
  if first == last then first, last = first - 1, last + 1 end
  local margin = with_margin and (last - first) * MARGIN or 0
  local from = low - first < margin and first - margin or first
  local to = last - high < margin and last + margin or last
  return {10.0 ^ math.max(from, -300), 10.0 ^ math.min(to, 300)}
end

---The edges of a panel that has histograms alone.
local function histogram_range(panel)
  local low, high = math.huge, -math.huge
  for _, item in ipairs(panel.items) do
    if item.kind ~= "hist" then return nil end
    low, high = math.min(low, item.edges[1]), math.max(high, item.edges[#item.edges])
  end
  if low > high or high - low < M.SMALLEST * 1e3 or panel.axes.logx then return nil end
  local margin = (high - low) / 50
  return {low - margin, high + margin}
end

---The limits a user asked for, as far as gnuplot can place them.
local function clamped(limits, log)
  local function within(v) return math.max(log and M.SMALLEST or -M.BIGGEST, math.min(v, M.BIGGEST)) end
  return {within(limits[1]), within(limits[2])}
end

local function nothing_range(log) return log and {1, 10} or {0, 1} end

local function x_range(panel, seen)
  local image, log = M.image(panel), panel.axes.logx
  if panel.axes.xlim then return clamped(panel.axes.xlim, log) end
  if image then return {-0.5, #image.rows[1] - 0.5} end
  if panel.bar_labels and not log then return {0.4, math.max(#panel.bar_labels, 1) + 0.6} end
  if not seen.shows then return nothing_range(log) end
  if log then return log_range(seen.x, seen.has_marks, false) end
  return histogram_range(panel) or linear_range(seen.x, seen.has_marks)
end

---Bars stand on zero and end below the border.
local function box_range(limits)
  local low, high = math.min(limits[1], 0), math.max(limits[2], 0)
  if low == high then return {0, 1} end
  return linear_range({low * HEADROOM, high * HEADROOM}, false)
end

local function y_range(panel, seen)
  local image, log = M.image(panel), panel.axes.logy
  if panel.axes.ylim then return clamped(panel.axes.ylim, log) end
  if image then return {#image.rows - 0.5, -0.5} end
  if not seen.shows then return nothing_range(log) end
  if log then return log_range(seen.y, seen.has_marks, seen.has_boxes) end
  if seen.has_boxes then return box_range(seen.y) end
  return linear_range(seen.y, seen.has_marks)
end

-- ---- ticks --------------------------------------------------------------------------------------------------

---The format in which numbers `step` apart differ.
local function format_of(limits, step)
  local size = math.max(math.abs(limits[1]), math.abs(limits[2]))
  local digits = math.floor(math.log(size / step, 10)) + 2
  return ("%%.%dg"):format(math.max(LEAST_DIGITS, math.min(digits, 17)))
end

---The letters of the longest number.
local function longest_number(limits, step)
  local format, low = format_of(limits, step), math.ceil(limits[1] / step) * step
  local middle = math.floor((limits[1] + limits[2]) / 2 / step) * step
  return math.max(#format:format(low), #format:format(low + step), #format:format(middle + step),
    #format:format(math.floor(limits[2] / step) * step))
end

---Round numbers as ticks, no more than there is room for: `step` and `format`, and the letters of the `longest`. On a
---logarithmic axis, and where the numbers are too large, it is gnuplot that chooses.
---@param axis "x"|"y"
---@param limits number[]
---@param log boolean?
---@param pixels number the length of the axis
---@param whole boolean? steps of 1 at least
---@return {step: number?, format: string, longest: integer}
function M.ticks(axis, limits, log, pixels, whole)
  local low, high = math.min(limits[1], limits[2]), math.max(limits[1], limits[2])
  local span = high - low
  if log or not (span > 0 and span < M.BIGGEST) then
    return {format = ("%%.%dg"):format(LEAST_DIGITS), longest = 8}
  end
  for count = 10, 1, -1 do
    local step = nice_step(span, count)
    if whole and step < 1 then step = 1 end
    local longest = longest_number({low, high}, step)
    local size = axis == "x" and longest * (LETTER_PIXELS + 1) + 14 or 25
    if count == 1 or span / step * size <= pixels then
      return {step = step, format = format_of({low, high}, step), longest = longest}
    end
  end
end

---Texts as ticks: slanted when they would run into one another, and only every `every`-th when even so.
---@param axis "x"|"y"
---@param texts string[]
---@param pixels number the length of the axis
---@return {slanted: boolean, every: integer, longest: integer}
function M.text_ticks(axis, texts, pixels)
  local longest = 1
  for _, s in ipairs(texts) do longest = math.max(longest, utf8.len(s)) end
  local slanted = axis == "x" and longest * LETTER_PIXELS > pixels / #texts
  local size = slanted and SLANTED_PIXELS or axis == "x" and 1 or LINE_PIXELS
  return {slanted = slanted, every = math.max(1, math.ceil(#texts * size / pixels)), longest = longest}
end

---The letters by which texts at the last tick of an x axis stand out to the right of it.
---@param ticks table from `ticks` or `text_ticks`
---@param count integer? of the texts
---@param pixels number
---@return integer
function M.overhang(ticks, count, pixels)
  if not ticks.slanted then return ticks.longest // 2 + 1 end
  local out = ticks.longest * LETTER_PIXELS * 0.75 - pixels / count / 2
  return math.max(0, math.ceil(math.min(out, pixels / 3) / LETTER_PIXELS))
end

-- ---- the legend -----------------------------------------------------------------------------------------------

local PLACES = {
  {"top right", 1, 1}, {"top left", 0, 1}, {"bottom right", 1, 0}, {"bottom left", 0, 0}, {"top center", 0.5, 1},
  {"bottom center", 0.5, 0},
}
local MOST_SAMPLES, PARTS = 2000, 8 -- points that are looked at in a panel, and pieces of what is between two of them

---A value's place between the limits: 0 to 1.
---@param v number
---@param limits number[]
---@param log boolean?
---@return number
function M.fraction(v, limits, log)
  if log then return (math.log(v) - math.log(limits[1])) / (math.log(limits[2]) - math.log(limits[1])) end
  return (v - limits[1]) / (limits[2] - limits[1])
end

---Call fn(x, y), as fractions of the axes, for places that the item covers: its points, what lies between two of them,
---and the inside of bars.
local function each_covered(item, panel, x_limits, y_limits, fn)
  local axes, last_x, last_y = panel.axes, nil, nil
  local stride, i = math.ceil(#item.y * #panel.items / MOST_SAMPLES), 0
  for x, y in M.points(item) do
    i = i + 1
    if not M.shows(axes, x, y) then
      last_x, last_y = nil, nil -- a gap
    elseif i % stride == 0 then
      local fx, fy = M.fraction(x, x_limits, axes.logx), M.fraction(y, y_limits, axes.logy)
      local from_x, from_y = item.has_line and last_x or fx, item.has_line and last_y or fy
      if item.kind ~= "curve" then from_y = axes.logy and 0 or M.fraction(0, y_limits) end
      for part = 1, PARTS do
        local t = part / PARTS
        fn(from_x + (fx - from_x) * t, from_y + (fy - from_y) * t)
      end
      last_x, last_y = fx, fy
    end
  end
end

local function legend_size(panel)
  local lines, longest = 0, 0
  for _, item in ipairs(panel.items) do
    if item.options.label then
      for line in (item.options.label .. "\n"):gmatch("(.-)\n") do
        lines, longest = lines + 1, math.max(longest, utf8.len(line))
      end
    end
  end
  return longest * LETTER_PIXELS + SAMPLE_PIXELS, lines * LINE_PIXELS + 6
end

---The place where a legend hides the least: one of styles.LEGENDS; "outside" when it is too high for the axes.
---@param panel table
---@param x_limits number[]
---@param y_limits number[]
---@param width number of the axes, in pixels
---@param height number
---@return string
function M.free_place(panel, x_limits, y_limits, width, height)
  if M.image(panel) then return "top right" end
  local w, h = legend_size(panel)
  w, h = math.min(w / width, 1), h / height
  if h > 0.75 then return "outside" end
  local hidden = {}
  for i = 1, #PLACES do hidden[i] = 0 end
  for _, item in ipairs(panel.items) do
    each_covered(item, panel, x_limits, y_limits, function(x, y)
      for i, place in ipairs(PLACES) do
        local left, bottom = place[2] * (1 - w), place[3] * (1 - h)
        if x >= left and x <= left + w and y >= bottom and y <= bottom + h then hidden[i] = hidden[i] + 1 end
      end
    end)
  end
  local best = 1
  for i = 2, #PLACES do
    if hidden[i] < hidden[best] then best = i end
  end
  return PLACES[best][1]
end

---The ranges of a panel's axes.
---@param panel table
---@return number[] x
---@return number[] y
function M.ranges(panel)
  local seen = survey(panel)
  return x_range(panel, seen), y_range(panel, seen)
end

return M

---The gnuplot script of a figure. Knows gnuplot's language; runs nothing.
---
---Two rules keep foreign text from being interpreted: every text is a double-quoted string whose bytes, but letters and
---spaces, are octal escapes (digits too: one would be read as part of the escape before it), so that no quote,
---backtick, `@` or newline ever reaches gnuplot's parser, and the terminal is `noenhanced`, so that the text's own
---characters mean nothing. Data goes in inline data blocks of numbers. Every panel sets all it depends on, since
---settings outlive a panel.
---@class helios.figure.gnuplot
local M = {}

local LINE, POINT, BOTH = "lines dt %d lw %g", "points pt %d ps %g", "linespoints pt %d lw %g ps 0.7"

---Ways to draw points, as gnuplot says them; `%g` takes the width of the line or the size of the mark.
M.MARKERS = {
  o = {POINT, 7}, ["."] = {POINT, 7, 0.4}, x = {POINT, 2}, ["+"] = {POINT, 1}, s = {POINT, 5}, ["^"] = {POINT, 9},
  points = {POINT, 7},
}

M.STYLES = {
  ["-"] = {LINE, 1}, lines = {LINE, 1}, ["--"] = {LINE, 2}, dashed = {LINE, 2}, [":"] = {LINE, 3}, dotted = {LINE, 3},
  ["-."] = {LINE, 4}, ["o-"] = {BOTH, 7}, linespoints = {BOTH, 7},
  steps = {"steps dt %d lw %g", 1}, impulses = {"impulses dt %d lw %g", 1},
}
for name, style in pairs(M.MARKERS) do M.STYLES[name] = style end

---Places of the legend.
M.LEGENDS = {
  ["top right"] = "inside right top", ["top left"] = "inside left top", ["bottom right"] = "inside right bottom",
  ["bottom left"] = "inside left bottom", ["top center"] = "inside center top",
  ["bottom center"] = "inside center bottom", outside = "outside right top",
}

---Colours from the lowest to the highest value, evenly spaced.
M.PALETTES = {
  viridis = {"#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962", "#addc30", "#fde725"},
  gray = {"#000000", "#ffffff"},
  blues = {"#f7fbff", "#c6dbef", "#6baed6", "#2171b5", "#08306b"},
  coolwarm = {"#3b4cc0", "#8db0fe", "#dddddd", "#f49a7b", "#b40426"},
}

local CYCLE = {
  "#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22", "#17becf",
}

local TITLE_PIXELS = 34     -- the band above a grid of panels
local LETTER_PIXELS = 7     -- about the width of a letter of the font below
local TICK_FORMAT = "%.8g"  -- gnuplot's own writes 0.0000002 for 1.5e-7
local FONT = "Sans,10"
local BIGGEST = 1e300       -- beyond it gnuplot's own arithmetic overflows

---A text as gnuplot's string.
local function quote(s)
  return '"' .. s:gsub("[^%a ]", function(c) return ("\\%03o"):format(c:byte()) end) .. '"'
end

---The same where gnuplot takes the text as a format.
local function quote_format(s) return quote((s:gsub("%%", "%%%%"))) end

local function number(v)
  if v ~= v or v > BIGGEST or v < -BIGGEST then return "NaN" end
  return ("%.17g"):format(v)
end

---Lines of an inline data block named `name`; `row(i)` gives the numbers of row i.
local function add_block(out, name, count, row)
  out[#out + 1] = name .. " << EOD"
  for i = 1, count do
    local values = row(i)
    for k = 1, #values do values[k] = number(values[k]) end
    out[#out + 1] = table.concat(values, " ")
  end
  out[#out + 1] = "EOD"
end

local function color_of(item, index) return item.options.color or CYCLE[(index - 1) % #CYCLE + 1] end

local function label_of(item)
  if item.options.label then return "title " .. quote(item.options.label) end
  return "notitle"
end

---Does (x, y) show on these axes?
local function is_drawable(axes, x, y)
  local function within(v, limits, log)
    if v ~= v or v > BIGGEST or v < -BIGGEST or (log and v <= 0) then return false end
    return not limits or (v >= limits[1] and v <= limits[2])
  end
  return within(x, axes.xlim, axes.logx) and within(y, axes.ylim, axes.logy)
end

---The points an item puts on the axes, as an iterator of x, y.
local function points_of(item)
  local i = 0
  return function()
    i = i + 1
    if item.y[i] == nil then return nil end
    local x = item.x and item.x[i] or item.edges and (item.edges[i] + item.edges[i + 1]) / 2 or i
    return x, item.y[i]
  end
end

---A range that grows with what it is shown.
local function widen(limits, v) limits[1], limits[2] = math.min(limits[1], v), math.max(limits[2], v) end

---What the panel's items span: whether anything shows, and the ranges of x and y.
local function survey(panel)
  local seen = {shows = false, has_boxes = false, x = {math.huge, -math.huge}, y = {math.huge, -math.huge}}
  for _, item in ipairs(panel.items) do
    if item.kind ~= "image" then
      seen.has_boxes = seen.has_boxes or item.kind ~= "curve"
      for x, y in points_of(item) do
        if is_drawable(panel.axes, x, y) then
          seen.shows = true
          widen(seen.x, x)
          widen(seen.y, y)
        end
      end
    end
  end
  return seen
end

local function image_of(panel)
  for _, item in ipairs(panel.items) do
    if item.kind == "image" then return item end
  end
end

local function range(limits) return ("[%s:%s]"):format(limits[1], limits[2]) end

local function fixed(limits) return range{number(limits[1]), number(limits[2])} end

---The edges of a panel that has histograms alone; gnuplot would go on to the next ticks.
local function histogram_range(panel)
  local low, high = math.huge, -math.huge
  for _, item in ipairs(panel.items) do
    if item.kind ~= "hist" then return nil end
    low, high = math.min(low, item.edges[1]), math.max(high, item.edges[#item.edges])
  end
  if low > high or panel.axes.logx then return nil end
  local margin = (high - low) / 50
  return fixed{low - margin, high + margin}
end

---The range of an axis for which no limits were given.
local function x_range(panel, seen)
  local image = image_of(panel)
  if image then return fixed{-0.5, #image.rows[1] - 0.5} end
  if panel.bar_labels then return fixed{0.4, math.max(#panel.bar_labels, 1) + 0.6} end
  if not seen.shows then return panel.axes.logx and "[1:10]" or "[0:1]" end
  return histogram_range(panel) or "[*:*]"
end

local function y_range(panel, seen)
  local image = image_of(panel)
  if image then return fixed{#image.rows - 0.5, -0.5} end
  if not seen.shows then return panel.axes.logy and "[1:10]" or "[0:1]" end
  if seen.has_boxes and not panel.axes.logy then -- bars stand on zero
    if seen.y[1] == 0 and seen.y[2] == 0 then return "[0:1]" end
    if seen.y[1] >= 0 then return "[0:*]" end
    if seen.y[2] <= 0 then return "[*:0]" end
  end
  return "[*:*]"
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

---The pixels that ticks `step` apart and their numbers take, when the axis goes on to the ticks around `limits`.
local function ticks_size(axis, limits, step)
  local low, high = math.floor(limits[1] / step) * step, math.ceil(limits[2] / step) * step
  local longest = math.max(#TICK_FORMAT:format(low), #TICK_FORMAT:format(high), #TICK_FORMAT:format(low + step))
  local size = axis == "x" and longest * (LETTER_PIXELS + 1) + 14 or 25
  return (high - low) / step * size
end

---Ticks at round numbers, no more than there is room for: gnuplot itself does not mind when their numbers overlap.
local function numeric_ticks(axis, limits, log, pixels)
  local span = limits[2] - limits[1]
  if log or not (span > 0 and span < BIGGEST) then return ("set %stics scale 1 norotate autofreq"):format(axis) end
  local count = 10
  while count > 1 and ticks_size(axis, limits, nice_step(span, count)) > pixels do count = count - 1 end
  return ("set %stics scale 1 norotate autofreq %s"):format(axis, number(nice_step(span, count)))
end

---Ticks with these texts at first, first + 1, ...; slanted when they would run into one another.
local function text_ticks(axis, texts, first, room)
  local marks, longest = {}, 0
  for i, s in ipairs(texts) do
    marks[i] = ("%s %d"):format(quote_format(s), first + i - 1)
    longest = math.max(longest, utf8.len(s))
  end
  local slanted = axis == "x" and longest * LETTER_PIXELS > room / #texts
  return ("set %stics scale 0.5 %s (%s)"):format(axis, slanted and "rotate by -45" or "norotate",
    table.concat(marks, ", "))
end

local function setting(name, on, value)
  return on and ("set %s %s"):format(name, value or "") or "unset " .. name
end

local function legend_line(panel)
  local place = panel.axes.legend
  if place == false then return "unset key" end
  for _, item in ipairs(panel.items) do
    if item.options.label then
      return "set key noenhanced opaque " .. M.LEGENDS[type(place) == "string" and place or "top right"]
    end
  end
  return "unset key"
end

---The pixels an image's axes get: its cells are square unless the aspect is free.
local function image_size(item, width, height)
  if item.options.aspect == "auto" then return width, height end
  local cell = math.min(width / #item.rows[1], height / #item.rows)
  return cell * #item.rows[1], cell * #item.rows
end

local function add_ticks(out, panel, seen, width, height)
  local axes, image = panel.axes, image_of(panel)
  local x_texts, y_texts, x, y = panel.bar_labels, nil, axes.xlim or seen.x, axes.ylim or seen.y
  if image then
    width, height = image_size(image, width, height)
    x_texts, y_texts = image.options.xlabels, image.options.ylabels
    x, y = {0, math.max(#image.rows[1], 2)}, {0, math.max(#image.rows, 2)}
    out[#out + 1] = numeric_ticks("cb", {panel.low, panel.high}, false, height)
  end
  out[#out + 1] = x_texts and #x_texts > 0 and text_ticks("x", x_texts, image and 0 or 1, width)
    or numeric_ticks("x", x, axes.logx and not image, width)
  out[#out + 1] = y_texts and text_ticks("y", y_texts, 0, height)
    or numeric_ticks("y", y, axes.logy and not image, height)
end

local function add_axes(out, panel, title)
  local axes, seen, image = panel.axes, survey(panel), image_of(panel)
  local function add(line) out[#out + 1] = line end
  local function optional(name, s) add(setting(name, s and s ~= "", s and quote(s))) end
  optional("title", title)
  optional("xlabel", axes.xlabel)
  optional("ylabel", axes.ylabel)
  add("unset logscale")
  if axes.logx and not image then add("set logscale x") end -- cells have numbers, not places, on their axes
  if axes.logy and not image then add("set logscale y") end
  add("set xrange " .. (axes.xlim and fixed(axes.xlim) or x_range(panel, seen)))
  add("set yrange " .. (axes.ylim and fixed(axes.ylim) or y_range(panel, seen)))
  add(seen.has_boxes and not axes.logy and "set offsets graph 0, 0, 0.05, 0" or "unset offsets")
  add(setting("grid", axes.grid, 'lt 1 lw 1 lc rgb "#d8d8d8"'))
  add(legend_line(panel))
  return seen
end

---Lowest and highest finite value of a matrix; never equal, so that colours have a range.
local function value_range(item)
  local low, high = math.huge, -math.huge
  for _, row in ipairs(item.rows) do
    for _, v in ipairs(row) do
      if number(v) ~= "NaN" then low, high = math.min(low, v), math.max(high, v) end
    end
  end
  if low > high then low, high = 0, 1 end
  low, high = item.options.vmin or low, item.options.vmax or high
  if low >= high then low, high = low - 0.5, low + 0.5 end
  return low, high
end

local function luminance(color)
  local r, g, b = color:match("#(%x%x)(%x%x)(%x%x)")
  return 0.299 * tonumber(r, 16) + 0.587 * tonumber(g, 16) + 0.114 * tonumber(b, 16)
end

---Black or white, whichever reads on the colour that value `v` has.
local function ink_on(v, low, high, palette)
  if number(v) == "NaN" then return "#000000" end
  local place = math.max(0, math.min(1, (v - low) / (high - low))) * (#palette - 1)
  local below = math.floor(place)
  local a, b = luminance(palette[below + 1]), luminance(palette[math.min(below + 2, #palette)])
  return a + (b - a) * (place - below) < 128 and "#ffffff" or "#000000"
end

local function shown(v, annotate)
  if type(annotate) == "string" then return annotate:format(v) end
  if v ~= v then return "nan" end
  if math.tointeger(v) then return ("%d"):format(v) end
  return ("%.3g"):format(v)
end

---One label for each cell of a matrix.
local function add_annotations(out, item, low, high, palette)
  local annotate = item.options.annotate
  for i, row in ipairs(item.rows) do
    for k, v in ipairs(row) do
      local s = type(annotate) == "table" and annotate[i][k] or shown(v, annotate)
      out[#out + 1] = ('set label %s at first %d, first %d center front noenhanced tc rgb "%s"')
        :format(quote(s), k - 1, i - 1, ink_on(v, low, high, palette))
    end
  end
end

---The colour bar stands beside the axes, as high as they are, in a margin kept free for it.
local COLORBAR = "set rmargin 11\nset colorbox vertical user origin graph 1.02, graph 0 size character 2, graph 1"

local function add_image_settings(out, panel, item)
  local palette = M.PALETTES[item.options.cmap or "viridis"]
  panel.low, panel.high = value_range(item)
  local stops = {}
  for i, color in ipairs(palette) do stops[i] = ('%d "%s"'):format(i, color) end
  out[#out + 1] = ("set palette defined (%s)"):format(table.concat(stops, ", "))
  out[#out + 1] = "set cbrange " .. fixed{panel.low, panel.high}
  out[#out + 1] = item.options.colorbar == false and "unset colorbox" or COLORBAR
  if item.options.annotate then add_annotations(out, item, panel.low, panel.high, palette) end
end

local function add_texts(out, panel)
  for _, t in ipairs(panel.texts) do
    local shows_x, shows_y = not panel.axes.logx or t.x > 0, not panel.axes.logy or t.y > 0
    if shows_x and shows_y then
      out[#out + 1] = ('set label %s at first %s, first %s %s front noenhanced tc rgb "%s"')
        :format(quote(t.s), number(t.x), number(t.y), t.options.align or "left", t.options.color or "#000000")
    end
  end
end

local function curve_clause(item, block, color)
  local style = M.STYLES[item.options.style]
  local size = item.options.width or item.options.size or 1
  local way = style[1]:format(style[2], size * (style[3] or (style[1] == POINT and 1 or 1.5)))
  return ('%s using 1:2 with %s lc rgb "%s" %s'):format(block, way, color, label_of(item))
end

local function box_clause(item, block, color)
  return ('%s using 1:2:3 with boxes fs solid 0.85 border rgb "%s" lc rgb "%s" %s')
    :format(block, color, color, label_of(item))
end

---gnuplot wants two rows and columns at least: a single one is written twice (`doubled`), and each copy is half a cell.
local function image_clause(item, block)
  local x = #item.rows[1] == 1 and "($1*0.5-0.25)" or "1"
  local y = #item.rows == 1 and "($2*0.5-0.25)" or "2"
  return ("%s matrix using %s:%s:3 with image notitle"):format(block, x, y)
end

local function doubled(list) return #list == 1 and {list[1], list[1]} or list end

---The row of an item's data block; bars of several series share the place of a label.
local function row_of(item, series, series_count)
  if item.kind == "curve" then return function(i) return {item.x[i], item.y[i]} end end
  if item.kind == "image" then
    local rows = doubled(item.rows)
    return function(i)
      local row = doubled(rows[i])
      return table.move(row, 1, #row, 1, {})
    end
  end
  if item.kind == "hist" then
    local e = item.edges
    return function(i) return {(e[i] + e[i + 1]) / 2, item.y[i], e[i + 1] - e[i]} end
  end
  local width = 0.8 / series_count
  return function(i) return {i - 0.4 + width * (series - 0.5), item.y[i], width} end
end

local function count_bars(panel)
  local n = 0
  for _, item in ipairs(panel.items) do n = n + (item.kind == "bars" and 1 or 0) end
  return n
end

local CLAUSES = {curve = curve_clause, bars = box_clause, hist = box_clause, image = image_clause}

---Does any value of the item survive as a number? gnuplot refuses a block without one.
local function has_points(item)
  if item.kind == "image" then return true end
  for x, y in points_of(item) do
    if number(x) ~= "NaN" and number(y) ~= "NaN" then return true end
  end
  return false
end

---Define the panel's data blocks; returns the clauses of its plot command.
local function add_data(out, panel, prefix)
  local clauses, series, series_count = {}, 0, count_bars(panel)
  for i, item in ipairs(panel.items) do
    if item.kind == "bars" then series = series + 1 end
    if has_points(item) then
      local block = ("$%s_%d"):format(prefix, i)
      add_block(out, block, #(item.y or doubled(item.rows)), row_of(item, series, series_count))
      clauses[#clauses + 1] = CLAUSES[item.kind](item, block, color_of(item, i))
    end
  end
  if #clauses == 0 then clauses[1] = "$empty using 1:2 with points notitle" end -- the axes of an empty panel
  return clauses
end

---The panel's part of the picture, as fractions of it: origin and size, from the lower left corner.
local function place_of(panel, band)
  local row, column = (panel.place - 1) // panel.columns, (panel.place - 1) % panel.columns
  local w, h = 1 / panel.columns, (1 - band) / panel.rows
  return column * w, (1 - band) - (row + 1) * h, w, h
end

local function add_panel(out, panel, options, band, clauses)
  local x, y, w, h = place_of(panel, band)
  local image = image_of(panel)
  local ratio = image and image.options.aspect ~= "auto" and "ratio -1" or "noratio"
  out[#out + 1] = "unset label\nset rmargin -1"
  out[#out + 1] = ("set origin %.6f,%.6f\nset size %s %.6f,%.6f"):format(x, y, ratio, w, h)
  if image then add_image_settings(out, panel, image) end
  local seen = add_axes(out, panel, panel.axes.title)
  local outside = panel.axes.legend == "outside" and 0.5 or 0.8 -- about what margins and legend leave of it
  add_ticks(out, panel, seen, w * options.width * outside, h * options.height * 0.75)
  add_texts(out, panel)
  out[#out + 1] = "plot " .. table.concat(clauses, ", ")
end

---The whole script; its picture goes to gnuplot's standard output.
---@param options table of the figure, checked
---@param panels table[]
---@return string
function M.script(options, panels)
  local out = {
    "set encoding utf8",
    ('set terminal pngcairo noenhanced size %d,%d font "%s" background rgb "#ffffff"')
      :format(options.width, options.height, FONT),
    "set boxwidth 1 absolute",
    ('set format "%s"\nset format cb "%s"'):format(TICK_FORMAT, TICK_FORMAT),
    "$empty << EOD\n0 -1e308\nEOD",
  }
  local in_grid, clauses = false, {}
  for i, panel in ipairs(panels) do
    in_grid = in_grid or panel.in_grid
    clauses[i] = add_data(out, panel, "d" .. i)
  end
  local title = in_grid and options.title
  out[#out + 1] = "set multiplot" .. (title and " title " .. quote(title) .. " noenhanced" or "")
  for i, panel in ipairs(panels) do
    add_panel(out, panel, options, title and TITLE_PIXELS / options.height or 0, clauses[i])
  end
  out[#out + 1] = "unset multiplot\n"
  return table.concat(out, "\n")
end

return M

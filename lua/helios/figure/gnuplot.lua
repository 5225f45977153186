---The gnuplot script of a figure. Knows gnuplot's language; runs nothing.
---
---Two rules keep foreign text from being interpreted: every text is a double-quoted string whose bytes, but letters and
---spaces, are octal escapes (digits too: one would be read as part of the escape before it), so that no quote,
---backtick, `@` or newline ever reaches gnuplot's parser, and the terminal is `noenhanced`, so that the text's own
---characters mean nothing. Data goes in inline data blocks of numbers. Every panel sets all it depends on, since
---settings outlive a panel.
---@class helios.figure.gnuplot
local axes = require "helios.figure.axes"
local styles = require "helios.figure.styles"
local thin = require "helios.figure.thin"

local M = {}

local CYCLE = {
  "#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22", "#17becf",
}

local TITLE_PIXELS = 34 -- the band above a grid of panels
local FONT = "Sans,10"  -- its size is known to axes.lua, too
local COLORBAR_LETTERS = 11

---A text as gnuplot's string.
local function quote(s)
  return '"' .. s:gsub("[^%a ]", function(c) return ("\\%03o"):format(c:byte()) end) .. '"'
end

---The same where gnuplot takes the text as a format.
local function quote_format(s) return quote((s:gsub("%%", "%%%%"))) end

---A number with a point, where the locale that the host has set writes a comma.
local function numeral(format, v) return (format:format(v):gsub("[^%w+-]+", ".")) end

local function number(v)
  if v ~= v or v > axes.BIGGEST or v < -axes.BIGGEST then return "NaN" end
  if v < axes.SMALLEST and v > -axes.SMALLEST then return "0" end
  return numeral("%.17g", v)
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

local function fixed(limits) return "[" .. numeral("%.17g", limits[1]) .. ":" .. numeral("%.17g", limits[2]) .. "]" end

local function numeric_ticks(axis, ticks)
  return ('set %stics scale 1 norotate format "%s" autofreq %s'):format(axis, ticks.format,
    ticks.step and number(ticks.step) or "")
end

---Ticks with these texts at first, first + 1, ...
local function text_ticks(axis, texts, first, ticks)
  local marks = {}
  for i = 1, #texts, ticks.every do
    marks[#marks + 1] = ("%s %d"):format(quote_format(texts[i]), first + i - 1)
  end
  return ("set %stics scale 0.5 %s (%s)"):format(axis, ticks.slanted and "rotate by -45" or "norotate",
    table.concat(marks, ", "))
end

local function setting(name, on, value)
  return on and ("set %s %s"):format(name, value or "") or "unset " .. name
end

local function has_labels(panel)
  for _, item in ipairs(panel.items) do
    if item.options.label then return true end
  end
  return false
end

---Where the panel's legend stands; nil: it has none.
local function legend_place(panel, x, y, width, height)
  local place = panel.axes.legend
  if place == false or not has_labels(panel) then return nil end
  return type(place) == "string" and place or axes.free_place(panel, x, y, width, height)
end

---The pixels an image's axes get: its cells are square unless the aspect is free.
local function image_size(item, width, height)
  if item.options.aspect == "auto" then return width, height end
  local cell = math.min(width / #item.rows[1], height / #item.rows)
  return cell * #item.rows[1], cell * #item.rows
end

---Ticks of one axis: texts, or numbers. Returns gnuplot's line, and what axes.lua knows about them.
local function ticks_of(axis, texts, first, limits, log, pixels, whole)
  if texts and #texts > 0 then
    local ticks = axes.text_ticks(axis, texts, pixels)
    return text_ticks(axis, texts, first, ticks), ticks
  end
  local ticks = axes.ticks(axis, limits, log, pixels, whole)
  return numeric_ticks(axis, ticks), ticks
end

local function add_ticks(out, panel, x, y, width, height)
  local image, options = axes.image(panel), panel.axes
  local x_texts, y_texts, first = panel.bar_labels, nil, 1
  if image then
    width, height = image_size(image, width, height)
    x_texts, y_texts, first = image.options.xlabels, image.options.ylabels, 0
    out[#out + 1] = numeric_ticks("cb", axes.ticks("y", {panel.low, panel.high}, false, height))
  end
  local line, ticks = ticks_of("x", x_texts, first, x, options.logx and not image, width, image ~= nil)
  out[#out + 1] = line
  out[#out + 1] = ticks_of("y", y_texts, 0, y, options.logy and not image, height, image ~= nil)
  return axes.overhang(ticks, x_texts and #x_texts, width)
end

local function add_axes(out, panel, x, y)
  local options, image = panel.axes, axes.image(panel)
  local function add(line) out[#out + 1] = line end
  local function optional(name, s) add(setting(name, s and s ~= "", s and quote(s))) end
  optional("title", options.title)
  optional("xlabel", options.xlabel)
  optional("ylabel", options.ylabel)
  add("unset logscale")
  if options.logx and not image then add("set logscale x") end -- cells have numbers, not places, on their axes
  if options.logy and not image then add("set logscale y") end
  add("set xrange " .. fixed(x))
  add("set yrange " .. fixed(y))
  add(setting("grid", options.grid, 'lt 1 lw 1 lc rgb "#d8d8d8"'))
end

---The margin right of the axes keeps the colour bar, and what stands out of the last tick's text; for a legend outside
---gnuplot makes room itself.
local function add_margin(out, panel, place, overhang)
  local image = axes.image(panel)
  local bar = image and image.options.colorbar ~= false and COLORBAR_LETTERS or 0
  out[#out + 1] = "set rmargin " .. (place == "outside" and bar == 0 and -1 or math.max(bar, overhang, 2))
end

local function add_layout(out, panel, layout)
  local x, y, width, height = layout.x, layout.y, layout.width, layout.height
  local place = legend_place(panel, x, y, width, height)
  add_axes(out, panel, x, y)
  out[#out + 1] = place and "set key noenhanced opaque " .. styles.LEGENDS[place] or "unset key"
  add_margin(out, panel, place, add_ticks(out, panel, x, y, width, height))
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
  if v ~= v then return "nan" end
  if type(annotate) == "string" and (v - v == 0 or not annotate:find("%%[%d .+#-]*[dixXoc]")) then
    return annotate:format(v)
  end
  if math.tointeger(v) then return ("%d"):format(v) end
  return numeral("%.3g", v)
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

---The colour bar stands beside the axes, as high as they are, in the margin that add_margin keeps for it.
local COLORBAR = "set colorbox vertical user origin graph 1.02, graph 0 size character 2, graph 1"

local function add_image_settings(out, panel, item)
  local palette = styles.PALETTES[item.options.cmap or "viridis"]
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
  local style, size = styles.STYLES[item.options.style], item.options.width or item.options.size or 1
  local way
  if style.line and style.mark then
    way = ("linespoints dt %d lw %s pt %d ps 0.7"):format(style.line, numeral("%g", size * 1.5), style.mark)
  elseif style.line then
    way = ("%s dt %d lw %s"):format(style.way or "lines", style.line, numeral("%g", size * 1.5))
  else
    way = ("points pt %d ps %s"):format(style.mark, numeral("%g", size * (style.size or 1)))
  end
  return ('%s using 1:2 with %s lc rgb "%s" %s'):format(block, way, color, label_of(item))
end

local function box_clause(item, block, color, shared)
  local fill = shared and "transparent solid 0.55" or "solid 0.85"
  return ('%s using 1:2:3 with boxes fs %s border rgb "%s" lc rgb "%s" %s')
    :format(block, fill, color, color, label_of(item))
end

---gnuplot wants two rows and columns at least: a single one is written twice (`doubled`), and each copy is half a cell.
local function image_clause(item, block)
  local x = #item.rows[1] == 1 and "($1*0.5-0.25)" or "1"
  local y = #item.rows == 1 and "($2*0.5-0.25)" or "2"
  return ("%s matrix using %s:%s:3 with image notitle"):format(block, x, y)
end

local function doubled(list) return #list == 1 and {list[1], list[1]} or list end

---How many rows a curve's data block has, and what gives row i.
local function curve_rows(panel, item, layout)
  local kept = thin.kept(item, panel.axes, layout)
  return kept and #kept or #item.y, function(i)
    if kept then i = kept[i] end -- a point of which one number has no place has none on either axis
    local shows = i ~= thin.GAP and axes.shows(panel.axes, item.x[i], item.y[i])
    return shows and {item.x[i], item.y[i]} or {0 / 0, 0 / 0}
  end
end

local function image_rows(item)
  local rows = doubled(item.rows)
  return #rows, function(i)
    local row = doubled(rows[i])
    return table.move(row, 1, #row, 1, {})
  end
end

local function histogram_rows(item)
  local e = item.edges
  return #item.y, function(i) return {(e[i] + e[i + 1]) / 2, item.y[i], e[i + 1] - e[i]} end
end

---Bars of several series share the place of a label.
local function bar_rows(item, series, series_count)
  local width = 0.8 / series_count
  return #item.y, function(i) return {i - 0.4 + width * (series - 0.5), item.y[i], width} end
end

local function count_kind(panel, kind)
  local n = 0
  for _, item in ipairs(panel.items) do n = n + (item.kind == kind and 1 or 0) end
  return n
end

local CLAUSES = {curve = curve_clause, bars = box_clause, hist = box_clause, image = image_clause}

---Does any value of the item survive as a number? gnuplot refuses a block without one.
local function has_points(panel, item)
  if item.kind == "image" then return true end
  for x, y in axes.points(item) do
    if item.kind == "curve" and axes.shows(panel.axes, x, y) then return true end
    if item.kind ~= "curve" and number(x) ~= "NaN" and number(y) ~= "NaN" then return true end
  end
  return false
end

---Define the panel's data blocks; returns the clauses of its plot command.
local function add_data(out, panel, prefix, layout)
  local clauses, series, series_count = {}, 0, count_kind(panel, "bars")
  local shared = count_kind(panel, "hist") > 1 -- one must not hide the other
  local rows = {
    curve = function(item) return curve_rows(panel, item, layout) end, image = image_rows, hist = histogram_rows,
    bars = function(item) return bar_rows(item, series, series_count) end,
  }
  for i, item in ipairs(panel.items) do
    if item.kind == "bars" then series = series + 1 end
    if has_points(panel, item) then
      local block = ("$%s_%d"):format(prefix, i)
      add_block(out, block, rows[item.kind](item))
      clauses[#clauses + 1] = CLAUSES[item.kind](item, block, color_of(item, i), shared)
    end
  end
  if #clauses == 0 then clauses[1] = "$empty using 1:2 with points notitle" end -- the axes of an empty panel
  return clauses
end

---The panel's part of the picture, as fractions of it from the lower left corner; about how many pixels its axes have,
---once margins and legend are taken off; and their limits.
local function layout_of(panel, options, band)
  local row, column = (panel.place - 1) // panel.columns, (panel.place - 1) % panel.columns
  local w, h = 1 / panel.columns, (1 - band) / panel.rows
  local layout = {left = column * w, bottom = (1 - band) - (row + 1) * h, w = w, h = h}
  layout.width = w * options.width * (panel.axes.legend == "outside" and 0.5 or 0.8)
  layout.height = h * options.height * 0.75
  layout.x, layout.y = axes.ranges(panel)
  return layout
end

local function add_panel(out, panel, layout, clauses)
  local image = axes.image(panel)
  local ratio = image and image.options.aspect ~= "auto" and "ratio -1" or "noratio"
  out[#out + 1] = "unset label"
  local function share(v) return numeral("%.6f", v) end
  out[#out + 1] = ("set origin %s,%s\nset size %s %s,%s")
    :format(share(layout.left), share(layout.bottom), ratio, share(layout.w), share(layout.h))
  if image then add_image_settings(out, panel, image) end
  add_layout(out, panel, layout)
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
    "$empty << EOD\n0 -1e308\nEOD",
  }
  local in_grid, layouts, clauses = false, {}, {}
  for _, panel in ipairs(panels) do in_grid = in_grid or panel.in_grid end
  local title = in_grid and options.title
  for i, panel in ipairs(panels) do
    layouts[i] = layout_of(panel, options, title and TITLE_PIXELS / options.height or 0)
    clauses[i] = add_data(out, panel, "d" .. i, layouts[i])
  end
  out[#out + 1] = "set multiplot" .. (title and " title " .. quote(title) .. " noenhanced" or "")
  for i, panel in ipairs(panels) do add_panel(out, panel, layouts[i], clauses[i]) end
  out[#out + 1] = "unset multiplot\n"
  return table.concat(out, "\n")
end

return M

---Figures: curves, points, bars, histograms and matrices, drawn by gnuplot into PNG pictures.
---
---    local fig = figure.new{title = "loss", xlabel = "step", logy = true}
---    fig:plot(steps, train, {label = "train"}):plot(steps, valid, {label = "valid", style = "--"})
---    tb:add_figure("loss", fig, 10)
---
---A figure only collects what is added; `render` runs gnuplot once, as a process of its own. Data goes to it as numbers
---and every text as escaped bytes, so that nothing in a title or label is ever interpreted.
---@class helios.figure
local check = require "helios.figure.check"
local gnuplot = require "helios.figure.gnuplot"
local native = require "helios.native"
local styles = require "helios.figure.styles"

---@class helios.figure
---@field gnuplot string the program that draws: a name on the PATH, or a path
---@field timeout number seconds a drawing may take before gnuplot is killed
local M = {gnuplot = "gnuplot", timeout = 60}

local PNG_START = "\137PNG\r\n\26\n"

---@class helios.Figure
---@field private options table?
---@field private panels table
local Figure = {}
Figure.__index = Figure
Figure.__name = "helios.Figure"

local function legend(fn, name, v)
  if type(v) == "boolean" then return v end
  return check.choice(fn, name, v, styles.LEGENDS)
end

local AXIS_OPTIONS = {
  title = check.text, xlabel = check.text, ylabel = check.text, xlim = check.limits, ylim = check.limits,
  logx = check.boolean, logy = check.boolean, grid = check.boolean, legend = legend,
}

local function pixels(fn, name, v) return check.integer(fn, name, v, 16, 16384) end

local FIGURE_OPTIONS = {width = pixels, height = pixels}
for name, fn in pairs(AXIS_OPTIONS) do FIGURE_OPTIONS[name] = fn end

local function check_log_limits(fn, axes)
  for _, axis in ipairs{"x", "y"} do
    local limits = axes[axis .. "lim"]
    if axes["log" .. axis] and limits and limits[1] <= 0 then
      check.bad(fn, axis .. "lim", "expected limits above 0 on a log axis, got %s", check.show(limits[1]))
    end
  end
end

---Make a figure.
---@param options table? `title`, `width` (640) and `height` (480) in pixels, `xlabel`, `ylabel`, `xlim` and `ylim`
---(`{low, high}`), `logx`, `logy`, `grid` (booleans), `legend` (true: when something has a label, where it
---hides the least; false: never; or a place such as `"top left"` or `"outside"`)
---@return helios.Figure
function M.new(options)
  local checked = check.options("new", options, FIGURE_OPTIONS)
  check_log_limits("new", checked)
  checked.width, checked.height = checked.width or 640, checked.height or 480
  return setmetatable({options = checked, panels = {}}, Figure)
end

local function check_open(self, fn)
  if not self.options then error(fn .. ": figure is closed", 3) end
end

---The panel that is drawn into; without a `subplot` it fills the figure and takes the figure's own options.
local function current_panel(self)
  if not self.panel then
    local o = self.options
    self.panel = {rows = 1, columns = 1, place = 1, items = {}, texts = {}, axes = setmetatable({}, {__index = o})}
    self.panels[1] = self.panel
  end
  return self.panel
end

local function add_item(self, item)
  local items = current_panel(self).items
  items[#items + 1] = item
  return self
end

local CURVE_OPTIONS = {
  label = check.text, color = check.color, width = check.positive,
  style = function(fn, name, v) return check.choice(fn, name, v, styles.STYLES) end,
}

---Numbers 1, 2, ... n.
local function count_up(n)
  local out = {}
  for i = 1, n do out[i] = i end
  return out
end

local function add_curve(self, x, y, options)
  local style = styles.STYLES[options.style]
  local has_marks, has_line = style.mark ~= nil, style.line ~= nil
  return add_item(self, {kind = "curve", x = x, y = y, options = options, has_marks = has_marks, has_line = has_line})
end

---`xs, ys, options`, or `ys, options` with x counting from 1.
local function curve_arguments(fn, known, xs, ys, options)
  local is_options = type(ys) == "table" and getmetatable(ys) == nil and #ys == 0 and next(ys) ~= nil
  if ys == nil or (is_options and options == nil) then
    local values = check.numbers(fn, "ys", xs)
    return count_up(#values), values, check.options(fn, ys, known)
  end
  local checked = check.numbers(fn, "xs", xs)
  return checked, check.as_many(fn, "ys", ys, checked, "xs"), check.options(fn, options, known)
end

---Draw a curve through the points. Points that are NaN or infinite leave a gap.
---@param xs number[]|helios.Tensor x of each point; without `ys` these are the ys, and x counts from 1
---@param ys number[]|helios.Tensor? y of each point
---@param options table? `label`; `style`: `"-"`, `"--"`, `":"`, `"-."`, `"o"`, `"x"`, `"+"`, `"."`, `"s"`, `"^"`, a
---mark and a line such as `"x--"`, or in words `"lines"`, `"dashed"`, `"dotted"`, `"points"`, `"linespoints"`,
---`"steps"`, `"impulses"`; `color`: `"#rrggbb"` or a name; `width` of the line in pixels
---@return helios.Figure self
function Figure:plot(xs, ys, options)
  check_open(self, "plot")
  local x, y, o = curve_arguments("plot", CURVE_OPTIONS, xs, ys, options)
  o.style = o.style or "-"
  return add_curve(self, x, y, o)
end

local SCATTER_OPTIONS = {
  label = check.text, color = check.color, size = check.positive,
  style = function(fn, name, v) return check.choice(fn, name, v, styles.MARKERS) end,
}

---Draw a mark at each point.
---@param xs number[]|helios.Tensor
---@param ys number[]|helios.Tensor?
---@param options table? `label`, `style` (`"o"`, `"x"`, `"+"`, `"."`, `"s"`, `"^"`), `color`, `size` (1 is usual)
---@return helios.Figure self
function Figure:scatter(xs, ys, options)
  check_open(self, "scatter")
  local x, y, o = curve_arguments("scatter", SCATTER_OPTIONS, xs, ys, options)
  o.style = o.style or "o"
  return add_curve(self, x, y, o)
end

local BAR_OPTIONS = {label = check.text, color = check.color}

---Draw one bar for each label. Called again with as many labels, the new bars stand beside the first ones.
---@param labels (string|number)[] shown below the bars
---@param values number[]|helios.Tensor heights
---@param options table? `label` (for the legend), `color`
---@return helios.Figure self
function Figure:bar(labels, values, options)
  check_open(self, "bar")
  local names = check.texts("bar", "labels", labels)
  local heights = check.as_many("bar", "values", values, names, "labels")
  local o = check.options("bar", options, BAR_OPTIONS)
  local panel = current_panel(self)
  if panel.bar_labels and #panel.bar_labels ~= #names then
    check.bad("bar", "labels", "expected %d like the bars before, got %d", #panel.bar_labels, #names)
  end
  panel.bar_labels = panel.bar_labels or names
  return add_item(self, {kind = "bars", y = heights, options = o})
end

---Edges of `n` equal bins over the finite ones of `values`.
local function equal_edges(values, n)
  local low, high = math.huge, -math.huge
  for _, v in ipairs(values) do
    if v - v == 0 then low, high = math.min(low, v), math.max(high, v) end
  end
  if low > high then low, high = 0, 1 end
  if low == high then low, high = low - 0.5, high + 0.5 end
  local edges = {}
  for i = 0, n do edges[i + 1] = low + (high - low) * (i / n) end
  edges[n + 1] = high
  return edges
end

local function check_edges(edges)
  if #edges < 2 then check.bad("hist", "bins", "expected at least 2 edges, got %d", #edges) end
  for i = 1, #edges do
    check.finite("hist", ("bins[%d]"):format(i), edges[i])
    if i > 1 and edges[i] <= edges[i - 1] then check.bad("hist", "bins", "edges must ascend (at %d)", i) end
  end
  return edges
end

---The bin of v among ascending edges: [e1, e2), ..., the last one closed; nil outside.
local function bin_of(v, edges)
  local low, high = 1, #edges
  if not (v >= edges[1] and v <= edges[high]) then return nil end
  while high - low > 1 do
    local middle = (low + high) // 2
    if v >= edges[middle] then low = middle else high = middle end
  end
  return low
end

local function count_in_bins(values, edges)
  local counts = {}
  for i = 1, #edges - 1 do counts[i] = 0 end
  for _, v in ipairs(values) do
    local bin = bin_of(v, edges)
    if bin then counts[bin] = counts[bin] + 1 end
  end
  return counts
end

local function is_named(value) return type(value) == "table" and type(next(value)) == "string" end

---The field of that name, and a copy of the table without it.
local function take_out(t, name)
  local rest = {}
  for key, value in pairs(t) do rest[key] = value end
  rest[name] = nil
  return t[name], rest
end

---Draw how many values fall into each bin. NaN falls into none.
---@param values number[]|helios.Tensor
---@param bins integer|number[]|table? how many equal bins (10), or their ascending edges; or, in place of both, a table
---with `bins` among the options
---@param options table? `label`, `color`
---@return helios.Figure self
function Figure:hist(values, bins, options)
  check_open(self, "hist")
  if options == nil and is_named(bins) then bins, options = take_out(bins, "bins") end
  local checked = check.numbers("hist", "values", values)
  local edges
  if bins == nil or type(bins) == "number" then
    edges = equal_edges(checked, check.integer("hist", "bins", bins or 10, 1, 100000))
  else
    edges = check_edges(check.numbers("hist", "bins", bins))
  end
  local o = check.options("hist", options, BAR_OPTIONS)
  return add_item(self, {kind = "hist", edges = edges, y = count_in_bins(checked, edges), options = o})
end

local function annotation(fn, name, v)
  if type(v) == "boolean" or type(v) == "table" then return v end
  if type(v) ~= "string" then check.bad(fn, name, "expected true, a format or rows of strings") end
  return check.text(fn, name, v)
end

local IMAGE_OPTIONS = {
  colorbar = check.boolean, annotate = annotation, vmin = check.finite, vmax = check.finite,
  xlabels = function(_, _, v) return v end, ylabels = function(_, _, v) return v end,
  cmap = function(fn, name, v) return check.choice(fn, name, v, styles.PALETTES) end,
  aspect = function(fn, name, v) return check.choice(fn, name, v, {equal = true, auto = true}) end,
}

---A format must suit every number there is: "%d" only whole ones.
local function check_format(format, rows)
  for i, row in ipairs(rows) do
    for k, v in ipairs(row) do
      local ok, why = pcall(string.format, format, v)
      if not ok and v - v == 0 then
        check.bad("imshow", "annotate", "cannot format the number at [%d][%d]: %s", i, k, why:gsub("^bad.-%(", "("))
      end
    end
  end
end

local function check_annotation(o, rows)
  if type(o.annotate) == "string" then check_format(o.annotate, rows) end
  if type(o.annotate) ~= "table" then return end
  local count = #o.annotate
  if count ~= #rows then check.bad("imshow", "annotate", "expected %d rows, got %d", #rows, count) end
  local checked = {}
  for i, row in ipairs(o.annotate) do checked[i] = check.texts("imshow", ("annotate[%d]"):format(i), row, #rows[1]) end
  o.annotate = checked
end

---Draw a matrix as coloured cells, row 1 on top, like a confusion matrix.
---@param matrix number[][]|helios.Tensor rows of numbers
---@param options table? `colorbar` (true), `xlabels` and `ylabels` (one for each column and row), `annotate` (true: the
---values in the cells; a format such as `"%.1f"`; or rows of strings), `cmap` (`"viridis"`, `"gray"`, `"blues"`,
---`"coolwarm"`), `vmin`, `vmax` (the values at the ends of the colours), `aspect` (`"equal"` cells, or `"auto"`)
---@return helios.Figure self
function Figure:imshow(matrix, options)
  check_open(self, "imshow")
  local rows = check.matrix("imshow", "matrix", matrix)
  local o = check.options("imshow", options, IMAGE_OPTIONS)
  if o.xlabels then o.xlabels = check.texts("imshow", "xlabels", o.xlabels, #rows[1]) end
  if o.ylabels then o.ylabels = check.texts("imshow", "ylabels", o.ylabels, #rows) end
  if o.vmin and o.vmax and o.vmin >= o.vmax then check.bad("imshow", "vmin", "must be below 'vmax'") end
  check_annotation(o, rows)
  return add_item(self, {kind = "image", rows = rows, options = o})
end

local TEXT_OPTIONS = {
  color = check.color,
  align = function(fn, name, v) return check.choice(fn, name, v, {left = true, center = true, right = true}) end,
}

---Write text at a point of the axes.
---@param x number
---@param y number
---@param s string
---@param options table? `align` (`"left"`, `"center"`, `"right"`), `color`
---@return helios.Figure self
function Figure:text(x, y, s, options)
  check_open(self, "text")
  local label = {x = check.finite("text", "x", x), y = check.finite("text", "y", y), s = check.text("text", "s", s)}
  label.options = check.options("text", options, TEXT_OPTIONS)
  local texts = current_panel(self).texts
  texts[#texts + 1] = label
  return self
end

local function axes_of(figure_options, own)
  local shared = {}
  for name in pairs(AXIS_OPTIONS) do
    if name ~= "title" then shared[name] = figure_options[name] end
  end
  for name, value in pairs(own) do shared[name] = value end
  return shared
end

local function find_panel(self, rows, columns, place)
  for _, panel in ipairs(self.panels) do
    if panel.rows == rows and panel.columns == columns and panel.place == place then return panel end
  end
end

---Draw from now on into cell `i` (counted by rows from 1) of a grid of `rows` x `columns`. The figure's title then
---stands above the grid, and its other axis options hold for every cell that does not set them itself.
---@param rows integer
---@param columns integer
---@param i integer
---@param options table? `title`, `xlabel`, `ylabel`, `xlim`, `ylim`, `logx`, `logy`, `grid`, `legend` of the cell
---@return helios.Figure self
function Figure:subplot(rows, columns, i, options)
  check_open(self, "subplot")
  rows, columns = check.integer("subplot", "rows", rows, 1, 64), check.integer("subplot", "cols", columns, 1, 64)
  i = check.integer("subplot", "i", i, 1, rows * columns)
  local axes = axes_of(self.options, check.options("subplot", options, AXIS_OPTIONS))
  check_log_limits("subplot", axes)
  local panel = find_panel(self, rows, columns, i)
  if not panel then
    panel = {rows = rows, columns = columns, place = i, items = {}, texts = {}, in_grid = true}
    self.panels[#self.panels + 1] = panel
  end
  if not panel.axes or options then panel.axes = axes end
  self.panel = panel
  return self
end

local function missing_gnuplot()
  return ("gnuplot was not found (looked for '%s'): install it, e.g. `apt install gnuplot-nox`, `dnf install gnuplot` "
    .. "or `brew install gnuplot`, or set require('helios.figure').gnuplot to its path"):format(M.gnuplot)
end

---The lines of what gnuplot said that are not its echo of our script.
local function complaint(stderr)
  local lines = {}
  for line in stderr:gmatch("[^\n]+") do
    if line:find("^%s*line %d+:") or line:find("[Ee]rror") then lines[#lines + 1] = (line:gsub("^%s+", "")) end
  end
  if #lines == 0 then lines[1] = stderr:match("^%s*(.-)%s*$") end
  return table.concat(lines, "; "):sub(1, 2000)
end

---Draw `self`: PNG bytes, or nil and why not.
local function draw(self)
  current_panel(self)
  local script = gnuplot.script(self.options, self.panels)
  local out, said, status = native.process.run({M.gnuplot, "-d", "-"}, script, M.timeout)
  if not out then return nil, status == "EUNAVAILABLE" and missing_gnuplot() or said end
  if status == 0 and out:sub(1, #PNG_START) == PNG_START then return out end
  local why = complaint(said)
  if why == "" then why = "it gave no picture" end
  return nil, ("gnuplot failed (status %d): %s"):format(status, why)
end

---Draw the figure. Raises when gnuplot is missing, fails or takes longer than `helios.figure.timeout` seconds.
---@return string png the bytes of a PNG picture of width x height pixels
function Figure:render()
  check_open(self, "render")
  local png, why = draw(self)
  if not png then error("render: " .. why, 2) end
  return png
end

---Draw the figure into a PNG file. Raises like `render`.
---@param path string
---@return true? done
---@return string? message why the file could not be written
---@return integer? code
function Figure:save(path)
  check_open(self, "save")
  if type(path) ~= "string" then check.bad("save", "path", "expected a string, got %s", check.show(path)) end
  local png, why = draw(self)
  if not png then error("save: " .. why, 2) end
  local file, message, code = io.open(path, "wb")
  if not file then return nil, message, code end
  local written, write_message, write_code = file:write(png)
  local closed, close_message, close_code = file:close()
  if not written then return nil, write_message, write_code end
  if not closed then return nil, close_message, close_code end
  return true
end

---Let the data go. What is called after it, but `close`, is an error.
function Figure:close()
  self.options, self.panels, self.panel = nil, {}, nil
end

return M

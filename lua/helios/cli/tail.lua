---`helios tail`: live curves in the terminal, with the text log beside them.
local common = require "helios.cli.common"
local native = require "helios.native"
local plot = require "helios.cli.plot"
local text = require "helios.cli.text"

local core, tty = native.reader, native.tty

local M = {}

local COLORS = {39, 208, 76, 201, 226, 45, 196, 141, 118, 250} -- of 256, apart on dark and on light grounds
local KEYS = "q quit  ←→ page  s/S smooth  l log  x time"
local LEAST_WIDTH, LEAST_HEIGHT = 38, 8 -- of a chart
local LOG_LINES = 200

local function weight(s)
  local v = tonumber(s)
  if v and v >= 0 and v < 1 then return v end
  return nil, "expected a weight from 0 to below 1, got '" .. s .. "'"
end

local function positive(s)
  local v = tonumber(s)
  if v and v > 0 and v < 1e6 then return v end
  return nil, "expected a number above 0, got '" .. s .. "'"
end

function M.describe(command)
  command:argument("path", "A run folder, a folder of runs, or an event file."):args("+")
  command:option("--tag", "Only tags that hold this text; may be given again."):argname("TEXT"):count("*")
  command:option("--text-log", "Show the end of this text log beside the curves."):argname("FILE")
  command:option("--smooth", "Weight of the moving average, 0 to below 1."):argname("WEIGHT"):default("0")
    :convert(weight)
  command:flag("--log", "Logarithmic y axis.")
  command:flag("--time", "Time instead of steps on the x axis.")
  command:option("--interval", "Seconds between looks at the files."):argname("SECONDS"):default("1"):convert(positive)
  command:flag("--once", "Print one picture and end; so it is when the output is no terminal.")
  command:option("--width", "Columns of that picture."):argname("N"):convert(positive)
  command:option("--height", "Lines of that picture."):argname("N"):convert(positive)
end

-- ---- what is followed --------------------------------------------------------------------------------------------

---A file that cannot be read hides none of the others.
local function load(view, run)
  repeat
    local ok, message, code = run.handle:load()
    if not ok then view.failures[#view.failures + 1] = message end
  until ok or code ~= "EIO"
end

---Runs that are new since the last look are opened; the others are read on.
local function refresh(view)
  for _, root in ipairs(view.paths) do
    for _, found in ipairs(core.find(root) or {}) do
      if not view.runs[found.path] then
        local handle = core.open_run(found.path, true)
        if handle then
          local name = found.name == "." and root:match("([^/]+)/*$") or found.name
          local run = {name = name or root, handle = handle, color = COLORS[#view.order % #COLORS + 1], cache = {}}
          view.runs[found.path] = run
          view.order[#view.order + 1] = run
        end
      end
    end
  end
  view.damaged = 0
  for _, run in ipairs(view.order) do
    load(view, run)
    run.tags, run.files = run.handle:tags(), run.handle:files()
    for _, file in ipairs(run.files) do view.damaged = view.damaged + file.damaged end
  end
end

---What could not be read, once nothing is drawn over it any more.
local function tell_trouble(view)
  local status = 0
  for _, message in ipairs(view.failures) do status = common.fail(message) end
  for _, run in ipairs(view.order) do status = math.max(status, common.tell_damage(run.files)) end
  return status
end

local function tag_wanted(view, tag)
  if tag.kind ~= "scalar" or tag.points == 0 then return false end
  if #view.filter == 0 then return true end
  for _, part in ipairs(view.filter) do
    if tag.tag:find(part, 1, true) then return true end
  end
  return false
end

---The tags to show, in name order, each with the runs that have it.
local function charts_of(view)
  local by_tag, list = {}, {}
  for _, run in ipairs(view.order) do
    for i, tag in ipairs(run.tags or {}) do
      if tag_wanted(view, tag) then
        local chart = by_tag[tag.tag]
        if not chart then
          chart = {tag = tag.tag, parts = {}}
          by_tag[tag.tag] = chart
          list[#list + 1] = chart
        end
        chart.parts[#chart.parts + 1] = {run = run, index = i, info = tag}
      end
    end
  end
  table.sort(list, function(a, b) return a.tag < b.tag end)
  return list
end

---A tag's points, fetched again only when there are new ones.
local function column(part)
  local cached = part.run.cache[part.index]
  if not cached or cached.points ~= part.info.points then
    local steps, values, times = part.run.handle:column(part.index)
    cached = {points = part.info.points, steps = steps, values = values, times = times}
    part.run.cache[part.index] = cached
  end
  return cached
end

---The last lines of a text log; reads only its end.
local function log_lines(view)
  if not view.text_log then return {} end
  local file = native.fs.is_file(view.text_log) and io.open(view.text_log, "rb") -- a pipe would make us wait
  if not file then return {"(cannot open " .. view.text_log .. ")"} end
  local size = file:seek("end") or 0
  file:seek("set", math.max(0, size - 64 * 1024))
  local lines = {}
  for s in (file:read("a") or ""):gmatch("[^\n]+") do lines[#lines + 1] = text.escape(s) end
  file:close()
  return table.move(lines, math.max(1, #lines - LOG_LINES), #lines, 1, {})
end

-- ---- one picture -------------------------------------------------------------------------------------------------

local function paint(view, color, s)
  if not view.colored or not color then return s end
  return ("\27[38;5;%dm%s\27[0m"):format(color, s)
end

local function x_text(view)
  return function(v)
    return view.time and text.time(v, "%H:%M:%S") or text.number(v)
  end
end

local function curves_of(view, chart)
  local series = {}
  for _, part in ipairs(chart.parts) do
    local c = column(part)
    series[#series + 1] = {xs = view.time and c.times or c.steps, ys = plot.smooth(c.values, view.smooth),
      color = part.run.color}
  end
  return series
end

local function chart_lines(view, chart, width, height)
  local title = text.escape(chart.tag)
  local info = chart.parts[1].info
  if #chart.parts == 1 then title = ("%s  %s"):format(title, text.number(info.last_value, info.single)) end
  return plot.chart(curves_of(view, chart), {title = title, width = width, height = height, log = view.log,
    paint = function(color, s) return paint(view, color, s) end, x_text = x_text(view)})
end

---How many columns a line takes: escape sequences take none.
local function visible(s) return text.width((s:gsub("\27%[[%d;]*m", ""))) end

local function fit(s, width) return s .. (" "):rep(math.max(0, width - visible(s))) end

---Put blocks of lines beside each other.
local function beside(blocks, width)
  local out = {}
  for _, block in ipairs(blocks) do
    for i, s in ipairs(block) do out[i] = (out[i] or "") .. fit(s, width) end
  end
  return out
end

---How the charts lie: columns, rows, and the size of one.
local function grid(width, height, count)
  local columns = math.max(1, math.min(width // LEAST_WIDTH, math.ceil(math.sqrt(count))))
  local rows = math.max(1, math.min(height // LEAST_HEIGHT, math.ceil(count / columns)))
  return columns, rows, width // columns, height // rows
end

local function charts_block(view, charts, width, height)
  if #charts == 0 then return {"(no scalars yet)"} end
  local columns, rows, w, h = grid(width, height, #charts)
  local per_page = columns * rows
  view.pages = math.ceil(#charts / per_page)
  view.page = math.min(view.page, view.pages)
  local lines = {}
  for row = 0, rows - 1 do
    local blocks = {}
    for i = 1, columns do
      local chart = charts[(view.page - 1) * per_page + row * columns + i]
      if chart then blocks[#blocks + 1] = chart_lines(view, chart, w, h) end
    end
    for _, s in ipairs(beside(blocks, w)) do lines[#lines + 1] = s end
  end
  return lines
end

local function legend(view, width)
  local parts, used = {}, 0
  for _, run in ipairs(view.order) do
    local name = text.clip(text.escape(run.name), 30)
    used = used + text.width(name) + 4
    if used > width then
      parts[#parts + 1] = "…"
      break
    end
    parts[#parts + 1] = paint(view, run.color, "━ " .. name)
  end
  return table.concat(parts, "  ")
end

local function status_line(view, width)
  local page = (view.pages or 1) > 1 and ("page %d/%d  "):format(view.page, view.pages) or ""
  local trouble = view.damaged + #view.failures
  local state = ("%s%ssmooth %.2g  %s  %s"):format(trouble > 0 and ("%d damaged!  "):format(trouble) or "", page,
    view.smooth, view.log and "log" or "linear", view.time and "time" or "step")
  return text.clip(view.interactive and state .. "   " .. KEYS or state, width)
end

---Lay the text log under the curves, or at their right where there is room.
local function with_log(view, charts, width, height)
  local lines = log_lines(view)
  if not view.text_log then return charts_block(view, charts, width, height) end
  local function last(count, columns)
    local out = {}
    for i = math.max(1, #lines - count + 1), #lines do out[#out + 1] = text.clip(lines[i], columns) end
    return out
  end
  if width >= 110 then
    local side = width * 2 // 5
    local block = charts_block(view, charts, width - side, height)
    local log = last(height, side - 3)
    for i = 1, height do block[i] = fit(block[i] or "", width - side) .. "│ " .. (log[i] or "") end
    return block
  end
  local under = math.max(3, height // 4)
  local block = charts_block(view, charts, width, height - under - 1)
  for i = #block + 1, height - under - 1 do block[i] = "" end
  block[#block + 1] = ("─"):rep(width)
  for _, s in ipairs(last(under, width)) do block[#block + 1] = s end
  return block
end

local function picture(view, width, height)
  local lines = with_log(view, charts_of(view), width, height - 2)
  table.insert(lines, 1, legend(view, width))
  for i = #lines + 1, height - 1 do lines[i] = "" end
  lines[height] = status_line(view, width)
  return table.move(lines, 1, height, 1, {})
end

-- ---- the terminal ------------------------------------------------------------------------------------------------

local function show(lines)
  io.stdout:write("\27[?2026h\27[H", table.concat(lines, "\27[K\r\n"), "\27[K\27[J\27[?2026l")
  io.stdout:flush()
end

local ACTIONS = {
  ["q"] = function() return true end,
  ["\3"] = function() return true end,
  ["\27[C"] = function(view) view.page = view.page % view.pages + 1 end,
  ["\27[D"] = function(view) view.page = (view.page - 2) % view.pages + 1 end,
  ["s"] = function(view) view.smooth = math.min(0.99, view.smooth + (view.smooth < 0.85 and 0.1 or 0.03)) end,
  ["S"] = function(view) view.smooth = view.smooth < 0.15 and 0 or view.smooth - 0.1 end,
  ["l"] = function(view) view.log = not view.log end,
  ["x"] = function(view) view.time = not view.time end,
}
ACTIONS["n"], ACTIONS["p"] = ACTIONS["\27[C"], ACTIONS["\27[D"]

---Do what keys say; quick ones come together. Gives whether to end, and whether any of them meant something.
local function act(view, bytes)
  local known, at = false, 1
  while at <= #bytes do
    local key = bytes:match("^\27%[.", at) or bytes:sub(at, at)
    local action = ACTIONS[key]
    at = at + #key
    if action and action(view) then return true, true end
    known = known or action ~= nil
  end
  return false, known
end

local GLANCE = 0.25 -- seconds between looks at the size of the terminal

---Wait for the next look, and do what keys say meanwhile. Gives whether to end, and whether a key or another size of
---the terminal came first.
local function keys(view, raw, watch, seconds)
  local deadline = native.terminal.monotonic() + seconds
  local width, height = tty.size()
  repeat
    local bytes, closed = raw:key(math.max(0, math.min(GLANCE, deadline - native.terminal.monotonic())))
    if closed or watch:seen() then return true, false end
    local done, known = act(view, bytes or "")
    if known then return done, true end
    local new_width, new_height = tty.size()
    if new_width ~= width or new_height ~= height then return false, true end
  until native.terminal.monotonic() >= deadline
  return false, false
end

---The other screen, for as long as this lives; what was on the terminal comes back.
local function full_screen()
  io.stdout:write("\27[?1049h\27[?25l")
  return setmetatable({}, {__close = function()
    io.stdout:write("\27[?25h\27[?1049l")
    io.stdout:flush()
  end})
end

local function live(view, interval, raw)
  local _ <close> = raw
  local watch = native.signals.watch()
  local screen <close> = full_screen() -- luacheck: no unused
  local done, pressed
  repeat
    if not pressed then refresh(view) end
    local width, height = tty.size()
    show(picture(view, width or 80, height or 24))
    done, pressed = keys(view, raw, watch, interval)
  until done
  watch:stop()
end

---Status 1 when a path is not there. One without runs may get them while we look.
local function check_paths(paths)
  for _, path in ipairs(paths) do
    local found, message = core.find(path)
    if not found then return common.fail(message) end
  end
  return 0
end

function M.run(arguments)
  if check_paths(arguments.path) ~= 0 then return 1 end
  local width, height = tty.size()
  local view = {paths = arguments.path, filter = arguments.tag, text_log = arguments.text_log, runs = {}, order = {},
    failures = {}, damaged = 0, page = 1, pages = 1, smooth = arguments.smooth, log = arguments.log,
    time = arguments.time, colored = width ~= nil and os.getenv("NO_COLOR") == nil}
  local raw = width and not arguments.once and tty.raw() -- nothing when there is no keyboard to end it with
  if raw then
    view.interactive = true
    live(view, arguments.interval, raw)
    return tell_trouble(view)
  end
  refresh(view)
  local lines = picture(view, (arguments.width or width or 80) // 1 | 0, (arguments.height or height or 24) // 1 | 0)
  io.write(table.concat(lines, "\n"), "\n")
  return tell_trouble(view)
end

return M

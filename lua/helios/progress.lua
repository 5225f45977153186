---Progress bars on stderr: how far, how fast, how long still.
---
---On a terminal every open bar is one line at the bottom, redrawn at most ten times a second; what the loggers tell
---stderr meanwhile is written above the bars. Anywhere else (a file, a pipe, a batch system's log) a plain line comes
---every few seconds instead.
local native = require "helios.native"

local M = {}

local REDRAW_SECONDS <const> = 0.1
local PLAIN_SECONDS <const> = 5
local NARROWEST_BAR <const> = 4
local SMOOTHING <const> = 0.3 -- weight of the newest rate, so that the figures are calm but follow

local function locale_has_utf8()
  local locale = os.getenv("LC_ALL") or os.getenv("LC_CTYPE") or os.getenv("LANG") or ""
  return locale:upper():find("UTF%-?8") ~= nil
end

---The outside world, in one place so that a spec may replace it.
---@class helios.ProgressWorld
---@field columns fun(): integer? width of the terminal; nil when stderr is none
---@field monotonic fun(): number seconds
---@field write fun(text: string)
---@field has_utf8 fun(): boolean whether it shows more than ASCII
M.world = {
  columns = native.terminal.columns,
  monotonic = native.terminal.monotonic,
  write = function(text) io.stderr:write(text) end,
  has_utf8 = locale_has_utf8,
}

---@class helios.ProgressBar
---@field total integer? nil when nobody knows
---@field n integer
---@field desc string
---@field unit string
---@field leave boolean
---@field rate number? per second
local Bar = {}
Bar.__index = Bar
Bar.__name = "helios.ProgressBar"

local bars = {}   ---@type helios.ProgressBar[] the open ones, outermost first
local on_screen = {}  ---@type integer[] the display widths of the lines drawn last
local last_draw = -math.huge

-- Text ---------------------------------------------------------------------------------------------------------------

local function display_width(text)
  return utf8.len(text) or #text
end

local function cut(text, width)
  if display_width(text) <= width then return text end
  local stop = utf8.len(text) and utf8.offset(text, width + 1) or width + 1
  return text:sub(1, stop - 1)
end

local function clock(seconds)
  local s = math.floor(seconds + 0.5)
  local hours, minutes = s // 3600, s // 60 % 60
  if hours > 0 then return ("%d:%02d:%02d"):format(hours, minutes, s % 60) end
  return ("%02d:%02d"):format(minutes, s % 60)
end

local function rate_text(rate, unit)
  if not rate or rate <= 0 then return "? " .. unit .. "/s" end
  if rate < 1 then return ("%.2f s/%s"):format(1 / rate, unit) end
  return ("%.2f %s/s"):format(rate, unit)
end

local EIGHTHS <const> = {"▏", "▎", "▍", "▌", "▋", "▊", "▉"}

local function drawing(fraction, width)
  local cells = math.max(0, math.min(fraction, 1)) * width
  local full = math.floor(cells)
  local shown = full
  local has_utf8 = M.world.has_utf8()
  local text = (has_utf8 and "█" or "#"):rep(full)
  local eighth = has_utf8 and EIGHTHS[math.floor((cells - full) * 8)]
  if eighth then
    text, shown = text .. eighth, full + 1
  end
  return text .. (" "):rep(width - shown)
end

function Bar:remaining()
  if not self.total or not self.rate or self.rate <= 0 then return "?" end
  return clock(math.max(0, self.total - self.n) / self.rate)
end

-- One line of at most `width` cells. As the terminal narrows, the drawing goes first, then the end of the text.
function Bar:line(width)
  local elapsed = clock(M.world.monotonic() - self.started)
  if not self.total then
    return cut(("%s: %d %s [%s, %s]"):format(self.desc, self.n, self.unit, elapsed, rate_text(self.rate, self.unit)),
      width)
  end
  local fraction = self.total > 0 and self.n / self.total or 1
  local head = ("%s: %3d%%"):format(self.desc, math.floor(100 * fraction))
  local tail = ("%d/%d [%s<%s, %s]"):format(self.n, self.total, elapsed, self:remaining(),
    rate_text(self.rate, self.unit))
  local room = width - display_width(head) - display_width(tail) - 3
  if room < NARROWEST_BAR then return cut(head .. " " .. tail, width) end
  return head .. "|" .. drawing(fraction, room) .. "| " .. tail
end

function Bar:plain()
  local elapsed = clock(M.world.monotonic() - self.started)
  if not self.total then
    return ("%s: %d %s, %s elapsed, %s"):format(self.desc, self.n, self.unit, elapsed, rate_text(self.rate, self.unit))
  end
  return ("%s: %d/%d (%d %%), %s elapsed, %s left, %s"):format(self.desc, self.n, self.total,
    self.total > 0 and 100 * self.n // self.total or 100, elapsed, self:remaining(), rate_text(self.rate, self.unit))
end

-- The screen ---------------------------------------------------------------------------------------------------------

-- Back to the first cell of the bars, clearing them line by line: a terminal may take "clear to the end of the screen"
-- for a whole screen to keep, as tmux does at its top. A terminal that became narrower has wrapped the lines.
local function erasing(columns)
  local rows = 0
  for _, width in ipairs(on_screen) do rows = rows + math.max(1, (width + columns - 1) // columns) end
  on_screen = {}
  if rows == 0 then return "" end
  return "\r\27[K" .. ("\27[A\27[K"):rep(rows - 1)
end

-- The cursor stays behind the last line: the last column is kept free, or the terminal would wrap.
local function lines_of_bars(columns)
  local lines = {}
  for i, bar in ipairs(bars) do
    lines[i] = bar:line(columns - 1)
    on_screen[i] = display_width(lines[i])
  end
  return table.concat(lines, "\n")
end

local function draw(text_above)
  local columns = M.world.columns()
  if not columns then
    if text_above then M.world.write(text_above) end
    return
  end
  M.world.write(erasing(columns) .. (text_above or "") .. lines_of_bars(columns))
end

local function write_plain()
  local parts = {}
  for i, bar in ipairs(bars) do parts[i] = bar:plain() end
  M.world.write(table.concat(parts, "; ") .. "\n")
end

-- What a logger tells stderr goes above the bars.
local function log_line(line)
  if line:sub(-1) ~= "\n" then line = line .. "\n" end
  draw(line)
end

local function hook_stderr(fn)
  native.logger.set_stderr_hook(fn)
end

local function refresh(force)
  local now = M.world.monotonic()
  local on_terminal = M.world.columns() ~= nil
  if not force and now - last_draw < (on_terminal and REDRAW_SECONDS or PLAIN_SECONDS) then return end
  last_draw = now
  if on_terminal then draw()
  elseif not force then write_plain() end
end

-- Bars ---------------------------------------------------------------------------------------------------------------

local closed = setmetatable({update = function() end, close = function() end}, Bar)

---Open a bar below those that are open.
---@param options {desc: string, unit: string?, total: integer?, initial: integer?, leave: boolean?, enabled: boolean?}
---  unit "it"; no total: unknown; `initial` units done before now, 0; `leave` the finished bar on the screen, false;
---  `enabled` false gives a bar that does nothing
---@return helios.ProgressBar
function M.bar(options)
  if options.enabled == false then return closed end
  local now = M.world.monotonic()
  local self = setmetatable({desc = options.desc, unit = options.unit or "it", total = options.total,
    n = options.initial or 0, leave = options.leave or false, started = now, measured = now, counted = 0}, Bar)
  if #bars == 0 then
    hook_stderr(log_line)
    last_draw = M.world.columns() and -math.huge or now
  end
  bars[#bars + 1] = self
  refresh(M.world.columns() ~= nil)
  return self
end

function Bar:measure(now)
  local current = self.counted / (now - self.measured)
  self.rate = self.rate and SMOOTHING * current + (1 - SMOOTHING) * self.rate or current
  self.measured, self.counted = now, 0
end

---So many more units are done.
---@param units integer? 1
function Bar:update(units)
  units = units or 1
  self.n, self.counted = self.n + units, self.counted + units
  local now = M.world.monotonic()
  if now - self.measured >= REDRAW_SECONDS then self:measure(now) end
  refresh(false)
end

local function remove(bar)
  for i, open in ipairs(bars) do
    if open == bar then return table.remove(bars, i) end
  end
end

local function leave_behind(bar)
  if not M.world.columns() then
    M.world.write(bar:plain() .. "\n")
  else
    draw(bar:line(M.world.columns() - 1) .. "\n")
  end
end

---Take the bar off the screen, or leave its last state above the others. Twice is fine.
function Bar:close()
  if not remove(self) then return end
  local elapsed = M.world.monotonic() - self.started
  if not self.rate and elapsed > 0 then self.rate = self.counted / elapsed end
  if self.leave then leave_behind(self) else refresh(M.world.columns() ~= nil) end
  if #bars == 0 then hook_stderr(nil) end
end

---Lua's print, for what is to stand above the bars.
---@param ... any
function M.print(...)
  local columns = M.world.columns()
  if columns then M.world.write(erasing(columns)) end
  print(...)
  io.stdout:flush()
  if columns then draw() end
end

---Close all bars, whatever they are in the middle of.
function M.close_all()
  for i = #bars, 1, -1 do bars[i]:close() end
end

return M

---Checks of the arguments of `helios.figure`: each returns the value in the form the figure keeps, or raises an error
---that names function, argument and reason at the line of the caller outside these modules.
---@class helios.figure.check
local glyphs = require "helios.figure.glyphs"

local M = {}

local HERE = debug.getinfo(1, "S").source
local ROOT = HERE:gsub("check%.lua$", "")

---The level, for `error`, of the first caller that is no part of helios.figure.
local function outside()
  for level = 3, 32 do
    local info = debug.getinfo(level, "S")
    if not info then return level - 1 end
    local ours = info.source:sub(1, #ROOT) == ROOT or info.source == ROOT:gsub("/$", ".lua")
    if not ours and info.what ~= "C" then return level end
  end
  return 3
end

---Raise: argument `name` of function `fn` is wrong.
---@param fn string
---@param name string
---@param format string
function M.bad(fn, name, format, ...)
  error(("%s: argument '%s': " .. format):format(fn, name, ...), outside() - 1)
end

---How a value is shown in a message.
---@param v any
---@return string
function M.show(v)
  if type(v) == "string" then return ("%q"):format(v) end
  if type(v) == "number" then return tostring(v) end
  return type(v)
end

---Text: UTF-8 without NUL. What no font can draw is replaced.
function M.text(fn, name, v)
  if type(v) == "number" then v = tostring(v) end
  if type(v) ~= "string" then M.bad(fn, name, "expected a string, got %s", M.show(v)) end
  if not utf8.len(v) then M.bad(fn, name, "not valid UTF-8") end
  if v:find("\0", 1, true) then M.bad(fn, name, "holds a NUL byte") end
  return glyphs.drawable(v)
end

local function finite(v)
  return type(v) == "number" and v == v and v ~= math.huge and v ~= -math.huge
end

---A number that is neither NaN nor infinite.
function M.finite(fn, name, v)
  if not finite(v) then M.bad(fn, name, "expected a finite number, got %s", M.show(v)) end
  return v
end

---A finite number above 0.
function M.positive(fn, name, v)
  if M.finite(fn, name, v) <= 0 then M.bad(fn, name, "expected more than 0, got %s", M.show(v)) end
  return v
end

---An integer in [low, high]; a float with an integer's value is one.
function M.integer(fn, name, v, low, high)
  local n = math.tointeger(v)
  if not n or n < low or n > high then
    M.bad(fn, name, "expected an integer from %d to %d, got %s", low, high, M.show(v))
  end
  return n
end

function M.boolean(fn, name, v)
  if type(v) ~= "boolean" then M.bad(fn, name, "expected true or false, got %s", M.show(v)) end
  return v
end

---`{low, high}`, low below high.
function M.limits(fn, name, v)
  if type(v) ~= "table" or #v ~= 2 or not finite(v[1]) or not finite(v[2]) or v[1] >= v[2] then
    M.bad(fn, name, "expected {low, high} with low < high")
  end
  return {v[1], v[2]}
end

---A key of `choices`; the message lists them.
function M.choice(fn, name, v, choices)
  if choices[v] ~= nil then return v end
  local names = {}
  for k in pairs(choices) do names[#names + 1] = ("%q"):format(k) end
  table.sort(names)
  M.bad(fn, name, "expected one of %s, got %s", table.concat(names, ", "), M.show(v))
end

local COLORS = {
  black = "#000000", white = "#ffffff", gray = "#7f7f7f", red = "#d62728", green = "#2ca02c", blue = "#1f77b4",
  orange = "#ff7f0e", purple = "#9467bd", brown = "#8c564b", pink = "#e377c2", olive = "#bcbd22", cyan = "#17becf",
}

---`#rrggbb` or one of a few names; returns `#rrggbb`.
function M.color(fn, name, v)
  if type(v) == "string" and v:find("^#%x%x%x%x%x%x$") then return v end
  return COLORS[M.choice(fn, name, v, COLORS)]
end

---What a tensor holds as nested lists; anything else as it is.
local function plain(v)
  local is_tensor = type(v) == "userdata" or (type(v) == "table" and getmetatable(v))
  if is_tensor and v.totable then return v:totable() end
  return v
end

local AS_NUMBER = {[true] = 1, [false] = 0}

---A list of numbers (or a one-dimensional tensor), copied; true is 1, false 0.
function M.numbers(fn, name, v)
  v = plain(v)
  if type(v) ~= "table" then M.bad(fn, name, "expected a list of numbers, got %s", M.show(v)) end
  local out = {}
  for i = 1, #v do
    local number = AS_NUMBER[v[i]] or v[i]
    if type(number) ~= "number" then M.bad(fn, name, "expected a number at %d, got %s", i, M.show(number)) end
    out[i] = number
  end
  return out
end

---A list of as many numbers as `xs` holds.
function M.as_many(fn, name, v, xs, xs_name)
  local out = M.numbers(fn, name, v)
  if #out ~= #xs then M.bad(fn, name, "has %d values, but '%s' has %d", #out, xs_name, #xs) end
  return out
end

---A list of texts (numbers become texts), copied; `count`, if given, is how many there must be.
function M.texts(fn, name, v, count)
  if type(v) ~= "table" then M.bad(fn, name, "expected a list of strings, got %s", M.show(v)) end
  if count and #v ~= count then M.bad(fn, name, "expected %d strings, got %d", count, #v) end
  local out = {}
  for i = 1, #v do out[i] = M.text(fn, ("%s[%d]"):format(name, i), v[i]) end
  return out
end

---A list of rows of equal length (or a two-dimensional tensor), copied.
function M.matrix(fn, name, v)
  v = plain(v)
  if type(v) ~= "table" or type(v[1]) ~= "table" or #v[1] == 0 then
    M.bad(fn, name, "expected rows of numbers")
  end
  local rows = {}
  for i = 1, #v do
    if type(v[i]) ~= "table" then M.bad(fn, name, "expected a row of numbers at %d, got %s", i, M.show(v[i])) end
    rows[i] = M.numbers(fn, ("%s[%d]"):format(name, i), v[i])
    if #rows[i] ~= #rows[1] then M.bad(fn, name, "row %d has %d values, row 1 has %d", i, #rows[i], #rows[1]) end
  end
  return rows
end

---Check a table of options. `known` maps each name to `function(fn, name, value)`; what is not known is an error.
function M.options(fn, options, known)
  if options == nil then return {} end
  if type(options) ~= "table" then M.bad(fn, "options", "expected a table, got %s", M.show(options)) end
  local out = {}
  for name, value in pairs(options) do
    local check = known[name]
    if not check then M.bad(fn, tostring(name), "unknown option") end
    out[name] = check(fn, name, value)
  end
  return out
end

return M

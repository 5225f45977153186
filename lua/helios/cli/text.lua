---Text for people and for programs: tags that cannot touch a terminal, JSON, tables, numbers, names of files.
local core = require("helios.native").reader

local M = {}

---Characters that move the cursor or turn the direction of writing.
local function is_hostile(code)
  return code < 0x20 or (code >= 0x7f and code < 0xa0) or code == 0x200e or code == 0x200f
    or (code >= 0x2028 and code <= 0x202e) or (code >= 0x2066 and code <= 0x2069) or code == 0xfeff
end

---A string that is safe to print: control bytes, what is no UTF-8 and characters that redirect text become \xNN or
---\u{N}.
---@param s string
---@return string
function M.escape(s)
  if not s:find("[%c\127-\255]") then return s end
  local out, at = {}, 1
  while at <= #s do
    local ok, code = pcall(utf8.codepoint, s, at)
    local next_at = ok and at + #utf8.char(code) or at + 1
    if not ok then
      out[#out + 1] = ("\\x%02x"):format(s:byte(at))
      at = next_at
    elseif is_hostile(code) then
      out[#out + 1] = code < 0x80 and ("\\x%02x"):format(code) or ("\\u{%x}"):format(code)
      at = next_at
    else
      out[#out + 1] = s:sub(at, next_at - 1)
      at = next_at
    end
  end
  return table.concat(out)
end

---A value as the shortest number that reads back to the same bits; `single` when it was stored as a float.
---@param v number
---@param single boolean?
---@return string
M.number = core.number

---Seconds since the epoch as local time; "-" for what is no time.
---@param seconds number
---@param format string?  of os.date
---@return string
function M.time(seconds, format)
  local whole = math.tointeger(seconds // 1)
  if not whole or whole < 0 or whole > 253402300799 then return "-" end
  return os.date(format or "%Y-%m-%d %H:%M:%S", whole) --[[@as string]]
end

---@param n integer
---@return string such as "1.5 MB"
function M.bytes(n)
  for _, unit in ipairs{{1e9, "GB"}, {1e6, "MB"}, {1e3, "kB"}} do
    if n >= unit[1] then return ("%.1f %s"):format(n / unit[1], unit[2]) end
  end
  return ("%d bytes"):format(n)
end

local ESCAPES = {['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t"}

---Bytes that are no UTF-8 become U+FFFD: JSON has no other place for them.
local function utf8_only(s)
  if utf8.len(s) then return s end
  local out, at = {}, 1
  while at <= #s do
    local bad = select(2, utf8.len(s, at))
    if not bad then
      out[#out + 1] = s:sub(at)
      break
    end
    out[#out + 1] = s:sub(at, bad - 1) .. "\u{fffd}"
    at = bad + 1
  end
  return table.concat(out)
end

local function json_string(s)
  return '"' .. utf8_only(s):gsub('[%c"\\\127]', function(c)
    return ESCAPES[c] or ("\\u%04x"):format(c:byte())
  end) .. '"'
end

---Minus zero keeps its point: without it, readers take an integer and lose the sign.
local function json_number(v, single)
  if v == 0 and 1 / v < 0 then return "-0.0" end
  if v ~= v then return '"NaN"' end
  if v == math.huge then return '"Infinity"' elseif v == -math.huge then return '"-Infinity"' end
  return M.number(v, single)
end

local encode

local function json_table(t)
  local out = {}
  if #t > 0 or t == M.EMPTY_LIST then
    for i, v in ipairs(t) do out[i] = encode(v) end
    return "[" .. table.concat(out, ",") .. "]"
  end
  local keys = {}
  for key in pairs(t) do keys[#keys + 1] = tostring(key) end
  table.sort(keys)
  for i, key in ipairs(keys) do out[i] = json_string(key) .. ":" .. encode(t[key]) end
  return "{" .. table.concat(out, ",") .. "}"
end

---What an empty list is written as: a table without elements is an object otherwise.
M.EMPTY_LIST = {}

---A value wrapped so that it is written as a float32.
local Single = {}

---@param v number
function M.single(v) return setmetatable({v}, Single) end

---A number as JSON; `single` when it was stored as a float.
---@param v number
---@param single boolean?
---@return string
M.json_number = json_number

---A value as JSON. NaN and infinities, which JSON has no word for, are the strings "NaN", "Infinity", "-Infinity".
---@param v any
---@return string
function encode(v)
  local kind = type(v)
  if kind == "string" then return json_string(v) end
  if kind == "number" then return json_number(v) end
  if kind == "table" and getmetatable(v) == Single then
    return json_number(v[1], true)
  end
  if kind == "table" then return json_table(v) end
  return tostring(v)
end
M.json = encode

---A name made of a tag or run that can only be a name: no folder, nothing hidden, not too long.
---@param s string
---@return string
function M.file_name(s)
  local name = s:gsub("[^%w._-]", function(c) return ("%%%02X"):format(c:byte()) end):gsub("^%.", "%%2E")
  if name == "" then return "%" end
  if #name <= 120 then return name end
  return name:sub(1, 100) .. ("~%08x"):format(require("helios.native").fs.crc32c(s) & 0xffffffff)
end

-- Ranges of characters that terminals draw two columns wide, and of marks that are drawn over the one before. The
-- blocks that tags are written in; not the whole of Unicode's tables.
local WIDE = {{0x1100, 0x115f}, {0x2e80, 0x303e}, {0x3041, 0xa4cf}, {0xac00, 0xd7a3}, {0xf900, 0xfaff},
  {0xfe30, 0xfe6f}, {0xff00, 0xff60}, {0xffe0, 0xffe6}, {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff},
  {0x20000, 0x3fffd}}
local OVER = {{0x300, 0x36f}, {0x483, 0x489}, {0x591, 0x5bd}, {0x610, 0x61a}, {0x64b, 0x65f}, {0x200b, 0x200d},
  {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}}

local function within(ranges, code)
  for _, range in ipairs(ranges) do
    if code <= range[2] then return code >= range[1] end
  end
  return false
end

local function columns(code)
  if code < 0x300 then return 1 end
  return within(OVER, code) and 0 or within(WIDE, code) and 2 or 1
end

---How many columns of a terminal a string takes, when it holds no escape sequences.
---@param s string
---@return integer
function M.width(s)
  if not s:find("[\128-\255]") or not utf8.len(s) then return #s end
  local sum = 0
  for _, code in utf8.codes(s) do sum = sum + columns(code) end
  return sum
end

---A string cut to so many columns, with a sign that it was.
---@param s string
---@param width integer
---@return string
function M.clip(s, width)
  if M.width(s) <= width then return s end
  if not utf8.len(s) then return s:sub(1, math.max(width, 1) - 1) .. "…" end
  local room = math.max(width, 1) - 1
  for at, code in utf8.codes(s) do
    room = room - columns(code)
    if room < 0 then return s:sub(1, at - 1) .. "…" end
  end
  return s
end

local WIDEST = 60 -- what a cell is padded to at most: one that is longer pushes its own line only

---Rows of strings as lines of columns; the last column is not padded. `right` names columns that are numbers.
---@param rows string[][]
---@param right table<integer, boolean>
---@param indent string
---@return string
function M.table(rows, right, indent)
  local width = {}
  for _, row in ipairs(rows) do
    for i, cell in ipairs(row) do width[i] = math.max(width[i] or 0, math.min(WIDEST, M.width(cell))) end
  end
  local lines = {}
  for _, row in ipairs(rows) do
    local cells = {}
    for i, cell in ipairs(row) do
      local pad = (" "):rep(width[i] - M.width(cell))
      cells[i] = right[i] and pad .. cell or (i == #row and cell or cell .. pad)
    end
    lines[#lines + 1] = indent .. table.concat(cells, "  ") .. "\n"
  end
  return table.concat(lines)
end

return M

---Which characters the machine's fonts can draw. gnuplot makes a box as large as the picture of one that no font has,
---so such characters become U+FFFD before it sees them.
---@class helios.figure.glyphs
local native = require "helios.native"

local M = {}

local SECONDS = 10
local REPLACEMENT = "\u{fffd}"

---Sorted ranges of code points; false when nobody can tell, nil before the first question.
local known

---The ranges in fontconfig's list of all fonts, each line of which is such as "20-7e a0-17f 2026".
local function parse(list)
  local ranges = {}
  for first, last in list:gmatch("(%x+)%-?(%x*)") do
    ranges[#ranges + 1] = {tonumber(first, 16), tonumber(last ~= "" and last or first, 16)}
  end
  table.sort(ranges, function(a, b) return a[1] < b[1] end)
  local merged = {}
  for _, range in ipairs(ranges) do
    local previous = merged[#merged]
    if previous and range[1] <= previous[2] + 1 then previous[2] = math.max(previous[2], range[2])
    else merged[#merged + 1] = range end
  end
  return #merged > 0 and merged
end

local function load_ranges()
  local list, _, status = native.process.run({"fc-list", "--format", "%{charset}\n"}, "", SECONDS)
  return list and status == 0 and parse(list)
end

local function is_known(code)
  local low, high = 1, #known
  while low < high do
    local middle = (low + high + 1) // 2
    if known[middle][1] <= code then low = middle else high = middle - 1 end
  end
  return known[low][1] <= code and code <= known[low][2]
end

---The text with what cannot be drawn replaced; control characters but tab and newline are never drawn.
---@param text string valid UTF-8
---@return string
function M.drawable(text)
  text = text:gsub("\r\n", "\n"):gsub("[\1-\8\11-\31\127]", REPLACEMENT)
  if not text:find("[\128-\255]") then return text end
  if known == nil then known = load_ranges() end
  if not known then return text end
  return (text:gsub("[\194-\244][\128-\191]*", function(char)
    local code = utf8.codepoint(char)
    if is_known(code) then return nil end
    return is_known(0xfffd) and REPLACEMENT or "?"
  end))
end

return M

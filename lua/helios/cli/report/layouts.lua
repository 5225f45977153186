---The charts that a run's layout of custom scalars asks for, with the scalar tags that its expressions mean.
local text = require "helios.cli.text"

local M = {}

local MOST_STARS, LONGEST_TAG = 3, 1000

---A layout's tags are regular expressions to viewers. Those of characters, escapes, `.` and `.*` are understood here:
---the Lua pattern for a whole tag, nil for others, so that no file can make matching take for ever.
local function lua_pattern(expression)
  local plain = expression:gsub("\\%W", ""):gsub("%.%*", "") -- what is neither escaped nor ".*"
  local stars = select(2, expression:gsub("%.%*", ""))
  if plain:find("[%^%$%*%+%?%(%)%[%]{}|\\]") or stars > MOST_STARS then return nil end
  local out = expression:gsub("(\\?)(.)(%*?)", function(escape, c, star)
    if escape == "" and c == "." then return "." .. star end
    return c:gsub("%W", "%%%0") .. star
  end)
  return "^" .. out .. "$"
end

---The scalar tags that a name in a layout means: the tag of that name, or those that it matches.
local function tags_of(page, name)
  if page.index["scalar\0" .. name] then return {name} end
  local pattern, out = lua_pattern(name), {}
  for _, scalar in ipairs(pattern and page.scalars or {}) do
    if #scalar.tag <= LONGEST_TAG and scalar.tag:find(pattern) then out[#out + 1] = scalar.tag end
  end
  return out
end

---Charts of layouts with the names of tags that are there.
---@param page table  what collect.lua filled
---@return table[]
function M.charts(page)
  local out = {}
  for _, chart in ipairs(page.layouts) do
    local tags = {}
    for _, name in ipairs(chart.tags) do
      for _, tag in ipairs(tags_of(page, name)) do tags[#tags + 1] = tag end
    end
    local title = chart.category ~= "" and chart.category .. " / " .. chart.title or chart.title
    out[#out + 1] = {tag = title, lines = #tags > 0 and tags or text.EMPTY_LIST,
      margins = #chart.margins > 0 and chart.margins or text.EMPTY_LIST}
  end
  return #out > 0 and out or text.EMPTY_LIST
end

return M

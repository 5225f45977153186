-- ldoc.lua OUT file... - the Lua modules with their LuaCATS comments (---@param name type) as LDoc has them
-- (@tparam type name), for `make docs`; the code stays as it is. What LDoc has no word for is left out.

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return assert(file:read("a"))
end

---A type at the start of `text` and what follows it: brackets count, `|` and `:` go on.
local function split_type(text)
  local at = 1
  while at <= #text do
    local bracket = text:match("^%b{}()", at) or text:match("^%b()()", at) or text:match("^%b<>()", at)
      or text:match('^"[^"]*"()', at) or text:match("^[:|]%s+()", at)
    if not bracket and text:find("^%s", at) then break end
    at = bracket or at + 1
  end
  return text:sub(1, at - 1), text:sub(at):gsub("^%s+", "")
end

---As LDoc takes it: one word.
local function simple(kind)
  if kind:find("^fun") then return "func" end
  kind = kind:gsub("%b{}", "table"):gsub("fun%b()[^|]*", "func"):gsub("%b<>", ""):gsub('%b""', "string")
  return (kind:gsub("[%[%]?]", ""):gsub("%s", ""):gsub(",", "|"))
end

local function parameter(rest)
  local name, optional, tail = rest:match("^([%w_.]+)(%??)%s+(.*)$")
  if not name then return "-- " .. rest end
  local kind, text = split_type(tail)
  if optional == "" and kind:find("%?$") then optional = "?" end
  return ("-- @tparam%s %s %s %s"):format(optional == "?" and "[opt]" or "", simple(kind), name, text)
end

local function result(rest)
  local kind, text = split_type(rest)
  return ("-- @treturn %s %s"):format(simple(kind), text)
end

local function field(rest)
  rest = rest:gsub("^private ", "")
  local name, optional, tail = rest:match("^([%w_]+)(%??)%s+(.*)$")
  if not name then return "-- " .. rest end
  local kind, text = split_type(tail)
  return ("-- @tfield%s %s %s %s"):format(optional == "?" and "[opt]" or "", simple(kind), name, text)
end

local TRANSLATE = {
  param = parameter, ["return"] = result, field = field,
  ["function"] = function(rest) return "-- @function " .. rest end,
  class = function(rest) return "-- @table " .. rest:match("^[%w_.]+") end,
}

local function translate(block, is_first, module)
  local out, has_module, is_table = {}, false, false
  for _, line in ipairs(block) do
    local tag, rest = line:match("^%s*%-%-%-@(%a+)%s*(.*)$")
    if line:find("^%-%-%-?%s*@%l*mod") then has_module = true end
    if tag == "class" then is_table = true end
    if tag and is_first and tag ~= "field" then tag = "left out" end
    if tag then
      out[#out + 1] = TRANSLATE[tag] and TRANSLATE[tag](rest) or nil
    elseif not line:find("^%-%-%-|") then
      out[#out + 1] = "-- " .. line:gsub("^%-%-%-? ?", "")
    end
  end
  if is_first and not has_module then out[#out + 1] = "-- @module " .. module end
  if out[1] and out[1]:find("^%-%- @table") then table.insert(out, 1, "-- What one holds.") end
  if #out == 0 or (is_table and not is_first and #block < 2) then return "" end
  return "---" .. out[1]:gsub("^%-%-", "") .. "\n" .. table.concat(out, "\n", 2) .. "\n"
end

local function convert(path)
  local module = path:gsub("^lua/", ""):gsub("/init%.lua$", ""):gsub("%.lua$", ""):gsub("/", ".")
  local out, block, is_first = {}, {}, true
  for line in (read(path) .. "\n"):gmatch("([^\n]*)\n") do
    if line:find("^%-%-%-") or (#block > 0 and line:find("^%-%-")) then
      block[#block + 1] = line
    else
      if #block > 0 and line:find("^return ") and not is_first then -- LDoc wants a name below a comment
        block = {}
      elseif #block > 0 then
        out[#out + 1] = translate(block, is_first, module)
        block, is_first = {}, false
      end
      if not line:find("^%-%- luacheck") then out[#out + 1] = line:gsub("%s+%-%-%-@.*$", "") .. "\n" end
    end
  end
  return module, table.concat(out)
end

local function main(target, ...)
  for _, path in ipairs {...} do
    local module, text = convert(path)
    local file <close> = assert(io.open(target .. "/" .. module .. ".lua", "wb"))
    assert(file:write(text))
  end
end

main(...)

-- man3.lua TEMPLATE OUT header... - helios(3): the template, with the declarations of the headers, and what they say
-- about them, in place of its line "@HEADERS@". The headers are the manual; this only sets them in mdoc.

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return assert(file:read("a"))
end

---Text that mdoc takes as it is.
local function escape(line)
  line = line:gsub("\\", "\\e"):gsub("%-", "\\-")
  return (line:gsub("^([.'])", "\\&%1"))
end

---Without what only the preprocessor needs.
local function declarations(text)
  text = text:gsub("\n#if defined%(__GNUC__%)\n%s*__attribute__.-#endif\n%s*;", ";")
  text = text:gsub("\n#if[^\n]*\n#define HELIOS_API.-\n#endif", "")
  text = text:gsub('\n#ifdef __cplusplus\n.-\n#endif', "")
  text = text:gsub("\n#ifndef HELIOS_[A-Z]+_H\n#define HELIOS_[A-Z]+_H", ""):gsub("\n#endif%s*$", "\n")
  return (text:gsub("HELIOS_API ", ""):gsub('\n#include [^\n]*', ""))
end

---A sentence begins a line, as mdoc wants it.
local function sentences(line) return (escape(line):gsub("([.:?])%s+(%u)", "%1\n%2")) end

local function prose(comment)
  local lines, in_item = {}, false
  for line in comment:gsub("^/%*", ""):gsub("%*/%s*$", ""):gmatch("[^\n]*") do
    line = line:gsub("^%s*%*? ?", "", 1):gsub("%s+$", "")
    local item = line:find("^%s*%- ") or line:find("^%d+%. ") or (line:find("^  ") and not in_item)
    if item or line == "" then
      if #lines > 0 and lines[#lines] ~= ".Pp" then lines[#lines + 1] = ".Pp" end
      in_item = item ~= nil and item ~= false
    end
    if line ~= "" then lines[#lines + 1] = sentences((line:gsub("^%s+", ""))) end
  end
  while lines[#lines] == ".Pp" do lines[#lines] = nil end
  return table.concat(lines, "\n") .. "\n"
end

local function literal(code)
  local lines = {}
  for line in code:gmatch("[^\n]+") do lines[#lines + 1] = escape(line) end
  if #lines == 0 then return "" end
  return ".Bd -literal\n" .. table.concat(lines, "\n") .. "\n.Ed\n"
end

---A comment at a line's start is prose, the rest is code.
local function set(out, text)
  local at = 1
  while at <= #text do
    local comment, after = text:match("^\n*(/%*.-%*/)[^\n]*()", at)
    local code
    if comment then
      if comment:find("^/%* %-%-%-%-") then
        out[#out + 1] = ""
      else
        out[#out + 1] = ".Pp\n" .. prose(comment)
      end
      at = after
    else
      code, after = text:match("^(.-)()\n/%*", at)
      if not code then code, after = text:sub(at), #text + 1 end
      out[#out + 1] = literal(code)
      at = after
    end
  end
end

local function main(template, target, ...)
  local out = {}
  for _, path in ipairs {...} do
    out[#out + 1] = ".Ss " .. path:gsub("^include/", "") .. "\n"
    set(out, declarations("\n" .. read(path)))
  end
  local version = read("include/helios/status.h"):match('HELIOS_VERSION "([^"]+)"')
  local text = ("\n" .. table.concat(out)):gsub("\n%.Pp\n%.Bd", "\n.Bd"):gsub("(\n%.Ss [^\n]*\n)%.Pp\n", "%1")
  local page = read(template):gsub("@HEADERS@\n", (text:sub(2):gsub("%%", "%%%%"))):gsub("@VERSION@", version)
  local file <close> = assert(io.open(target, "wb"))
  assert(file:write(page))
end

main(...)

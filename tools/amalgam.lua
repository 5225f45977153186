-- amalgam.lua DIR header... -- source... - the C core as DIR/helios.h and DIR/helios.c, for hosts that would rather
-- copy two files than install a library.
--
-- Headers go in once, where they are first included; system headers come first. What is static in two sources gets its
-- file's name behind its own: such names are found by reading each file's text at the outermost level, which is all
-- the C this knows. A name it missed is an error of the compiler, never another meaning.

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return assert(file:read("a"))
end

local function write(path, parts)
  local file = assert(io.open(path, "wb"))
  assert(file:write(table.unpack(parts)))
  assert(file:close())
end

-- ---- names at the outermost level -----------------------------------------------------------------------------

---Without comments, strings, and preprocessor lines.
local function bare(text)
  text = text:gsub("\\\n", " "):gsub("/%*.-%*/", " "):gsub("//[^\n]*", " ")
  text = text:gsub('"[^"\n]*"', '""'):gsub("'\\?[^\n]'", "0")
  return (("\n" .. text):gsub("\n[ \t]*#[^\n]*", ""))
end

---Declarations and definitions; the body of each is its braces' content, its head what stands around them.
local function outermost(text)
  local found, from = {}, 1
  text = bare(text)
  while true do
    local head, at, stop = text:match("^%s*([^;{]*)()([;{])", from)
    if not head then return found end
    local body, tail = "", at
    if stop == "{" then
      body, tail = text:match("^(%b{})()", at)
      if head:find("%)%s*$") and not head:find("=") then -- a function has no semicolon behind it
        found[#found + 1] = {head = head, body = body}
        from = tail
        goto continue
      end
      local rest, next_at = text:match("^([^;]*)();", tail)
      found[#found + 1] = {head = head, body = body, rest = rest}
      from = next_at + 1
    else
      found[#found + 1] = {head = head, body = body}
      from = tail + 1
    end
    ::continue::
  end
end

local function add_enumerators(names, body)
  for entry in body:sub(2, -2):gmatch("[^,]+") do
    local name = entry:match("^%s*([%a_][%w_]*)")
    if name then names[name] = true end
  end
end

---`static struct {...} name;` has its name in `rest`.
local function add_static(names, head, rest)
  head = head:gsub("__attribute__%s*%b()", ""):gsub("=.*", ""):gsub("%b[]", "")
  local name = head:match("([%a_][%w_]*)%s*%(") or (rest or head):match("([%a_][%w_]*)%s*$")
  if name then names[name] = true end
end

---The names that only this file knows.
local function own_names(text)
  local names = {}
  for name in text:gmatch("\n#define ([%a_][%w_]*)") do names[name] = true end
  for _, part in ipairs(outermost(text)) do
    local tag = part.body ~= "" and part.head:match("struct ([%a_][%w_]*)%s*$")
      or part.body ~= "" and part.head:match("enum ([%a_][%w_]*)%s*$")
      or part.body ~= "" and part.head:match("union ([%a_][%w_]*)%s*$")
    if tag then names[tag] = true end
    if part.head:find("enum") and part.body ~= "" then add_enumerators(names, part.body) end
    if part.head:find("^typedef") then
      local name = (part.rest or part.head):match("([%a_][%w_]*)%s*$") or part.head:match("%(%*([%a_][%w_]*)%)")
      if name then names[name] = true end
    elseif part.head:find("^static") then
      add_static(names, part.head, part.head:find("=") == nil and part.rest or nil)
    end
  end
  return names
end

-- ---- renaming -------------------------------------------------------------------------------------------------

---Outside strings, comments and members (after '.' or '->').
local function rename(text, names, suffix)
  local out, at = {}, 1
  local function copy(to)
    out[#out + 1] = text:sub(at, to)
    at = to + 1
  end
  while at <= #text do
    local skip = text:match('^"[^"\n\\]*()"', at) or text:match("^/%*.-%*()/", at)
    if text:find('^"', at) and not skip then -- a string with escapes
      skip = at + 1
      while text:sub(skip, skip) ~= '"' do skip = skip + (text:sub(skip, skip) == "\\" and 2 or 1) end
    end
    if skip then
      copy(skip)
    elseif text:find("^'", at) then
      copy(text:match("^'\\?.[^']*()'", at))
    else
      local word, after = text:match("^([%a_][%w_]*)()", at)
      if word then
        local member = text:sub(at - 1, at - 1) == "." or text:sub(at - 2, at - 1) == "->"
        out[#out + 1] = names[word] and not member and word .. suffix or word
        at = after
      else
        copy(at)
      end
    end
  end
  return table.concat(out)
end

local function collisions(sources)
  local count = {}
  for _, source in ipairs(sources) do
    for name in pairs(source.names) do count[name] = (count[name] or 0) + 1 end
  end
  return count
end

-- ---- joining --------------------------------------------------------------------------------------------------

local function folder(path) return path:match("^(.*)/[^/]*$") or "." end

local function plain(path)
  local changed
  repeat path, changed = path:gsub("[^/]+/%.%./", "", 1) until changed == 0
  return path
end

local function exists(path)
  local file = io.open(path)
  return file ~= nil and file:close()
end

local function find(name, from)
  for _, path in ipairs {plain(from .. "/" .. name), "include/" .. name, "src/" .. name} do
    if exists(path) then return path end
  end
  error("no header " .. name)
end

---Put headers where they are first included; public ones are all in helios.h.
local function expand(text, from, seen)
  return (("\n" .. text):gsub('\n#include "([^"]+)"[^\n]*', function(name)
    local path = find(name, from)
    if seen[path] or path:find("^include/") then return "\n" end
    seen[path] = true
    seen[#seen + 1] = path
    return "\n" .. expand(read(path), folder(path), seen)
  end):sub(2))
end

local function join_headers(paths)
  local seen, parts = {}, {}
  local function add(path)
    if seen[path] then return end
    seen[path] = true
    local text = read(path)
    for name in text:gmatch('\n#include "([^"]+)"') do add(folder(path) .. "/" .. name) end
    parts[#parts + 1] = text:gsub('\n#include "[^"]+"', "") .. "\n"
  end
  for _, path in ipairs(paths) do add(path) end
  return parts
end

local function undefine(text)
  local lines = {}
  for name in text:gmatch("\n#define ([%a_][%w_]*)") do lines[#lines + 1] = "#undef " .. name .. "\n" end
  return table.concat(lines)
end

---The system headers that a text includes whatever the platform is.
local function system_headers(text, depth, found)
  for line in text:gmatch("[^\n]+") do
    if line:find("^#if") then depth = depth - 1 end
    if line:find("^#endif") then depth = depth + 1 end
    local name = depth >= 0 and line:match("^#include (<[^>]+>)")
    if name and not found[name] then
      found[name] = true
      found[#found + 1] = "#include " .. name .. "\n"
    end
  end
end

local PROLOGUE = [[
/* helios.c - the C core in one file, made by `make amalgam` of version %s.
 *   cc -O2 -c helios.c     and link with -lpng -lz -lm -pthread; dlpack/dlpack.h, a header alone, must be found */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
/* No contraction: a fused multiply-add rounds once where sums are promised to the bit. */
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__)
#pragma GCC optimize("fp-contract=off")
#endif
#include "helios.h"

]]

local HIDDEN = [[

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif
]]

local function join_sources(paths)
  local sources = {}
  for i, path in ipairs(paths) do
    local text = read(path)
    sources[i] = {path = path, text = text, names = own_names(text), suffix = "_" .. path:match("([^/]+)%.c$")}
  end
  local count, seen = collisions(sources), {}
  local version = read("include/helios/status.h"):match('HELIOS_VERSION "([^"]+)"')
  local parts, system = {}, {}
  for _, source in ipairs(sources) do
    local shared = {}
    for name in pairs(source.names) do shared[name] = count[name] > 1 or nil end
    local renamed = rename(source.text, shared, source.suffix)
    parts[#parts + 1] = ("\n/* ==== %s ==== */\n\n"):format(source.path)
    parts[#parts + 1] = expand(renamed, folder(source.path), seen) .. undefine(renamed)
    system_headers(source.text, 0, system)
  end
  for _, path in ipairs(seen) do system_headers(read(path), 1, system) end -- one #if is the header's guard
  table.sort(system)
  table.insert(parts, 1, PROLOGUE:format(version) .. table.concat(system) .. HIDDEN)
  parts[#parts + 1] = "\n#if defined(__GNUC__)\n#pragma GCC visibility pop\n#endif\n"
  return parts
end

local function main(target, ...)
  local headers, sources = {}, {}
  local list = headers
  for _, word in ipairs {...} do
    if word == "--" then list = sources else list[#list + 1] = word end
  end
  write(target .. "/helios.h", join_headers(headers))
  write(target .. "/helios.c", join_sources(sources))
end

main(...)

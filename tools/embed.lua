-- embed.lua OUT.c name=path... - turn files into the C table of src/cli/embedded.h. A name is a Lua module's, or
-- "asset:" and the name of a page file.

local function read(path)
  local file = assert(io.open(path, "rb"))
  local bytes = file:read("a")
  file:close()
  return bytes
end

local function array(out, index, bytes)
  out:write(("static const unsigned char file_%d[] = {"):format(index))
  for at = 1, #bytes, 32 do
    out:write("\n", (bytes:sub(at, at + 31):gsub(".", function(c) return c:byte() .. "," end)))
  end
  out:write("0};\n")
end

local function main(target, ...)
  local files = {...}
  local out = assert(io.open(target, "wb"))
  out:write("/* Made by tools/embed.lua. */\n#include \"embedded.h\"\n\n")
  local rows = {}
  for i, entry in ipairs(files) do
    local name, path = entry:match("^([^=]+)=(.*)$")
    local bytes = read(path)
    array(out, i, bytes)
    rows[i] = ("  {\"%s\", \"@%s\", file_%d, %d},\n"):format(name, (path:gsub("^lua/", "")), i, #bytes)
  end
  out:write("\nconst hl_embedded hl_embedded_files[] = {\n", table.concat(rows), "  {NULL, NULL, NULL, 0},\n};\n")
  assert(out:close())
end

main(...)

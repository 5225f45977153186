---Fresh folders for specs, removed when the Lua state closes, and short ways to list and read what is in them.
local lfs = require "lfs"

local M = {}

---Remove a file or a folder with all it holds. Links are removed, never followed.
---@param path string
function M.remove(path)
  if lfs.symlinkattributes(path, "mode") == "directory" then
    for name in lfs.dir(path) do
      if name ~= "." and name ~= ".." then M.remove(path .. "/" .. name) end
    end
    assert(lfs.rmdir(path))
  else
    assert(os.remove(path))
  end
end

-- Collected last of all, at lua_close: a spec that failed half-way leaves nothing behind either.
local made = setmetatable({}, {
  __gc = function(folders)
    for _, path in ipairs(folders) do pcall(M.remove, path) end
  end,
})

---A new empty folder.
---@return string path absolute, without a slash at its end
function M.dir()
  local file, path
  repeat
    file = os.tmpname() -- reserves the name for as long as the file exists
    path = file .. ".d"
    local ok = lfs.mkdir(path)
    assert(os.remove(file))
  until ok
  made[#made + 1] = path
  return path
end

local function collect(root, below, found)
  for name in lfs.dir(root .. below) do
    local path = below .. "/" .. name
    if name == "." or name == ".." then
      goto continue
    elseif lfs.symlinkattributes(root .. path, "mode") == "directory" then
      collect(root, path, found)
    else
      found[#found + 1] = path:sub(2)
    end
    ::continue::
  end
  return found
end

---Everything in a folder and its sub-folders that is no folder.
---@param dir string
---@param pattern? string only paths that match this Lua pattern
---@return string[] paths relative to dir, in byte order
function M.files(dir, pattern)
  local found = {}
  for _, path in ipairs(collect(dir, "", {})) do
    if not pattern or path:find(pattern) then found[#found + 1] = path end
  end
  table.sort(found)
  return found
end

---The bytes of a file; an error when it cannot be read.
---@param path string
---@return string
function M.read(path)
  local file <close> = assert(io.open(path, "rb"))
  return assert(file:read("a"))
end

---Make a file with these bytes; an error when it cannot be written.
---@param path string
---@param bytes string
function M.write(path, bytes)
  local file = assert(io.open(path, "wb"))
  assert(file:write(bytes))
  assert(file:close())
end

return M

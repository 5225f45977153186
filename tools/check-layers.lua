---Checks the includes of src/ against the picture in src/README.md: a file includes only what stands above it. Prints
---each include that does not, and fails. Run in the project's folder: `make check-layers`.

local function set(words)
  local found = {}
  for word in words:gmatch "%S+" do found[word] = true end
  return found
end

---What knows no record, no kind of data, no queue.
local BASE <const> = set [[alloc array array_copy buf bytes crc32c env error fork log_line options path status str_map
  tensor wire]]

---What a folder's files may include from outside of it. An encoder sees no file, clock or thread, and the reader climbs
---separately.
local FOLDERS <const> = {
  ["encode/"] = set "alloc array buf bytes error options record str_map wire",
  ["reader/"] = set "alloc array buf bytes crc32c env error options path record wire",
}

---These alone know Lua, and may include anything.
local BINDING <const> = set "lua/ mpi/ cli/"

local function folder_of(path) return path:match "^[^/]+/" or "" end

---@param path string of the file, below src/
---@param header string of the included file, below src/, without its ".h"
local function may_include(path, header)
  local folder, own = folder_of(path), path:match "([%w_]+)%.[ch]$"
  if BINDING[folder] then return true end
  if FOLDERS[folder] then return folder_of(header) == folder or FOLDERS[folder][header] end
  if BASE[own] or own == "record" then return BASE[header] or header == own end
  return folder_of(header) == "" or folder_of(header) == "encode/"
end

local function exists(header)
  local file = io.open("src/" .. header .. ".h")
  return file ~= nil and file:close()
end

---"../buf.h" in reader/x.c is "buf", "x.h" there is "reader/x"; nil for a header that is not of src/.
local function resolve(path, include)
  local name = include:match "^(.*)%.h$"
  local header = name:match "^%.%./(.*)$" or folder_of(path) .. name
  return exists(header) and header or nil
end

local function is_fault(path, include)
  local header = resolve(path, include)
  if header then return not may_include(path, header) end
  local is_luas = include:find "^lua" or include:find "^lauxlib" or include == "helios/lua.h"
  return is_luas and not BINDING[folder_of(path)]
end

local faults = 0
for path in io.popen("cd src && ls *.[ch] */*.[ch]"):lines() do
  for line in io.lines("src/" .. path) do
    local include = line:match '^#include ["<]([^">]+)[">]'
    if include and is_fault(path, include) then
      faults = faults + 1
      print(("src/%s may not include %s"):format(path, include))
    end
  end
end
os.exit(faults == 0)

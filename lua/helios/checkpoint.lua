---Checkpoints: one MessagePack map per file, written whole or not at all.
---
---The map's first entry is `crc32c`, a CRC-32C of all bytes after it, so that damage is found; any MessagePack reader
---reads the rest beside it. Reading runs no code. See `helios.native.msgpack` for how values are stored.
local native = require "helios.native"

local M = {}

local EXTENSION <const> = ".chkpt"
local CRC_KEY <const> = "\xa6crc32c\xce" -- the key, and the byte that announces 32 bits
local FIXMAP <const> = 0x80
local MOST_FIELDS <const> = 14 -- so that the map with the checksum still has a one-byte header

---A state as the bytes of a checkpoint. Raises when it holds what cannot be stored, naming the place.
---@param state table<string, any> at most 14 fields
---@return string
function M.encode(state)
  local fields = 0
  for name in pairs(state) do
    if type(name) ~= "string" or name == "crc32c" then
      error("encode: a checkpoint's fields are named by strings other than 'crc32c'", 2)
    end
    fields = fields + 1
  end
  if fields > MOST_FIELDS then error(("encode: %d fields, at most %d"):format(fields, MOST_FIELDS), 2) end
  local ok, packed = pcall(native.msgpack.pack, state)
  if not ok then error(packed, 2) end
  local rest = packed:sub(2)
  return string.char(FIXMAP + fields + 1) .. CRC_KEY .. string.pack(">I4", native.fs.crc32c(rest)) .. rest
end

---@param bytes string
---@return table? state nil when the bytes are damaged
---@return string? message
---@return string? code "EFORMAT"
function M.decode(bytes)
  local head = 1 + #CRC_KEY + 4
  if #bytes < head or bytes:sub(2, 1 + #CRC_KEY) ~= CRC_KEY then return nil, "no checkpoint of Helios", "EFORMAT" end
  local crc = string.unpack(">I4", bytes, 2 + #CRC_KEY)
  if crc ~= native.fs.crc32c(bytes:sub(head + 1)) then return nil, "damaged: the checksum is wrong", "EFORMAT" end
  local state, message, code = native.msgpack.unpack(bytes)
  if type(state) ~= "table" then return nil, message or "no checkpoint of Helios", code or "EFORMAT" end
  state.crc32c = nil
  return state
end

---Write a checkpoint: under a temporary name first, synced, then renamed, so that a file of this name is always whole.
---@param path string
---@param state table<string, any>
---@return boolean? ok nil when the disk says no
---@return string? message
---@return string? code
function M.save(path, state)
  return native.fs.replace(path, M.encode(state))
end

---@param path string
---@return table? state nil when it cannot be read or is damaged
---@return string? message
---@return string? code
function M.load(path)
  local file, message = io.open(path, "rb")
  if not file then return nil, message, "EIO" end
  local bytes, reason = file:read("a")
  file:close()
  if not bytes then return nil, ("%s: %s"):format(path, reason), "EIO" end
  local state, why, code = M.decode(bytes)
  if not state then return nil, ("%s: %s"):format(path, why), code end
  return state
end

---@class helios.CheckpointFile
---@field path string
---@field epoch integer
---@field iteration integer

local function newer(a, b)
  if a.epoch ~= b.epoch then return a.epoch > b.epoch end
  if a.iteration ~= b.iteration then return a.iteration > b.iteration end
  return a.path < b.path
end

-- A folder that is there and cannot be listed is not an empty one: who took it for that would train from the start.
local function names_in(root)
  local names, message = native.fs.list(root)
  if not names and native.fs.is_folder(root) then error(message, 0) end
  return names or {}
end

---The checkpoints of a folder, the last one first: by epoch, then by iteration. Raises when it cannot be read; one that
---is not there has none.
---@param root string?
---@return helios.CheckpointFile[]
function M.list(root)
  local found = {}
  for _, name in ipairs(root and names_in(root) or {}) do
    local epoch, iteration = name:match("epoch_(%d+)_iter_(%d+)")
    epoch, iteration = math.tointeger(tonumber(epoch)), math.tointeger(tonumber(iteration)) -- or nil: not our counters
    if epoch and iteration and name:sub(-#EXTENSION) == EXTENSION then
      found[#found + 1] = {path = root .. "/" .. name, epoch = epoch, iteration = iteration}
    end
  end
  table.sort(found, newer)
  return found
end

---The checkpoint with the highest epoch, then iteration.
---@param root string?
---@return string? path nil when there is none
function M.find_last_checkpoint(root)
  if root ~= nil and type(root) ~= "string" then
    error("find_last_checkpoint: argument 'root': expected a string or nil, got a " .. type(root), 2)
  end
  local last = M.list(root)[1]
  return last and last.path
end

---The name of a checkpoint's file, without its folder.
---@param save_name string
---@param epoch integer
---@param iteration integer
---@return string without extension
function M.name(save_name, epoch, iteration)
  return ("%s_epoch_%d_iter_%d"):format(save_name, epoch, iteration)
end

M.EXTENSION = EXTENSION

---Remove the temporary files of processes that were killed while they wrote a checkpoint.
---@param root string
function M.sweep(root)
  for _, name in ipairs(names_in(root)) do
    if name:sub(-#EXTENSION - 4) == EXTENSION .. ".tmp" then native.fs.remove(root .. "/" .. name) end
  end
end

---Remove all but the last checkpoints of a folder.
---@param root string
---@param keep integer how many stay
---@param last string? path of the one to count from: later ones, such as damaged ones that were stepped over, neither
---  count nor go; nil: the last of the folder
function M.prune(root, keep, last)
  local counted = 0
  for _, file in ipairs(M.list(root)) do
    if counted > 0 or last == nil or file.path == last then counted = counted + 1 end
    if counted > keep then native.fs.remove(file.path) end
  end
end

return M

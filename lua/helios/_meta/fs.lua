---@meta helios.native.fs

---@class helios.native.fs
local fs = {}

---Put a file in place of another: it holds what it held, or all of the bytes, also after a power failure.
---@param path string
---@param bytes string
---@return true? ok
---@return string? message
---@return string? code
function fs.replace(path, bytes) end

---@param folder string
---@return string[]? names in no order
---@return string? message
---@return string? code
function fs.list(folder) end

---Make a folder and those above it.
---@param path string
---@return true? ok
---@return string? message
---@return string? code
function fs.make_dirs(path) end

---Make an empty file, or a folder, that was not there.
---@param path string
---@param folder? boolean
---@return boolean? claimed false when it was there
---@return string? message
---@return string? code
function fs.claim(path, folder) end

---Remove a file.
---@param path string
---@return true? ok
---@return string? message
---@return string? code
function fs.remove(path) end

---@param path string
---@return boolean? is_folder nil when nothing is there
function fs.is_folder(path) end

---@param path string
---@return boolean? is_file false for folders, devices and pipes; nil when nothing is there
function fs.is_file(path) end

---@param path string
---@return string? path where a link leads; nil when it is none or leads nowhere
function fs.follow(path) end

---@param bytes string
---@return integer checksum
function fs.crc32c(bytes) end

return fs

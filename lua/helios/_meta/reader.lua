---@meta helios.native.reader

---@class helios.native.reader
local reader = {}

---@class helios.native.EventFile
---@field next fun(self): table?, string?, string?  an event; nil: not yet; nil, message, code
---@field stats fun(self): table
---@field close fun(self)

---@class helios.native.Run
---@field scan fun(self): boolean?, string?, string?
---@field next fun(self, kinds: table?, tag: string?, low: integer?, high: integer?): table?, string?, string?
---@field rewind fun(self)
---@field load fun(self): boolean?, string?, string?
---@field tags fun(self): table[]
---@field files fun(self): table[]
---@field column fun(self, index: integer): integer[], number[], number[]
---@field packed fun(self, index: integer): string, integer, number, number  base64, points, first time, unit of time
---@field write_csv fun(self, file: file*, name: string, tag: string?): boolean?, string?, string?
---@field close fun(self)

---@param path string
---@return helios.native.EventFile? file
---@return string? message
---@return string? code
function reader.open_file(path) end

---@param path string
---@param keep_purged boolean?
---@return helios.native.Run? run
---@return string? message
---@return string? code
function reader.open_run(path, keep_purged) end

---@param root string
---@return {name: string, path: string}[]? runs
---@return string? message
---@return string? code
function reader.find(root) end

---@param path string
---@return table? state
---@return string? message
---@return string? code
function reader.verify(path) end

---@param path string
---@param target string?
---@return table? result
---@return string? message
---@return string? code
function reader.repair(path, target) end

---@param path string
---@param tag string?
---@param from_step integer?
---@return table? result
---@return string? message
---@return string? code
function reader.purge(path, tag, from_step) end

---@param path string
---@return table? result
---@return string? message
---@return string? code
function reader.merge(path) end

---@param path string
---@return table? result
---@return string? message
---@return string? code
function reader.recover(path) end

---@param v number
---@param single boolean?
---@return string text the shortest that reads back to the same bits
function reader.number(v, single) end

---@param bytes string
---@return string
function reader.base64(bytes) end

return reader

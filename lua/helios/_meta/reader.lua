---@meta helios.native.reader

---@class helios.native.reader
local reader = {}

---@class helios.native.ReaderFile
---@field next fun(self): table?, string?, string? an event; nil: not there yet; nil, message, code: the end or a failure
---@field stats fun(self): table
---@field close fun(self)

---@class helios.native.ReaderRun
---@field next fun(self, kinds?: table<string, true>, tag?: string, low?: integer, high?: integer): table?, string?, string?
---@field scan fun(self): true?, string?, string?
---@field rewind fun(self): true?, string?, string?
---@field load fun(self): true?, string?, string?
---@field tags fun(self): table[]
---@field files fun(self): table[]
---@field column fun(self, i: integer): number[], number[], number[] steps, values, times of a loaded tag
---@field packed fun(self, i: integer): string, integer, number, number base64, points, first time, unit of time
---@field write_csv fun(self, file: file*, name: string, tag: string): true?, string?, string?
---@field close fun(self)

---An event file, event by event.
---@param path string
---@return helios.native.ReaderFile? file
---@return string? message
---@return string? code
function reader.open_file(path) end

---A run's folder, point by point.
---@param path string
---@param keep_purged? boolean also points that a later sitting took back
---@return helios.native.ReaderRun? run
---@return string? message
---@return string? code
function reader.open_run(path, keep_purged) end

---@param root string
---@return {name: string, path: string}[]? runs the folders below that hold event files
---@return string? message
---@return string? code
function reader.find(root) end

---@param path string
---@return table? stats with damage_offset and damage_reason where the file is damaged
---@return string? message
---@return string? code
function reader.verify(path) end

---@class helios.native.RepairStats
---@field kept integer
---@field dropped integer
---@field lost_bytes integer
---@field replaced boolean

---@param path string
---@param target? string another file for what is intact; nil: in place
---@return helios.native.RepairStats? stats
---@return string? message
---@return string? code
function reader.repair(path, target) end

---@param path string
---@param tag? string
---@param from_step? integer
---@return helios.native.RepairStats? stats
---@return string? message
---@return string? code
function reader.purge(path, tag, from_step) end

---@param path string a run's folder
---@return helios.native.RepairStats? stats
---@return string? message
---@return string? code
function reader.merge(path) end

---@param bytes string
---@return string
function reader.base64(bytes) end

return reader

---@meta helios.native.msgpack

---@class helios.native.msgpack
local msgpack = {}

---A Lua value as MessagePack. Raises, naming the place, for what would not come back as it was.
---@param value any
---@return string
function msgpack.pack(value) end

---@param bytes string
---@return any value nil when the bytes are damaged
---@return string? message
---@return string? code "EFORMAT"
function msgpack.unpack(bytes) end

return msgpack

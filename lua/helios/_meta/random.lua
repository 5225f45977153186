---@meta helios.native.random

---@class helios.native.random
local random = {}

---@return string? state of math.random; nil when the generator is not Lua's own
function random.state() end

---@param state string
---@return boolean done
function random.set_state(state) end

return random

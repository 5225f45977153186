---@meta helios.native.tty

---@class helios.native.tty
local tty = {}

---@return integer? columns of the terminal that stdout is; nil when it is none
---@return integer? rows
function tty.size() end

---@param seconds number
function tty.sleep(seconds) end

---Keys come one by one and unseen until this is closed or collected.
---@class helios.native.RawTerminal
---@field key fun(self: helios.native.RawTerminal, seconds: number): string?, string? its bytes; nil, "closed" at the end

---@return helios.native.RawTerminal? raw nil when stdin is no terminal
function tty.raw() end

return tty

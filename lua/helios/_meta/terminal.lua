---@meta helios.native.terminal

---@class helios.native.terminal
local terminal = {}

---@return integer? columns of the terminal that stderr is; nil when it is none
function terminal.columns() end

---@return number seconds that never go back, from a start of their own
function terminal.monotonic() end

return terminal

---@meta helios.native.signals

---@class helios.native.signals
local signals = {}

---Notices SIGTERM and SIGUSR1 until stopped, closed or collected.
---@class helios.native.SignalWatch
---@field seen fun(self: helios.native.SignalWatch): string?, integer? a signal's name and number, when one has come
---@field stop fun(self: helios.native.SignalWatch)

---@return helios.native.SignalWatch
function signals.watch() end

return signals

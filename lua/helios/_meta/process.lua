---@meta helios.native.process

---@class helios.native.process
local process = {}

---Run a program to its end, without a shell.
---@param argv string[] program and arguments
---@param input string for its stdin
---@param seconds number after which it is killed
---@return string? stdout nil when it could not be run
---@return string stderr or the message
---@return integer|string status its exit status (negative: the signal), or the code
function process.run(argv, input, seconds) end

return process

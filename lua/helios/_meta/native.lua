---@meta helios.native
---The C half of the modules, for their authors: scripts use the modules. One table each, in a file of its own here; the
---spec `meta_spec.lua` compares these files with what the C files register.

---@class helios.native
---@field version string the library's version, such as "0.1.0"
---@field tensor helios.native.tensor
---@field writer helios.native.writer
---@field logger helios.native.logger
---@field reader helios.native.reader
---@field msgpack helios.native.msgpack
---@field fs helios.native.fs
---@field signals helios.native.signals
---@field terminal helios.native.terminal
---@field reader helios.native.reader
---@field tty helios.native.tty
---@field random helios.native.random
---@field process helios.native.process
---@field graph helios.native.graph
---@field figure helios.native.figure
local native = {}

return native

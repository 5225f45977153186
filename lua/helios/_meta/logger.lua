---@meta helios.native.logger

---@class helios.native.logger
local logger = {}

---The userdata at [1] of a RootLogger, without a file.
---@param rank integer decides on level and mark
---@return userdata
function logger.new(rank) end

---Lines for stderr go to this function instead, so that a progress bar can step aside; nil: straight to stderr.
---@param hook? fun(line: string)
function logger.set_stderr_hook(hook) end

---@param self helios.RootLogger
---@param log_file? string
function logger.setup(self, log_file) end

---@param self helios.RootLogger
---@param msg string
---@param ... any
function logger.info(self, msg, ...) end

---@param self helios.RootLogger
---@param msg string
---@param ... any
function logger.warning(self, msg, ...) end

---@param self helios.RootLogger
---@param msg string
---@param ... any
function logger.error(self, msg, ...) end

---@param self helios.RootLogger
---@param msg string
---@param ... any
function logger.exception(self, msg, ...) end

---@param self helios.Logger
---@param level integer|string
---@param msg string
---@param ... any
function logger.log(self, level, msg, ...) end

---@param self helios.Logger
---@return integer
function logger.level(self) end

---@param self helios.Logger
---@param level integer|string
function logger.set_level(self, level) end

---@param self helios.Logger
---@param fn fun(record: table)
---@param level? integer|string
function logger.add_handler(self, fn, level) end

---@param self helios.Logger
---@param fn fun(record: table)
function logger.remove_handler(self, fn) end

---@param self helios.RootLogger
---@return true? ok
---@return string? message
---@return string? code
function logger.flush(self) end

---@param self helios.RootLogger
---@return true? ok
---@return string? message
---@return string? code
function logger.close(self) end

---@param self helios.RootLogger
---@return true? ok
---@return string? message
---@return string? code
function logger.reopen(self) end

---@param self helios.RootLogger
---@return table
function logger.stats(self) end

return logger

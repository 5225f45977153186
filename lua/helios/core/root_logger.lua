---The text logger: one line per record, in a file, on stderr, and to functions of the user.
--
-- A `RootLogger` is a table whose `[1]` is the native handle; its methods are C functions found directly in the class.
-- The line format, files and the rules for ranks are theirs (`src/logger.c`, `src/lua/l_log*.c`).
-- @classmod helios.RootLogger

local distributed = require("helios.core.distributed")
local native = require("helios.native").logger

---What stands behind a `RootLogger`: levels and handlers, as in Python's `logging.Logger`.
---@class helios.Logger
---@field level integer records below are ignored; change it with `set_level`
local Logger = {}

---Log one record at any level.
---@param level integer|string a number, or DEBUG, INFO, WARNING, ERROR, CRITICAL
---@param msg string written as it is when nothing follows
---@param ... any arguments of `string.format`, or one table of options as for `RootLogger:info`
---@type fun(self: helios.Logger, level: integer|string, msg: string, ...: any)
Logger.log = native.log

---Ignore records below a level from now on. The file keeps to INFO and above, stderr to WARNING and above.
---@type fun(self: helios.Logger, level: integer|string)
Logger.set_level = native.set_level

---Call `fn(record)` for every record at `level` and above, after it was queued for the file. `record` holds `time`
---(seconds since the epoch), `level` (a number), `message` (with its traceback) and what the call gave as `extra`.
---Added again, `fn` is still called once, from the new level on.
---An error in `fn` is told once on stderr and disturbs nobody; what `fn` itself logs reaches no handler.
---@type fun(self: helios.Logger, fn: fun(record: table), level?: integer|string)
Logger.add_handler = native.add_handler

---Take a handler out again; nothing happens when it is not there.
---@type fun(self: helios.Logger, fn: fun(record: table))
Logger.remove_handler = native.remove_handler

local logger_meta = {
  __name = "helios.Logger",
  __metatable = "helios.Logger",
  __index = function(self, key)
    if key == "level" then return native.level(self) end
    return Logger[key]
  end,
  __newindex = function(_, key)
    if key == "level" then error("level: cannot be assigned; call set_level", 2) end
    error(("a logger has no field '%s'"):format(tostring(key)), 2)
  end,
}

---@class helios.RootLogger
---@field logger helios.Logger levels and handlers
---@field log_file string|nil the path given to `setup`
---@overload fun(): helios.RootLogger
local RootLogger = {}

---Also log to this file: appended to, made if missing, with its folders. Called again it moves to the new file and
---closes the old one. Raises when the file cannot be opened; the old one then stays. Without a path nothing changes.
---@type fun(self: helios.RootLogger, log_file?: string|{log_file: string})
RootLogger.setup = native.setup

---Log at INFO; on ranks other than 0 without effect.
---
---Alone, `msg` is written as it is. Further arguments are those of `string.format`, applied only when the record is
---going somewhere. One table is the options: `exc_info` (true: the caller's traceback; an error value: it and the
---traceback), `stack_info` (true: the caller's traceback), `stacklevel` (1: tracebacks start at the caller, 2: at its
---caller...), `extra` (fields for handlers).
---@type fun(self: helios.RootLogger, msg: string, ...: any)
RootLogger.info = native.info

---Log at WARNING: in the file when this returns, and on stderr. Arguments as for `info`.
---@type fun(self: helios.RootLogger, msg: string, ...: any)
RootLogger.warning = native.warning

---Log at ERROR: in the file when this returns, and on stderr. Arguments as for `info`.
---@type fun(self: helios.RootLogger, msg: string, ...: any)
RootLogger.error = native.error

---Log at ERROR with the traceback on the following lines. `exc_info` in the options is the error value that `xpcall`
---caught; without it the caller's traceback stands alone.
---@type fun(self: helios.RootLogger, msg: string, ...: any)
RootLogger.exception = native.exception

---Write what is pending.
---@type fun(self: helios.RootLogger): boolean|nil, string|nil, string|nil true, or nil, message, code
RootLogger.flush = native.flush

---Flush and let go of the file. stderr and handlers are still served; `setup` opens anew. Twice is fine.
---@type fun(self: helios.RootLogger): boolean|nil, string|nil, string|nil true, or nil, message, code
RootLogger.close = native.close

---Open the same path again, after logrotate moved the file away: what was pending goes to the old one.
---@type fun(self: helios.RootLogger): boolean|nil, string|nil, string|nil true, or nil, message, code
RootLogger.reopen = native.reopen

---Counters of all files of this logger: `events` (lines accepted), `bytes` (in files), `dropped` (lines given up),
---`pending` (bytes not yet in the file), `shared_buffer` (pending lines survive a kill), `last_error` (text or nil).
---@type fun(self: helios.RootLogger): table
RootLogger.stats = native.stats

local meta = {
  __name = "helios.RootLogger",
  __index = RootLogger,
  __close = native.close,
}

local function new(_, ...)
  if select("#", ...) > 0 then error("RootLogger: takes no arguments; give the path to setup", 2) end
  local handle = native.new(distributed.get_global_rank())
  return setmetatable({handle, logger = setmetatable({handle}, logger_meta)}, meta)
end

return setmetatable(RootLogger, {__call = new})

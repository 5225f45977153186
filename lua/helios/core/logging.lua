---The default loggers: a `RootLogger` and a `TensorboardWriter` that a script makes once and any of its modules finds.
--
-- They are state of this module, and so of the `lua_State` that loaded it. Left open, they are flushed and closed with
-- it.
--
--     local logging = require "helios.core.logging"
--     logging.create_default_loggers()
--     logging.setup_default_loggers("digits", "logs", "runs")
--     logging.get_root_logger():info("hello")
--     logging.close_default_loggers()
-- @module helios.core.logging

local options = require("helios.core.options")
local RootLogger = require("helios.core.root_logger")
local TensorboardWriter = require("helios.core.tensorboard_writer")

local M = {
  ---The class of the text logger, for loggers beside the default one.
  ---@type helios.RootLogger
  RootLogger = RootLogger,
  ---The class of the TensorBoard writer, for writers beside the default one.
  ---@type helios.TensorboardWriter
  TensorboardWriter = TensorboardWriter,
}

---`root` and `tensorboard`, once created.
local active = {}

---As in the C locale, whatever the host set.
local MONTHS = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"}

local NO_ROOT = "root logger has not been created; call create_default_loggers first"

local LOG_NAME = {name = "get_default_log_name", required = 1, positional = 1,
                  names = {"run_name"}, types = {run_name = "string"}}

local CREATE = {name = "create_default_loggers", required = 0, positional = 1,
                names = {"enable_tensorboard"}, types = {enable_tensorboard = "boolean"}}

local SETUP = {name = "setup_default_loggers", required = 1, positional = 3,
               names = {"run_name", "log_root", "runs_root"},
               types = {run_name = "string", log_root = "string", runs_root = "string"}}

local RESTORE = {name = "restore_default_loggers", required = 0, positional = 3,
                 names = {"log_path", "run_path", "opts", "purge_step"},
                 types = {log_path = "string", run_path = "string", opts = "table", purge_step = "number"}}

local function join(folder, name)
  return (folder:gsub("(.)/+$", "%1")) .. "/" .. name
end

---The name of a run started now: `<run_name>_Nov23_23-09-13`, in local time.
---@param run_name string
---@return string
function M.get_default_log_name(run_name)
  local name = options.read(LOG_NAME, run_name).run_name
  local now = os.date("*t")
  return ("%s_%s%02d_%02d-%02d-%02d"):format(name, MONTHS[now.month], now.day, now.hour, now.min, now.sec)
end

---Make the default loggers, neither tied to a file yet. Those that are there already stay. In distributed training it
---is called after the processes exist: their rank is read here.
---@param enable_tensorboard? boolean|{enable_tensorboard: boolean} make a `TensorboardWriter` too; true by default
function M.create_default_loggers(enable_tensorboard)
  local enabled = options.read(CREATE, enable_tensorboard).enable_tensorboard
  active.root = active.root or RootLogger()
  if enabled ~= false then active.tensorboard = active.tensorboard or TensorboardWriter() end
end

---Raise for the caller of the public function unless these of its arguments can be (parts of) paths.
local function check_paths(func, given, names)
  for _, name in ipairs(names) do
    local path = given[name]
    local reason = path == "" and "must not be empty" or path and path:find("\0", 1, true) and "must not hold NUL"
    if reason then error(("%s: argument '%s': %s"):format(func, name, reason), 3) end
  end
end

---What `restore_default_loggers` does with checked paths. The writer comes first: when its options are wrong the log is
---still where it was.
local function restore(log_path, run_path, opts)
  if run_path and active.tensorboard then active.tensorboard:setup(run_path, opts) end
  if log_path then active.root:setup(log_path) end
end

---`setup` raises in its own name and for this file's line: say it in the name of `func` and for its caller's line.
local function restore_for_caller(func, log_path, run_path, opts)
  local ok, message = pcall(restore, log_path, run_path, opts)
  if not ok then error(type(message) == "string" and message:gsub("^[^\n]-setup: ", func .. ": ") or message, 3) end
end

---The options of `TensorboardWriter:setup`.
local WRITER_OPTIONS = {flush_secs = true, purge_step = true, filename_suffix = true, durability = true,
                        scalars_layout = true}

---An unknown option is as wrong where no writer is there to say so: with TensorBoard disabled, without a run.
local function check_writer_options(func, opts)
  for name in pairs(opts or {}) do
    if not WRITER_OPTIONS[name] then error(("%s: unknown option '%s'"):format(func, tostring(name)), 3) end
  end
end

---`purge_step` may stand beside the writer's other options, or among them.
local function writer_options(given)
  if not given.purge_step then return given.opts end
  local merged = {}
  for name, value in pairs(given.opts or {}) do merged[name] = value end
  merged.purge_step = given.purge_step
  return merged
end

---Tie the default loggers to a log file and a run folder, which are continued when they exist and made when not. A
---path that is nil leaves its logger as it is. Raises when the root logger was not created or a file cannot be opened.
---@param log_path? string|{log_path: string, run_path: string, opts: table, purge_step: integer}
---@param run_path? string
---@param opts? table options of `TensorboardWriter:setup`; `purge_step = N`: viewers drop what an earlier one logged
---at steps from N on
function M.restore_default_loggers(log_path, run_path, opts)
  local given = options.read(RESTORE, log_path, run_path, opts)
  if not active.root then error("restore_default_loggers: " .. NO_ROOT, 2) end
  check_paths("restore_default_loggers", given, {"log_path", "run_path"})
  check_writer_options("restore_default_loggers", given.opts)
  restore_for_caller("restore_default_loggers", given.log_path, given.run_path, writer_options(given))
end

---Tie the default loggers to new files named by `get_default_log_name`: `log_root/<name>.log` and `runs_root/<name>`. A
---root that is nil leaves its logger without a file. Raises as `restore_default_loggers` does.
---@param run_name string
---@param log_root? string|{log_root: string, runs_root: string}
---@param runs_root? string
function M.setup_default_loggers(run_name, log_root, runs_root)
  local given = options.read(SETUP, run_name, log_root, runs_root)
  if not active.root then error("setup_default_loggers: " .. NO_ROOT, 2) end
  check_paths("setup_default_loggers", given, {"run_name", "log_root", "runs_root"})
  local name = M.get_default_log_name(given.run_name)
  restore_for_caller("setup_default_loggers", given.log_root and join(given.log_root, name .. ".log"),
                     given.runs_root and join(given.runs_root, name))
end

---Call a method of both loggers; the first failure is returned, but both are called.
local function for_both(method)
  local result = table.pack(true)
  for _, name in ipairs{"root", "tensorboard"} do
    local logger = active[name]
    local answer = logger and table.pack(logger[method](logger)) or {true}
    if not answer[1] and result[1] then result = answer end
  end
  return table.unpack(result, 1, result.n)
end

---Write what is pending in both loggers.
---@return boolean|nil ok true, or nil, message, code of the first failure
---@return string|nil message
---@return string|nil code
function M.flush_default_loggers()
  return for_both("flush")
end

---Flush, close and forget both loggers. Twice is fine.
---@return boolean|nil ok true, or nil, message, code of the first failure
---@return string|nil message
---@return string|nil code
function M.close_default_loggers()
  local result = table.pack(for_both("close"))
  active = {}
  return table.unpack(result, 1, result.n)
end

---The text logger made by `create_default_loggers`; raises when there is none.
---@return helios.RootLogger
function M.get_root_logger()
  return active.root or error("get_root_logger: " .. NO_ROOT, 2)
end

---Whether there is a root logger.
---@return boolean
function M.is_root_logger_active()
  return active.root ~= nil
end

---The writer made by `create_default_loggers`, nil when TensorBoard is disabled or nothing was created.
---@return helios.TensorboardWriter|nil
function M.get_tensorboard_writer()
  return active.tensorboard
end

return M

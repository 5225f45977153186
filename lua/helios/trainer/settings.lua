---The settings of a trainer: what each may be, its default, and what does not go together.
local native = require "helios.native"
local rng = require "helios.rng"

local M = {}

-- A kind of value is a function that says what is wrong with one, or nil.
local function of_type(wanted)
  return function(value)
    if type(value) ~= wanted then return ("expected a %s, got %s"):format(wanted, tostring(value)) end
  end
end

local function is_integer(value, least)
  return math.type(value) == "integer" and value >= least
end

local text, flag = of_type "string", of_type "boolean"

local function integer(value)
  if not is_integer(value, math.mininteger) then return "expected an integer, got " .. tostring(value) end
end

local function count(value)
  if not is_integer(value, 1) then return "must be an integer greater than 0 or nil, got " .. tostring(value) end
end

local function cycles(value)
  if not is_integer(value, 0) then return "expected an integer or nil, got " .. tostring(value) end
end

local function total(value)
  if value ~= math.huge and not is_integer(value, 0) then
    return "expected an integer or math.huge, got " .. tostring(value)
  end
end

local function unit(value)
  if value ~= "epoch" and value ~= "iteration" then
    return ("expected 'epoch' or 'iteration', got '%s'"):format(tostring(value))
  end
end

local function handling(value)
  if type(value) ~= "boolean" and value ~= "return" then
    return "expected true, false or 'return', got " .. tostring(value)
  end
end

---@type table<string, {[1]: (fun(value: any): string?), [2]: any}> kind and default by name
local SETTINGS <const> = {
  run_name = {text, ""},
  train_unit = {unit, "epoch"},
  total_steps = {total, 0},
  valid_frequency = {count},
  chkpt_frequency = {count},
  print_frequency = {count},
  accumulation_steps = {count, 1},
  early_stop_cycles = {cycles},
  random_seed = {integer, rng.get_default_seed()},
  enable_tensorboard = {flag, false},
  enable_file_logging = {flag, false},
  enable_progress_bar = {flag, false},
  print_banner = {flag, true},
  chkpt_root = {text},
  chkpt_keep_last = {count},
  log_path = {text},
  run_path = {text},
  handle_signals = {handling, true},
}

local function wrong(name, reason)
  return ("argument '%s': %s"):format(name, reason)
end

local function check_folder(name, path, needed, what)
  if needed and path == nil then return wrong(name, what .. " requested but no folder was given") end
  if path ~= nil and native.fs.is_folder(path) == false then return wrong(name, path .. " is not a folder") end
end

-- What is wrong with settings that are each right by themselves.
local function check_together(s)
  if s.total_steps == math.huge and s.early_stop_cycles == 0 then
    return wrong("early_stop_cycles", "must not be 0 when 'total_steps' is math.huge")
  end
  return check_folder("run_path", s.run_path, s.enable_tensorboard, "TensorBoard")
    or check_folder("log_path", s.log_path, s.enable_file_logging, "file logging")
    or check_folder("chkpt_root", s.chkpt_root, s.chkpt_frequency ~= nil, "checkpoints")
end

---A fresh table of settings, with the defaults filled in.
---@param given table?
---@return table? settings nil when one is wrong
---@return string? message
function M.complete(given)
  if given ~= nil and type(given) ~= "table" then return nil, "expected a table of settings, got a " .. type(given) end
  local settings = {}
  for name, setting in pairs(SETTINGS) do settings[name] = setting[2] end
  for name, value in pairs(given or {}) do
    if not SETTINGS[name] then return nil, ("unknown setting '%s'"):format(tostring(name)) end
    local reason = SETTINGS[name][1](value)
    if reason then return nil, wrong(name, reason) end
    settings[name] = value
  end
  local message = check_together(settings)
  if message then return nil, message end
  return settings
end

return M

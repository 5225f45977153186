---Calls every public function of logging and tensors with arguments that nobody would give. A call may work or raise;
---one that raises must name itself, and none may end the process:
---
---    lua5.4 spec/support/random_calls.lua SEED COUNT FOLDER
---
---prints each message that does not, and "COUNT calls, N of them worked". All files land in FOLDER.
local logging = require "helios.core.logging"
local tensor = require "helios.tensor"

local seed, count, folder = math.tointeger(arg[1]), math.tointeger(arg[2]), arg[3]
math.randomseed(seed)
local random = math.random

local function pick(list) return list[random(#list)] end

-- Arguments ---------------------------------------------------------------------------------------------------------

local DTYPES = {"bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "bfloat16",
  "float32", "float64"}
local STRINGS = {"a", "loss/x", "", "nan", "1.5", "CHW", "hwc", "NCHW", "HW", "auto", "fd", "tensorflow", "float32",
  "uint8", "\xff", "a\0b", "gr\u{fc}\u{df}", "..", ".", "tags", "disk", "INFO", "error", ("z"):rep(300), "%d %s", "/"}
local NUMBERS = {0, 1, -1, 0.5, 2.5, -0.0, 0 / 0, 1 / 0, -1 / 0, 1e300, 1e-300, 2 ^ 53, 2 ^ 63, -2 ^ 63,
  math.maxinteger, math.mininteger}
local OPTIONS = {"global_step", "walltime", "dataformats", "bins", "max_bins", "num_thresholds", "weights", "shape",
  "dtype", "double_precision", "run_name", "hparam_domain_discrete", "sample_rate", "fps", "labels", "rescale", "tag",
  "metadata", "metadata_header", "label_img", "colors", "faces", "config_dict", "category", "title", "exc_info",
  "stack_info", "stacklevel", "extra", "purge_step", "flush_secs", "filename_suffix", "durability", "scalars_layout",
  "level", "no such option"}
local OTHERS = {
  tostring, io.stdout, coroutine.create(print), logging, tensor,
  setmetatable({}, {__index = function() return random() end, __len = function() return random(5) end}),
  setmetatable({}, {__len = function() error("hostile", 0) end}),
  setmetatable({}, {__tostring = function() return "an object" end}),
  setmetatable({}, {__tostring = function() error("hostile", 0) end}),
}

local function any_tensor()
  local shape = {}
  for i = 1, random(0, 4) do shape[i] = random(0, 4) end
  local t = tensor.new(shape, pick(DTYPES)):fill(pick {0, 1, true})
  if #shape > 1 and random() < 0.4 then t = t:reshape(-1, 1):permute(2, 1) end
  if #shape > 0 and #t > 0 and random() < 0.2 then t = t:select(1, random(#t)) end
  return t
end

local any

local TABLES = {
  function(t, i) t[i] = random() end,
  function(t) t[pick(STRINGS)] = any() end,
  function(t, i) t[i] = any() end,
  function(t, i) t[i] = {pick(STRINGS), any()} end,
  function(t) t[pick(OPTIONS)] = any() end,
  function(t) t[1] = t end,
}

local function any_table()
  local t, add = {}, pick(TABLES)
  for i = 1, random(0, 4) do add(t, i) end
  return t
end

local SORTS = {
  function() return nil end, function() return random() < 0.5 end, function() return random(-3, 10) end,
  function() return pick(NUMBERS) end, function() return pick(STRINGS) end, function() return pick(STRINGS) end,
  any_tensor, any_tensor, function() return pick(OTHERS) end, any_table, any_table, any_table,
}

local depth = 0

function any()
  if depth > 3 then return random() end -- or tables would nest for ever
  depth = depth + 1
  local value = pick(SORTS)()
  depth = depth - 1
  return value
end

-- The start of a call that may work, for methods that need more than luck.
local WILLING = {
  add_scalar = function() return "t", random() end,
  add_scalars = function() return "m", {a = random()} end,
  add_text = function() return "t", "text" end,
  add_image = function() return "i", tensor.new({pick {1, 3, 4}, random(4), random(4)}, pick(DTYPES)) end,
  add_images = function() return "i", tensor.new {random(3), pick {1, 3}, random(4), random(4)} end,
  add_histogram = function() return "h", {random(), random()} end,
  add_pr_curve = function() return "p", {1, 0}, {random(), random()} end,
  add_hparams = function() return {a = 1}, {b = random()} end,
  add_audio = function() return "a", {0, 0.5, -1} end,
  add_video = function() return "v", tensor.new {1, 2, 3, 4, 4} end,
  add_mesh = function() return "m", tensor.new {1, 3, 3} end,
  add_image_with_boxes = function() return "b", tensor.new({3, 8, 8}, "uint8"), {{0, 0, 3, 3}} end,
  info = function() return "a line" end, error = function() return "%s" end, exception = function() return "x" end,
  new = function() return {random(0, 3), random(0, 3)} end,
}

local function any_arguments(name)
  local args = {n = 0}
  if WILLING[name] and random() < 0.7 then args = table.pack(WILLING[name]()) end
  for _ = 1, random(0, 4) do
    args.n = args.n + 1
    args[args.n] = any()
  end
  return args
end

-- Calls -------------------------------------------------------------------------------------------------------------

---Names of a table's functions, sorted; without those that run a user's code, whose errors are the user's.
local function functions_of(class)
  local names = {}
  for name, value in pairs(class) do
    if type(value) == "function" and name ~= "add_graph" and name ~= "add_figure" then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

local TENSOR_METHODS = {"get", "set", "fill", "bytes", "totable", "permute", "reshape", "select", "numel"}
local LOGGER_METHODS = {"info", "warning", "error", "exception", "flush", "close", "reopen", "stats", "setup"}
local INNER_METHODS = {"log", "set_level", "add_handler", "remove_handler"}
local TENSOR_FUNCTIONS = {"new", "from_table", "from_bytes"}
local WRITER_METHODS, LOGGING_FUNCTIONS = functions_of(logging.TensorboardWriter), functions_of(logging)

local writer, logger = logging.TensorboardWriter(), logging.RootLogger()

---A function, its self (nil for none), and its name.
local function any_call()
  local sort = random(10)
  local object, names = writer, WRITER_METHODS
  if sort == 5 or sort == 6 then object, names = logger, LOGGER_METHODS end
  if sort == 7 then object, names = logger.logger, INNER_METHODS end
  if sort == 8 then object, names = any_tensor(), TENSOR_METHODS end
  if sort == 9 then object, names = tensor, TENSOR_FUNCTIONS end
  if sort == 10 then object, names = logging, LOGGING_FUNCTIONS end
  local name = pick(names)
  if name == "close" and random() < 0.8 then name = "flush" end -- or nearly all calls would meet closed ones
  return object[name], sort < 9 and object or nil, name
end

---Paths must lie in the folder.
local function tame(name, args)
  if name ~= "setup" and not name:find "_default_loggers$" then return end
  for i = 1, args.n do
    if type(args[i]) == "string" then args[i] = folder .. "/x" end
    if type(args[i]) == "table" then args[i] = {purge_step = any()} end
  end
end

local function is_named(message, name)
  if message == "hostile" or message == "not enough memory" then return true end
  return message:find("^" .. name .. ": ") or message:find("^[^\n]-:%d+: " .. name .. ": ")
end

---Whether it worked.
local function call_something()
  local fn, self, name = any_call()
  local args = any_arguments(name)
  tame(name, args)
  if self then
    table.move(args, 1, args.n, 2)
    args[1], args.n = self, args.n + 1
  end
  local ok, message = pcall(fn, table.unpack(args, 1, args.n))
  if not ok and not (type(message) == "string" and is_named(message, name)) then print(name, message) end
  return ok
end

local worked = 0
for _ = 1, count do
  if call_something() then worked = worked + 1 end
  if random() < 0.02 then writer:setup(folder .. "/run" .. random(3)) end
  if random() < 0.02 then logger:setup(folder .. "/log" .. random(3)) end
  if random() < 0.01 then writer, logger = logging.TensorboardWriter(), logging.RootLogger() end
end
logging.close_default_loggers()
writer:close()
logger:close()
print(("%d calls, %d of them worked"):format(count, worked))

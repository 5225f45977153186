---The class TensorboardWriter: a TensorBoard run, written on rank 0 alone.
--
-- Its methods are C functions that lie directly in the class, so that a call costs one lookup; this file only puts the
-- class together. Optional arguments are positional in the order given here, or one table with their names stands in
-- place of the first of them; `walltime` (seconds since the epoch) is an option of every add_*.
--
-- While nothing is open (before `setup`, and always on other ranks) a method returns at once: its arguments are not
-- even looked at. A wrong call on an open run raises, naming function, argument and reason, and writes nothing.
-- @module helios.core.tensorboard_writer
local distributed = require "helios.core.distributed"
local native = require("helios.native").writer

local methods = native.methods

---@class helios.TensorboardWriter
---@field run_path? string the run's folder, after `setup`
local TensorboardWriter = {__name = "helios.TensorboardWriter"}
TensorboardWriter.__index = TensorboardWriter

---@alias helios.TensorLike helios.Tensor|number|table|string

---@class helios.AddOptions
---@field global_step? integer
---@field walltime? number seconds since the epoch

---@class helios.TensorOptions: helios.AddOptions
---@field dtype? helios.DType of a table or a string of bytes
---@field shape? integer[] of a string of bytes

---@class helios.SetupOptions
---@field flush_secs? number longest time an event waits for its file (2)
---@field purge_step? integer viewers drop steps from this one on that earlier files hold
---@field filename_suffix? string appended to the event file's name
---@field durability? "process"|"disk" what a flush survives: the process (default), or a power cut too
---@field scalars_layout? "runs"|"tags" where `add_scalars` puts its series: runs of their own (default), or tags

---Open the run in a folder: make it, recover what a killed process left pending there, and write from the first event
---on. Called again, it moves to the new folder and closes the old one. Raises when the folder cannot be made or
---written; what was open before stays open then.
---@function setup
---@param run_path string
---@param opts? helios.SetupOptions
TensorboardWriter.setup = methods.setup

---The step of every later call that gives none. Nothing or nil: none again.
---@function set_step
---@param n? integer
TensorboardWriter.set_step = methods.set_step

---One point of a series.
---@function add_scalar
---@param tag string
---@param scalar_value number|string|helios.Tensor|table a number, what Python's float() reads, or one element
---@param global_step? integer|helios.ScalarOptions
TensorboardWriter.add_scalar = methods.add_scalar

---@class helios.ScalarOptions: helios.AddOptions
---@field double_precision? boolean keep a double, which TensorBoard's data server does not show

---One point for each of several series that one chart overlays.
---@function add_scalars
---@param main_tag string
---@param tag_scalar_dict table<string, number|helios.Tensor>|{[1]: string, [2]: number|helios.Tensor}[] sorted by key,
---or a list of pairs in its own order
---@param global_step? integer|helios.AddOptions
TensorboardWriter.add_scalars = methods.add_scalars

---Markdown text, or a table of it: a list of strings is one column, a list of lists is rows.
---@function add_text
---@param tag string
---@param text_string string|string[]|string[][]
---@param global_step? integer|helios.AddOptions
TensorboardWriter.add_text = methods.add_text

---An image of 1, 3 or 4 channels. uint8 is taken as it is, anything else times 255.
---@function add_image
---@param tag string
---@param img helios.TensorLike
---@param global_step? integer|helios.ImageOptions
---@param dataformats? string a permutation of "CHW", "HW" or "NCHW"; "CHW" when left out
TensorboardWriter.add_image = methods.add_image

---@class helios.ImageOptions: helios.TensorOptions
---@field dataformats? string

---Several images as one grid of at most 8 columns.
---@function add_images
---@param tag string
---@param imgs helios.TensorLike
---@param global_step? integer|helios.ImageOptions
---@param dataformats? string "NCHW" when left out
TensorboardWriter.add_images = methods.add_images

---The distribution of values of any shape.
---@function add_histogram
---@param tag string
---@param values helios.TensorLike
---@param global_step? integer|helios.HistogramOptions
---@param bins? string|integer|number[]|helios.Tensor "tensorflow" (default), another rule's name, how many, or edges
---@param walltime? number
---@param max_bins? integer
TensorboardWriter.add_histogram = methods.add_histogram

---@class helios.HistogramOptions: helios.TensorOptions
---@field bins? string|integer|number[]|helios.Tensor
---@field max_bins? integer neighbours are joined until there are about this many

---Precision and recall over thresholds.
---@function add_pr_curve
---@param tag string
---@param labels helios.TensorLike true or false, 1 or 0
---@param predictions helios.TensorLike in [0, 1], as many
---@param global_step? integer|helios.PrCurveOptions
---@param num_thresholds? integer at most 127, which is the default
---@param weights? number|number[]|helios.Tensor one, or as many as labels
TensorboardWriter.add_pr_curve = methods.add_pr_curve

---@class helios.PrCurveOptions: helios.AddOptions
---@field num_thresholds? integer
---@field weights? number|number[]|helios.Tensor
---@field dtype? helios.DType of labels and predictions given as tables

---Hyper-parameters and metrics for the HPARAMS tab. Dictionaries are sorted by key; lists of pairs keep their order.
---@function add_hparams
---@param hparam_dict table booleans, strings, numbers or tensors of one element; pairs without a value are left out
---@param metric_dict table numbers or tensors of one element
---@param hparam_domain_discrete? table<string, any[]>|helios.HparamsOptions the values a hyper-parameter can take; a
---table whose keys are all names of options is the options
---@param run_name? string nil or ".": this run; else the run of this name inside it
---@param global_step? integer
TensorboardWriter.add_hparams = methods.add_hparams

---@class helios.HparamsOptions: helios.AddOptions
---@field hparam_domain_discrete? table<string, any[]>
---@field run_name? string

---Write what is pending. Fine while nothing is open.
---@function flush
---@return true? ok nil when something could not be written or was dropped since the last flush
---@return string? message
---@return string? code the status' name, such as "EIO"
TensorboardWriter.flush = methods.flush

---Flush and end the run; `add_*` raises from now on, until `setup`. Closing twice is fine.
---@function close
---@return true? ok
---@return string? message
---@return string? code
TensorboardWriter.close = methods.close

---Counters, also after `close`.
---@function stats
---@return helios.WriterStats
TensorboardWriter.stats = methods.stats

---@class helios.WriterStats
---@field events integer accepted
---@field bytes integer that reached files
---@field dropped integer events that were given up, ever
---@field pending integer bytes accepted and not yet in their file
---@field shared_buffer boolean whether what is pending survives a kill of the process
---@field last_error? string text of the last failure

TensorboardWriter.__close = methods.__close

local function number_name(value)
  if value ~= value then return "nan" end
  return value > 0 and "inf" or "-inf"
end

---Told once per tag of its first NaN or infinity; says so in the default log, if there is one.
local function notify(tag, value, step)
  local logging = package.loaded["helios.core.logging"]
  if not (logging and logging.is_root_logger_active()) then return end
  local where = step and (" at step %d"):format(step) or ""
  logging.get_root_logger():warning("tensorboard: '%s' is %s%s", tag, number_name(value), where)
end

---A writer tied to no run yet. The rank is read here: on ranks other than 0 it never has an effect.
---@return helios.TensorboardWriter
local function new(class)
  return setmetatable({native.new(distributed.get_global_rank() ~= 0, notify)}, class)
end

return setmetatable(TensorboardWriter, {__call = new})

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
---@param scalar_value number|string|helios.Tensor|table a number, what Python's float() reads, or a tensor of one
---element; a string with `shape` and `dtype` is its bytes
---@param global_step? integer|helios.ScalarOptions
TensorboardWriter.add_scalar = methods.add_scalar

---@class helios.ScalarOptions: helios.TensorOptions
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

---The distribution of values of any shape, in at most 2^24 bins: it raises where more are asked for, or where a rule
---such as "fd" would make more of values that lie far apart.
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

---A figure, or a list of figures of one size as a grid, as an image. A figure is any object with `:render()` giving
---a uint8 tensor of height x width x channels or PNG bytes; `helios.figure` makes them. Raises what `:render()` raises.
---@function add_figure
---@param tag string
---@param figure helios.Figure|table|userdata
---@param global_step? integer|helios.FigureOptions
---@param close? boolean call `:close()` of each figure that has one, afterwards (true)
TensorboardWriter.add_figure = require "helios.core.writer_figure"

---@class helios.FigureOptions: helios.AddOptions
---@field close? boolean

---The graph of a model, found by running it once on `input_to_model`; or a list of nodes as it is. See `helios.graph`.
---What the model raises is raised again.
---@function add_graph
---@param model table|userdata|helios.GraphNode[]
---@param input_to_model? any what `forward` takes; a list of tensors is several arguments
---@param verbose? boolean print the graph (false)
---@param use_strict_trace? boolean a value that reaches a module from nowhere is an error (true), or a constant
TensorboardWriter.add_graph = require "helios.core.writer_graph"

---The graph of an ONNX model.
---@function add_onnx_graph
---@param path string
---@return true? ok nil when the file cannot be read or holds no ONNX model
---@return string? message
---@return string? code "EIO", "EFORMAT" or "ELIMIT"
TensorboardWriter.add_onnx_graph = methods.add_onnx_graph

---A histogram that was counted elsewhere.
---@function add_histogram_raw
---@param tag string
---@param min number
---@param max number
---@param num number how many values
---@param sum number
---@param sum_squares number
---@param bucket_limits number[]|helios.Tensor the right edge of each bucket
---@param bucket_counts number[]|helios.Tensor as many
---@param global_step? integer|helios.AddOptions
---@param walltime? number
TensorboardWriter.add_histogram_raw = methods.add_histogram_raw

---A PR curve that was computed elsewhere: six lists of one length, a number for each threshold.
---@function add_pr_curve_raw
---@param tag string
---@param true_positive_counts number[]|helios.Tensor
---@param false_positive_counts number[]|helios.Tensor
---@param true_negative_counts number[]|helios.Tensor
---@param false_negative_counts number[]|helios.Tensor
---@param precision number[]|helios.Tensor
---@param recall number[]|helios.Tensor
---@param global_step? integer|helios.AddOptions
---@param num_thresholds? integer what is told to viewers, at most 127, which is the default
---@param weights? any not used; torch's signature has it
---@param walltime? number
TensorboardWriter.add_pr_curve_raw = methods.add_pr_curve_raw

---A whole tensor of any shape and dtype, at most 2 GiB. Viewers do not draw it.
---@function add_tensor
---@param tag string
---@param tensor helios.TensorLike
---@param global_step? integer|helios.TensorOptions
---@param walltime? number
TensorboardWriter.add_tensor = methods.add_tensor

---Mono sound: at least two samples from -1 to 1, clipped to that, as 16-bit WAV.
---@function add_audio
---@param tag string
---@param snd_tensor helios.TensorLike one dimension; others may be 1
---@param global_step? integer|helios.AudioOptions
---@param sample_rate? number Hz (44100)
---@param walltime? number
TensorboardWriter.add_audio = methods.add_audio

---@class helios.AudioOptions: helios.TensorOptions
---@field sample_rate? number

---Films as one animated GIF, side by side. A frame of at most 256 colours keeps them.
---@function add_video
---@param tag string
---@param vid_tensor helios.TensorLike films x frames x channels (1, 3 or 4) x height x width; uint8, or 0
---to 1; alpha is dropped
---@param global_step? integer|helios.VideoOptions
---@param fps? number frames a second (4)
---@param walltime? number
TensorboardWriter.add_video = methods.add_video

---@class helios.VideoOptions: helios.TensorOptions
---@field fps? number

---An image with red boxes on it.
---@function add_image_with_boxes
---@param tag string
---@param img_tensor helios.TensorLike as for add_image
---@param box_tensor helios.TensorLike rows of left, top, right, bottom in pixels
---@param global_step? integer|helios.BoxesOptions
---@param walltime? number
---@param rescale? number the picture's size is multiplied by it (1)
---@param dataformats? string "CHW" when left out
---@param labels? string|string[] drawn when there are as many as boxes; what is not ASCII becomes an empty box
TensorboardWriter.add_image_with_boxes = methods.add_image_with_boxes

---@class helios.BoxesOptions: helios.AddOptions
---@field rescale? number
---@field dataformats? string
---@field labels? string|string[]

---An embedding for the projector: files in the run's folder, made before the call returns.
---@function add_embedding
---@param mat helios.TensorLike a row for each point
---@param metadata? any[]|any[][]|helios.EmbeddingOptions a label for each row, or with a header a list for each; a
---table whose keys are all names of options is the options
---@param label_img? helios.TensorLike a picture for each row: N x C x H x W
---@param global_step? integer
---@param tag? string "default" when left out
---@param metadata_header? string[] names of the metadata's columns
TensorboardWriter.add_embedding = methods.add_embedding

---@class helios.EmbeddingOptions: helios.AddOptions
---@field metadata? any[]|any[][]
---@field label_img? helios.TensorLike
---@field tag? string
---@field metadata_header? string[]

---Points in space, with colours and faces.
---@function add_mesh
---@param tag string
---@param vertices helios.TensorLike batch x number x 3
---@param colors? helios.TensorLike|helios.MeshOptions batch x number x 3, 0 to 255; a table whose keys are all names of
---options is the options
---@param faces? helios.TensorLike batch x number x 3 indices of vertices, from 0
---@param config_dict? table settings of three.js
---@param global_step? integer
---@param walltime? number
TensorboardWriter.add_mesh = methods.add_mesh

---@class helios.MeshOptions: helios.AddOptions
---@field colors? helios.TensorLike
---@field faces? helios.TensorLike
---@field config_dict? table

---Which tags share a chart on the custom scalars dashboard; the newest layout counts.
---@function add_custom_scalars
---@param layout table categories of charts: `{category = {chart = {"Multiline", {tag, ...}}}}`, or `{"Margin", {value,
---lower, upper}}`; sorted by name, or lists of pairs in their own order
---@param options? helios.AddOptions
TensorboardWriter.add_custom_scalars = methods.add_custom_scalars

---A layout of one chart with a line for each tag.
---@function add_custom_scalars_multilinechart
---@param tags string[]
---@param category? string "default"
---@param title? string "untitled"
TensorboardWriter.add_custom_scalars_multilinechart = methods.add_custom_scalars_multilinechart

---A layout of one chart with a margin around a line.
---@function add_custom_scalars_marginchart
---@param tags string[] value, lower, upper
---@param category? string "default"
---@param title? string "untitled"
TensorboardWriter.add_custom_scalars_marginchart = methods.add_custom_scalars_marginchart

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
---@field highest_step? integer of all that was added; nil when nothing had a step
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
local function new(class, ...)
  if select("#", ...) > 0 then error("TensorboardWriter: takes no arguments; give the folder to setup", 2) end
  return setmetatable({native.new(distributed.get_global_rank() ~= 0, notify)}, class)
end

return setmetatable(TensorboardWriter, {__call = new})

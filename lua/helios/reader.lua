---Event files and runs of any writer as Lua tables and iterators, for scripts that look at and compare runs.
---
---    local reader = require "helios.reader"
---    for _, found in ipairs(assert(reader.runs("runs"))) do
---      local run <close> = assert(reader.open(found.path))
---      local loss = run:scalars("loss")
---      print(found.name, loss.steps[#loss.steps], loss.values[#loss.values])
---    end
---
---A run is read as viewers show it: what a resumed sitting replaced is left out. A wrong argument raises; a file that
---cannot be read gives nil, message, code. Damage is skipped, and listed by `run:files()` and `reader.verify`.
local native = require "helios.native"
local proto = require "helios.reader.proto"

local core = native.reader

local M = {}

local KINDS = {}
for kind in ("scalar text image histogram audio pr_curve tensor hparams mesh custom_scalars graph run_metadata other")
  :gmatch("%S+") do
  KINDS[kind] = true
end

local function check(value, kind, function_name, argument, optional)
  if type(value) == kind or (optional and value == nil) then return value end
  local got = value == nil and "nothing" or type(value)
  error(("%s: argument '%s': expected a %s, got %s"):format(function_name, argument, kind, got), 3)
end

---The handle of a run that must be open.
local function open_handle(run, function_name)
  if run.closed then error(function_name .. ": the run is closed", 3) end
  return run.handle
end

---The runs at and below a folder, in name order. A file is one run named ".".
---@param root string
---@return {name: string, path: string}[]? runs  nil when the folder cannot be read
---@return string? message
---@return string? code
function M.runs(root)
  check(root, "string", "runs", "root")
  return core.find(root)
end

---@class helios.reader.Run
---@field path string
---@field closed boolean?
local Run = {}
Run.__index = Run

---Open the run in a folder, or one event file. Close it with `run:close()` or `local run <close>`.
---@param path string
---@return helios.reader.Run? run
---@return string? message
---@return string? code
function M.open(path)
  check(path, "string", "open", "path")
  local handle, message, code = core.open_run(path)
  if not handle then return nil, message, code end
  return setmetatable({path = path, handle = handle}, Run)
end

---@class helios.reader.Tag
---@field tag string
---@field kind string  "scalar", "text", "image", "histogram", "audio", "pr_curve", "tensor", "hparams", "mesh", ...
---@field plugin string?
---@field points integer
---@field first_step integer
---@field last_step integer
---@field first_time number  seconds since the epoch
---@field last_time number
---@field last_value number?  of a scalar

---The tags of the run, by kind and name.
---@param kind string?  only this kind
---@return helios.reader.Tag[]? tags
---@return string? message
---@return string? code
function Run:tags(kind)
  if kind ~= nil and not KINDS[kind] then
    error(("tags: argument 'kind': expected a kind of value, got %s"):format(tostring(kind)), 2)
  end
  local handle = open_handle(self, "tags")
  local ok, message, code = handle:scan()
  if not ok then return nil, message, code end
  local out = {}
  for _, tag in ipairs(handle:tags()) do
    if tag.points > 0 and (kind == nil or tag.kind == kind) then out[#out + 1] = tag end
  end
  table.sort(out, function(a, b)
    if a.kind ~= b.kind then return a.kind < b.kind end
    return a.tag < b.tag
  end)
  return out
end

---A second handle that keeps scalars in memory.
local function load(self)
  if not self.loaded then
    local handle, message, code = core.open_run(self.path, true)
    if not handle then return nil, message, code end
    self.loaded = handle
  end
  local ok, message, code = self.loaded:load()
  if not ok then return nil, message, code end
  return self.loaded
end

---@class helios.reader.Series
---@field steps integer[]
---@field values number[]
---@field times number[]  seconds since the epoch

---All points of a scalar, with what was written since the last call. A tag that is not there gives empty lists.
---@param tag string
---@return helios.reader.Series? series
---@return string? message
---@return string? code
function Run:scalars(tag)
  check(tag, "string", "scalars", "tag")
  open_handle(self, "scalars")
  local handle, message, code = load(self)
  if not handle then return nil, message, code end
  for i, info in ipairs(handle:tags()) do
    if info.kind == "scalar" and info.tag == tag then
      local steps, values, times = handle:column(i)
      return {steps = steps, values = values, times = times}
    end
  end
  return {steps = {}, values = {}, times = {}}
end

local function kinds_of(kind)
  if kind == nil then return nil end
  local set = {}
  for _, one in ipairs(type(kind) == "table" and kind or {kind}) do
    if not KINDS[one] then
      error(("points: argument 'kind': expected a kind of value, got %s"):format(tostring(one)), 4)
    end
    set[one] = true
  end
  return set
end

local function step_of(step, name)
  if step == nil then return nil end
  return math.tointeger(step)
    or error(("points: argument '%s': expected a step, got %s"):format(name, tostring(step)), 4)
end

local POINT_OPTIONS = {kind = true, tag = true, first_step = true, last_step = true}

---What the options ask for: a set of kinds, a tag, the first and the last step; nil for all.
local function filter_of(options)
  for name in pairs(options) do
    if not POINT_OPTIONS[name] then error(("points: unknown option '%s'"):format(tostring(name)), 3) end
  end
  if options.tag ~= nil and type(options.tag) ~= "string" then
    error("points: argument 'tag': expected a string, got " .. type(options.tag), 3)
  end
  return kinds_of(options.kind), options.tag, step_of(options.first_step, "first_step"),
    step_of(options.last_step, "last_step")
end

---Iterate over the points in the order they were written: tables with `kind`, `tag`, `step`, `wall_time`, and
---`value` (scalar), `text` and `strings` (text), `images` (each with `width`, `height`, `encoded`), `sounds` (each with
---`sample_rate`, `encoded`), `buckets` (each `{left, right, count}`) with `min`, `max`, `num`, `sum`, `sum_squares`
---(histogram), `values`, `shape` (tensor, pr_curve), `data` (graph) or `content` (hparams).
---Files are read as the loop goes on, so memory does not grow with the run. A file that fails raises, and so does an
---unknown option.
---@param options {kind: string|string[]?, tag: string?, first_step: integer?, last_step: integer?}?
---@return fun(): table?
function Run:points(options)
  options = check(options, "table", "points", "options", true) or {}
  open_handle(self, "points")
  local kinds, tag, first, last = filter_of(options)
  local handle, message = core.open_run(self.path)
  if not handle then error(message, 2) end
  return function()
    local point, failure = handle:next(kinds, tag, first, last)
    if not point and failure then error(failure, 2) end
    return point
  end, nil, nil, handle
end

---The last point of a tag, or nil.
---@param tag string
---@return table?
function Run:last(tag)
  check(tag, "string", "last", "tag")
  open_handle(self, "last")
  local last
  for point in self:points{tag = tag} do last = point end
  return last
end

---Hyper-parameters of the run: a table from name to value, empty when there are none.
---@return table<string, number|string|boolean>
function Run:hparams()
  open_handle(self, "hparams")
  local values = {}
  for point in self:points{kind = "hparams"} do
    local decoded = proto.hparams(point.content or "")
    if decoded and decoded.session then values = decoded.session end
  end
  return values
end

---The state of the files read so far: `{path, records, damaged, damage = {{offset, length, reason}}, cut_bytes, ended,
---compressed}` each.
---@return table[]? files
---@return string? message
---@return string? code
function Run:files()
  local handle = open_handle(self, "files")
  local ok, message, code = handle:scan()
  if not ok then return nil, message, code end
  return handle:files()
end

---Close the run's files. Calling it twice is fine.
function Run:close()
  self.closed = true
  self.handle:close()
  if self.loaded then self.loaded:close() end
end

Run.__close = Run.close

---Iterate over the events of one file as they were written, nothing left out: tables with `kind` ("summary",
---"file_version", "session", "graph", ...), `step`, `wall_time`, `offset` and `points`. Damaged records are skipped; a
---file that cannot be read on raises.
---@param path string
---@return fun(): table?
function M.events(path)
  check(path, "string", "events", "path")
  local file, message = core.open_file(path)
  if not file then error(message, 2) end
  return function()
    local event, failure, code = file:next()
    if not event and failure and code ~= "EFORMAT" then error(failure, 2) end
    return event
  end, nil, nil, file
end

---Read a whole file and tell its state: `{records, damaged, cut_bytes, ended, compressed, damage_offset,
---damage_reason}`. The file is whole when `damaged` and `cut_bytes` are 0.
---@param path string
---@return table? state
---@return string? message
---@return string? code
function M.verify(path)
  check(path, "string", "verify", "path")
  return core.verify(path)
end

---Write the intact records of a damaged file anew, in its place or at `target`. The old file stays untouched until the
---new one is safe. Returns `{kept, dropped, lost_bytes, replaced}`.
---@param path string
---@param target string?
---@return table? result
---@return string? message
---@return string? code
function M.repair(path, target)
  check(path, "string", "repair", "path")
  check(target, "string", "repair", "target", true)
  return core.repair(path, target)
end

return M

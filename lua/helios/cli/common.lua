---What the sub-commands share: finding runs, telling damage, ranges of steps, files that are written.
local native = require "helios.native"
local text = require "helios.cli.text"

local core = native.reader

local M = {}

local told = {}

---Say on stderr what went wrong; gives the status of a failure. A file that is read twice, or again and again, is told
---of once.
---@param message string
---@return integer
function M.fail(message)
  if told[message] then return 1 end
  told[message] = true
  io.stdout:flush()
  io.stderr:write("helios: ", text.escape(message), "\n")
  return 1
end

---The runs at and below each path. With several paths a run's name begins with the path it was found under.
---@param paths string[]
---@return {name: string, path: string}[] runs
---@return integer status 1 when a path could not be read or holds no run
function M.find_runs(paths)
  local out, status = {}, 0
  for _, root in ipairs(paths) do
    local found, message = core.find(root)
    if not found then status = M.fail(message)
    elseif #found == 0 then status = M.fail(root .. ": no runs here (no file with \"tfevents\" in its name)") end
    for _, run in ipairs(found or {}) do
      local name = run.name
      if #paths > 1 then name = name == "." and root or root:gsub("/$", "") .. "/" .. name end
      out[#out + 1] = {name = name, path = run.path}
    end
  end
  return out, status
end

---Call `step()`, which reads files of a run on, until it is done. A file that cannot be read is told, and hides none of
---the others: reading goes on behind it.
---@param step fun(): any, string?, string?  true; or nil, message, code
---@return integer status
function M.all_files(step)
  local status = 0
  repeat
    local ok, message, code = step()
    if not ok then status = M.fail(message) end
  until ok or code ~= "EIO"
  return status
end

---The event files at a path.
---@param path string
---@return string[]? files
---@return string? message
function M.event_files(path)
  if not native.fs.is_folder(path) then return {path} end
  local names, message = native.fs.list(path)
  if not names then return nil, message end
  table.sort(names)
  local out = {}
  for _, name in ipairs(names) do
    local full = path .. "/" .. name
    if name:find("tfevents", 1, true) and not native.fs.is_folder(full) then out[#out + 1] = full end
  end
  if #out > 0 then return out end
  local below = (core.find(path) or {})[1]
  return nil, path .. (below and ": a folder of runs; give one of them, such as " .. below.path
    or ": no event files (names with \"tfevents\") in this folder")
end

---Tell what is damaged in a run's files, on stderr. A cut last record is no damage: it may still come.
---@param files table[]
---@return integer status
function M.tell_damage(files)
  local status = 0
  for _, file in ipairs(files) do
    for _, damage in ipairs(file.damage) do
      status = M.fail(("%s: at byte %d: %s"):format(file.path, damage.offset, damage.reason))
    end
    if file.damaged > #file.damage then
      M.fail(("%s: and %d more damaged places"):format(file.path, file.damaged - #file.damage))
    end
  end
  return status
end

---An argparse converter of "a:b", both ends included and either left out.
---@param s string
---@return {[1]: integer, [2]: integer}?
---@return string? message
function M.step_range(s)
  local low, high = s:match("^(%-?%d*):(%-?%d*)$")
  if not low and s:match("^%-?%d+$") then low, high = s, s end
  local first = low == "" and math.mininteger or math.tointeger(tonumber(low))
  local last = high == "" and math.maxinteger or math.tointeger(tonumber(high))
  if low and first and last then return {first, last} end
  return nil, "expected steps as FIRST:LAST, got '" .. s .. "'"
end

---A field of a CSV line: quoted when it has to be.
---@param s string
---@return string
function M.csv_field(s)
  if not s:find('[",\r\n]') then return s end
  return '"' .. s:gsub('"', '""') .. '"'
end

M.KINDS = {"scalar", "text", "image", "histogram", "audio", "pr_curve", "tensor", "hparams", "mesh", "custom_scalars",
  "graph", "run_metadata", "other"}

---@param list string[]?
---@return table<string, boolean>?
function M.set_of(list)
  if not list or #list == 0 then return nil end
  local set = {}
  for _, item in ipairs(list) do set[item] = true end
  return set
end

---A point that is no scalar as a table for JSON: bytes of media are told by their number, or given as base64.
local function plain_point(point, with_data)
  local out = {kind = point.kind, tag = point.tag, step = point.step, wall_time = point.wall_time,
    plugin = point.plugin, text = point.text, shape = point.shape and #point.shape > 0 and point.shape or nil}
  if point.kind == "histogram" then
    for _, key in ipairs{"min", "max", "num", "sum", "sum_squares", "buckets"} do out[key] = point[key] end
    if out.buckets and #out.buckets == 0 then out.buckets = text.EMPTY_LIST end
  end
  if point.values then out.values = #point.values > 0 and point.values or text.EMPTY_LIST end
  if point.strings and #point.strings > 1 then out.strings = point.strings end
  for _, key in ipairs{"images", "sounds"} do
    local media = {}
    for i, item in ipairs(point[key] or {}) do
      media[i] = {width = item.width, height = item.height, sample_rate = item.sample_rate, bytes = #item.encoded,
        data = with_data and core.base64(item.encoded) or nil}
    end
    if #media > 0 then out[key] = media end
  end
  if point.kind == "hparams" then out.hparams = require("helios.reader.proto").hparams(point.content or "") end
  return out
end

local quoted, quoted_count = {}, 0

---A short string as JSON, remembered: the same tags come again and again.
local function quote(s)
  local known = quoted[s]
  if known then return known end
  if quoted_count >= 1000 then quoted, quoted_count = {}, 0 end
  quoted[s], quoted_count = text.json(s), quoted_count + 1
  return quoted[s]
end

---A point as one line of JSON. Scalars, of which files hold millions, take a short way to the same text.
---@param point table
---@param run string?  the run's name, when lines of several runs come together
---@param with_data boolean?
---@return string
function M.json_point(point, run, with_data)
  if point.kind ~= "scalar" then
    local plain = plain_point(point, with_data)
    plain.run = run
    return text.json(plain) .. "\n"
  end
  return ('{"kind":"scalar",%s%s"step":%d,"tag":%s,"value":%s,"wall_time":%s}\n'):format(
    point.plugin and '"plugin":' .. quote(point.plugin) .. "," or "", run and '"run":' .. quote(run) .. "," or "",
    point.step, quote(point.tag), text.json_number(point.value, point.single), text.json_number(point.wall_time))
end

return M

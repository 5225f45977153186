---What the sub-commands share: finding runs, telling damage, ranges of steps, files that are written.
local core = require("helios.native").reader
local text = require "helios.cli.text"

local M = {}

---Say on stderr what went wrong; gives the status of a failure.
---@param message string
---@return integer
function M.fail(message)
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

---A point as a table for JSON: bytes of media are told by their number, or given as base64.
---@param point table
---@param with_data boolean?
---@return table
function M.plain_point(point, with_data)
  local out = {kind = point.kind, tag = point.tag, step = point.step, wall_time = point.wall_time,
    plugin = point.plugin, text = point.text, shape = point.shape and #point.shape > 0 and point.shape or nil}
  if point.value then out.value = point.single and text.single(point.value) or point.value end
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

return M

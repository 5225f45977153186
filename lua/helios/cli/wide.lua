---The wide form of `helios export`: a column for each scalar tag of any run, a row for each run and step.
---
---Runs are read twice, for the columns and for the points, which go through a sorter: memory grows with the number of
---tags, never with that of points. A tag's steps rise (the reader drops what a step back
---replaces, as viewers do), but not those of all tags together; rows do. A tag that has several points at one step gets
---several rows.
local common = require "helios.cli.common"
local core = require("helios.native").reader
local sorter = require "helios.cli.sorter"
local text = require "helios.cli.text"

local M = {}

local function add_tags(handle, only, tags)
  local status = common.all_files(function() return handle:scan() end)
  for _, tag in ipairs(handle:tags()) do
    if tag.kind == "scalar" and tag.points > 0 and (not only or tag.tag == only) and not tags[tag.tag] then
      tags[#tags + 1] = tag.tag
      tags[tag.tag] = true
    end
  end
  return status
end

---The columns: the scalar tags of all runs in name order, and each tag's place.
local function columns_of(runs, only)
  local tags, status = {}, 0
  for _, run in ipairs(runs) do
    local handle, message = core.open_run(run.path)
    if not handle then status = common.fail(message)
    else
      status = math.max(status, add_tags(handle, only, tags), common.tell_damage(handle:files()))
      handle:close()
    end
  end
  table.sort(tags)
  for i, tag in ipairs(tags) do tags[tag] = i end
  return tags, status
end

---Hand the run's points to the sorter. A tag that came since the columns were taken waits for the next export.
local function sort_points(handle, tags, points)
  local only = {scalar = true}
  while true do
    local point, message, code = handle:next(only)
    if not point then return message == nil, message, code end
    local column = tags[point.tag]
    local ok = true
    if column then ok, message = points:add(point.step, column, point.value, point.wall_time, point.single) end
    if not ok then return nil, message end
  end
end

local function write_row(out, name, row, width)
  for i = 1, width do row[i] = row[i] or "" end
  return out:write(("%s,%d,%s,%s\n"):format(name, row.step, text.number(row.time), table.concat(row, ",")))
end

---A row ends with its step, or where a tag comes again.
local function write_rows(out, name, points, width)
  local row
  for point in points:sorted() do
    local step, _, column, value, time, single = table.unpack(point)
    if row and (row.step ~= step or row[column]) then
      if not write_row(out, name, row, width) then return end -- told when the output is closed
      row = nil
    end
    row = row or {step = step, time = time}
    row[column] = text.number(value, single == 1)
  end
  if row then write_row(out, name, row, width) end
end

local function write_run(out, run, tags)
  local handle, message = core.open_run(run.path)
  if not handle then return common.fail(message) end
  local points <close> = sorter.new()
  local status = common.all_files(function() return sort_points(handle, tags, points) end)
  handle:close()
  write_rows(out, common.csv_field(run.name), points, #tags)
  return status
end

---@param runs {name: string, path: string}[]
---@param only string?  this tag alone
---@param out file*
---@return integer status
function M.write(runs, only, out)
  local tags, status = columns_of(runs, only)
  local heading = {"run", "step", "wall_time"}
  for _, tag in ipairs(tags) do heading[#heading + 1] = common.csv_field(tag) end
  out:write(table.concat(heading, ","), "\n")
  for _, run in ipairs(runs) do status = math.max(status, write_run(out, run, tags)) end
  return status
end

return M

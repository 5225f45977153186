---What a report shows, read from runs: lists for the page's script, and blocks of media and text that are written as
---they are met, for the page to look at when they are shown.
local common = require "helios.cli.common"
local core = require("helios.native").reader
local layouts = require "helios.cli.report.layouts"
local proto = require "helios.reader.proto"
local text = require "helios.cli.text"

local M = {}

---Raises the system's words alone, which the report tells with the path.
function M.put(out, ...)
  local ok, message = out:write(...)
  if not ok then error(message, 0) end
end

---JSON that can stand inside a script element.
local function page_json(v) return (text.json(v):gsub("<", "\\u003c")) end

---What the page's script reads, filled while blocks are written to `out`.
---@param out file*
---@return table
function M.new(out)
  return {out = out, blocks = 0, runs = {}, scalars = {}, images = {}, texts = {}, histograms = {}, pr_curves = {},
    audio = {}, graphs = {}, layouts = {}, other = {}, notes = {}, index = {},
    hparams = {rows = {}, names = {}, metrics = {}}}
end

---Something that is wrong with a run: told on stderr and on the page, once.
local function note(page, message)
  if page.index["note\0" .. message] then return end
  page.index["note\0" .. message] = true
  table.insert(page.notes, message)
  common.fail(message)
end

---Read files of a run on until `step` is done; what cannot be read is noted and hides nothing else.
local function read_all(page, step)
  repeat
    local ok, message, code = step()
    if not ok then note(page, message) end
  until ok or code ~= "EIO"
end

---Write a block of text that the page looks up by id.
local function block(page, kind, content)
  page.blocks = page.blocks + 1
  local id = "b" .. page.blocks
  M.put(page.out, '<script type="', kind, '" id="', id, '">', content, "</script>\n")
  return id
end

---The entry of a tag and run in one of the page's lists.
local function entry(page, list, tag, run)
  local key = list .. "\0" .. run .. "\0" .. tag
  local found = page.index[key]
  if not found then
    found = {tag = tag, run = run, items = {}}
    page.index[key] = found
    table.insert(page[list], found)
  end
  return found
end

local MIMES = {{"\x89PNG", "image/png"}, {"GIF8", "image/gif"}, {"\xff\xd8\xff", "image/jpeg"}, {"RIFF", "audio/wav"},
  {"OggS", "audio/ogg"}, {"fLaC", "audio/flac"}, {"ID3", "audio/mpeg"}}

---Told by the bytes, never by what the file says: a picture that is none of these is none (SVG can hold scripts).
local function mime(bytes)
  for _, known in ipairs(MIMES) do
    if bytes:sub(1, #known[1]) == known[1] then return known[2] end
  end
  return "application/octet-stream"
end

local function add_media(page, list, items, point, run)
  for i, item in ipairs(items) do
    local tag = #items > 1 and ("%s [%d]"):format(point.tag, i) or point.tag
    table.insert(entry(page, list, tag, run).items, {
      step = point.step, time = point.wall_time, width = item.width, height = item.height,
      mime = mime(item.encoded), blob = block(page, "text/plain", core.base64(item.encoded))})
  end
end

---A table of strings as rows.
local function text_rows(point)
  local columns = point.shape and #point.shape == 2 and point.shape[2] or 0
  if columns < 1 then return nil end
  local rows = {}
  for i, s in ipairs(point.strings) do
    local row = (i - 1) // columns + 1
    rows[row] = rows[row] or {}
    table.insert(rows[row], s)
  end
  return rows
end

local ADD = {}

function ADD.image(page, point, run) add_media(page, "images", point.images, point, run) end
function ADD.audio(page, point, run) add_media(page, "audio", point.sounds, point, run) end

function ADD.text(page, point, run)
  local body = {rows = text_rows(point)}
  if not body.rows then body.text = table.concat(point.strings, "\n\n") end
  local tag = point.tag:gsub("/text_summary$", "")
  table.insert(entry(page, "texts", tag, run).items,
    {step = point.step, time = point.wall_time, blob = block(page, "application/json", page_json(body))})
end

function ADD.histogram(page, point, run)
  local buckets = point.buckets or {}
  table.insert(entry(page, "histograms", point.tag, run).items, {step = point.step, time = point.wall_time,
    num = point.num, min = point.min, max = point.max,
    blob = block(page, "application/json", page_json(#buckets > 0 and buckets or text.EMPTY_LIST))})
end

function ADD.pr_curve(page, point, run)
  local n = point.shape and point.shape[1] == 6 and point.shape[2] or 0
  if n < 1 or #(point.values or {}) ~= 6 * n then return end
  local rows = {}
  for row = 1, 6 do rows[row] = table.move(point.values, (row - 1) * n + 1, row * n, 1, {}) end
  local found = page.index["pr\0" .. point.tag]
  if not found then
    found = {tag = point.tag, parts = {}, by_run = {}}
    page.index["pr\0" .. point.tag] = found
    table.insert(page.pr_curves, found)
  end
  local part = found.by_run[run]
  if not part then
    part = {run = run, items = {}}
    found.by_run[run] = part
    table.insert(found.parts, part)
  end
  table.insert(part.items, {step = point.step, time = point.wall_time,
    blob = block(page, "application/json", page_json(rows))})
end

function ADD.graph(page, point, run)
  local nodes = proto.graph(point.data)
  if not nodes or #nodes == 0 then return end
  for _, node in ipairs(nodes) do
    if #node.inputs == 0 then node.inputs = text.EMPTY_LIST end
  end
  table.insert(page.graphs, {tag = "", run = run, blob = block(page, "application/json", page_json(nodes))})
end

function ADD.hparams(page, point, run)
  local decoded = proto.hparams(point.content or "")
  local h = page.hparams
  local function once(list, name)
    if page.index[list .. "\0" .. name] then return end
    page.index[list .. "\0" .. name] = true
    table.insert(h[list], name)
  end
  if decoded and decoded.session then
    h.rows[#h.rows + 1] = {run = run, values = decoded.session, metrics = {}}
    local names = {}
    for name in pairs(decoded.session) do names[#names + 1] = name end
    table.sort(names)
    for _, name in ipairs(names) do once("names", name) end
  elseif decoded and decoded.experiment then
    for _, metric in ipairs(decoded.experiment.metrics) do once("metrics", metric.tag) end
  end
end

---The same layout usually comes from each run; its charts show all runs, as in viewers.
function ADD.custom_scalars(page, point)
  local layout = (point.strings or {})[1] or ""
  if page.index["layout\0" .. layout] then return end
  page.index["layout\0" .. layout] = true
  for _, chart in ipairs(proto.layout(layout) or {}) do table.insert(page.layouts, chart) end
end

-- ---- runs --------------------------------------------------------------------------------------------------------

local WANTED = {}
for kind in pairs(ADD) do WANTED[kind] = true end

local function add_points(page, path, run)
  local handle, message = core.open_run(path)
  if not handle then return note(page, message) end
  read_all(page, function()
    while true do
      local point, failure, code = handle:next(WANTED)
      if not point then return failure == nil, failure, code end
      ADD[point.kind](page, point, run)
    end
  end)
  handle:close()
end

local function add_scalar(page, handle, i, tag, run)
  local blob, n, first_time, unit = handle:packed(i)
  if n == 0 then return end
  local found = page.index["scalar\0" .. tag.tag]
  if not found then
    found = {tag = tag.tag, parts = {}}
    page.index["scalar\0" .. tag.tag] = found
    table.insert(page.scalars, found)
  end
  table.insert(found.parts, {run = run, n = n, t0 = first_time, unit = unit, blob = block(page, "text/plain", blob)})
end

local function add_scalars(page, path, run)
  local handle, message = core.open_run(path, true)
  if not handle then return note(page, message) end
  read_all(page, function() return handle:load() end)
  for i, tag in ipairs(handle:tags()) do
    if tag.kind == "scalar" then add_scalar(page, handle, i, tag, run)
    elseif not WANTED[tag.kind] then
      table.insert(page.other, {run = run, kind = tag.kind, tag = tag.tag, points = tag.points, first = tag.first_step,
        last = tag.last_step})
    end
    page.index["last\0" .. run .. "\0" .. tag.tag] = tag.last_value
  end
  for _, file in ipairs(handle:files()) do
    for _, damage in ipairs(file.damage) do
      note(page, ("%s: at byte %d: %s"):format(file.path, damage.offset, damage.reason))
    end
  end
  handle:close()
end

---Add a run: its scalars to the lists, the rest to the lists and as blocks.
---@param page table
---@param name string
---@param path string
function M.add_run(page, name, path)
  local run = #page.runs
  page.runs[run + 1] = name
  add_scalars(page, path, run)
  add_points(page, path, run)
end

---A metric's value is the last scalar of its tag in the run.
local function fill_metrics(page)
  for _, row in ipairs(page.hparams.rows) do
    for _, name in ipairs(page.hparams.metrics) do
      row.metrics[name] = page.index["last\0" .. row.run .. "\0" .. name]
    end
  end
end

local function by_tag(a, b)
  if a.tag ~= b.tag then return a.tag < b.tag end
  return (a.run or 0) < (b.run or 0)
end

local LISTS = {"runs", "scalars", "images", "texts", "histograms", "pr_curves", "audio", "graphs", "other", "notes"}

---The lists as JSON that can stand inside a script element.
---@param page table
---@return string
function M.data(page)
  fill_metrics(page)
  local data = {hparams = {}}
  for _, list in ipairs(LISTS) do
    if list ~= "runs" and list ~= "notes" then table.sort(page[list], by_tag) end
    data[list] = #page[list] > 0 and page[list] or text.EMPTY_LIST
  end
  data.charts = layouts.charts(page)
  for _, entry_of in ipairs(page.pr_curves) do entry_of.by_run = nil end
  for _, list in ipairs{"rows", "names", "metrics"} do
    data.hparams[list] = #page.hparams[list] > 0 and page.hparams[list] or text.EMPTY_LIST
  end
  return page_json(data)
end

return M


---`helios report`: one self-contained HTML page of runs, which opens from disk with no network.
---
---The page is written as the runs are read: media go straight from their files into blocks of the page that are not
---looked at before they are shown. Nothing in a run becomes markup: texts travel as JSON in which no `<` occurs, media
---as base64, and the page's policy runs the one script that carries this page's nonce.
local common = require "helios.cli.common"
local native = require "helios.native"
local proto = require "helios.reader.proto"
local text = require "helios.cli.text"

local core = native.reader

local M = {}

function M.describe(command)
  command:argument("path", "Run folders, folders of runs, or event files."):args("+")
  command:option("-o --output", "The page to write."):default("report.html")
  command:option("--title", "The page's heading.")
end

-- ---- parts of the program ----------------------------------------------------------------------------------------

local PACKAGE_FOLDERS = {"/usr/share/javascript/dygraphs/", "/usr/share/nodejs/dygraphs/dist/"}

local function read_file(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  local bytes = file:read("a")
  file:close()
  return bytes
end

---A page file: out of the program, from beside this module, or from the package of the chart library.
local function asset(name)
  local embedded = package.preload["asset:" .. name]
  if embedded then return embedded() end
  for template in package.path:gmatch("[^;]+") do
    local bytes = read_file((template:gsub("%?", "helios/cli/report"):gsub("%.lua$", "/" .. name)))
    if bytes then return bytes end
  end
  for _, folder in ipairs(PACKAGE_FOLDERS) do
    local bytes = read_file(folder .. name)
    if bytes then return bytes end
  end
  return nil, name .. " is not there: install libjs-dygraphs, or use the program `helios`"
end

local function nonce()
  local random = io.open("/dev/urandom", "rb")
  local bytes = random and random:read(16)
  if random then random:close() end
  if not bytes then return nil, "/dev/urandom: cannot read" end
  return core.base64(bytes)
end

local function escape_html(s)
  return (s:gsub("[&<>\"']", {["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["'"] = "&#39;"}))
end

---JSON that can stand inside a script element.
local function page_json(v) return (text.json(v):gsub("<", "\\u003c")) end

-- ---- collecting --------------------------------------------------------------------------------------------------

---What the page's script reads, filled while blocks are written to `out`.
local function new_page(out)
  return {out = out, blocks = 0, runs = {}, scalars = {}, images = {}, texts = {}, histograms = {}, pr_curves = {},
    audio = {}, graphs = {}, layouts = {}, other = {}, notes = {}, index = {},
    hparams = {rows = {}, names = {}, metrics = {}}}
end

---Write a block of text that the page looks up by id.
local function block(page, kind, content)
  page.blocks = page.blocks + 1
  local id = "b" .. page.blocks
  assert(page.out:write('<script type="', kind, '" id="', id, '">', content, "</script>\n"))
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
    if h[list .. name] then return end
    h[list .. name] = true
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
  if not handle then return message end
  while true do
    local point, failure = handle:next(WANTED)
    if not point then
      handle:close()
      return failure
    end
    ADD[point.kind](page, point, run)
  end
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
  if not handle then return message end
  local ok
  ok, message = handle:load()
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
      table.insert(page.notes, ("%s: at byte %d: %s"):format(file.path, damage.offset, damage.reason))
    end
  end
  handle:close()
  return not ok and message or nil
end

---A metric's value is the last scalar of its tag in the run.
local function fill_metrics(page)
  for _, row in ipairs(page.hparams.rows) do
    for _, name in ipairs(page.hparams.metrics) do
      row.metrics[name] = page.index["last\0" .. row.run .. "\0" .. name]
    end
  end
end

local MOST_STARS, LONGEST_TAG = 3, 1000

---A layout's tags are regular expressions to viewers. Those of characters, escapes, `.` and `.*` are understood here:
---the Lua pattern for a whole tag, nil for others, so that no file can make matching take for ever.
local function lua_pattern(expression)
  local plain = expression:gsub("\\%W", ""):gsub("%.%*", "") -- what is neither escaped nor ".*"
  local stars = select(2, expression:gsub("%.%*", ""))
  if plain:find("[%^%$%*%+%?%(%)%[%]{}|\\]") or stars > MOST_STARS then return nil end
  local out = expression:gsub("(\\?)(.)(%*?)", function(escape, c, star)
    if escape == "" and c == "." then return "." .. star end
    return c:gsub("%W", "%%%0") .. star
  end)
  return "^" .. out .. "$"
end

---The scalar tags that a name in a layout means: the tag of that name, or those that it matches.
local function tags_of(page, name)
  if page.index["scalar\0" .. name] then return {name} end
  local pattern, out = lua_pattern(name), {}
  for _, scalar in ipairs(pattern and page.scalars or {}) do
    if #scalar.tag <= LONGEST_TAG and scalar.tag:find(pattern) then out[#out + 1] = scalar.tag end
  end
  return out
end

---Charts of layouts with the names of tags that are there.
local function charts(page)
  local out = {}
  for _, chart in ipairs(page.layouts) do
    local tags = {}
    for _, name in ipairs(chart.tags) do
      for _, tag in ipairs(tags_of(page, name)) do tags[#tags + 1] = tag end
    end
    local title = chart.category ~= "" and chart.category .. " / " .. chart.title or chart.title
    out[#out + 1] = {tag = title, lines = #tags > 0 and tags or text.EMPTY_LIST,
      margins = #chart.margins > 0 and chart.margins or text.EMPTY_LIST}
  end
  return #out > 0 and out or text.EMPTY_LIST
end

local function by_tag(a, b)
  if a.tag ~= b.tag then return a.tag < b.tag end
  return (a.run or 0) < (b.run or 0)
end

local LISTS = {"runs", "scalars", "images", "texts", "histograms", "pr_curves", "audio", "graphs", "other", "notes"}

local function page_data(page)
  local data = {hparams = {}}
  for _, list in ipairs(LISTS) do
    if list ~= "runs" and list ~= "notes" then table.sort(page[list], by_tag) end
    data[list] = #page[list] > 0 and page[list] or text.EMPTY_LIST
  end
  data.charts = charts(page)
  for _, entry_of in ipairs(page.pr_curves) do entry_of.by_run = nil end
  for _, list in ipairs{"rows", "names", "metrics"} do
    data.hparams[list] = #page.hparams[list] > 0 and page.hparams[list] or text.EMPTY_LIST
  end
  return data
end

-- ---- the page ----------------------------------------------------------------------------------------------------

local HEAD = [[
<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'nonce-%s';]]
  .. [[ style-src 'unsafe-inline'; img-src data:; media-src data:; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>%s</title>
<style>%s</style></head><body>
<header><div class="top"><h1>%s</h1></div></header>
<div class="layout"><aside><details class="stick" open><summary>Settings and runs</summary></details></aside>
<main></main></div>
<footer>Made by helios %s on %s from %d %s.</footer>
]]

local function load_assets()
  local assets = {}
  for _, name in ipairs{"dygraph.min.css", "page.css", "dygraph.min.js", "page.js"} do
    local bytes, message = asset(name)
    if not bytes then return nil, message end
    assets[name] = bytes
  end
  local message
  assets.nonce, message = nonce()
  return assets.nonce and assets, message
end

local function write_page(out, runs, title, assets)
  local page, status = new_page(out), 0
  local style = assets["dygraph.min.css"] .. assets["page.css"]
  local made = {native.version, os.date("%Y-%m-%d %H:%M"), #runs, #runs == 1 and "run" or "runs"}
  local heading = escape_html(title)
  assert(out:write(HEAD:format(assets.nonce, heading, style, heading, table.unpack(made))))
  for i, run in ipairs(runs) do
    page.runs[i] = run.name == "." and title or run.name
    for _, add in ipairs{add_scalars, add_points} do
      local message = add(page, run.path, i - 1)
      if message then
        status = common.fail(message)
        table.insert(page.notes, message)
      end
    end
  end
  fill_metrics(page)
  assert(out:write('<script type="application/json" id="data">', page_json(page_data(page)), "</script>\n"))
  for _, name in ipairs{"dygraph.min.js", "page.js"} do
    assert(out:write('<script nonce="', assets.nonce, '">', assets[name], "</script>\n"))
  end
  assert(out:write("</body></html>\n"))
  for _, note in ipairs(page.notes) do status = common.fail(note) end
  return status
end

---Written beside its place and then moved there: a page that failed half-way replaces nothing.
local function write_safely(path, write)
  local temporary = path .. ".part"
  local out, message = io.open(temporary, "wb")
  if not out then return nil, message end
  local ok, status = pcall(write, out)
  local closed, why = out:close()
  if ok and closed then
    closed, why = os.rename(temporary, path)
    if closed then return status end
  end
  os.remove(temporary)
  return nil, path .. ": " .. tostring(ok and why or status)
end

function M.run(arguments)
  local runs, status = common.find_runs(arguments.path)
  if #runs == 0 then return status end
  local assets, message = load_assets()
  if not assets then return common.fail(message) end
  local title = arguments.title or arguments.path[1]:match("([^/]+)/*$") or "runs"
  local written
  written, message = write_safely(arguments.output, function(out) return write_page(out, runs, title, assets) end)
  if not written then return common.fail(message) end
  local file = io.open(arguments.output, "rb")
  local size = file and file:seek("end") or 0
  if file then file:close() end
  io.write(("%s: %d %s, %s\n"):format(text.escape(arguments.output), #runs, #runs == 1 and "run" or "runs",
    text.bytes(size)))
  return math.max(status, written)
end

return M

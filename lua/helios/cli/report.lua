---`helios report`: one self-contained HTML page of runs, which opens from disk with no network.
---
---The page is written as the runs are read: media go straight from their files into blocks of the page that are not
---looked at before they are shown. Nothing in a run becomes markup: texts travel as JSON in which no `<` occurs, media
---as base64, and the page's policy runs the one script that carries this page's nonce.
local common = require "helios.cli.common"
local collect = require "helios.cli.report.collect"
local native = require "helios.native"
local text = require "helios.cli.text"

local core = native.reader

local M = {}

function M.describe(command)
  command:argument("path", "Run folders, folders of runs, or event files."):args("+")
  command:option("-o --output", "The page to write."):argname("FILE"):default("report.html")
  command:option("--title", "The page's heading."):argname("TEXT")
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

local STYLES = {"dygraph.min.css", "page.css"}
local CHARTS = {"dygraph.min.js"}
-- One script, each file of which sees what is in those before it.
local SCRIPTS = {"tools.js", "scalars.js", "markdown.js", "media.js", "histograms.js", "pr_curves.js", "hparams.js",
  "graphs.js", "page.js"}

local function load_all(names)
  local out = {}
  for i, name in ipairs(names) do
    local message
    out[i], message = asset(name)
    if not out[i] then return nil, message end
  end
  return table.concat(out, "\n")
end

---@return {nonce: string, style: string, charts: string, script: string}?
---@return string? message
local function load_assets()
  local assets = {}
  local message
  assets.nonce, message = nonce()
  if assets.nonce then assets.style, message = load_all(STYLES) end
  if assets.style then assets.charts, message = load_all(CHARTS) end
  if assets.charts then assets.script, message = load_all(SCRIPTS) end
  if not assets.script then return nil, message end
  assets.script = '"use strict";\n(() => {\n' .. assets.script .. "})();"
  return assets
end

local function write_page(out, runs, title, assets)
  local page = collect.new(out)
  local made = {native.version, os.date("%Y-%m-%d %H:%M"), #runs, #runs == 1 and "run" or "runs"}
  local heading = escape_html(title)
  collect.put(out, HEAD:format(assets.nonce, heading, assets.style, heading, table.unpack(made)))
  for _, run in ipairs(runs) do collect.add_run(page, run.name == "." and title or run.name, run.path) end
  collect.put(out, '<script type="application/json" id="data">', collect.data(page), "</script>\n")
  for _, script in ipairs{assets.charts, assets.script} do
    collect.put(out, '<script nonce="', assets.nonce, '">', script, "</script>\n")
  end
  collect.put(out, "</body></html>\n")
  return #page.notes > 0 and 1 or 0
end

---Written beside its place and then moved there: a page that failed half-way replaces nothing, and no page takes the
---place of a pipe, of /dev/null, or of a link such as /dev/stdout.
local function write_safely(path, write)
  path = native.fs.follow(path) or path
  local is_device = native.fs.is_file(path) == false and not native.fs.is_folder(path)
  local temporary = is_device and path or path .. ".part"
  local out, message = io.open(temporary, "wb")
  if not out then return nil, message end
  local ok, status = pcall(write, out)
  local closed, why = out:close()
  if ok and closed then
    if is_device then return status end
    closed, why = os.rename(temporary, path)
    if closed then return status end
  end
  if not is_device then os.remove(temporary) end
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

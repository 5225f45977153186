-- report.lua RESULTS README VERSIONS - turn the measured lines into a table, print it, and put it into the README
-- between its two marks, with the conditions it was measured under.

local results_path, readme_path, versions = arg[1], arg[2], arg[3]

---One row of the table. The budget is what ours may cost at most: nanoseconds, bytes of memory, or a count.
local ROWS <const> = {
  {"`add_scalar` from C: the call", "add_scalar", ours = "c", budget = 120},
  {"... and all CPU until it is in the file", "add_scalar", ours = "c", cpu = true, budget = 120},
  {"... one of 101 open writers", "add_scalar_of_hundred", ours = "c", budget = 120},
  {"... a hundred writers in turn", "add_scalar_in_turn", ours = "c"},
  {"... after 4.8 million others", "add_scalar_later", ours = "c", budget = 120},
  {"`add_scalar` from Lua", "add_scalar", ours = "lua", budget = 220},
  {"`info` from C, plain text", "info_plain", ours = "c", budget = 150},
  {"... and all CPU", "info_plain", ours = "c", cpu = true, budget = 150},
  {"`info` from C, formatting an int and a double", "info", ours = "c"},
  {"`info` from Lua, plain text", "info_plain", ours = "lua", budget = 350},
  {"`info` from Lua, formatting the same", "info", ours = "lua"},
  {"`add_text`, 60 characters, from C", "add_text", ours = "c", budget = 200},
  {"... from Lua", "add_text", ours = "lua"},
  {"`add_histogram`, 1e6 float32", "add_histogram", ours = "c", cpu = true, budget = 5e6},
  {"`add_pr_curve`, 1e6 float32", "add_pr_curve", ours = "c", cpu = true, budget = 3e6},
  {"`add_image` 3x256x256 uint8: the call", "add_image_small", ours = "c", budget = 1e5},
  {"... in a burst of 20", "add_image_small", ours = "burst"},
  {"... and all CPU", "add_image_small", ours = "burst", cpu = true, budget = 2.5e6},
  {"`add_image` 3x1080x1920 photograph: the call", "add_image_photo", ours = "c", budget = 1e6},
  {"... from Lua", "add_image_photo", ours = "lua", budget = 1e6},
  {"... in a burst of 4", "add_image_photo", ours = "burst"},
  {"... and all CPU", "add_image_photo", ours = "burst", cpu = true, budget = 7e7},
  {"`add_hparams`, 5 + 2, from C", "add_hparams", ours = "c", budget = 1e4},
  {"... from Lua", "add_hparams", ours = "lua"},
  {"read a million scalars, checksums checked", "read_scalars", ours = "c", budget = 1e8},
  {"read 1 GB of images, checksums checked", "read_images", ours = "c", budget = 2.4e8},
  {"a program with a writer, start to end, beyond bare Lua", "start", ours = "lua", extra = true, budget = 3e6},
  {"its memory, beyond bare Lua", "start", ours = "lua", cpu = true, extra = true, unit = "bytes", budget = 2 * 2 ^ 20},
  {"lost of 50 events acknowledged, then SIGKILL", "killed_events", ours = "c", unit = "count", budget = 0},
  {"lost of 50 lines acknowledged, then SIGKILL", "killed_lines", ours = "c", unit = "count", budget = 0},
}

---Peers without a column of their own.
local OTHERS <const> = {
  {"logging", "Python's logging"}, {"spdlog", "spdlog"}, {"spdlog_async", "spdlog, async"}, {"numpy", "numpy"},
  {"Pillow", "Pillow"}, {"loader", "EventAccumulator"}, {"server", "data server"}, {"tbparse", "tbparse"},
}

---Rows of one kind whose peers were measured under another.
local PEERS_OF <const> = {read_scalars = "load_scalars", read_images = "load_images"}

---Reading, from the start of the command to its end, beside what others take to load the same.
local READING <const> = {
  {"`helios ls` of a million scalars", "ls_scalars", "load_scalars"},
  {"`helios export` of the same to CSV", "export_scalars", "load_scalars"},
  {"`helios ls` of 1 GB of images", "ls_images", "load_images"},
  {"`helios export` of the same as files", "export_images", "load_images"},
}

local function read_results(path)
  local results = {}
  for line in io.lines(path) do
    local kind, who, call, cpu = line:match("^(%S+)\t(%S+)\t(%S+)\t(%S+)$")
    results[kind] = results[kind] or {}
    results[kind][who] = {call = tonumber(call), cpu = tonumber(cpu)}
  end
  return results
end

local function as_time(ns)
  if ns < 1e3 then return ("%.0f ns"):format(ns) end
  if ns < 1e6 then return ("%.3g us"):format(ns / 1e3) end
  if ns < 1e9 then return ("%.3g ms"):format(ns / 1e6) end
  return ("%.3g s"):format(ns / 1e9)
end

local function as_size(bytes) return ("%.3g MiB"):format(bytes / 2 ^ 20) end

local SHOW <const> = {bytes = as_size, count = function(n) return ("%d"):format(n) end}

---What a peer took, and how many times ours.
local function beside(show, theirs, ours)
  return ours > 0 and ("%s (%.3gx)"):format(show(theirs), theirs / ours) or show(theirs)
end

---The cells of one row, or nil when it was not measured.
local function row_cells(row, results)
  local measured, peers = results[row[2]], results[PEERS_OF[row[2]] or row[2]] or {}
  if not measured or not measured[row.ours] then return nil end
  local field, show = row.cpu and "cpu" or "call", SHOW[row.unit] or as_time
  local base = row.extra and measured.bare[field] or 0
  local ours = measured[row.ours][field] - base
  local function cell(who) return peers[who] and beside(show, peers[who][field] - base, ours) end
  local others = {}
  for _, other in ipairs(OTHERS) do others[#others + 1] = cell(other[1]) and other[2] .. " " .. cell(other[1]) end
  local ratio = row.budget and row.budget > 0 and ("%.2f"):format(ours / row.budget) or ""
  return {row[1], measured.bare and show(measured.bare[field]) or "", show(ours), row.budget and show(row.budget) or "",
    ratio, cell("torch") or "", cell("tensorboardX") or "", table.concat(others, "; ")}
end

local function first_line_matching(path, pattern)
  for line in io.lines(path) do
    local found = line:match(pattern)
    if found then return found end
  end
  return "unknown"
end

local function output_of(command)
  local pipe <close> = assert(io.popen(command))
  return pipe:read("l") or "unknown"
end

local function conditions()
  return ("Measured %s on %s, %s cores (load %s when done), Linux %s; %s; %s; %s; %s."):format(
    os.date("!%Y-%m-%d"), first_line_matching("/proc/cpuinfo", "^model name%s*:%s*(.*)"), output_of("nproc"),
    first_line_matching("/proc/loadavg", "^(%S+)"), output_of("uname -r"), output_of("${CC:-cc} --version"), _VERSION,
    versions, "commit " .. output_of("git rev-parse --short HEAD"))
end

local function figures(results)
  local lines = {
    conditions(), "",
    "| work | bare work | ours | budget | ours / budget | torch | tensorboardX | others |",
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
  }
  for _, row in ipairs(ROWS) do
    local cells = row_cells(row, results)
    if cells then lines[#lines + 1] = "| " .. table.concat(cells, " | ") .. " |" end
  end
  return table.concat(lines, "\n")
end

local function reading(results)
  local lines = {
    conditions(), "",
    "| work | ours | TensorBoard's Python loader | its data server | tbparse |",
    "| --- | ---: | ---: | ---: | ---: |",
  }
  for _, row in ipairs(READING) do
    local ours, cells = results[row[2]].helios.call, {}
    for i, who in ipairs{"loader", "server", "tbparse"} do
      local peer = (results[row[3]] or {})[who]
      cells[i] = peer and ("%s (%.3gx)"):format(as_time(peer.call), peer.call / ours) or ""
    end
    lines[#lines + 1] = ("| %s | %s | %s |"):format(row[1], as_time(ours), table.concat(cells, " | "))
  end
  return table.concat(lines, "\n")
end

local function put_between_marks(path, name, text)
  print(text)
  local file <close> = assert(io.open(path))
  local before, after = file:read("a"):match(
    ("^(.*<!%%-%%- %s %%-%%->\n).*(<!%%-%%- end of %s %%-%%->.*)$"):format(name, name))
  assert(before, path .. " lacks its marks")
  local out <close> = assert(io.open(path, "w"))
  out:write(before, text, "\n", after)
end

local results = read_results(results_path)
if results.add_scalar then put_between_marks(readme_path, "figures", figures(results)) end -- else: reading alone
put_between_marks(readme_path, "reading", reading(results))

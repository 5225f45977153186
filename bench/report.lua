-- report.lua RESULTS README VERSIONS - turn the measured lines into a table, print it, and put it into the README
-- between its two marks, with the conditions it was measured under.

local results_path, readme_path, versions = arg[1], arg[2], arg[3]

---One row of the table. The budget is what ours may cost at most, in nanoseconds (bytes for memory).
local ROWS <const> = {
  {"`add_scalar` from C: the call", "add_scalar", ours = "c", budget = 120},
  {"... and all CPU until it is in the file", "add_scalar", ours = "c", cpu = true, budget = 120},
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
  {"... and all CPU", "add_image_small", ours = "c", cpu = true, budget = 2.5e6},
  {"`add_image` 3x1080x1920 photograph: the call", "add_image_photo", ours = "c", budget = 1e6},
  {"... and all CPU", "add_image_photo", ours = "c", cpu = true, budget = 7e7},
  {"... the call from Lua", "add_image_photo", ours = "lua", budget = 1e6},
  {"`add_hparams`, 5 + 2, from C", "add_hparams", ours = "c", budget = 1e4},
  {"... from Lua", "add_hparams", ours = "lua"},
  {"read a million scalars, checksums checked", "read_scalars", ours = "c", budget = 1e8},
  {"read 1 GB of images, checksums checked", "read_images", ours = "c", budget = 2.4e8},
  {"a program with a writer, start to end, beyond bare Lua", "start", ours = "lua", extra = true, budget = 3e6},
  {"its memory, beyond bare Lua", "start", ours = "lua", cpu = true, extra = true, memory = true,
    budget = 2 * 2 ^ 20},
}

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

---The cells of one row, or nil when it was not measured.
local function row_cells(row, results)
  local measured = results[row[2]]
  if not measured or not measured[row.ours] then return nil end
  local field = row.cpu and "cpu" or "call"
  local show = row.memory and as_size or as_time
  local base = row.extra and measured.bare[field] or 0
  local ours = measured[row.ours][field] - base
  local cells = {row[1], measured.bare and show(measured.bare[field]) or "", show(ours)}
  cells[4] = row.budget and show(row.budget) or ""
  cells[5] = row.budget and ("%.2f"):format(ours / row.budget) or ""
  for _, who in ipairs {"torch", "tensorboardX", "other"} do
    local peer = measured[who]
    table.insert(cells, peer and ("%s (%.3gx)"):format(show(peer[field]), (peer[field] - base) / ours) or "")
  end
  return cells
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
    "| work | bare work | ours | budget | ours / budget | torch | tensorboardX | other |",
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

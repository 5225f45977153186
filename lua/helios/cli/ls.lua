---`helios ls`: what is in a run.
local common = require "helios.cli.common"
local native = require "helios.native"
local text = require "helios.cli.text"

local core = native.reader

local M = {}

function M.describe(command)
  command:argument("path", "A run folder, a folder of runs, or an event file."):args("+")
  command:flag("--json", "Print one JSON list of runs instead of tables.")
end

---A pending file lies beside a run while its writer lives, and after it was killed.
local function has_pending(path)
  for _, name in ipairs(native.fs.is_folder(path) and native.fs.list(path) or {}) do
    if name:find("^%.helios%-.*%.pending$") then return true end
  end
  return false
end

---Read a run to its end. Files that fail on the way are told, the others still count.
local function summary(run)
  local handle, message = core.open_run(run.path)
  if not handle then return nil, common.fail(message) end
  local status = common.all_files(function() return handle:scan() end)
  local tags = {}
  for _, tag in ipairs(handle:tags()) do
    if tag.points > 0 then tags[#tags + 1] = tag end
  end
  table.sort(tags, function(a, b) return a.kind == b.kind and a.tag < b.tag or a.kind < b.kind end)
  local out = {name = run.name, path = run.path, tags = tags, files = handle:files(),
    pending = has_pending(run.path)}
  handle:close()
  return out, status
end

local function steps(tag)
  return tag.first_step == tag.last_step and tostring(tag.last_step)
    or ("%d..%d"):format(tag.first_step, tag.last_step)
end

local function print_run(run)
  local bytes, records = 0, 0
  for _, file in ipairs(run.files) do
    bytes, records = bytes + file.offset + file.cut_bytes, records + file.records
  end
  io.write(("%s  (%d %s, %d events, %s)\n"):format(text.escape(run.name == "." and run.path or run.name), #run.files,
    #run.files == 1 and "file" or "files", records, text.bytes(bytes)))
  local rows = {{"KIND", "TAG", "POINTS", "STEPS", "LAST", "TIME"}}
  for _, tag in ipairs(run.tags) do
    rows[#rows + 1] = {tag.kind, text.escape(tag.tag), tostring(tag.points), steps(tag),
      tag.last_value and text.number(tag.last_value, tag.single) or "", text.time(tag.last_time)}
  end
  if #run.tags > 0 then io.write(text.table(rows, {[3] = true, [5] = true}, "  ")) end
  for _, file in ipairs(run.files) do
    if file.cut_bytes > 0 then
      io.write(("  %s ends inside a record (%d bytes so far)\n"):format(text.escape(file.path), file.cut_bytes))
    end
  end
  if run.pending then
    io.write("  a process is writing here, or was killed: then `helios recover` brings back what it had not written\n")
  end
end

local function plain(run)
  for _, tag in ipairs(run.tags) do
    if tag.last_value and tag.single then tag.last_value = text.single(tag.last_value) end
    tag.single = nil
  end
  for _, file in ipairs(run.files) do
    if #file.damage == 0 then file.damage = text.EMPTY_LIST end
  end
  if #run.tags == 0 then run.tags = text.EMPTY_LIST end
  return run
end

function M.run(arguments)
  local runs, status = common.find_runs(arguments.path)
  local list = {}
  for i, found in ipairs(runs) do
    local run, failed = summary(found)
    status = math.max(status, failed)
    if run then
      status = math.max(status, common.tell_damage(run.files))
      if arguments.json then list[#list + 1] = plain(run)
      else
        if i > 1 then io.write("\n") end
        print_run(run)
      end
    end
  end
  if arguments.json then io.write(text.json(#list > 0 and list or text.EMPTY_LIST), "\n") end
  return status
end

return M

---`helios export`: scalars as one table, all points as JSON lines, media and text as files.
local common = require "helios.cli.common"
local native = require "helios.native"
local text = require "helios.cli.text"
local wide = require "helios.cli.wide"

local core = native.reader

local M = {}

function M.describe(command)
  command:argument("path", "A run folder, a folder of runs, or an event file."):args("+")
  command:option("--format", "What to write: csv, jsonl, png, wav or txt."):argname("FORMAT")
    :choices{"csv", "jsonl", "png", "wav", "txt"}:default("csv")
  command:option("-o --output", "A file for csv and jsonl (default: stdout), a folder for png, wav and txt.")
    :argname("PATH")
  command:option("--tag", "Only this tag."):argname("TAG")
  command:flag("--wide", "csv with a column for each tag and a row for each run and step, steps rising. Long runs take "
    .. "room for temporary files in /tmp, not memory.")
  command:epilog("Steps that a later sitting replaced are left out, as viewers do. png keeps images as they were "
    .. "logged: a GIF stays a GIF.")
end

---Call `each(handle, run)` for every run, and again behind a file that cannot be read. It gives ok, message, and the
---code of a file that failed.
local function for_runs(runs, each)
  local status = 0
  for _, run in ipairs(runs) do
    local handle, message = core.open_run(run.path)
    if not handle then status = common.fail(message)
    else
      status = math.max(status, common.all_files(function() return handle:scan() end),
        common.all_files(function() return each(handle, run) end), common.tell_damage(handle:files()))
      handle:close()
    end
  end
  return status
end

local function long_csv(runs, arguments, out)
  out:write("run,tag,step,wall_time,value\n")
  return for_runs(runs, function(handle, run)
    local ok, message = handle:write_csv(out, run.name, arguments.tag)
    return ok, message -- no code: calling again would begin anew
  end)
end

local function wide_csv(runs, arguments, out) return wide.write(runs, arguments.tag, out) end

---Call `each(point)` for all points of a run.
local function for_points(handle, kinds, tag, each)
  while true do
    local point, message, code = handle:next(kinds, tag)
    if not point then return message == nil, message, code end
    local ok, failure = each(point)
    if not ok then return nil, failure end
  end
end

local function json_lines(runs, arguments, out)
  return for_runs(runs, function(handle, run)
    return for_points(handle, nil, arguments.tag, function(point)
      return out:write(common.json_point(point, run.name))
    end)
  end)
end

local SIGNATURES = {{"\x89PNG", "png"}, {"GIF8", "gif"}, {"\xff\xd8\xff", "jpg"}, {"RIFF", "wav"}, {"OggS", "ogg"},
  {"fLaC", "flac"}, {"ID3", "mp3"}}

---What kind of file the bytes are, by how they begin.
local function extension(bytes)
  for _, signature in ipairs(SIGNATURES) do
    if bytes:sub(1, #signature[1]) == signature[1] then return signature[2] end
  end
  return "bin"
end

---The files that a point becomes: pairs of bytes and extension.
local function contents(point, format)
  local out = {}
  if format == "txt" then
    for i, s in ipairs(point.strings or {}) do out[i] = {s, "txt"} end
  else
    for i, item in ipairs(point.images or point.sounds or {}) do
      out[i] = {item.encoded, extension(item.encoded)}
    end
  end
  return out
end

local function write_file(path, bytes)
  local file, message = io.open(path, "wb")
  if not file then return nil, message end
  local ok
  ok, message = file:write(bytes)
  local closed, why = file:close()
  if not ok or not closed then return nil, path .. ": " .. tostring(message or why) end
  return true
end

---One point's files in `folder`, named by step and number.
local function save(point, format, folder, name, index)
  local ok, message = native.fs.make_dirs(folder)
  if not ok then return nil, message end
  local items = contents(point, format)
  for i, item in ipairs(items) do
    local number = #items > 1 and ("_%d"):format(i) or ""
    local file_name = ("%09d%s.%s"):format(point.step, number, item[2])
    ok, message = write_file(folder .. "/" .. file_name, item[1])
    if not ok then return nil, message end
    index:write(("%s,%s,%d,%s,%s\n"):format(common.csv_field(name), common.csv_field(point.tag), point.step,
      text.number(point.wall_time), common.csv_field(folder .. "/" .. file_name)))
  end
  return true
end

local INDEX = "index.csv"

---The folder of a run or tag; none has the name of the index.
local function folder_name(s) return (text.file_name(s):gsub("^index%.csv$", "index%%2Ecsv")) end

local MEDIA = {png = "image", wav = "audio", txt = "text"}

local function media(runs, arguments)
  local root = arguments.output
  local ok, message = native.fs.make_dirs(root)
  if not ok then return common.fail(message) end
  local index
  index, message = io.open(root .. "/" .. INDEX, "wb")
  if not index then return common.fail(message) end
  index:write("run,tag,step,wall_time,file\n")
  local kinds = {[MEDIA[arguments.format]] = true}
  local status = for_runs(runs, function(handle, run)
    local folder = root .. (run.name == "." and "" or "/" .. folder_name(run.name))
    return for_points(handle, kinds, arguments.tag, function(point)
      return save(point, arguments.format, folder .. "/" .. folder_name(point.tag), run.name, index)
    end)
  end)
  if not index:close() then return common.fail(root .. "/" .. INDEX .. ": cannot write") end
  return status
end

---Write a table, and say so when the disk or pipe would not take it.
local function to_output(arguments, write)
  local out = io.stdout
  if arguments.output then
    local message
    out, message = io.open(arguments.output, "wb")
    if not out then return common.fail(message) end
  end
  local status = write(out)
  local ok, message = out:flush()
  if arguments.output and ok then ok, message = out:close() end
  if not ok then return common.fail((arguments.output or "stdout") .. ": " .. message) end
  return status
end

function M.run(arguments)
  local format = arguments.format
  if MEDIA[format] and not arguments.output then
    return math.max(2, common.fail("--format " .. format .. " writes many files: say where with --output FOLDER"))
  end
  local runs, status = common.find_runs(arguments.path)
  if #runs == 0 then return status end
  if MEDIA[format] then return math.max(status, media(runs, arguments)) end
  local writer = format == "jsonl" and json_lines or arguments.wide and wide_csv or long_csv
  return math.max(status, to_output(arguments, function(out) return writer(runs, arguments, out) end))
end

return M

---`helios cat`: events as JSON lines, nothing left out that viewers would leave out.
local common = require "helios.cli.common"
local native = require "helios.native"
local text = require "helios.cli.text"

local core = native.reader

local M = {}

function M.describe(command)
  command:argument("path", "An event file, or a run folder.")
  command:option("--tag", "Only values of this tag; may be given again."):count("*")
  command:option("--kind", "Only values of this kind; may be given again."):count("*"):choices(common.KINDS)
  command:option("--steps", "Only these steps, FIRST:LAST; either may be left out."):convert(common.step_range)
  command:flag("--data", "Images and sounds as base64.")
  command:flag("-f --follow", "Go on as the files grow, until interrupted.")
end

local function filter_of(arguments)
  local tags, kinds = common.set_of(arguments.tag), common.set_of(arguments.kind)
  local steps = arguments.steps
  return function(point)
    if tags and not tags[point.tag] or kinds and not kinds[point.kind] then return false end
    return not steps or point.step >= steps[1] and point.step <= steps[2]
  end, tags == nil and kinds == nil and steps == nil
end

---Events that hold no values, such as the first of a file.
local function plain_event(event)
  return {kind = event.kind, step = event.step, wall_time = event.wall_time, file_version = event.file_version,
    source = event.source, session_status = event.session_status}
end

local function print_event(event, wanted, all, with_data)
  for _, point in ipairs(event.points) do
    if wanted(point) then io.write(common.json_point(point, nil, with_data)) end
  end
  if all and #event.points == 0 then io.write(text.json(plain_event(event)), "\n") end
end

---The event files of a path that are not in `files` yet.
local function add_files(path, files)
  local names = native.fs.is_folder(path) and native.fs.list(path) or {""}
  table.sort(names)
  for _, name in ipairs(names) do
    local full = name == "" and path or path .. "/" .. name
    if not files[full] and (name == "" or name:find("tfevents", 1, true)) then
      local reader, message = core.open_file(full)
      files[full] = true
      if reader then files[#files + 1] = reader else return common.fail(message) end
    end
  end
  return 0
end

local function drain(reader, print_one)
  while true do
    local event, message, code = reader:next()
    if event then print_one(event)
    else return message and code ~= "EFORMAT" and common.fail(message) or 0 end
  end
end

function M.run(arguments)
  local wanted, all = filter_of(arguments)
  local function print_one(event) print_event(event, wanted, all, arguments.data) end
  local files = {}
  local status = add_files(arguments.path, files)
  if #files == 0 and status == 0 then
    return common.fail(arguments.path .. ": no event files (names with \"tfevents\") in this folder")
  end
  repeat
    for _, reader in ipairs(files) do status = math.max(status, drain(reader, print_one)) end
    if arguments.follow then
      io.stdout:flush()
      native.tty.sleep(0.5)
      add_files(arguments.path, files)
    end
  until not arguments.follow
  local states = {}
  for i, reader in ipairs(files) do states[i] = reader:stats() end
  return math.max(status, common.tell_damage(states))
end

return M

---`helios cat`: events as JSON lines, nothing left out that viewers would leave out.
local common = require "helios.cli.common"
local native = require "helios.native"
local text = require "helios.cli.text"

local core = native.reader

local M = {}

function M.describe(command)
  command:argument("path", "An event file, or a run folder.")
  command:option("--tag", "Only values of this tag; may be given again."):argname("TAG"):count("*")
  command:option("--kind", "Only values of this kind; may be given again: " .. table.concat(common.KINDS, ", ") .. ".")
    :argname("KIND"):count("*"):choices(common.KINDS)
  command:option("--steps", "Only these steps; either may be left out."):argname("FIRST:LAST")
    :convert(common.step_range)
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

---Open the event files of a path that are not in `files` yet.
local function add_files(path, files)
  local status = 0
  for _, name in ipairs(common.event_files(path) or {}) do
    if not files[name] then
      local reader, message = core.open_file(name)
      files[name] = true
      if reader then files[#files + 1] = reader else status = common.fail(message) end
    end
  end
  return status
end

local function drain(reader, print_one)
  while true do
    local event, message, code = reader:next()
    if event then print_one(event)
    else return message and code ~= "EFORMAT" and common.fail(message) or 0 end
  end
end

---All that is in the files now, and what is damaged in it.
local function drain_all(files, print_one)
  local status, states = 0, {}
  for i, reader in ipairs(files) do
    status = math.max(status, drain(reader, print_one))
    states[i] = reader:stats()
  end
  return math.max(status, common.tell_damage(states))
end

function M.run(arguments)
  local wanted, all = filter_of(arguments)
  local function print_one(event) print_event(event, wanted, all, arguments.data) end
  local names, message = common.event_files(arguments.path)
  if not names then return common.fail(message) end
  local files = {}
  local status = add_files(arguments.path, files)
  if #files == 0 then return status end
  status = math.max(status, drain_all(files, print_one))
  while arguments.follow and io.stdout:flush() do
    native.tty.sleep(0.5)
    add_files(arguments.path, files)
    drain_all(files, print_one)
  end
  return status
end

return M

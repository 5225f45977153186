local child = require "spec.support.child"
local events = require "spec.support.events"
local logging = require "helios.core.logging"
local tmp = require "spec.support.tmp"

local STAMP = "%[%d%d%d%d%-%d%d%-%d%d %d%d:%d%d:%d%d,%d%d%d%]"
local NAME = "_%u%l%l%d%d_%d%d%-%d%d%-%d%d"

local function text_of(path)
  return (tmp.read(path):gsub(STAMP, "TIME"))
end

local function fails(message, f, ...)
  local ok, err = pcall(f, ...)
  assert.is_false(ok)
  assert.equal(message, (tostring(err):gsub("^[^:]+:%d+: ", "")))
end

describe("the default loggers", function()
  local dir

  before_each(function() dir = tmp.dir() end)
  after_each(function() logging.close_default_loggers() end)

  local function log_run()
    logging.get_root_logger():info("hello")
    logging.get_tensorboard_writer():add_scalar("loss", 0.5, 3)
  end

  describe("get_default_log_name", function()
    it("is the run's name with the local time", function()
      local function expected() return "digits" .. os.date("_%b%d_%H-%M-%S") end -- specs run in the C locale
      local before = expected()
      local name = logging.get_default_log_name("digits")
      assert.is_true(name == before or name == expected())
      assert.matches("^a/b c" .. NAME .. "$", logging.get_default_log_name("a/b c"))
    end)

    it("names months in English, whatever the locale", function()
      local result = child.run[[
        for _, locale in ipairs{"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "C.UTF-8"} do
          if os.setlocale(locale) then break end
        end
        local date = os.date
        local months = {}
        for month = 1, 12 do
          os.date = function(format) return date(format, os.time{year = 2026, month = month, day = 5, hour = 12}) end
          months[month] = require("helios.core.logging").get_default_log_name("x"):match("_(%a+)05_")
        end
        print(table.concat(months, " "))]]
      assert.equal("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec\n", result.out)
    end)
  end)

  it("do not exist until created", function()
    assert.is_false(logging.is_root_logger_active())
    assert.is_nil(logging.get_tensorboard_writer())
    fails("get_root_logger: root logger has not been created; call create_default_loggers first",
          logging.get_root_logger)
    fails("restore_default_loggers: root logger has not been created; call create_default_loggers first",
          logging.restore_default_loggers, dir .. "/x.log", dir)
    fails("setup_default_loggers: root logger has not been created; call create_default_loggers first",
          logging.setup_default_loggers, "x", dir, dir)
    assert.same({}, tmp.files(dir))
    assert.is_true(logging.flush_default_loggers())
    assert.is_true(logging.close_default_loggers())
  end)

  it("are created once, tied to no file", function()
    logging.create_default_loggers()
    local root, writer = logging.get_root_logger(), logging.get_tensorboard_writer()
    assert.is_true(logging.is_root_logger_active())
    assert.is_nil(root.log_file)
    assert.is_nil(writer.run_path)
    log_run()
    logging.create_default_loggers()
    assert.equal(root, logging.get_root_logger())
    assert.equal(writer, logging.get_tensorboard_writer())
  end)

  it("come without a writer when TensorBoard is disabled, which a later call adds", function()
    for _, disabled in ipairs{{false}, {{enable_tensorboard = false}}} do
      logging.create_default_loggers(disabled[1])
      assert.is_true(logging.is_root_logger_active())
      assert.is_nil(logging.get_tensorboard_writer())
      logging.restore_default_loggers(nil, dir .. "/run")
      assert.same({}, tmp.files(dir))
      logging.create_default_loggers{enable_tensorboard = true}
      assert.is_not_nil(logging.get_tensorboard_writer())
      logging.close_default_loggers()
    end
  end)

  describe("setup_default_loggers", function()
    it("names log and run alike, making their folders", function()
      logging.create_default_loggers()
      logging.setup_default_loggers("digits", dir .. "/logs/", dir .. "/runs")
      local root, writer = logging.get_root_logger(), logging.get_tensorboard_writer()
      local name = root.log_file:match("^" .. dir:gsub("%p", "%%%0") .. "/logs/(.*)%.log$")
      assert.matches("^digits" .. NAME .. "$", name)
      assert.equal(dir .. "/runs/" .. name, writer.run_path)
      log_run()
      assert.is_true(logging.flush_default_loggers())
      assert.equal("TIME [INFO]: hello\n", text_of(root.log_file))
      assert.same({{tag = "loss", step = 3, value = 0.5}}, events.scalars(writer.run_path))
      assert.is_true(logging.close_default_loggers())
      assert.equal(2, #tmp.files(dir)) -- the log and one event file: nothing pending stays behind
    end)

    it("leaves a logger without a root alone", function()
      logging.create_default_loggers()
      logging.setup_default_loggers("digits", {runs_root = dir .. "/runs"})
      assert.is_nil(logging.get_root_logger().log_file)
      assert.is_not_nil(logging.get_tensorboard_writer().run_path)
      logging.close_default_loggers()
      logging.create_default_loggers()
      logging.setup_default_loggers("digits", dir)
      assert.is_nil(logging.get_tensorboard_writer().run_path)
      assert.is_not_nil(logging.get_root_logger().log_file)
      logging.close_default_loggers()
      logging.create_default_loggers()
      logging.setup_default_loggers("digits")
      assert.is_nil(logging.get_root_logger().log_file)
    end)
  end)

  describe("restore_default_loggers", function()
    local log_path, run_path

    before_each(function()
      log_path, run_path = dir .. "/a.log", dir .. "/a"
      logging.create_default_loggers()
    end)

    it("appends to what is there", function()
      for _ = 1, 2 do
        logging.create_default_loggers()
        logging.restore_default_loggers(log_path, run_path)
        log_run()
        logging.close_default_loggers()
      end
      assert.equal("TIME [INFO]: hello\nTIME [INFO]: hello\n", text_of(log_path))
      assert.equal(2, #events.scalars(run_path))
      assert.equal(3, #tmp.files(dir))
    end)

    it("takes names, and purge_step either way", function()
      local function steps_purged()
        local found = {}
        for _, event in ipairs(events.run(run_path)) do
          if event.session_log then found[#found + 1] = event.step end
        end
        return found
      end
      logging.restore_default_loggers(log_path, run_path, {purge_step = 7})
      log_run()
      logging.flush_default_loggers()
      assert.same({7}, steps_purged())
      logging.restore_default_loggers{log_path = log_path, run_path = run_path, purge_step = 8}
      log_run()
      logging.restore_default_loggers{run_path = run_path, opts = {purge_step = 9}}
      log_run()
      logging.close_default_loggers()
      assert.same({7, 8, 9}, steps_purged())
    end)

    it("leaves the log where it was when an argument is wrong", function()
      logging.restore_default_loggers(log_path)
      fails("restore_default_loggers: unknown option 'step'", logging.restore_default_loggers, dir .. "/b.log",
            run_path, {step = 1})
      fails("restore_default_loggers: argument 'run_path': must not be empty", logging.restore_default_loggers,
            dir .. "/b.log", "")
      assert.equal(log_path, logging.get_root_logger().log_file)
      logging.close_default_loggers()
      assert.same({"a.log"}, tmp.files(dir))
    end)

    it("raises for what cannot be opened, in the caller's name", function()
      tmp.write(dir .. "/file", "")
      local ok, message = pcall(function() logging.restore_default_loggers(dir .. "/file/x.log") end)
      assert.is_false(ok)
      assert.matches("^[^:]*logging_spec.lua:%d+: restore_default_loggers: .*/file: cannot make the folder: "
        .. "Not a directory$", message)
      assert.is_false(pcall(logging.restore_default_loggers, nil, dir .. "/file"))
      assert.same({"file"}, tmp.files(dir))
    end)
  end)

  it("are forgotten by close, twice too", function()
    logging.create_default_loggers()
    logging.restore_default_loggers(dir .. "/a.log", dir .. "/a")
    local root, writer = logging.get_root_logger(), logging.get_tensorboard_writer()
    log_run()
    assert.is_true(logging.close_default_loggers())
    assert.is_true(logging.close_default_loggers())
    assert.is_false(logging.is_root_logger_active())
    assert.is_nil(logging.get_tensorboard_writer())
    root:info("nobody hears it")
    fails("add_scalar: writer is closed", writer.add_scalar, writer, "loss", 1, 1)
    logging.create_default_loggers()
    logging.restore_default_loggers(dir .. "/b.log")
    logging.get_root_logger():info("new")
    logging.close_default_loggers()
    assert.equal("TIME [INFO]: hello\n", text_of(dir .. "/a.log"))
    assert.equal("TIME [INFO]: new\n", text_of(dir .. "/b.log"))
  end)

  it("tell a full disk from flush and close, and close all the same", function()
    local result = child.run(([[
      local logging = require "helios.core.logging"
      logging.create_default_loggers()
      logging.restore_default_loggers("/dev/full", %q)
      logging.get_root_logger():info("lost")
      logging.get_tensorboard_writer():add_scalar("loss", 1, 1)
      print(logging.flush_default_loggers())
      print((logging.close_default_loggers()))
      print(logging.is_root_logger_active(), logging.close_default_loggers())]]):format(dir))
    assert.matches("^nil\t/dev/full: [^\n]*No space left on device\tEIO\nnil\nfalse\ttrue\n$", result.out)
    assert.equal(1, #events.scalars(dir))
  end)

  it("raise for wrong calls, in the caller's name", function()
    fails("get_default_log_name: argument 'run_name': missing", logging.get_default_log_name)
    fails("get_default_log_name: argument 'run_name': expected a string, got 5", logging.get_default_log_name, 5)
    fails("create_default_loggers: argument 'enable_tensorboard': expected a boolean, got 1",
          logging.create_default_loggers, 1)
    fails("create_default_loggers: unknown option 'tensorboard'", logging.create_default_loggers, {tensorboard = true})
    assert.is_false(logging.is_root_logger_active())
    logging.create_default_loggers()
    fails("setup_default_loggers: argument 'run_name': missing", logging.setup_default_loggers)
    fails("setup_default_loggers: argument 'run_name': expected a string, got a table",
          logging.setup_default_loggers, {run_name = "x"})
    fails("setup_default_loggers: argument 'log_root': expected a string, got true",
          logging.setup_default_loggers, "x", true)
    fails("setup_default_loggers: argument 'runs_root': expected a string, got a table",
          logging.setup_default_loggers, "x", dir, {})
    fails("setup_default_loggers: unknown option 'root'", logging.setup_default_loggers, "x", {root = dir})
    fails("setup_default_loggers: unknown option 'run_name'", logging.setup_default_loggers, "x", {run_name = "y"})
    fails("setup_default_loggers: too many arguments", logging.setup_default_loggers, "x", {log_root = dir}, dir)
    fails("restore_default_loggers: argument 'opts': expected a table, got 5",
          logging.restore_default_loggers, nil, dir, 5)
    fails("restore_default_loggers: argument 'purge_step': expected a number, got a string",
          logging.restore_default_loggers, {run_path = dir, purge_step = "7"})
    fails("restore_default_loggers: unknown option 'step'", logging.restore_default_loggers, nil, dir, {step = 1})
    fails("restore_default_loggers: unknown option 'step'", logging.restore_default_loggers, nil, nil, {step = 1})
    fails("restore_default_loggers: unknown option 'step'", logging.restore_default_loggers, {opts = {step = 1}})
    fails("restore_default_loggers: argument 'log_path': must not be empty", logging.restore_default_loggers, "")
    fails("restore_default_loggers: argument 'run_path': must not hold NUL", logging.restore_default_loggers,
          {run_path = dir .. "/a\0b"})
    fails("setup_default_loggers: argument 'log_root': must not be empty", logging.setup_default_loggers, "x", "")
    fails("setup_default_loggers: argument 'run_name': must not hold NUL", logging.setup_default_loggers, "x\0", dir)
    local ok, message = pcall(function() logging.setup_default_loggers() end)
    assert.is_false(ok)
    assert.matches("^[^:]*logging_spec.lua:%d+: ", message)
    assert.same({}, tmp.files(dir))
  end)

  it("are closed with the state, whatever ended it", function()
    for i, ending in ipairs{"", "error('x')", "os.exit(0, true)"} do
      local result = child.run(([[
        local logging = require "helios.core.logging"
        logging.create_default_loggers()
        logging.restore_default_loggers(%q, %q)
        logging.get_root_logger():info("left open")
        logging.get_tensorboard_writer():add_scalar("loss", 0.5, 3)
        %s]]):format(dir .. i .. ".log", dir .. i, ending))
      assert.equal(ending ~= "error('x')", result.ok)
      assert.equal("TIME [INFO]: left open\n", text_of(dir .. i .. ".log"))
      assert.same({{tag = "loss", step = 3, value = 0.5}}, events.scalars(dir .. i))
      tmp.remove(dir .. i .. ".log")
      tmp.remove(dir .. i)
    end
  end)

  it("write events on rank 0 only, and errors of all ranks into one log", function()
    local script = ([[
      local logging = require "helios.core.logging"
      logging.create_default_loggers()
      logging.restore_default_loggers(%q, %q)
      logging.get_root_logger():info("i")
      logging.get_root_logger():error("e")
      logging.get_tensorboard_writer():add_scalar("loss", 0.5, 3)
      logging.close_default_loggers()]]):format(dir .. "/a.log", dir .. "/a")
    child.run(script, {RANK = "1", WORLD_SIZE = "2"})
    assert.same({"a.log"}, tmp.files(dir))
    child.run(script, {RANK = "0", WORLD_SIZE = "2"})
    assert.equal(2, #tmp.files(dir))
    assert.equal("TIME [ERROR] [rank 1]: e\nTIME [INFO]: i\nTIME [ERROR]: e\n", text_of(dir .. "/a.log"))
  end)
end)

describe("require 'helios'", function()
  local helios = require "helios"

  it("is the table of public modules, loaded when asked for", function()
    assert.equal(logging, helios.logging)
    assert.equal(logging, helios.core.logging)
    assert.equal(logging, require "helios.logging")
    assert.equal(require "helios.core.distributed", helios.core.distributed)
    assert.equal(require "helios.tensor", helios.tensor)
    assert.equal(require "helios.trainer", helios.Trainer)
    assert.equal(require("helios.data").DataLoader, helios.DataLoader)
    assert.equal(require("helios.checkpoint").find_last_checkpoint, helios.find_last_checkpoint)
    assert.is_nil(helios.nothing_of_the_kind)
    assert.is_nil(helios.core.nothing_of_the_kind)
    assert.matches("^Helios %d+%.%d+%.%d+$", helios._VERSION)
  end)

  it("shows all it has to pairs", function()
    local result = child.run[[
      local found = {}
      for name, value in pairs(require "helios") do found[#found + 1] = value and name end
      table.sort(found)
      print(table.concat(found, " "))]]
    for _, name in ipairs {"_VERSION", "core", "logging", "tensor", "figure", "Trainer", "DataLoader"} do
      assert.truthy(result.out:find(name, 1, true), name)
    end
  end)

  it("loads nothing else by itself, and makes no globals", function()
    local result = child.run[[
      local before = {}
      for name in pairs(_G) do before[name] = true end
      local helios = require "helios"
      local loaded = {}
      for name in pairs(package.loaded) do
        if name:find("^helios") then loaded[#loaded + 1] = name end
      end
      table.sort(loaded)
      print(table.concat(loaded, " "))
      assert(helios.logging and helios.core.distributed)
      for name in pairs(_G) do assert(before[name], name) end]]
    assert.same({ok = true, out = "helios helios.native\n", err = ""}, result)
  end)
end)

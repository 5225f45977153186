local child = require "spec.support.child"
local lfs = require "lfs"
local native = require "helios.native"
local RootLogger = require "helios.core.root_logger"
local tmp = require "spec.support.tmp"

local STAMP = "%[%d%d%d%d%-%d%d%-%d%d %d%d:%d%d:%d%d,%d%d%d%]"

---The records of a log with `TIME` for every stamp.
local function text_of(path)
  return (tmp.read(path):gsub(STAMP, "TIME"))
end

local function fails(message, f, ...)
  local ok, err = pcall(f, ...)
  assert.is_false(ok)
  assert.equal(message, (tostring(err):gsub("^[^:]+:%d+: ", "")))
end

describe("RootLogger", function()
  local dir, path, log, on_stderr

  before_each(function()
    dir = tmp.dir()
    path = dir .. "/run.log"
    on_stderr = {}
    native.logger.set_stderr_hook(function(line) on_stderr[#on_stderr + 1] = (line:gsub(STAMP, "TIME")) end)
    log = RootLogger()
  end)

  after_each(function()
    log:close()
    native.logger.set_stderr_hook(nil)
  end)

  local function lines()
    assert.is_true(log:flush())
    return text_of(path)
  end

  describe("line", function()
    it("has local time with milliseconds, level and message", function()
      log:setup(path)
      local before = os.time()
      log:info("hello")
      local after = os.time()
      assert.is_true(log:flush())
      local line = tmp.read(path)
      assert.matches("^" .. STAMP .. " %[INFO%]: hello\n$", line)
      local y, mo, d, h, mi, s = line:match("^%[(%d+)%-(%d+)%-(%d+) (%d+):(%d+):(%d+)")
      local time = os.time{year = y, month = mo, day = d, hour = h, min = mi, sec = s}
      assert.is_true(before <= time and time <= after)
    end)

    it("holds embedded NUL and newlines as they are", function()
      log:setup(path)
      log:info("a\0b\nc")
      log:info("")
      assert.equal("TIME [INFO]: a\0b\nc\nTIME [INFO]: \n", lines())
    end)

    it("takes numbers, and objects that say how they read", function()
      log:setup(path)
      log:info(12)
      log:info(0.5)
      log:info(setmetatable({}, {__tostring = function() return "an object" end}))
      assert.equal("TIME [INFO]: 12\nTIME [INFO]: 0.5\nTIME [INFO]: an object\n", lines())
    end)

    it("is as long as its message", function()
      log:setup(path)
      local long = ("0123456789"):rep(200000)
      log:info(long)
      log:info("next")
      assert.equal("TIME [INFO]: " .. long .. "\nTIME [INFO]: next\n", lines())
    end)
  end)

  describe("formatting", function()
    it("leaves a message alone that nothing follows", function()
      log:setup(path)
      log:info("100% of %d")
      assert.equal("TIME [INFO]: 100% of %d\n", lines())
    end)

    it("is string.format's", function()
      log:setup(path)
      log:info("%s has %d of %5.2f%%", "x", 3, 2.5)
      log:info("%s and %s", nil, true)
      log:warning("%q", "a\nb")
      assert.equal("TIME [INFO]: x has 3 of  2.50%\nTIME [INFO]: nil and true\nTIME [WARNING]: \"a\\\nb\"\n", lines())
    end)

    it("takes an object for an argument, not for options", function()
      log:setup(path)
      log:info("<%s>", setmetatable({}, {__tostring = function() return "an object" end}))
      assert.equal("TIME [INFO]: <an object>\n", lines())
    end)

    it("does not happen for a record that nobody gets", function()
      local asked = 0
      local object = setmetatable({}, {__tostring = function() asked = asked + 1 return "x" end})
      log:info("%s", object) -- no file, and stderr starts at WARNING
      log:setup(path)
      log.logger:set_level("ERROR")
      log:info("%s", object)
      log:warning("%s", object)
      assert.equal(0, asked)
      log:error("%s", object)
      assert.equal(1, asked)
    end)
  end)

  describe("levels", function()
    it("let the file have INFO and above, stderr WARNING and above", function()
      log:setup(path)
      log:info("i")
      log:warning("w")
      log:error("e")
      assert.equal("TIME [INFO]: i\nTIME [WARNING]: w\nTIME [ERROR]: e\n", lines())
      assert.same({"TIME [WARNING]: w\n", "TIME [ERROR]: e\n"}, on_stderr)
    end)

    it("are numbers or names for logger:log", function()
      log:setup(path)
      local logger = log.logger
      for _, level in ipairs{"DEBUG", 10, "info", 20, 25, "WARN", 40, "CRITICAL", "fatal"} do
        logger:log(level, "%s", level)
      end
      assert.equal("TIME [INFO]: info\nTIME [INFO]: 20\nTIME [Level 25]: 25\nTIME [WARNING]: WARN\n"
        .. "TIME [ERROR]: 40\nTIME [CRITICAL]: CRITICAL\nTIME [CRITICAL]: fatal\n", lines())
    end)

    it("can be raised and lowered, the file keeps to INFO", function()
      log:setup(path)
      assert.equal(20, log.logger.level)
      log.logger:set_level("ERROR")
      assert.equal(40, log.logger.level)
      log:warning("w")
      log.logger:set_level(10)
      assert.equal(10, log.logger.level)
      log.logger:log("DEBUG", "d")
      log:info("i")
      assert.equal("TIME [INFO]: i\n", lines())
    end)

    it("are not assigned but set", function()
      fails("level: cannot be assigned; call set_level", function() log.logger.level = 10 end)
      fails("a logger has no field 'colour'", function() log.logger.colour = 1 end)
    end)
  end)

  it("has a WARNING in the file before the call returns", function()
    log:setup(path)
    log:info("i")
    log:warning("w")
    assert.equal("TIME [INFO]: i\nTIME [WARNING]: w\n", text_of(path))
  end)

  it("has an INFO in the file soon, unasked", function()
    log:setup(path)
    log:info("i")
    local patience = os.time() + 20
    while tmp.read(path) == "" and os.time() < patience do os.execute("sleep 0.05") end
    assert.equal("TIME [INFO]: i\n", text_of(path))
  end)

  describe("options", function()
    it("extra reaches handlers beside time, level and message", function()
      local got = {}
      log.logger:add_handler(function(record) got[#got + 1] = record end)
      local before = os.time()
      log:info("m", {extra = {user = "me", n = 3}})
      log:warning("plain")
      assert.equal(2, #got)
      assert.is_true(before <= got[1].time and got[1].time < before + 60)
      got[1].time, got[2].time = nil, nil
      assert.same({{level = 20, message = "m", user = "me", n = 3}, {level = 30, message = "plain"}}, got)
    end)

    it("stack_info and exc_info = true add the caller's traceback", function()
      log:setup(path)
      local function named_function() log:error("m", {stack_info = true}) end
      named_function()
      log:error("n", {exc_info = true})
      local text = lines()
      assert.matches("^TIME %[ERROR%]: m\nstack traceback:\n\t[^\n]*root_logger_spec.lua:%d+: in [^\n]*named_function",
                     text)
      assert.matches("\nTIME %[ERROR%]: n\nstack traceback:\n\t[^\n]*root_logger_spec.lua", text)
    end)

    it("exc_info = an error value adds it, and the traceback unless it brings one", function()
      log:setup(path)
      log:error("m", {exc_info = "it broke"})
      log:error("n", {exc_info = "it broke\nstack traceback:\n\tsomewhere"})
      log:error("o", {exc_info = false})
      local text = lines()
      assert.matches("^TIME %[ERROR%]: m\nit broke\nstack traceback:\n\t[^\n]*root_logger_spec.lua", text)
      assert.matches("\nTIME %[ERROR%]: n\nit broke\nstack traceback:\n\tsomewhere\nTIME %[ERROR%]: o\n$", text)
    end)

    it("stacklevel starts tracebacks further out", function()
      log:setup(path)
      local function inner(level) log:error("m", {stack_info = true, stacklevel = level}) end
      local function outer(level) inner(level) end
      outer(1)
      assert.matches("in [^\n]*inner", lines())
      os.remove(path)
      log:reopen()
      outer(2)
      local text = lines()
      assert.is_nil(text:find("inner", 1, true))
      assert.matches("^TIME %[ERROR%]: m\nstack traceback:\n\t[^\n]*outer", text)
    end)
  end)

  describe("exception", function()
    it("adds the traceback of its caller", function()
      log:setup(path)
      local function failing_step() log:exception("step %d failed", 7) end
      failing_step()
      log:exception("plain")
      local text = lines()
      assert.matches("^TIME %[ERROR%]: step 7 failed\nstack traceback:\n\t[^\n]*failing_step", text)
      assert.matches("\nTIME %[ERROR%]: plain\nstack traceback:\n", text)
    end)

    it("tells the error that xpcall caught, with its traceback", function()
      log:setup(path)
      local function deep() error("too deep") end
      xpcall(deep, function(err) log:exception("caught", {exc_info = err}) end)
      local _, trace = xpcall(deep, debug.traceback)
      log:exception("traced", {exc_info = trace})
      local text = lines()
      assert.matches("^TIME %[ERROR%]: caught\n[^\n]*root_logger_spec.lua:%d+: too deep\nstack traceback:\n", text)
      assert.matches("stack traceback:\n.*\n\t[^\n]*function 'error'\n\t[^\n]*root_logger_spec.lua", text)
      assert.matches("\nTIME %[ERROR%]: traced\n" .. trace:gsub("%p", "%%%0") .. "\n$", text)
    end)
  end)

  describe("handlers", function()
    it("get their level and above, in the order they were added", function()
      local got = {}
      log.logger:set_level("DEBUG")
      log.logger:add_handler(function(r) got[#got + 1] = "a " .. r.message end, "ERROR")
      log.logger:add_handler(function(r) got[#got + 1] = "b " .. r.message end)
      log.logger:add_handler(function(r) got[#got + 1] = "c " .. r.message end, 30)
      log.logger:log("DEBUG", "d")
      log:warning("w")
      log:error("e")
      assert.same({"b d", "b w", "c w", "a e", "b e", "c e"}, got)
    end)

    it("are called once, from the later level on, when added twice", function()
      local got = {}
      local function take(r) got[#got + 1] = r.message end
      log.logger:add_handler(take, "ERROR")
      log.logger:add_handler(take, "WARNING")
      log:info("i")
      log:warning("w")
      log:error("e")
      assert.same({"w", "e"}, got)
    end)

    it("can be taken out again, also from inside", function()
      local calls = 0
      local function once()
        calls = calls + 1
        log.logger:remove_handler(once)
      end
      log.logger:add_handler(once)
      log.logger:remove_handler(print) -- was never there
      log:info("1")
      log:info("2")
      assert.equal(1, calls)
    end)

    it("see the line in the file already, from WARNING on", function()
      log:setup(path)
      local seen
      log.logger:add_handler(function() seen = text_of(path) end)
      log:warning("w")
      assert.equal("TIME [WARNING]: w\n", seen)
    end)

    it("may log, which reaches no handler", function()
      log:setup(path)
      log.logger:add_handler(function(r) log:info("about " .. r.message) end)
      log:info("m")
      assert.equal("TIME [INFO]: m\nTIME [INFO]: about m\n", lines())
    end)

    it("that fail are told once and disturb nobody", function()
      local script = [[
        local log = require("helios.core.root_logger")()
        log:setup((arg[0]:gsub("script.lua$", "x.log")))
        local got = 0
        log.logger:add_handler(function() error("handler broke", 0) end)
        log.logger:add_handler(function() got = got + 1 end)
        for i = 1, 3 do log:info("m") end
        log:flush()
        local n = 0
        for _ in io.lines(log.log_file) do n = n + 1 end
        print(got, n)]]
      local result = child.run(script)
      assert.equal("helios: a log handler failed: handler broke\n", result.err)
      assert.equal("3\t3\n", result.out)
    end)

    it("may be any callable", function()
      local got
      log.logger:add_handler(setmetatable({}, {__call = function(_, r) got = r.message end}))
      log:info("m")
      assert.equal("m", got)
    end)
  end)

  describe("setup", function()
    it("makes the folders, appends, and tells its path", function()
      path = dir .. "/a/b/run.log"
      assert.is_nil(log.log_file)
      log:setup(path)
      assert.equal(path, log.log_file)
      log:info("1")
      log:close()
      local other = RootLogger()
      other:setup{log_file = path}
      other:info("2")
      other:close()
      assert.equal("TIME [INFO]: 1\nTIME [INFO]: 2\n", text_of(path))
      assert.same({"a/b/run.log"}, tmp.files(dir))
    end)

    it("without a path changes nothing", function()
      log:setup(path)
      log:setup()
      log:setup(nil)
      log:info("1")
      assert.equal("TIME [INFO]: 1\n", lines())
    end)

    it("moves to the new file, closing the old", function()
      log:setup(path)
      log:info("1")
      log:setup(dir .. "/second.log")
      assert.equal("TIME [INFO]: 1\n", text_of(path))
      log:info("2")
      log:flush()
      assert.equal("TIME [INFO]: 1\n", text_of(path))
      assert.equal("TIME [INFO]: 2\n", text_of(dir .. "/second.log"))
      assert.equal(dir .. "/second.log", log.log_file)
    end)

    it("raises when the file cannot be made, and keeps the old one", function()
      log:setup(path)
      fails(("setup: %s: cannot make the folder: Not a directory"):format(path), log.setup, log, path .. "/x.log")
      local ok, message = pcall(log.setup, log, dir)
      assert.is_false(ok)
      assert.matches(dir:gsub("%p", "%%%0") .. ": .*Is a directory", message)
      assert.equal(path, log.log_file)
      log:info("1")
      assert.equal("TIME [INFO]: 1\n", lines())
    end)

    it("does not mind a later chdir", function()
      local here = assert(lfs.currentdir())
      assert(lfs.chdir(dir))
      log:setup("relative.log")
      assert(lfs.chdir(here))
      assert.equal("relative.log", log.log_file)
      log:info("1")
      log:reopen()
      log:warning("2")
      assert.equal("TIME [INFO]: 1\nTIME [WARNING]: 2\n", text_of(dir .. "/relative.log"))
    end)
  end)

  describe("close", function()
    it("leaves nothing of the logger but stderr, twice too", function()
      log:setup(path)
      log:info("1")
      assert.is_true(log:close())
      assert.is_true(log:close())
      log:info("lost")
      log:warning("after close")
      assert.equal("TIME [INFO]: 1\n", text_of(path))
      assert.same({"TIME [WARNING]: after close\n"}, on_stderr)
      assert.same({"run.log"}, tmp.files(dir))
    end)

    it("lets a new logger write each line once and nothing into the old file", function()
      log:setup(path)
      log:info("old")
      log:close()
      local other = RootLogger()
      other:setup(dir .. "/new.log")
      other:info("new")
      other:warning("both?")
      other:close()
      assert.equal("TIME [INFO]: old\n", text_of(path))
      assert.equal("TIME [INFO]: new\nTIME [WARNING]: both?\n", text_of(dir .. "/new.log"))
      assert.same({"TIME [WARNING]: both?\n"}, on_stderr)
    end)

    it("can be undone by setup", function()
      log:setup(path)
      log:info("1")
      log:close()
      log:setup(path)
      log:info("2")
      assert.equal("TIME [INFO]: 1\nTIME [INFO]: 2\n", lines())
    end)

    it("is what __close and collection do", function()
      do
        local scoped <close> = RootLogger()
        scoped:setup(path)
        scoped:info("1")
      end
      assert.equal("TIME [INFO]: 1\n", text_of(path))
      local dropped = RootLogger()
      dropped:setup(path)
      dropped:info("2")
      dropped = nil -- luacheck: ignore
      collectgarbage()
      collectgarbage()
      assert.equal("TIME [INFO]: 1\nTIME [INFO]: 2\n", text_of(path))
    end)
  end)

  it("reopens its path for logrotate", function()
    log:setup(path)
    log:info("1")
    assert(os.rename(path, path .. ".1"))
    log:info("2")
    assert.is_true(log:reopen())
    log:info("3")
    assert.equal("TIME [INFO]: 3\n", lines())
    assert.equal("TIME [INFO]: 1\nTIME [INFO]: 2\n", text_of(path .. ".1"))
    log:close()
    assert.same({nil, "the logger is closed", "ECLOSED"}, {log:reopen()})
  end)

  it("reopens nothing without a file", function()
    assert.is_true(log:reopen())
  end)

  it("counts lines and bytes, also after close", function()
    log:setup(path)
    log:info("1")
    log:warning("2")
    log:close()
    local stats = log:stats()
    assert.equal(2, stats.events)
    assert.equal(#tmp.read(path), stats.bytes)
    assert.equal(0, stats.dropped)
    assert.equal(0, stats.pending)
    assert.is_nil(stats.last_error)
  end)

  describe("wrong calls", function()
    it("raise, name the function and the argument, and write nothing", function()
      log:setup(path)
      fails("info: argument 'msg': missing", log.info, log)
      fails("info: argument 'msg': expected a string, got nil", log.info, log, nil)
      fails("warning: argument 'msg': expected a string, got a table", log.warning, log, {})
      fails("error: argument 'msg': expected a string, got true", log.error, log, true)
      fails("exception: argument 'msg': expected a string, got a function", log.exception, log, print)
      fails("info: unknown option 'exc'", log.info, log, "m", {exc = true})
      fails("error: unknown option '1'", log.error, log, "m", {"x"})
      fails("error: argument 'stack_info': expected a boolean, got 1", log.error, log, "m", {stack_info = 1})
      fails("error: argument 'stacklevel': expected an integer, got 1.5", log.error, log, "m", {stacklevel = 1.5})
      fails("error: argument 'stacklevel': must be at least 1", log.error, log, "m", {stacklevel = 0})
      fails("error: argument 'extra': expected a table, got 3", log.error, log, "m", {extra = 3})
      fails("error: argument 'extra': its keys must be strings", log.error, log, "m", {extra = {"x"}})
      fails("error: argument 'extra': would overwrite the record's 'message'", log.error, log, "m",
            {extra = {message = 1}})
      fails("setup: argument 'log_file': expected a string, got 5", log.setup, log, 5)
      fails("setup: argument 'log_file': must not be empty", log.setup, log, "")
      fails("setup: argument 'log_file': must not hold NUL", log.setup, log, "a\0b")
      fails("setup: unknown option 'file'", log.setup, log, {file = path})
      fails("setup: too many arguments", log.setup, log, path, "a")
      fails("log: argument 'level': unknown level 'LOUD'", log.logger.log, log.logger, "LOUD", "m")
      fails("log: argument 'level': expected a level's number or name, got nil", log.logger.log, log.logger, nil, "")
      fails("log: argument 'level': expected an integer, got 20.5", log.logger.log, log.logger, 20.5, "m")
      fails("log: argument 'msg': missing", log.logger.log, log.logger, "INFO")
      fails("set_level: argument 'level': missing", log.logger.set_level, log.logger)
      fails("add_handler: argument 'fn': expected a function, got a table", log.logger.add_handler, log.logger, {})
      fails("remove_handler: argument 'fn': missing", log.logger.remove_handler, log.logger)
      fails("set_level: too many arguments", log.logger.set_level, log.logger, "INFO", {level = "DEBUG"}) -- no options
      fails("remove_handler: too many arguments", log.logger.remove_handler, log.logger, print, {})
      fails("RootLogger: takes no arguments; give the path to setup", RootLogger, path)
      fails("info: argument 'self': expected a logger, got a string (call it with a colon)", log.info, "m")
      fails("info: argument 'self': expected a logger, got a table (call it with a colon)", log.info, {{}}, "m")
      assert.equal("", lines())
      assert.same({}, on_stderr)
    end)

    it("of string.format tell what was wrong", function()
      log:setup(path)
      local ok, message = pcall(log.info, log, "%d", "x")
      assert.is_false(ok)
      assert.matches("info: argument 'msg': cannot be formatted: bad argument #2", message, 1, true)
      assert.equal("", lines())
    end)

    it("with a self that is taken apart meanwhile harm nobody", function()
      log:setup(path)
      local handle = log[1]
      local rogue = setmetatable({}, {__tostring = function()
        log[1], log.logger[1] = nil, nil
        collectgarbage()
        return "rogue"
      end})
      log:info("%s", rogue)
      assert.is_false(pcall(log.flush, log))
      log[1] = handle
      assert.equal("TIME [INFO]: rogue\n", lines())
      assert.is_false(getmetatable(handle))
    end)

    it("name the caller's line", function()
      local ok, message = pcall(function() log:info() end)
      assert.is_false(ok)
      assert.matches("^[^:]*root_logger_spec.lua:%d+: info: ", message)
    end)
  end)

  describe("stderr hook", function()
    it("that fails costs no line", function()
      local result = child.run[[
        require("helios.native").logger.set_stderr_hook(function() error("broken") end)
        local log = require("helios.core.root_logger")()
        log:warning("w")]]
      assert.equal("TIME [WARNING]: w\n", (result.err:gsub(STAMP, "TIME")))
    end)

    it("may log itself", function()
      local result = child.run[[
        local log = require("helios.core.root_logger")()
        require("helios.native").logger.set_stderr_hook(function(line)
          log:warning("in hook")
          io.stderr:write(line)
        end)
        log:warning("w")
        require("helios.native").logger.set_stderr_hook(nil)
        log:warning("x")]]
      assert.equal("TIME [WARNING]: in hook\nTIME [WARNING]: w\nTIME [WARNING]: x\n",
                   (result.err:gsub(STAMP, "TIME")))
    end)

    it("is a function or nil", function()
      fails("set_stderr_hook: argument 'fn': expected a function, got 3", native.logger.set_stderr_hook, 3)
    end)
  end)
end)

describe("RootLogger in processes of its own", function()
  local dir, path

  before_each(function()
    dir = tmp.dir()
    path = dir .. "/run.log"
  end)

  local function script(body)
    return ('local RootLogger = require "helios.core.root_logger"\nlocal path = %q\n%s'):format(path, body)
  end

  it("writes what is pending when the state closes", function()
    local result = child.run(script[[log = RootLogger(); log:setup(path); log:info("left open")]])
    assert.same({ok = true, out = "", err = ""}, result)
    assert.equal("TIME [INFO]: left open\n", text_of(path))
    assert.same({"run.log"}, tmp.files(dir))
  end)

  it("writes what is pending when a script dies of an error", function()
    local result = child.run(script[[log = RootLogger(); log:setup(path); log:info("last words"); error("x")]])
    assert.is_false(result.ok)
    assert.equal("TIME [INFO]: last words\n", text_of(path))
  end)

  it("writes what is pending when os.exit closes no state, and once", function()
    local body = script[[log = RootLogger(); log:setup(path); log:info("exit"); os.exit(0)]]
    assert.is_true(child.run(body).ok)
    assert.equal("TIME [INFO]: exit\n", text_of(path))
    local log <close> = RootLogger()
    log:setup(path)
    assert.equal("TIME [INFO]: exit\n", text_of(path))
    log:close()
    assert.same({"run.log"}, tmp.files(dir))
  end)

  it("loses nothing to SIGKILL, and the next to open the log brings it in", function()
    local result = child.run(script[[
      log = RootLogger()
      log:setup(path)
      for i = 1, 50 do log:info("line %d", i) end
      local pid = io.open("/proc/self/stat"):read("n")
      os.execute("kill -9 " .. pid)
      os.execute("sleep 20")]])
    assert.is_false(result.ok)
    local log <close> = RootLogger()
    log:setup(path)
    log:close()
    local want = {}
    for i = 1, 50 do want[i] = ("TIME [INFO]: line %d\n"):format(i) end
    assert.equal(table.concat(want), text_of(path))
    assert.same({"run.log"}, tmp.files(dir))
  end)

  it("gives stderr whole lines, NUL included", function()
    local result = child.run(script[[RootLogger():error("a\0b")]])
    assert.equal("TIME [ERROR]: a\0b\n", (result.err:gsub(STAMP, "TIME")))
  end)

  it("marks lines of other ranks, whose level is ERROR", function()
    local body = script[[
      local log = RootLogger()
      log:setup(path)
      log:info("i"); log:warning("w"); log:error("e"); log:exception("x", {exc_info = "err\nstack traceback:"})
      log.logger:set_level("DEBUG")
      log:info("returns at once"); log:info(); log:warning("w2")
      log.logger:log("INFO", "asked for")]]
    local result = child.run(body, {RANK = "3", WORLD_SIZE = "4"})
    assert.equal("TIME [ERROR] [rank 3]: e\nTIME [ERROR] [rank 3]: x\nerr\nstack traceback:\n"
      .. "TIME [WARNING] [rank 3]: w2\nTIME [INFO] [rank 3]: asked for\n", text_of(path))
    assert.equal("TIME [ERROR] [rank 3]: e\nTIME [ERROR] [rank 3]: x\nerr\nstack traceback:\n"
      .. "TIME [WARNING] [rank 3]: w2\n", (result.err:gsub(STAMP, "TIME")))
  end)

  it("shares a file between ranks, line by line", function()
    local body = script[[
      local log = RootLogger()
      log:setup(path)
      local rank = os.getenv("RANK")
      for i = 1, 1000 do
        if rank == "0" then log:info("rank %s line %d end", rank, i) else log:error("rank %s line %d end", rank, i) end
      end]]
    local programs = {}
    for rank = 0, 3 do
      programs[#programs + 1] = {script = body, env = {RANK = tostring(rank), WORLD_SIZE = "4"}}
    end
    assert.is_true(child.run_together(programs))
    local next_line, count = {[0] = 1, 1, 1, 1}, 0
    for line in io.lines(path) do
      local rank, n = line:match("^" .. STAMP .. " %[%u+%][^:]*: rank (%d) line (%d+) end$")
      rank = math.tointeger(tonumber(rank))
      assert.equal(next_line[rank], math.tointeger(tonumber(n)), line)
      next_line[rank] = next_line[rank] + 1
      count = count + 1
    end
    assert.equal(4000, count)
    assert.same({"run.log"}, tmp.files(dir))
  end)

  it("tells a full disk once, raises never, and says so when asked", function()
    local result = child.run[[
      local log = require("helios.core.root_logger")()
      log:setup("/dev/full")
      for i = 1, 3 do log:info("i"); log:error("e") end
      print(log:flush())
      local stats = log:stats()
      print(stats.events, stats.bytes, stats.pending > 0, stats.last_error)
      print((log:close()))
      print(log:stats().dropped)]]
    assert.is_true(result.ok)
    local out = {}
    for line in result.out:gmatch("[^\n]+") do out[#out + 1] = line end
    assert.matches("^nil\t/dev/full: .*No space left on device\tEIO$", out[1])
    assert.matches("^6\t0\ttrue\t/dev/full: .*No space left on device", out[2])
    assert.equal("nil", out[3])
    assert.equal("6", out[4])
    local _, told = result.err:gsub("helios: the log cannot be written: /dev/full: [^\n]*No space left on device\n", "")
    assert.equal(1, told)
  end)

  it("says at its end how many lines a full disk has cost, when nobody has asked", function()
    local result = child.run[[
      local log = require("helios.core.root_logger")()
      log:setup("/dev/full")
      for i = 1, 3 do log:info("i") end]]
    assert.is_true(result.ok)
    assert.matches("No space left on device\nhelios: /dev/full: 3 lines were dropped\n$", result.err)
  end)

  it("outlives a stderr that nobody reads", function()
    local program = script[[
      local log = RootLogger()
      log:setup(path)
      local patience = os.time() + 20
      while not io.open(path .. ".gone") and os.time() < patience do os.execute("sleep 0.01") end
      for i = 1, 3 do log:warning("w") end]]
    tmp.write(dir .. "/script.lua", program)
    local no_reader = ("{ exec 0<&-; : > %s.gone; }"):format(path)
    os.execute(("%s %s/script.lua 2>&1 >/dev/null | %s"):format(os.getenv("LUA") or "lua5.4", dir, no_reader))
    local patience = os.time() + 20
    local want = ("TIME [WARNING]: w\n"):rep(3)
    while text_of(path) ~= want and os.time() < patience do os.execute("sleep 0.05") end
    assert.equal(want, text_of(path))
  end)

  it("opens no file in the place of a stderr that is closed", function()
    tmp.write(dir .. "/script.lua", script[[
      local log = RootLogger()
      log:setup(path)
      for i = 1, 3 do log:warning("w") end]])
    os.execute(("%s %s/script.lua <&- 2>&-"):format(os.getenv("LUA") or "lua5.4", dir))
    assert.equal(("TIME [WARNING]: w\n"):rep(3), text_of(path))
  end)

  it("raises when a folder cannot be written", function()
    local result = child.run[[
      local log = require("helios.core.root_logger")()
      print(pcall(log.setup, log, "/proc/none/x.log"))]]
    assert.equal("false\tsetup: /proc/none: cannot make the folder: No such file or directory\n", result.out)
  end)

  it("is an error, not a crash, for finalizers that come after its own", function()
    local result = child.run(script[[
      first = setmetatable({}, {__gc = function() print(pcall(log.info, log, "too late")) end})
      log = RootLogger()
      log:setup(path)
      last = setmetatable({}, {__gc = function() print(pcall(log.info, log, "in time")) end})]])
    assert.same({ok = true, err = "",
                 out = "true\nfalse\tinfo: the logger is gone, its Lua state is being closed\n"}, result)
    assert.equal("TIME [INFO]: in time\n", text_of(path))
  end)
end)

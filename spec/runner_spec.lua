---`helios script.lua`, `helios -e` and `helios -`, beside `lua5.4` itself: the same output, the same messages, the same
---exit status, save for the program's name.
-- The command is built without a sanitizer.
if os.getenv("LD_PRELOAD") then return end

local shell = require "spec.support.shell"
local tmp = require "spec.support.tmp"

describe("the command helios runs", function()
  local dir = tmp.dir()
  local helios = shell.build .. "/helios"

  ---The program's name and the option it lacks are taken out of messages.
  local function outcome(program, arguments)
    local line = ("cd %s && %s %s >out 2>err <in; echo $? >status"):format(dir, program, arguments)
    shell.run("%s", line)
    local err = tmp.read(dir .. "/err"):gsub("^lua5%.4: ", ""):gsub("^helios: ", "")
      :gsub("usage: %S+", "usage:"):gsub("  %-i [^\n]*\n", "")
    return {out = tmp.read(dir .. "/out"), err = err, status = tmp.read(dir .. "/status")}
  end

  ---The same, and what lua says.
  local function same(arguments)
    local want = outcome("lua5.4", arguments)
    assert.same(want, outcome(helios, arguments))
    return want
  end

  local function same_script(source, arguments)
    tmp.write(dir .. "/script.lua", source)
    return same("script.lua " .. (arguments or ""))
  end

  before_each(function() tmp.write(dir .. "/in", "print('from standard input', ...)") end)

  it("a script with its arguments", function()
    local result = same_script("print(#arg, arg[0], ...) return 5", "a 'b c' ''")
    assert.equal("3\tscript.lua\ta\tb c\t\n", result.out)
    same_script("#!/usr/bin/env lua\nprint(arg[-1] ~= nil)")
    same("-- script.lua x")
  end)

  it("text of the command line and standard input", function()
    assert.equal("1\n2\n", same([[-e 'print(1)' -e 'print(2)']]).out)
    assert.equal("from standard input\ta\n", same("- a").out)
    same_script("print(x, ...)", "y")
    same([[-e 'x = arg[0]' script.lua y]])
    assert.equal("2\n", same([[-l string -e 'print(string.len "ab")']]).out)
    same([[-l s=string -e 'print(s.len "ab")']])
  end)

  it("what fails, with the traceback and the status of lua", function()
    assert.matches("stack traceback", same_script("local function f() error('boom') end\nf()").err)
    for _, source in ipairs {
      "x = = 1", "error({})", "error()", "error('plain', 0)", "os.exit(7)", "os.exit(false)", "local t = nil; t.x = 1",
      "error(setmetatable({}, {__tostring = function() return 'said by the object' end}))",
      "local t <close> = setmetatable({}, {__close = function() print 'closed' end}) error 'x'",
      "coroutine.wrap(function() error 'inside' end)()",
    } do same_script(source) end
    same("nowhere.lua")
    same([[-e 'x =']])
    same([[-e 'error "a"' script.lua]])
    same("-l nowhere")
  end)

  it("the options of lua, all of them read before anything runs", function()
    same_script("print(#arg, arg[0], ...)", "a")
    for _, arguments in ipairs {
      "-e", "-l", "-x", "--nope", "-ex=1 -z", "-e 'print(1)' -e", "-e -v", "-s.lua", "''", "-", "-- script.lua -",
      "-W -e 'warn(1)'", "-e 'warn(1)' -W", "-E -e 'print(package.path)'", "-E script.lua a",
      "-e 'print(collectgarbage(\"incremental\"))'", "- -", "-l =string", "-W", "--",
    } do same(arguments) end
    assert.matches("unrecognized option '%-x'\nusage: ", outcome(helios, "-x").err)
    local version = "helios " .. require("helios.native").version .. "  (Lua 5.4)\n"
    assert.equal(version .. "7\n", outcome(helios, "-v -e 'print(7)'").out)
  end)

  it("what LUA_INIT says first", function()
    local function with(environment, arguments)
      local want = outcome(environment .. " lua5.4", arguments)
      assert.same(want, outcome(environment .. " " .. helios, arguments))
      return want
    end
    tmp.write(dir .. "/init.lua", "print('init', ...)")
    assert.equal("1\n2\n", with("LUA_INIT='print(1)'", "-e 'print(2)'").out)
    assert.equal("3\n", with("LUA_INIT='print(1)' LUA_INIT_5_4='print(3)'", "-e ''").out)
    with("LUA_INIT=@init.lua", "script.lua")
    with("LUA_INIT='error(1)'", "script.lua")
    assert.equal("2\n", with("LUA_INIT='print(1)'", "-E -e 'print(2)'").out)
  end)

  it("a script beside modules of its own, none of which the command's parts hide", function()
    tmp.write(dir .. "/argparse.lua", "return 'mine'")
    tmp.write(dir .. "/script.lua", "print(require 'argparse')")
    assert.equal("mine\t./argparse.lua\n", outcome("LUA_PATH='./?.lua' " .. helios, "script.lua").out)
    for name in outcome(helios, "-e 'for name in pairs(package.preload) do print(name) end'").out:gmatch("[^\n]+") do
      assert.truthy(name:find("^helios") or name:find("^asset:"), name)
    end
  end)

  -- The signal must find both programs at the same place: within close, as its sender waits for the end of its input.
  it("a script that is interrupted, with a traceback", function()
    local result = same_script("io.popen('cat; kill -INT $PPID', 'w'):close()\nprint 'went on'")
    local traceback = "stack traceback:\n\t[C]: in method 'close'\n\tscript.lua:1: in main chunk"
    assert.matches("interrupted!\n" .. traceback, result.err, 1, true)
  end)

  it("nothing, without its usage", function()
    local result = outcome(helios, "")
    assert.matches("helios COMMAND [arguments]", result.err, 1, true)
    assert.equal("2\n", result.status)
  end)

  it("scripts with every module inside", function()
    local code = [[-e 'for name in pairs(package.preload) do
      if name:find "^helios" then assert(require(name)) end end print(require("helios")._VERSION)']]
    assert.matches("^Helios %d", outcome("env -i " .. helios, code).out)
  end)
end)

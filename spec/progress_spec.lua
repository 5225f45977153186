local logging = require "helios.core.logging"
local progress = require "helios.progress"
local Screen = require "spec.support.screen"
local tmp = require "spec.support.tmp"

local world = progress.world
local now, columns, screen, written, utf8_shown

local function on_terminal(width)
  columns, screen = width, Screen.new(width)
end

local function resize(width)
  columns = width
  screen:resize(width)
end

before_each(function()
  now, columns, screen, written, utf8_shown = 1000, nil, nil, "", false
  progress.world = {
    columns = function() return columns end,
    monotonic = function() return now end,
    has_utf8 = function() return utf8_shown end,
    write = function(text)
      written = written .. text
      if screen then screen:write(text) end
    end,
  }
end)

after_each(function()
  progress.close_all()
  progress.world = world
end)

local function advance(bar, n, seconds)
  for _ = 1, n do
    now = now + seconds
    bar:update()
  end
end

describe("a progress bar on a terminal", function()
  it("tells how far, since when, how long still, and how fast", function()
    on_terminal(60)
    local bar = progress.bar {desc = "Training", total = 10}
    assert.same({"Training:   0%|" .. (" "):rep(20) .. "| 0/10 [00:00<?, ? it/s]"}, screen:lines())
    advance(bar, 4, 0.5)
    local line = screen:lines()[1]
    assert.matches("^Training:  40%%|#+ +| 4/10 %[00:02<00:03, 2.00 it/s]$", line)
    assert.equal(59, utf8.len(line))
  end)

  it("is drawn to an eighth of a cell where UTF-8 is shown", function()
    on_terminal(60)
    utf8_shown = true
    local bar = progress.bar {desc = "Training", total = 100}
    advance(bar, 31, 1)
    assert.equal("Training:  31%|███▍       | 31/100 [00:31<01:09, 1.00 it/s]", screen:lines()[1])
  end)

  it("gives slow units as seconds each, and hours where they come to that", function()
    on_terminal(80)
    local bar = progress.bar {desc = "Slow", total = 100, unit = "epoch"}
    advance(bar, 2, 120)
    assert.matches("2/100 %[04:00<3:16:00, 120.00 s/epoch]$", screen:lines()[1])
  end)

  it("without a total counts only", function()
    on_terminal(60)
    local bar = progress.bar {desc = "Training", unit = "epoch"}
    advance(bar, 3, 1)
    assert.same({"Training: 3 epoch [00:03, 1.00 epoch/s]"}, screen:lines())
  end)

  it("counts from where a resumed run stands, at the speed of this sitting", function()
    on_terminal(60)
    local bar = progress.bar {desc = "Training", total = 100, initial = 90}
    advance(bar, 5, 1)
    assert.matches("95%%|.*| 95/100 %[00:05<00:05, 1.00 it/s]$", screen:lines()[1])
  end)

  it("is redrawn at most ten times a second", function()
    on_terminal(60)
    local bar = progress.bar {desc = "Training", total = 1000000}
    local before = #written
    advance(bar, 1000, 0.001)
    local draws = select(2, written:sub(before + 1):gsub("\r", ""))
    assert.is_true(draws >= 9 and draws <= 11)
  end)

  it("stands below the one that was opened before, and goes without a trace", function()
    on_terminal(70)
    local outer = progress.bar {desc = "Epochs", total = 2, leave = true}
    for epoch = 1, 2 do
      local inner = progress.bar {desc = "Epoch " .. epoch, total = 3}
      advance(inner, 3, 1)
      assert.equal(2, #screen:lines())
      assert.matches("^Epochs:", screen:lines()[1])
      assert.matches("^Epoch " .. epoch .. ": 100%%", screen:lines()[2])
      inner:close()
      assert.equal(1, #screen:lines())
      outer:update()
    end
    outer:close()
    assert.matches("^Epochs: 100%%|.*2/2", screen:lines()[1])
    assert.same("", screen:lines()[2])
    assert.equal(2, #screen:lines())
  end)

  it("steps aside for what the loggers tell stderr, whole lines above it", function()
    on_terminal(70)
    local log = logging.RootLogger()
    local outer, inner = progress.bar {desc = "Outer", total = 9}, progress.bar {desc = "Inner", total = 9}
    log:warning("first")
    advance(inner, 1, 1)
    log:error("second")
    local lines = screen:lines()
    assert.equal(4, #lines)
    assert.matches("%[WARNING]: first$", lines[1])
    assert.matches("%[ERROR]: second$", lines[2])
    assert.matches("^Outer:", lines[3])
    assert.matches("^Inner:", lines[4])
    inner:close()
    outer:close()
    assert.same({"", 3}, {screen:lines()[3], #screen:lines()})
  end)

  it("fits a narrow terminal: the drawing goes first, then the end of the text", function()
    for width = 1, 70 do
      on_terminal(width)
      local bar = progress.bar {desc = "Training epochs", total = 10, unit = "epoch"}
      advance(bar, 3, 1)
      assert.equal(1, #screen:lines())
      local line = screen:lines()[1]
      assert.is_true(#line < math.max(2, width), width .. line)
      assert.equal(("Training epochs:  30%"):sub(1, math.min(#line, 21)), line:sub(1, 21))
      bar:close()
    end
  end)

  it("leaves no debris when the terminal becomes narrower or wider", function()
    on_terminal(90)
    local log = logging.RootLogger()
    local outer, inner = progress.bar {desc = "Outer", total = 99}, progress.bar {desc = "Inner", total = 99}
    log:warning("above")
    for _, width in ipairs {50, 30, 80, 41, 90} do
      resize(width)
      advance(inner, 1, 1)
    end
    local lines = screen:lines()
    assert.equal(3, #lines)
    assert.matches("above", lines[1])
    assert.matches("^Outer:", lines[2])
    assert.matches("^Inner:", lines[3])
    outer:close()
  end)

  it("steps aside for progress.print", function()
    on_terminal(60)
    local bar, original = progress.bar {desc = "Training", total = 3}, print
    _G.print = function(text) screen:write(text .. "\n") end -- luacheck: ignore
    progress.print "hello"
    _G.print = original -- luacheck: ignore
    assert.equal("hello", screen:lines()[1])
    assert.matches("^Training:", screen:lines()[2])
    bar:close()
  end)

  it("does nothing when it is not enabled", function()
    on_terminal(60)
    local bar = progress.bar {desc = "Training", total = 3, enabled = false}
    advance(bar, 3, 1)
    bar:close()
    assert.equal("", written)
  end)

  it("may be closed twice, and together with all others", function()
    on_terminal(60)
    local bar = progress.bar {desc = "One"}
    progress.bar {desc = "Two"}
    bar:close()
    bar:close()
    progress.close_all()
    assert.same({""}, screen:lines())
  end)
end)

describe("a progress bar without a terminal", function()
  it("is a plain line every few seconds, and one at the end", function()
    local bar = progress.bar {desc = "Training epochs", total = 100, unit = "epoch", leave = true}
    advance(bar, 100, 0.12)
    bar:close()
    local lines = {}
    for line in written:gmatch("([^\n]*)\n") do lines[#lines + 1] = line end
    assert.equal(3, #lines)
    assert.matches("^Training epochs: 4%d/100 %(4%d %%%), 00:05 elapsed, 00:07 left, 8.33 epoch/s$", lines[1])
    assert.matches("^Training epochs: 100/100 %(100 %%%), 00:12 elapsed, 00:00 left, 8.33 epoch/s$", lines[3])
    assert.not_matches("[\r\27]", written)
  end)

  it("puts nested bars into the same line", function()
    local outer = progress.bar {desc = "Epochs", total = 2}
    local inner = progress.bar {desc = "Epoch 1", total = 100}
    advance(inner, 6, 1)
    outer:close()
    assert.equal("Epochs: 0/2 (0 %), 00:05 elapsed, ? left, ? it/s; "
      .. "Epoch 1: 5/100 (5 %), 00:05 elapsed, 01:35 left, 1.00 it/s\n", written)
  end)
end)

describe("log files", function()
  it("hold nothing of the bars", function()
    on_terminal(60)
    local path = tmp.dir() .. "/a.log"
    local log = logging.RootLogger()
    log:setup(path)
    local bar = progress.bar {desc = "Training", total = 3}
    log:warning("one")
    advance(bar, 3, 1)
    log:info("two")
    bar:close()
    log:close()
    assert.matches("^%[[^]\n]*] %[WARNING]: one\n%[[^]\n]*] %[INFO]: two\n$", tmp.read(path))
  end)
end)

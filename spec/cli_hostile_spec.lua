---The command `helios` on files that cannot be read, and on values, steps and times that no run has.
local command = require "spec.support.command"
local hostile = require "spec.support.hostile"
local tmp = require "spec.support.tmp"

local helios = command.helios
local GOLDEN = "spec/golden/torch_kinds.events"

---A run whose first file is a FIFO, which nobody opens, and whose last is whole.
local function run_with_fifo()
  local folder = tmp.dir()
  assert(os.execute("mkfifo " .. folder .. "/events.out.tfevents.1"))
  tmp.write(folder .. "/events.out.tfevents.2", tmp.read(GOLDEN))
  return folder
end

local function lines(text) return select(2, text:gsub("\n", "")) end

describe("a file that cannot be read", function()
  it("hides none of the others, and is told once", function()
    local folder = run_with_fifo()
    for _, words in ipairs{{"cat"}, {"ls"}, {"export"}, {"export", "--wide"}, {"export", "--format", "jsonl"},
      {"tail", "--once", "--tag", "loss"}} do
      local line = table.move(words, 1, #words, 1, {})
      line[#line + 1] = folder
      local out, err, status = helios(table.unpack(line))
      line[#line] = GOLDEN
      assert.same(lines((helios(table.unpack(line)))), lines(out), table.concat(words, " "))
      assert.same(("helios: %s/events.out.tfevents.1: cannot read: not a regular file\n"):format(folder), err)
      assert.same(1, status)
    end
  end)

  it("is told by a report, with the rest in it", function()
    local folder = run_with_fifo()
    local _, err, status = helios("report", folder, "-o", folder .. "/page.html")
    assert.same({1, 1}, {status, lines(err)})
    local page = tmp.read(folder .. "/page.html")
    assert.matches('"notes":%["[^"]*cannot read: not a regular file"%]', page)
    assert.matches('"tag":"loss"', page)
  end)

  it("is nothing to follow", function()
    local _, err, status = helios("cat", "--follow", "no/such/file")
    assert.same({"helios: no/such/file: cannot open: No such file or directory\n", 1}, {err, status})
  end)
end)

describe("helios tail", function()
  local function picture(points, ...)
    local path = tmp.dir() .. "/events.out.tfevents.1"
    tmp.write(path, hostile.file(points))
    return helios("tail", "--once", "--width", "60", "--height", "12", path, ...)
  end

  ---In every way to draw them: no traceback, no hang, twelve lines.
  local function draws(points)
    for _, words in ipairs{{}, {"--log"}, {"--time"}, {"--time", "--log"}, {"--smooth", "0.9"}} do
      local out, err, status = picture(points, table.unpack(words))
      assert.same({"", 0, 12}, {err, status, lines(out)})
      for line in out:gmatch("[^\n]+") do assert.is_true(utf8.len(line) <= 60, line) end
    end
  end

  it("draws the largest and the smallest doubles", function()
    draws{{tag = "t", value = 1.7e308, step = 1}, {tag = "t", value = -1.7e308, step = 2},
      {tag = "t", value = 5e-324, step = 3}}
    draws{{tag = "t", value = 0 / 0, step = 1}, {tag = "t", value = 1 / 0, step = 2}}
  end)

  it("draws the lowest and the highest steps at the ends of its axis", function()
    local points = {{tag = "t", value = 1, step = math.mininteger}, {tag = "t", value = 2, step = math.maxinteger}}
    draws(points)
    local curve = (picture(points)):match("2┤([^\n]*)")
    assert.matches("^ +[^ ]*$", curve)
    assert.is_true(utf8.len((curve:match("^ +"))) > 40, "the last point is at the right")
  end)

  it("draws times that are none", function()
    local points = {}
    for i, time in ipairs{0 / 0, 1 / 0, -1 / 0, 1e300, 1.7e308, -1.7e308, 1e17, -1e10, 1.7e9} do
      points[i] = {tag = "t", value = i, step = i, time = time}
    end
    draws(points)
    draws{points[1]}
  end)

  it("counts columns, not characters", function()
    local path = tmp.dir() .. "/events.out.tfevents.1"
    tmp.write(path, hostile.file{{tag = "日本", value = 1}, {tag = "本", value = 2}})
    local out = helios("tail", "--once", "--width", "80", "--height", "12", path)
    assert.matches("\n日本  1" .. (" "):rep(33) .. "本  2 *\n", out)
  end)

  it("does not wait for a text log that is a pipe", function()
    local fifo = run_with_fifo() .. "/events.out.tfevents.1"
    local out, _, status = helios("tail", "--once", "--text-log", fifo, GOLDEN)
    assert.same(0, status)
    assert.matches("%(cannot open ", out)
  end)

  it("says what is damaged, with file and offset", function()
    local path = tmp.dir() .. "/events.out.tfevents.1"
    tmp.write(path, hostile.scalar{tag = "t", value = 1} .. ("x"):rep(20))
    local out, err, status = helios("tail", "--once", path)
    assert.matches("\n1 damaged!  ", out)
    assert.matches("%.1: at byte %d+: wrong length checksum", err)
    assert.same(1, status)
  end)
end)

describe("helios ls", function()
  it("does not let one long tag push all lines", function()
    local path = tmp.dir() .. "/events.out.tfevents.1"
    tmp.write(path, hostile.file{{tag = ("x"):rep(5000), value = 1}, {tag = "short", value = 1}})
    local out = helios("ls", path)
    assert.is_true(#out:match("[^\n]*short[^\n]*") < 140)
  end)
end)

describe("helios report", function()
  it("writes into what is no plain file, and does not replace it", function()
    local folder = tmp.dir()
    assert(os.execute("ln -s /dev/null " .. folder .. "/page.html"))
    local _, err, status = helios("report", GOLDEN, "-o", folder .. "/page.html")
    assert.same({"", 0}, {err, status})
    assert.is_true(os.execute("test -c " .. folder .. "/page.html"))
    assert.same({"page.html"}, tmp.files(folder))
  end)
end)

---The command `helios`, from outside: what it prints, what it leaves on disk, how it ends.
local command = require "spec.support.command"
local lfs = require "lfs"
local tmp = require "spec.support.tmp"

local HELIOS, helios, quote = command.path, command.helios, command.quote
local read, write = tmp.read, tmp.write
local GOLDEN = "spec/golden/torch_kinds.events"

local function run_folder(change)
  local folder = tmp.dir()
  local bytes = read(GOLDEN)
  write(folder .. "/events.out.tfevents.1", change and change(bytes) or bytes)
  return folder
end

local function flip(at) return function(bytes)
  return bytes:sub(1, at - 1) .. string.char(bytes:byte(at) ~ 1) .. bytes:sub(at + 1)
end end

---A Lua string of JSON's syntax is close enough to take values out of a line.
local function field(line, name) return line:match('"' .. name .. '":("?[^,}]*)') end

describe("helios as an interpreter", function()
  local script

  setup(function()
    script = tmp.dir() .. "/script.lua"
    write(script, [[io.write(arg[0], "|", arg[-1], "|", table.concat({...}, ","), "|",
      type(require("helios.reader").open))]])
  end)

  it("runs a script with arguments and the modules inside", function()
    local out, _, status = helios(script, "a", "b c")
    assert.same(script .. "|" .. HELIOS .. "|a,b c|function", out)
    assert.same(0, status)
  end)

  it("runs text and modules, as lua does", function()
    assert.same("7\n", (helios("-e", "print(3 + 4)")))
    assert.same("table\n", (helios("-l", "helios", "-e", "print(type(helios))")))
    assert.same("1\n" .. script .. "|-e|x|function", (helios("-e", "print(1)", script, "x"):gsub("print%(1%)", "-e")))
  end)

  it("tells errors with their traceback and ends with 1", function()
    write(script .. ".bad.lua", "local function f() error('boo') end\nf()")
    local _, err, status = helios(script .. ".bad.lua")
    assert.same(1, status)
    assert.matches("^helios: .*bad%.lua:1: boo\nstack traceback:\n", err)
    assert.same("helios: cannot open nofile.lua", (select(2, helios("nofile.lua")):match("^[^:]*: [^\n:]*")))
  end)

  it("ends with what os.exit was given", function()
    assert.same(7, (select(3, helios("-e", "os.exit(7)"))))
  end)

  it("needs no file on disk but itself", function()
    local out = assert(io.popen(("cd / && LUA_PATH=/none LUA_CPATH=/none %s -e 'print(require([[helios]])._VERSION)'")
      :format(quote(assert(io.popen("realpath " .. HELIOS)):read("l"))))):read("a")
    assert.matches("%d+%.%d+%.%d+", out)
  end)
end)

describe("helios without a command it knows", function()
  it("says what there is", function()
    local out, _, status = helios("--help")
    assert.same(0, status)
    for _, name in ipairs{"ls", "cat", "tail", "export", "report", "verify", "recover", "repair", "merge", "purge"} do
      assert.matches("\n  " .. name .. " ", out)
      local help, _, ended = helios(name, "--help")
      assert.same(0, ended)
      assert.matches("^Usage: helios " .. name, help)
      for line in help:gmatch("[^\n]+") do assert.is_true(#line <= 80, line) end
    end
    local _, err, failed = helios("frobnicate")
    assert.same(2, failed)
    assert.matches("no command 'frobnicate'", err)
    assert.same(2, (select(3, helios("ls"))))
    assert.same((helios("ls", "--help")), (helios("help", "ls")))
  end)

  it("has a man page with all options", function()
    local page = read("man/helios.1")
    for _, name in ipairs{"ls", "cat", "tail", "export", "report", "verify", "recover", "repair", "merge", "purge"} do
      local section = page:match("%.It Cm " .. name .. "\n(.-)\n%.It Cm") or page:match("%.It Cm " .. name .. "\n(.*)")
      for option in helios(name, "--help"):gmatch("%s%-%-([%a-]+)") do
        local written = section:find("Fl -" .. option, 1, true) ~= nil
        assert.same({name, option, true}, {name, option, written or option == "help"})
      end
    end
  end)

  it("takes a word that begins like a negative number for a value", function()
    assert.same(1, select(2, helios("cat", GOLDEN, "--steps", "-7:0", "--tag", "old"):gsub("\n", "")))
    assert.same(2, (select(3, helios("cat", GOLDEN, "-7"))))
  end)

  it("tells when its output cannot be written", function()
    for _, words in ipairs{"ls " .. GOLDEN, "cat " .. GOLDEN, "verify " .. GOLDEN, "export " .. GOLDEN,
      "tail --once " .. GOLDEN, "--help"} do
      local pipe = assert(io.popen(("%s %s 2>&1 >/dev/full"):format(HELIOS, words)))
      local said = pipe:read("a")
      assert.same({nil, "exit", 1}, {pipe:close()})
      assert.same("helios: stdout: No space left on device\n", said)
    end
  end)
end)

describe("helios ls", function()
  it("lists tags with points, steps and last value", function()
    local out, _, status = helios("ls", GOLDEN)
    assert.same(0, status)
    assert.matches("scalar +loss +1 +3 +0%.5 ", out)
    assert.matches("scalar +old +1 +%-7 +%-2%.25 ", out)
    assert.matches("image +picture +1 +4 ", out)
  end)

  it("gives the same as JSON", function()
    local out = helios("ls", "--json", GOLDEN)
    assert.matches('{"first_step":3,"first_time":1700000000%.25,"kind":"scalar","last_step":3,', out)
    assert.matches('"last_value":0%.5,', out)
    assert.matches('"damaged":0', out)
  end)

  it("escapes what would reach the terminal", function()
    local folder = tmp.dir()
    write(folder .. "/write.lua", ([[
      local writer = require("helios.core.logging").TensorboardWriter()
      writer:setup(%q)
      writer:add_scalar("a\27[31mred\u{202e}x", 1, 1)
      assert(writer:close())]]):format(folder))
    helios(folder .. "/write.lua")
    local out = helios("ls", folder)
    assert.matches("a\\x1b%[31mred\\u{202e}x", out)
    assert.is_nil(out:find("\27", 1, true))
  end)

  it("names damage with file and offset, and ends with 1", function()
    local folder = run_folder(flip(200))
    local _, err, status = helios("ls", folder)
    assert.same(1, status)
    assert.matches("^helios: " .. folder:gsub("%p", "%%%0") .. "/events%.out%.tfevents%.1: at byte %d+: wrong ", err)
  end)

  it("says what is missing", function()
    local _, err, status = helios("ls", "no/such/place")
    assert.same(1, status)
    assert.same("helios: no/such/place: cannot open: No such file or directory\n", err)
    assert.same(1, (select(3, helios("ls", tmp.dir()))))
  end)
end)

describe("helios cat", function()
  it("prints one JSON object a line, as they were written", function()
    local out, _, status = helios("cat", GOLDEN)
    assert.same(0, status)
    local first = out:match("^[^\n]*")
    assert.same('"brain.Event:2"', field(first, "file_version"))
    assert.matches('\n{"kind":"scalar","plugin":"scalars","step":3,"tag":"loss","value":0%.5,', out)
    assert.matches('"text":"grüß\\u0000dich"', out)
  end)

  it("says which runs a folder holds that is none", function()
    local folder = tmp.dir()
    assert(os.execute(("mkdir %s/run && cp %s %s/run/events.out.tfevents.1"):format(folder, GOLDEN, folder)))
    for _, words in ipairs{{"cat"}, {"repair"}, {"purge", "--tag", "x"}} do
      words[#words + 1] = folder
      local _, err, status = helios(table.unpack(words))
      assert.same({1, ("helios: %s: a folder of runs; give one of them, such as %s/run\n"):format(folder, folder)},
        {status, err})
    end
  end)

  it("filters by tag, kind and steps", function()
    local function lines(...) return select(2, helios("cat", GOLDEN, ...):gsub("\n", "")) end
    assert.same(1, lines("--tag", "loss"))
    assert.same(4, lines("--kind", "scalar"))
    assert.same(2, lines("--kind", "scalar", "--steps", "0:5"))
    assert.same(1, lines("--kind", "scalar", "--steps", ":-1"))
    assert.same(2, (select(3, helios("cat", GOLDEN, "--steps", "x"))))
  end)
end)

describe("helios export", function()
  it("writes one table of all runs and tags, long and wide", function()
    local out, _, status = helios("export", GOLDEN)
    assert.same(0, status)
    assert.same("run,tag,step,wall_time,value\n.,loss,3,1700000000.25,0.5\n.,zero,0,1700000000.25,0\n"
      .. ".,old,-7,1234.5,-2.25\n.,precise,1099511627776,1700000000.25,0.1\n", out)
    assert.same("run,step,wall_time,loss,old,precise,zero\n.,-7,1234.5,,-2.25,,\n.,0,1700000000.25,,,,0\n"
      .. ".,3,1700000000.25,0.5,,,\n.,1099511627776,1700000000.25,,,0.1,\n", (helios("export", "--wide", GOLDEN)))
  end)

  it("puts wide rows in the order of steps, whatever order the file has", function()
    local folder = tmp.dir()
    write(folder .. "/write.lua", ([[
      local writer = require("helios.core.logging").TensorboardWriter()
      writer:setup(%q)
      local function add(tag, step, value) writer:add_scalar(tag, value, {global_step = step, walltime = 7}) end
      add("b,c", 1, 3) add("b,c", 3, 1) add("a", -2, 0 / 0) add("a", 1, 2) add("a", 3, 4)
      assert(writer:close())]]):format(folder .. "/run"))
    helios(folder .. "/write.lua")
    assert.same('run,step,wall_time,a,"b,c"\n.,-2,7,nan,\n.,1,7,2,3\n.,3,7,4,1\n',
      (helios("export", "--wide", folder .. "/run")))
    assert.same("run,step,wall_time,a\n.,-2,7,nan\n.,1,7,2\n.,3,7,4\n",
      (helios("export", "--wide", "--tag", "a", folder .. "/run")))
  end)

  it("sorts what memory does not hold in a file", function()
    local points <close> = require("helios.cli.sorter").new(10)
    local state, steps = 1, {}
    for i = 1, 995 do
      state = state * 48271 % 2147483647
      steps[i] = i % 300 < 200 and i or state % 1000 - 500 -- rising, with phases of disorder
      assert(points:add(steps[i], i % 7, i / 3, -i, i % 2 == 0))
    end
    table.sort(steps)
    local count, number = 0, 0
    for point in points:sorted() do
      count = count + 1
      local i = point[2]
      assert(point[1] ~= steps[count - 1] or i > number, "points of one step stay in their order")
      number = i
      assert.same({steps[count], i, i % 7, i / 3, -i, i % 2 == 0 and 1 or 0}, point)
    end
    assert.same(995, count)
  end)

  it("writes images as they were logged, under names that are only names", function()
    local folder = tmp.dir()
    local target = folder .. "/out"
    write(folder .. "/write.lua", ([[
      local writer = require("helios.core.logging").TensorboardWriter()
      writer:setup(%q)
      writer:add_image("../../evil\n/x", {{{0, 1}, {1, 0}}}, 5)
      assert(writer:close())]]):format(folder .. "/run"))
    helios(folder .. "/write.lua")
    local _, _, status = helios("export", folder .. "/run", "--format", "png", "-o", target)
    assert.same(0, status)
    assert.same({"%2E.%2F..%2Fevil%0A%2Fx/000000005.png", "index.csv"}, tmp.files(target))
    assert.same("\x89PNG", read(target .. "/%2E.%2F..%2Fevil%0A%2Fx/000000005.png"):sub(1, 4))
  end)

  it("gives a tag named like the index a folder beside it", function()
    local folder = tmp.dir()
    write(folder .. "/write.lua", ([[
      local writer = require("helios.core.logging").TensorboardWriter()
      writer:setup(%q)
      writer:add_text("index.csv", "t", 1)
      writer:add_image("index.csv", {{{0, 1}}}, 1)
      assert(writer:close())]]):format(folder .. "/index.csv"))
    helios(folder .. "/write.lua")
    assert.same(0, (select(3, helios("export", folder, "--format", "png", "-o", folder .. "/out"))))
    assert.same({"index%2Ecsv/index%2Ecsv/000000001.png", "index.csv"}, tmp.files(folder .. "/out"))
  end)

  it("writes text", function()
    local folder = tmp.dir()
    helios("export", GOLDEN, "--format", "txt", "-o", folder)
    assert.same("grüß\0dich", read(folder .. "/note%2Ftext_summary/000000001.txt"))
  end)

  it("tells a full disk", function()
    local _, err, status = helios("export", GOLDEN, "-o", "/dev/full")
    assert.same(1, status)
    assert.matches("/dev/full: ", err)
  end)
end)

describe("helios verify, repair, merge and purge", function()
  it("counts intact records; status 0 only when nothing is damaged", function()
    local out, _, status = helios("verify", GOLDEN)
    assert.same({GOLDEN .. ": 12 intact records\n", 0}, {out, status})
    for name, change in pairs{flipped = flip(200), cut = function(b) return b:sub(1, -2) end} do
      local folder = run_folder(change)
      out, _, status = helios("verify", folder)
      assert.same({name, 1}, {name, status})
      assert.matches(": 11 intact records, DAMAGED\n", out)
      assert.same(0, (select(3, helios("repair", folder))))
      assert.matches(": 11 intact records\n", (helios("verify", folder)))
      assert.same({"events.out.tfevents.1"}, tmp.files(folder))
    end
  end)

  it("leaves a whole file as it is", function()
    local folder = run_folder()
    assert.matches("whole, 12 records; left as it is", (helios("repair", folder)))
    assert.same(read(GOLDEN), read(folder .. "/events.out.tfevents.1"))
  end)

  it("puts a repaired file in no pipe's or device's place", function()
    local folder = run_folder(flip(200))
    local pipe = tmp.dir() .. "/pipe"
    assert(os.execute("mkfifo " .. pipe))
    local _, err, status = helios("repair", folder, "-o", pipe)
    assert.same({"helios: " .. pipe .. ": cannot replace: not a regular file\n", 1}, {err, status})
    assert.same("named pipe", lfs.attributes(pipe, "mode"))
    assert.same({"events.out.tfevents.1"}, tmp.files(folder))
  end)

  it("repairs what a link leads to, and leaves the link", function()
    local folder = run_folder(flip(200))
    local file, link = folder .. "/events.out.tfevents.1", tmp.dir() .. "/link"
    assert(lfs.link(file, link, true))
    assert.same(0, (select(3, helios("repair", link))))
    assert.same("link", lfs.symlinkattributes(link, "mode"))
    assert.same(file .. ": 11 intact records\n", (helios("verify", file)))
  end)

  it("purges a tag and nothing else", function()
    local folder = run_folder()
    assert.same(0, (select(3, helios("purge", folder, "--tag", "loss"))))
    local left = helios("cat", folder)
    local before = helios("cat", GOLDEN)
    assert.same((before:gsub('{"kind":"scalar","plugin":"scalars","step":3,"tag":"loss"[^\n]*\n', "")), left)
    assert.same(2, (select(3, helios("purge", folder))))
  end)

  it("keeps the mode of a file, and sweeps what a killed one left behind", function()
    local folder = run_folder(flip(200))
    write(folder .. "/.helios-1-0.rewrite", "half")
    assert(os.execute("chmod 640 " .. folder .. "/events.out.tfevents.1"))
    for _, words in ipairs{{"repair"}, {"purge", "--tag", "loss"}} do
      words[#words + 1] = folder
      assert.same(0, (select(3, helios(table.unpack(words)))))
      assert.same({"events.out.tfevents.1"}, tmp.files(folder))
      assert.same("rw-r-----", lfs.attributes(folder .. "/events.out.tfevents.1", "permissions"))
    end
  end)

  it("merges two sittings, the second in place of what it repeats", function()
    local folder = run_folder()
    write(folder .. "/events.out.tfevents.2", read(GOLDEN))
    local before = helios("export", folder)
    assert.same(0, (select(3, helios("merge", folder))))
    assert.same({"events.out.tfevents.2"}, tmp.files(folder))
    assert.same(before, (helios("export", folder)))
  end)

  it("refuses to merge what is damaged", function()
    local folder = run_folder(flip(200))
    write(folder .. "/events.out.tfevents.2", read(GOLDEN))
    local _, err, status = helios("merge", folder)
    assert.same(1, status)
    assert.matches("damaged: repair it first", err)
    assert.same(2, #tmp.files(folder))
  end)
end)

describe("helios recover", function()
  it("says when nothing is pending", function()
    local folder = run_folder()
    assert.same({folder .. ": nothing is pending\n", "", 0}, {helios("recover", folder)})
  end)
end)

describe("helios recover on what a killed process left", function()
  it("brings back every acknowledged event", function()
    local folder = tmp.dir()
    write(folder .. "/write.lua", ([[
      local writer = require("helios.core.logging").TensorboardWriter()
      writer:setup(%q, {flush_secs = 1000})
      for step = 1, 20 do writer:add_scalar("loss", step, step) end
      os.execute("kill -9 $PPID")]]):format(folder .. "/run"))
    local _, _, killed = os.execute(("%s %s/write.lua 2>/dev/null"):format(HELIOS, folder))
    assert.is_true(killed > 0)
    local out, _, status = helios("recover", folder)
    assert.same(0, status)
    assert.matches("brought back %d+ pending records", out)
    local rows = helios("export", folder .. "/run")
    for step = 1, 20 do assert.matches(("\n%%.,loss,%d,[%%d.]+,%d\n"):format(step, step), rows) end
    assert.same(1, #tmp.files(folder .. "/run"))
  end)
end)

describe("helios tail in a terminal", function()
  it("does what quick keys say, all of them, and gives the terminal back", function()
    local screen = tmp.dir() .. "/screen"
    local keys = ("printf ssxl; for i in $(seq 200); do grep -qs 'log  time' %s && break; sleep 0.1; done; printf q")
      :format(screen)
    local line = ("stty cols 80 rows 24; exec %s tail %s"):format(HELIOS, GOLDEN)
    assert.is_true(os.execute(("(%s) | timeout 60 script -qefc %s %s >/dev/null"):format(keys, quote(line), screen)))
    local drawn = read(screen)
    assert.matches("smooth 0%.2  log  time   q quit", drawn)
    assert.matches("\27%[%?1049l", drawn:sub(-200))
  end)
end)

describe("helios tail between two looks", function()
  it("ends soon when it is told to, and draws anew when the terminal changes", function()
    local folder = tmp.dir()
    local screen, tty = folder .. "/screen", folder .. "/tty"
    local drawn = "for i in $(seq 200); do grep -qs %s " .. screen .. " && break; sleep 0.1; done"
    local hands = table.concat({drawn:format("'q quit'"), "stty rows 9 cols 50 < $(cat " .. tty .. ")",
      drawn:format("'page 1/'"), "kill $(cat " .. folder .. "/pid)"}, "; ")
    local line = ("tty >%s; stty cols 80 rows 24; echo $$ >%s/pid; exec %s tail --interval 600 %s"):format(tty, folder,
      HELIOS, GOLDEN)
    assert.is_true(os.execute(("(%s) | timeout 60 script -qefc %s %s >/dev/null"):format(hands, quote(line), screen)))
    assert.matches("\27%[%?1049l", read(screen):sub(-200))
  end)
end)

describe("helios tail --once", function()
  it("draws each scalar with its ends", function()
    local out, _, status = helios("tail", "--once", GOLDEN, "--tag", "loss", "--width", "40", "--height", "12")
    assert.same(0, status)
    assert.matches("\nloss  0%.5\n", (out:gsub(" +\n", "\n")))
    assert.is_nil(out:find("\27", 1, true))
    for line in out:gmatch("[^\n]+") do assert.is_true(utf8.len(line) <= 40) end
  end)
end)

describe("hostile files", function()
  it("end every command with a message at worst", function()
    local list = assert(io.popen("find spec/fuzz/corpus/record_reader -type f | LC_ALL=C sort | head -40"))
    local folder = tmp.dir()
    for path in list:lines() do
      local file = folder .. "/events.out.tfevents.1"
      for _, words in ipairs{{"ls"}, {"cat"}, {"export"}, {"export", "--wide"}, {"verify"}, {"tail", "--once"},
        {"report", "-o", folder .. "/page.html"}, {"export", "--format", "png", "-o", folder .. "/media"},
        {"merge"}, {"purge", "--tag", "loss"}, {"repair"}} do
        write(file, read(path))
        local line = table.move(words, 1, #words, 1, {})
        line[#line + 1] = folder
        local _, err, status = helios(table.unpack(line))
        assert(status <= 1 and not err:find("traceback"), ("%s %s: %s"):format(words[1], path, err))
      end
    end
    list:close()
  end)
end)

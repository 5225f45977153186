---What `make install` puts into a folder, used from there and from nowhere else.
-- An installed library is no sanitizer's business.
if os.getenv("LD_PRELOAD") then return end

local events = require "spec.support.events"
local shell = require "spec.support.shell"
local tmp = require "spec.support.tmp"

describe("an installed Helios", function()
  local prefix, env, work

  lazy_setup(function()
    prefix, work = tmp.dir(), tmp.dir()
    shell.run("make -s install PREFIX=%s", prefix)
    env = ("cd %s && export PKG_CONFIG_PATH=%s/lib/pkgconfig LD_LIBRARY_PATH=%s/lib PATH=%s/bin:$PATH && "):format(
      work, prefix, prefix, prefix)
    shell.run("cp %s/examples/embed/* %s && make -s -C %s PKG_CONFIG='env PKG_CONFIG_PATH=%s/lib/pkgconfig pkg-config'",
              shell.root, work, work, prefix)
  end)

  local function run(line, ...) return shell.run("%s", env .. line:format(...)) end

  it("builds examples of fewer than 150 lines", function()
    for _, path in ipairs(tmp.files(shell.root .. "/examples/embed")) do
      local _, lines = tmp.read(shell.root .. "/examples/embed/" .. path):gsub("\n", "")
      assert.is_true(lines < 150, path)
    end
  end)

  it("gives a simulation a script that reads its field and logs it", function()
    local run_path = work .. "/" .. run("./simulation simulation.lua"):match("[^\n]+")
    assert.equal(400, #events.values(run_path, "plate/largest_change"))
    assert.equal(8, #events.values(run_path, "plate/mean"))
    local frames = events.values(run_path, "plate")
    assert.equal(8, #frames)
    assert.same({64, 64}, {frames[8].image.width, frames[8].image.height})
    local log = tmp.read(work .. "/logs/" .. tmp.files(work .. "/logs")[1])
    assert.matches("%[INFO%]: step 400: 0%.0%d+ on average\n$", log)
  end)

  it("lets a script's error end the simulation", function()
    tmp.write(work .. "/wrong.lua", "return {size = 8}")
    assert.matches("simulation: the script's 'diffusion' is no number", run("! ./simulation wrong.lua"), 1, true)
  end)

  it("lets threads with a state each write into one run", function()
    run("./threads threads.lua runs/threads 4")
    assert.equal(1, #events.files(work .. "/runs/threads"))
    for worker = 1, 4 do
      local points = events.values(work .. "/runs/threads", "root/worker_" .. worker)
      assert.equal(100, #points)
      assert.equal(100, points[100].step)
    end
  end)

  it("stays within a memory of the host's, without threads", function()
    local output = run("./bounded runs/bounded")
    assert.matches("a megabyte at once: ENOMEM", output, 1, true)
    local peak, size, left = output:match("at most (%d+) of (%d+) bytes; (%d+) in use after all")
    assert.is_true(tonumber(peak) <= tonumber(size))
    assert.equal("0", left)
    assert.equal(5000, #events.values(work .. "/runs/bounded", "temperature"))
    assert.equal(5, #events.values(work .. "/runs/bounded", "picture"))
  end)

  it("links with the shared library by its soname", function()
    run([[printf '#include <helios/helios.h>\nint main(void) { return helios_version()[0] != 48; }' >version.c]])
    run("cc version.c $(pkg-config --cflags --libs helios) -o version && ./version")
    assert.matches("Shared library: [libhelios.so.0]", run("readelf -d version"), 1, true)
    assert.matches("Library soname: [libhelios.so.0]", run("readelf -d %s/lib/libhelios.so", prefix), 1, true)
  end)

  it("links statically as pkg-config says", function()
    run("cc -static version.c $(pkg-config --static --cflags --libs helios) -o static && ./static")
  end)

  it("is there for Lua", function()
    tmp.write(work .. "/first.lua", [[
      local tb = require("helios").logging.TensorboardWriter()
      tb:setup("runs/lua")
      tb:add_scalar("a", 1, 1)
      assert(tb:close())]])
    run("export LUA_PATH='%s/share/lua/5.4/?.lua;%s/share/lua/5.4/?/init.lua' LUA_CPATH='%s/lib/lua/5.4/?.so'; %s",
        prefix, prefix, prefix, "lua5.4 first.lua")
    assert.equal(1, #events.values(work .. "/runs/lua", "a"))
  end)

  it("has a command that needs none of its files", function()
    run("cp %s/bin/helios ./alone && env -i ./alone first.lua && env -i ./alone verify runs/lua", prefix)
    assert.equal(2, #events.values(work .. "/runs/lua", "a"))
    assert.is_nil(run("ldd ./alone"):find("png"))
  end)

  it("has man pages without errors, which name every function and every command", function()
    local manual = tmp.read(prefix .. "/share/man/man3/helios.3")
    for _, name in ipairs(tmp.files(shell.root .. "/include/helios")) do
      local header = tmp.read(shell.root .. "/include/helios/" .. name):gsub("/%*.-%*/", "")
      for declaration in header:gmatch("HELIOS_API [^;]*;") do
        local call = declaration:gsub("__attribute__.*", ""):match("([%w_]+)%(")
        assert.truthy(call == nil or manual:find(call .. "(", 1, true), call)
      end
    end
    local page = tmp.read(prefix .. "/share/man/man1/helios.1")
    for command in run("helios --help"):gmatch("\n  (%l+) ") do
      assert.truthy(page:find(".It Cm " .. command, 1, true), command)
    end
    if shell.has("mandoc") then
      assert.equal("", run("mandoc -T lint -W error %s/share/man/man?/helios.?", prefix))
    end
  end)

  it("completes commands, options and files in bash", function()
    local complete = [[bash -c 'source %s/share/bash-completion/completions/helios; COMP_WORDS=(helios %s);
      COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _helios; echo "${COMPREPLY[@]}"']]
    local commands = run(complete, prefix, "re")
    for _, name in ipairs {"recover", "repair", "report"} do assert.matches(name, commands, 1, true) end
    assert.is_nil(commands:find("verify"))
    assert.matches("--text-log", run(complete, prefix, "tail --te"), 1, true)
    assert.matches("first.lua", run(complete, prefix, "fir"), 1, true)
  end)

  it("leaves nothing behind when it is uninstalled", function()
    local other = tmp.dir()
    shell.run("make -s install DESTDIR=%s PREFIX=/usr", other)
    assert.is_true(#tmp.files(other) > 50)
    assert.equal("prefix=/usr", tmp.read(other .. "/usr/lib/pkgconfig/helios.pc"):match("[^\n]*"))
    shell.run("make -s uninstall DESTDIR=%s PREFIX=/usr", other)
    assert.same({}, tmp.files(other))
  end)
end)

describe("make static", function()
  it("gives a command that needs no shared library, not even libc", function()
    shell.run("make -s static")
    local program = shell.build .. "/helios-static"
    assert.matches("not a dynamic executable", shell.run("! ldd %s", program), 1, true)
    assert.matches("^Helios %d", shell.run([[env -i %s -e 'print(require("helios")._VERSION)']], program))
  end)
end)

describe("make amalgam", function()
  it("gives one source and one header that build without a warning and log", function()
    local dir = tmp.dir()
    shell.run("make -s amalgam BUILD=%s", dir)
    assert.same({"helios.c", "helios.h"}, tmp.files(dir .. "/amalgam"))
    tmp.write(dir .. "/main.c", [[
#include "helios.h"
int main(void) {
  helios_writer *w;
  helios_logger *l;
  if (helios_writer_open("run", 0, &w, 0, 0) != HELIOS_OK) return 1;
  if (helios_logger_open("log", 0, &l, 0, 0) != HELIOS_OK) return 1;
  helios_status status = helios_writer_add_scalar(w, "a", 0.5, 7);
  helios_logger_printf(l, HELIOS_INFO, "%d", 7);
  helios_logger_free(l);
  helios_writer_free(w);
  return status != HELIOS_OK;
}
]])
    local line = "cc -O1 -Wall -Wextra -Iamalgam main.c amalgam/helios.c -lpng -lz -lm -pthread && ./a.out"
    assert.equal("", shell.run("cd %s && %s", dir, line))
    assert.equal(7, events.values(dir .. "/run", "a")[1].step)
    assert.matches("%[INFO%]: 7\n$", tmp.read(dir .. "/log"))
  end)
end)

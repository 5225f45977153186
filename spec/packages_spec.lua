---The Debian packages and the LuaRock, installed where nothing else is, and used. `make check-packages` runs this.
if not os.getenv("PACKAGES") then return end

local events = require "spec.support.events"
local shell = require "spec.support.shell"
local tmp = require "spec.support.tmp"

local SCRIPT = [[
local tb = require("helios").logging.TensorboardWriter()
tb:setup("run")
tb:add_scalar("a", 0.5, 7)
assert(tb:close())
]]

local version = tmp.read("include/helios/status.h"):match('HELIOS_VERSION "([^"]+)"')

describe("make deb", function()
  local debs = shell.build .. "/deb"
  local root, env, work

  lazy_setup(function()
    root, work = tmp.dir(), tmp.dir()
    shell.run("make -s deb")
    shell.run("mkdir -p %s/var/lib/dpkg/info %s/var/lib/dpkg/updates && touch %s/var/lib/dpkg/status", root, root, root)
    -- Only into this root: its dependencies are the surrounding system's.
    shell.run("ls %s/*.deb | grep -v dbgsym | xargs fakeroot dpkg --root=%s --force-depends -i", debs, root)
    local lib = root .. "/usr/lib/" .. shell.run("dpkg-architecture -q DEB_HOST_MULTIARCH"):gsub("%s", "")
    env = ("cd %s && export LD_LIBRARY_PATH=%s PATH=%s/usr/bin:$PATH PKG_CONFIG_SYSROOT_DIR=%s PKG_CONFIG_PATH=%s && ")
      :format(work, lib, root, root, lib .. "/pkgconfig")
      .. ("export LUA_PATH='%s/usr/share/lua/5.4/?.lua;%s/usr/share/lua/5.4/?/init.lua' LUA_CPATH='%s/lua/5.4/?.so'; ")
      :format(root, root, lib)
    tmp.write(work .. "/script.lua", SCRIPT)
  end)

  local function run(line) return shell.run("%s", env .. line) end

  it("installs all packages with the version of the header", function()
    local format = "${Package} ${Version} ${db:Status-Abbrev}\\n"
    local listed = shell.run("dpkg-query --admindir=%s/var/lib/dpkg -W -f '%s'", root, format)
    for _, name in ipairs {"helios", "libhelios-dev", "libhelios0", "lua-helios"} do
      assert.matches(name .. " " .. version .. " ii", listed, 1, true)
    end
  end)

  it("gives Lua the modules", function()
    run("lua5.4 script.lua")
    assert.equal(7, events.values(work .. "/run", "a")[1].step)
  end)

  it("gives the command, linked with the system's libraries", function()
    assert.matches("2 intact records", run("helios verify run"), 1, true)
    assert.matches("liblua5.4", run("ldd $(command -v helios)"), 1, true)
  end)

  it("gives C programs headers, libraries and their flags", function()
    tmp.write(work .. "/t.c", '#include <helios/helios.h>\nint main(void) { return helios_version()[0] != 48; }\n')
    run("cc t.c -o t $(pkg-config --cflags --libs helios) && ./t")
  end)

  it("has no error in lintian's eyes", function()
    if shell.has("lintian") then shell.run("lintian --allow-root --fail-on error %s/*.changes", debs) end
  end)
end)

describe("the rockspec", function()
  it("has the header's version", function()
    assert.matches('version = "' .. version .. '-1"', tmp.read(("helios-%s-1.rockspec"):format(version)), 1, true)
  end)

  it("builds and installs modules that work", function()
    local tree, work = tmp.dir(), tmp.dir()
    shell.run("luarocks --lua-version=5.4 make --tree %s helios-%s-1.rockspec", tree, version)
    tmp.write(work .. "/script.lua", SCRIPT)
    shell.run("cd %s && eval \"$(luarocks --lua-version=5.4 --tree %s path)\" && lua5.4 script.lua", work, tree)
    assert.equal(7, events.values(work .. "/run", "a")[1].step)
  end)
end)

---`helios report`: the page, and what a browser makes of it. The parts that need Chromium are pending without it.
local lfs = require "lfs"
local tmp = require "spec.support.tmp"

local HELIOS = (os.getenv("BUILD") or "build") .. "/helios"

local function write(path, bytes)
  local file = assert(io.open(path, "wb"))
  file:write(bytes)
  assert(file:close())
end

local EVIL = [[</script><script>document.title="hacked"</script><img src=x onerror="document.title='hacked'">]]

local SCRIPT = [==[
local folder, evil = ...
local logging = require "helios.core.logging"
for r = 1, 2 do
  local w = logging.TensorboardWriter()
  w:setup(folder .. "/run<b>" .. r)
  for i = 1, 5 do
    w:add_scalar("loss", 1 / i, i)
    w:add_scalar(evil, i == 3 and 0 / 0 or i, i)
    w:add_image("picture", {{{0, 1}, {1, i / 5}}}, i)
    w:add_text("note", "# Title " .. i .. "\n\n" .. evil
      .. "\n\n[x](javascript:alert(1)) [y](https://example.org/) ![p](http://e/x.png)", i)
    w:add_histogram("weights", {1, 2, 3, i}, i)
    w:add_pr_curve("curve", {0, 1, 1}, {0.1, 0.6, 0.9}, i)
  end
  w:add_hparams({lr = 0.1 * r, name = evil}, {loss = 1 / 5})
  assert(w:close())
end
]==]

local function run(...)
  local words = {HELIOS}
  for _, word in ipairs{...} do words[#words + 1] = "'" .. word:gsub("'", "'\\''") .. "'" end
  return os.execute(table.concat(words, " ") .. " >/dev/null")
end

local function has_chromium() return os.execute("command -v chromium >/dev/null 2>&1") == true end

---What the document is once its scripts have run.
local function dom(page, anchor)
  local profile = tmp.dir()
  -- a sanitizer that is loaded into us is not for the browser
  local pipe = assert(io.popen(("env -u LD_PRELOAD -u LUA_INIT timeout 60 chromium --headless=new --no-sandbox "
    .. "--disable-gpu --user-data-dir=%s "
    .. "--virtual-time-budget=4000 --dump-dom 'file://%s%s' 2>/dev/null"):format(profile, page, anchor or "")))
  local text = pipe:read("a")
  pipe:close()
  os.execute("rm -rf " .. profile .. "/*")
  return text
end

describe("helios report", function()
  local folder, page, text

  setup(function()
    folder = tmp.dir()
    page = folder .. "/report.html"
    write(folder .. "/write.lua", SCRIPT)
    assert(run(folder .. "/write.lua", folder .. "/runs", EVIL))
    assert(run("report", folder .. "/runs", "-o", page))
    text = assert(io.open(page, "rb")):read("a")
  end)

  it("is one file that asks for no other", function()
    assert.same({"report.html", "write.lua"}, tmp.files(folder, "^[^/]*$"))
    assert.is_nil(text:find("<link", 1, true))
    assert.is_nil(text:find("<script[^>]* src="))
    assert.matches("default%-src 'none'", text)
  end)

  it("tells a full disk as the system does, and leaves the device", function()
    local pipe = assert(io.popen(("%s report %s/runs -o /dev/full 2>&1"):format(HELIOS, folder)))
    assert.same("helios: /dev/full: No space left on device\n", pipe:read("a"))
    assert.same({nil, "exit", 1}, {pipe:close()})
    assert.same("char device", lfs.attributes("/dev/full", "mode"))
  end)

  it("takes the place of what a link leads to", function()
    local link, target = folder .. "/link.html", folder .. "/led_to.html"
    write(target, "")
    assert(lfs.link(target, link, true))
    assert(run("report", folder .. "/runs", "-o", link))
    assert.same("link", lfs.symlinkattributes(link, "mode"))
    assert.matches("^<!DOCTYPE html>", assert(io.open(target, "rb")):read("a"))
    assert(os.remove(link) and os.remove(target))
  end)

  it("lets nothing of a run become markup", function()
    assert.is_nil(text:find("<img src=x", 1, true))
    assert.is_nil(text:find('document.title="hacked"</script>', 1, true))
    local opened = select(2, text:gsub("<script[ >]", ""))
    assert.same(opened, select(2, text:gsub("</script>", "")))
  end)

  it("carries every step of images, not a sample", function()
    assert.same(10, select(2, text:gsub('"text/plain" id="b%d+">iVBORw0KGgo', "")))
  end)

  it("opens in a browser with a section for each kind", function()
    if not has_chromium() then return pending("chromium is not installed") end
    local html = dom(page)
    assert.matches('data%-ready="%d+"', html)
    assert.matches("<title>runs</title>", html)
    for _, name in ipairs{"Scalars", "Images", "Text", "Histograms", "PR curves", "HParams"} do
      assert.matches('<section data%-name="' .. name .. '"', html)
    end
    assert.matches("run&lt;b&gt;1", html)
  end)

  it("renders Markdown, and scripts of a run as text", function()
    if not has_chromium() then return pending("chromium is not installed") end
    local html = dom(page, "#text")
    assert.matches("<h3>Title 5</h3>", html)
    assert.matches('<a [^>]*href="https://example%.org/"', html)
    assert.is_nil(html:find('href="javascript', 1, true))
    assert.is_nil(html:find("<title>hacked", 1, true))
    assert.is_nil(html:find("<img src=\"x\"", 1, true))
    assert.matches("&lt;img src=x onerror=", html)
  end)

  it("shows the last picture, and the table of hyper-parameters", function()
    if not has_chromium() then return pending("chromium is not installed") end
    assert.matches('<img class="picture small"[^>]*src="data:image/png;base64,iVBOR', dom(page, "#images"))
    local html = dom(page, "#hparams")
    assert.matches("metric: loss", html)
    assert.matches("<polyline", html)
  end)
end)

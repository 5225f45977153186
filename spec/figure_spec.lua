local figure = require "helios.figure"
local gnuplot = require "helios.figure.gnuplot"
local lfs = require "lfs"
local tmp = require "spec.support.tmp"

-- Width and height as the picture's own header says.
local function png_size(bytes)
  assert.equal("\137PNG\r\n\26\n", bytes:sub(1, 8))
  local width, height = string.unpack(">I4I4", bytes, 17)
  return width, height
end

local function script_of(draw)
  local panels = {}
  local fig = figure.new()
  draw(fig)
  for i, panel in ipairs(fig.panels) do panels[i] = panel end
  return gnuplot.script(fig.options, panels)
end

-- A program that stands in for gnuplot.
local function fake_gnuplot(body)
  local path = tmp.dir() .. "/gnuplot"
  tmp.write(path, "#!/bin/sh\n" .. body .. "\n")
  assert(os.execute("chmod +x " .. path))
  return path
end

local HOSTILE = "`touch %s` $(touch %s) system(\"touch %s\") '\" \\\n @x %%d {/Bold a}_2^3 <b>&amp;"
  .. " \u{b5}\n!touch %s\n"

describe("figure:render", function()
  after_each(function() figure.gnuplot, figure.timeout = "gnuplot", 60 end)

  it("gives a PNG of the asked size", function()
    local png = figure.new{width = 320, height = 200}:plot({1, 2, 3}, {1, 4, 9}):render()
    assert.same({320, 200}, {png_size(png)})
  end)

  -- Few machines have a locale with a comma, so string.format stands for one.
  it("writes its script with points, whatever the locale of the host", function()
    local function script()
      return script_of(function(f)
        f:plot({0.5, 1.25}, {-0.1, 2.5}, {style = "o-", width = 1.5}):scatter({0.5}, {1.5}, {size = 0.7})
        f:text(0.25, 0.75, "here")
        f:subplot(2, 2, 2):imshow({{0.5, 1.25}, {2, 1e-5}}, {annotate = true})
      end)
    end
    local here, format = script(), string.format
    finally(function() rawset(string, "format", format) end)
    rawset(string, "format", function(f, ...)
      local text = format(f, ...)
      return f:find("%%[%.%d]*[aefg]") and text:gsub("(%d)%.(%d)", "%1,%2") or text
    end)
    assert.equal("0,5", ("%g"):format(0.5))
    local there = script()
    rawset(string, "format", format)
    assert.equal(here, there)
  end)

  it("draws every kind of item, also empty, all NaN, constant or on log axes", function()
    local nan = 0 / 0
    local draws = {
      function(f) f:plot({}) end,
      function(f) f:plot({1, 2}, {nan, nan}, {label = "nothing"}) end,
      function(f) f:plot({7}, {5}):scatter({1, 2}, {math.huge, 1e308}) end,
      function(f) f:plot({3, 1, 2}, {style = "--", label = "counted"}) end,
      function(f) f:bar({}, {}):bar({}, {}) end,
      function(f) f:bar({"a", 2, "c"}, {1, -2, 3}):bar({"a", "b", "c"}, {0, 0, 0}) end,
      function(f) f:hist({}):hist({5, 5, 5}):hist({nan, math.huge}, {0, 1, 10}) end,
      function(f) f:imshow({{nan}}) end,
      function(f) f:imshow({{1, 2, 3}}, {annotate = true, xlabels = {"x", "y", 3}}) end,
      function(f) f:imshow({{1}, {2}}, {annotate = {{"`a`"}, {"%s"}}, cmap = "gray", colorbar = false}) end,
      function(f) f:text(-1, -1, "below zero"):text(1, 1, "here", {align = "center", color = "red"}) end,
    }
    for i, draw in ipairs(draws) do
      for _, log in ipairs{false, true} do
        local fig = figure.new{width = 200, height = 150, logx = log, logy = log, legend = "outside"}
        draw(fig)
        local ok, png = pcall(fig.render, fig)
        assert.is_true(ok, ("case %d, log %s: %s"):format(i, log, png))
        assert.same({200, 150}, {png_size(png)})
      end
    end
  end)

  it("draws panels of several grids under one title", function()
    local fig = figure.new{title = "all", grid = true}
    fig:subplot(2, 2, 1, {title = "one"}):plot({1, 2}):subplot(2, 1, 2):bar({"a"}, {1})
    fig:subplot(2, 2, 1):plot({2, 1})
    assert.equal(2, #fig.panels[1].items)
    assert.same({640, 480}, {png_size(fig:render())})
  end)

  it("never lets text be interpreted", function()
    local dir = tmp.dir()
    local made = dir .. "/made"
    local text = HOSTILE:gsub("%%s", (made:gsub("%%", "%%%%")))
    local fig = figure.new{title = text, xlabel = text, ylabel = text}
    fig:plot({1, 2, 3}, {label = text}):bar({text, "b"}, {1, 2}, {label = text}):text(1, 1, text)
    local labels = {xlabels = {text, text}, ylabels = {text}, annotate = {{text, text}}}
    fig:subplot(1, 2, 2, {title = text}):imshow({{1, 2}}, labels)
    png_size(fig:render())
    assert.is_nil(lfs.attributes(made))
  end)

  it("hands over text as escapes only", function()
    local script = script_of(function(f) f:plot({1}, {label = "a`b@c\nd\"e'9"}):text(0, 0, "%") end)
    assert.truthy(script:find([[title "a\140b\100c\012d\042e\047\071"]], 1, true))
    assert.truthy(script:find([[set label "\045" at first 0, first 0]], 1, true))
    assert.is_nil(script:find("`", 1, true))
  end)

  it("replaces what no font can draw, which gnuplot would draw as large as the picture", function()
    local drawable = require("helios.figure.glyphs").drawable
    assert.equal("a\tb\nc\u{fffd}\u{fffd}d", drawable("a\tb\r\nc\1\27d"))
    assert.equal("gr\u{fc}n", drawable("gr\u{fc}n"))
    local shown = drawable("x\u{10ffff}y") -- not a character
    assert.truthy(shown == "x\u{fffd}y" or shown == "x?y")
    local script = script_of(function(f) f:text(0, 0, "\1") end)
    assert.truthy(script:find([[set label "\357\277\275"]], 1, true))
  end)

  it("keeps a percent sign of a tick's text, which gnuplot would take as a format", function()
    local script = script_of(function(f) f:bar({"100%"}, {1}) end)
    assert.truthy(script:find([["\061\060\060\045\045" 1]], 1, true))
  end)

  local function range_of(script, axis)
    local low, high = script:match("set " .. axis .. "range %[(.-):(.-)%]")
    return {tonumber(low), tonumber(high)}
  end

  local function count_to(n, fn)
    local out = {}
    for i = 1, n do out[i] = fn and fn(i) or i end
    return out
  end

  it("keeps marks off the border, and lines up to the ticks", function()
    assert.same({0.96, 2.04}, range_of(script_of(function(f) f:scatter({1, 2}, {1, 2}) end), "x"))
    assert.same({1, 2}, range_of(script_of(function(f) f:plot({1, 2}, {1, 2}) end), "x"))
    assert.same({0, 35}, range_of(script_of(function(f) f:bar({"a", "b"}, {3, 32}) end), "y"))
  end)

  it("spans only points that can be drawn, so that ticks keep their distance", function()
    local script = script_of(function(f)
      f:subplot(1, 1, 1, {logy = true}):plot({1, 2, 3, 4}, {0, -1, 10, 100})
    end)
    assert.same({3, 4}, range_of(script, "x"))
    assert.same({10, 100}, range_of(script, "y"))
    assert.truthy(script:find("\nNaN NaN\nNaN NaN\n3 10\n", 1, true))
  end)

  it("gives the lowest bar of a logarithmic axis a height", function()
    local script = script_of(function(f) f:subplot(1, 1, 1, {logy = true}):bar({"a", "b"}, {1, 50}) end)
    assert.same({0.1, 100}, range_of(script, "y"))
  end)

  it("puts the legend where it hides the least, outside when it is high, and where it was told to", function()
    local function place(legend, ...)
      local curves = {...}
      local script = script_of(function(f)
        f:subplot(1, 1, 1, {legend = legend})
        for i, ys in ipairs(curves) do f:plot(ys, {label = "curve " .. i}) end
      end)
      return script:match("set key noenhanced opaque ([%a ]+)")
    end
    assert.equal("inside right top", place(nil, {3, 2, 1}))
    assert.equal("inside left top", place(nil, {1, 2, 3}))
    assert.equal("inside left bottom", place(nil, {10, 10, 10}, {5, 1, 1}))
    assert.equal("outside right top", place(nil, table.unpack(count_to(40, function(i) return {i, 1} end))))
    assert.equal("inside right top", place("top right", {1, 2, 3}))
    assert.is_nil(place(false, {1, 2, 3}))
  end)

  it("marks whole cells of an image, and as many labels as there is room for", function()
    local script = script_of(function(f) f:imshow({{1, 2, 3, 4}}) end)
    assert.truthy(script:find('set xtics [^\n]*autofreq 1\n'))
    assert.truthy(script:find('set ytics [^\n]*autofreq 1\n'))
    script = script_of(function(f) f:bar(count_to(200, tostring), count_to(200)) end)
    local _, count = script:match("set xtics ([^\n]*)"):gsub(",", "")
    assert.truthy(count > 5 and count < 40, count)
  end)

  it("writes ticks with the digits by which they differ", function()
    local script = script_of(function(f) f:plot({1, 2}, {1000000.1, 1000000.3}) end)
    local format, step = script:match('set ytics [^\n]*format "(.-)" autofreq (%S+)')
    assert.not_equal(format:format(1000000.1), format:format(1000000.1 + tonumber(step)))
  end)

  it("lets histograms in one panel shine through", function()
    local one = script_of(function(f) f:hist({1, 2}) end)
    local two = script_of(function(f) f:hist({1, 2}):hist({1, 3}) end)
    assert.is_nil(one:find("transparent", 1, true))
    assert.truthy(two:find("transparent", 1, true))
  end)

  it("leaves out points that fall on the same pixels, and keeps what can be seen", function()
    local n, ys = 100000, {}
    for i = 1, n do ys[i] = (i * 7919) % 1000 end -- all over the place
    ys[54321], ys[60000] = 5000, 0 / 0
    for style, most in pairs{["-"] = 4000, ["o--"] = 4000, o = 70000} do
      local script = script_of(function(f) f:plot(ys, {style = style}) end)
      local block = script:match("%$d1_1 << EOD\n(.-)\nEOD")
      local _, rows = block:gsub("\n", "")
      assert.truthy(rows > 1000 and rows < most, style .. rows)
      assert.truthy(block:find("54321 5000", 1, true))
      assert.equal(style ~= "o", block:find("NaN NaN", 1, true) ~= nil)
    end
    assert.same({640, 480}, {png_size(figure.new():plot(ys):render())})
  end)

  it("draws the smallest and largest numbers there are", function()
    for _, ys in ipairs{{5e-324, 1e-323}, {-1e308, 1e308}, {1e-320, 1e300}, {math.mininteger, math.maxinteger}} do
      for _, log in ipairs{false, true} do
        png_size(figure.new{logy = log, ylim = log and {1e-320, 1e308} or {-1e308, 1e308}}:plot(ys):render())
        png_size(figure.new{logy = log}:plot(ys):hist(ys, 3):render())
      end
    end
  end)

  it("takes booleans as numbers, and a format for whole ones", function()
    local script = script_of(function(f) f:imshow({{true, false}}, {annotate = "%d!"}) end)
    assert.truthy(script:find('set label "\\061\\041" at first 0', 1, true))
    script = script_of(function(f) f:imshow({{3, 0 / 0}}, {annotate = "%d"}) end)
    assert.truthy(script:find('set label "nan" at first 1', 1, true))
  end)

  it("knows lines, marks and both at once", function()
    for style, way in pairs{["--"] = "lines dt 2", x = "points pt 2", ["s:"] = "linespoints dt 3 lw 1.5 pt 5",
      linespoints = "linespoints dt 1", steps = "steps dt 1"} do
      assert.truthy(script_of(function(f) f:plot({1, 2}, {style = style}) end):find("with " .. way, 1, true), style)
    end
  end)

  it("says what to install when there is no gnuplot", function()
    figure.gnuplot = "/nowhere/gnuplot"
    assert.error_matches(function() figure.new():render() end, "gnuplot was not found.*apt install gnuplot%-nox")
  end)

  it("ends with gnuplot's message when it fails", function()
    figure.gnuplot = fake_gnuplot("cat >/dev/null; echo 'line 3: no such terminal' >&2; exit 1")
    assert.error_matches(function() figure.new():render() end,
      "render: gnuplot failed %(status 1%): line 3: no such terminal")
    figure.gnuplot = fake_gnuplot("exit 0")
    assert.error_matches(function() figure.new():render() end, "it gave no picture")
    figure.gnuplot = fake_gnuplot("kill -9 $$")
    assert.error_matches(function() figure.new():render() end, "status %-9")
  end)

  it("kills a gnuplot that hangs, with what it has started", function()
    local pid_file = tmp.dir() .. "/pid"
    figure.gnuplot = fake_gnuplot(("sleep 1000 & echo $! > %s; wait"):format(pid_file))
    for _, seconds in ipairs {1, 8, 64} do -- a busy machine may need more than one to start it
      figure.timeout = seconds
      assert.error_matches(function() figure.new():render() end, "took too long and was killed")
      if tmp.files(pid_file:match "^(.*)/")[1] and tmp.read(pid_file) ~= "" then break end
    end
    local stat_file = "/proc/" .. tmp.read(pid_file):match("%d+") .. "/stat"
    local state
    for _ = 1, 100 do -- the kernel ends what was killed when it gets round to it
      local stat = io.open(stat_file)
      state = stat and stat:read("a"):match("%) (%a)")
      if stat then stat:close() end
      if state == nil or state == "Z" then break end
      os.execute("sleep 0.05")
    end
    assert.truthy(state == nil or state == "Z")
  end)
end)

describe("figure:save", function()
  it("writes the picture", function()
    local path = tmp.dir() .. "/f.png"
    assert.is_true(figure.new{width = 100, height = 90}:save(path))
    assert.same({100, 90}, {png_size(tmp.read(path))})
  end)

  it("returns nil and the reason when the file cannot be written", function()
    local ok, message, code = figure.new():save("/nowhere/f.png")
    assert.is_nil(ok)
    assert.truthy(message:find("/nowhere/f.png", 1, true))
    assert.equal("number", type(code))
  end)
end)

describe("figure:hist", function()
  it("counts into half-open bins, the last one closed", function()
    local fig = figure.new():hist({0, 1, 1, 2, 3, 4, 5, 0 / 0}, {0, 1, 2, 4})
    assert.same({1, 2, 3}, fig.panels[1].items[1].y)
  end)

  it("takes bins among the options, too", function()
    local item = figure.new():hist({0, 10}, {bins = 4, label = "l"}).panels[1].items[1]
    assert.same({0, 2.5, 5, 7.5, 10}, item.edges)
    assert.equal("l", item.options.label)
    assert.equal(11, #figure.new():hist({0, 10}, {label = "l"}).panels[1].items[1].edges)
  end)

  it("spans the finite values with equal bins", function()
    local item = figure.new():hist({0, 10, math.huge}, 4).panels[1].items[1]
    assert.same({0, 2.5, 5, 7.5, 10}, item.edges)
    assert.same({1, 0, 0, 1}, item.y)
  end)
end)

describe("a closed figure", function()
  it("refuses everything but close", function()
    local fig = figure.new():plot({1})
    fig:close()
    fig:close()
    for _, call in ipairs{"plot", "render", "subplot", "text"} do
      assert.error_matches(function() fig[call](fig, 1, 1, 1) end, call .. ": figure is closed")
    end
  end)
end)

describe("a wrong figure call", function()
  local cases = {
    {"new: argument 'width': expected an integer from 16 to 16384, got 1.5", function() figure.new{width = 1.5} end},
    {"new: argument 'colour': unknown option", function() figure.new{colour = 1} end},
    {"new: argument 'title': not valid UTF%-8", function() figure.new{title = "\xff"} end},
    {"new: argument 'title': holds a NUL byte", function() figure.new{title = "a\0b"} end},
    {"new: argument 'xlim': expected {low, high} with low < high", function() figure.new{xlim = {2, 1}} end},
    {"new: argument 'ylim': expected limits above 0 on a log axis, got 0",
      function() figure.new{logy = true, ylim = {0, 1}} end},
    {"new: argument 'legend': expected one of .*\"top left\".*, got \"below\"",
      function() figure.new{legend = "below"} end},
    {"plot: argument 'xs': expected a list of numbers, got \"x\"", function(f) f:plot("x", {1}) end},
    {"plot: argument 'ys': has 1 values, but 'xs' has 2", function(f) f:plot({1, 2}, {1}) end},
    {"plot: argument 'ys': expected a number at 2, got \"b\"", function(f) f:plot({1, 2}, {1, "b"}) end},
    {"plot: argument 'style': expected one of ", function(f) f:plot({1}, {style = "wavy"}) end},
    {"scatter: argument 'size': expected more than 0, got 0", function(f) f:scatter({1}, {1}, {size = 0}) end},
    {"plot: argument 'color': expected one of ", function(f) f:plot({1}, {color = "red; system('x')"}) end},
    {"bar: argument 'values': has 1 values, but 'labels' has 2", function(f) f:bar({"a", "b"}, {1}) end},
    {"bar: argument 'labels': expected 1 like the bars before, got 2",
      function(f) f:bar({"a"}, {1}):bar({"a", "b"}, {1, 2}) end},
    {"hist: argument 'bins': expected an integer from 1 to 100000, got 0", function(f) f:hist({1}, 0) end},
    {"hist: argument 'bins': edges must ascend %(at 2%)", function(f) f:hist({1}, {1, 1}) end},
    {"imshow: argument 'matrix': row 2 has 1 values, row 1 has 2", function(f) f:imshow({{1, 2}, {3}}) end},
    {"imshow: argument 'matrix': expected rows of numbers", function(f) f:imshow({1, 2}) end},
    {"imshow: argument 'xlabels': expected 2 strings, got 1",
      function(f) f:imshow({{1, 2}}, {xlabels = {"a"}}) end},
    {"imshow: argument 'annotate': cannot format the number at %[1%]%[2%]: %(number has no integer representation%)",
      function(f) f:imshow({{1, 1.5}}, {annotate = "%d"}) end},
    {"imshow: argument 'annotate': cannot format the number at %[1%]%[1%]",
      function(f) f:imshow({{1}}, {annotate = "%y"}) end},
    {"text: argument 'x': expected a finite number, got inf", function(f) f:text(math.huge, 1, "s") end},
    {"subplot: argument 'i': expected an integer from 1 to 4, got 5", function(f) f:subplot(2, 2, 5) end},
    {"save: argument 'path': expected a string, got nil", function(f) f:save() end},
  }
  for _, case in ipairs(cases) do
    it("says " .. case[1], function()
      local fig = figure.new()
      assert.error_matches(function() case[2](fig) end, case[1])
    end)
  end

  it("is told at the caller's line", function()
    local _, message = pcall(function() figure.new():plot("x") end)
    assert.truthy(message:find("figure_spec.lua:", 1, true))
  end)
end)

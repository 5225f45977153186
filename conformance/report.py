"""`make browser`, second part: the page that `helios report` writes, worked with as a person does, in headless
Chromium: zoom, smoothing, axes, runs, sliders, a film. The runs try to script the page by every text they hold. Leaves
screenshots, a narrow one, a dark one and the page on paper in build/browser. A large page: its size, and how soon it is
there."""
import base64
import os
import subprocess
import sys
import tempfile

from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from page import Page
from viewers import Checks

BUILD = os.environ.get("BUILD", "build")
OUT = os.path.join(BUILD, "browser")
EVIL = ('</script><script>window.hacked=1</script><img src=x onerror="window.hacked=1">'
        '<svg onload="window.hacked=1">')
LINK = "[x](javascript:window.hacked=1)"

RUNS = r"""
local folder, evil, link = ...
local logging = require "helios.core.logging"

local function picture(rows, columns, value)
  local out = {}
  for y = 1, rows do
    out[y] = {}
    for x = 1, columns do out[y][x] = value(x, y) end
  end
  return out
end

local function film(step)
  local frames = {}
  for n = 1, 6 do
    local plane = picture(20, 48, function(x) return (x - 1) // 8 == n - 1 and 1 or step / 10 end)
    frames[n] = {plane, plane, plane}
  end
  return {frames}
end

for r, name in ipairs{"plain", "<img src=x onerror=window.hacked=1>"} do
  local w = logging.TensorboardWriter()
  w:setup(folder .. "/" .. name)
  w:add_hparams({lr = 10 ^ -(3 * r), [evil] = evil, word = "constructor"}, {[evil] = r})
  w:add_text("a note", "*slanted* train_loss_mean __fat__ a__b__c `code` \\*plain\\*\n\n- outer\n  - inner", 1)
  for i = 1, 100 do
    for _, tag in ipairs{"loss", "low", "high"} do
      local scale = ({loss = 1, low = 0.8, high = 1.2})[tag]
      w:add_scalar(tag, r * math.exp(-i / 20) * scale, {global_step = i, walltime = 1.7e9 + 360 * i})
    end
    w:add_scalar("train/" .. evil, i, i)
  end
  for i = 1, 4 do
    w:add_image("picture", {picture(16, 20, function(x, y) return x * y * i % 97 / 97 end)}, i)
    w:add_text("note" .. evil, evil .. "\n\n" .. link, i)
    w:add_histogram("weights" .. evil, {1, 2, 3, i}, i)
    w:add_pr_curve("curve" .. evil, {0, 1, 1, 0}, {0.1, 0.6, 0.9, 0.7}, i)
    w:add_video("film", film(i), i, 4)
    w:add_audio("tone" .. evil, {0, 0.5, 0, -0.5}, i, 8000)
  end
  w:add_custom_scalars({{evil, {{evil, {"Margin", {"loss", "low", "high"}}}, {"lines", {"Multiline", {"l.*"}}}}}})
  w:add_graph{{name = "in", op = evil}, {name = "a/" .. evil, op = "Linear", inputs = {"in"}, attr = {[evil] = evil}}}
  assert(w:close())
end
"""


# Five runs with twenty tags of ten thousand steps, noisy, so that they pack badly.
LARGE = r"""
local folder = ...
local logging = require "helios.core.logging"
for run = 1, 5 do
  local w = logging.TensorboardWriter()
  w:setup(folder .. "/run" .. run)
  for step = 1, 10000 do
    for tag = 1, 20 do
      local value = math.exp(-step / 3000) + math.random() * tag / 20
      w:add_scalar((tag > 10 and "train/" or "eval/") .. tag, value, {global_step = step, walltime = 1.7e9 + step / 3})
    end
  end
  assert(w:close())
end
"""
LARGE_BYTES = 6e6  # as docs/reading.md has it


def helios(*words):
    subprocess.run([os.path.join(BUILD, "helios"), *words], check=True, stdout=subprocess.DEVNULL)


def write_page(folder, program, *arguments):
    script, page = os.path.join(folder, "runs.lua"), os.path.join(folder, "report.html")
    with open(script, "w", encoding="utf-8") as out:
        out.write(program)
    helios(script, os.path.join(folder, "runs"), *arguments)
    helios("report", os.path.join(folder, "runs"), "-o", page)
    return page


class Report(Page):
    """The page, with what a hand does to it."""

    def card(self, title):
        """The card of the first run that begins like this, in the section that is shown."""
        return next(card for card in self.elements(".card")
                    if card.is_displayed() and card.find_element("css selector", "h2").text.startswith(title))

    def lines(self, card):
        """The cells of the table under a chart, line by line."""
        return self.driver.execute_script("return [...arguments[0].querySelectorAll('.legend tbody tr')]"
                                          ".map(tr => [...tr.cells].map(td => td.textContent.trim()))", card)

    def heads(self, card):
        return self.driver.execute_script(
            "return [...arguments[0].querySelectorAll('.legend th')].map(th => th.textContent)", card)

    def inside(self, card, selector):
        return card.find_element("css selector", selector)

    def press(self, card, label, *keys):
        self.inside(card, "input[aria-label='%s']" % label).send_keys(*keys)

    def settings(self, selector):
        return self.elements("aside " + selector)[0]

    def marks(self, card, axis):
        return self.driver.execute_script(
            "return [...arguments[0].querySelectorAll(arguments[1])].map(e => e.textContent)", card,
            ".dygraph-axis-label-" + axis)

    def drag(self, card, start, end):
        """Over the chart, from one share of its width to another."""
        plot = self.inside(card, ".plot")
        width = plot.size["width"]
        ActionChains(self.driver).move_to_element_with_offset(plot, (start - 0.5) * width, 0).click_and_hold() \
            .move_by_offset((end - start) * width / 2, 0).move_by_offset((end - start) * width / 2, 0).release() \
            .perform()

    def device(self, **metrics):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def look_at_charts(page, checks):
    page.show("scalars")
    loss = page.card("loss")
    checks.eventually("a chart is drawn", lambda: page.colours(".plot") > 20, True)
    whole = page.marks(loss, "x")
    page.drag(loss, 0.4, 0.6)
    checks.eventually("dragging zooms", lambda: page.marks(loss, "x") != whole, True)
    ActionChains(page.driver).double_click(page.inside(loss, ".plot")).perform()
    checks.eventually("a double click shows all again", lambda: page.marks(loss, "x"), whole)
    checks.equal("smoothed at first", page.heads(loss), ["", "value", "smoothed", "step", "after"])
    page.settings("input[aria-label=smoothing]").send_keys(Keys.HOME)
    checks.eventually("smoothing off", lambda: page.heads(loss), ["", "value", "step", "after"])
    checks.equal("the last point of each run", [line[2:] for line in page.lines(loss)], [["100", "9.9 h"]] * 2)
    marks = page.marks(loss, "y")
    page.settings("label.control input").click()
    checks.eventually("a logarithmic axis has other marks", lambda: page.marks(loss, "y") not in ([], marks), True)
    page.settings("select").send_keys("hours")
    checks.eventually("time instead of steps", lambda: page.marks(loss, "x") not in ([], whole), True)
    page.settings("select").send_keys("step")
    page.elements("aside label input[type=checkbox]")[-1].click()
    checks.eventually("a run is hidden", lambda: len(page.lines(loss)), 1)
    page.settings("input[type=text]").send_keys("low")
    checks.eventually("tags are filtered", lambda: [card.is_displayed() for card in (loss, page.card("low"))],
                      [False, True])
    page.settings("input[type=text]").clear()
    page.settings("input[type=text]").send_keys("/")
    page.settings("input[type=text]").send_keys(Keys.BACKSPACE)
    folded = page.elements("button.group")[0]
    shown = lambda: sum(card.is_displayed() for card in page.elements("section:not([hidden]) .card"))
    checks.equal("five charts", shown(), 5)
    folded.click()
    checks.eventually("those of a prefix are folded", shown, 4)
    folded.click()
    width = loss.size["width"]
    page.inside(loss, ".expand").click()
    checks.eventually("a chart is widened", lambda: loss.size["width"] > 2 * width, True)


def look_at_layouts(page, checks):
    page.show("custom-scalars")
    checks.eventually("the charts of the layout", lambda: len(page.elements("section:not([hidden]) .card")), 2)
    margin = page.card("</script>")
    checks.eventually("lines with a margin in both runs", lambda: len(page.lines(margin)), 6)
    checks.eventually("they are drawn", lambda: page.colours("section:not([hidden]) .plot") > 20, True)
    lines = next(card for card in page.elements("section:not([hidden]) .card") if card.text.find("/ lines") > 0)
    checks.eventually("l.* is loss and low", lambda: len(page.lines(lines)), 4)


def look_at_media(page, checks):
    page.show("images")
    picture = page.card("picture")
    source = lambda: page.inside(picture, "img").get_attribute("src")
    checks.eventually("the last picture", lambda: "step 4" in picture.text, True)
    last = source()
    page.press(picture, "step", Keys.ARROW_LEFT)
    checks.eventually("the slider goes to the one before", lambda: "step 3" in picture.text and source() != last, True)
    film = page.card("film")
    checks.eventually("a film can be stopped", lambda: "stop" in film.text, True)
    page.inside(film, "button.tool").click()
    checks.eventually("its first frame", lambda: "frame 1 of 6" in film.text, True)
    page.press(film, "frame", Keys.ARROW_RIGHT)
    checks.eventually("its second frame", lambda: "frame 2 of 6" in film.text, True)
    page.inside(film, "button.tool").click()
    checks.eventually("it plays again", lambda: page.inside(film, "img").is_displayed(), True)
    page.show("audio")
    checks.eventually("a sound has a player", lambda: page.each("section:not([hidden]) audio", "e.duration > 0"),
                      [True] * 2)


def look_at_curves(page, checks):
    page.show("pr-curves")
    curve = page.card("curve")
    checks.eventually("threshold in the middle", lambda: "threshold 0.500" in curve.text, True)
    page.press(curve, "threshold", Keys.HOME)
    cells = lambda *names: [line[page.heads(curve).index(name)] for line in page.lines(curve) for name in names]
    checks.eventually("at threshold 0 all are positive", lambda: cells("TN", "FN"), ["0"] * 4)
    page.press(curve, "threshold", Keys.END)
    checks.eventually("at threshold 1 none is", lambda: cells("TP", "FP"), ["0"] * 4)
    page.press(curve, "step", Keys.HOME)
    checks.eventually("the first step", lambda: cells("step"), ["1"] * 2)


def look_at_text(page, checks):
    page.show("text")
    words = lambda: page.each("section:not([hidden]) .markdown",
                              "[...e.querySelectorAll('em, strong, code, li li')].map(x => x.textContent).join('|')")
    checks.eventually("Markdown that names variables", lambda: words()[0], "slanted|fat|code|inner")


def look_at_parameters(page, checks):
    page.show("hparams")
    checks.eventually("a row for each run", lambda: len(page.elements("section:not([hidden]) table tr")), 3)
    checks.eventually("a line for each run", lambda: len(page.elements("polyline.run")), 2)
    texts = page.each("svg text", "e.textContent")
    checks.equal("powers of ten lie on a logarithmic axis", [t for t in texts if "(log)" in t], ["lr (log)"])
    checks.equal("a text that is a name of JavaScript's", "constructor" in page.each(
        "section:not([hidden]) td", "e.textContent"), True)
    page.elements("aside label input[type=checkbox]")[-1].click()
    checks.eventually("a hidden run has none", lambda: len(page.elements("polyline.run")), 1)


def look_at_graph(page, checks):
    page.show("graphs")
    checks.eventually("nodes", lambda: len(page.elements("svg .node")), 4)
    page.elements("svg .node")[0].click()
    checks.eventually("what a node holds", lambda: page.each(".about h2", "e.textContent"), ["in"])


SECTIONS = ("scalars", "custom-scalars", "images", "text", "histograms", "pr-curves", "hparams", "graphs", "audio")


def look_for_scripts(page, checks):
    """Nothing of a run became markup or ran, whatever is looked at."""
    for section in SECTIONS:
        page.show(section)
        checks.eventually(section + " is shown", lambda name=section: page.each(
            "section:not([hidden])", "e.dataset.name.toLowerCase().replace(' ', '-')"), [section])
        page.screenshot("report-" + section)
        checks.equal("no script of a run in " + section, page.driver.execute_script("return window.hacked"), None)
        checks.equal("elements of scripts in " + section,
                     page.each("img[src=x], svg[onload], script:not([nonce]):not([type])", "e.outerHTML"), [])
    checks.equal("nothing is fetched", page.driver.execute_script(
        "return performance.getEntriesByType('resource').map(e => e.name).filter(n => !n.startsWith('data:'))"), [])


def look_elsewhere(page, checks):
    """A telephone, the dark, paper."""
    page.device(width=390, height=844, deviceScaleFactor=2, mobile=True)
    for section in SECTIONS:
        page.show(section)
        checks.eventually("no sideways scrolling on a telephone in " + section, lambda: page.driver.execute_script(
            "return document.documentElement.scrollWidth - innerWidth"), 0)
    page.show("scalars")
    page.screenshot("report-narrow")
    page.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia",
                                {"features": [{"name": "prefers-color-scheme", "value": "dark"}]})
    page.show("scalars")
    checks.eventually("a dark ground", lambda: page.driver.execute_script(
        "return getComputedStyle(document.body).backgroundColor"), "rgb(18, 21, 26)")
    page.screenshot("report-dark")
    checks.eventually("all points are unpacked", lambda: page.driver.execute_script(
        "return document.documentElement.dataset.unpacked"), "")
    printed = base64.b64decode(page.driver.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})["data"])
    with open(os.path.join(OUT, "report.pdf"), "wb") as out:
        out.write(printed)
    checks.equal("paper", printed[:5], b"%PDF-")


def look_at_large(checks):
    """A million points: the size is checked, the time told, since it is the machine's, too."""
    with tempfile.TemporaryDirectory(prefix="helios-report-") as folder:
        path = write_page(folder, LARGE)
        size = os.path.getsize(path)
        checks.equal("a million points are %.1f MB" % (size / 1e6), size < LARGE_BYTES, True)
        with Report("file://" + path, OUT) as page:
            page.show("scalars")
            drawn = lambda: page.driver.execute_script("return document.documentElement.dataset.drawn")
            checks.eventually("charts are drawn", lambda: drawn() is not None, True)
            page.screenshot("report-large")
            print("report: a million points, %.1f MB, first chart after %s ms" % (size / 1e6, drawn()))


def main():
    checks = Checks("report")
    os.makedirs(OUT, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="helios-report-") as folder:
        with Report("file://" + write_page(folder, RUNS, EVIL, LINK), OUT) as page:
            for look in (look_at_charts, look_at_layouts, look_at_media, look_at_curves, look_at_text,
                         look_at_parameters, look_at_graph, look_for_scripts, look_elsewhere):
                look(page, checks)
    look_at_large(checks)
    print("report: %d sections; screenshots in %s" % (len(SECTIONS), OUT))
    print("%d passed, %d failed" % (checks.count - checks.failed, checks.failed))
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main())

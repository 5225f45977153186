"""`make browser`: a run with every kind of data, and headless Chromium through every dashboard of a TensorBoard on
it. Asserts that what was logged is there to be seen; leaves a screenshot of each in build/browser for a person."""
import math
import os
import sys
import tempfile

import numpy as np

from board import Board
from calls import Call, Tensor
from conformance import replay
from page import Page
from viewers import Checks

OUT = os.path.join(os.environ.get("BUILD", "build"), "browser")
STEPS = range(20)


def at(step, **options):
    return {"global_step": step, **options}


def gradient():
    """Red grows to the right, green downwards."""
    y, x = np.mgrid[0:40, 0:50]
    return np.stack([x * 5, y * 6, np.full_like(x, 90)]).astype(np.uint8)


def curve_over_time():
    for step in STEPS:
        yield Call("add_scalar", ["train/loss", math.exp(-step / 6)], at(step))
        yield Call("add_scalar", ["train/accuracy", 1 - math.exp(-step / 4)], at(step))
        yield Call("add_scalars", ["curves", {"train": math.sin(step / 3), "valid": math.cos(step / 3)}], at(step))


def histograms():
    generator = np.random.default_rng(1)
    for step in range(5):
        yield Call("add_histogram", ["weights", Tensor(generator.normal(step, 1, 2000))], at(step))


def pr_curve():
    generator = np.random.default_rng(2)
    labels = generator.integers(0, 2, 500)
    scores = np.clip(labels * 0.3 + generator.uniform(0, 0.7, 500), 0, 1).astype(np.float32)
    return Call("add_pr_curve", ["curve", Tensor(labels), Tensor(scores)], at(3))


def calls():
    yield from curve_over_time()
    yield from histograms()
    yield pr_curve()
    yield Call("add_image", ["picture", Tensor(gradient())], at(2))
    yield Call("add_images", ["grid", Tensor(np.stack([gradient() // n for n in range(1, 11)]))], at(2))
    yield Call("add_text", ["note", "# Title\n\n**bold** gr\u00fc\u00df"], at(1))
    yield Call("add_hparams", [{"lr": 0.1, "opt": "sgd", "bn": True}, {"acc": 0.5}])
    yield Call("add_hparams", [{"lr": 0.25, "opt": "adam", "bn": False}, {"acc": 0.75}], {"run_name": "trial"})


def shows(page, checks, what, wanted):
    """All of these pieces of text come to be seen."""
    def missing():
        seen = page.texts()
        return [piece for piece in wanted if piece not in seen]
    checks.eventually(what + " shows %s; missing" % wanted, missing, [])


def look_at_time_series(page, checks):
    page.show("timeseries")
    shows(page, checks, "time series", ["acc", "curves", "train", "kinds", "kinds/curves_valid"])
    checks.eventually("a time series is drawn", lambda: page.colours("scalar-card line-chart") > 3, True)


def look_at_scalars(page, checks):
    page.show("scalars", tagFilter="train")
    shows(page, checks, "scalars", ["train/loss", "train/accuracy", "kinds"])
    checks.eventually("lines have a point for each step", lambda: len(STEPS) in page.each(
        "path.line", "(e.getAttribute('d') || '').split(/[ML]/).length - 1"), True)


def look_at_images(page, checks):
    page.show("images")
    shows(page, checks, "images", ["picture", "grid", "kinds"])
    checks.eventually("picture sizes", lambda: sorted(page.each("img", "[e.naturalWidth, e.naturalHeight]")),
                      [[50, 40], [400, 80]])


def look_at_text(page, checks):
    page.show("text")
    shows(page, checks, "text", ["note/text_summary", "Title", "bold"])
    checks.eventually("Markdown is rendered", lambda: page.each("strong", "e.textContent"), ["bold"])


def look_at_histograms(page, checks):
    page.show("histograms")
    shows(page, checks, "histograms", ["weights", "kinds"])
    checks.eventually("a ridge for each step", lambda: len(page.each("g.histogram path.outline", "1")), 5)


def look_at_distributions(page, checks):
    page.show("distributions")
    shows(page, checks, "distributions", ["weights", "kinds"])
    checks.eventually("bands are drawn", lambda: len(page.each("path.area", "1")) > 3, True)


def look_at_pr_curves(page, checks):
    page.show("pr_curves")
    shows(page, checks, "PR curves", ["curve", "step 3"])
    checks.eventually("a curve is drawn", lambda: any(length > 50 for length in page.each(
        "path.line", "(e.getAttribute('d') || '').length")), True)


def look_at_hparams(page, checks):
    page.show("hparams")
    shows(page, checks, "hparams", ["kinds", "0.10000", "sgd", "true", "0.50000",
                                    "kinds/trial", "0.25000", "adam", "false", "0.75000"])


TOUR = {
    "timeseries": look_at_time_series, "scalars": look_at_scalars, "images": look_at_images, "text": look_at_text,
    "histograms": look_at_histograms, "distributions": look_at_distributions, "pr_curves": look_at_pr_curves,
    "hparams": look_at_hparams,
}


def tour(folder):
    """Through all dashboards of a board on this folder."""
    checks = Checks("browser")
    os.makedirs(OUT, exist_ok=True)
    with Board(folder, fast=True) as board:
        board.until(lambda: "kinds/trial" in (board.get("scalars/tags") or {}))
        with Page(board.address, OUT) as page:
            for dashboard, look in TOUR.items():
                look(page, checks)
                page.screenshot(dashboard)
    return checks


def main():
    with tempfile.TemporaryDirectory(prefix="helios-browser-") as folder:
        answers = replay(folder, "runs", [("kinds", {}, calls())])
        if set(answers) != {"ok"}:
            sys.exit("browser: a call raises %s" % [answer for answer in answers if answer != "ok"][0])
        checks = tour(os.path.join(folder, "runs"))
    print("browser: %d dashboards; screenshots in %s" % (len(TOUR), OUT))
    print("%d passed, %d failed" % (checks.count - checks.failed, checks.failed))
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main())

"""`make browser`: a run with every kind of data, and headless Chromium through every dashboard of a TensorBoard on
it. Asserts that what was logged is there to be seen; leaves a screenshot of each in build/browser for a person."""
import math
import os
import sys
import tempfile

import numpy as np

from board import Board
from calls import Call, Code, Tensor
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


def torus(rings=30, sides=16):
    """Points of a torus, a colour for each, and the triangles between them."""
    u, v = np.meshgrid(np.linspace(0, 2 * np.pi, rings), np.linspace(0, 2 * np.pi, sides))
    points = np.stack([(3 + np.cos(v)) * np.cos(u), (3 + np.cos(v)) * np.sin(u), np.sin(v)], -1).reshape(1, -1, 3)
    corners = np.arange(rings * sides).reshape(sides, rings)
    a, b, c, d = (part.reshape(-1) for part in (corners[:-1, :-1], corners[:-1, 1:], corners[1:, :-1], corners[1:, 1:]))
    faces = np.concatenate([np.stack([a, b, c], -1), np.stack([b, d, c], -1)]).astype(np.int32)
    return points.astype(np.float32), (127 + 127 * np.sin(points)).astype(np.uint8), faces[None]


def clusters():
    """Three clusters of twenty points in five dimensions, with labels and pictures."""
    generator = np.random.default_rng(4)
    points = np.concatenate([generator.normal(centre, 0.3, (20, 5)) for centre in (-2, 0, 2)]).astype(np.float32)
    pictures = np.repeat(generator.uniform(0, 1, (60, 3, 1, 1)), 8, axis=2).repeat(8, axis=3).astype(np.float32)
    labels = ["cluster %d" % (i // 20) for i in range(60)]
    return Call("add_embedding", [Tensor(points)],
                {"metadata": labels, "label_img": Tensor(pictures), "tag": "clusters", "global_step": 1})


def sound():
    seconds = np.arange(8000) / 8000
    return Call("add_audio", ["tone", Tensor(np.sin(2 * np.pi * 440 * seconds).astype(np.float32))],
                at(1, sample_rate=8000))


def film():
    """A bar that moves to the right."""
    frames = np.full((1, 6, 3, 30, 60), 60, np.uint8)
    for i in range(6):
        frames[0, i, 0, :, i * 10:(i + 1) * 10] = 255
    return Call("add_video", ["film", Tensor(frames)], at(1, fps=5))


def graph():
    """A traced model: scopes in scopes, and attributes."""
    return Call("add_graph", [Code("network()"), Tensor(np.zeros((8, 64), np.float32))])


def media():
    yield sound()
    yield film()
    vertices, colors, faces = torus()
    yield Call("add_mesh", ["torus", Tensor(vertices)], at(1, colors=Tensor(colors), faces=Tensor(faces)))
    yield Call("add_image_with_boxes", ["boxes", Tensor(gradient()), Tensor(np.array([[5, 5, 30, 25]]))],
               at(1, labels=["thing"], rescale=2))
    yield Call("add_figure", ["figure", Code("figure.new{title = 'Sine'}:plot({0, 1, 2, 3}, {0, 1, 0, -1})")], at(1))


def calls():
    yield from curve_over_time()
    yield from media()
    yield clusters()
    yield graph()
    yield Call("add_custom_scalars_multilinechart", [["train/loss", "train/accuracy"]], {"title": "together"})
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
    page.show("images", tagFilter=".")
    shows(page, checks, "images", ["picture", "grid", "film", "boxes", "figure", "kinds"])
    checks.eventually("picture sizes", lambda: sorted(
        {tuple(size) for size in page.each("img", "[e.naturalWidth, e.naturalHeight]")}),
        [(50, 40), (60, 30), (100, 80), (400, 80), (640, 480)])


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


def look_at_custom_scalars(page, checks):
    page.show("custom_scalars")
    shows(page, checks, "custom scalars", ["default", "together"])
    checks.eventually("both lines have a point for each step", lambda: [length for length in page.each(
        "path.line", "(e.getAttribute('d') || '').split(/[ML]/).length - 1")].count(len(STEPS)) >= 2, True)


def look_at_audio(page, checks):
    page.show("audio")
    shows(page, checks, "audio", ["tone", "kinds"])
    checks.eventually("seconds of sound", lambda: page.each("audio", "e.duration"), [1])


ENCODER = "Net/Sequential[encoder]"


def look_at_graphs(page, checks):
    """The scopes opened one after the other, shapes on the edges between, and the card of a node."""
    def nodes():
        return sorted(name for name in page.each("g.node", "e.getAttribute('data-name')") if "~~" not in name)

    def mouse(event, name):
        return page.mouse(event, 'g.node[data-name="%s"] > .nodeshape > *' % name)

    page.show("graphs")
    shows(page, checks, "graph", ["Main Graph", "input", "Net", "output"])
    seen = ["Net", "input", "output"]
    checks.eventually("nodes", nodes, seen)
    for scope, inside in (("Net", ["Net/Linear[head]", ENCODER]),
                          (ENCODER, [ENCODER + "/Linear[0]", ENCODER + "/Linear[1]"])):
        mouse("dblclick", scope)
        seen = sorted(seen + inside)
        checks.eventually("nodes in " + scope, nodes, seen)
    shapes = {"8\u00d764", "8\u00d732", "8\u00d716", "8\u00d710"}
    checks.eventually("shapes on edges", lambda: shapes - set(page.each("text", "e.textContent")), set())
    mouse("click", ENCODER + "/Linear[0]")
    shows(page, checks, "a node's card", ["Linear", "in_features", '{"i":64}', "out_features", '{"i":32}',
                                          "kind", '{"s":"dense"}'])


def look_at_mesh(page, checks):
    page.show("mesh")
    shows(page, checks, "mesh", ["torus"])
    checks.eventually("a mesh is drawn", lambda: page.colours("canvas") > 20, True)


def look_at_projector(page, checks):
    page.show("projector")
    checks.eventually("the projector is there", page.enter_frames, True)
    checks.eventually("points of the embedding", lambda: [
        piece for piece in page.enter_frames() and page.texts() if piece in ("clusters:00001", "60x5")],
        ["clusters:00001", "60x5"])
    checks.eventually("points are drawn", lambda: page.colours("canvas") > 20, True)


TOUR = {
    "timeseries": look_at_time_series, "scalars": look_at_scalars, "images": look_at_images, "text": look_at_text,
    "histograms": look_at_histograms, "distributions": look_at_distributions, "pr_curves": look_at_pr_curves,
    "hparams": look_at_hparams, "custom_scalars": look_at_custom_scalars, "audio": look_at_audio,
    "graphs": look_at_graphs, "mesh": look_at_mesh, "projector": look_at_projector,
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

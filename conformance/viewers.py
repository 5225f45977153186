"""What TensorBoard makes of our runs, loaded by its data server and by its Python loader: runs, tags, points, pictures,
hyper-parameters, resumed runs, and points that arrive while it is looking."""
import io
import math

import numpy as np
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from board import Board
from calls import Call, Tensor

PICTURE = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3) * 4
LABELS, PREDICTIONS = [1, 0, 1, 1, 0], [0.9, 0.4, 0.6, 0.2, 0.1]


def scalars(tag, steps, scale=1.0):
    return [Call("add_scalar", [tag, scale * step], {"global_step": step}) for step in steps]


def every_kind():
    return scalars("train/loss", range(-2, 5), 0.1) + [
        Call("add_scalar", ["odd", math.nan], {"global_step": 1}),
        Call("add_scalar", ["odd", -math.inf], {"global_step": 2}),
        Call("add_scalars", ["curves", {"train": 1.5, "valid": 2.5}], {"global_step": 3}),
        Call("add_text", ["note", "**bold** gr\u00fc\u00df"], {"global_step": 1}),
        Call("add_image", ["picture", Tensor(PICTURE)], {"global_step": 2, "dataformats": "HWC"}),
        Call("add_image", ["picture", Tensor(255 - PICTURE)], {"global_step": 3, "dataformats": "HWC"}),
        Call("add_histogram", ["weights", Tensor(np.array([-1.0, 0.0, 0.5, 0.5]))], {"global_step": 4}),
        Call("add_pr_curve", ["curve", Tensor(np.array(LABELS, np.uint8)), Tensor(np.array(PREDICTIONS, np.float32))],
             {"global_step": 5, "num_thresholds": 11}),
        Call("add_hparams", [{"lr": 0.1, "opt": "sgd", "bn": True}, {"acc": 0.75}], {"global_step": 9}),
        Call("add_hparams", [{"lr": 0.2, "opt": "adam", "bn": False}, {"acc": 0.5}], {"run_name": "trial"}),
    ]


SESSIONS = [
    ("kinds", {}, every_kind()),
    # A crash at step 9, resumed from the checkpoint of step 5.
    ("resumed", {"purge_step": 0}, scalars("loss", range(10))),
    ("resumed", {"purge_step": 5}, scalars("loss", range(5, 8), 100.0)),
    # The same, but the first sitting knew nothing of resuming: the data server heals it all the same.
    ("healed", {}, scalars("loss", range(10))),
    ("healed", {"purge_step": 5}, scalars("loss", range(5, 8), 100.0)),
    ("continued", {}, scalars("loss", range(3))),
    ("continued", {"filename_suffix": ".again"}, scalars("loss", range(3, 6))),
    ("tags", {"scalars_layout": "tags"}, [
        Call("add_scalars", ["both", {"train": 1.0, "valid": 2.0}], {"global_step": step}) for step in range(3)]),
    ("growing", {}, scalars("loss", range(3))),
]
# What is added to the run "growing" while a board looks at it; each of the two boards gets its own steps.
LATER = {True: range(3, 6), False: range(6, 9)}

RESUMED = [(step, float(step)) for step in range(5)] + [(step, 100.0 * step) for step in range(5, 8)]


class Checks:
    """Counts facts and tells those that do not hold."""

    def __init__(self, loader):
        self.loader, self.count, self.failed = loader, 0, 0

    def equal(self, what, got, wanted):
        self.count += 1
        if repr(got) != repr(wanted):  # as text: NaN equals itself there
            self.failed += 1
            print("DIFFERS (%s) %s\n  got    %r\n  wanted %r" % (self.loader, what, got, wanted))

    def eventually(self, what, get, wanted):
        """The same for what needs its time to come."""
        Board.until(lambda: repr(get()) == repr(wanted))
        self.equal(what, get(), wanted)


def points(board, run, tag):
    """(step, value) of a series; the board spells what JSON has no number for."""
    answer = board.get("scalars/scalars", run=run, tag=tag) or []
    return [(step, float(value.replace("Infinity", "inf")) if isinstance(value, str) else value)
            for _, step, value in answer]


def single(value):
    return float(np.float32(value))


def tags_of(board, plugin):
    return {run: sorted(tags) for run, tags in sorted((board.get(plugin + "/tags") or {}).items())}


def check_tags(board, checks):
    resumed = {run: ["loss"] for run in ("continued", "growing", "healed", "resumed")}
    wanted = {"kinds": ["acc", "odd", "train/loss"], "kinds/curves_train": ["curves"], "kinds/curves_valid": ["curves"],
              "kinds/trial": ["acc"], "tags": ["both/train", "both/valid"], **resumed}
    checks.eventually("scalar runs and tags", lambda: tags_of(board, "scalars"), dict(sorted(wanted.items())))
    for plugin, tag in (("images", "picture"), ("text", "note/text_summary"), ("histograms", "weights"),
                        ("pr_curves", "curve")):
        shown = {run: tags for run, tags in tags_of(board, plugin).items() if tags}
        checks.equal(plugin + " tags", shown, {"kinds": [tag]})


def check_scalars(board, checks):
    checks.equal("points", points(board, "kinds", "train/loss"),
                 [(step, single(0.1 * step)) for step in range(-2, 5)])
    checks.equal("odd points", points(board, "kinds", "odd"), [(1, math.nan), (2, -math.inf)])
    checks.equal("series of their own", points(board, "kinds/curves_valid", "curves"), [(3, 2.5)])


def check_sittings(board, checks, fast):
    checks.equal("a resumed run", points(board, "resumed", "loss"), RESUMED)
    checks.equal("a continued run", points(board, "continued", "loss"), [(step, float(step)) for step in range(6)])
    if fast:
        checks.equal("a resumed run without a first purge_step", points(board, "healed", "loss"), RESUMED)


def check_pictures(board, checks):
    shown = board.get("images/images", run="kinds", tag="picture", sample=0)
    checks.equal("picture steps", [item["step"] for item in shown], [2, 3])
    for item, wanted in zip(shown, (PICTURE, 255 - PICTURE)):
        encoded = board.raw("plugin/images/individualImage?" + item["query"])
        checks.equal("pixels", np.array(Image.open(io.BytesIO(encoded))).tolist(), wanted.tolist())


def check_others(board, checks):
    text = board.get("text/text", run="kinds", tag="note/text_summary")
    checks.equal("text", ["<strong>bold</strong> gr\u00fc\u00df" in item["text"] for item in text], [True])
    (_, step, buckets), = board.get("histograms/histograms", run="kinds", tag="weights")
    checks.equal("histogram", (step, sum(count for _, _, count in buckets)), (4, 4.0))
    curve, = board.get("pr_curves/pr_curves", run="kinds", tag="curve")["kinds"]
    checks.equal("precision at 0 and 0.5", [curve["precision"][0], curve["precision"][5]], [single(0.6), 1.0])
    checks.equal("true positives", curve["true_positives"][:4], [3, 3, 3, 2])


def check_layout(board, checks):
    """One chart that draws the series of an add_scalars call together, and finds their tags."""
    category, = board.get("custom_scalars/layout")["category"]
    patterns = [pattern for chart in category["chart"] for pattern in chart["multiline"]["tag"]]
    found = [tag for pattern in patterns
             for tag in board.get("custom_scalars/scalars", run="tags", tag=pattern)["tag_to_events"]]
    checks.equal("charts", [chart["title"] for chart in category["chart"]], ["both"])
    checks.equal("series of a chart", sorted(found), ["both/train", "both/valid"])


def check_hparams(board, checks):
    infos = board.get("hparams/experiment", {"experimentName": ""})["hparamInfos"]
    checks.equal("hparam types", {info["name"]: info["type"] for info in infos},
                 {"bn": "DATA_TYPE_BOOL", "lr": "DATA_TYPE_FLOAT64", "opt": "DATA_TYPE_STRING"})
    answer = board.get("hparams/session_groups", {
        "experimentName": "", "allowedStatuses": ["STATUS_SUCCESS", "STATUS_UNKNOWN"], "colParams": [],
        "startIndex": 0, "sliceSize": 100})
    rows = {group["sessions"][0]["name"]: (sorted(group["hparams"].items()), [
        (metric["name"]["tag"], metric["value"]) for metric in group["metricValues"]])
        for group in answer["sessionGroups"]}
    checks.equal("hparams rows", sorted(rows.items()), [
        ("kinds", ([("bn", True), ("lr", 0.1), ("opt", "sgd")], [("acc", 0.75)])),
        ("kinds/trial", ([("bn", False), ("lr", 0.2), ("opt", "adam")], [("acc", 0.5)]))])


def check_growth(board, checks, fast, add):
    add([("growing", {}, scalars("loss", LATER[fast]))])
    wanted = [(step, float(step)) for step in range(LATER[fast][-1] + 1)]
    checks.eventually("points added while it looks", lambda: points(board, "growing", "loss"), wanted)


def check_board(folder, fast, add):
    checks = Checks("data server" if fast else "Python loader")
    with Board(folder, fast) as board:
        check_tags(board, checks)
        check_scalars(board, checks)
        check_sittings(board, checks, fast)
        check_pictures(board, checks)
        check_others(board, checks)
        check_layout(board, checks)
        check_hparams(board, checks)
        check_growth(board, checks, fast, add)
    return checks


def check_accumulator(folder):
    checks = Checks("EventAccumulator")
    events = EventAccumulator(folder + "/kinds").Reload()
    checks.equal("points", [(event.step, event.tensor_proto.float_val[0]) for event in events.Tensors("train/loss")],
                 [(step, single(0.1 * step)) for step in range(-2, 5)])
    checks.equal("plugin of text", events.SummaryMetadata("note/text_summary").plugin_data.plugin_name, "text")
    checks.equal("version", events.file_version, 2.0)
    return checks


def check(folder, add):
    """Facts checked and facts that fail. `add(sessions)` replays sessions through us into `folder`."""
    add(SESSIONS)
    done = [check_accumulator(folder), check_board(folder, True, add), check_board(folder, False, add)]
    return sum(checks.count for checks in done), sum(checks.failed for checks in done)

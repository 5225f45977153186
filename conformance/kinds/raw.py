"""add_histogram_raw and add_pr_curve_raw: numbers as they are given."""
from calls import Call
from . import common


def number(rng):
    return rng.choice([rng.uniform(-9, 9), rng.randrange(100), 0, -0.0, float("inf"), float("nan"), 1e300])


def histogram(rng, index):
    size = rng.randrange(1, 30)
    limits = sorted(rng.uniform(-9, 9) for _ in range(size))
    counts = [rng.choice([rng.randrange(50), rng.uniform(0, 5)]) for _ in range(size)]
    return Call("add_histogram_raw", [common.tag(rng, index)] + [number(rng) for _ in range(5)] + [limits, counts],
                common.options(rng))


def curve(rng, index):
    size = rng.randrange(1, 140)
    options = common.options(rng)
    if rng.random() < 0.5:
        options["num_thresholds"] = rng.choice([1, 5, 127, 200])
    rows = [[rng.choice([float(rng.randrange(100)), rng.random()]) for _ in range(size)] for _ in range(6)]
    return Call("add_pr_curve_raw", [common.tag(rng, index)] + rows, options)


def generate(rng, index, method):
    return (histogram if method == "add_histogram_raw" else curve)(rng, index)

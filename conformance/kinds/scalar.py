"""add_scalar: numbers, numeric strings, tensors of one element; single and double precision."""
import numpy as np

from calls import Call
from . import common

NUMBERS = [0, 1, -1, 16777217, 2**53 + 1, 2**63 - 1, -(2**63), 0.0, -0.0, 0.1, 1e-46, 1e-40, 1e300, -1e300,
           3.4028235677973366e38, 3.4028235677973362e38, float("nan"), float("inf"), float("-inf"), 1 / 3]
STRINGS = ["1.5", " 2 ", "nan", "-inf", "Infinity", "1_0", "1e5", "+3", "-0", "\t7\n", ".5", "5.", "1E-3", "infinity"]


def tensor(rng):
    name = common.dtype(rng)
    return common.form(rng, common.array(rng, (1,) * rng.randrange(4), name, odd=rng.random() < 0.3), name)


def value(rng):
    sort = rng.random()
    if sort < 0.35:
        return rng.choice(NUMBERS)
    if sort < 0.6:
        return rng.uniform(-1e3, 1e3)
    if sort < 0.75:
        return rng.choice(STRINGS)
    if sort < 0.8:
        return [[rng.choice(NUMBERS)]]
    return tensor(rng)


def for_torch(given):
    """torch takes no lists; a table of ours is float32."""
    if not isinstance(given, list):
        return given
    with np.errstate(over="ignore"):
        return float(np.float32(given[0][0]))


def generate(rng, index, method):
    options = common.options(rng)
    positional = common.by_position(rng, options, ["global_step"])
    if rng.random() < 0.2 and not positional:
        options["double_precision"] = rng.random() < 0.8
    tag, given = common.tag(rng, index), value(rng)
    if hasattr(given, "options") and given.options():
        positional = []
    return Call(method, [tag, given], options, positional, torch_args=[tag, for_torch(given)])

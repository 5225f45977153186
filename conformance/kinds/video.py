"""add_video: grids of one to nine videos, of few colours, which a GIF can hold exactly. torch needs moviepy for it;
what it hands to moviepy is compared with the frames of our GIF."""
import numpy as np

from calls import Call, FLOATS
from . import common

LEVELS = np.array([0, 51, 128, 255], np.uint8)  # four a channel: 64 colours


def frames(rng, shape, name):
    generator = np.random.default_rng(rng.randrange(2**32))
    values = LEVELS[generator.integers(0, len(LEVELS), shape)]
    return values if name == "uint8" else common.cast(values / 255.0, name)


def generate(rng, index, method):
    options = common.options(rng)
    if rng.random() < 0.5:
        options["fps"] = rng.choice([1, 4, 10, 25, 50])
    name = rng.choice(["uint8", "uint8", "float32", "float64"])
    shape = [rng.choice([1, 2, 3, 4, 5, 9]), rng.choice([1, 2, 5]), rng.choice([3, 3, 4]), rng.choice([1, 4, 9]), rng.choice([2, 8, 11])]
    return Call(method, [common.tag(rng, index), common.form(rng, frames(rng, shape, name), name)], options,
                fps=options.get("fps", 4))

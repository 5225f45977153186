"""add_histogram: every dtype, every way to say the bins, few and many values."""
import numpy as np

from calls import Call, FLOATS
from . import common

NAMES = ["tensorflow", "auto", "fd", "doane", "scott", "rice", "sturges", "sqrt"]
SIZES = [1, 2, 3, 7, 8, 9, 100, 127, 128, 129, 136, 1000, 4099]


def bins(rng):
    sort = rng.random()
    if sort < 0.3:
        return None
    if sort < 0.65:
        return rng.choice(NAMES)
    if sort < 0.8:
        return rng.choice([1, 2, 10, 64, 1000])
    return sorted({rng.choice([rng.uniform(-2, 2), rng.randrange(-3, 4)]) for _ in range(rng.randrange(2, 40))})


def values(rng, name):
    size = rng.choice(SIZES)
    shape = rng.choice([(size,), (size,), (1, size, 1), ()])
    sort = rng.random()
    if name not in FLOATS or sort < 0.15:
        return common.array(rng, shape, name, odd=rng.random() < 0.15)
    generator = np.random.default_rng(rng.randrange(2**32))
    if sort < 0.6:
        return common.cast(generator.normal(rng.uniform(-3, 3), 10.0 ** rng.randrange(-6, 4), shape), name)
    if sort < 0.75:
        return common.cast(np.full(shape, rng.choice([0.0, 1.0, -2.5, 1e-13, 1e-12])), name)
    if sort < 0.85:
        return common.cast(generator.normal(0, 1, shape) * 10.0 ** generator.integers(-15, 15, shape), name)
    return common.cast(generator.integers(-5, 5, shape).astype(float), name)


def generate(rng, index, method):
    options = common.options(rng)
    chosen = bins(rng)
    if chosen is not None:
        options["bins"] = chosen
    if rng.random() < 0.3:
        options["max_bins"] = rng.choice([1, 2, 5, 10, 64, 500, 2000])
    name = common.dtype(rng)
    return Call(method, [common.tag(rng, index), common.form(rng, values(rng, name), name)], options)

"""add_pr_curve: labels and predictions of every fitting dtype, weights, thresholds."""
import numpy as np

from calls import Call, FLOATS
from . import common


def predictions(rng, size, name):
    if name not in FLOATS:
        return common.cast(np.round(common.floats(rng, size, 0, 1)), name)
    sort = rng.random()
    if sort < 0.3:  # on the very thresholds, where the rounding of the product decides
        return common.cast(np.array([rng.randrange(127) / 126 for _ in range(size)]), name)
    if sort < 0.4:
        return common.cast(np.array([rng.choice([0.0, 1.0, 0.5, -0.0]) for _ in range(size)]), name)
    return common.cast(common.floats(rng, size, 0, 1), name)


def weights(rng, size):
    """None, a number, or as many as labels (Lua lists of weights are doubles)."""
    sort = rng.random()
    if sort < 0.6:
        return None
    if sort < 0.75:
        return rng.choice([2, 0.5, 0])
    scale = rng.choice([3, 3, 1e-8])  # so small that precision and recall meet their least divisor
    return [rng.uniform(0, scale) for _ in range(size)]


def generate(rng, index, method):
    size = rng.choice([1, 2, 10, 127, 1000])
    options = common.options(rng)
    if rng.random() < 0.5:
        options["num_thresholds"] = rng.choice([1, 2, 3, 10, 126, 127, 128, 1000])
    label_dtype, name = rng.choice(["bool", "uint8", "int64", "float32"]), rng.choice(list(FLOATS) * 3 + ["uint8"])
    labels = common.cast(np.round(common.floats(rng, size, 0, 1)), label_dtype)
    scores = predictions(rng, size, name)
    weight = weights(rng, size)
    torch_options = dict(options)
    if weight is not None:
        options["weights"], torch_options["weights"] = weight, np.array(weight) if isinstance(weight, list) else weight
    if weight is None and rng.random() < 0.3:
        labels, scores = labels.reshape(size, 1), scores.reshape(size, 1)
    return Call(method, [common.tag(rng, index), common.form(rng, labels, label_dtype, single=False),
                         common.form(rng, scores, name, single=False)], options, torch_options=torch_options)

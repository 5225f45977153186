"""add_image_with_boxes: outlines and labels, scaled too."""
import numpy as np

from calls import Call, Tensor
from . import common
from .image import ORDERS

LABELS = ["cat", "person 0.93", "gr\u00fc\u00df", "", "it's {~}", "Wij,|"]


def generate(rng, index, method):
    sizes = {"C": rng.choice([1, 3]), "H": rng.choice([20, 33]), "W": rng.choice([24, 40])}
    letters = rng.choice(["CHW", "CHW", "HW"])
    order = rng.choice(ORDERS[letters])
    name = rng.choice(["uint8", "float32"])
    picture = common.form(rng, common.array(rng, [sizes[letter] for letter in order], name), name, single=False)
    spans = [sorted(rng.sample(range(1, 20), 2)) for _ in range(2 * rng.randrange(1, 4))]
    corners = np.array([[x1, y1, x2, y2] for (x1, x2), (y1, y2) in zip(spans[::2], spans[1::2])], np.int64)
    options = common.options(rng)
    if order != "CHW":
        options["dataformats"] = order
    if rng.random() < 0.4:
        options["rescale"] = rng.choice([2, 0.5, 1.5, 3, 0.31, 1.37])
    if rng.random() < 0.5:
        options["labels"] = [rng.choice(LABELS) for _ in corners]
    return Call(method, [common.tag(rng, index), picture, Tensor(corners)], options)

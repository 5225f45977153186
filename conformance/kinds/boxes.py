"""add_image_with_boxes: outlines and labels, scaled too, at whole pixels and between them."""
import numpy as np

from calls import Call, Tensor
from . import common
from .image import ORDERS

LABELS = ["cat", "person 0.93", "gr\u00fc\u00df", "", "it's {~}", "Wij,|", "two\nlines"]


def box_corners(rng):
    """Boxes: whole pixels inside the image; or fractions, some outside of it and some the wrong way round."""
    count = rng.randrange(1, 4)
    if rng.random() < 0.5:
        spans = [sorted(rng.sample(range(1, 20), 2)) for _ in range(2 * count)]
        return np.array([[x1, y1, x2, y2] for (x1, x2), (y1, y2) in zip(spans[::2], spans[1::2])], np.int64)
    rows = [[rng.uniform(-10, 45) for _ in range(4)] for _ in range(count)]
    if rng.random() < 0.8:
        rows = [[min(a, c), min(b, d), max(a, c), max(b, d)] for a, b, c, d in rows]
    return np.array(rows, np.float32)


def generate(rng, index, method):
    sizes = {"C": rng.choice([1, 3]), "H": rng.choice([20, 33]), "W": rng.choice([24, 40])}
    letters = rng.choice(["CHW", "CHW", "HW"])
    order = rng.choice(ORDERS[letters])
    name = rng.choice(["uint8", "float32"])
    picture = common.form(rng, common.array(rng, [sizes[letter] for letter in order], name), name, single=False)
    corners = box_corners(rng)
    options = common.options(rng)
    if order != "CHW":
        options["dataformats"] = order
    if rng.random() < 0.4:
        options["rescale"] = rng.choice([2, 0.5, 1.5, 3, 0.31, 1.37])
    if rng.random() < 0.5:
        options["labels"] = [rng.choice(LABELS) for _ in corners]
    return Call(method, [common.tag(rng, index), picture, Tensor(corners)], options)

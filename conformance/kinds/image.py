"""add_image and add_images: every dtype, every order of the dimensions, grids, odd values."""
import itertools

from calls import Call
from . import common

SIDES = [1, 2, 3, 5, 8, 17, 33]
ORDERS = {letters: ["".join(order) for order in itertools.permutations(letters)] for letters in ("CHW", "HW", "NCHW")}


def sizes(rng, letters):
    """A size for each letter; a grid has 1 or 3 channels, a picture 4 as well."""
    channels = [1, 3] if "N" in letters else [1, 3, 4]
    return {"N": rng.choice([1, 2, 7, 8, 9, 17]), "C": rng.choice(channels), "H": rng.choice(SIDES),
            "W": rng.choice(SIDES)}


def generate(rng, index, method):
    default = "NCHW" if method == "add_images" else "CHW"
    letters = default if rng.random() < 0.5 else rng.choice(["CHW", "HW", "NCHW"])
    order = rng.choice(ORDERS[letters])
    shape = [sizes(rng, letters)[letter] for letter in order]
    options = common.options(rng)
    torch_options = dict(options)
    if order != default or rng.random() < 0.3:
        torch_options["dataformats"] = order
        options["dataformats"] = order.lower() if rng.random() < 0.1 else order
    name = common.dtype(rng)
    picture = common.form(rng, common.array(rng, shape, name, odd=rng.random() < 0.3), name)
    positional = common.by_position(rng, options, ["global_step", "dataformats"])
    if picture.options() and positional:
        positional = []
    return Call(method, [common.tag(rng, index), picture], options, positional, torch_options=torch_options)

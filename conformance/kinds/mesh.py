"""add_mesh: vertices, colors and faces of several dtypes, configurations of every JSON type."""
from calls import Call
from . import common

CONFIGS = [None, {}, {"camera": {"cls": "PerspectiveCamera", "fov": 75}, "near": 0.1, "far": 1e16, "tiny": 1e-05},
           {"gr\u00fc\u00df": ["\U0001f600", "a\"b\\c/\n\x7f", True, False, -0.0, 1.0, 123456789012]},
           {"b": {"z": 1, "a": [1.5, [2, [3]]]}, "a": "x"}]


def part(rng, batch, name):
    return common.form(rng, common.array(rng, [batch, rng.choice([1, 4, 10]), 3], name), name, single=False)


def generate(rng, index, method):
    batch = rng.choice([1, 2])
    options = common.options(rng)
    config = rng.choice(CONFIGS)
    if config is not None:
        options["config_dict"] = config
    if rng.random() < 0.5:
        options["colors"] = part(rng, batch, rng.choice(["uint8", "int32", "float32"]))
    if rng.random() < 0.5:
        options["faces"] = part(rng, batch, rng.choice(["int32", "int64"]))
    vertices = part(rng, batch, rng.choice(["float32", "float64", "int16"]))
    return Call(method, [common.tag(rng, index), vertices], options)

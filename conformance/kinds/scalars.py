"""add_scalars: a series per key, in runs of their own; with scalars_layout = "tags" as tags of this run, which torch
has not: there the judge is add_scalar."""
from calls import Call, Pairs
from . import common

KEYS = ["train", "valid", "a b", "gr\u00fc\u00df", "x.y", "1"]


def generate(rng, index, method):
    options = common.options(rng)
    keys = rng.sample(KEYS, rng.randrange(4))
    values = {key: rng.choice([rng.uniform(-5, 5), rng.randrange(9), float("nan")]) for key in sorted(keys)}
    given = Pairs(values.items()) if rng.random() < 0.5 else values
    name = "sub/%d" % index if rng.random() < 0.3 else "sub%d" % index
    torch_calls = [(method, [name, values], options)]
    if method == "add_scalars_as_tags":
        torch_calls = [("add_scalar", ["%s/%s" % (name, key), values[key]], options) for key in values]
    return Call("add_scalars", [name, given], options, common.by_position(rng, options, ["global_step"]),
                torch_calls=torch_calls)

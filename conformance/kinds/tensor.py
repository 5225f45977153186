"""add_tensor: every dtype torch can write, any rank, sizes of 0."""
from calls import Call, DTYPES
from . import common

DTYPES_OF_TORCH = [name for name in DTYPES if name not in ("uint16", "uint32", "uint64")]  # those raise in torch


def generate(rng, index, method):
    shape = [rng.choice([0, 1, 2, 3, 5]) for _ in range(rng.randrange(5))]
    name = rng.choice(DTYPES_OF_TORCH)
    values = common.form(rng, common.array(rng, shape, name, odd=rng.random() < 0.3), name)
    options = common.options(rng)
    return Call(method, [common.tag(rng, index), values], options, common.by_position(rng, options, ["global_step"])
                if not values.options() else [])

"""add_audio: samples of every float type, clipped ones, odd sample rates."""
from calls import Call, FLOATS
from . import common


def generate(rng, index, method):
    options = common.options(rng)
    if rng.random() < 0.6:
        options["sample_rate"] = rng.choice([8000, 22050, 44100, 48000, 1, 192000])
    name = rng.choice(list(FLOATS))
    size = rng.choice([2, 3, 100, 4097])
    shape = rng.choice([(size,), (1, size), (size, 1), (1, size, 1)])
    # A float16 of 1.0 becomes 32768 in torch, which wraps around to a click; ours is 32767.
    loud = rng.choice([0.99, 0.1] if name.endswith("float16") else [1.0, 1.0, 0.1, 3.0])
    samples = common.cast(common.floats(rng, shape, -loud, loud), name)
    return Call(method, [common.tag(rng, index), common.form(rng, samples, name)], options)

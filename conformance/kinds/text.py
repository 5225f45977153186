"""add_text."""
from calls import Call
from . import common

TEXTS = ["", "plain", "# Title\n\n| a | b |\n|---|---|\n| 1 | 2 |", "gr\u00fc\u00df \u635f\u5931 \U0001f600",
         "a\0b", "<b>x</b>", "line\r\nline", "\ufeffbom", "x" * 5000]


def generate(rng, index, method):
    options = common.options(rng)
    text = rng.choice(TEXTS + ["".join(chr(rng.choice([rng.randrange(1, 0xD800), rng.randrange(32, 127)]))
                                       for _ in range(rng.randrange(1, 200)))])
    return Call(method, [common.tag(rng, index), text], options, common.by_position(rng, options, ["global_step"]))

"""add_embedding writes files beside the event file: tensors, labels, sprites and the projector's configuration."""
from calls import Call
from . import common

LABELS = ["a", "gr\u00fc\u00df", "two words", "'\"", "0"]


def generate(rng, index, method):
    rows = rng.choice([1, 2, 5, 10])
    name = rng.choice(["float32", "float64", "int64", "float16", "bfloat16", "bool", "uint8"])
    matrix = common.form(rng, common.array(rng, [rows, rng.choice([1, 2, 5])], name, odd=rng.random() < 0.2), name,
                         single=False)
    options = {"tag": "%s%d" % (rng.choice(["", "a/b", "50%", "c\\d", "gr\u00fc\u00df\n"]), index)}
    if rng.random() < 0.7:
        options["global_step"] = rng.choice([0, 3, -2, 123456])
    if rng.random() < 0.6:
        options["metadata"] = [rng.choice(LABELS) for _ in range(rows)]
        if rng.random() < 0.4:
            options["metadata_header"] = ["label", "kind"]
            options["metadata"] = [[rng.choice(LABELS), str(row)] for row in range(rows)]
    if rng.random() < 0.4:
        kind = rng.choice(["float32", "uint8"])
        shape = [rows, rng.choice([1, 3]), rng.choice([2, 5]), rng.choice([5, 6])]
        options["label_img"] = common.form(rng, common.array(rng, shape, kind), kind, single=False)
    return Call(method, [matrix], options)

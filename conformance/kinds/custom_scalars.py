"""add_custom_scalars and its two short forms. torch takes no step or walltime for them."""
from calls import Call, Pairs


def tags(rng):
    return ["train/%d" % rng.randrange(99) for _ in range(3)]


def chart(rng):
    if rng.random() < 0.5:
        return ["Margin", tags(rng)]
    return [rng.choice(["Multiline", "Multiline", "multiline", "Line", ""]), tags(rng)[:rng.randrange(1, 4)]]


def generate(rng, index, method):
    if method != "add_custom_scalars":
        options = {name: rng.choice(["gr\u00fc\u00df", "x y"]) for name in ("category", "title") if rng.random() < 0.5}
        return Call(method, [tags(rng)], options)
    layout = {"category %d" % i: {"chart %d" % j: chart(rng) for j in range(rng.randrange(3))}
              for i in rng.sample(range(9), rng.randrange(1, 4))}
    if rng.random() < 0.5:
        pairs = Pairs((name, Pairs(charts.items())) for name, charts in layout.items())
        return Call(method, [pairs], torch_args=[layout])
    layout = {name: layout[name] for name in sorted(layout)}
    return Call(method, [layout])

"""add_hparams: numbers, strings and booleans, domains, metrics, runs of their own."""
from calls import Call, Pairs
from . import common

NAMES = ["lr", "batch size", "opt", "dropout", "depth", "gr\u00fc\u00df", "use/bn"]
VALUES = {
    float: [0.1, 0.0, -2.5, float("inf"), 1e-300], int: [0, 1, -7, 2**53 + 1], bool: [True, False],
    str: ["", "adam", "gr\u00fc\u00df", "a\nb", "1"],
}


def domains(rng, hparams):
    chosen = {}
    for name, value in hparams.items():
        if rng.random() < 0.4:
            others = VALUES[type(value)]
            chosen[name] = [rng.choice(others) for _ in range(rng.randrange(3))]
    return chosen


def dictionary(rng, values):
    """As a Lua dictionary, which is sorted by key, or as a list of pairs, which keeps its order."""
    if rng.random() < 0.5:
        return Pairs(values.items()), values
    return values, {name: values[name] for name in sorted(values, key=lambda name: name.encode())}


def generate(rng, index, method):
    names = rng.sample(NAMES, rng.randrange(len(NAMES)))
    hparams = {name: rng.choice(VALUES[rng.choice(list(VALUES))]) for name in names}
    metrics = {"%s%d" % (name, index): rng.choice([rng.uniform(0, 1), 1, float("nan")])
               for name in rng.sample(["acc", "loss", "hparam/f1"], rng.randrange(4))}
    given, ordered = dictionary(rng, hparams)
    given_metrics, ordered_metrics = dictionary(rng, metrics)
    options = common.options(rng)
    torch_options = {"global_step": options.get("global_step")}
    if rng.random() < 0.5:
        options["hparam_domain_discrete"] = torch_options["hparam_domain_discrete"] = domains(rng, hparams)
    torch_options["run_name"] = "trial%d" % index if rng.random() < 0.6 else "."
    if torch_options["run_name"] != "." or rng.random() < 0.5:
        options["run_name"] = torch_options["run_name"]
    return Call(method, [given, given_metrics], options, torch_args=[ordered, ordered_metrics],
                torch_options=torch_options, map=True,
                booleans={name for name, value in hparams.items() if isinstance(value, bool)})

"""What calls of every kind have: a tag of their own, a step, perhaps a walltime; and arrays of every type."""
import numpy as np
import torch

from calls import DTYPES, FLOATS, NUMPY, Tensor

STEPS = [None, 0, 1, -1, 7, 123456, -(2**63) + 1, 2**63 - 1, 2**53 + 1, 12.0]
PREFIXES = ["", "loss/", "a b/", "gr\u00fc\u00df/", "\u635f\u5931/", "\U0001f600/", "x\ty\n/", "/", "..",
            "'\"\\/", "%d/"]
ODD = [float("nan"), float("inf"), float("-inf"), -0.0, 1e-45, 1e30, -1e30, 2.5]


def tag(rng, index):
    return "%s%d" % (rng.choice(PREFIXES), index)


def options(rng, walltime=True):
    """Step and walltime as options, each left out now and then."""
    chosen = {}
    step = rng.choice(STEPS + [rng.randrange(10**6)] * 10)
    if step is not None:
        chosen["global_step"] = step
    if walltime and rng.random() < 0.3:
        chosen["walltime"] = rng.choice([0.0, 1.5, 1700000000.123456, -3.0, 1e12, rng.random() * 2e9])
    return chosen


def by_position(rng, chosen, order):
    """Which options are given by position: when nothing is named beside them, by the toss of a coin."""
    if set(chosen) - set(order) or rng.random() < 0.5:
        return []
    return [name for i, name in enumerate(order) if any(later in chosen for later in order[i:])]


def floats(rng, shape, low=-1.0, high=1.0):
    generator = np.random.default_rng(rng.randrange(2**32))
    return generator.uniform(low, high, shape)


def with_odd(rng, values, odd=ODD):
    """Some elements replaced by odd ones."""
    flat = values.reshape(-1)
    for _ in range(min(flat.size, rng.randrange(1, 4))):
        flat[rng.randrange(flat.size)] = rng.choice(odd)
    return values


def cast(values, dtype):
    """Doubles as the numpy array that holds them in that dtype (bfloat16: its bits)."""
    if dtype == "bfloat16":
        bits = torch.from_numpy(np.array(values, order="C")).to(torch.bfloat16).view(torch.int16)
        return bits.numpy().view(np.uint16)
    if dtype == "bool":
        return values > 0.5
    if dtype in FLOATS:
        with np.errstate(over="ignore"):
            return values.astype(NUMPY[dtype])
    info = np.iinfo(NUMPY[dtype])
    return np.clip(np.nan_to_num(values), info.min, min(info.max, 2**62)).astype(NUMPY[dtype])


def array(rng, shape, dtype, odd=False):
    """Random elements over what the dtype is used for: floats in [-0.2, 1.2], small and extreme integers."""
    if dtype in FLOATS:
        values = floats(rng, shape, -0.2, 1.2)
        return cast(with_odd(rng, values) if odd and values.size else values, dtype)
    if dtype == "bool":
        return floats(rng, shape) > 0
    info = np.iinfo(NUMPY[dtype])
    low, high = (info.min, info.max) if odd or info.bits == 8 else (max(info.min, -3), 300)
    generator = np.random.default_rng(rng.randrange(2**32))
    return generator.integers(low, high, shape, dtype=NUMPY[dtype], endpoint=True)


def form(rng, values, dtype, single=True):
    """The array in one of the ways Lua can give it. `single`: the call has this tensor only."""
    forms = ["tensor", "permuted", "permuted"] + (["bytes", "bytes"] if single else [])
    fits = dtype != "uint64" or values.size == 0 or values.max() < 2**63
    regular = values.size > 0 or values.ndim == 1  # {} is one dimension of size 0
    if fits and regular and (values.ndim > 0 or dtype != "bool") and (single or dtype == "float32"):
        forms.append("table")
    kind = rng.choice(forms)
    axes = list(range(values.ndim))
    rng.shuffle(axes)
    typed = single and (dtype != "float32" or rng.random() < 0.5)
    return Tensor(values, dtype, kind, axes, typed)


def dtype(rng):
    return rng.choice(DTYPES)

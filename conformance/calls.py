"""Calls: what is replayed through torch and through us. A call and its arguments are data; this module knows how to
write them as Lua and how to hand them to torch. What a call means is in kinds/."""
import math

import numpy as np
import torch

NUMPY = {
    "bool": np.bool_, "int8": np.int8, "int16": np.int16, "int32": np.int32, "int64": np.int64,
    "uint8": np.uint8, "uint16": np.uint16, "uint32": np.uint32, "uint64": np.uint64,
    "float16": np.float16, "float32": np.float32, "float64": np.float64,
    "bfloat16": np.uint16,  # its bits: numpy has no such type
}
DTYPES = sorted(NUMPY)
FLOATS = ("float16", "bfloat16", "float32", "float64")


class Tensor:
    """An array and the way it is handed to Lua.

    form: "table" a nested Lua table, "bytes" a raw string with shape and dtype in the options, "tensor" a
    helios.tensor, "permuted" one whose strides are not those of a contiguous one.
    """

    def __init__(self, array, dtype=None, form="tensor", axes=None, typed=True):
        self.array = np.array(array, order="C")
        self.dtype = dtype or self.array.dtype.name
        self.form, self.axes = form, axes
        self.typed = typed  # a table of float32 needs no dtype in the options

    def torch(self):
        if self.dtype == "bfloat16":
            return torch.from_numpy(self.array.view(np.int16).copy()).view(torch.bfloat16)
        return torch.from_numpy(self.array.copy())

    def options(self):
        if self.form == "bytes":
            return {"shape": list(self.array.shape), "dtype": self.dtype}
        if self.form == "table" and self.typed:
            return {"dtype": self.dtype}
        return {}

    def lua(self):
        if self.form == "table":
            values = self.torch().double().numpy() if self.dtype in FLOATS else self.array
            if not self.typed:
                values = values + values * 1e-9  # doubles that the table's float32 must round away
            return lua(values.tolist())
        raw = lua(self.array.tobytes())
        if self.form == "bytes":
            return raw
        if self.form == "permuted":
            stored = np.array(np.transpose(self.array, self.axes), order="C")
            back = [int(axis) + 1 for axis in np.argsort(self.axes)]
            return "permuted(%s, %s, %s, %s)" % (
                lua(stored.tobytes()), lua(list(stored.shape)), lua(self.dtype), lua(back))
        return "tensor.from_bytes(%s, %s, %s)" % (raw, lua(list(self.array.shape)), lua(self.dtype))


class Pairs:
    """A dictionary in its own order: for Lua a list of {key, value}."""

    def __init__(self, items):
        self.items = list(items)

    def lua(self):
        return lua([[key, value] for key, value in self.items])


class Code:
    """A Lua expression as it is, for what only Lua has: figures, models."""

    def __init__(self, text):
        self.text = text

    def lua(self):
        return self.text


class Call:
    """One call. `args` are its required arguments, `options` the named ones, both as Lua gets them; torch gets the
    same unless `torch_args` or `torch_options` say otherwise, or `torch_calls`, a list of (method, args, options)."""

    def __init__(self, method, args, options=None, positional=(), torch_args=None, torch_options=None,
                 torch_calls=None, **facts):
        self.method, self.args, self.options = method, list(args), dict(options or {})
        self.positional = list(positional)  # options that this call gives by position
        torch_args = self.args if torch_args is None else torch_args
        torch_options = self.options if torch_options is None else torch_options
        self.torch_calls = [(method, torch_args, torch_options)] if torch_calls is None else torch_calls
        self.facts = facts  # what the comparison has to know

    def lua(self):
        options = dict(self.options)
        for value in self.args:
            if isinstance(value, Tensor):
                options.update(value.options())
        args = self.args + [options.pop(name, None) for name in self.positional]
        if options:
            args.append(options)
        return "{%s, n = %d, %s}" % (lua(self.method), len(args), ", ".join(map(lua, args)))

    def for_torch(self):
        def convert(value):
            return value.torch() if isinstance(value, Tensor) else value
        for method, args, options in self.torch_calls:
            yield method, list(map(convert, args)), {name: convert(value) for name, value in options.items()}


def lua_string(value):
    raw = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
    return '"%s"' % "".join(
        chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else "\\%03d" % byte for byte in raw)


def lua_number(value):
    if math.isnan(value):
        return "minus_nan" if math.copysign(1, value) < 0 else "nan"
    if math.isinf(value):
        return "math.huge" if value > 0 else "-math.huge"
    return value.hex()


def lua(value):
    """A Lua expression of that value."""
    if value is None:
        return "nil"
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (int, np.integer)):
        return "math.mininteger" if value == -2**63 else str(int(value))
    if isinstance(value, (float, np.floating)):
        return lua_number(float(value))
    if isinstance(value, (str, bytes)):
        return lua_string(value)
    if isinstance(value, (list, tuple)):
        return "{%s}" % ", ".join(map(lua, value))
    if isinstance(value, dict):
        return "{%s}" % ", ".join("[%s] = %s" % (lua(key), lua(item)) for key, item in value.items())
    return value.lua()

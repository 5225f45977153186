"""Files of other writers through `helios cat` and `helios ls`, against what TensorBoard's EventAccumulator reads in them:
torch and tensorboardX, old style and new style, TensorFlow's tensors for pictures and histograms, and all of it gzip-ed."""
import base64
import glob
import gzip
import json
import logging
import math
import os
import random
import shutil
import struct
import subprocess
import sys

import numpy as np
import tensorboardX
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, tensor_shape_pb2
from tensorboard.summary.writer.event_file_writer import EventFileWriter
from torch.utils.tensorboard import SummaryWriter

HELIOS = os.path.join(os.environ.get("BUILD", "build"), "helios")
EVERYTHING = {kind: 0 for kind in ("scalars", "tensors", "images", "audio", "histograms", "compressedHistograms")}
ODD = [math.nan, math.inf, -math.inf, -0.0, 1e-42, 3.4e38, 0.1, 16777217.0]


def write_common(writer, rng, numbers, **style):
    """What both packages can write, with random values at ascending steps."""
    for step in range(-3, 40):
        for tag in ("loss", "a/b", "gr\u00fc\u00df \u2028"):
            writer.add_scalar(tag, rng.choice(ODD + [rng.gauss(0, 10.0 ** rng.randint(-30, 30))]), step, **style)
    for step in (1, 5, 2 ** 40):
        writer.add_text("note", "text %d \0 \u00e9" % step, step)
        writer.add_image("picture", numbers.integers(0, 255, (3, 5, 7), dtype=np.uint8), step)
        writer.add_histogram("weights", numbers.standard_normal(500), step)
        writer.add_pr_curve("curve", numbers.integers(0, 2, 50), numbers.random(50, dtype=np.float32), step)
    writer.close()


def value(tag, plugin, **tensor):
    metadata = summary_pb2.SummaryMetadata(
        plugin_data=summary_pb2.SummaryMetadata.PluginData(plugin_name=plugin)) if plugin else None
    return summary_pb2.Summary.Value(tag=tag, tensor=tensor_pb2.TensorProto(**tensor), metadata=metadata)


def shape(*sizes):
    return tensor_shape_pb2.TensorShapeProto(dim=[tensor_shape_pb2.TensorShapeProto.Dim(size=size) for size in sizes])


def write_like_tensorflow(folder, numbers):
    """TensorFlow 2 tells the plugin with a tag's first value only, and packs numbers into tensor_content."""
    writer = EventFileWriter(folder)
    for step in range(10):
        first = step == 0
        buckets = np.sort(numbers.standard_normal((8, 3)), axis=1)
        picture = [b"4", b"3", b"\x89PNG one", b"\x89PNG two"]
        writer.add_event(event_pb2.Event(wall_time=1e9 + step, step=step, summary=summary_pb2.Summary(value=[
            value("loss", "scalars" if first else "", dtype=1, tensor_shape=shape(),
                  tensor_content=struct.pack("<f", step / 3)),
            value("weights", "histograms" if first else "", dtype=2, tensor_shape=shape(8, 3),
                  tensor_content=buckets.tobytes()),
            value("picture", "images" if first else "", dtype=7, tensor_shape=shape(4), string_val=picture)])))
    writer.close()


def write_runs(folder, rng):
    numbers = np.random.default_rng(rng.randrange(2 ** 32))
    logging.disable(logging.WARNING)  # tensorboardX tells of every NaN
    write_common(SummaryWriter(folder + "/torch-old"), rng, numbers)
    write_common(SummaryWriter(folder + "/torch-new"), rng, numbers, new_style=True)
    write_common(tensorboardX.SummaryWriter(folder + "/tensorboardX"), rng, numbers)
    write_like_tensorflow(folder + "/tensorflow", numbers)
    logging.disable(logging.NOTSET)
    for run in ("torch-new", "tensorboardX"):
        os.makedirs(folder + "/packed-" + run)
        for path in glob.glob("%s/%s/*tfevents*" % (folder, run)):
            with open(path, "rb") as plain, gzip.open("%s/packed-%s/%s.gz" % (
                    folder, run, os.path.basename(path)), "wb") as packed:
                shutil.copyfileobj(plain, packed)


def run_helios(*words):
    return subprocess.run([HELIOS, *words], stdout=subprocess.PIPE, check=True).stdout


def bits(number):
    return struct.pack("<f", number) if not math.isnan(number) else b"nan"


def number_of(spelled):
    return float(spelled.replace("Infinity", "inf")) if isinstance(spelled, str) else spelled


def read_by_us(path):
    """{(kind, tag): [(step, value)]} of the points that have a value here."""
    found = {}
    for line in run_helios("cat", "--data", path).splitlines():
        p = json.loads(line)
        if p["kind"] == "scalar":
            seen = bits(number_of(p["value"]))
        elif p["kind"] == "text":
            seen = p["text"]
        elif p["kind"] == "image":
            seen = [base64.b64decode(image["data"]) for image in p["images"]]
        elif p["kind"] == "histogram":
            seen = sum(bucket[2] for bucket in p["buckets"])
        elif p["kind"] == "pr_curve":
            seen = [bits(v) for v in p["values"]]
        else:
            continue
        found.setdefault((p["kind"], p["tag"]), []).append((p["step"], seen))
    return found


def floats(tensor):
    return list(np.frombuffer(tensor.tensor_content, "<f4")) if tensor.tensor_content else list(tensor.float_val)


def tensor_value(plugin, tensor):
    """A value of a tensor as read_by_us spells it, and its kind."""
    if plugin == "scalars":
        return "scalar", bits(floats(tensor)[0])
    if plugin == "text":
        return "text", tensor.string_val[0].decode()
    if plugin == "images":
        return "image", list(tensor.string_val[2:])
    if plugin == "histograms":
        return "histogram", float(np.frombuffer(tensor.tensor_content, "<f8").reshape(-1, 3)[:, 2].sum())
    return "pr_curve", [bits(v) for v in tensor.float_val]


def read_by_tensorboard(path):
    board, found = EventAccumulator(path, size_guidance=EVERYTHING), {}
    board.Reload()
    tags = board.Tags()
    for tag in tags["scalars"]:
        found["scalar", tag] = [(e.step, bits(e.value)) for e in board.Scalars(tag)]
    for tag in tags["images"]:
        found["image", tag] = [(e.step, [e.encoded_image_string]) for e in board.Images(tag)]
    for tag in tags["histograms"]:
        found["histogram", tag] = [(e.step, sum(e.histogram_value.bucket)) for e in board.Histograms(tag)]
    for tag in tags["tensors"]:
        plugin = board.SummaryMetadata(tag).plugin_data.plugin_name
        for e in board.Tensors(tag):
            kind, seen = tensor_value(plugin, e.tensor_proto)
            found.setdefault((kind, tag), []).append((e.step, seen))
    return found


def same(ours, wanted):
    """Histogram counts are sums, in one order or another."""
    if isinstance(wanted, float):
        return isinstance(ours, float) or isinstance(ours, int) and math.isclose(ours, wanted, rel_tol=1e-9)
    return ours == wanted


def compare(name, ours, wanted):
    """How many points were compared, and how many differ."""
    count = failed = 0
    for key in sorted(set(ours) | set(wanted)):
        mine, theirs = ours.get(key, []), wanted.get(key, [])
        count += max(len(mine), len(theirs))
        alike = len(mine) == len(theirs) and all(
            a[0] == b[0] and same(a[1], b[1]) for a, b in zip(mine, theirs))
        if not alike:
            failed += 1
            print("DIFFERS: reading %s of %s\n  got    %.300r\n  wanted %.300r" % (key, name, mine, theirs))
    return count, failed


def check(folder, seed):
    """Compared points and differences. Another process writes: in ours the judge sits in the place of torch's files."""
    subprocess.run([sys.executable, "-W", "ignore", __file__, folder, str(seed)], check=True)
    total = failures = 0
    for run in sorted(os.listdir(folder)):
        origin = run[len("packed-"):] if run.startswith("packed-") else run
        count, failed = compare(run, read_by_us(os.path.join(folder, run)),
                                read_by_tensorboard(os.path.join(folder, origin)))
        total, failures = total + count, failures + failed
    listed = json.loads(run_helios("ls", "--json", folder))
    if [run["name"] for run in listed] != sorted(os.listdir(folder)):
        failures += 1
        print("DIFFERS: helios ls finds the runs %r" % [run["name"] for run in listed])
    return total, failures


if __name__ == "__main__":
    write_runs(sys.argv[1], random.Random(int(sys.argv[2])))

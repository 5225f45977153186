"""peers.py FOLDER [reading] - the same calls through torch.utils.tensorboard and tensorboardX; Python's logging; numpy and
Pillow for the work inside; other readers, or these alone.

Prints `kind who call_ns cpu_ns` as core.c does, where cpu is the process time until the file is flushed."""
import importlib
import io
import logging
import re
import subprocess
import sys
import time

import numpy as np
from PIL import Image

RUNS = 5
FOLDER = sys.argv[1]
TEXT = "sixty characters of Markdown, as a note on a step would be.."


def measure(kind, who, calls, make):
    call = cpu = float("inf")
    for run in range(RUNS if calls > 1 else 3):
        fn, flush, close = make(f"{FOLDER}/{who}-{kind}-{run}")
        fn(0)
        flush()
        wall_start, cpu_start = time.perf_counter(), time.process_time()
        for i in range(1, calls + 1):
            fn(i)
        call = min(call, time.perf_counter() - wall_start)
        flush()
        cpu = min(cpu, time.process_time() - cpu_start)
        close()
    print(f"{kind}\t{who}\t{1e9 * call / calls:.1f}\t{1e9 * cpu / calls:.1f}", flush=True)


def with_writer(module, add):
    def make(folder):
        writer = module.SummaryWriter(folder)
        return (lambda i: add(writer, i)), writer.flush, writer.close

    return make


def with_logging(path):
    logger = logging.getLogger(path)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    handler = logging.FileHandler(path + ".log")
    handler.setFormatter(logging.Formatter("[%(asctime)s] [%(levelname)s]: %(message)s"))
    logger.addHandler(handler)
    return logger, handler


def info(path):
    logger, handler = with_logging(path)
    return (lambda i: logger.info("epoch %d: loss %.4f", i, 0.5)), handler.flush, handler.close


def info_plain(path):
    logger, handler = with_logging(path)
    return (lambda i: logger.info("epoch 12: loss 0.5000")), handler.flush, handler.close


def bare(work):
    """Work with no writer around it."""
    return lambda folder: (lambda i: work(), lambda: None, lambda: None)


def histogram_edges():
    """The 1549 edges of torch's default bins."""
    edges = []
    edge = 1e-12
    while edge < 1e20:
        edges.append(edge)
        edge *= 1.1
    return np.array([-e for e in reversed(edges)] + [0] + edges)


def measure_libraries(values, small, photo):
    """What numpy and Pillow take for the work inside: counting into torch's bins, packing a picture."""
    edges = histogram_edges()
    measure("add_histogram", "numpy", 3, bare(lambda: np.histogram(values, edges)))
    for kind, pixels in (("add_image_small", small), ("add_image_photo", photo)):
        image = Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0)))
        measure(kind, "Pillow", 3, bare(lambda picture=image: picture.save(io.BytesIO(), "PNG")))


def measure_reader(kind, who, read):
    """One reading of what read.c left, start to end without the start of Python."""
    wall_start, cpu_start = time.perf_counter(), time.process_time()
    read()
    wall, cpu = time.perf_counter() - wall_start, time.process_time() - cpu_start
    print(f"{kind}\t{who}\t{1e9 * wall:.0f}\t{1e9 * cpu:.0f}", flush=True)


def measure_data_server(kind, folder):
    """What TensorBoard's data server says its first load took, checksums checked. It keeps a sample of the points."""
    import tensorboard_data_server

    command = [tensorboard_data_server.server_binary(), "--logdir", folder, "--reload", "once",
               "--port", "0", "--verbose", "--checksum"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        for line in server.stderr:
            found = re.search(r"Finished load cycle \(([0-9.]+)(ms|s)\)", line)
            if found:
                break
        server.kill()
    if found:
        nanoseconds = float(found[1]) * (1e6 if found[2] == "ms" else 1e9)
        print(f"{kind}\tserver\t{nanoseconds:.0f}\t{nanoseconds:.0f}", flush=True)


def measure_reading():
    """TensorBoard's EventAccumulator, its data server and tbparse over the million scalars and the gigabyte of media.
    tbparse gives tables of numbers, no pictures that could be exported."""
    from tbparse import SummaryReader
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    for what in ("scalars", "images"):
        folder, kind = f"{FOLDER}/{what}", f"load_{what}"
        measure_data_server(kind, folder)
        measure_reader(kind, "loader", lambda path=folder: EventAccumulator(
            path, size_guidance={"tensors": 0, "scalars": 0, "images": 0}).Reload())
    measure_reader("load_scalars", "tbparse", lambda: len(SummaryReader(f"{FOLDER}/scalars").tensors))


def writer_benches(run_name, values, small, photo):
    rng = np.random.default_rng(2)
    predictions = rng.random(1000000).astype(np.float32)
    labels = rng.integers(0, 2, 1000000).astype(bool)
    hparams = {"lr": 0.1, "momentum": 0.9, "batch_size": 32, "optimizer": "sgd", "nesterov": True}
    metrics = {"accuracy": 0.98, "loss": 0.05}
    return {
        "add_scalar": (3000, lambda w, i: w.add_scalar("loss/train", 0.5, i)),
        "add_text": (3000, lambda w, i: w.add_text("note", TEXT, i)),
        "add_histogram": (3, lambda w, i: w.add_histogram("weights", values, i)),
        "add_pr_curve": (3, lambda w, i: w.add_pr_curve("pr", labels, predictions, i)),
        "add_image_small": (5, lambda w, i: w.add_image("small", small, i)),
        "add_image_photo": (1, lambda w, i: w.add_image("photo", photo, i)),
        "add_hparams": (20, lambda w, i: w.add_hparams(hparams, metrics, **{run_name: f"trial{i}"})),
    }


def main():
    if "reading" in sys.argv[2:]:
        measure_reading()
        return
    measure("info_plain", "logging", 20000, info_plain)
    measure("info", "logging", 20000, info)
    values = np.random.default_rng(1).standard_normal(1000000).astype(np.float32)
    photo = np.fromfile(f"{FOLDER}/photo.rgb", np.uint8).reshape(3, 1080, 1920)
    small = np.ascontiguousarray(photo[:, :256, :256])
    measure_libraries(values, small, photo)
    peers = (("torch", "torch.utils.tensorboard", "run_name"), ("tensorboardX", "tensorboardX", "name"))
    for who, module_name, run_name in peers:
        module = importlib.import_module(module_name)
        for kind, (calls, add) in writer_benches(run_name, values, small, photo).items():
            measure(kind, who, calls, with_writer(module, add))
    measure_reading()


main()

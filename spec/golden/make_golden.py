"""Makes the golden event files of this folder with torch 2.13, which are what the decoder of the specs and the
writer are held against. Clock, host name and pid are fixed, so that running it again changes no byte:

    python3 spec/golden/make_golden.py spec/golden        (with conformance/requirements.txt installed)

None of the names has `tfevents` in it, lest a viewer started on the source tree takes them for runs.
"""
import os
import shutil
import socket
import sys
import tempfile
import time

import numpy as np

time.time = lambda: 1700000000.25
socket.gethostname = lambda: "golden"
os.getpid = lambda: 42

from torch.utils.tensorboard import SummaryWriter  # noqa: E402  (after the clock was fixed)
from torch.utils.tensorboard.summary import hparams  # noqa: E402


def add_kinds(w):
    w.add_scalar("loss", 0.5, 3, new_style=True)
    w.add_scalar("zero", 0, 0, new_style=True)
    w.add_scalar("old", -2.25, -7, walltime=1234.5)
    w.add_scalar("precise", 0.1, 2**40, new_style=True, double_precision=True)
    w.add_text("note", "gr\u00fc\u00df\0dich", 1)
    w.add_image("picture", np.arange(12, dtype=np.uint8).reshape(3, 2, 2), 4)
    w.add_histogram("weights", np.array([-1.0, 0.0, 0.5, 0.5]), 5, bins="tensorflow")
    w.add_pr_curve("curve", np.array([1, 0, 1]), np.array([0.9, 0.4, 0.1], np.float32), 6, num_thresholds=3)
    for summary in hparams({"lr": 0.1, "opt": "sgd"}, {"acc": 1.0}, {"lr": [0.1, 0.2]}):
        w.file_writer.add_summary(summary)


def make(path, add, **options):
    folder = tempfile.mkdtemp()
    with SummaryWriter(folder, **options) as w:
        add(w)
    (name,) = os.listdir(folder)
    shutil.copyfile(os.path.join(folder, name), path)
    shutil.rmtree(folder)


def main(out):
    make(os.path.join(out, "torch_kinds.events"), add_kinds)
    make(os.path.join(out, "torch_purge.events"), lambda w: None, purge_step=10)


if __name__ == "__main__":
    main(sys.argv[1])

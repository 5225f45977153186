"""Training runs that are stopped and started again, seen through both of TensorBoard's loaders: their curves must be
those of the same runs never stopped. The runs are random ones of spec/support/resumable_run.lua."""
import glob
import os
import random
import subprocess

from board import Board

PROGRAM = os.path.join(os.path.dirname(__file__), "..", "spec", "support", "resumable_run.lua")
RUNS = 4
KINDS = ["error", "SIGTERM", "SIGUSR1", "SIGKILL"]


def sit(folder, settings, kind="none", at=0):
    """One sitting; its last lines are what it has to say when it does not end as it should."""
    subprocess.run([os.environ.get("LUA", "lua5.4"), PROGRAM, folder, str(settings), kind, str(at)],
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


def finished(folder):
    return os.path.exists(os.path.join(folder, "result"))


def batches(folder):
    with open(os.path.join(folder, "trace"), encoding="ascii") as trace:
        return sum(line[0].isdigit() for line in trace)


def train(logdir, seed):
    """The two folders of a run: never stopped, and stopped up to three times."""
    whole, stopped = ("%s/%s-%d" % (logdir, name, seed) for name in ("whole", "stopped"))
    os.makedirs(whole)
    os.makedirs(stopped)
    choose = random.Random(seed)
    sit(whole, seed)
    for _ in range(3):
        if not finished(stopped):
            sit(stopped, seed, choose.choice(KINDS), choose.randint(1, batches(whole)))
    if not finished(stopped):
        sit(stopped, seed)
    if not finished(whole) or not finished(stopped):
        raise RuntimeError("run %d does not come to its end" % seed)
    return whole, stopped


def run_of(folder):
    """The run that was finished; sittings that ended before their first checkpoint have left runs before it."""
    return sorted(glob.glob(folder + "/runs/*"))[-1]


def last_of_each_step(points):
    """Batches that are accumulated log at one step; a fold-back would still show as a step that goes back."""
    kept = []
    for _, step, value in points:
        if kept and kept[-1][0] == step:
            kept.pop()
        kept.append((step, value))
    return kept


def curves(board, logdir, folder):
    top = os.path.relpath(run_of(folder), logdir)
    found = {}
    for run, tags in (board.get("scalars/tags") or {}).items():
        if run == top or run.startswith(top + "/"):
            for tag in tags:
                found[run[len(top):], tag] = last_of_each_step(board.get("scalars/scalars", run=run, tag=tag) or [])
    return found


def compare(board, logdir, whole, stopped, loader):
    def equal():
        wanted = curves(board, logdir, whole)
        return len(wanted) >= 3 and curves(board, logdir, stopped) == wanted
    if Board.until(equal):
        return 0
    print("DIFFERS (%s): %s shows other curves than %s" % (loader, stopped, whole))
    return 1


def check(logdir):
    """Runs compared, and those that differ."""
    pairs = [train(logdir, seed) for seed in range(1, RUNS + 1)]
    failed = 0
    for fast in (True, False):
        with Board(logdir, fast) as board:
            for whole, stopped in pairs:
                failed += compare(board, logdir, whole, stopped, "data server" if fast else "Python loader")
    return 2 * len(pairs), failed

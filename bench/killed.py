"""killed.py FOLDER - how much of 50 acknowledged calls is gone after SIGKILL; prints `kind who lost 0`.

Each writer runs in a process of its own, logs as fast as it can and kills itself right after the last call returned.
Events are counted by TensorBoard's loader, lines as lines; ours after `helios recover`, which the next opening of the run
would do."""
import glob
import os
import subprocess
import sys

FOLDER, BUILD = sys.argv[1], os.environ["BUILD"]
CALLS = 50

EVENTS = """
import os, sys
module = __import__(sys.argv[1], fromlist=["SummaryWriter"])
writer = module.SummaryWriter(sys.argv[2])
for i in range(50):
    writer.add_scalar("loss", i, i)
os.kill(os.getpid(), 9)
"""
LINES = """
import logging, os, sys
logging.basicConfig(filename=sys.argv[1], level=logging.INFO)
for i in range(50):
    logging.info("line %d", i)
os.kill(os.getpid(), 9)
"""


def killed(*command):
    status = subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode
    if status != -9:
        sys.exit(f"killed.py: {command[0]} ended with {status}")


def events_in(folder):
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    paths = glob.glob(folder + "/events.out.tfevents.*")
    return sum(len(event.summary.value) > 0 for path in paths for event in EventFileLoader(path).Load())


def lines_in(path):
    with open(path, encoding="utf-8") as file:
        return sum("line" in line for line in file)


def report(kind, who, found):
    print(f"{kind}\t{who}\t{CALLS - found}\t0", flush=True)


def main():
    for who, module in (("torch", "torch.utils.tensorboard"), ("tensorboardX", "tensorboardX")):
        folder = f"{FOLDER}/killed-{who}"
        killed(sys.executable, "-c", EVENTS, module, folder)
        report("killed_events", who, events_in(folder))
    path = f"{FOLDER}/killed-logging.log"
    killed(sys.executable, "-c", LINES, path)
    report("killed_lines", "logging", lines_in(path))
    spdlog = f"{BUILD}/bench/spdlog"
    for name, more in (("spdlog", ()), ("spdlog_async", ("async",))) if os.path.exists(spdlog) else ():
        path = f"{FOLDER}/killed-{name}.log"
        killed(spdlog, "killed", path, *more)
        report("killed_lines", name, lines_in(path))
    ours, log = f"{FOLDER}/killed-ours", f"{FOLDER}/killed-ours.log"
    helios = f"{BUILD}/helios"
    killed(helios, "bench/killed.lua", "events", ours)
    killed(helios, "bench/killed.lua", "lines", log)
    for path in (ours, log):
        subprocess.run([helios, "recover", path], check=True, stdout=subprocess.DEVNULL)
    report("killed_events", "c", events_in(ours))
    report("killed_lines", "c", lines_in(log))


main()

"""Replays generated calls through torch and through us, compares what they wrote event by event, and has TensorBoard's
own loaders read our runs. Prints its seed; SEED and N (how many calls) in the environment change them.

    make conformance
"""
import collections
import os
import random
import subprocess
import sys
import tempfile

import compare
import judge
import reading
import resuming
import viewers
from calls import lua
from kinds import KINDS, OPTIONS

HERE = os.path.dirname(os.path.abspath(__file__))
SEED, COUNT = int(os.environ.get("SEED", "6691")), int(os.environ.get("N", "6000"))
LAYOUT = "custom_scalars__config__"
SHOWN = 12  # differences told at length
TOO_MANY_BINS = "expected 1 to 16777216 bins"  # our bound: beyond it torch makes events that no viewer can read


def generate(rng):
    """The calls, by session: one run folder of its own for each kind."""
    sessions = {}
    for kind, (module, share) in KINDS.items():
        sessions[kind] = [module.generate(rng, index, kind) for index in range(max(1, COUNT * share // 100))]
    return sessions


def write_calls(path, sessions):
    with open(path, "w", encoding="ascii") as file:
        for name, options, calls in sessions:
            file.write("session(%s, %s)\n" % (lua(name), lua(options)))
            file.writelines("call%s\n" % call.lua() for call in calls)


def replay(folder, runs, sessions):
    """Replays (name, options, calls) into folder/runs. What each call answered, "ok" or its error, in order."""
    path = os.path.join(folder, "calls.lua")
    write_calls(path, sessions)
    command = os.environ.get("LUA", "lua5.4").split() + [
        os.path.join(HERE, "replay.lua"), path, os.path.join(folder, runs)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=600, encoding="utf-8", errors="replace")
    return done.stdout.split("\n")[:-1]


class Report:
    """Counts what was compared, and tells the first differences."""

    def __init__(self):
        self.compared = collections.Counter()
        self.differences = 0

    def differ(self, call, what):
        self.differences += 1
        if self.differences <= SHOWN:
            print("DIFFERS %s\n  %s" % (what, call.lua()[:500]))


def key(run, event):
    """What finds an event of torch's among ours: media may be written later than what was called after them."""
    return run, tuple(value.tag for value in event.summary.value)


def expectations(session, folder, calls, answers, report):
    """Queues of (call, Event) by key, in the order of the calls."""
    torch, queues = judge.Torch(os.path.join(folder, "torch", session)), collections.defaultdict(collections.deque)
    for call, answer in zip(calls, answers):
        events = torch.call(call)
        report.compared[session] += 1
        if events is None:
            if answer == "ok":
                report.differ(call, "torch raises %s" % call.facts["torch_error"])
        elif TOO_MANY_BINS in answer:
            continue
        elif answer != "ok":
            report.differ(call, "raises %s" % answer)
        else:
            if "walltime" in call.options:
                call.facts["walltime"] = call.options["walltime"]
            for run, event in events:
                queues[key(run, event)].append((call, event))
    return queues


def check_start(session, event, report):
    """The first event of a file is all that has no summary here."""
    report.compared["files"] += 1
    if (event.file_version, event.source_metadata.writer, event.step) != ("brain.Event:2", "helios", 0):
        report.differences += 1
        print("DIFFERS: the first event of a file in %s: %s" % (session, event))


def compare_session(session, folder, calls, answers, report):
    """Every event of ours against the next one torch wrote under the same tags, and none left over."""
    queues = expectations(session, folder, calls, answers, report)
    for run, event, raw in judge.read_runs(os.path.join(folder, "calls", session)):
        if raw is None:
            check_start(session, event, report)
            continue
        if session == "add_scalars_as_tags" and event.summary.value[0].tag == LAYOUT:
            continue  # ours alone; viewers.py looks at it
        queue = queues.get(key(run, event))
        if not queue:
            report.differences += 1
            print("DIFFERS: an event that torch does not write, in %s/%s: %.300r" % (session, run, raw))
            continue
        call, wanted = queue.popleft()
        report.compared["events"] += 1
        what = compare.difference(event, raw, wanted, call.facts)
        if what:
            report.differ(call, what)
    for (run, tags), queue in queues.items():
        for call, _ in queue:
            report.differ(call, "no event of tags %s in run %s" % (tags, run))


def other_files(folder):
    """The contents of all files that are no event files, by path; pictures as their pixels."""
    found = {}
    for path, _, names in os.walk(folder):
        for name in (name for name in names if "tfevents" not in name):
            with open(os.path.join(path, name), "rb") as file:
                content = file.read()
            found[os.path.relpath(os.path.join(path, name), folder)] = (
                compare.pixels(content) if name.endswith(".png") else content)
    return found


def compare_files(session, folder, report):
    """The files that embeddings are made of, and that nothing else is left in the folder."""
    ours, wanted = (other_files(os.path.join(folder, part, session)) for part in ("calls", "torch"))
    for path in sorted(set(ours) | set(wanted)):
        report.compared["other files"] += 1
        if ours.get(path) != wanted.get(path):
            report.differences += 1
            print("DIFFERS: %s/%s holds %.300r instead of %.300r" % (session, path, ours.get(path), wanted.get(path)))


def compare_calls(folder, report):
    sessions = generate(random.Random(SEED))
    plan = [(name, OPTIONS.get(name), calls) for name, calls in sessions.items()]
    answers, at = replay(folder, "calls", plan), 0
    for session, calls in sessions.items():
        compare_session(session, folder, calls, answers[at:at + len(calls)], report)
        compare_files(session, folder, report)
        at += len(calls)


def look_with_viewers(folder, report):
    def add(sessions):
        for answer in replay(folder, "viewed", sessions):
            if answer != "ok":
                raise RuntimeError("a call for the viewers raises " + answer)
    report.compared["facts in viewers"], failed = viewers.check(os.path.join(folder, "viewed"), add)
    report.differences += failed


def look_at_resumed_runs(folder, report):
    report.compared["resumed runs"], failed = resuming.check(os.path.join(folder, "resuming"))
    report.differences += failed


def read_foreign_files(folder, report):
    report.compared["points of others"], failed = reading.check(os.path.join(folder, "foreign"), SEED)
    report.differences += failed


def main():
    print("conformance: seed %d, %d calls" % (SEED, COUNT))
    report = Report()
    with tempfile.TemporaryDirectory(prefix="helios-conformance-") as folder:
        compare_calls(folder, report)
        look_with_viewers(folder, report)
        look_at_resumed_runs(folder, report)
        read_foreign_files(folder, report)
    for name, count in report.compared.items():
        print("  %-20s %6d" % (name, count))
    facts = sum(count for name, count in report.compared.items() if name not in KINDS)  # events rather than calls
    print("%d passed, %d failed" % (facts - report.differences, report.differences))
    return 1 if report.differences else 0


if __name__ == "__main__":
    sys.exit(main())

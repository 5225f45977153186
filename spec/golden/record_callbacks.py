"""Records what Helios 1.1.0's own trainer calls, in which order and with which counters, in callbacks.txt of this
folder, which callbacks_spec.lua holds our trainer against:

    python3 spec/golden/record_callbacks.py > spec/golden/callbacks.txt        (with helios-ml==1.1.0 installed)

A block is the settings of a run and the calls that followed. A training state is shown as its counters: current and
global iteration, epoch, validation cycles, batches of this epoch, validations without improvement, running iterations.
"""
import contextlib
import io
import pathlib
import tempfile

import helios.data as hld
import helios.model as hlm
import helios.plugins.plugin as hlp
import helios.trainer as hlt
import torch.utils.data as tud

MODEL = """setup train eval on_training_start on_training_epoch_start on_training_batch_start train_step
    on_training_batch_end on_training_epoch_end on_training_end on_validation_start on_validation_batch_start valid_step
    on_validation_batch_end on_validation_end have_metrics_improved should_training_stop on_testing_start
    on_testing_batch_start test_step on_testing_batch_end on_testing_end load_for_testing state_dict load_state_dict
    append_metadata_to_chkpt_name""".split()
PLUGIN = """setup on_training_start on_training_end process_training_batch on_validation_start on_validation_end
    process_validation_batch on_testing_start on_testing_end process_testing_batch should_training_stop""".split()
TRAINER = """train_unit total_steps valid_frequency chkpt_frequency print_frequency accumulation_steps
    early_stop_cycles""".split()

# Besides the trainer's settings: samples of each loader, `batch` of them in one; `stops` the question after which the
# model says stop, `plugin_stops` likewise; `improves` the answers about the metrics; `claims` the plugin takes batches.
EPOCH = {"train_unit": "epoch", "n_train": 4, "batch": 2}
ITERATION = {"train_unit": "iteration", "n_train": 5, "batch": 2}
INF = float("inf")
SCENARIOS = [
    EPOCH | {"total_steps": 2},
    EPOCH | {"total_steps": 3, "n_valid": 3, "valid_frequency": 2, "chkpt_frequency": 1, "print_frequency": 3},
    EPOCH | {"total_steps": 2, "valid_frequency": 1, "accumulation_steps": 3},
    EPOCH | {"total_steps": INF, "n_valid": 1, "valid_frequency": 1, "early_stop_cycles": 2,
             "improves": [True, False, True, False, False]},
    EPOCH | {"total_steps": 3, "early_stop_cycles": 0},
    EPOCH | {"total_steps": 3, "n_valid": 1, "valid_frequency": 1, "chkpt_frequency": 1, "stops": 1},
    EPOCH | {"total_steps": 3, "stops": 3},
    EPOCH | {"total_steps": INF, "plugin_stops": 2, "n_train": 7, "batch": 3},
    EPOCH | {"total_steps": 1, "n_train": 5, "drop_last": True, "n_valid": 2, "valid_frequency": 1, "claims": True},
    EPOCH | {"total_steps": 2, "n_test": 3, "chkpt_frequency": 1, "test": True, "claims": True},
    EPOCH | {"total_steps": 1, "n_test": 1, "test": True},
    ITERATION | {"total_steps": 4},
    ITERATION | {"total_steps": 6, "n_valid": 3, "valid_frequency": 2, "chkpt_frequency": 3, "print_frequency": 2},
    ITERATION | {"total_steps": 4, "accumulation_steps": 2, "n_valid": 1, "valid_frequency": 1, "chkpt_frequency": 2,
                 "print_frequency": 1},
    ITERATION | {"total_steps": INF, "n_valid": 1, "valid_frequency": 1, "early_stop_cycles": 2,
                 "improves": [False, True, False, False]},
    ITERATION | {"total_steps": 9, "early_stop_cycles": 0},
    ITERATION | {"total_steps": 9, "n_valid": 1, "valid_frequency": 1, "chkpt_frequency": 1, "stops": 3},
    ITERATION | {"total_steps": 9, "n_valid": 1, "valid_frequency": 1, "chkpt_frequency": 1, "stops": 4},
    ITERATION | {"total_steps": INF, "plugin_stops": 4, "claims": True, "n_valid": 1, "valid_frequency": 2},
    ITERATION | {"total_steps": 3, "n_test": 2, "chkpt_frequency": 2, "test": True},
]


def show(value):
    if isinstance(value, hlt.TrainingState):
        return "<%d %d %d %d %d %d %d>" % (
            value.current_iteration, value.global_iteration, value.global_epoch, value.validation_cycles,
            value.dataset_iter, value.early_stop_count, value.running_iter)
    if isinstance(value, bool):
        return str(value).lower()
    if hasattr(value, "tolist"):
        return "[%s]" % " ".join(map(str, value.tolist()))
    return "{}" if isinstance(value, dict) else str(value)


class Recorder:
    """Notes calls, and gives the answers that the scenario wants."""

    def __init__(self, calls, who, stops, improves):
        self.calls, self.who, self.stops, self.improves = calls, who, stops, list(improves)

    def __call__(self, name, *args, **kwargs):
        shown = [show(v) for v in (*args, *kwargs.values())]
        self.calls.append("%s%s(%s)" % (self.who, name, ", ".join(shown)))
        if name == "should_training_stop":
            self.stops -= 1
            return self.stops == 0
        if name == "have_metrics_improved":
            return self.improves.pop(0) if self.improves else True
        if name.startswith("process_"):
            return kwargs["batch"]
        return {"state_dict": {}, "append_metadata_to_chkpt_name": args and args[0]}.get(name)


def recording(base, names, recorder, *args):
    def method(name):
        return lambda self, *a, **k: recorder(name, *a, **k)
    return type("Recording", (base,), {name: method(name) for name in names})(*args)


class Numbers(tud.Dataset):
    def __init__(self, n):
        self.n = n

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        return i + 1


class Module(hld.DataModule):
    def __init__(self, scenario):
        super().__init__()
        self.scenario = scenario

    def setup(self):
        s = self.scenario
        params = hld.DataLoaderParams(batch_size=s["batch"], drop_last=s.get("drop_last", False), pin_memory=False)
        for part in ("train", "valid", "test"):
            if "n_" + part in s:
                setattr(self, "_%s_dataset" % part, self._create_dataset(Numbers(s["n_" + part]), params))


def run(scenario):
    calls, root = [], pathlib.Path(tempfile.mkdtemp())

    def trainer_and_model():
        settings = {name: scenario[name] for name in TRAINER if name in scenario}
        trainer = hlt.Trainer(run_name="r", use_cpu=True, print_banner=False, chkpt_root=root, **settings)
        if "claims" in scenario or "plugin_stops" in scenario:
            of_plugin = Recorder(calls, "plugin:", scenario.get("plugin_stops", 0), [])
            trainer.plugins["p"] = plugin = recording(hlp.Plugin, PLUGIN, of_plugin, "p")
            if scenario.get("claims"):
                plugin._overrides = hlp.UniquePluginOverrides(True, True, True, True)
        of_model = Recorder(calls, "", scenario.get("stops", 0), scenario.get("improves", []))
        return trainer, recording(hlm.Model, MODEL, of_model, "m")

    for action in ["fit"] + ["test"] * scenario.get("test", False):
        calls.append("-- " + action)
        trainer, model = trainer_and_model()
        getattr(trainer, action)(model, Module(scenario))
    return calls + sorted("file " + path.stem for path in root.glob("m/*"))


def as_lua(value):
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "{%s}" % ", ".join(map(as_lua, value))
    if value == INF:
        return "math.huge"
    return '"%s"' % value if isinstance(value, str) else str(value)


for scenario in SCENARIOS:
    with contextlib.redirect_stdout(io.StringIO()):
        calls = run(scenario)
    print("= " + ", ".join("%s = %s" % (name, as_lua(value)) for name, value in scenario.items()))
    print("\n".join(calls))

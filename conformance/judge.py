"""What torch would have written for a call, and what is in our files. Both as (run, Event) lists."""
import contextlib
import io
import os

from PIL import Image
from tensorboard.compat.proto import event_pb2
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import PyRecordReader_New
from torch.utils.tensorboard import summary as torch_summary
from torch.utils.tensorboard import writer as torch_writer


class Captured:
    """Stands where torch has its file: keeps what reaches it."""

    def __init__(self, logdir, *_options):
        self.logdir = logdir

    def get_logdir(self):
        return self.logdir

    def add_event(self, event):
        Captured.events.append((self.logdir, event))

    def flush(self):
        pass

    close = reopen = flush


def new_style_scalar(name, value, new_style=True, double_precision=False):
    """api.md: every scalar of ours is new-style, those of add_scalars and add_hparams too."""
    return torch_summary.scalar(name, value, new_style=True, double_precision=double_precision)


def exact_video(tensor, fps):
    """Stands where torch calls moviepy for a GIF: the very frames, as pages of a TIFF, which keeps equal ones apart."""
    _, height, width, channels = tensor.shape
    pages, encoded = [Image.fromarray(frame) for frame in tensor], io.BytesIO()
    pages[0].save(encoded, "TIFF", save_all=True, append_images=pages[1:])
    return torch_summary.Summary.Image(height=height, width=width, colorspace=channels,
                                       encoded_image_string=encoded.getvalue())


torch_writer.EventFileWriter = Captured
torch_writer.scalar = new_style_scalar
torch_summary.make_video = exact_video


class Torch:
    """torch's SummaryWriter, its events kept in lists; what else it writes lands in the folder."""

    def __init__(self, folder):
        self.folder = folder
        self.writer = torch_writer.SummaryWriter(folder)

    def call(self, call):
        """The events of a call as (run below the folder, Event), or None where torch raises."""
        Captured.events = []
        try:
            with contextlib.redirect_stdout(io.StringIO()):  # it warns of clipped audio there
                for method, args, options in call.for_torch():
                    getattr(self.writer, method)(*args, **options)
        except Exception as error:  # noqa: BLE001  (whatever it raises, ours must raise too)
            call.facts["torch_error"] = "%s: %s" % (type(error).__name__, error)
            return None
        return [(os.path.relpath(logdir, self.folder), event) for logdir, event in Captured.events]


def records(path):
    """The payloads of an event file, both checksums checked by TensorBoard's own reader."""
    reader = PyRecordReader_New(path)
    while True:
        try:
            reader.GetNext()
        except Exception as error:  # noqa: BLE001  (its own OutOfRangeError, under varying names)
            if type(error).__name__ != "OutOfRangeError" or "Truncated" in str(error):
                raise
            return
        yield reader.record()


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value, shift, at = value | (byte & 127) << shift, shift + 7, at + 1
        if byte < 128:
            return value, at


def summary_bytes(record):
    """The Summary inside a serialized Event, as it stands there (None without one)."""
    at = 0
    while at < len(record):
        key, at = varint(record, at)
        size = {0: None, 1: 8, 5: 4}.get(key & 7)
        if key & 7 == 0:
            _, at = varint(record, at)
            continue
        if key & 7 == 2:
            size, at = varint(record, at)
        if key >> 3 == 5:
            return record[at:at + size]
        at += size
    return None


def read_runs(folder):
    """Every event of ours below a folder as (run, Event, bytes of its Summary), files in name order."""
    for path, _, names in sorted(os.walk(folder)):
        for name in sorted(names):
            if "tfevents" in name:
                for record in records(os.path.join(path, name)):
                    event = event_pb2.Event.FromString(record)
                    yield os.path.relpath(path, folder), event, summary_bytes(record)

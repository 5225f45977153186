"""Is one event of ours the one torch wrote? Byte for byte, but for the deviations that the interface lists."""
import io
import math

from PIL import Image, ImageSequence
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData


def serialized(message):
    return message.SerializeToString(deterministic=True)


def pixels(encoded):
    with Image.open(io.BytesIO(encoded)) as picture:
        return picture.mode, picture.size, picture.tobytes()


def frames(encoded, fps):
    """Every frame of an animation, each as often as it is shown for a time of 1 / fps."""
    with Image.open(io.BytesIO(encoded)) as picture:
        return [(frame.size, frame.convert("RGB").tobytes()) for frame in ImageSequence.Iterator(picture)
                for _ in range(round(frame.info.get("duration", 1000 / fps) * fps / 1000))]


def allow_picture(ours, theirs, facts):
    """PNG and GIF bytes may differ; pixels may not."""
    mine, wanted = ours.image.encoded_image_string, theirs.image.encoded_image_string
    if "fps" in facts:
        same = frames(mine, facts["fps"]) == frames(wanted, facts["fps"])
    else:
        same = pixels(mine) == pixels(wanted)
    ours.image.encoded_image_string = wanted
    return None if same else "pixels differ"


def same_number(mine, wanted, rel_tol=0.0):
    return math.isclose(mine, wanted, rel_tol=rel_tol) or (math.isnan(mine) and math.isnan(wanted))


def allow_moments(ours, theirs, _facts):
    """What depends on the processor in numpy: the last bits of sum_squares (its BLAS); which of several
    NaNs comes out of them all, and which of two zeros of unlike sign is the smallest or largest value (the width of
    its vectors), and so the outer edges."""
    mine, wanted = ours.histo, theirs.histo
    if not same_number(mine.sum_squares, wanted.sum_squares, 1e-12):
        return "sum_squares is %r, not %r" % (mine.sum_squares, wanted.sum_squares)
    mine.sum_squares = wanted.sum_squares
    for name in ("min", "max", "sum"):
        if name == "sum" and not math.isnan(wanted.sum):
            continue  # to the bit
        if same_number(getattr(mine, name), getattr(wanted, name)):
            setattr(mine, name, getattr(wanted, name))
    for i in {0, len(mine.bucket_limit) - 1}:
        if 0 <= i < len(wanted.bucket_limit) and mine.bucket_limit[i] == wanted.bucket_limit[i] == 0:
            mine.bucket_limit[i] = wanted.bucket_limit[i]
    return None


def make_boolean(value):
    value.bool_value = bool(value.number_value)


def boolean_hparams(data, names):
    """torch writes booleans as numbers: what it should have written."""
    if data.WhichOneof("data") == "experiment":
        for info in data.experiment.hparam_infos:
            if info.name in names:
                info.type = 2
                list(map(make_boolean, info.domain_discrete.values))
    elif data.WhichOneof("data") == "session_start_info":
        for name in names & set(data.session_start_info.hparams):
            make_boolean(data.session_start_info.hparams[name])


def allow_hparams(ours, theirs, facts):
    """Booleans are booleans, and the order inside a map is free."""
    wanted = HParamsPluginData.FromString(theirs.metadata.plugin_data.content)
    boolean_hparams(wanted, facts.get("booleans", set()))
    content = ours.metadata.plugin_data.content
    if wanted.WhichOneof("data") == "session_start_info":
        content = serialized(HParamsPluginData.FromString(content))
    if content != serialized(wanted):
        return "plugin content differs: %r instead of %r" % (content, serialized(wanted))
    ours.metadata.plugin_data.content = theirs.metadata.plugin_data.content
    return None


def allowances(value):
    if value.HasField("image"):
        yield allow_picture
    if value.HasField("histo"):
        yield allow_moments
    if value.metadata.plugin_data.plugin_name == "hparams":
        yield allow_hparams


def summary_difference(raw, wanted, facts):
    ours = Summary.FromString(raw)
    if serialized(ours) != raw and not facts.get("map"):
        return "fields out of order, or defaults written"
    if len(ours.value) != len(wanted.value):
        return "%d values instead of %d" % (len(ours.value), len(wanted.value))
    for mine, theirs in zip(ours.value, wanted.value):
        for allow in allowances(theirs):
            reason = allow(mine, theirs, facts)
            if reason:
                return reason
    if serialized(ours) != serialized(wanted):
        return "bytes differ: %.600r instead of %.600r" % (serialized(ours), serialized(wanted))
    return None


def difference(event, raw, wanted, facts):
    """None, or what is wrong with our event, whose Summary stands as `raw` in the file."""
    if event.step != wanted.step:
        return "step %d instead of %d" % (event.step, wanted.step)
    if "walltime" in facts and event.wall_time != facts["walltime"]:
        return "walltime %r instead of %r" % (event.wall_time, facts["walltime"])
    return summary_difference(raw, wanted.summary, facts)

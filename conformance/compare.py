"""Is one event of ours the one torch wrote? Byte for byte, but for the deviations that the interface lists."""
import io
import math

from PIL import Image, ImageSequence
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData


def serialized(message):
    return message.SerializeToString(deterministic=True)


def frames(encoded):
    """Every frame of a picture as (mode, size, pixels)."""
    with Image.open(io.BytesIO(encoded)) as picture:
        return [(frame.mode, frame.size, frame.tobytes()) for frame in ImageSequence.Iterator(picture)]


def allow_picture(ours, theirs, _facts):
    """PNG and GIF bytes may differ; pixels may not."""
    if frames(ours.image.encoded_image_string) != frames(theirs.image.encoded_image_string):
        return "pixels differ"
    ours.image.encoded_image_string = theirs.image.encoded_image_string
    return None


def allow_sum_squares(ours, theirs, _facts):
    """Its last bits depend on the processor's BLAS."""
    mine, wanted = ours.histo.sum_squares, theirs.histo.sum_squares
    if not math.isclose(mine, wanted, rel_tol=1e-12) and not (math.isnan(mine) and math.isnan(wanted)):
        return "sum_squares is %r, not %r" % (mine, wanted)
    ours.histo.sum_squares = wanted
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
        yield allow_sum_squares
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

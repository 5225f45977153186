"""One module per kind of call: `generate(rng, index)` gives a Call, with a tag that no other call has."""
from . import audio, boxes, custom_scalars, embedding, histogram, hparams, image, mesh, pr_curve, raw, scalar, scalars
from . import tensor, text, video

# Kind and how many of a hundred calls are of it. A kind is a method, or a way of its own to call one.
KINDS = {
    "add_scalar": (scalar, 13), "add_scalars": (scalars, 4), "add_scalars_as_tags": (scalars, 2),
    "add_text": (text, 4), "add_image": (image, 20), "add_images": (image, 6), "add_histogram": (histogram, 12),
    "add_pr_curve": (pr_curve, 8), "add_hparams": (hparams, 4), "add_histogram_raw": (raw, 2),
    "add_pr_curve_raw": (raw, 2), "add_tensor": (tensor, 5), "add_audio": (audio, 4), "add_video": (video, 2),
    "add_embedding": (embedding, 2), "add_mesh": (mesh, 4), "add_image_with_boxes": (boxes, 3),
    "add_custom_scalars": (custom_scalars, 1), "add_custom_scalars_multilinechart": (custom_scalars, 1),
    "add_custom_scalars_marginchart": (custom_scalars, 1),
}
# How the run of a kind is opened.
OPTIONS = {"add_scalars_as_tags": {"scalars_layout": "tags"}}

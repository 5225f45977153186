"""One module per kind of call: `generate(rng, index)` gives a Call, with a tag that no other call has."""
from . import histogram, hparams, image, pr_curve, scalar, scalars, text

# Kind and how many of a hundred calls are of it. A kind is a method, or a way of its own to call one.
KINDS = {
    "add_scalar": (scalar, 18), "add_scalars": (scalars, 5), "add_scalars_as_tags": (scalars, 3),
    "add_text": (text, 8), "add_image": (image, 28),
    "add_images": (image, 8), "add_histogram": (histogram, 16), "add_pr_curve": (pr_curve, 10),
    "add_hparams": (hparams, 4),
}
# How the run of a kind is opened.
OPTIONS = {"add_scalars_as_tags": {"scalars_layout": "tags"}}

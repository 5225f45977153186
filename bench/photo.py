"""photo.py OUT - the photograph of core.c, 3 x 1080 x 1920 bytes, for a run of the readers alone."""
import sys

import numpy as np
from PIL import Image

photo = Image.open("examples/data/flower.png").convert("RGB").resize((1920, 1080))
np.asarray(photo).transpose(2, 0, 1).tofile(sys.argv[1])

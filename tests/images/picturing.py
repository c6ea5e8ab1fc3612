"""Folders of images that tests read."""

import numpy as np
from PIL import Image


def save(path, pixels, **options):
    """Write pixels to a file of the kind that its name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(pixels, dtype=np.uint8)).save(path, **options)
    return path


def make_folder(folder, n=3, shape=(6, 5)):
    """Two classes of n grey images: cats are dark, dogs are bright."""
    for name, level in (("cats", 10), ("dogs", 200)):
        for i in range(n):
            save(folder / name / f"{i}.png", np.full(shape, level + i))
    return folder

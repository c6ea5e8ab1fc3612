"""Images from a folder with one sub-folder per class."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from skgex._utils.progress import expect, phase, steps
from skgex.images._folder_listing import list_images
from skgex.images._image_file import decode, read_header

# Larger images are made smaller, unless a size is given: the net is a small one.
LARGEST_SIDE = 64

READING = "reading the images"


class ImageFolder(NamedTuple):
    """Images of a folder.

    Attributes
    ----------
    images : ndarray of shape (n, height, width) or (n, height, width, 3), dtype=uint8
        Grey images, or red, green and blue if one of them has colours.
    labels : ndarray of shape (n,), dtype=str
        The name of the sub-folder of each image.
    paths : list of Path
        The files, sorted by class and name.
    """

    images: np.ndarray
    labels: np.ndarray
    paths: list[Path]


def read_image_folder(
    folder: str | Path,
    *,
    size: int | tuple[int, int] | None = None,
    max_images: int = 100_000,
    max_pixels: int = 50_000_000,
    max_bytes: int = 2**31,
) -> ImageFolder:
    """Read images from a folder with one sub-folder per class.

    PNG, JPEG, BMP, GIF (its first frame), TIFF, WebP and PPM files are recognised by
    what they hold, whatever they are called. Hidden files are left out, and so are
    files beside the sub-folders. The headers of all files are read and checked before
    the first image is decoded. Transparent pixels become white.

    Parameters
    ----------
    folder : str or Path
        Such as ``animals``, with ``animals/cats/1.png`` and ``animals/dogs/2.png``.
    size : int or tuple of (int, int), default=None
        Height and width, in pixels, that all images are scaled to; an int for both.
        None keeps the size of images that are all alike, and otherwise takes the median
        height and width. Either way, sides of more than 64 pixels are then scaled down
        in proportion, to what the net of :func:`image_detector` is made for.
    max_images : int, default=100000
        The most images that are read.
    max_pixels : int, default=50000000
        The most pixels that one file may hold.
    max_bytes : int, default=2147483648
        The most memory, in bytes, that the images may take together once scaled.

    Returns
    -------
    folder : ImageFolder
        A named tuple of ``images``, ``labels`` and ``paths``.

    Raises
    ------
    NotADirectoryError
        If there is no such folder.
    ValueError
        If there are fewer than two classes, a file is no image, is damaged or goes
        beyond a bound, or a link leads out of the folder. The error names the file.
    ImportError
        If Pillow is not installed.

    See Also
    --------
    skgex.images.image_detector : Find wrong labels among the images.
    """
    paths, labels = list_images(folder, max_images)
    headers = [read_header(path, max_pixels) for path in paths]
    height, width = _common_size([header.size for header in headers], size)
    colour = any(header.colour for header in headers)
    shape = (len(paths), height, width, 3)[: 4 if colour else 3]
    _check_memory(shape, max_bytes)
    images = np.empty(shape, dtype=np.uint8)
    expect({READING: 1})
    with phase(READING), steps("images", len(paths)) as reach:
        for row, path in enumerate(paths):
            images[row] = decode(path, (height, width), colour)
            reach(row + 1)
    return ImageFolder(images, np.array(labels), paths)


def _common_size(
    sizes: list[tuple[int, int]], size: int | tuple[int, int] | None
) -> tuple[int, int]:
    """Return the height and width that all images are scaled to."""
    if size is not None:
        return _checked_size(size)
    height, width = np.median(sizes, axis=0)
    factor = min(1.0, LARGEST_SIDE / max(height, width))
    return max(1, round(factor * height)), max(1, round(factor * width))


def _checked_size(size: int | tuple[int, int]) -> tuple[int, int]:
    sides = size if isinstance(size, tuple) else (size, size)
    if len(sides) != 2 or not all(type(side) is int and side >= 1 for side in sides):
        raise ValueError(
            f"size: must be a number of pixels, or (height, width), got {size!r}."
        )
    return sides


def _check_memory(shape: tuple[int, ...], max_bytes: int) -> None:
    n_bytes = int(np.prod(shape, dtype=np.int64))
    if n_bytes > max_bytes:
        raise ValueError(
            f"size: {shape[0]} images of {shape[1]} x {shape[2]} pixels take "
            f"{n_bytes:,} bytes, more than max_bytes={max_bytes:,}; pass a smaller "
            "size, or raise max_bytes if memory allows."
        )

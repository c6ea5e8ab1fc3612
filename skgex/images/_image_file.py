"""One image file: its header, checked before anything is decoded, and its pixels."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
# Pillow's names of what has no colour.
GREY = {"1", "L", "LA", "La", "I;16", "I;16B", "I;16L"}
# Numbers of no fixed range: what is black and white in them is unknown.
UNSCALED = {"I", "F"}
# The mark that a camera leaves of how it was held, and those of a quarter turn.
ORIENTATION, TURNED = 0x0112, {5, 6, 7, 8}


class Header(NamedTuple):
    """What the header of an image file says.

    Attributes
    ----------
    size : tuple of (int, int)
        Height and width in pixels, the right way up.
    colour : bool
    """

    size: tuple[int, int]
    colour: bool


def read_header(path: Path, max_pixels: int) -> Header:
    """Read the header of an image file, and refuse what cannot or must not be decoded.

    Raises
    ------
    ValueError
        If the file is no image, of a kind that is not supported, or too large.
    ImportError
        If Pillow is not installed.
    """
    with _opened(path) as image:
        width, height = image.size
        if width * height > max_pixels:
            raise ValueError(
                f"folder: {str(path)!r} has {width} x {height} pixels, more than "
                f"max_pixels={max_pixels:,}; scale it down, or raise max_pixels."
            )
        if image.mode in UNSCALED:
            raise ValueError(
                f"folder: {str(path)!r} holds numbers without a fixed range (mode "
                f"{image.mode}); save it with 8 or 16 bits per pixel."
            )
        colour = image.mode not in GREY and not _has_grey_palette(image)
        if image.getexif().get(ORIENTATION) in TURNED:
            width, height = height, width
        return Header((height, width), colour)


def decode(path: Path, size: tuple[int, int], colour: bool) -> np.ndarray:
    """Return the pixels of an image file, scaled to a size.

    Returns
    -------
    pixels : ndarray of shape (height, width) or (height, width, 3), dtype=uint8

    Raises
    ------
    ValueError
        If the file is damaged.
    """
    from PIL import Image, ImageOps

    with _opened(path) as image:
        upright = ImageOps.exif_transpose(image)
        flat = _without_opacity(_in_8_bits(upright)).convert("RGB" if colour else "L")
        if flat.size != size[::-1]:
            flat = flat.resize(size[::-1], Image.Resampling.BILINEAR)
        return np.asarray(flat)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Open an image, and turn whatever a hostile file raises into one kind of error."""
    image_module = _pillow()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", image_module.DecompressionBombWarning)
            with image_module.open(path, formats=FORMATS) as image:
                yield image
    except ValueError as error:
        if str(error).startswith("folder: "):
            raise
        raise _damaged(path, error) from error
    except image_module.UnidentifiedImageError as error:
        raise ValueError(
            f"folder: {str(path)!r} is no image that can be read ({', '.join(FORMATS)}"
            " can be); move it elsewhere."
        ) from error
    except (
        image_module.DecompressionBombError,
        image_module.DecompressionBombWarning,
    ) as error:
        raise ValueError(
            f"folder: {str(path)!r} has too many pixels to be decoded safely; scale it "
            "down."
        ) from error
    except Exception as error:  # damaged files make decoders raise anything
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> ValueError:
    reason = " ".join(str(error).split()) or type(error).__name__
    return ValueError(
        f"folder: {str(path)!r} is a damaged image ({reason[:120]}); replace it or "
        "move it elsewhere."
    )


def _pillow() -> Any:
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError(
            'Images are read by Pillow: pip install "skgex[images]"'
        ) from error
    return Image


def _in_8_bits(image: Any) -> Any:
    """Return an image of 16 bits per pixel in 8 bits, where Pillow would cut it off."""
    if not image.mode.startswith("I;16"):
        return image
    from PIL import Image

    return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))


def _without_opacity(image: Any) -> Any:
    """Return an image before a white background."""
    if not image.has_transparency_data:
        return image
    from PIL import Image

    image = image.convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image)


def _has_grey_palette(image: Any) -> bool:
    """Return whether all colours of a palette are grey; a GIF always has a palette."""
    if image.mode != "P":
        return False
    colours = np.array(image.getpalette("RGB")).reshape(-1, 3)
    return bool((colours == colours[:, :1]).all())

"""Pictures as short texts that an HTML page can hold."""

import base64
from io import BytesIO
from typing import Any

import numpy as np

MAX_SIDE = 160  # pixels; a larger picture is scaled down

# JPEG is smaller for photographs, PNG for drawings of a few pixels.
FORMATS: dict[str, dict[str, Any]] = {
    "png": {"optimize": True},
    "jpeg": {"quality": 80, "optimize": True},
}


def data_uri(picture: np.ndarray) -> str:
    """Return a picture as a ``data:`` address, in the shorter of two formats.

    Parameters
    ----------
    picture : ndarray of shape (height, width) or (height, width, 3), dtype=uint8

    Returns
    -------
    uri : str
    """
    from PIL import Image

    image = Image.fromarray(picture)
    image.thumbnail((MAX_SIDE, MAX_SIDE))
    encoded = {name: _encode(image, name) for name in FORMATS}
    kind = min(encoded, key=lambda name: len(encoded[name]))
    return f"data:image/{kind};base64,{base64.b64encode(encoded[kind]).decode()}"


def _encode(image: Any, kind: str) -> bytes:
    file = BytesIO()
    image.save(file, kind, **FORMATS[kind])
    return file.getvalue()

"""What all Displays draw with: axes, colours, and texts that stay as they are."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# From the palette of Okabe and Ito, which people with any colour vision can tell apart.
# Each has one meaning in all pictures.
KEPT = "#0072B2"  # blue: rows that are kept, labels taken for right
FLAGGED = "#D55E00"  # vermilion: flagged rows, and what speaks against a label
WRONG = "#000000"  # black: labels that are known to be wrong
ACCENT = "#009E73"  # green: the cut, and what pictures are compared with
MUTED = "#767676"  # grey: guides, such as the diagonal
GRID: dict[str, Any] = {"color": "#DDDDDD", "linewidth": 0.8}

# The longest text of a label or a value in a picture.
MAX_TEXT = 16

# Drawings on an empty ground have at least half of their pixels this dark or darker.
INK_GROUND = 64


def import_pyplot(display: Any) -> Any:
    """Return matplotlib's pyplot, or say what to install.

    Parameters
    ----------
    display : object
        Whose plot it is.
    """
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError(
            f'{type(display).__name__} needs matplotlib: pip install "skgex[plot]".'
        ) from error
    return pyplot


def make_axes(
    display: Any, ax: Any, size: tuple[float, float]
) -> "tuple[Figure, Axes]":
    """Return the axes that are given, or new ones, and their figure.

    Parameters
    ----------
    display : object
        Whose plot it is.
    ax : Axes or None
    size : (float, float)
        Width and height of a new figure, in inches.
    """
    pyplot = import_pyplot(display)
    if ax is None:
        return pyplot.subplots(figsize=size, layout="constrained")
    return check_axes(ax).figure, ax


def make_grid(
    display: Any, ax: Any, shape: tuple[int, int], size: tuple[float, float]
) -> "tuple[Figure, np.ndarray]":
    """Return a grid of axes, in a figure of its own or within the axes that are given.

    Parameters
    ----------
    display : object
        Whose plot it is.
    ax : Axes or None
    shape : (int, int)
        Number of rows and columns.
    size : (float, float)
        Width and height of a new figure, in inches.
    """
    pyplot = import_pyplot(display)
    if ax is None:
        figure, cells = pyplot.subplots(
            *shape, figsize=size, layout="constrained", squeeze=False
        )
        figure.get_layout_engine().set(w_pad=0.06, h_pad=0.08)
        return figure, cells
    check_axes(ax).set_axis_off()
    place = ax.get_subplotspec()
    if place is not None:  # then a layout sees to it that titles have room
        places = place.subgridspec(*shape)
        cells = [ax.figure.add_subplot(each) for each in places]
        return ax.figure, np.array(cells).reshape(shape)
    height, width = (1 / number for number in shape)
    cells = [
        ax.inset_axes([j * width, 1 - (i + 1) * height, 0.85 * width, 0.6 * height])
        for i in range(shape[0])
        for j in range(shape[1])
    ]
    return ax.figure, np.array(cells).reshape(shape)


def check_axes(ax: Any) -> Any:
    """Refuse what is not one matplotlib Axes."""
    if not hasattr(ax, "inset_axes"):
        raise ValueError(f"ax: must be matplotlib Axes or None, got {type(ax)}.")
    return ax


def short(value: Any, length: int = MAX_TEXT) -> str:
    """Return a value as text on one line, of no more than a length."""
    text = " ".join(str(value).split())
    return text if len(text) <= length else text[: length - 1] + "…"


def plain(texts: Any) -> Any:
    """Keep matplotlib from reading mathematics into texts, such as a class "$x$".

    Parameters
    ----------
    texts : Text or iterable of Text

    Returns
    -------
    texts
        As they came.
    """
    for text in texts if isinstance(texts, Iterable) else [texts]:
        text.set_parse_math(False)
    return texts


def name_ticks(axis: Any, names: Sequence[Any], **settings: Any) -> None:
    """Put a name at each of 0, 1, 2, ... on an axis, read as plain text."""
    labels = [short(name) for name in names]
    axis.set_ticks(range(len(labels)), labels=labels, parse_math=False, **settings)


def light_grid(ax: "Axes", which: Literal["both", "x", "y"] = "both") -> None:
    """Draw faint lines behind what is plotted, and no frame above and to the right."""
    ax.grid(axis=which, **GRID)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)


def show_pictures(cells: Sequence[Any], pictures: np.ndarray, **settings: Any) -> list:
    """Draw pictures without ticks, one in each of some axes, within thin frames.

    Grey pictures whose ground is dark are drawn as ink on paper, unless a ``cmap`` is
    among the settings.

    Returns
    -------
    images : list of AxesImage
    """
    if pictures.ndim == 3 and len(pictures):
        dark = np.median(pictures) <= INK_GROUND
        grey = {"cmap": "gray_r" if dark else "gray", "vmin": 0, "vmax": 255}
        settings = {**grey, **settings}
    for cell in cells:
        cell.set_axis_on()
        cell.set(xticks=[], yticks=[])
        cell.spines[:].set_color(GRID["color"])
    return [
        cell.imshow(picture, **settings)
        for cell, picture in zip(cells, pictures, strict=True)
    ]


def percentage(probability: float) -> str:
    """Return a probability in percent, which is neither 0 nor 100 unless it is."""
    if 0.995 <= probability < 1:
        return ">99%"
    return "<1%" if 0 < probability < 0.005 else f"{probability:.0%}"

"""Which images a folder holds: one sub-folder per class, nothing outside of it."""

from collections.abc import Callable
from pathlib import Path

# What file managers leave in folders of images.
LITTER = {"thumbs.db", "desktop.ini"}


def list_images(folder: str | Path, max_images: int) -> tuple[list[Path], list[str]]:
    """List the image files of a folder with one sub-folder per class.

    Parameters
    ----------
    folder : str or Path
    max_images : int

    Returns
    -------
    paths : list of Path
        Sorted by class and name.
    labels : list of str
        The name of each one's sub-folder.

    Raises
    ------
    ValueError
        If there are fewer than two classes, a class without an image, a folder in a
        class, a link that leads out of the folder, or more than ``max_images`` files.
    NotADirectoryError
        If there is no such folder.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise NotADirectoryError(f"folder: there is no folder {str(folder)!r}.")
    classes = _visible(folder, lambda path: path.is_dir())
    if len(classes) < 2:
        raise ValueError(
            f"folder: {str(folder)!r} has {len(classes)} sub-folders; one per class is "
            "needed, at least two, such as cats/ and dogs/."
        )
    paths: list[Path] = []
    labels: list[str] = []
    for each in classes:
        found = _images_of(each, folder.resolve())
        paths += found
        labels += [each.name] * len(found)
        if len(paths) > max_images:
            raise ValueError(
                f"folder: {str(folder)!r} holds more than max_images={max_images} "
                "images; raise max_images if memory allows."
            )
    return paths, labels


def _images_of(folder: Path, root: Path) -> list[Path]:
    """Return the files of one class."""
    _check_inside(folder, root)
    files = _visible(folder, lambda path: path.name.lower() not in LITTER)
    if not files:
        raise ValueError(
            f"folder: {str(folder)!r} holds no image; fill or remove this class."
        )
    for path in files:
        _check_inside(path, root)
        if not path.is_file():
            raise ValueError(
                f"folder: {str(path)!r} is no file; images must lie directly in the "
                "folder of their class."
            )
    return files


def _visible(folder: Path, is_wanted: Callable[[Path], bool]) -> list[Path]:
    """Return what a folder holds, sorted, without hidden files."""
    return sorted(
        path
        for path in folder.iterdir()
        if not path.name.startswith(".") and is_wanted(path)
    )


def _check_inside(path: Path, root: Path) -> None:
    if not path.resolve().is_relative_to(root):
        raise ValueError(
            f"folder: {str(path)!r} is a link that leads out of the folder; copy the "
            "images that it leads to."
        )

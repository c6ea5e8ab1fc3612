"""Files that are written as a whole or not at all."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def check_free(
    path: str | os.PathLike, overwrite: bool = False, argument: str = "path"
) -> Path:
    """Refuse a path that could not be written in the end, before any work is done.

    Parameters
    ----------
    path : str or path-like
        The file that is going to be written.
    overwrite : bool, default=False
        Whether a file that is already there may be replaced.
    argument : str, default="path"
        What the user calls this path; errors begin with it.

    Returns
    -------
    path : Path
        The same path.

    Raises
    ------
    FileNotFoundError
        If the folder of the file does not exist.
    IsADirectoryError
        If the path is a folder.
    FileExistsError
        If the file exists and must not be overwritten.
    """
    file = Path(path)
    if file.is_dir():
        raise IsADirectoryError(
            f"{argument}: {str(file)!r} is a folder, expected the name of a file."
        )
    if not file.parent.is_dir():
        raise FileNotFoundError(
            f"{argument}: the folder {str(file.parent)!r} does not exist; make it "
            "first."
        )
    if file.exists() and not overwrite:
        raise FileExistsError(
            f"{argument}: {str(file)!r} exists already; choose another name, or allow "
            "that it is overwritten."
        )
    return file


def write_atomically(
    path: str | os.PathLike, content: str | bytes, *, overwrite: bool = False
) -> None:
    """Write a file such that readers see all of it or none, whatever happens.

    The content goes to a new file in the same folder first, which then takes the name.
    An error or an interrupt leaves what was there before.

    Parameters
    ----------
    path : str or path-like
        The file to be written. A link is followed.
    content : str or bytes
        What the file will hold; text is encoded as UTF-8, line ends as they are.
    overwrite : bool, default=False
        Whether a file that is already there may be replaced. The new one keeps its
        permissions.

    Raises
    ------
    FileNotFoundError, IsADirectoryError, FileExistsError
        As :func:`check_free` does.
    """
    data = content.encode() if isinstance(content, str) else content
    with written_atomically(path, overwrite=overwrite) as new:
        new.write_bytes(data)


@contextmanager
def written_atomically(
    path: str | os.PathLike, *, overwrite: bool = False
) -> Iterator[Path]:
    """Give an empty file to fill, which then takes the name of another.

    Parameters
    ----------
    path, overwrite
        As for :func:`write_atomically`, and with the same errors.

    Yields
    ------
    new : Path
        In the same folder, with the permissions that any new file gets.
    """
    target = Path(os.path.realpath(check_free(path, overwrite)))
    new = target.with_name(f".{secrets.token_hex(8)}.part")
    try:
        new.touch(exist_ok=False)
        yield new
        _flush(new)
        if target.exists():
            new.chmod(target.stat().st_mode)
        check_free(path, overwrite)  # somebody else may have written it meanwhile
        os.replace(new, target)
    finally:
        new.unlink(missing_ok=True)


def _flush(new: Path) -> None:
    """Wait until a file is on the disk."""
    with new.open("rb+") as file:
        os.fsync(file.fileno())

"""Files that a command writes: all are checked before any work, and none is halved."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from skgex._utils.atomic import check_free, write_atomically
from skgex.cli._errors import BAD_INPUT, CommandError, blaming


class Output(NamedTuple):
    """A file that the user asked for.

    Attributes
    ----------
    option : str
        Such as "--out".
    path : Path
    suffixes : tuple of str
        The endings that it may have.
    """

    option: str
    path: Path
    suffixes: tuple[str, ...]


def check_outputs(outputs: Sequence[Output], data: Iterable[Path], force: bool) -> None:
    """Refuse files that could not be written in the end.

    Raises
    ------
    CommandError
        If one exists and ``force`` is False, its folder does not exist, its ending is
        another, it is one of the files that are read, or two are the same.
    """
    taken = {path.resolve(): "is what the command reads" for path in data}
    folders = [path for path in taken if path.is_dir()]
    for option, path, suffixes in outputs:
        real = path.resolve()
        if path.suffix.lower() not in suffixes:
            raise CommandError(
                f"{option}: {str(path)!r} must end in {' or '.join(suffixes)}"
            )
        if real in taken:
            raise CommandError(f"{option}: {str(path)!r} {taken[real]}; name another")
        if any(real.is_relative_to(folder) for folder in folders):
            raise CommandError(f"{option}: {str(path)!r} lies in the folder of images")
        if path.exists() and not path.is_dir() and not force:
            raise CommandError(
                f"{option}: {str(path)!r} exists already; --force replaces it"
            )
        with blaming(BAD_INPUT):
            check_free(path, force, option)
        taken[real] = f"is also {option}"


def write_output(output: Output, content: str | bytes, force: bool) -> None:
    """Write one file as a whole, or not at all."""
    with blaming(BAD_INPUT, f"{output.option}: "):
        write_atomically(output.path, content, overwrite=force)

"""One line for whoever typed a command that cannot be done, and an exit code."""

from collections.abc import Iterator
from contextlib import contextmanager

from skgex.cli._printing import print_error

BAD_INPUT = 2
FAILED = 3
INTERRUPTED = 130

# What reading, checking and fitting raise on purpose, with a message for people.
# Anything else is a mistake of ours, and is shown with its traceback.
EXPECTED = (ValueError, TypeError, OSError, ImportError, RuntimeError, MemoryError)


class CommandError(Exception):
    """A command that cannot be done.

    Parameters
    ----------
    message : str
        It names file, row and column; it becomes one line.
    exit_code : int, default=2
    """

    def __init__(self, message: str, exit_code: int = BAD_INPUT):
        super().__init__(" ".join(message.split()))
        self.exit_code = exit_code


@contextmanager
def blaming(exit_code: int, before: str = "") -> Iterator[None]:
    """Turn expected errors into a :class:`CommandError` of one line.

    Parameters
    ----------
    exit_code : int
    before : str, default=""
        What the line begins with.
    """
    try:
        yield
    except EXPECTED as error:
        text = " ".join(str(error).split()) or type(error).__name__
        if isinstance(error, MemoryError):
            text = "there is not enough memory"
        raise CommandError(before + text, exit_code) from error


@contextmanager
def one_line() -> Iterator[None]:
    """Print a command's error as one line on stderr, and exit with its code.

    Raises
    ------
    SystemExit
        After a :class:`CommandError` or an interrupt.
    """
    try:
        yield
    except CommandError as error:
        print_error(str(error))
        raise SystemExit(error.exit_code) from error
    except KeyboardInterrupt as error:
        print_error("interrupted")
        raise SystemExit(INTERRUPTED) from error

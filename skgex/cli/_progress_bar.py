"""A progress bar over all stages of a fit, or of reading, with the time left."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from skgex._utils.progress import listening
from skgex._utils.time_left import TimeLeft
from skgex.cli._printing import stderr


@contextmanager
def progress_bar(begin: str) -> Iterator[None]:
    """Show how far a computation inside this context is.

    Parameters
    ----------
    begin : str
        What it does until its first stage is announced.
    """
    console = stderr()
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[left]}"),
        console=console,
        transient=True,
    )
    with ExitStack() as shown:
        # Files get no bar. One that is disabled is an empty line, by rich before 14.3.
        if console.is_terminal:
            shown.enter_context(bar)
        task = bar.add_task(begin, total=1.0, left="")

        def update() -> None:
            share, left = time_left.progress()
            text = "" if left is None else f"{timedelta(seconds=round(left))} left"
            name = time_left.name
            bar.update(task, completed=share, description=name, left=text)

        time_left = TimeLeft(begin, update)
        with listening(time_left):
            yield

"""A progress bar over all stages of a fit, or of reading, with the time left."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from skgex._utils.progress import listening
from skgex.cli._printing import stderr

NAMES = {
    "images": "reading the images",
    "training": "training the net",
    "learning rate": "choosing the learning rate",
    "members": "growing the ensemble",
}
# Which share is done where a stage ends, on average.
ENDS = {"images": 1.0, "training": 0.6, "learning rate": 0.7, "members": 1.0}


class Share:
    """Which share of a fit is done, from what its stages announce.

    How many trainings there will be, and for how many epochs, is not known: each takes
    half of what is left for trainings.
    """

    def __init__(self) -> None:
        self.begin = 0.0
        self.done = 0.0

    def after(self, stage: str, done: int, total: int) -> float:
        """Return the share after an announcement; it never falls."""
        if done == 0:
            self.begin = self.done
        end = ENDS.get(stage, self.begin)
        if stage == "training":
            end = (self.begin + end) / 2
        share = self.begin + (end - self.begin) * done / max(total, 1)
        self.done = max(self.done, share)
        return self.done


@contextmanager
def progress_bar(begin: str) -> Iterator[None]:
    """Show how far a computation inside this context is.

    Parameters
    ----------
    begin : str
        What it does until its first stage is announced.
    """
    console, share = stderr(), Share()
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        TextColumn("left"),
        console=console,
        transient=True,
        disable=not console.is_terminal,  # files get no bars
    )
    with bar:
        task = bar.add_task(begin, total=1.0)

        def update(stage: str, done: int, total: int) -> None:
            bar.update(
                task,
                completed=share.after(stage, done, total),
                description=NAMES.get(stage, stage),
            )

        with listening(update):
            yield

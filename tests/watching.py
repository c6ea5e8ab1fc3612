"""Watch functions at work: their arguments by name, and how far they say they are."""

import functools
import inspect

from skgex._ensemble import growth
from skgex._utils.progress import listening


def by_name(function, *args, **kwargs):
    """Return the arguments of a call by their names, defaults left out."""
    return inspect.signature(function).bind(*args, **kwargs).arguments


def watch(monkeypatch, owner, name, note):
    """Have ``note`` called with the arguments by name, before each call."""
    function = getattr(owner, name)

    @functools.wraps(function)
    def watched(*args, **kwargs):
        note(by_name(function, *args, **kwargs))
        return function(*args, **kwargs)

    monkeypatch.setattr(owner, name, watched)


class Notes:
    """A listener to stages that writes down all that it hears, in order."""

    def __init__(self):
        self.heard = []

    def begin(self, name, total, *, shown):
        self.heard.append(("begin", name, total))
        return name

    def reach(self, stage, done, total=None):
        self.heard.append(("reach", stage, done, *(() if total is None else (total,))))

    def end(self, stage):
        self.heard.append(("end", stage))

    def expect(self, work):
        self.heard.append(("expect", work))


def heard_in(function, *args, **kwargs):
    """Return all that is said of the stages of a call."""
    notes = Notes()
    with listening(notes):
        function(*args, **kwargs)
    return notes.heard


def whole(stage, n_steps, first=1):
    """Return what is said of a stage that goes step by step."""
    reached = [("reach", stage, done) for done in range(first, n_steps + 1)]
    return [("begin", stage, n_steps), *reached, ("end", stage)]


def watch_members(monkeypatch, seeds):
    """Append the seed of each member that is fine-tuned, by whichever engine."""

    def note_one(given):
        seeds.append(given["plan"].seed)

    def note_group(given):
        seeds.extend(plan.seed for plan in given["plans"])

    watch(monkeypatch, growth, "grow_member", note_one)
    watch(monkeypatch, growth, "grow_group", note_group)

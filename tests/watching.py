"""Watch functions at work, and read their arguments by name."""

import functools
import inspect

from skgex._ensemble import growth


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


def watch_members(monkeypatch, seeds):
    """Append the seed of each member that is fine-tuned, by whichever engine."""

    def note_one(given):
        seeds.append(given["plan"].seed)

    def note_group(given):
        seeds.extend(plan.seed for plan in given["plans"])

    watch(monkeypatch, growth, "grow_member", note_one)
    watch(monkeypatch, growth, "grow_group", note_group)

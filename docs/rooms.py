"""Count how often samples and labels change file on their way through one fit.

``python docs/rooms.py`` traces the Python calls of one fit, that of
``GEXDetector(n_members=4, random_state=0)`` to the first 300 digits.

Changes of file
    A call counts for the samples if its function lies in skgex and takes them as an
    argument: as an array or tensor, an item of a tuple, a field of a dataclass or an
    attribute of a Dataset. What ``self`` holds does not count. The figure is the number
    of times that one such call and the next lie in different files. A loop repeats its
    changes, so the different ones are counted as well. A generator counts when it
    starts. The labels are followed in the same way.

    An array holds the samples if it has at least a fifth of their rows, and the same
    shape otherwise: a trial's rows count, mini-batches do not. It holds the labels if
    it has as many rows, one dimension, and integers that are all labels.

Levels of inheritance
    The number of skgex's classes on the longest way from a public estimator up to its
    bases, itself included. A mixin begins a way of its own.
"""

import dataclasses
import importlib
import inspect
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch.utils.data import Dataset

import skgex
from skgex.detection import GEXDetector

ROOT = str(Path(skgex.__file__).parent)
PACKAGES = ["influence", "hardness", "detection", "pruning", "cleaning"]
X, y = (values[:300] for values in load_digits(return_X_y=True))
LABELS = set(y.tolist())


def is_large(value):
    """Return whether a value is an array or tensor of many rows."""
    is_array = isinstance(value, np.ndarray | torch.Tensor) and value.ndim > 0
    return is_array and len(value) >= len(X) // 5


def is_samples(value):
    """Return whether a value holds samples."""
    return is_large(value) and tuple(value.shape[1:]) == X.shape[1:]


def is_labels(value):
    """Return whether a value holds labels."""
    flat = is_large(value) and value.ndim == 1 and "int" in str(value.dtype)
    return flat and LABELS.issuperset(value.tolist())


def parts_of(value):
    """Yield a value, and those that it consists of."""
    yield value
    parts = value if isinstance(value, tuple) else ()
    if dataclasses.is_dataclass(value) or isinstance(value, Dataset):
        parts = vars(value).values()
    for part in parts:
        yield from parts_of(part)


def arguments_of(frame):
    """Yield the arguments of a call and their parts, other than ``self``."""
    names, args, kwargs, values = inspect.getargvalues(frame)
    given = [values[name] for name in names if name not in ("self", "cls")]
    for value in (*given, *values.get(args, ()), *values.get(kwargs, {}).values()):
        yield from parts_of(value)


def files_of_calls(function, *questions):
    """Call a function; for each question, list the files where a call answers it."""
    paths, generators = [[] for _ in questions], []

    def on_event(frame, event, _):
        code = frame.f_code
        goes_on = any(frame is known for known in generators)
        if event != "call" or goes_on or not code.co_filename.startswith(ROOT):
            return
        if code.co_flags & inspect.CO_GENERATOR:
            generators.append(frame)
        given = list(arguments_of(frame))
        for path, question in zip(paths, questions, strict=True):
            if any(map(question, given)):
                path.append(code.co_filename)

    sys.setprofile(on_event)
    try:
        function()
        assert sys.getprofile() is on_event  # else an error ended it, and was caught
    finally:
        sys.setprofile(None)
    return paths


def levels(cls):
    """Return the number of skgex's classes on the longest way up, ``cls`` included."""
    ours = (base for base in cls.__bases__ if base.__module__.startswith("skgex"))
    return 1 + max(map(levels, ours), default=0)


if __name__ == "__main__":
    detector = GEXDetector(n_members=4, random_state=0)
    paths = files_of_calls(lambda: detector.fit(X, y), is_samples, is_labels)
    for name, path in zip("Xy", paths, strict=True):
        ways = [(a, b) for a, b in pairwise(path) if a != b]
        print(f"{name} changes file {len(ways)} times, {len(set(ways))} different")
    for module in (importlib.import_module(f"skgex.{name}") for name in PACKAGES):
        for cls in (getattr(module, name) for name in module.__all__):
            if hasattr(cls, "get_params"):
                print(f"{levels(cls)} levels: {cls.__name__}")

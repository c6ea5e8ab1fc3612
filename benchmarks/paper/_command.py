"""The command line that the paper's experiments with images share."""

import argparse
import warnings
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from _settings import RESULTS, SCALES

from skgex.exceptions import SkgexWarning


def make_parser(doc, name, seeds=range(3)):
    """Return a parser; results are kept in ``name``.csv unless --out names a file."""
    parser = argparse.ArgumentParser(description=doc.split("\n")[0])
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--scale", choices=SCALES, default="small")
    parser.add_argument("--seeds", nargs="+", type=int, default=seeds)
    parser.add_argument("--out", type=Path, default=RESULTS / f"{name}.csv")
    parser.add_argument("--memory", help="a folder in which what was computed is kept")
    return parser


@contextmanager
def keeping(memory):
    """Compute on one thread, without warnings; keep results in a folder meanwhile.

    Yields the folder: a temporary one unless one is given.
    """
    torch.set_num_threads(1)
    warnings.simplefilter("ignore", SkgexWarning)
    with TemporaryDirectory() as folder:
        yield memory or folder

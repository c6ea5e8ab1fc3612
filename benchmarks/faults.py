"""Fits that are killed, whose memory is damaged, or whose disk and workers fail.

    python benchmarks/faults.py [--parts kills corruptions disk] [--quick]

Each trial is compared with the same fit undisturbed: its scores are the same bit for
bit, or an error or a warning says what happened. Runs that are in
benchmarks/results/faults.csv are not repeated.

Kills: a fit with ``memory`` in a process of its own ends by SIGKILL, at a random one of
its training steps; then it is fitted again. Drafts are written every 20 ms instead of
every 5 s, because these nets take a second.

Corruptions: after a fit, one file of the folder is damaged at random; then it is fitted
again. Disk: writes fail, files vanish, folders are of no use, workers are killed.
"""

import argparse
import builtins
import contextlib
import errno
import mmap
import os
import random
import shutil
import signal
import struct
import tempfile
import time
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import torch
from _results import Results, markdown
from joblib.externals.loky import get_reusable_executor
from sklearn.datasets import make_classification
from skorch import NeuralNetClassifier
from torch import nn

from skgex import GEXDetector
from skgex._utils import unfinished
from skgex.datasets import flip_labels
from skgex.exceptions import SkgexWarning

FILE = Path(__file__).parent / "results" / "faults.csv"
N_KILLS, N_CORRUPTIONS, N_FAULTS = 10, 50, 4
STEPS = mmap.mmap(-1, 8)  # training steps, counted across processes


class Net(nn.Module):
    """An MLP that counts the steps it is trained for."""

    def __init__(self, dropout=0.0):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3))
        self.dropout = nn.Dropout(dropout) if dropout else nn.Identity()

    def forward(self, X):
        """Return logits."""
        if self.training:
            STEPS[:8] = struct.pack("q", n_steps() + 1)
        return self.dropout(self.layers(X))


def n_steps():
    return struct.unpack("q", STEPS[:8])[0]


def make_net(max_epochs=3, dropout=0.0):
    return NeuralNetClassifier(
        Net,
        module__dropout=dropout,
        criterion=nn.CrossEntropyLoss,
        lr=0.05,
        max_epochs=max_epochs,
        batch_size=32,
        iterator_train__shuffle=True,
        train_split=None,
        verbose=0,
    )


# What a fit spends most of its steps on.
FITS = {
    "members, stacked": (make_net(), {"n_members": 32, "n_steps": 60}),
    "members, one by one": (make_net(dropout=0.2), {"n_members": 6, "n_steps": 40}),
    "members, a chain": (make_net(), {"n_members": 6, "n_steps": 40, "chain": True}),
    "the net": (make_net(40), {"n_members": 2, "n_steps": 4}),
}
# The same, but many of them: a folder is damaged in each.
SHORT = {
    "short, one by one": (make_net(2, 0.2), {"n_members": 3, "n_steps": 6}),
    "short, a chain": (make_net(2), {"n_members": 3, "n_steps": 6, "chain": True}),
}
X, clean = make_classification(300, 8, n_informative=5, n_classes=3, random_state=0)
X = X.astype(np.float32)
y = flip_labels(clean, 0.1, random_state=0)[0]


def scores_of(name, memory, **params):
    net, settings = FITS[name]
    detector = GEXDetector(net, lr=0.1, random_state=0, memory=memory)
    return detector.set_params(**{**settings, **params}).fit(X, y).scores_


def compare(function, expected):
    """Say what came of a fit: what its scores are, and whether it warned of memory."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            scores = function()
        except Exception as error:
            return f"an error: {type(error).__name__}"
    said = any(str(each.message).startswith("memory: ") for each in caught)
    if np.array_equal(scores, expected):
        return "the same bits, and a warning" if said else "the same bits"
    if np.allclose(scores, expected, rtol=1e-6, atol=0):
        return "the same to 1e-6" + (", and a warning" if said else "")
    return "other answers, and a warning" if said else "OTHER ANSWERS"


def is_done(results, **run):
    """Return whether a trial is in the file, whatever came of it."""
    return any(all(row[k] == str(v) for k, v in run.items()) for row in results.rows)


# Kills.


def in_process(function, kill_at=None):
    """Run a function in a forked process, killed once it has trained for some steps."""
    STEPS[:8] = struct.pack("q", 0)
    child = os.fork()
    if child == 0:
        try:
            function()
        finally:
            os._exit(0)
    while os.waitpid(child, os.WNOHANG)[0] == 0:
        if kill_at is not None and n_steps() >= kill_at:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            break
        time.sleep(0.001)
    return n_steps()


def kills(results, n_trials):
    unfinished.INTERVAL, unfinished.WORTH_KEEPING = 0.02, 0.0
    for name in FITS:
        expected = scores_of(name, None)
        total = in_process(partial(scores_of, name, None))
        for trial in range(n_trials):
            if is_done(results, part="kills", case=name, trial=trial):
                continue
            moment = random.Random(f"{name} {trial}").uniform(0, total)
            with tempfile.TemporaryDirectory() as folder:
                fit = partial(scores_of, name, folder)
                before = in_process(fit, moment)
                STEPS[:8] = struct.pack("q", 0)
                outcome = compare(fit, expected)
            again = (before + n_steps() - total) / total
            results.add(
                part="kills", case=name, trial=trial, outcome=outcome, again=again
            )


# Corruptions.


def flip(path, rng):
    content = bytearray(path.read_bytes() or b"\0")
    content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    path.write_bytes(content)


def truncate(path, rng):
    size = path.stat().st_size
    os.truncate(path, rng.randrange(size) if size else 0)


def swap(path, rng):
    others = [each for each in path.parents[1].rglob(path.name) if each != path]
    path.write_bytes((rng.choice(others) if others else Path(__file__)).read_bytes())


WAYS = {
    "a bit flipped": flip,
    "truncated": truncate,
    "emptied": lambda path, rng: path.write_bytes(b""),
    "overwritten": lambda path, rng: path.write_bytes(rng.randbytes(64)),
    "swapped": swap,
    "deleted": lambda path, rng: path.unlink(),
}


def corruptions(results, n_trials):
    """Damage results, seals, and the drafts of a fit that was killed."""
    unfinished.INTERVAL, unfinished.WORTH_KEEPING, unfinished.PATIENCE = 0.0, 0.0, 0
    names = list(SHORT)
    FITS.update(SHORT)
    expected = {name: scores_of(name, None) for name in names}
    with tempfile.TemporaryDirectory() as outer:
        for name in names:
            total = in_process(partial(scores_of, name, f"{outer}/{name}"))
            fit = partial(scores_of, name, f"{outer}/{name} killed")
            in_process(fit, 0.6 * total)
        for way, damage in WAYS.items():
            for trial in range(n_trials):
                if is_done(results, part="corruptions", case=way, trial=trial):
                    continue
                rng = random.Random(f"{way} {trial}")
                name = rng.choice(names)
                copy = Path(outer) / f"copy {way}"
                kind = rng.choice(["", " killed"])
                shutil.copytree(f"{outer}/{name}{kind}", copy)
                files = [path for path in copy.rglob("*") if path.is_file()]
                damage(rng.choice(sorted(files)), rng)
                fit = partial(scores_of, name, str(copy))
                outcome = compare(fit, expected[name])
                shutil.rmtree(copy, ignore_errors=True)
                results.add(
                    part="corruptions", case=way, trial=trial, outcome=outcome, again=0
                )


# Disk and workers.


@contextlib.contextmanager
def broken_writes(code, rng, share):
    """Let a share of all attempts to open a file for writing fail."""
    open_file = builtins.open

    def broken(path, mode="r", *args, **kwargs):
        if set(mode) & set("wxa") and "joblib" in str(path) and rng.random() < share:
            raise OSError(code, os.strerror(code), str(path))
        return open_file(path, mode, *args, **kwargs)

    builtins.open = broken
    try:
        yield
    finally:
        builtins.open = open_file


def broken_disk(code, share):
    def fit(folder, rng):
        with broken_writes(code, rng, share):
            return scores_of("members, one by one", folder)

    return fit


def vanishing(folder, rng):
    """Remove the whole folder again and again, while the fit runs."""
    child = os.fork()
    if child == 0:
        while True:
            time.sleep(0.02 + 0.05 * rng.random())
            shutil.rmtree(f"{folder}/joblib", ignore_errors=True)
    try:
        return scores_of("members, one by one", folder)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def in_the_way(folder, rng):
    """Have a file where the folder should be."""
    path = Path(folder) / "file"
    path.touch()
    return scores_of("members, one by one", str(path))


def killed_worker(folder, rng):
    """Kill a worker process; fit again, if the error said so."""
    name = "members, one by one"
    executor = get_reusable_executor(2)
    list(executor.map(abs, range(4)))
    worker = rng.choice(sorted(executor._processes))
    child = os.fork()
    if child == 0:
        time.sleep(rng.random())
        os.kill(worker, signal.SIGKILL)
        os._exit(0)
    try:
        scores = scores_of(name, folder, n_jobs=2)
    except Exception as error:
        print("   ", type(error).__name__)
        scores = scores_of(name, folder, n_jobs=2)
    os.waitpid(child, 0)
    return scores


FAULTS = {
    "a disk that is full": broken_disk(errno.ENOSPC, 1),
    "a disk that is full now and then": broken_disk(errno.ENOSPC, 0.4),
    "errors of the disk": broken_disk(errno.EIO, 0.4),
    "a folder that is removed meanwhile": vanishing,
    "a file in the way of the folder": in_the_way,
    "a worker that is killed, and a second fit": killed_worker,
}


def disk(results, n_trials):
    expected = scores_of("members, one by one", None)
    for name, fault in FAULTS.items():
        for trial in range(n_trials):
            if is_done(results, part="disk", case=name, trial=trial):
                continue
            rng = random.Random(f"{name} {trial}")
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
                outcome = compare(partial(fault, folder, rng), expected)
            results.add(part="disk", case=name, trial=trial, outcome=outcome, again=0)


PARTS = {
    "kills": (kills, N_KILLS),
    "corruptions": (corruptions, N_CORRUPTIONS),
    "disk": (disk, N_FAULTS),
}


def table(results, part):
    """Return how often each outcome was met."""
    rows = [row for row in results.rows if row["part"] == part]
    outcomes = sorted({row["outcome"] for row in rows}, reverse=True)
    lines = []
    for case in dict.fromkeys(row["case"] for row in rows):
        mine = [row for row in rows if row["case"] == case]
        counts = [sum(row["outcome"] == each for row in mine) for each in outcomes]
        line = [case, str(len(mine)), *map(str, counts)]
        if part == "kills":
            again = [float(row["again"]) for row in mine]
            line += [f"{np.mean(again):.1%}", f"{max(again):.1%}"]
        lines.append(line)
    extra = ["done again, mean", "most"] if part == "kills" else []
    return markdown(["", "trials", *outcomes, *extra], lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=PARTS)
    parser.add_argument("--quick", action="store_true", help="two trials of each kind")
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore", SkgexWarning)
    results = Results(FILE, ["part", "case", "trial", "outcome"], ["again"])
    for part in options.parts:
        run, n_trials = PARTS[part]
        run(results, 2 if options.quick else n_trials)
        print(f"\n{part}\n\n{table(results, part)}")

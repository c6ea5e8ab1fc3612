"""Ctrl-C in a process that goes on: no worker computes on, or waits for more."""

import os
import signal
import subprocess
import sys
import threading
import time

import psutil
import pytest
from tiny import classifier, flip_every, make_blobs

from skgex import GEXDetector

SECONDS = 20  # in which workers must be gone


def workers():
    """Return the worker processes of joblib's backend."""
    children = psutil.Process().children(recursive=True)
    return [each for each in children if "popen_loky" in " ".join(each.cmdline())]


def press_when_workers_compute():
    while sum(sum(each.cpu_times()[:2]) for each in workers()) < 4:
        time.sleep(0.1)
    os.kill(os.getpid(), signal.SIGINT)


def interrupt():
    """Interrupt a fit, hold on to the error as notebooks do, and count the workers."""
    X, y = make_blobs(200)
    net = classifier(module__dropout=0.3, module__batch_norm=True)
    detector = GEXDetector(net, n_members=64, n_steps=10**6, lr=0.05, n_jobs=2)
    threading.Thread(target=press_when_workers_compute, daemon=True).start()
    try:
        detector.set_params(early_stopping=False).fit(X, flip_every(y, 8)[0])
    except KeyboardInterrupt as error:
        held = error
    end = time.monotonic() + SECONDS
    while workers() and time.monotonic() < end:
        time.sleep(0.1)
    print(type(held).__name__, len(workers()))
    for each in workers():
        each.kill()


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="no signals")
def test_workers_are_gone_after_an_interrupt():
    paths = os.pathsep.join(sys.path)  # so that workers find the module, too
    done = subprocess.run(
        [sys.executable, __file__],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "PYTHONPATH": paths},
    )
    assert done.stdout.split() == ["KeyboardInterrupt", "0"], done.stderr


if __name__ == "__main__":
    interrupt()

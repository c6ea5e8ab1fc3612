"""A process that is killed while members grow loses seconds of work, and no bit."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tiny import MLP, classifier, flip_every, make_blobs

from skgex import GEXDetector

X, clean = make_blobs()
y = flip_every(clean, 8)[0]


class Counted(MLP):
    """Writes down each forward pass in training, if it is asked to."""

    def forward(self, X):
        """Count, and kill the process at the call that the environment names."""
        # Two rows are a trial of whether members can be stacked.
        if self.training and "KILL_AT" in os.environ and len(X) > 2:
            with open("calls", "a") as file:
                file.write("x")
            if Path("calls").stat().st_size == int(os.environ["KILL_AT"]):
                os.kill(os.getpid(), signal.SIGKILL)
        return super().forward(X)


SCRIPT = """
import numpy as np
import test_killed_members as here
from skgex._utils import unfinished

unfinished.INTERVAL = unfinished.PATIENCE = 0
np.save("scores.npy", here.fit("cache").scores_)
"""


def fit(memory=None):
    net = classifier(Counted, module__dropout=0.2)
    settings = {"n_members": 3, "n_steps": 40, "lr": 0.05}
    detector = GEXDetector(
        net, early_stopping=False, memory=memory, random_state=0, **settings
    )
    return detector.fit(X, y)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL")
@pytest.mark.filterwarnings("ignore::skgex.exceptions.SkgexWarning")
def test_no_step_is_taken_twice_but_those_that_were_killed(monkeypatch, tmp_path):
    here = Path(__file__).parent
    paths = [str(here), str(here.parent), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    monkeypatch.setenv("KILL_AT", "0")
    for name in ("alone", "killed"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "alone")
    expected = fit().scores_
    n_calls = Path("calls").stat().st_size

    monkeypatch.chdir(tmp_path / "killed")
    returned = []
    for kill_at in (47, 131, 0):  # in the first and in the third member
        monkeypatch.setenv("KILL_AT", str(kill_at))
        script = [sys.executable, "-W", "ignore", "-c", SCRIPT]
        returned.append(subprocess.run(script, check=False).returncode)
    assert returned == [-signal.SIGKILL, -signal.SIGKILL, 0]
    np.testing.assert_array_equal(np.load("scores.npy"), expected)
    assert Path("calls").stat().st_size == n_calls + 2
    assert not list(Path("cache").rglob("unfinished"))

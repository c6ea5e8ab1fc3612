"""What ``verbose`` shows, and where: a bar in a terminal, lines in a file."""

import inspect
import io
import os
import re
import sys
import threading
from contextlib import contextmanager
from time import process_time

import numpy as np
import pytest
from all_estimators import SLOW, all_estimators, cheap
from sklearn.datasets import load_iris
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from tiny import flip_every, learner, make_blobs

from skgex import CleanedClassifier, GEXDetector, NoisyLabelDetector
from skgex._utils import progress_display
from skgex._utils.progress import anyone_listens, listening
from skgex._utils.progress_display import showing_progress
from skgex._utils.time_left import TimeLeft

X, clean = make_blobs(40)
X = X.astype(np.float32)
y = flip_every(clean, 8)[0]

ESTIMATORS = all_estimators()
TELLING = [cls for cls in ESTIMATORS if "verbose" in inspect.signature(cls).parameters]

pytestmark = pytest.mark.filterwarnings("ignore::skgex.exceptions.SkgexWarning")


def name_of(cls):
    return cls.__name__


def fit(cls, **params):
    net = learner(max_epochs=2)
    rows = slice(12) if cls.__name__ in SLOW else slice(None)
    return cheap(cls, net, **params).fit(X[rows], y[rows])


@contextmanager
def terminal(monkeypatch):
    """Make stderr a terminal, and yield a list that gets what was written to it."""
    ours, theirs = os.openpty()
    written, parts = [], []

    def read():
        try:
            while part := os.read(ours, 4096):
                parts.append(part)
        except OSError:  # closed at the other end
            pass

    reader = threading.Thread(target=read)
    reader.start()
    with open(theirs, "w", buffering=1) as stderr, monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", stderr)
        patch.setattr(progress_display, "BAR_INTERVAL", 0.0)
        yield written
    reader.join()
    os.close(ours)
    written.append(b"".join(parts).decode())


def percentages(text):
    return [int(each) for each in re.findall(r"(\d+)%\|", text)]


@pytest.mark.parametrize("cls", ESTIMATORS, ids=name_of)
def test_nothing_is_printed_by_default(cls, capfd):
    fit(cls)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("cls", TELLING, ids=name_of)
def test_a_file_gets_plain_lines(cls, capfd):
    fit(cls, verbose=1)
    out, err = capfd.readouterr()
    assert out == ""
    assert re.fullmatch(rf"{cls.__name__}: 100%, \d+\.\d s\n", err)


def test_a_file_gets_a_line_every_now_and_then(capfd, monkeypatch):
    monkeypatch.setattr(progress_display, "LINE_INTERVAL", 0.0)
    fit(GEXDetector, verbose=1)
    *lines, last = capfd.readouterr().err.splitlines()
    pattern = r"[A-Za-z ]+: (\d+)%, \d\d:\d\d passed(, \d\d:\d\d left)?"
    found = [re.fullmatch(pattern, line) for line in lines[1:]]
    assert len(found) > 20
    shares = [int(each[1]) for each in found]
    assert shares == sorted(shares)
    assert found[-1][2] is not None
    assert "GEXDetector: 100%" in last


@pytest.mark.parametrize("cls", TELLING, ids=name_of)
def test_a_terminal_gets_one_bar_that_rises_to_its_end(cls, monkeypatch):
    with terminal(monkeypatch) as written:
        fit(cls, verbose=1)
    (text,) = written
    shown = percentages(text)
    assert shown == sorted(shown)
    assert shown[0] == 0
    assert shown[-1] == 100
    assert len(set(shown)) > 5
    assert text.count("\n") == 1  # all on one line, which stays
    assert "\x1b" not in text


def test_a_bar_is_left_where_an_error_ends_the_fit(monkeypatch):
    class Breaking(type(learner())):
        def train_step(self, *args, **kwargs):
            if len(self.history) == 3:
                raise KeyboardInterrupt
            return super().train_step(*args, **kwargs)

    net = Breaking(**{**learner().get_params(deep=False), "max_epochs": 4})
    with terminal(monkeypatch) as written, pytest.raises(KeyboardInterrupt):
        GEXDetector(net, verbose=2).fit(X, y)
    (text,) = written
    assert 0 < max(percentages(text)) < 100
    assert percentages(text)[-1] == max(percentages(text))
    assert text.endswith("\n")
    assert not anyone_listens()


@pytest.mark.parametrize("where", ["file", "terminal"])
def test_phases_are_listed_if_wanted(where, capfd, monkeypatch):
    if where == "file":
        fit(GEXDetector, verbose=2)
        text = capfd.readouterr().err
    else:
        with terminal(monkeypatch) as written:
            fit(GEXDetector, verbose=2)
        (text,) = written
    listed = re.findall(r"([a-z ]+): \d+\.\d s", text)
    assert [name.strip() for name in listed] == [
        "checking the data",
        "trial training",
        "training the net",
        "evaluating the net",
        "growing the ensemble",
        "judging the labels",
    ]


def test_phases_take_nearly_all_of_a_fit():
    told = TimeLeft("fit", clock=process_time)
    data = load_iris(return_X_y=True)
    with listening(told):
        GEXDetector(random_state=0).fit(*data)
        whole = told.seconds
    assert sum(each.seconds for each in told.phases if each.depth == 0) > 0.8 * whole


@pytest.mark.parametrize(
    "outer",
    [
        lambda inner: NoisyLabelDetector(inner),
        lambda inner: CleanedClassifier(LogisticRegression(), inner),
    ],
    ids=["scorer", "detector"],
)
def test_an_estimator_inside_another_one_has_one_bar(outer, capfd):
    outer(cheap(GEXDetector, learner(max_epochs=2), verbose=1)).fit(X, y)
    assert len(capfd.readouterr().err.splitlines()) == 1


def test_a_bar_around_a_fit_is_the_only_one(capfd):
    with showing_progress("Outer", 1):
        fit(GEXDetector, verbose=2)
    assert re.fullmatch(r"Outer: 100%, \d+\.\d s\n", capfd.readouterr().err)


def test_a_net_that_is_not_trained_has_a_bar(capfd):
    net = FrozenEstimator(learner(max_epochs=2).fit(X, y))
    GEXDetector(net, n_members=2, n_steps=4, verbose=1).fit(X, y)
    assert "GEXDetector: 100%" in capfd.readouterr().err


def test_a_terminal_that_is_no_file_has_a_bar(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stderr", Terminal())
    with showing_progress("Fit", 1):
        pass
    assert percentages(sys.stderr.getvalue())[-1] == 100


def test_an_error_leaves_no_line_that_says_all_was_done(capfd):
    with pytest.raises(ZeroDivisionError), showing_progress("Fit", 1):
        1 / 0  # noqa: B018
    assert capfd.readouterr().err == ""


def test_a_fit_outlives_its_terminal(monkeypatch):
    class Gone(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    monkeypatch.setattr(progress_display, "LINE_INTERVAL", 0.0)
    monkeypatch.setattr(sys, "stderr", Gone())
    assert fit(GEXDetector, verbose=2).noise_mask_.shape == y.shape
    monkeypatch.setattr(sys, "stderr", None)
    assert fit(GEXDetector, verbose=2).noise_mask_.shape == y.shape

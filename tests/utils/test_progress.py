"""Whoever listens hears the stages of a fit, and changes nothing of it."""

import numpy as np
import pytest
from sklearn.datasets import load_iris
from tiny import classifier, make_blobs

from skgex import GEXDetector
from skgex._utils.progress import announce, anyone_listens, listening

X, y = load_iris(return_X_y=True)


def heard_in(fit):
    heard = []
    with listening(lambda *progress: heard.append(progress)):
        return fit(), heard


def test_announcements_are_heard_in_order_and_only_inside():
    announce("before", 0, 1)
    _, heard = heard_in(lambda: [announce("inside", i, 2) for i in range(3)])
    announce("after", 0, 1)
    assert heard == [("inside", 0, 2), ("inside", 1, 2), ("inside", 2, 2)]
    assert not anyone_listens()


def test_an_error_ends_the_listening():
    with pytest.raises(ZeroDivisionError), listening(print):
        1 / 0  # noqa: B018
    assert not anyone_listens()


@pytest.mark.filterwarnings("ignore::skgex.exceptions.SkgexWarning")
def test_a_fit_announces_its_stages():
    detector = GEXDetector(n_members=3, n_jobs=2, random_state=0)
    fitted, heard = heard_in(lambda: detector.fit(X, y))
    stages = list(dict.fromkeys(stage for stage, _, _ in heard))
    assert stages == ["training", "learning rate", "members"]
    done = [step for stage, step, _ in heard if stage == "training"]
    assert done.count(0) == 2  # a trial, and the net itself
    assert done[-1] == fitted.n_epochs_
    assert all(0 <= step <= total for _, step, total in heard)
    assert heard[-1][1] == heard[-1][2]


@pytest.mark.filterwarnings("ignore::skgex.exceptions.SkgexWarning")
@pytest.mark.parametrize("net", [None, "given"])
def test_listening_changes_no_bit(net):
    samples, labels = make_blobs(60)
    net = None if net is None else classifier(max_epochs=4, train_split=None)
    detector = GEXDetector(net, n_members=2, random_state=0)
    alone = detector.fit(samples, labels).scores_
    heard, _ = heard_in(lambda: detector.fit(samples, labels).scores_)
    assert np.array_equal(alone, heard)

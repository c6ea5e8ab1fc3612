"""An interrupted fit leaves an estimator as it was, and a first one unfitted.

A fit is interrupted where its net is called: the calls of a whole fit are counted
first, and then one of them raises. So each moment of each fit is reached, whatever
functions the fit consists of.
"""

import pickle
import warnings
from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest
from all_estimators import all_estimators, cheap, every, named, takes_frozen
from answering import answers, fitted_attributes, is_fitted_name, queries_of, query
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.utils.validation import check_is_fitted
from tiny import AnyWidth, classifier, flip_every, learner, make_blobs

from skgex import CleanedClassifier, CleaningSampler, DatasetPruner, GEXDetector
from skgex._utils.random import seeded
from skgex.detection import NoisyLabelDetector
from skgex.exceptions import DivergenceWarning, MemorisationWarning
from skgex.influence import GEX

N_ROWS = 24
X, clean = make_blobs(N_ROWS)
y = flip_every(clean, 8)[0]
# Labels for another fit, which sort in the opposite order.
OTHER_LABELS = np.array(["c", "b", "a"])[y]

# At which of the calls of its net a fit is interrupted, as a share of all of them.
MOMENTS = [
    0,
    pytest.param(0.25, marks=pytest.mark.slow),
    pytest.param(0.5, marks=pytest.mark.slow),
    0.75,
    1,
]

ESTIMATORS = all_estimators()
every_kind = every(ESTIMATORS, one_of_each_kind=True)
at_any_moment = pytest.mark.parametrize("moment", MOMENTS)
pytestmark = pytest.mark.filterwarnings("ignore::skgex.exceptions.SkgexWarning")


class Interruption(BaseException):
    """What neither skorch nor ``except Exception`` catches."""


class Interruptible(AnyWidth):
    """A module that counts its calls, and raises at one of them."""

    n_calls, last, error = 0, None, Interruption

    def forward(self, X):
        """Return logits, or raise."""
        Interruptible.n_calls += 1
        if Interruptible.n_calls == Interruptible.last:
            raise Interruptible.error
        return super().forward(X)


@contextmanager
def interrupted(call, error=Interruption):
    """Expect that an error is raised at one call of the net, the first being 1."""
    Interruptible.n_calls, Interruptible.last = 0, call
    Interruptible.error = error
    try:
        with pytest.raises(error):
            yield
    finally:
        Interruptible.last = None


def make(cls, **params):
    net = classifier(Interruptible, max_epochs=2)
    return cheap(cls, net, **params)


def frame(values, prefix):
    return pd.DataFrame(
        values, columns=[f"{prefix}{i}" for i in range(values.shape[1])]
    )


def wider():
    """Rows with other columns than X, and one more."""
    return frame(np.hstack([X, X[:, :1]]), "other")


class Once(dict):
    """What a function gives, by its arguments; each asked for once."""

    def __init__(self, function):
        self.function = function

    def __missing__(self, key):
        self[key] = self.function(*key)
        return self[key]


@pytest.fixture(scope="module")
def fits():
    """Pickled estimators by class and kind of X, not to hold one that is changed."""

    def fitted(cls, as_frame):
        given = frame(X, "x") if as_frame else X
        return pickle.dumps(make(cls).fit(given, y))

    return Once(fitted)


@pytest.fixture(scope="module")
def n_calls():
    """How often a whole fit calls its net, by class."""

    def count(cls):
        Interruptible.n_calls = 0
        make(cls).fit(X, OTHER_LABELS)
        return Interruptible.n_calls

    return Once(count)


def call_at(moment, n_calls):
    return 1 + round(moment * (n_calls - 1))


def state(estimator):
    return pickle.dumps(sorted(vars(estimator).items()))


def everything(estimator, given):
    """All that an estimator says after a fit to some rows."""
    return fitted_attributes(estimator), all_answers(estimator, given)


def all_answers(estimator, given):
    """Answers about rows, half of them fitted and half of them new."""
    asked = given.copy()
    asked[N_ROWS // 2 :] += 1
    return answers(estimator, asked, y)


@contextmanager
def unchanged(estimator, given=X):
    """Demand that an estimator is the same after something as before."""
    said, before = everything(estimator, given), state(estimator)
    yield
    assert state(estimator) == before
    assert everything(estimator, given) == said


def assert_unfitted(estimator, fitted):
    """Demand that nothing of a fit is there; ``fitted`` says what might be."""
    with pytest.raises(NotFittedError):
        check_is_fitted(estimator)
    for name in queries_of(fitted):
        with pytest.raises(NotFittedError):
            query(estimator, name, X, y)
    assert [n for n in fitted_attributes(fitted) if hasattr(estimator, n)] == []
    assert [name for name in vars(estimator) if is_fitted_name(name)] == []


@every_kind
def test_an_unfitted_estimator_says_so(cls, fits):
    assert_unfitted(make(cls), pickle.loads(fits[cls, False]))


@every_kind
@at_any_moment
def test_an_interrupted_first_fit_leaves_it_unfitted(cls, fits, n_calls, moment):
    estimator = make(cls)
    before = state(estimator)
    with interrupted(call_at(moment, n_calls[cls,])):
        estimator.fit(X, OTHER_LABELS)
    assert state(estimator) == before
    assert_unfitted(estimator, pickle.loads(fits[cls, False]))


@every_kind
@at_any_moment
def test_an_interrupted_fit_to_other_labels_changes_nothing(cls, fits, n_calls, moment):
    estimator = pickle.loads(fits[cls, False])
    with unchanged(estimator), interrupted(call_at(moment, n_calls[cls,])):
        estimator.fit(X, OTHER_LABELS)


@every_kind
def test_an_interrupted_fit_to_other_columns_changes_nothing(cls, fits, n_calls):
    estimator = pickle.loads(fits[cls, True])
    names = estimator.feature_names_in_.tolist()
    with unchanged(estimator, frame(X, "x")):
        with interrupted(call_at(0.75, n_calls[cls,])):
            estimator.fit(wider(), y)
        assert estimator.n_features_in_ == X.shape[1]
        assert estimator.feature_names_in_.tolist() == names


@every_kind
def test_an_interrupted_estimator_can_be_fitted(cls, fits, n_calls):
    estimator, first = pickle.loads(fits[cls, False]), make(cls)
    for each in (estimator, first):
        with interrupted(call_at(0.75, n_calls[cls,])):
            each.fit(X, OTHER_LABELS)
        each.fit(X, y)
        expected = pickle.loads(fits[cls, False])
        assert all_answers(each, X) == all_answers(expected, X)


@every_kind
@pytest.mark.parametrize("fault", ["not finite", "too few labels", "one row"])
def test_data_that_are_refused_change_nothing(cls, fits, fault):
    estimator, given, labels = pickle.loads(fits[cls, True]), wider(), y
    if fault == "not finite":
        given.iloc[3, 1] = np.nan
    elif fault == "too few labels":
        labels = y[1:]
    else:
        given, labels = given[:1], y[:1]
    first = make(cls)
    before = state(first)
    with pytest.raises(ValueError):  # noqa: PT011
        first.fit(given, labels)
    assert state(first) == before
    with unchanged(estimator, frame(X, "x")), pytest.raises(ValueError):  # noqa: PT011
        estimator.fit(given, labels)


@every_kind
def test_control_c_changes_nothing(cls):
    """Around a frozen net; trainings are in field/test_interrupted_training.py."""
    if not takes_frozen(cls) or cls.__name__ == "LeaveOneOut":
        pytest.skip("trains nets")
    with seeded(0):
        net = classifier(Interruptible, max_epochs=2).fit(X, y)
    estimator = cheap(cls, FrozenEstimator(net)).fit(X, y)
    Interruptible.n_calls = 0
    cheap(cls, FrozenEstimator(net)).fit(X + 1, clean)
    call = call_at(0.75, Interruptible.n_calls)
    with unchanged(estimator), interrupted(call, KeyboardInterrupt):
        estimator.fit(X + 1, clean)


# What the calls of a net do not reach: errors at the end of a fit.


class Judge(BaseEstimator):
    """A scorer and detector that can be told to fail after its fit."""

    def __init__(self, first_score=0.0, support=True):
        self.first_score, self.support = first_score, support

    def fit(self, X, y=None):
        """Give each row its number for a score, and flag the last ones."""
        self.scores_ = np.arange(float(len(X)))
        self.scores_[0] = self.first_score
        self.noise_mask_ = self.scores_ > len(X) - 3
        return self

    def get_support(self):
        """Return the rows that are not flagged."""
        if not self.support:
            raise RuntimeError
        return ~self.noise_mask_


class Refuses(LogisticRegression):
    """A classifier that fails once it is fitted."""

    def fit(self, X, y, sample_weight=None):
        """Fit, and raise."""
        super().fit(X, y, sample_weight)
        raise RuntimeError


@pytest.mark.parametrize(
    ("cls", "fine", "fault"),
    [
        (
            NoisyLabelDetector,
            {"scorer": Judge()},
            {"scorer": Judge(first_score=np.nan)},
        ),
        (DatasetPruner, {"scorer": Judge()}, {"scorer": Judge(first_score=np.nan)}),
        (CleaningSampler, {"selector": Judge()}, {"selector": Judge(support=False)}),
        (
            CleanedClassifier,
            {"estimator": LogisticRegression(), "detector": Judge()},
            {"estimator": Refuses()},
        ),
        (
            CleanedClassifier,
            {"estimator": LogisticRegression(), "detector": Judge()},
            {"detector": Judge(support=False)},
        ),
    ],
)
def test_what_an_estimator_is_built_of_may_fail_last(cls, fine, fault):
    first, estimator = cls(**{**fine, **fault}), cls(**fine).fit(X, y)
    before = state(first)
    with pytest.raises((ValueError, RuntimeError)):
        first.fit(X, OTHER_LABELS)
    assert state(first) == before
    assert_unfitted(first, estimator)
    estimator.set_params(**fault)
    with unchanged(estimator), pytest.raises((ValueError, RuntimeError)):
        estimator.fit(X, OTHER_LABELS)


@pytest.mark.parametrize(
    ("cls", "params", "warning"),
    [
        (named("GEX"), {"lr": 1e5}, DivergenceWarning),
        (named("GEXPruner"), {"lr": 1e5}, DivergenceWarning),
        (named("GEXDetector"), {"lr": 1e5}, DivergenceWarning),
        (
            named("GEXDetector"),
            {"statistic": "self_influence"},
            MemorisationWarning,
        ),
    ],
)
def test_a_warning_that_is_an_error_interrupts_as_well(cls, params, warning, fits):
    first, estimator = make(cls, **params), pickle.loads(fits[cls, False])
    estimator.set_params(**params)
    with warnings.catch_warnings():
        warnings.simplefilter("error", warning)
        before = state(first)
        with pytest.raises(warning):
            first.fit(X, OTHER_LABELS)
        assert state(first) == before
        with unchanged(estimator), pytest.raises(warning):
            estimator.fit(X, OTHER_LABELS)


@pytest.mark.slow
@pytest.mark.parametrize("moment", [0.5, 1])
@pytest.mark.parametrize("chain", [False, True])
@pytest.mark.parametrize("cls", [GEX, GEXDetector], ids=lambda cls: cls.__name__)
def test_a_fit_that_goes_on_may_be_interrupted(cls, chain, moment):
    """With ``warm_start`` it may keep what it grew, but must not answer by it."""
    estimator = make(cls, chain=chain, warm_start=True).fit(X, y)
    before = everything(estimator, X)
    estimator.set_params(n_members=6)
    copy = pickle.loads(pickle.dumps(estimator))
    Interruptible.n_calls = 0
    copy.fit(X, y)
    with interrupted(call_at(moment, Interruptible.n_calls)):
        estimator.fit(X, y)
    assert everything(estimator, X) == before
    assert all_answers(estimator.fit(X, y), X) == all_answers(copy, X)


def test_a_detector_does_not_read_old_rows_by_new_labels():
    """An interrupted fit to reversed labels once made all rows look wrong."""
    rows, labels = make_blobs(150)
    rows, labels = rows.astype(np.float32), flip_every(labels, 12)[0]
    detector = cheap(GEXDetector, learner(), n_members=8).fit(rows, labels)
    mask, relabelled = detector.predict(rows, labels), detector.relabel()
    assert 0 < mask.sum() < 30
    detector.set_params(net=classifier(Interruptible, max_epochs=2))
    other_labels = np.array(["c", "b", "a"])[labels]
    Interruptible.n_calls = 0
    clone(detector).fit(rows, other_labels)
    with interrupted(call_at(0.75, Interruptible.n_calls)):  # while members grow
        detector.fit(rows, other_labels)
    np.testing.assert_array_equal(detector.predict(rows, labels), mask)
    np.testing.assert_array_equal(detector.relabel(), relabelled)
    assert (relabelled == labels)[~mask].all()

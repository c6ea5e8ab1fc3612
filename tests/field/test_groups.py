"""Rows that belong together, such as near-copies of one subject, stay together."""

import numpy as np
import pandas as pd
import pytest
import sklearn
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, clone
from sklearn.datasets import load_digits
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback
from tiny import (
    PairDataset,
    binary_classifier,
    classifier,
    flip_every,
    learner,
    make_blobs,
    regressor,
)

from skgex import CleanedClassifier, CleaningSampler, GEXDetector, GEXPruner
from skgex._data.groups import GroupedStrata, draw_groups
from skgex._ensemble import ensemble as _ensemble
from skgex._ensemble import growth as _growth
from skgex._nets import early_stopping as _early_stopping
from skgex._nets import training as _training
from skgex._nets.training import split
from skgex.detection import NoisyLabelDetector
from skgex.hardness import AUM, EL2N, ConfidentLearning, OutOfFold, _folded
from skgex.hardness._folded import deal
from skgex.influence import GEX, GEXLinear, InfluenceFunction, TracIn
from skgex.pruning import DatasetPruner

pytestmark = pytest.mark.filterwarnings("ignore::skgex.exceptions.SkgexWarning")

CLEAN_X, CLEAN_Y = make_blobs()
X, Y = CLEAN_X.astype(np.float32), flip_every(CLEAN_Y, 10)[0]
GROUPS = np.arange(60) // 4
FAST = {"n_members": 3, "n_steps": 4, "random_state": 0}


# Splits themselves


@st.composite
def grouped_rows(draw):
    """Groups of any sizes, at least two of them, and classes in any order."""
    n_groups = draw(st.integers(2, 12))
    sizes = draw(st.lists(st.integers(1, 9), min_size=n_groups, max_size=n_groups))
    groups = np.repeat(np.arange(n_groups), sizes)
    random = np.random.RandomState(draw(st.integers(0, 99)))
    groups = random.permutation(groups)
    n_classes = draw(st.integers(1, 4))
    codes = random.randint(n_classes, size=len(groups))
    return GroupedStrata(draw(st.sampled_from([codes, None])), groups)


def assert_whole(seen, left_out, groups):
    """Both sides hold something, all rows are on one, and no group on both."""
    assert len(seen)
    assert len(left_out)
    assert sorted([*seen, *left_out]) == list(range(len(groups)))
    assert not set(groups[seen]) & set(groups[left_out])


@given(grouped_rows(), st.sampled_from([0.2, 0.5]), st.integers(0, 3))
def test_a_split_divides_no_group(strata, held_out, seed):
    assert_whole(*split(len(strata.groups), strata, held_out, seed), strata.groups)


@given(grouped_rows(), st.integers(2, 6), st.integers(0, 3))
def test_folds_divide_no_group(strata, n_folds, seed):
    folds = deal(strata, min(n_folds, strata.groups.max() + 1), seed)
    for seen, left_out in folds:
        assert_whole(seen, left_out, strata.groups)
    everything = np.concatenate([left_out for _, left_out in folds])
    assert sorted(everything) == list(range(len(strata.groups)))


@given(grouped_rows(), st.floats(0.01, 0.99), st.integers(0, 3))
def test_groups_are_drawn_whole(strata, share, seed):
    groups, size = strata.groups, max(1, int(share * len(strata.groups)))
    rows = draw_groups(groups, size, seed)
    drawn = np.unique(groups[rows])
    np.testing.assert_array_equal(rows, np.flatnonzero(np.isin(groups, drawn)))
    assert len(drawn) == 1 or len(rows) <= size
    assert len(rows) < len(groups)


@pytest.mark.parametrize("held_out", [0.2, 0.5])
def test_a_split_of_groups_is_stratified_and_of_the_wanted_share(held_out):
    groups = np.arange(400) // 4
    codes = groups % 4
    _, left_out = split(400, GroupedStrata(codes, groups), held_out, seed=0)
    np.testing.assert_allclose(np.bincount(codes[left_out]), held_out * 100, atol=4)


def test_a_giant_group_is_trained_on_rather_than_held_out():
    groups = np.r_[np.zeros(90, int), np.ones(10, int)]
    for seed in range(5):
        _, left_out = split(100, GroupedStrata(None, groups), 0.5, seed)
        assert len(left_out) == 10


# Every split of every fit


@pytest.fixture
def splits(monkeypatch):
    """Record every split that a fit makes, as (seen, left_out)."""
    made = []

    def recorded(function):
        def call(*args, **kwargs):
            found = function(*args, **kwargs)
            made.extend([found] if isinstance(found, tuple) else found)
            return found

        return call

    for module in (_training, _early_stopping):
        monkeypatch.setattr(module, "split", recorded(split))
    monkeypatch.setattr(_folded, "deal", recorded(deal))
    return made


def net(**kwargs):
    return learner(**{"max_epochs": 4, **kwargs})


FITS = [
    GEXDetector(**FAST),
    GEXDetector(net(), **FAST),
    GEXDetector(net(), statistic="self_influence", **FAST),
    GEXPruner(lr="auto", **FAST),
    GEX(net(), **FAST),
    GEXLinear(net(), **FAST),
    TracIn(random_state=0),
    InfluenceFunction(random_state=0),
    AUM(random_state=0),
    OutOfFold(random_state=0),
    OutOfFold(net(), n_folds=3, random_state=0),
    ConfidentLearning(random_state=0),
    NoisyLabelDetector(OutOfFold(net(), random_state=0)),
    DatasetPruner(AUM(random_state=0)),
    CleanedClassifier(LogisticRegression(), GEXDetector(**FAST)),
    CleanedClassifier(
        LogisticRegression(), make_pipeline(StandardScaler(), GEXDetector(**FAST))
    ),
    CleaningSampler(GEXDetector(**FAST), estimator=LogisticRegression()),
]


@pytest.mark.usefixtures("short_trainings")
@pytest.mark.parametrize("estimator", FITS, ids=lambda e: type(e).__name__)
def test_no_fit_divides_a_group(estimator, splits):
    clone(estimator).fit(X, Y, groups=GROUPS)
    assert splits
    for seen, left_out in splits:
        assert_whole(seen, left_out, GROUPS)


@pytest.mark.parametrize("estimator", FITS[:3], ids=lambda e: type(e).__name__)
def test_fit_predict_and_fit_transform_take_groups(estimator):
    fitted = clone(estimator).fit(X, Y, groups=GROUPS)
    mask = clone(estimator).fit_predict(X, Y, groups=GROUPS)
    np.testing.assert_array_equal(mask, fitted.noise_mask_)
    features = clone(estimator).fit_transform(X, Y, groups=GROUPS)
    np.testing.assert_array_equal(features, fitted.transform(X, Y))


@pytest.mark.usefixtures("short_trainings")
def test_a_sampler_resamples_by_groups():
    sampler = CleaningSampler(GEXDetector(**FAST), estimator=LogisticRegression())
    rows, labels = sampler.fit_resample(X, Y, groups=GROUPS)
    expected = clone(sampler).fit(X, Y, groups=GROUPS)
    np.testing.assert_array_equal(sampler.sample_indices_, expected.sample_indices_)
    assert len(rows) == len(labels) == len(sampler.sample_indices_)


def test_groups_of_datasets_sets_of_labels_and_regression_targets(splits):
    GEXDetector(net(), **FAST).fit(PairDataset(X, Y), groups=GROUPS)
    targets = np.stack([Y, Y, Y], axis=1).astype(np.float64)
    values = regressor(module__dtype=torch.float64)
    GEXDetector(values, **FAST).fit(X, targets, groups=GROUPS)
    GEXDetector(binary_classifier(), **FAST).fit(X, Y == 0, groups=GROUPS)
    assert len(splits) >= 3
    for seen, left_out in splits:
        assert_whole(seen, left_out, GROUPS)


# What it is for


def copies_of_digits(n_subjects=120, n_copies=8):
    """Near-copies of digits, of which a tenth is mislabelled with all copies."""
    digits, labels = load_digits(return_X_y=True)
    rs = np.random.RandomState(0)
    base = rs.permutation(len(digits))[:n_subjects]
    groups = np.repeat(np.arange(n_subjects), n_copies)
    near = digits[base][groups] / 16 + 0.02 * rs.randn(len(groups), 64)
    given = labels[base].copy()
    bad = rs.permutation(n_subjects)[: n_subjects // 10]
    given[bad] = (given[bad] + rs.randint(1, 10, len(bad))) % 10
    return near.astype(np.float32), given[groups], groups, np.isin(groups, bad)


@pytest.mark.slow
def test_mislabelled_subjects_are_found():
    rows, labels, groups, wrong = copies_of_digits()
    detector = GEXDetector(n_members=8, random_state=0).fit(rows, labels)
    blind = average_precision_score(wrong, detector.scores_)
    detector.fit(rows, labels, groups=groups)
    found = average_precision_score(wrong, detector.scores_)
    assert blind < 0.5
    assert found > 0.65


def test_members_leave_whole_groups_out():
    detector = GEXDetector(net(), **FAST, lr=0.1).fit(X, Y, groups=GROUPS)
    counted = detector._fitted.evaluation.counted.reshape(15, 4, 3)
    assert (counted == counted[:, :1]).all()
    assert not counted.all()


@pytest.mark.parametrize("share", [1.0, 0.3])
def test_a_share_that_is_given_is_kept(share):
    detector = GEXDetector(net(), **FAST, lr=0.1, max_samples=share)
    counted = detector.fit(X, Y, groups=GROUPS)._fitted.evaluation.counted
    assert (counted is None) == (share == 1.0)


def test_members_of_unequal_parts_are_the_same_one_by_one(monkeypatch):
    groups = np.r_[np.zeros(20, int), np.arange(1, 41)]
    detector = GEXDetector(net(), n_members=4, n_steps=9, lr=0.1, random_state=0)
    together = clone(detector).fit(X, Y, groups=groups)
    for module in (_ensemble, _growth):
        monkeypatch.setattr(module, "can_batch", lambda *args: False)
    alone = clone(detector).fit(X, Y, groups=groups)
    np.testing.assert_allclose(together.scores_, alone.scores_, rtol=1e-4, atol=1e-6)


# Groups of any kind; and what they change, and what not

DETECTOR = GEXDetector(**FAST)


@pytest.fixture(scope="module")
def expected():
    return clone(DETECTOR).fit(X, Y, groups=GROUPS).scores_


@pytest.mark.parametrize(
    "groups",
    [
        GROUPS.tolist(),
        [f"subject {g}" for g in GROUPS],
        GROUPS[:, None],
        -1.5 * GROUPS,
        GROUPS.astype(object),
        torch.as_tensor(GROUPS),
        pd.Series(GROUPS, index=np.arange(60)[::-1]),
        pd.Series(GROUPS.astype(str)).astype("category"),
        pd.Series(GROUPS, dtype="Int64"),
        pd.DataFrame({"subject": GROUPS}),
        [b"%d" % g for g in GROUPS],
        pd.to_datetime(GROUPS, unit="D"),
    ],
    ids=lambda groups: type(groups).__name__,
)
def test_groups_may_have_any_names(groups, expected):
    scores = clone(DETECTOR).fit(X, Y, groups=groups).scores_
    np.testing.assert_array_equal(scores, expected)


def test_groups_change_the_answer_and_no_group_changes_none(expected):
    plain = clone(DETECTOR).fit(X, Y).scores_
    assert not np.array_equal(plain, expected)
    without = clone(DETECTOR).fit(X, Y, groups=None).scores_
    np.testing.assert_array_equal(without, plain)
    explicit = clone(DETECTOR).set_params(max_samples=1.0).fit(X, Y).scores_
    np.testing.assert_array_equal(explicit, plain)


@pytest.mark.usefixtures("short_trainings")
@pytest.mark.parametrize(
    "estimator", [DETECTOR, OutOfFold(random_state=0)], ids=["GEXDetector", "OutOfFold"]
)
def test_a_cache_knows_groups(estimator, tmp_path):
    groups = {"none": None, "fours": GROUPS, "sixes": np.arange(60) // 6}
    alone = {
        name: clone(estimator).fit(X, Y, groups=each).scores_
        for name, each in groups.items()
    }
    cached = clone(estimator).set_params(memory=str(tmp_path))
    for name in ("none", "fours", "sixes", "fours", "none"):
        scores = clone(cached).fit(X, Y, groups=groups[name]).scores_
        np.testing.assert_array_equal(scores, alone[name])


def test_a_warm_start_refuses_other_groups():
    detector = clone(DETECTOR).set_params(warm_start=True)
    first = detector.fit(X, Y, groups=GROUPS).scores_
    again = detector.fit(X, Y, groups=GROUPS.astype(str)).scores_
    np.testing.assert_array_equal(again, first)
    for groups in (None, np.arange(60) // 6):
        with pytest.raises(ValueError, match="other data or groups"):
            detector.fit(X, Y, groups=groups)


# Refusals, before anything is trained


class NeverTrained(Callback):
    def on_epoch_begin(self, *args, **kwargs):
        raise AssertionError("trained before groups were looked at")


def untrained():
    return classifier(callbacks=[NeverTrained()])


REFUSING = [
    GEXDetector(untrained(), **FAST),
    GEXPruner(untrained(), **FAST),
    TracIn(untrained()),
    EL2N(untrained()),
    OutOfFold(untrained()),
    NoisyLabelDetector(OutOfFold(untrained())),
    CleanedClassifier(LogisticRegression(), GEXDetector(untrained(), **FAST)),
    CleaningSampler(GEXDetector(untrained(), **FAST)),
]
HOLED = GROUPS.astype(float)
HOLED[[3, 5]] = np.nan


@pytest.mark.parametrize("estimator", REFUSING, ids=lambda e: type(e).__name__)
@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (GROUPS[:-1], r"shape \(60,\), one group per row"),
        (np.stack([GROUPS, GROUPS], axis=1), r"shape \(60,\)"),
        ("subject", r"got str of shape \(\)"),
        (7, "got int of shape"),
        (HOLED, "no missing values, got 2"),
        ([None, *GROUPS[1:]], "no missing values, got 1"),
        (["a", "b", np.nan, *"cd" * 28, "a"], "no missing values, got 1"),
        (pd.Series([pd.NA, *GROUPS[1:]], dtype="Int64"), "no missing values, got 1"),
        (pd.Series([pd.NaT, *pd.to_datetime(GROUPS[1:])]), "no missing values, got 1"),
        (np.zeros(60), "at least 2 are needed"),
    ],
)
def test_impossible_groups_are_refused(estimator, groups, message):
    with pytest.raises(ValueError, match=f"groups: .*{message}"):
        clone(estimator).fit(CLEAN_X, Y, groups=groups)


@pytest.mark.parametrize("kind", [OutOfFold, ConfidentLearning])
def test_fewer_groups_than_folds_are_refused(kind):
    scorer = kind(untrained(), n_folds=16)
    with pytest.raises(ValueError, match="n_folds: must be no more than the 15 groups"):
        scorer.fit(CLEAN_X, Y, groups=GROUPS)


class WithoutGroups(BaseEstimator):
    def fit(self, X, y):
        self.scores_ = np.zeros(len(X))
        self.noise_mask_ = np.zeros(len(X), bool)
        return self


@pytest.mark.parametrize("inner", [WithoutGroups(), FrozenEstimator(WithoutGroups())])
@pytest.mark.parametrize(
    ("outer", "name"),
    [
        (NoisyLabelDetector, "scorer"),
        (DatasetPruner, "scorer"),
        (lambda inner: CleanedClassifier(LogisticRegression(), inner), "detector"),
        (CleaningSampler, "selector"),
    ],
)
def test_what_takes_no_groups_is_named(outer, name, inner):
    with pytest.raises(ValueError, match=f"groups: {name} "):
        outer(inner).fit(X, Y, groups=GROUPS)


# Metadata routing


@pytest.fixture
def routing_on():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.mark.usefixtures("routing_on")
def test_a_pipeline_routes_groups(expected):
    detector = clone(DETECTOR)
    pipeline = make_pipeline(StandardScaler().set_output(transform="default"), detector)
    scaled = StandardScaler().fit_transform(X)
    alone = clone(DETECTOR).fit(scaled, Y, groups=GROUPS)
    pipeline.fit(X, Y, groups=GROUPS)
    np.testing.assert_array_equal(pipeline[-1].scores_, alone.scores_)
    mask = clone(pipeline).fit_predict(X, Y, groups=GROUPS)
    np.testing.assert_array_equal(mask, alone.noise_mask_)
    requested = make_pipeline(clone(DETECTOR).set_fit_request(groups=True))
    requested.fit(X, Y, groups=GROUPS)
    np.testing.assert_array_equal(requested[-1].scores_, expected)


@pytest.mark.usefixtures("routing_on")
@pytest.mark.parametrize("wanted", [None, False])
def test_a_search_passes_groups_to_folds_and_to_fits(splits, wanted):
    detector = clone(DETECTOR)
    if wanted is not None:
        detector.set_fit_request(groups=wanted)
    search = GridSearchCV(detector, {"n_members": [2]}, cv=GroupKFold(3), refit=True)
    search.fit(X, Y, groups=GROUPS)
    assert len(splits) == 4  # that of the refit is the last
    whole = not set(GROUPS[splits[-1][0]]) & set(GROUPS[splits[-1][1]])
    assert whole == (wanted is None)


@pytest.mark.usefixtures("routing_on")
def test_inner_estimators_are_given_groups_with_routing_on(expected):
    cleaned = CleanedClassifier(
        LogisticRegression(), make_pipeline(clone(DETECTOR))
    ).fit(X, Y, groups=GROUPS)
    np.testing.assert_array_equal(cleaned.detector_[-1].scores_, expected)
    wrapped = NoisyLabelDetector(OutOfFold(random_state=0))
    pipeline = make_pipeline(wrapped).fit(X, Y, groups=GROUPS)
    alone = OutOfFold(random_state=0).fit(X, Y, groups=GROUPS)
    np.testing.assert_array_equal(pipeline[-1].scores_, alone.scores_)


def test_a_pipeline_takes_groups_by_the_name_of_its_step(expected):
    pipeline = make_pipeline(clone(DETECTOR))
    pipeline.fit(X, Y, gexdetector__groups=GROUPS)
    np.testing.assert_array_equal(pipeline[-1].scores_, expected)

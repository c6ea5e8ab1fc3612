import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.metrics import average_precision_score
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    StratifiedKFold,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tiny import learner

from skgex import GEXDetector
from skgex.datasets import flip_labels
from skgex.exceptions import UnlabelledRowsWarning
from skgex.metrics import noise_scorer

FAST = {"n_members": 2, "n_steps": 5, "lr": 0.1, "random_state": 0}
FOLDS = StratifiedKFold(3, shuffle=True, random_state=0)


@pytest.fixture
def pipeline():
    return make_pipeline(StandardScaler(), GEXDetector(learner(max_epochs=5), **FAST))


@pytest.fixture(params=[False, True], ids=["routing off", "routing on"])
def routing(request):
    with sklearn.config_context(enable_metadata_routing=request.param):
        yield request.param


@pytest.fixture
def routing_on():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


def alone(X, y):
    """The detector on rows that were scaled outside."""
    return GEXDetector(learner(max_epochs=5), **FAST).fit(
        StandardScaler().fit_transform(X), y
    )


@pytest.mark.usefixtures("routing")
def test_a_pipeline_answers_as_its_steps_would(noisy, pipeline):
    X, y, _ = noisy
    expected = alone(X, y)
    np.testing.assert_array_equal(pipeline.fit_predict(X, y), expected.noise_mask_)
    pipeline.fit(X, y)
    np.testing.assert_array_equal(pipeline.predict(X), expected.noise_mask_)
    np.testing.assert_array_equal(pipeline.predict(X, y=y), expected.noise_mask_)
    deviations = expected.transform(StandardScaler().fit_transform(X))
    np.testing.assert_array_equal(pipeline.transform(X), deviations)
    np.testing.assert_array_equal(clone(pipeline).fit_transform(X, y), deviations)
    assert pipeline.score(X, y) == expected.score(StandardScaler().fit_transform(X), y)
    np.testing.assert_array_equal(pipeline[-1].noise_mask_, expected.noise_mask_)
    assert pipeline.predict_proba(X).shape == (60, 3)


@pytest.mark.usefixtures("routing_on")
def test_labels_are_routed_to_transform(noisy, pipeline):
    X, y, _ = noisy
    pipeline.fit(X, y)
    other = (y + 1) % 3
    scaled = pipeline[:-1].transform(X)
    np.testing.assert_array_equal(
        pipeline.transform(X, y=other), pipeline[-1].transform(scaled, other)
    )


@pytest.mark.usefixtures("routing")
def test_labels_of_new_rows_go_through(noisy, pipeline):
    X, y, _ = noisy
    pipeline.fit(X[:45], y[:45])
    scaled = pipeline[:-1].transform(X[45:])
    np.testing.assert_array_equal(
        pipeline.predict(X[45:], y=y[45:]), pipeline[-1].predict(scaled, y[45:])
    )
    with pytest.warns(UnlabelledRowsWarning, match="15 rows") as caught:
        pipeline.predict(X[45:])
    assert caught[0].filename == __file__


def test_memory_of_the_pipeline_and_of_the_detector(noisy, pipeline, tmp_path):
    X, y, _ = noisy
    expected = pipeline.fit(X, y).predict(X)
    cached = clone(pipeline).set_params(
        memory=str(tmp_path), gexdetector__memory=str(tmp_path)
    )
    for _ in range(2):
        np.testing.assert_array_equal(cached.fit(X, y).predict(X), expected)
    assert list(tmp_path.rglob("output.pkl"))


def test_as_a_middle_step(noisy):
    X, y, _ = noisy
    detector = GEXDetector(learner(max_epochs=5), **{**FAST, "n_members": 4})
    features = make_pipeline(detector, StandardScaler()).fit_transform(X, y)
    assert features.shape == (60, 2)
    np.testing.assert_allclose(features.mean(axis=0), 0, atol=1e-6)


def test_frames_come_out_when_asked_for(noisy, pipeline):
    X, y, _ = noisy
    frame = pd.DataFrame(X, columns=list("abcd"), index=np.arange(60) + 5)
    pipeline.set_params(gexdetector__n_members=4)  # two of them around the net
    pipeline.set_output(transform="pandas").fit(frame, y)
    given = pipeline.transform(frame)
    assert list(given.columns) == ["gexdetector0", "gexdetector1"]
    assert list(pipeline.get_feature_names_out()) == list(given.columns)
    np.testing.assert_array_equal(given.index, frame.index)
    np.testing.assert_array_equal(pipeline[-1].feature_names_in_, list("abcd"))
    with pytest.raises(ValueError, match="feature names should match"):
        pipeline[-1].predict(frame[list("dcba")], y)


# Searches


def test_nested_parameters_reach_the_net(noisy, pipeline):
    X, y, _ = noisy
    pipeline.set_params(
        gexdetector__net__module__hidden=5,
        gexdetector__net__optimizer__eps=1e-7,
        gexdetector__n_members=4,
    )
    detector = clone(pipeline).fit(X, y)[-1]
    assert detector.net_.module_.hidden.out_features == 5
    assert detector.net_.optimizer_.defaults["eps"] == 1e-7
    assert len(detector.ensemble_.members) == 4
    with pytest.raises(ValueError, match="hiden"):
        pipeline.set_params(gexdetector__net__hiden=5)


@pytest.mark.usefixtures("routing")
@pytest.mark.slow
def test_a_search_over_members_steps_rate_and_the_net(noisy, pipeline):
    X, y, _ = noisy
    step = "gexdetector__"
    grid = [
        {f"{step}n_members": [1, 2], f"{step}n_steps": [2, 4]},
        {f"{step}lr": [0.01, 0.05], f"{step}net__module__hidden": [4, 8]},
    ]
    searches = [
        GridSearchCV(pipeline, grid, cv=FOLDS, n_jobs=n_jobs, error_score="raise")
        for n_jobs in (1, 2)
    ]
    one, two = (search.fit(X, y).cv_results_["mean_test_score"] for search in searches)
    np.testing.assert_array_equal(one, two)
    assert len(np.unique(one)) == 8
    search = searches[0]
    assert search.best_score_ == one.max()
    best = search.best_estimator_[-1]
    for name, value in search.best_params_.items():
        assert search.best_estimator_.get_params()[name] == value
    np.testing.assert_array_equal(search.predict(X), best.noise_mask_)
    n_around_net = (best.n_members + 1) // 2
    assert search.transform(X).shape == (60, n_around_net)


def test_the_score_of_a_search_is_that_of_the_held_out_fold(noisy):
    X, y, _ = noisy
    detector = GEXDetector(learner(max_epochs=5), **FAST)
    search = GridSearchCV(detector, {"lr": [0.05]}, cv=FOLDS, refit=False).fit(X, y)
    for i, (rows, others) in enumerate(FOLDS.split(X, y)):
        fold = clone(detector).set_params(lr=0.05).fit(X[rows], y[rows])
        given = search.cv_results_[f"split{i}_test_score"][0]
        assert given == fold.score(X[others], y[others])


def test_a_search_over_nets(noisy, frozen):
    X, y, _ = noisy
    grid = {"net": [learner(max_epochs=2), frozen, None]}
    search = GridSearchCV(GEXDetector(**FAST), grid, cv=FOLDS, error_score="raise")
    assert np.isfinite(search.fit(X, y).cv_results_["mean_test_score"]).all()


@pytest.mark.usefixtures("routing")
def test_sorted_labels_and_plain_folds(noisy, pipeline):
    """A fold without one of the classes scores low, and does not crash."""
    X, y, _ = noisy
    order = np.argsort(y, kind="stable")

    def scores_of(cv):
        # With routing, scikit-learn 1.6 needs params.
        return cross_validate(
            pipeline, X[order], y[order], cv=cv, params={}, error_score="raise"
        )["test_score"]

    scores, stratified = scores_of(KFold(3)), scores_of(FOLDS)
    assert np.isfinite(scores).all()
    assert scores.max() < stratified.min()


@pytest.mark.usefixtures("routing_on")
@pytest.mark.parametrize("n_jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_the_mask_is_routed_to_the_scorer(noisy, pipeline, n_jobs):
    X, y, noise_mask = noisy
    result = cross_validate(
        pipeline,
        X,
        y,
        cv=FOLDS,
        scoring={"noise": noise_scorer},
        params={"noise_mask": noise_mask},
        n_jobs=n_jobs,
        error_score="raise",
    )
    for (rows, others), given in zip(
        FOLDS.split(X, y), result["test_noise"], strict=True
    ):
        fold = clone(pipeline).fit(X[rows], y[rows])
        scores = fold[-1].scores(fold[:-1].transform(X[others]), y[others])
        expected = average_precision_score(noise_mask[others], scores)
        assert given == pytest.approx(expected)


@pytest.mark.usefixtures("routing_on")
def test_a_search_by_the_mask(noisy):
    X, y, noise_mask = noisy
    detector = GEXDetector(learner(max_epochs=5), **FAST)
    search = GridSearchCV(
        detector, {"lr": [0.01, 0.1]}, cv=FOLDS, scoring=noise_scorer, refit=False
    ).fit(X, y, noise_mask=noise_mask)
    by_hand = [
        average_precision_score(
            noise_mask[others],
            clone(detector).fit(X[rows], y[rows]).scores(X[others], y[others]),
        )
        for rows, others in FOLDS.split(X, y)
    ]
    given = search.cv_results_["mean_test_score"][1]
    assert given == pytest.approx(np.mean(by_hand))


@pytest.mark.usefixtures("routing_on")
def test_a_mask_that_nobody_asked_for_is_refused(noisy, pipeline):
    X, y, noise_mask = noisy
    with pytest.raises((TypeError, UnsetMetadataPassedError), match="noise_mask"):
        pipeline.fit(X, y, noise_mask=noise_mask)


@pytest.mark.slow
def test_one_net_serves_all_points_of_a_search(noisy, tmp_path, monkeypatch):
    X, y, _ = noisy
    net = learner(max_epochs=5)
    original, trained = type(net).partial_fit, []

    def counted(self, *args, **kwargs):
        trained.append(1)
        return original(self, *args, **kwargs)

    monkeypatch.setattr(type(net), "partial_fit", counted)
    detector = GEXDetector(net, memory=str(tmp_path), **FAST)
    grid = {"n_members": [1, 2], "n_steps": [2, 5], "lr": [0.01, 0.1]}
    GridSearchCV(detector, grid, cv=FOLDS, error_score="raise").fit(X, y)
    # A trial and a net for each of three folds, and for the refit.
    assert len(trained) == 2 * (3 + 1)


def test_a_search_without_folds_by_the_scores_of_the_fit(noisy):
    X, y, noise_mask = noisy
    rows = np.arange(60)
    search = GridSearchCV(
        GEXDetector(learner(max_epochs=5), **FAST),
        {"lr": [1e-6, 0.1]},
        cv=[(rows, rows)],
        scoring=lambda fitted, X, y: average_precision_score(
            noise_mask, fitted.scores_
        ),
    ).fit(X, y)
    assert search.best_score_ > 0.5


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::skgex.exceptions.DivergenceWarning")
def test_the_default_score_picks_a_point_that_finds_the_noise(tmp_path):
    X, clean = load_digits(return_X_y=True)
    y, noise_mask = flip_labels(clean, 0.1, random_state=0)
    detector = GEXDetector(memory=str(tmp_path), random_state=0)
    grid = {"n_members": [4, 16], "n_steps": [32, 128], "lr": [0.02, 0.1, 0.4, 3.2]}
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    search = GridSearchCV(detector, grid, cv=folds, n_jobs=2, refit=False).fit(X, y)
    hidden = [
        average_precision_score(
            noise_mask, clone(detector).set_params(**point).fit(X, y).scores_
        )
        for point in search.cv_results_["params"]
    ]
    assert min(hidden) < max(hidden) - 0.02  # it is no matter of course
    assert hidden[search.best_index_] >= max(hidden) - 0.02

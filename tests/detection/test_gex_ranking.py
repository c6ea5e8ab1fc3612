"""What GEXDetector ranks by: members from two starts, structure and neighbours."""

import pickle
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest
import torch
from detecting import FAST, losses_under, relative
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import average_precision_score
from tiny import PairDataset, classifier, flip_every, learner, make_blobs, regressor

from skgex import GEXDetector
from skgex._nets.training import make_trial
from skgex.datasets import flip_labels
from skgex.detection._pulls import hardest_pulls
from skgex.influence import GEX

N_CLASSES = 6


@pytest.fixture(scope="module")
def paired():
    """Blobs of six classes; a fifth of the labels are those of the next class."""
    X, clean = make_blobs(240, N_CLASSES)
    y, noise_mask = flip_labels(clean, 0.2, kind="pair", random_state=0)
    return X + np.eye(N_CLASSES, 4)[clean], y, noise_mask


def net(**kwargs):
    return learner(module__n_outputs=N_CLASSES, **kwargs)


def split(**params):
    """A detector with a trial net, from which members start, too."""
    return GEXDetector(**{"net": net(), **FAST, "n_members": 4, **params})


@pytest.fixture(scope="module")
def detector(paired):
    return split().fit(*paired[:2])


def unlifted(detector):
    """Relative losses of the fitted rows, from what the members say."""
    evaluation = detector._fitted.evaluation
    means = evaluation.losses.mean(axis=1, dtype=float)
    return np.array(relative(means, evaluation.outputs.astype(float)))


def test_scores_are_relative_losses_times_odds(paired, detector):
    X, y, _ = paired
    ranking = detector._noise_model.ranking
    probabilities = detector.predict_proba(X)
    structure = ranking.structure.odds(probabilities, y)
    share = detector._fitted.evaluation.disagreement
    neighbours = ((share + 0.05) / (1.05 - share)) ** 0.2
    expected = unlifted(detector) * structure * neighbours
    np.testing.assert_allclose(detector.scores_, expected, rtol=1e-5)
    assert (detector.scores_ >= 0).all()
    likeliest = ranking.structure.lift.argmax(axis=1)
    assert (likeliest == [1, 2, 3, 4, 5, 0]).sum() >= 5


def test_pairs_are_found_better(paired, detector):
    _, _, noise_mask = paired
    lifted = average_precision_score(noise_mask, detector.scores_)
    assert lifted > average_precision_score(noise_mask, unlifted(detector)) + 0.02


def test_as_many_are_flagged_as_are_probably_wrong(paired, detector):
    """But those of the highest scores."""
    _, y, _ = paired
    probable = detector.noise_proba_ > 0.5
    assert detector.noise_mask_.sum() == probable.sum() > 0
    assert (detector.noise_mask_ != probable).any()
    doubtful = np.flatnonzero(detector.suggested_labels_ != y)
    order = doubtful[np.argsort(-detector.scores_[doubtful])]
    flagged = order[: probable.sum()]
    np.testing.assert_array_equal(np.flatnonzero(detector.noise_mask_), sorted(flagged))


def test_every_second_member_starts_from_the_trial(paired, detector):
    X, y, _ = paired
    assert detector.ensemble_.n_starts == 2
    frozen = split().set_params(net=FrozenEstimator(detector.net_)).fit(X, y)
    assert frozen.ensemble_.n_starts == 1
    own = [losses_under(frozen, m, X, y) for m in frozen.ensemble_.members]
    mixed = [losses_under(detector, m, X, y) for m in detector.ensemble_.members]
    for m in (0, 2):
        np.testing.assert_allclose(mixed[m], own[m], atol=1e-5)
        assert np.abs(mixed[m + 1] - own[m + 1]).max() > 0.01


def test_self_influence_is_that_around_the_trained_net(paired, detector):
    X, y, _ = paired
    frozen = split().set_params(net=FrozenEstimator(detector.net_)).fit(X, y)
    deviations = frozen.transform(X, y)[:, ::2]
    np.testing.assert_allclose(detector.transform(X, y), deviations, atol=1e-5)
    norms = (deviations.astype(float) ** 2).mean(axis=1)
    np.testing.assert_allclose(detector.self_influence_, norms, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(detector.self_influence(X, y), detector.self_influence_)
    assert len(detector.get_feature_names_out()) == 2
    assert detector.n_members_ == 4


@pytest.mark.filterwarnings("ignore::skgex.exceptions.MemorisationWarning")
@pytest.mark.parametrize(
    "params",
    [
        {"statistic": "self_influence", "early_stopping": True},
        {"early_stopping": False},
        {"chain": True},
    ],
)
def test_else_all_start_from_the_trained_net(paired, params):
    fitted = split(**params).fit(*paired[:2])
    assert fitted.ensemble_.n_starts == 1
    assert fitted.transform(paired[0]).shape == (240, 4)


def test_a_rate_that_is_chosen_makes_a_trial(paired):
    X, y, _ = paired
    fitted = split(early_stopping=False, lr="auto").fit(X, y)
    assert fitted.ensemble_.n_starts == 2
    made = []

    def start(self, m):
        made.append(self.start)
        return self.start if m % 2 else None

    with pytest.MonkeyPatch.context() as patch:
        from skgex._ensemble import growth

        patch.setattr(growth.Growth, "_start", start)
        again = clone(fitted).fit(X, y)
    np.testing.assert_array_equal(again.scores_, fitted.scores_)
    seed = again._fitted.seeds.trial
    trial = make_trial(net(), X.astype(np.float32), y, y, seed)
    for name, value in trial.trained.weights["module"].items():
        np.testing.assert_array_equal(made[-1]["module"][name], value)


def test_a_trial_that_has_much_to_learn_is_no_start(paired):
    """A net that hardly left its first weights, and that members are far ahead of."""
    X, y, _ = paired
    fitted = split(net=net(lr=0.001), lr="auto").fit(X, y)
    assert fitted.ensemble_.n_starts == 1
    assert len(fitted.get_feature_names_out()) == 4
    around = split(net=FrozenEstimator(fitted.net_), lr=fitted.lr_).fit(X, y)
    for a, b in zip(fitted.ensemble_.members, around.ensemble_.members, strict=True):
        losses = [losses_under(fitted, member, X, y) for member in (a, b)]
        np.testing.assert_allclose(*losses, atol=1e-5)
    # A rate that is given says nothing of the trial.
    assert split(net=net(lr=0.001)).fit(X, y).ensemble_.n_starts == 2


def test_targets_without_classes_have_none_of_it():
    X, _ = make_blobs()
    y = np.random.RandomState(0).standard_normal((60, 3))
    detector = GEXDetector(regressor(), **{**FAST, "lr": 0.01}).fit(X, y)
    assert detector.ensemble_.n_starts == 1
    means = detector._fitted.evaluation.losses.mean(axis=1)
    np.testing.assert_allclose(detector.scores_, means)


def test_other_statistics_are_not_lifted(paired):
    detector = split(statistic="mean_loss").fit(*paired[:2])
    means = detector._fitted.evaluation.losses.mean(axis=1)
    np.testing.assert_allclose(detector.scores_, means, rtol=1e-5)
    assert detector.ensemble_.n_starts == 2


# Queries


def test_fitted_rows_have_the_scores_of_the_fit(paired, detector):
    X, y, _ = paired
    order = np.random.RandomState(0).permutation(240)
    scores = detector.scores_[order]
    np.testing.assert_array_equal(detector.scores(X[order], y[order]), scores)
    mask = detector.noise_mask_[order]
    np.testing.assert_array_equal(detector.predict(X[order]), mask)


def test_new_rows_are_scored_as_fitted_ones(paired, detector):
    """The same members, the same structure, the same rows to be neighbours."""
    X, y, _ = paired
    moved = X + 1e-6  # new to the look-up, and alike to the net
    np.testing.assert_allclose(
        np.log(detector.scores(moved, y)), np.log(detector.scores_), atol=0.05
    )
    mixed = np.where(np.arange(240)[:, None] % 2, X, moved)
    scores = detector.scores(mixed, y)
    np.testing.assert_array_equal(scores[1::2], detector.scores_[1::2])
    np.testing.assert_array_equal(scores[::2], detector.scores(moved[::2], y[::2]))


@pytest.mark.filterwarnings("ignore::skgex.exceptions.UnknownLabelWarning")
def test_an_unknown_label_is_the_most_suspicious(paired, detector):
    X, y, _ = paired
    new = X[:6] + 0.01
    unknown = detector.scores(new, np.full(6, 77))
    assert (unknown > detector.scores(new, y[:6])).all()


@pytest.mark.parametrize("batch_norm", [False, True])
def test_a_dataset_is_scored_as_arrays_are(paired, batch_norm):
    X, y, _ = paired
    X = X.astype(np.float32)
    module = net(module__batch_norm=batch_norm)
    of_arrays = split().set_params(net=module).fit(X, y)
    of_dataset = split().set_params(net=module).fit(PairDataset(X, y))
    np.testing.assert_allclose(of_dataset.scores_, of_arrays.scores_, rtol=1e-4)
    again = of_dataset.scores(PairDataset(X, y))
    np.testing.assert_allclose(again, of_dataset.scores_, rtol=1e-4)


def test_sparse_rows_are_scored_as_dense_ones(paired):
    X, y, _ = paired
    X = np.where(np.abs(X) < 0.5, 0, X)
    dense = GEXDetector(random_state=0, n_members=2).fit(X, y)
    sparse = GEXDetector(random_state=0, n_members=2).fit(csr_array(X), y)
    np.testing.assert_allclose(sparse.scores_, dense.scores_, rtol=1e-3)
    new = X[:20] + 1
    np.testing.assert_allclose(
        sparse.scores(csr_array(new), y[:20]), dense.scores(new, y[:20]), rtol=1e-3
    )


def score_elsewhere(pickled, X, y):
    torch.set_num_threads(1)
    detector = pickle.loads(pickled)
    return detector.scores(X, y), detector.predict(X, y)


@pytest.mark.slow
def test_another_process_gives_the_same_scores(paired, detector):
    X, y, _ = paired
    new = X[:50] + 0.1, y[:50]
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        job = pool.submit(score_elsewhere, pickle.dumps(detector), *new)
        scores, mask = job.result()
    np.testing.assert_array_equal(scores, detector.scores(*new))
    np.testing.assert_array_equal(mask, detector.predict(*new))


def test_without_members_fitted_rows_are_scored(paired):
    X, y, _ = paired
    light, full = split(keep_members=False).fit(X, y), split().fit(X, y)
    np.testing.assert_array_equal(light.scores_, full.scores_)
    np.testing.assert_array_equal(light.scores(X, y), full.scores_)
    assert len(pickle.dumps(light)) < len(pickle.dumps(full))


# Fits that follow each other


@pytest.mark.parametrize("lr", [0.1, "auto"])
def test_a_fit_that_goes_on_equals_a_fresh_one(paired, lr):
    X, y, _ = paired
    warm = split(warm_start=True, lr=lr).fit(X, y)
    warm.set_params(n_members=6).fit(X, y)
    fresh = split(n_members=6, lr=lr).fit(X, y)
    np.testing.assert_allclose(warm.scores_, fresh.scores_, rtol=1e-4)
    warm.set_params(n_members=4).fit(X, y)
    fewer = split(lr=lr).fit(X, y)
    np.testing.assert_allclose(warm.scores_, fewer.scores_, rtol=1e-4)
    new = X[:9] + 1, y[:9]
    np.testing.assert_allclose(warm.scores(*new), fewer.scores(*new), rtol=1e-4)


@pytest.mark.filterwarnings("ignore::skgex.exceptions.MemorisationWarning")
def test_a_rate_that_is_given_later_leaves_no_trial(paired):
    X, y, _ = paired
    settings = {"early_stopping": False}
    warm = split(warm_start=True, lr="auto", **settings).fit(X, y)
    assert warm.ensemble_.n_starts == 2
    warm.set_params(lr=0.1).fit(X, y)
    fresh = split(lr=0.1, **settings).fit(X, y)
    assert warm.ensemble_.n_starts == fresh.ensemble_.n_starts == 1
    np.testing.assert_allclose(warm.scores_, fresh.scores_, rtol=1e-4)
    assert warm.noise_type_ == fresh.noise_type_ == "instance_dependent"


@pytest.mark.filterwarnings("ignore::skgex.exceptions.MemorisationWarning")
def test_memory_tells_members_apart(paired, tmp_path):
    X, y, _ = paired
    common = {"memory": str(tmp_path), "early_stopping": True}
    plain = split(**common, statistic="self_influence").fit(X, y)
    alone = clone(plain).set_params(memory=None).fit(X, y)
    mixed = split(**common).fit(X, y)
    np.testing.assert_array_equal(plain.scores_, alone.scores_)
    np.testing.assert_array_equal(mixed.scores_, split().fit(X, y).scores_)
    np.testing.assert_array_equal(split(**common).fit(X, y).scores_, mixed.scores_)


def test_the_feature_map_stays_as_it_was(paired):
    X, y, _ = paired
    gex = GEX(net(), **{**FAST, "n_members": 4}).fit(X, y)
    assert gex.ensemble_.n_starts == 1
    assert gex.transform(X).shape == (240, 4)


# Members that leave rows out, and names


@pytest.mark.parametrize("groups", [None, np.arange(240) // 4])
def test_members_may_leave_rows_out(paired, groups):
    X, y, noise_mask = paired
    detector = split(max_samples=0.5, n_members=8).fit(X, y, groups=groups)
    assert np.isfinite(detector.scores_).all()
    assert np.isfinite(detector.self_influence_).all()
    assert average_precision_score(noise_mask, detector.scores_) > 0.5
    evaluation = detector._fitted.evaluation
    means = [
        row[counted].mean(dtype=float)
        for row, counted in zip(evaluation.losses, evaluation.counted, strict=True)
    ]
    plain = np.array(relative(means, detector.predict_proba(X)))
    odds = detector.scores_ / plain
    errors = detector.scores_std_ / odds
    expected = [
        row[counted].std(ddof=1) / counted.sum() ** 0.5 / (mean / relation)
        for row, counted, mean, relation in zip(
            evaluation.losses.astype(float),
            evaluation.counted,
            means,
            plain,
            strict=True,
        )
        if counted.sum() > 1
    ]
    several = evaluation.counted.sum(axis=1) > 1
    np.testing.assert_allclose(errors[several], expected, rtol=1e-3)


def test_names_of_classes_do_not_matter(paired, detector):
    X, y, _ = paired
    names = np.array(["a", "b", "c", "d", "e", "f"])
    named = split().fit(X, names[y])
    np.testing.assert_array_equal(named.scores_, detector.scores_)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_two_classes_have_no_structure(n_classes):
    X, clean = make_blobs(90, n_classes)
    y, _ = flip_every(clean, 7, n_classes)
    detector = split().set_params(net=learner(module__n_outputs=n_classes)).fit(X, y)
    structure = detector._noise_model.ranking.structure
    assert (structure is None) == (n_classes == 2)
    assert detector._fitted.evaluation.disagreement is not None


def test_more_outputs_than_classes_are_no_obstacle():
    X, clean = make_blobs()
    y, _ = flip_every(clean, 10)
    wide = classifier(module__n_outputs=5, max_epochs=30)
    detector = GEXDetector(wide, **FAST).fit(X, y)
    assert np.isfinite(detector.scores_).all()
    assert np.isfinite(detector.scores(X + 1, y)).all()


def test_what_a_start_has_in_common_is_no_pull():
    rng = np.random.RandomState(0)
    log_odds = rng.normal(size=(30, 8))
    shifted = log_odds.copy()
    shifted[:, 1::2] += rng.normal(size=(30, 1))
    probabilities, codes = rng.dirichlet(np.ones(3), 30), rng.randint(3, size=30)
    plain, same, mixed = (
        hardest_pulls(
            np.log1p(np.exp(-values)), probabilities, codes, np.arange(5), 3, None, n
        )
        for values, n in ((log_odds, 2), (shifted, 2), (shifted, 1))
    )
    for side in (0, 1):
        np.testing.assert_array_equal(same[side].rows, plain[side].rows)
        np.testing.assert_allclose(same[side].pulls, plain[side].pulls)
    assert (mixed[0].rows != plain[0].rows).any()


def test_an_explanation_reads_pulls_within_each_start(paired, detector):
    X, y, _ = paired
    rows, losses = np.arange(9), detector._fitted.evaluation.losses
    expected, _ = hardest_pulls(
        losses, detector.predict_proba(X), y, rows, 3, None, n_starts=2
    )
    given = detector.explain(rows, n_neighbors=3)
    np.testing.assert_array_equal(given.rows_for, expected.rows)
    np.testing.assert_allclose(given.pulls_for, expected.pulls)


def test_two_members_are_compared_though_they_start_apart(paired):
    X, y, _ = paired
    assert (split(n_members=2).fit(X, y).explain([0, 1]).pulls_for > 0).any()

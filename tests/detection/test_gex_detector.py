import copy
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from reference import influence_by_loops
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression
from sklearn.metrics import average_precision_score
from sklearn.model_selection import KFold
from skorch import NeuralNet
from skorch.dataset import ValidSplit
from tiny import (
    MLP,
    BareCriterion,
    ConvNet,
    PairDataset,
    Tagger,
    binary_classifier,
    classifier,
    flip_every,
    learner,
    make_blobs,
    plain_net,
    regressor,
)
from torch import nn

from skgex import GEXDetector
from skgex._net import evaluate, revive
from skgex._threshold import otsu
from skgex.ensemble._statistics import MAX_LOSS
from skgex.exceptions import (
    DivergenceWarning,
    HeldOutRowsWarning,
    MemorisationWarning,
    RefitWarning,
    SlowCriterionWarning,
    UnknownLabelWarning,
    UnlabelledRowsWarning,
)

FAST = {"n_members": 3, "n_steps": 8, "lr": 0.1, "random_state": 0}


def fit(X, y=None, net=None, **params):
    return GEXDetector(learner() if net is None else net, **{**FAST, **params}).fit(
        X, y
    )


@pytest.fixture(scope="module")
def data():
    X, y = make_blobs()
    return X, *flip_every(y, 10)


@pytest.fixture(scope="module")
def detector(data):
    return fit(*data[:2])


@pytest.fixture
def unlabelled_rows_are_fine():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnlabelledRowsWarning)
        yield


def new_rows(data):
    X, y, _ = data
    return X[::4] + 0.25, y[::4]


# The mathematics


def losses_under(detector, weights, X, y):
    net = revive(detector.ensemble_.trained._replace(weights=weights))
    return evaluate(net, X.astype(np.float32), y).losses


@pytest.fixture(scope="module")
def losses(data, detector):
    """Losses of the fitted rows: under each member, and under the trained net."""
    X, y, _ = data
    members = [losses_under(detector, m, X, y) for m in detector.ensemble_.members]
    star = losses_under(detector, detector.ensemble_.trained.weights, X, y)
    return np.stack(members, axis=1), star


def test_influence_equals_the_double_sum(data, detector, losses):
    X, y, _ = data
    X_new, y_new = new_rows(data)
    new = (
        [losses_under(detector, m, X_new, y_new) for m in detector.ensemble_.members],
        losses_under(detector, detector.ensemble_.trained.weights, X_new, y_new),
    )
    expected = influence_by_loops(*losses, np.stack(new[0], axis=1), new[1])
    given = detector.influence(X, y, X_new, y_new)
    assert given.shape == (60, 15)
    assert given.dtype == np.float64
    np.testing.assert_allclose(given, expected, rtol=1e-4, atol=1e-6)


def test_the_map_its_norm_and_the_influence_agree(data, detector, losses):
    X, y, _ = data
    deviations = detector.transform(X, y)
    assert deviations.shape == (60, 3)
    assert deviations.dtype == np.float32
    np.testing.assert_allclose(deviations, losses[0] - losses[1][:, None], atol=1e-6)
    norms = (deviations.astype(float) ** 2).sum(axis=1) / 3
    np.testing.assert_allclose(detector.self_influence(X, y), norms)
    np.testing.assert_allclose(np.diag(detector.influence(X, y, X, y)), norms)
    np.testing.assert_array_equal(detector.self_influence_, detector.self_influence(X))


def test_mean_loss_is_what_is_ranked_by_default(data, detector, losses):
    X, y, _ = data
    np.testing.assert_allclose(detector.scores_, losses[0].mean(axis=1), atol=1e-6)
    np.testing.assert_array_equal(detector.scores_, detector.scores(X, y))
    assert detector.scores_.dtype == np.float64


def test_self_influence_can_be_what_is_ranked(data):
    X, y, _ = data
    memorised = learner(max_epochs=150, module__hidden=64)
    detector = fit(X, y, memorised, statistic="self_influence", n_steps=2)
    np.testing.assert_array_equal(detector.scores_, detector.self_influence_)
    np.testing.assert_array_equal(detector.scores(X), detector.self_influence(X))


def test_floor_under_the_loss_of_the_trained_net(data, losses):
    X, y, _ = data
    detector = fit(X, y, loss_floor=0.5)
    expected = losses[0] - np.maximum(losses[1], 0.5)[:, None]
    np.testing.assert_allclose(detector.transform(X, y), expected, atol=1e-6)


def test_score_is_the_mean_log_of_the_mean_probability(data, detector):
    X_new, y_new = new_rows(data)
    members = [
        revive(detector.ensemble_.trained._replace(weights=m))
        for m in detector.ensemble_.members
    ]
    mean = np.mean([net.predict_proba(X_new.astype("f")) for net in members], axis=0)
    np.testing.assert_allclose(detector.predict_proba(X_new), mean, atol=1e-6)
    each = np.log([row[label] for row, label in zip(mean, y_new, strict=True)])
    assert detector.score(X_new, y_new) == pytest.approx(each.mean(), abs=1e-6)
    assert type(detector.score(X_new, y_new)) is float
    weights = np.arange(15.0)
    assert detector.score(X_new, y_new, sample_weight=weights) == pytest.approx(
        (weights * each).sum() / weights.sum(), abs=1e-6
    )


def test_suggested_labels_are_what_the_ensemble_prefers(data, detector):
    X, _, noise_mask = data
    suggested = detector.suggested_labels_
    np.testing.assert_array_equal(suggested, detector.predict_proba(X).argmax(axis=1))
    clean = np.arange(60) % 3
    assert (suggested == clean)[noise_mask].mean() >= 0.8


def test_planted_flips_rank_high(data, detector):
    assert average_precision_score(data[2], detector.scores_) > 0.85


def test_a_member_left_out_counts(data):
    """Rows are judged by the members that did not train on them."""
    X, y, _ = data
    detector = fit(X, y, max_samples=0.5, n_members=6)
    counted = detector._answers.counted
    assert 0 < counted.mean() < 1
    under = np.stack(
        [losses_under(detector, m, X, y) for m in detector.ensemble_.members], axis=1
    )
    probabilities = [
        revive(detector.ensemble_.trained._replace(weights=m)).predict_proba(
            X.astype(np.float32)
        )
        for m in detector.ensemble_.members
    ]
    for i in range(60):
        chosen = np.flatnonzero(counted[i])
        assert detector.scores_[i] == pytest.approx(under[i, chosen].mean(), abs=1e-6)
        np.testing.assert_allclose(
            detector.predict_proba(X[i : i + 1])[0],
            np.mean([probabilities[m][i] for m in chosen], axis=0),
            atol=1e-6,
        )
    new = detector.scores(*new_rows(data))  # all members count for new rows
    X_new, y_new = new_rows(data)
    all_members = [
        losses_under(detector, m, X_new, y_new) for m in detector.ensemble_.members
    ]
    np.testing.assert_allclose(new, np.mean(all_members, axis=0), atol=1e-5)


# Thresholds


def test_otsu_on_the_root_spares_what_the_ensemble_prefers(data, detector):
    _, y, _ = data
    cut = otsu(np.sqrt(detector.scores_)) ** 2
    assert detector.threshold_ == pytest.approx(cut)
    expected = (detector.scores_ > cut) & (detector.suggested_labels_ != y)
    np.testing.assert_array_equal(detector.noise_mask_, expected)
    assert detector.noise_mask_.any()


def test_otsu_on_the_values(data):
    detector = fit(*data[:2], threshold="otsu_raw")
    assert detector.threshold_ == otsu(detector.scores_)
    np.testing.assert_array_equal(
        detector.noise_mask_, detector.scores_ > detector.threshold_
    )


@pytest.mark.parametrize(("text", "n_noisy"), [("10%", 6), ("25 %", 15), ("0%", 0)])
def test_an_expected_share(data, text, n_noisy):
    detector = fit(*data[:2], threshold=text)
    worst = np.argsort(-detector.scores_)[:n_noisy]
    np.testing.assert_array_equal(np.flatnonzero(detector.noise_mask_), np.sort(worst))


def test_a_number_is_the_cut(data):
    detector = fit(*data[:2], threshold=0.7)
    assert detector.threshold_ == 0.7
    np.testing.assert_array_equal(detector.noise_mask_, detector.scores_ > 0.7)


def test_support_is_what_to_keep(data, detector):
    np.testing.assert_array_equal(detector.get_support(), ~detector.noise_mask_)
    np.testing.assert_array_equal(
        detector.get_support(indices=True), np.flatnonzero(~detector.noise_mask_)
    )


# Rows that fit has seen, and others


@pytest.mark.parametrize("max_samples", [1.0, 0.5])
def test_fitted_rows_have_the_answers_of_the_fit(data, max_samples):
    X, y, _ = data
    detector = fit(X, y, max_samples=max_samples)
    assert detector.predict(X).dtype == bool
    for answer in (detector.predict(X), detector.predict(X, y)):
        np.testing.assert_array_equal(answer, detector.noise_mask_)
    np.testing.assert_array_equal(detector.transform(X), detector.transform(X, y))
    order = np.random.RandomState(0).permutation(60)
    np.testing.assert_array_equal(
        detector.scores(X[order], y[order]), detector.scores_[order]
    )
    np.testing.assert_array_equal(detector.scores(X[order]), detector.scores_[order])
    one_by_one = [detector.scores(X[i : i + 1])[0] for i in range(60)]
    np.testing.assert_array_equal(one_by_one, detector.scores_)


def test_fit_predict_is_fit_and_predict(data, detector):
    X, y, _ = data
    again = clone(detector)
    np.testing.assert_array_equal(again.fit_predict(X, y), detector.predict(X))


def test_copies_of_a_row_with_other_labels_each_have_their_own_answer(data):
    X, y, _ = data
    X, y = np.concatenate([X, X[:5]]), np.concatenate([y, (y[:5] + 1) % 3])
    detector = fit(X, y)
    np.testing.assert_array_equal(detector.predict(X), detector.noise_mask_)
    np.testing.assert_array_equal(detector.predict(X, y), detector.noise_mask_)
    np.testing.assert_array_equal(
        detector.scores(X[-5:], y[-5:]), detector.scores_[-5:]
    )
    assert (detector.scores_[:5] != detector.scores_[-5:]).all()


def test_a_fitted_row_with_another_label_is_judged_anew(data, detector):
    X, y, _ = data
    other = (y + 1) % 3
    given = detector.scores(X, other)
    expected = np.mean(
        [losses_under(detector, m, X, other) for m in detector.ensemble_.members],
        axis=0,
    )
    np.testing.assert_allclose(given, expected, atol=1e-5)


def test_fitted_answers_are_not_overwritten(data):
    X, y, _ = data
    detector = fit(X, y)
    before = detector.scores_.copy(), detector.transform(X)
    detector.transform(X, (y + 1) % 3)
    detector.transform(X)[:] = 7
    np.testing.assert_array_equal(detector.scores(X), before[0])
    np.testing.assert_array_equal(detector.transform(X), before[1])


@pytest.mark.parametrize("method", ["predict", "transform", "scores", "self_influence"])
def test_new_rows_without_labels_take_the_predicted_ones(data, detector, method):
    X_new, _ = new_rows(data)
    predicted = detector.net_.predict(X_new.astype(np.float32))
    with pytest.warns(UnlabelledRowsWarning, match="15 rows were not seen"):
        given = getattr(detector, method)(X_new)
    np.testing.assert_array_equal(given, getattr(detector, method)(X_new, predicted))


def test_only_new_rows_are_warned_of(data, detector):
    X, _, _ = data
    with pytest.warns(UnlabelledRowsWarning, match="2 rows were not seen") as caught:
        detector.predict(np.concatenate([X[:9], X[:2] + 1]))
    assert len(caught) == 1
    assert caught[0].filename == __file__


@pytest.mark.parametrize("method", ["predict", "transform"])
def test_warnings_point_to_the_caller(data, detector, method):
    with pytest.warns(UnlabelledRowsWarning) as caught:
        getattr(detector, method)(data[0] + 1)
    assert caught[0].filename == __file__


def test_predict_proba_and_score_need_no_warning(data, detector):
    X_new, y_new = new_rows(data)
    assert detector.predict_proba(X_new).shape == (15, 3)
    assert detector.score(X_new, y_new) < 0


def test_labels_never_seen_count_as_wrong(data, detector):
    X_new, y_new = new_rows(data)
    y_new = np.where(np.arange(15) < 3, 9, y_new)
    with pytest.warns(UnknownLabelWarning, match="3 labels were never seen"):
        mask = detector.predict(X_new, y_new)
    assert mask[:3].all()
    with pytest.warns(UnknownLabelWarning):
        scores = detector.scores(X_new, y_new)
    np.testing.assert_allclose(scores[:3], MAX_LOSS, rtol=1e-6)
    each = np.log(detector.predict_proba(X_new)[np.arange(3, 15), y_new[3:]])
    expected = (each.sum() - 3 * MAX_LOSS) / 15
    assert detector.score(X_new, y_new) == pytest.approx(expected, rel=1e-5)


@pytest.mark.usefixtures("unlabelled_rows_are_fine")
def test_folds_of_sorted_labels_do_not_crash(data):
    X, y, _ = data
    order = np.argsort(y, kind="stable")
    X, y = X[order], y[order]
    for net in (learner(), None):
        for rows, others in KFold(3).split(X):
            detector = GEXDetector(net, **FAST).fit(X[rows], y[rows])
            assert np.isfinite(detector.score(X[others], y[others]))
            assert detector.predict_proba(X[others]).shape[1] == len(detector.classes_)
            assert set(detector.suggested_labels_) <= set(y[rows])
            detector.predict(X[others])
            with pytest.warns(UnknownLabelWarning):
                detector.predict(X[others], y[others])


def test_unfitted_estimators_say_so(data):
    detector = GEXDetector(learner())
    for method in ("predict", "transform", "scores", "self_influence", "predict_proba"):
        with pytest.raises(NotFittedError):
            getattr(detector, method)(data[0])
    with pytest.raises(NotFittedError):
        detector.get_support()


# Warnings


def test_a_net_that_memorised_nothing_is_told_where_it_matters(data):
    X, y, _ = data
    lazy = learner(max_epochs=1)
    with pytest.warns(MemorisationWarning, match="statistic='mean_loss'") as caught:
        GEXDetector(lazy, statistic="self_influence", **FAST).fit(X, y)
    assert caught[0].filename == __file__
    fit(X, y, lazy)  # silent, for the mean loss does not need it


def test_divergence_is_told(data):
    X, y, _ = data
    with pytest.warns(DivergenceWarning, match="3 of 3 members diverged") as caught:
        detector = GEXDetector(learner(), **{**FAST, "lr": 1e4}).fit(X, y)
    assert caught[0].filename == __file__
    assert np.isfinite(detector.scores_).all()
    assert np.isfinite(detector.transform(X)).all()


def test_losses_that_are_not_finite_still_give_an_answer(data):
    X, y, _ = data
    with pytest.warns(DivergenceWarning, match="not finite"):
        detector = fit(X, y, lr=1e30)
    assert np.isfinite(detector.scores_).all()
    assert np.isfinite(detector.score(X, y))


def test_rows_held_out_of_the_training_are_told(data):
    with pytest.warns(HeldOutRowsWarning, match="train_split=None") as caught:
        GEXDetector(learner(train_split=ValidSplit(5)), **FAST).fit(*data[:2])
    assert caught[0].filename == __file__


def test_a_fitted_net_that_is_trained_anew_is_told(data):
    X, y, _ = data
    net = learner().fit(X.astype(np.float32), y)
    state = copy.deepcopy(net.module_.state_dict())
    with pytest.warns(RefitWarning, match="FrozenEstimator") as caught:
        refitted = GEXDetector(net, **FAST).fit(X, y)
    assert caught[0].filename == __file__
    for name, value in net.module_.state_dict().items():
        assert torch.equal(value, state[name])
    np.testing.assert_array_equal(refitted.scores_, fit(X, y).scores_)


def test_a_criterion_without_reduction_is_told_to_be_slow(data):
    with pytest.warns(SlowCriterionWarning, match="sample by sample") as caught:
        GEXDetector(learner(criterion=BareCriterion), **FAST).fit(*data[:2])
    assert caught[0].filename == __file__


# Frozen nets


def test_a_frozen_net_is_the_start_and_stays_as_it_was(data, frozen, trained_learner):
    X, y, _ = data
    state = copy.deepcopy(trained_learner.module_.state_dict())
    training = trained_learner.module_.training
    params = trained_learner.get_params(deep=False)
    detector = fit(X, y, frozen)
    detector.predict(X, y)
    for name, value in trained_learner.module_.state_dict().items():
        assert torch.equal(value, state[name])
        np.testing.assert_array_equal(
            detector.ensemble_.trained.weights["module"][name], value.numpy()
        )
    assert trained_learner.module_.training is training
    assert trained_learner.get_params(deep=False) == params
    assert trained_learner.criterion_.reduction == "mean"


def test_the_net_given_back_is_a_new_one(data, detector):
    net = detector.net_
    assert net is not detector.net_
    with torch.no_grad():
        net.module_.output.weight.zero_()
    assert detector.net_.module_.output.weight.abs().sum() > 0


def test_classes_of_a_frozen_net_are_its_outputs(data):
    X, y = make_blobs(n_classes=4)
    wide = learner(module__n_outputs=10)
    with torch.random.fork_rng():
        net = wide.fit(X.astype(np.float32), y + 6)
    subset = y > 0
    detector = fit(X[subset], y[subset] + 6, FrozenEstimator(net))
    np.testing.assert_array_equal(detector.classes_, np.arange(10))
    assert set(detector.suggested_labels_) <= set(range(10))
    assert detector.predict_proba(X).shape == (60, 10)
    assert (detector.suggested_labels_ == y[subset] + 6).mean() > 0.8


def test_another_coding_is_refused(data, frozen):
    X, y, _ = data
    with pytest.raises(ValueError, match="trained with other codes"):
        fit(X, y + 1, frozen)
    with pytest.raises(ValueError, match=r"give the net classes="):
        fit(X, np.array(["a", "b", "c"])[y], frozen)


def test_strings_go_with_the_classes_of_the_net(data):
    X, y, _ = data
    with torch.random.fork_rng():
        net = learner(classes=["c", "b", "a"]).fit(X.astype(np.float32), y)
    detector = fit(X, np.array(["c", "b", "a"])[y], FrozenEstimator(net))
    codes = fit(X, y, FrozenEstimator(net.set_params(classes=None)))
    np.testing.assert_array_equal(detector.classes_, ["c", "b", "a"])
    np.testing.assert_array_equal(detector.scores_, codes.scores_)


def test_a_rate_can_be_chosen_for_a_frozen_net(data, frozen):
    X, y, _ = data
    detector = fit(X, y, frozen, lr="auto")
    assert 0 < detector.lr_ < 5


# Kinds of data


@pytest.mark.parametrize(
    "convert",
    [
        lambda X: X.astype(np.float32),
        lambda X: X.astype(np.float32).tolist(),
        torch.as_tensor,
        lambda X: torch.as_tensor(X).float().requires_grad_(),
        lambda X: pd.DataFrame(X, columns=list("abcd")),
        np.asfortranarray,
    ],
)
def test_the_container_does_not_matter(data, detector, convert):
    X, y, _ = data
    given = fit(convert(X), y)
    np.testing.assert_array_equal(given.scores_, detector.scores_)
    np.testing.assert_array_equal(given.predict(convert(X)), detector.noise_mask_)


@pytest.mark.parametrize(
    "convert",
    [
        list,
        torch.as_tensor,
        pd.Series,
        lambda y: y.astype(np.int32),
        lambda y: y.astype(float),
        lambda y: y * 4 + 3,
        lambda y: np.array(["cat", "dog", "emu"])[y],
        lambda y: np.array(["cat", "dog", "emu"], dtype=object)[y],
        lambda y: pd.Categorical.from_codes(y, ["cat", "dog", "emu"]),
    ],
)
def test_the_kind_of_labels_does_not_matter(data, detector, convert):
    X, y, _ = data
    labels = convert(y)
    given = fit(X, labels)
    np.testing.assert_array_equal(given.scores_, detector.scores_)
    np.testing.assert_array_equal(given.predict(X, labels), detector.noise_mask_)
    np.testing.assert_array_equal(
        given.suggested_labels_, given.classes_[detector.suggested_labels_]
    )


@pytest.mark.usefixtures("unlabelled_rows_are_fine")
@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float64])
def test_images_of_any_dtype(data, dtype):
    images = np.random.RandomState(0).randint(256, size=(60, 1, 5, 6)).astype(dtype)
    detector = fit(images, data[1], classifier(ConvNet))
    assert detector.transform(images).shape == (60, 3)
    assert detector.predict(images[:7] // 2).shape == (7,)
    with pytest.raises(ValueError, match=r"rows of shape \(1, 5, 6\) were fitted"):
        detector.predict(images[..., :-1])


def test_images_for_the_default_net(data):
    images = np.random.RandomState(0).randint(256, size=(60, 4, 4)).astype(np.uint8)
    detector = GEXDetector(**FAST).fit(images, data[1])
    np.testing.assert_array_equal(detector.predict(images), detector.noise_mask_)


@pytest.mark.usefixtures("unlabelled_rows_are_fine")
def test_tokens_stay_integers(data):
    tokens = np.random.RandomState(0).randint(20, size=(60, 6))
    detector = fit(tokens, data[1], classifier(Tagger))
    np.testing.assert_array_equal(detector.predict(tokens), detector.noise_mask_)
    assert detector.predict(tokens[:, ::-1]).shape == (60,)


@pytest.mark.parametrize("labels", [np.array([0, 1]), np.array(["no", "yes"])])
def test_binary_nets(data, labels):
    X, y, _ = data
    y = labels[(y > 0).astype(int)]
    detector = fit(X, y, binary_classifier(max_epochs=15, lr=0.3))
    np.testing.assert_array_equal(detector.predict(X, y), detector.noise_mask_)
    np.testing.assert_array_equal(detector.classes_, labels)
    assert detector.predict_proba(X).shape == (60, 2)
    np.testing.assert_array_equal(
        detector.suggested_labels_, labels[detector.predict_proba(X).argmax(axis=1)]
    )


@pytest.mark.usefixtures("unlabelled_rows_are_fine")
@pytest.mark.parametrize("make", [plain_net, classifier])
def test_label_sets(data, make):
    X, y, _ = data
    sets = np.eye(3, dtype=int)[y] | np.eye(3, dtype=int)[(y + 1) % 3]
    net = make(criterion=nn.BCEWithLogitsLoss, lr=1.0, max_epochs=15)
    detector = fit(X, sets, net)
    np.testing.assert_array_equal(detector.predict(X, sets), detector.noise_mask_)
    assert set(np.unique(detector.suggested_labels_)) <= {0, 1}
    assert (detector.suggested_labels_ == sets).mean() > 0.8
    assert detector.predict(X + 1).shape == (60,)
    assert not hasattr(detector, "classes_")


@pytest.mark.usefixtures("unlabelled_rows_are_fine")
@pytest.mark.parametrize("n_outputs", [1, 3])
def test_noisy_values(n_outputs):
    X, _ = make_blobs()
    y = X[:, :n_outputs].copy()
    y[::10] += 3
    y = y[:, 0] if n_outputs == 1 else y
    net = regressor(module__n_outputs=n_outputs, lr=0.05, max_epochs=30)
    detector = fit(X, y, net, lr=0.01)
    worst = np.argsort(-detector.scores_)[:6]
    assert len(set(worst) & set(range(0, 60, 10))) >= 5
    assert detector.suggested_labels_.shape == y.shape
    np.testing.assert_array_equal(detector.predict(X, y), detector.noise_mask_)
    assert np.isfinite(detector.score(X + 1, y))
    assert detector.predict(X + 1).shape == (60,)
    assert not hasattr(detector, "predict_proba")


def test_score_of_values_is_the_log_of_the_mean_density(data):
    X, _, _ = data
    y = X[:, :3] ** 2
    detector = fit(X, y, regressor(), lr=0.01)
    X_new, y_new = X[:8] + 1, y[:8]
    each = np.stack(
        [
            (
                (
                    revive(detector.ensemble_.trained._replace(weights=m)).predict(
                        X_new
                    )
                    - y_new
                )
                ** 2
            ).mean(axis=1)
            for m in detector.ensemble_.members
        ],
        axis=1,
    )
    expected = np.log(np.exp(-each).mean(axis=1)).mean()
    assert detector.score(X_new, y_new) == pytest.approx(expected)


class Autoencoder(NeuralNet):
    """Its target is its input."""

    def get_loss(self, y_pred, y_true, X=None, *args, **kwargs):
        return super().get_loss(y_pred, X, *args, X=X, **kwargs)


def test_a_net_that_needs_no_labels(data):
    X, _, _ = data
    net = Autoencoder(
        MLP,
        module__n_outputs=4,
        criterion=nn.MSELoss,
        lr=0.1,
        max_epochs=20,
        train_split=None,
        verbose=0,
    )
    strange = X.copy()
    strange[7] = [9, -9, 9, -9]
    detector = fit(strange, None, net, lr=0.01)
    assert detector.scores_.argmax() == 7
    np.testing.assert_array_equal(detector.predict(strange), detector.noise_mask_)
    rebuilt = [
        revive(detector.ensemble_.trained._replace(weights=m)).predict(X[:5] + 1)
        for m in detector.ensemble_.members
    ]
    errors = np.mean([((r - X[:5] - 1) ** 2).mean(axis=1) for r in rebuilt], axis=0)
    np.testing.assert_allclose(detector.scores(X[:5] + 1), errors)


def test_a_dataset_is_judged_as_its_arrays(data):
    X, y, _ = data
    X = X.astype(np.float32)
    arrays = fit(X, y)
    dataset = PairDataset(X, y)
    detector = fit(dataset)
    np.testing.assert_allclose(detector.scores_, arrays.scores_, rtol=1e-6)
    np.testing.assert_array_equal(detector.noise_mask_, arrays.noise_mask_)
    np.testing.assert_array_equal(detector.predict(dataset), detector.noise_mask_)
    assert detector.score(dataset) == pytest.approx(arrays.score(X, y))
    assert detector.predict_proba(dataset).shape == (60, 3)
    assert not hasattr(detector, "n_features_in_")


# Refusals, before any training


class NeverTrained(MLP):
    """Tells when it is trained."""

    def forward(self, X):
        assert not self.training, "trained"
        return super().forward(X)


X_OK, Y_OK = make_blobs()


def with_value(values, value):
    values = np.array(values, dtype=float)
    values.flat[5] = value
    return values


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (with_value(X_OK, np.nan), Y_OK, "Input X contains NaN"),
        (with_value(X_OK, np.inf), Y_OK, "Input X contains infinity"),
        (X_OK, np.ones(60), "1 class: "),
        (X_OK, Y_OK[:-1], r"inconsistent numbers of samples: \[60, 59\]"),
        (X_OK, None, "requires y to be passed, but the target y is None"),
        (X_OK, with_value(Y_OK, np.nan), "Input y contains NaN"),
        (X_OK, X_OK[:, 0], "Unknown label type: continuous"),
        (X_OK, np.arange(60) % 5, "outputs"),
        (X_OK[:, :3], Y_OK, r"X: the net cannot take it \(batch of shape \(2, 3\)\)"),
        (X_OK[:, 0], Y_OK, "Expected 2D array, got 1D array"),
        (X_OK[:1], Y_OK[:1], "minimum of 2 is required by GEXDetector"),
        (X_OK[:0], Y_OK[:0], "0 sample"),
        (np.full((60, 4), "a"), Y_OK, "could not convert string to float"),
        (PairDataset(X_OK, Y_OK), Y_OK, "y: must be None where X is a Dataset"),
        (PairDataset(X_OK[:1], Y_OK), None, "X: at least 2 samples are needed, got 1"),
        (PairDataset(X_OK[:, :3], Y_OK), None, "X: the net cannot take it"),
        (PairDataset(X_OK, Y_OK * 0), None, "1 class: "),
    ],
)
def test_unfit_data_is_refused_before_training(X, y, message):
    for net in (
        classifier(NeverTrained),
        FrozenEstimator(classifier().fit(X_OK, Y_OK)),
    ):
        with pytest.raises(ValueError, match=message):
            fit(X, y, net)


@pytest.mark.filterwarnings("ignore:Using a target size")  # torch's, of the same
@pytest.mark.parametrize("make", [regressor, plain_net])
@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.array(["a", "b"] * 30), "takes numbers as targets, got <U1"),
        (X_OK[:, :2], "y: the net's criterion cannot take it"),
        (with_value(X_OK[:, :3], np.nan), "Input y contains NaN"),
    ],
)
def test_unfit_values_are_refused_before_training(make, y, message):
    with pytest.raises(ValueError, match=message):
        fit(X_OK, y, make(module=NeverTrained) if make is plain_net else make())


def test_more_classes_than_outputs_are_refused():
    with pytest.raises(ValueError, match="it has 3 outputs, but y holds 5 classes"):
        fit(X_OK, np.arange(60) % 5, classifier(NeverTrained))


def test_sparse_data_is_refused():
    with pytest.raises(TypeError, match="Sparse data was passed for X"):
        fit(csr_matrix(X_OK), Y_OK, classifier(NeverTrained))


@pytest.mark.filterwarnings("ignore::RuntimeWarning:numpy", "ignore:overflow")
def test_what_overflows_in_the_nets_dtype_is_refused():
    with pytest.raises(ValueError, match="too large for dtype"):
        fit(X_OK * 1e300, Y_OK, learner())


def test_a_binary_net_takes_two_classes():
    with pytest.raises(ValueError, match="takes 2 classes, the data holds 3"):
        fit(X_OK, Y_OK, binary_classifier())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n_members", 0),
        ("n_members", 2.5),
        ("n_steps", 0),
        ("n_steps", "many"),
        ("lr", 0),
        ("lr", -0.1),
        ("lr", np.nan),
        ("lr", np.inf),
        ("lr", "best"),
        ("momentum", 1.0),
        ("momentum", -0.1),
        ("schedule", "step"),
        ("chain", "yes"),
        ("max_samples", 0.0),
        ("max_samples", 1.5),
        ("loss_floor", -1.0),
        ("statistic", "median"),
        ("threshold", "high"),
        ("threshold", "120%"),
        ("threshold", np.nan),
        ("threshold", None),
        ("memory", 3),
        ("n_jobs", 0.5),
        ("verbose", -1),
        ("random_state", "x"),
        ("net", "mlp"),
        ("net", MLP),
    ],
)
def test_impossible_parameters_are_refused_by_name(name, value):
    detector = GEXDetector(classifier(NeverTrained)).set_params(**{name: value})
    with pytest.raises(ValueError, match=name):
        detector.fit(X_OK, Y_OK)


@pytest.mark.parametrize(
    ("net", "kind", "message"),
    [
        (FrozenEstimator(LinearRegression()), TypeError, "must hold a skorch net"),
        (FrozenEstimator(learner()), NotFittedError, "net that is not fitted"),
    ],
)
def test_impossible_frozen_nets_are_refused(net, kind, message):
    with pytest.raises(kind, match=message):
        fit(X_OK, Y_OK, net)


def test_a_dataset_needs_a_net():
    with pytest.raises(ValueError, match="a Dataset needs one"):
        GEXDetector().fit(PairDataset(X_OK, Y_OK))


def test_another_width_is_refused_after_the_fit(detector):
    with pytest.raises(ValueError, match="expecting 4 features"):
        detector.predict(X_OK[:, :3])


# Members as asked for


def test_automatic_steps_are_two_passes_and_no_fewer_than_64(data):
    X, y, _ = data
    assert fit(X, y, n_steps="auto").n_steps_ == 64
    net = learner(batch_size=1, max_epochs=2)
    assert fit(X, y, net, n_steps="auto", n_members=1).n_steps_ == 120


def test_parameters_reach_the_members(data, detector):
    X, y, _ = data
    assert detector.lr_ == 0.1
    assert detector.n_steps_ == 8
    assert len(detector.ensemble_.members) == 3
    for change in (
        {"lr": 0.05},
        {"n_steps": 9},
        {"momentum": 0.5},
        {"schedule": "constant"},
        {"chain": True},
        {"max_samples": 0.9},
        {"random_state": 1},
    ):
        other = fit(X, y, **change)
        assert not np.allclose(other.scores_, detector.scores_), change


def test_more_members_extend_fewer(data, detector):
    X, y, _ = data
    more = fit(X, y, n_members=5)
    np.testing.assert_array_equal(more.transform(X)[:, :3], detector.transform(X))


def test_progress_is_shown_when_asked_for(data, capsys):
    X, y, _ = data
    fit(X, y)
    assert capsys.readouterr() == ("", "")
    fit(X, y, verbose=1)
    assert "members: 100%" in capsys.readouterr().err


def test_memory_trains_one_net_over_a_grid(data, tmp_path, monkeypatch):
    X, y, _ = data
    trained = []
    original = learner().fit.__func__

    def counted(self, *args, **kwargs):
        trained.append(1)
        return original(self, *args, **kwargs)

    net = learner()
    monkeypatch.setattr(type(net), "fit", counted)
    for n_members in (1, 2):
        for n_steps in (3, 4):
            fit(X, y, net, n_members=n_members, n_steps=n_steps, memory=str(tmp_path))
    assert len(trained) == 1
    cached = fit(X, y, net, memory=str(tmp_path))
    assert len(trained) == 1
    np.testing.assert_array_equal(cached.scores_, fit(X, y, net).scores_)
    assert len(trained) == 2
    fit(X, y, net, memory=str(tmp_path), random_state=1)
    assert len(trained) == 3
    fit(X, (y + 1) % 3, net, memory=str(tmp_path))
    assert len(trained) == 4


def test_memory_keeps_the_rate_of_equal_ensembles(data, tmp_path, monkeypatch):
    from skgex.ensemble import _rate

    X, y, _ = data
    grown = []
    original = _rate.grow_member

    def counted(*args):
        grown.append(1)
        return original(*args)

    monkeypatch.setattr(_rate, "grow_member", counted)
    for n_members in (1, 2):
        fit(X, y, lr="auto", n_members=n_members, memory=str(tmp_path))
    looked = len(grown)
    fit(X, y, lr="auto", n_members=3, memory=str(tmp_path))
    assert looked > 0
    assert len(grown) == looked

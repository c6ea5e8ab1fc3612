"""What holds of every hardness estimator."""

import random

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import roc_auc_score
from sklearn.utils.estimator_checks import check_estimator
from skorch.dataset import ValidSplit
from tiny import AnyWidth, PairDataset, classifier, plain_net, regressor
from watched import X, easy, net, y

from skgex import hardness
from skgex._base.parameters import NetNeed
from skgex._nets import early_stopping, trajectory
from skgex.exceptions import HeldOutRowsWarning, RefitWarning

ALL = [getattr(hardness, name) for name in hardness.__all__]
WATCHING = [kind for kind in ALL if kind._needs is NetNeed.TRAJECTORY]
FROZEN = [kind for kind in ALL if kind._needs is NetNeed.TRAINED]
OF_CLASSES = [kind for kind in ALL if kind._needs_classes]
# Those whose check by scikit-learn is fast: one that watches, one that folds.
CHECKED = [hardness.AUM, hardness.OutOfFold]
every_kind = pytest.mark.parametrize("kind", ALL)


def quick(kind, net, **kwargs):
    """An estimator of few nets."""
    few = {"n_nets": 2, "n_epochs": 2, "n_folds": 2}
    names = few.keys() & kind(net).get_params(deep=False).keys()
    return kind(net, **{name: few[name] for name in names}, **kwargs)


def scores(kind, net, X=X, y=y, **kwargs):
    return quick(kind, net, random_state=0, **kwargs).fit(X, y).scores_


@every_kind
def test_planted_flips_rank_high(kind):
    X, noisy, noise_mask, net = easy()
    scorer = kind(net, random_state=0).fit(X, noisy)
    assert roc_auc_score(noise_mask, scorer.scores_) > 0.8


@every_kind
def test_the_default_net_finds_planted_flips(kind, monkeypatch):
    monkeypatch.setattr(early_stopping, "MAX_EPOCHS", 30)
    X, noisy, noise_mask, _ = easy()
    assert roc_auc_score(noise_mask, scores(kind, None, X, noisy)) > 0.8


@every_kind
def test_scores_are_float64_and_one_a_row(kind):
    found = scores(kind, net())
    assert found.dtype == np.float64
    assert found.shape == (len(X),)
    assert len(np.unique(found)) > 1


@every_kind
def test_the_same_state_gives_the_same_scores(kind):
    scorer = quick(kind, net(), random_state=3)
    np.testing.assert_array_equal(
        scorer.fit(X, y).scores_, clone(scorer).fit(X, y).scores_
    )


@pytest.mark.slow
@pytest.mark.parametrize("kind", [hardness.EL2N, hardness.OutOfFold])
def test_jobs_do_not_change_the_scores(kind):
    np.testing.assert_array_equal(
        scores(kind, net(), n_jobs=1), scores(kind, net(), n_jobs=2)
    )


@every_kind
def test_names_of_classes_do_not_matter(kind):
    names = np.array(["ant", "bee", "cat"])
    np.testing.assert_array_equal(scores(kind, net()), scores(kind, net(), y=names[y]))
    np.testing.assert_array_equal(scores(kind, net()), scores(kind, net(), y=3 * y + 7))


@every_kind
def test_a_dataset_scores_as_its_arrays(kind):
    dataset = PairDataset(X, y)
    np.testing.assert_allclose(
        scores(kind, net(), dataset, None), scores(kind, net()), rtol=1e-9
    )


@pytest.mark.parametrize("kind", FROZEN)
def test_permuted_rows_have_permuted_scores(kind):
    frozen = FrozenEstimator(net().fit(X, y))
    order = np.random.RandomState(0).permutation(len(X))
    np.testing.assert_allclose(
        scores(kind, frozen, X[order], y[order]), scores(kind, frozen)[order]
    )


@every_kind
def test_global_generators_are_left_alone(kind):
    def draws():
        return random.random(), np.random.rand(), torch.rand(1).item()

    def seed():
        random.seed(1)
        np.random.seed(1)
        torch.manual_seed(1)

    seed()
    expected = draws()
    seed()
    scores(kind, net())
    assert draws() == expected


@every_kind
@pytest.mark.filterwarnings("ignore::skgex.exceptions.RefitWarning")
def test_the_given_net_is_left_alone(kind):
    fitted = net().fit(X, y)
    given = FrozenEstimator(fitted) if kind in FROZEN else fitted
    before = {k: v.clone() for k, v in fitted.module_.state_dict().items()}
    epochs, mode = len(fitted.history), fitted.module_.training
    scores(kind, given)
    for name, value in fitted.module_.state_dict().items():
        torch.testing.assert_close(value, before[name], rtol=0, atol=0)
    assert (len(fitted.history), fitted.module_.training) == (epochs, mode)
    assert fitted.criterion_.reduction == "mean"


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(kind, marks=() if kind in CHECKED else pytest.mark.slow)
        for kind in ALL
    ],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
def test_scikit_learn_is_content(kind):
    small = classifier(AnyWidth, module__n_outputs=4, max_epochs=1, batch_size=64)
    check_estimator(quick(kind, small))


@every_kind
def test_a_fitted_net_is_trained_anew_with_a_warning(kind):
    fitted = net().fit(X, y)
    with pytest.warns(RefitWarning, match="a clone of it is trained from") as caught:
        again = scores(kind, fitted)
    np.testing.assert_array_equal(again, scores(kind, net()))
    assert ("FrozenEstimator" in str(caught[0].message)) == (kind in FROZEN)


@every_kind
def test_rows_held_out_are_told_of(kind):
    with pytest.warns(HeldOutRowsWarning, match="train_split"):
        scores(kind, classifier(train_split=ValidSplit(2)))


@pytest.mark.parametrize("kind", [k for k in ALL if k not in FROZEN])
def test_what_needs_training_refuses_a_frozen_net(kind, frozen):
    with pytest.raises(ValueError, match=f"net: {kind.__name__} needs to"):
        kind(frozen).fit(X, y)


@pytest.mark.parametrize("kind", OF_CLASSES)
@pytest.mark.parametrize("make", [regressor, plain_net])
def test_regression_targets_are_refused(kind, make):
    with pytest.raises(ValueError, match=f"y: {kind.__name__} scores class labels"):
        kind(make()).fit(X, X[:, :3])


@every_kind
def test_a_diverged_training_is_told(kind):
    diverging = net(optimizer__momentum=0.9, lr=1e308)
    with pytest.raises(ValueError, match="net: its training diverged"):
        scores(kind, diverging)


def test_a_loss_that_is_not_finite_is_told():
    """Its square overflows, though no weight does."""
    with pytest.raises(ValueError, match="diverged; the scores are not finite"):
        hardness.TrainingLoss(regressor(module__n_outputs=1, lr=0.0)).fit(
            X, 1e200 * X[:, :1]
        )


@pytest.mark.parametrize("given", [net, lambda **kwargs: None], ids=["net", "default"])
def test_one_training_serves_all_that_watch_it(given, tmp_path, monkeypatch):
    """In any order; the trial of the default net's epochs is shared as well."""
    fits = []
    watch = trajectory._Recorder.__init__
    monkeypatch.setattr(
        trajectory._Recorder,
        "__init__",
        lambda self, *args: (fits.append(1), watch(self, *args))[1],
    )
    monkeypatch.setattr(
        "skgex._base.net_training.train", None
    )  # no other training is allowed
    kinds = [hardness.TrainingLoss, hardness.DeepKNN, *WATCHING]
    for order in (kinds, kinds[::-1]):
        memory = str(tmp_path / order[0].__name__)
        shared = [scores(kind, given(), memory=memory) for kind in order]
        assert sum(fits) == 1
        fits.clear()
    monkeypatch.undo()
    for kind, found in zip(order, shared, strict=True):
        np.testing.assert_array_equal(found, scores(kind, given()))


def test_a_training_that_was_watched_is_not_repeated_unwatched(tmp_path, monkeypatch):
    """Which is what GEX and its detector would do."""
    from skgex.influence import GEX

    memory = str(tmp_path)
    scores(hardness.AUM, net(), memory=memory)
    monkeypatch.setattr("skgex._base.net_training.train", None)
    gex = GEX(net(), n_members=1, n_steps=1, lr=0.1, memory=memory, random_state=0)
    found = gex.fit(X, y).net_.module_.state_dict()
    monkeypatch.undo()
    alone = gex.set_params(memory=None).fit(X, y).net_.module_.state_dict()
    for name, value in alone.items():
        torch.testing.assert_close(found[name], value, rtol=0, atol=0)

import numpy as np
import pytest
import torch
from growing import grow
from skorch import NeuralNetClassifier
from tiny import (
    MLP,
    BareCriterion,
    ConvNet,
    Flat,
    OwnCriterion,
    PairDataset,
    Probabilities,
    Tagger,
    binary_classifier,
    classifier,
    make_blobs,
    regressor,
)
from torch import nn
from torch.utils.data import DataLoader, WeightedRandomSampler
from watching import heard_in, whole

from skgex._ensemble import ensemble as _ensemble
from skgex._ensemble import growth as _growth
from skgex._ensemble.fine_tuning import FineTuning
from skgex._ensemble.member import Plan, grow_member
from skgex._ensemble.stackable import can_batch
from skgex._ensemble.stacked import grow_group
from skgex._nets.training import train

SEEDS = list(range(18))  # one whole group and a part of one
BLOBS = make_blobs()
TOKENS = np.random.RandomState(0).randint(20, size=(60, 5))


class Penalised(NeuralNetClassifier):
    """Adds the norm of the weights to its loss."""

    def get_loss(self, y_pred, y_true, *args, **kwargs):
        penalty = sum(p.square().sum() for p in self.module_.parameters())
        return super().get_loss(y_pred, y_true, *args, **kwargs) + 0.1 * penalty


class OwnStep(NeuralNetClassifier):
    """Trains in its own way: not at all."""

    def train_step(self, batch, **fit_params):
        return {"loss": torch.zeros(()), "y_pred": torch.zeros(len(batch[0]))}


class OwnAnswers(NeuralNetClassifier):
    """Evaluates in its own way."""

    def evaluation_step(self, batch, training=False):
        return 2 * super().evaluation_step(batch, training=training)


class OwnOrder(NeuralNetClassifier):
    """Draws the rows of some classes more often, by what the dataset holds."""

    def get_iterator(self, dataset, training=False):
        if not training:
            return super().get_iterator(dataset, training=training)
        sampler = WeightedRandomSampler(dataset.y + 1.0, len(dataset))
        return DataLoader(dataset, batch_size=16, sampler=sampler)


class Gated(MLP):
    """Decides by the numbers in the batch."""

    def forward(self, X):
        if X.mean() > 0:
            return super().forward(X)
        return super().forward(-X)


class Aliased(MLP):
    """Reads a parameter past its name, where other values cannot be put."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.aliases = [self.hidden.weight]

    def forward(self, X):
        return super().forward(X) * self.aliases[0].exp().sum()


class Hidden(MLP):
    """Has a parameter that it reads past its name only."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.scale = nn.Parameter(torch.ones(3, dtype=torch.float64))
        self.aliases = [self.scale]

    def forward(self, X):
        return super().forward(X) * self.aliases[0]


class Spare(MLP):
    """Has a parameter that it does not read."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.spare = nn.Parameter(torch.ones(3, dtype=torch.float64))


class Averaging(MLP):
    """Predicts the same for all rows of a batch, once."""

    def forward(self, X):
        return super().forward(X).mean(dim=0, keepdim=True)


class Reducing(OwnCriterion):
    """Returns a mean whatever its reduction is."""

    def forward(self, logits, y):
        return super().forward(logits, y).mean()


class Counting(MLP):
    """Counts its calls."""

    calls = 0

    def forward(self, X):
        self.calls += 1
        return super().forward(X) / self.calls


class Frozen(MLP):
    """Its first layer is not trained."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.hidden.requires_grad_(False)


class Loud(MLP):
    """Drops out through the function, not a module."""

    def forward(self, X):
        return nn.functional.dropout(super().forward(X), 0.5, self.training)


class Louder(MLP):
    """Is surer in training than after it."""

    def forward(self, X):
        return super().forward(X) * (2 if self.training else 1)


class Lowered(MLP):
    """Multiplies matrices in bfloat16, which vmap would do for some of them only."""

    def forward(self, X):
        with torch.autocast(X.device.type, torch.bfloat16):
            return super().forward(X.float()).float()


def plain(kind=MLP, **kwargs):
    return classifier(kind, **kwargs)


def own(kind, **kwargs):
    """A net of a class of the user's own."""
    settings = {"train_split": None, "verbose": 0, "batch_size": 16, "max_epochs": 1}
    return kind(MLP, criterion=nn.CrossEntropyLoss, **settings, **kwargs)


CASES = {
    "cross_entropy": (plain(), *BLOBS),
    "nll": (plain(Probabilities, criterion=nn.NLLLoss), *BLOBS),
    "smoothed": (plain(criterion__label_smoothing=0.1), *BLOBS),
    "weighted": (plain(criterion__weight=torch.arange(1, 4).double()), *BLOBS),
    "decayed": (plain(Louder, optimizer__weight_decay=0.1), *BLOBS),
    "by_group": (
        plain(optimizer__param_groups=[("hidden.*", {"weight_decay": 0.2})]),
        *BLOBS,
    ),
    "frozen": (plain(Frozen), *BLOBS),
    "spare": (plain(Spare), *BLOBS),
    "reducing": (plain(criterion=Reducing), *BLOBS),
    "penalised": (own(Penalised), *BLOBS),
    "binary": (binary_classifier(), BLOBS[0], (BLOBS[1] > 0).astype(float)),
    "mse": (regressor(), BLOBS[0], BLOBS[0][:, :3]),
    "tokens": (plain(Tagger), TOKENS, BLOBS[1]),
    "unshuffled": (plain(iterator_train__shuffle=False), *BLOBS),
    "dropping": (plain(iterator_train__drop_last=True), *BLOBS),
}


def both(monkeypatch, net, X, y, tuning, **kwargs):
    """Grow by the batched program, then by the loop."""
    trained = train(net, X, y, 0)
    assert can_batch(trained, X, y)
    batched = grow(trained, X, y, tuning, SEEDS, **kwargs)
    with monkeypatch.context() as patch:
        for module in (_ensemble, _growth):
            patch.setattr(module, "can_batch", lambda *args: False)
        return batched, grow(trained, X, y, tuning, SEEDS, **kwargs)


def assert_same(batched, loop):
    for one, other in zip(batched[0].members, loop[0].members, strict=True):
        for root, values in other.items():
            assert one[root].keys() == values.keys()
            for name, value in values.items():
                assert one[root][name].dtype == value.dtype
                np.testing.assert_allclose(
                    one[root][name], value, rtol=0, atol=1e-6 * _scale(value)
                )
    for name in ("losses", "outputs", "targets"):
        one, other = getattr(batched[1], name), getattr(loop[1], name)
        assert one.dtype == other.dtype
        assert one.shape == other.shape
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-6)


def _scale(value):
    return 1.0 if value.dtype == np.float64 else 100.0


@pytest.mark.parametrize("schedule", ["cosine", "constant"])
@pytest.mark.parametrize("case", CASES)
def test_batched_members_equal_the_loop(monkeypatch, case, schedule):
    net, X, y = CASES[case]
    if case == "tokens":
        torch.set_default_dtype(torch.float64)
    try:
        # A rate at which the norm of the gradient is clipped at some steps.
        pair = both(monkeypatch, net, X, y, FineTuning(7, 0.5, 0.9, schedule))
    finally:
        torch.set_default_dtype(torch.float32)
    assert_same(*pair)
    start = pair[0][0].trained.weights["module"]["output.weight"]
    assert not np.allclose(pair[0][0].members[0]["module"]["output.weight"], start)


def test_members_train_on_their_own_part(monkeypatch):
    tuning = FineTuning(9, 0.1, 0.9, "cosine")
    batched, loop = both(monkeypatch, plain(), *BLOBS, tuning, max_samples=0.5)
    assert_same(batched, loop)
    np.testing.assert_array_equal(batched[1].counted, loop[1].counted)


def test_clipping_is_by_member(monkeypatch):
    """One member that diverges leaves the others as they are."""
    X, y = BLOBS
    X = np.concatenate([X, 1e200 * np.ones((1, X.shape[1]))])
    y = np.append(y, 0)
    trained = train(plain(), *BLOBS, 0)
    tuning = FineTuning(1, 0.1, 0.9, "constant")
    both_ways = []
    for batched in (True, False):
        monkeypatch.setattr(_growth, "can_batch", lambda *args, b=batched: b)
        both_ways.append(grow(trained, X, y, tuning, SEEDS)[0].members)
    for one, other in zip(*both_ways, strict=True):
        np.testing.assert_allclose(
            one["module"]["hidden.weight"], other["module"]["hidden.weight"], atol=1e-6
        )


def test_a_group_says_its_steps_as_a_member_does():
    trained, tuning = train(plain(), *BLOBS, 0), FineTuning(3, 0.1, 0.9, "cosine")
    plans = [Plan(None, seed) for seed in SEEDS[:2]]
    alone = heard_in(grow_member, trained, *BLOBS, tuning, plans[0])
    assert alone[0][0] == "expect"
    assert alone[1:6] == whole("fine-tuning", 3)
    for some in (plans, plans[:1]):
        assert heard_in(grow_group, trained, *BLOBS, tuning, some) == alone


@pytest.mark.parametrize("n_jobs", [2, 3])
def test_jobs_change_no_bit(n_jobs):
    trained = train(plain(), *BLOBS, 0)
    tuning = FineTuning(5, 0.1, 0.9, "cosine")
    one = grow(trained, *BLOBS, tuning, SEEDS)[1]
    more = grow(trained, *BLOBS, tuning, SEEDS, n_jobs=n_jobs)[1]
    np.testing.assert_array_equal(one.losses, more.losses)
    np.testing.assert_array_equal(one.outputs, more.outputs)


@pytest.mark.parametrize(
    "net",
    [
        plain(module__dropout=0.5),
        plain(module__batch_norm=True),
        plain(Gated),
        plain(Loud),
        plain(Lowered, module__dtype=torch.float32),
        plain(Aliased),
        plain(Hidden),
        plain(Counting),
        plain(criterion=BareCriterion),
        plain(module__hidden=10_000),
        own(OwnStep),
        own(OwnAnswers),
        own(OwnOrder),
    ],
)
def test_falls_back_to_the_loop(net):
    X, y = BLOBS
    trained = train(net, X, y, 0)
    assert not can_batch(trained, X, y)
    ensemble, answers = grow(trained, X, y, FineTuning(2, 0.1, 0.9, "cosine"), [0, 1])
    assert len(ensemble.members) == 2
    assert answers.losses.shape == (60, 2)


def test_one_prediction_of_the_whole_batch_is_not_stacked():
    trained = train(plain(Averaging, criterion=OwnCriterion), *BLOBS, 0)
    assert not can_batch(trained, *BLOBS)
    assert can_batch(train(plain(criterion=OwnCriterion), *BLOBS, 0), *BLOBS)


def test_falls_back_for_a_dataset_and_for_convolutions():
    X, y = BLOBS
    assert not can_batch(train(plain(), X, y, 0), PairDataset(X, y), None)
    images = X.reshape(-1, 1, 2, 2).astype(np.float32)
    assert not can_batch(train(plain(ConvNet), images, y, 0), images, y)


@pytest.mark.parametrize(("seeds", "chain"), [([0], False), ([0, 1], True)])
def test_a_lone_member_and_a_chain_go_by_the_loop(monkeypatch, seeds, chain):
    def refuse(trained, X, y):
        pytest.fail("members were to be stacked")

    for module in (_ensemble, _growth):
        monkeypatch.setattr(module, "can_batch", refuse)
    trained = train(plain(), *BLOBS, 0)
    tuning = FineTuning(2, 0.1, 0.9, "cosine")
    ensemble, _ = grow(trained, *BLOBS, tuning, seeds, chain=chain)
    assert len(ensemble.members) == len(seeds)


def test_an_own_train_step_is_called():
    X, y = BLOBS
    net = own(OwnStep)
    trained = train(net, X, y, 0)
    ensemble, _ = grow(trained, X, y, FineTuning(3, 0.5, 0.9, "cosine"), [0])
    before = trained.weights["module"]["output.weight"]
    np.testing.assert_array_equal(
        ensemble.members[0]["module"]["output.weight"], before
    )


def test_one_output_of_shape_n_samples():
    X, y = BLOBS
    net = classifier(Flat, criterion=nn.BCEWithLogitsLoss)
    trained = train(net, X, (y > 0).astype(float), 0)
    assert can_batch(trained, X, (y > 0).astype(float))

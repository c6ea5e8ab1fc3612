"""What skorch promises to nets and callbacks holds in trainings and members of ours."""

import numpy as np
import pytest
import torch
from all_estimators import all_estimators, cheap, every
from answering import answers
from joblib import Memory
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import average_precision_score
from skorch import NeuralNetClassifier
from skorch.callbacks import Callback, InputShapeSetter
from tiny import MLP, classifier, flip_every, learner, make_blobs
from torch import nn

from skgex import GEXDetector
from skgex.hardness import AUM, OutOfFold
from skgex.influence import GEX, LeaveOneOut

X, clean = make_blobs(150)
X = X.astype(np.float32)
y, noise = flip_every(clean, 10)

pytestmark = pytest.mark.filterwarnings("ignore::skgex.exceptions.SkgexWarning")


def finds_noise(detector):
    return average_precision_score(noise, detector.scores_) > 0.9


# Callbacks that shape the module when a training begins


class Shape(Callback):
    """Counts columns and classes."""

    def on_train_begin(self, net, X, y, **kwargs):
        """Set both."""
        net.set_params(
            module__n_features=X.shape[1], module__n_outputs=len(np.unique(y))
        )


class Shaping(NeuralNetClassifier):
    """A net that counts its columns itself."""

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        """Set them."""
        super().on_train_begin(net, X, y, **kwargs)
        if self.module__n_features != X.shape[1]:
            self.set_params(module__n_features=X.shape[1])


def shaped_by(callback, **kwargs):
    return learner(callbacks=[callback], module__n_features=1, **kwargs)


SHAPED = {
    "InputShapeSetter": shaped_by(InputShapeSetter("n_features")),
    "own": shaped_by(Shape(), module__n_outputs=1),
    "named": shaped_by(("shape", Shape()), module__n_outputs=1),
    "net": Shaping(
        MLP,
        module__n_features=1,
        module__dtype=torch.float32,
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        lr=0.02,
        max_epochs=15,
        batch_size=16,
        train_split=None,
        verbose=0,
    ),
}
each_shape = pytest.mark.parametrize("net", SHAPED.values(), ids=list(SHAPED))


@each_shape
def test_a_module_is_shaped_before_it_is_probed(net):
    assert finds_noise(GEXDetector(net, n_members=8, random_state=0).fit(X, y))


@pytest.mark.slow
@each_shape
def test_members_and_records_have_the_same_shape(net, tmp_path):
    memory = Memory(tmp_path, verbose=0)
    for cls in (GEX, AUM, OutOfFold):
        cheap(cls, net, memory=memory).fit(X, y)
    ensemble = GEX(net, n_members=2, random_state=0).fit(X, y).ensemble_
    assert ensemble.trained.weights["module"]["hidden.weight"].shape[1] == 4


@each_shape
@pytest.mark.parametrize("warm_start", [False, True])
def test_nets_without_a_row_have_the_same_shape(net, warm_start):
    loo = LeaveOneOut(net, warm_start=warm_start, random_state=0)
    for weights in loo.fit(X[:9], clean[:9]).ensemble_.members:
        assert weights["module"]["hidden.weight"].shape[1] == 4


def test_a_wrong_shape_is_still_refused():
    with pytest.raises(ValueError, match="X: the net cannot take it"):
        GEXDetector(learner(module__n_features=1)).fit(X, y)


# A train_step that reads the history


class Accumulating(NeuralNetClassifier):
    """Takes a step after every second batch, as skorch documents it."""

    def train_step(self, batch, **fit_params):
        """Count the batches of the epoch in the history."""
        done = len(self.history[-1, "batches"])
        step = self.train_step_single(batch, **fit_params)
        if done % 2 == 0:
            self.optimizer_.step()
            self.optimizer_.zero_grad()
        return step


class ByEpoch(NeuralNetClassifier):
    """Reads how many epochs there were, what the last loss was, and a note."""

    def on_batch_begin(self, net, batch=None, training=False, **kwargs):
        """Make a note for the step."""
        super().on_batch_begin(net, batch=batch, training=training, **kwargs)
        self.note_ = len(batch[1])

    def train_step(self, batch, **fit_params):
        """Check that all is there."""
        assert self.history[-1, "epoch"] == len(self.history)
        assert self.note_ == len(batch[1])
        if len(self.history[-1, "batches"]) > 1:
            assert self.history[-1, "batches", -2, "train_loss"] > 0
            assert self.history[-1, "batches", -2, "train_batch_size"] > 0
        return super().train_step(batch, **fit_params)


@pytest.mark.parametrize("cls", [Accumulating, ByEpoch], ids=lambda cls: cls.__name__)
def test_an_own_step_finds_its_history(cls):
    net = cls(
        MLP,
        module__dtype=torch.float32,
        module__hidden=16,
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        lr=0.02,
        max_epochs=15,
        batch_size=16,
        train_split=None,
        verbose=0,
    )
    assert finds_noise(GEXDetector(net, n_members=8, random_state=0).fit(X, y))
    net.fit(X, y)
    frozen = GEXDetector(FrozenEstimator(net), n_members=8, random_state=0)
    assert finds_noise(frozen.fit(X, y))


# Modules that give something else than tensors


class Giving(MLP):
    """Gives its logits in one of many forms."""

    def __init__(self, form="dict", **kwargs):
        super().__init__(**kwargs)
        self.form = form

    def forward(self, X):
        """Return logits in that form."""
        logits = super().forward(X)
        return {
            "dict": {"logits": logits},
            "list": [logits, logits],
            "nested": ({"logits": logits}, logits),
            "empty": (),
            "tuple": (logits, logits.exp()),
        }[self.form]


class Taking(NeuralNetClassifier):
    """Finds the logits again for the loss."""

    def get_loss(self, y_pred, y_true, *args, **kwargs):
        """Return the loss of the logits."""
        while not torch.is_tensor(y_pred):
            y_pred = y_pred["logits"] if isinstance(y_pred, dict) else y_pred[0]
        return super().get_loss(y_pred, y_true, *args, **kwargs)


def taking(form):
    return Taking(
        Giving,
        module__form=form,
        module__dtype=torch.float32,
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        lr=0.02,
        max_epochs=15,
        batch_size=16,
        train_split=None,
        verbose=0,
    )


@pytest.mark.parametrize("form", ["dict", "list", "nested", "empty"])
def test_what_is_no_tensor_is_refused_before_training(form, monkeypatch):
    monkeypatch.setattr(Taking, "fit", lambda *_: pytest.fail("it was trained"))
    with pytest.raises(TypeError, match=r"net: its module gives a .* a tensor"):
        GEXDetector(taking(form)).fit(X, y)


def test_a_tuple_that_begins_with_the_prediction_works():
    assert finds_noise(
        GEXDetector(taking("tuple"), n_members=8, random_state=0).fit(X, y)
    )


# Frozen nets of other codes


def test_a_frozen_net_of_other_codes_is_refused():
    net = learner(module__n_outputs=4).fit(X, y + 1)
    with pytest.raises(ValueError, match=r"y: holds labels array\(\[0\]\), which"):
        GEXDetector(FrozenEstimator(net)).fit(X, y)


def test_a_frozen_net_may_have_seen_more_or_fewer_classes():
    fewer, more = y < 2, learner(module__n_outputs=3).fit(X, y)
    cheap(GEX, FrozenEstimator(more)).fit(X[fewer], y[fewer])
    few = learner(module__n_outputs=3).fit(X[fewer], y[fewer])
    assert cheap(GEX, FrozenEstimator(few)).fit(X, y).classes_.tolist() == [0, 1, 2]


# Modes of torch


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
@every(all_estimators(), one_of_each_kind=True)
def test_a_fit_and_a_query_do_not_depend_on_the_mode(cls, mode):
    few, labels = X[:24].astype(np.float64), y[:24]
    estimator = cheap(cls, classifier(max_epochs=2)).fit(few, labels)
    expected = answers(estimator, few + 1, labels)
    with mode():
        again = cheap(cls, classifier(max_epochs=2)).fit(few, labels)
        assert answers(again, few + 1, labels) == expected
        assert torch.is_grad_enabled() is False

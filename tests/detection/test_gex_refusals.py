import numpy as np
import pytest
from detecting import fit
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression
from tiny import (
    MLP,
    PairDataset,
    binary_classifier,
    classifier,
    learner,
    make_blobs,
    plain_net,
    regressor,
)

from skgex import GEXDetector


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

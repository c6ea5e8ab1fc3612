import numpy as np
import pandas as pd
import pytest
import torch
from detecting import FAST, fit
from skorch import NeuralNet
from tiny import (
    MLP,
    ConvNet,
    PairDataset,
    Tagger,
    binary_classifier,
    classifier,
    make_blobs,
    plain_net,
    regressor,
)
from torch import nn

from skgex import GEXDetector
from skgex._nets.snapshot import revive


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

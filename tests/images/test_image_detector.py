"""Detectors for images find wrong labels, and take their shape from the images."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.metrics import average_precision_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from torch import nn

from skgex import GEXDetector
from skgex.datasets import flip_labels
from skgex.images import image_detector
from skgex.images._conv_net import ConvNet
from skgex.images._shifting import RandomFlip, RandomShift

pytestmark = pytest.mark.filterwarnings("ignore::skgex.exceptions.SkgexWarning")

digits = load_digits(n_class=4)
images = digits.images[:300].astype(np.uint8)
y, noise = flip_labels(digits.target[:300], 0.1, random_state=0)
cheap = {"max_epochs": 8, "n_members": 2, "n_steps": 8, "lr": 0.1, "random_state": 0}
quick = {**cheap, "max_epochs": 2}


def finds_noise(detector):
    return average_precision_score(noise, detector.scores_) > 0.9


@pytest.mark.slow
def test_digits_are_judged_no_worse_than_by_the_default_net():
    X, clean = load_digits(return_X_y=True)
    labels, wrong = flip_labels(clean, 0.1, random_state=0)
    flat = GEXDetector(random_state=0).fit(X, labels)
    pictures = X.reshape(-1, 8, 8).astype(np.uint8)
    shaped = image_detector(random_state=0).fit(pictures, labels)
    least = average_precision_score(wrong, flat.scores_)
    assert average_precision_score(wrong, shaped.scores_) >= least
    assert (shaped.noise_mask_ & wrong).sum() >= (flat.noise_mask_ & wrong).sum()


LAYOUTS = {
    "grey": images,
    "channel last": images[..., None],
    "channel first": images[:, None],
    "colour": np.repeat(images[..., None], 3, axis=3),
    "floats": images / 16,
}


@pytest.mark.slow
@pytest.mark.parametrize("X", LAYOUTS.values(), ids=list(LAYOUTS))
def test_the_net_takes_its_shape_from_the_images(X):
    detector = image_detector(**cheap).fit(X, y.astype(str))
    assert finds_noise(detector)
    assert detector.classes_.tolist() == ["0", "1", "2", "3"]


def test_images_need_not_be_square_or_large():
    wide = images[:, 3:4, :7]
    assert image_detector(**quick).fit(wide, y).scores_.shape == (300,)


def test_what_is_no_image_is_refused():
    with pytest.raises(ValueError, match=r"images of shape .* are expected, got \(300"):
        image_detector().fit(images.reshape(300, 64), y)


@pytest.mark.slow
def test_copies_judge_alike():
    detector = image_detector(**quick).fit(images, y)
    again = pickle.loads(pickle.dumps(detector))
    assert (again.predict(images[:9]) == detector.predict(images[:9])).all()
    anew = clone(detector).fit(images, y)
    assert (anew.scores_ == detector.scores_).all()


def test_training_goes_on_with_the_weights_it_had():
    net = image_detector(**quick).net.fit(images, y)
    before = net.predict_proba(images[:9])
    net.partial_fit(images, y, epochs=0)
    assert (net.predict_proba(images[:9]) == before).all()


@pytest.mark.parametrize("device", ["cpu", "cuda:1"])
def test_the_device_is_the_one_that_was_asked_for(device):
    assert image_detector(device=device).net.device == device


@pytest.mark.slow
def test_a_search_goes_over_its_parameters():
    search = GridSearchCV(
        image_detector(**quick),
        {"lr": [0.02, 0.1], "net__module__shift": [0.0, 0.1]},
        cv=StratifiedKFold(2, shuffle=True, random_state=0),
    )
    search.fit(images[:120], y[:120])
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("shift", 0.5),
        ("shift", -0.1),
        ("batch_size", 0),
        ("batch_size", 2.5),
        ("max_epochs", 0),
        ("max_epochs", True),
    ],
)
def test_impossible_arguments_are_named(name, value):
    with pytest.raises(ValueError, match=f"^{name}: must be .*, got {value}"):
        image_detector(**{name: value})


# Augmentation


def test_shifted_images_are_windows_of_the_image():
    torch.manual_seed(0)
    X = torch.arange(2 * 3 * 16 * 10.0).reshape(2, 3, 16, 10)
    shift = RandomShift(1 / 8).train()
    places = set()
    for _ in range(200):
        moved = shift(X)
        assert moved.shape == X.shape
        row = int((moved[0, 0, 8, 5] - X[0, 0, 8, 5]) // 10)
        column = int(moved[0, 0, 8, 5] - X[0, 0, 8, 5]) - 10 * row
        if column > 5:
            row, column = row + 1, column - 10
        rows = (torch.arange(16) + row).clamp(0, 15)
        columns = (torch.arange(10) + column).clamp(0, 9)
        assert (moved[0] == X[0][:, rows][:, :, columns]).all()
        places.add((row, column))
    assert places == {(r, c) for r in range(-2, 3) for c in range(-1, 2)}


def test_flips_mirror_half_of_the_images():
    torch.manual_seed(0)
    X = torch.rand(1000, 1, 2, 3)
    flipped = RandomFlip().train()(X)
    mirrored = (flipped == X.flip(-1)).all(dim=(1, 2, 3))
    assert (mirrored | (flipped == X).all(dim=(1, 2, 3))).all()
    assert 430 < mirrored.sum() < 570


def test_nothing_is_moved_when_images_are_judged():
    X = torch.rand(5, 1, 8, 8)
    module = ConvNet(shift=0.2, flip=True).eval()
    assert (module(X) == module(X)).all()
    assert (module.augmentation(X) == X).all()


# Embeddings of a backbone


class Backbone(nn.Module):
    """Averages patches, and has a head of its own."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.AvgPool2d(28), nn.Flatten())
        self.head = nn.Linear(3 * 64, 5)

    def forward(self, X):
        """Return what nobody needs."""
        return self.head(self.body(X))


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "backbone.pt"
    torch.save(Backbone().state_dict(), path)
    return path


def test_embeddings_are_what_enters_the_head(weights):
    detector = image_detector(backbone=Backbone, weights=weights, random_state=0)
    detector.fit(images, y)
    assert finds_noise(detector[-1])
    embeddings = detector[0].transform(images)
    assert embeddings.shape == (300, 192)
    # Patches of 28 of 224 pixels are the 8 pixels a side, up to interpolation.
    middle = embeddings.reshape(300, 3, 8, 8)[:, 0, 3:5, 3:5].ravel()
    truth = (images / 255 - 0.485) / 0.229
    assert np.corrcoef(middle, truth[:, 3:5, 3:5].ravel())[0, 1] > 0.95


@pytest.mark.parametrize(
    "other",
    [
        lambda X: np.moveaxis(X, -1, 1),
        lambda X: X.astype(np.float32) / 255,
        lambda X: np.concatenate([X, np.ones_like(X[..., :1])], axis=-1),
    ],
    ids=["channel first", "floats", "opacity"],
)
def test_embeddings_do_not_depend_on_how_pixels_are_stored(weights, other):
    colour = np.random.RandomState(0).randint(0, 256, (4, 16, 16, 3)).astype(np.uint8)
    embedding = image_detector(backbone=Backbone, weights=weights)[0].fit(colour)
    expected = embedding.transform(colour)
    np.testing.assert_allclose(embedding.transform(other(colour)), expected, rtol=1e-5)
    assert len(np.unique(expected[0].reshape(3, 64).mean(axis=1))) == 3


def test_grey_images_are_embedded_as_colourful_ones(weights):
    embedding = image_detector(backbone=Backbone, weights=weights)[0].fit(images)
    colour = np.repeat(images[:4, ..., None], 3, axis=3)
    expected = embedding.transform(colour)
    np.testing.assert_array_equal(embedding.transform(images[:4]), expected)


def test_an_embedding_needs_its_weights_first(weights):
    embedding = image_detector(backbone=Backbone, weights=weights)[0]
    with pytest.raises(NotFittedError):
        embedding.transform(images)


def test_a_backbone_that_is_no_module(weights):
    with pytest.raises(ValueError, match=r"backbone: must return .*, got dict"):
        image_detector(backbone=dict, weights=weights).fit(images, y)


@pytest.fixture
def torchvision(monkeypatch):
    """A stand-in for the library, which is large."""
    import sys
    from types import ModuleType

    models = ModuleType("torchvision.models")
    monkeypatch.setitem(sys.modules, "torchvision", ModuleType("torchvision"))
    monkeypatch.setitem(sys.modules, "torchvision.models", models)
    return models


def test_a_name_that_the_library_does_not_know(weights, torchvision):
    def get_model(name, weights):
        raise ValueError(f"Unknown model {name}")

    torchvision.get_model = get_model
    with pytest.raises(ValueError, match=r"torchvision has no model named 'resnet'; "):
        image_detector(backbone="resnet", weights=weights).fit(images, y)


def test_a_backbone_by_name_comes_from_torchvision(weights, torchvision):
    asked = []

    def get_model(name, weights):
        asked.append((name, weights))
        return Backbone()

    torchvision.get_model = get_model
    embedding = image_detector(backbone="resnet18", weights=weights)[0]
    assert embedding.fit(images).transform(images[:2]).shape == (2, 192)
    assert asked == [("resnet18", None)]


def test_without_a_library_a_name_is_refused(weights, monkeypatch):
    import sys

    for name in ("torchvision", "torchvision.models", "timm"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=r"backbone: .* pip install torchvision"):
        image_detector(backbone="resnet18", weights=weights).fit(images, y)


def test_backbone_and_weights_go_together(weights):
    with pytest.raises(ValueError, match=r"^backbone: is needed with weights"):
        image_detector(weights=weights)
    with pytest.raises(ValueError, match=r"^weights: is needed with backbone"):
        image_detector(backbone=Backbone)


def test_weights_that_are_not_there():
    with pytest.raises(FileNotFoundError, match=r"weights: there is no file 'no.pt'"):
        image_detector(backbone=Backbone, weights="no.pt").fit(images, y)


class Code:
    """Would run code if it were unpickled."""

    def __reduce__(self):
        """Name what to call."""
        return print, ("this must not be printed",)


@pytest.mark.parametrize("held", [Code(), "text"], ids=["code", "text"])
def test_files_that_hold_no_weights(tmp_path, held, capsys):
    path = tmp_path / "weights.pt"
    torch.save(held, path) if held != "text" else path.write_text(held)
    with pytest.raises(ValueError, match=r"^weights: .* cannot be read as weights"):
        image_detector(backbone=Backbone, weights=path).fit(images, y)
    assert capsys.readouterr().out == ""


def test_weights_of_another_module(tmp_path):
    path = tmp_path / "weights.pt"
    torch.save(nn.Linear(2, 3).state_dict(), path)
    with pytest.raises(ValueError, match=r"do not fit the backbone: .*Missing key"):
        image_detector(backbone=Backbone, weights=path).fit(images, y)


def test_a_backbone_without_a_linear_layer(weights):
    with pytest.raises(ValueError, match=r"backbone: has no linear layer"):
        image_detector(backbone=nn.Identity, weights=weights).fit(images, y)

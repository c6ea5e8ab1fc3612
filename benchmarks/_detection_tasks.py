"""The tasks of detection.py: data sets, nets and label noise."""

from itertools import product
from typing import NamedTuple

from _data import images, load, load_cifar10n, load_headlines
from _nets import make_net
from _noise import make_noise
from sklearn.preprocessing import StandardScaler

TABLES = (
    "digits",
    "letter",
    "magic",
    "optdigits",
    "satimage",
    "segment",
    "spambase",
    "vehicle",
)
RESNETS = ("resnet", "resnet-augmented")
INJECTED = tuple(product(("symmetric", "pair", "instance"), (0.1, 0.3)))
# Labels that people gave: their name in CIFAR-10N, and the share that is wrong.
BY_PEOPLE = {
    "aggre": ("aggre_label", 0.090),
    "random1": ("random_label1", 0.172),
    "worse": ("worse_label", 0.402),
}
# Height, width and channels, for the nets that need them.
IMAGES = {"mnist": (28, 28, 1), "fashion_mnist": (28, 28, 1), "cifar10": (32, 32, 3)}


class Task(NamedTuple):
    """One data set, net and kind of noise, with a seed.

    Attributes
    ----------
    data : str
    net : {"mlp", "mlp-long", "conv", "resnet", "resnet-augmented"}
        "mlp" is the default net of ``GEXDetector()``.
    noise : str
        How labels were flipped, or which of CIFAR-10N's labels are used.
    rate : float
        Share of wrong labels; rounded where labels were not flipped by us.
    seed : int
    """

    data: str
    net: str
    noise: str
    rate: float
    seed: int

    def __str__(self) -> str:
        net = "" if self.net == "mlp" else f", {self.net}"
        return f"{self.data}{net}, {self.noise} {self.rate:.0%}"

    def make(self, data_dir):
        """Return X, noisy labels, the noise mask, and the net (None for "mlp")."""
        X, y, noise_mask = self._labelled(data_dir)
        if self.net == "mlp":
            return X, y, noise_mask, None
        net = make_net(self.net, X.shape[1], int(y.max()) + 1)
        return X, y, noise_mask, net

    def _labelled(self, data_dir):
        if self.data == "hausa":
            X, y, clean = load_headlines(data_dir)
            return X, y, y != clean
        if self.noise in BY_PEOPLE:
            labels, _ = BY_PEOPLE[self.noise]
            X, y, clean = load_cifar10n(labels, data_dir, 10_000, self.seed)
            return X, y, y != clean
        n_rows = 4_000 if self.data in TABLES else 10_000
        X, clean = load(self.data, data_dir, n_rows, self.seed)
        y, noise_mask = make_noise(X, clean, self.noise, self.rate, self.seed)
        if self.net == "mlp-long":
            X = StandardScaler().fit_transform(X)
        if self.net in ("conv", *RESNETS):
            X = images(X.reshape(-1, *IMAGES[self.data]))
        return X, y, noise_mask


def suite(parts, seeds):
    """Return the tasks of some parts, seed by seed."""
    places = [place for part in parts for place in PARTS[part]]
    return [Task(*place, seed) for seed in seeds for place in places]


def _with_noise(names, net="mlp"):
    return [(name, net, kind, rate) for name, (kind, rate) in product(names, INJECTED)]


def _with_labels_by_people(*kinds):
    return [("cifar10", net, k, BY_PEOPLE[k][1]) for net, k in product(RESNETS, kinds)]


PARTS = {
    "quick": [("digits", "mlp", "symmetric", 0.1), ("digits", "mlp", "instance", 0.1)],
    "tables": _with_noise(TABLES),
    "text": [("hausa", "mlp", "real", 0.504)],
    "images": _with_noise(("mnist", "fashion_mnist")),
    "long": _with_noise(("digits", "letter", "mnist", "fashion_mnist"), "mlp-long"),
    "conv": _with_noise(("mnist", "fashion_mnist"), "conv"),
    "cifar": _with_labels_by_people("worse"),
    "cifar-less": _with_labels_by_people("aggre", "random1"),
    "cifar-flips": _with_noise(("cifar10",), "resnet"),
}

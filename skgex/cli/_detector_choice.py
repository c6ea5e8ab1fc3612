"""Which detector is made for which data."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import Pipeline, make_pipeline

from skgex.cli._errors import CommandError
from skgex.cli._loaded import Loaded
from skgex.detection import GEXDetector
from skgex.images import image_detector
from skgex.tabular import tabular_detector

# Runs of letters rank wrong labels of short texts best (benchmarks/text.py).
TEXT = {"analyzer": "char_wb", "ngram_range": (2, 4), "max_features": 2000}

# A quick answer has half of the members, and a net of images half of the epochs.
QUICK = {"n_members": 4}
EPOCHS, QUICK_EPOCHS = 20, 10


class Wishes(NamedTuple):
    """What the user asked of a detector.

    Attributes
    ----------
    precision : float or None
        Per cent of the flags that should be right.
    seed : int
    jobs : int
    quick : bool
    noise_type : str
        On which rows wrong labels are assumed to fall.
    backbone, weights : str or None
        For images.
    """

    precision: float | None
    seed: int
    jobs: int
    quick: bool
    noise_type: str = "auto"
    backbone: str | None = None
    weights: str | None = None

    def check(self) -> None:
        """Refuse a backbone without weights, and the reverse.

        Raises
        ------
        CommandError
            It names the option that is missing.
        """
        for option, value, other in (
            ("--backbone", self.backbone, self.weights),
            ("--weights", self.weights, self.backbone),
        ):
            if value is None and other is not None:
                raise CommandError(
                    f"{option}: is needed, too: embeddings come from both"
                )
        if self.weights is not None and not Path(self.weights).is_file():
            raise CommandError(f"--weights: there is no file {self.weights!r}")

    def settings(self) -> dict[str, Any]:
        """Return them as parameters of the detector."""
        settings: dict[str, Any] = {
            "noise_type": self.noise_type,
            "random_state": self.seed,
            "n_jobs": self.jobs,
        }
        if self.precision is not None:
            settings["threshold"] = f"precision {self.precision:g}%"
        return settings | (QUICK if self.quick else {})


def make_detector(data: Loaded, wishes: Wishes) -> GEXDetector | Pipeline:
    """Return an unfitted detector that takes the samples as they are."""
    settings = wishes.settings()
    if wishes.weights is not None and data.kind != "images":
        raise CommandError("--weights: is for images")
    if data.kind == "images":
        return image_detector(
            backbone=wishes.backbone,
            weights=wishes.weights,
            max_epochs=QUICK_EPOCHS if wishes.quick else EPOCHS,
            **settings,
        )
    if data.kind == "table":
        return tabular_detector(**settings)
    if data.kind == "text":
        return make_pipeline(TfidfVectorizer(**TEXT), GEXDetector(**settings))
    return GEXDetector(**settings)


def fit(model: GEXDetector | Pipeline, data: Loaded) -> GEXDetector:
    """Fit a detector, and return it without what prepares the samples."""
    groups = {} if data.groups is None else {"groups": data.groups}
    X = data.X
    if isinstance(X, np.ndarray) and X.dtype == bool:
        X = X.astype(np.uint8)
    if isinstance(model, Pipeline):
        last = model.steps[-1][0]
        groups = {f"{last}__{name}": value for name, value in groups.items()}
        return model.fit(X, data.y, **groups)[-1]
    return model.fit(X, data.y, **groups)

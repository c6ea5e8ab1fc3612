"""Random data and parameters: all that is promised holds, or fit raises by name."""

import re
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from skorch import NeuralNetRegressor
from tiny import AnyWidth, PairDataset, classifier

from skgex import GEXDetector

X_DTYPES = ["float32", "float64", "float16", "int64", "int8", "bool"]
LABELS = {
    "codes": lambda codes: codes,
    "column": lambda codes: codes[:, None],
    "from 1": lambda codes: codes + 1,
    "negative": lambda codes: -codes,
    "names": lambda codes: np.array(["ant", "bee", "cat", "dog"])[codes],
    "objects": lambda codes: np.array(["ant", "bee", "cat", "dog"], object)[codes],
    "floats": lambda codes: codes.astype(float),
    "bool": lambda codes: codes > 0,
    "list": lambda codes: codes.tolist(),
    "Int64": lambda codes: pd.Series(codes, dtype="Int64"),
    "string": lambda codes: pd.Series(codes.astype(str), dtype="string"),
    "category": lambda codes: pd.Series(codes.astype(str)).astype("category"),
    "continuous": lambda codes: codes + 0.3,
    "two columns": lambda codes: np.stack([codes, codes], axis=1) / 4,
    "missing": lambda codes: np.where(codes == codes[0], np.nan, codes),
    "short": lambda codes: codes[:-1],
}


# How messages of refusals begin: with an argument, or as scikit-learn names it.
NAMED = r"(X|y|net|X, y|threshold|lr): |(Input|Found) .*(X|y|array)"


def own_regressor(module, **options):
    return NeuralNetRegressor(module, train_split=None, verbose=0, **options)


@st.composite
def cases(draw):
    """Samples, labels, and a detector."""
    n_rows, n_columns = draw(st.integers(2, 40)), draw(st.integers(1, 5))
    rng = np.random.RandomState(draw(st.integers(0, 99)))
    X = 3 * rng.standard_normal((n_rows, n_columns))
    X = X.astype(draw(st.sampled_from(X_DTYPES)))
    if draw(st.booleans()):  # copies, some with other labels
        X[n_rows // 2 :] = X[: n_rows - n_rows // 2]
    codes = rng.randint(0, draw(st.sampled_from([1, 2, 3, 4, 4, 4])), n_rows)
    y = LABELS[draw(st.sampled_from(sorted(LABELS)))](codes)
    make = draw(st.sampled_from([classifier, classifier, classifier, own_regressor]))
    make = own_regressor if np.ndim(y) > 1 and np.shape(y)[1] == 2 else make
    options = {"max_epochs": 1, "batch_size": draw(st.sampled_from([1, 7, 16, -1]))}
    n_outputs = 4 if make is classifier else np.shape(y)[1] if np.ndim(y) > 1 else 1
    net = make(AnyWidth, module__n_outputs=n_outputs, **options)
    detector = GEXDetector(
        net,
        n_members=2,
        n_steps=2,
        lr=draw(st.sampled_from([0.01, 0.1])),
        statistic=draw(
            st.sampled_from(["relative_loss", "mean_loss", "self_influence"])
        ),
        threshold=draw(
            st.sampled_from(["otsu", "otsu_raw", "10%", "precision 60%", 0.5])
        ),
        max_samples=draw(st.sampled_from([1.0, 0.6])),
        schedule=draw(st.sampled_from(["cosine", "constant"])),
        chain=draw(st.booleans()),
        early_stopping=draw(st.sampled_from(["auto", False])),
        random_state=0,
    )
    return X, y, detector, draw(st.booleans())


@pytest.mark.filterwarnings("ignore")
@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
@given(cases())
def test_all_that_is_promised_holds(case):
    X, y, detector, in_dataset = case
    samples, labels = X, y
    if in_dataset and isinstance(y, np.ndarray) and len(y) == len(X):
        samples, labels = PairDataset(X.astype(np.float32), y), None
    error = refusal(detector, samples, labels)
    if error is None:
        check(detector, X, y, samples)
    else:
        assert re.match(NAMED, error), error


def refusal(detector, X, y):
    """What fit raises, which is a ValueError or TypeError; None if it works."""
    try:
        detector.fit(X, y)
    except (ValueError, TypeError) as error:
        return str(error)


def check(detector, X, y, samples):
    n_rows = len(X)
    scores, mask = detector.scores_, detector.noise_mask_
    assert (scores.shape, scores.dtype) == ((n_rows,), np.float64)
    assert (mask.shape, mask.dtype) == ((n_rows,), bool)
    assert np.isfinite(scores).all()
    flagged = scores > detector.threshold_
    classes = hasattr(detector, "classes_")
    spares = detector.threshold in ("otsu", "precision 60%")
    if classes and spares:
        flagged &= detector.suggested_labels_ != np.asarray(y).ravel()
    np.testing.assert_array_equal(mask, flagged)
    assert detector.relabel().shape[0] == n_rows
    assert detector.transform(samples).shape == (n_rows, 2)
    np.testing.assert_array_equal(detector.get_support(), ~mask)
    if samples is X:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # no row is new
            np.testing.assert_array_equal(detector.predict(X), mask)
            np.testing.assert_array_equal(detector.scores(X), scores)
        np.testing.assert_array_equal(detector.predict(X, y), mask)
    if classes:
        proba = detector.predict_proba(samples)
        assert proba.shape == (n_rows, len(detector.classes_))
        assert (proba >= 0).all()
        assert (proba <= 1 + 1e-6).all()
        assert ((detector.noise_proba_ >= 0) & (detector.noise_proba_ <= 1)).all()
    assert torch.get_default_dtype() is torch.float32

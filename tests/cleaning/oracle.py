"""A detector that knows the answer, and a classifier that keeps what it is given."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import validate_data

# Parameters by which all flagged rows are acted on.
UNJUDGED = {"n_folds": None, "max_share_per_class": 1.0}


class Oracle(BaseEstimator):
    """Flags rows whose label is not the sign of their first feature.

    ``blind`` scores all rows by one distribution, and flags the largest scores.
    """

    def __init__(self, blind=False):
        self.blind = blind

    def fit(self, X, y):
        self.given_ = X
        first = np.asarray(X)[:, 0]
        self.classes_, codes = np.unique(y, return_inverse=True)
        self.truth_ = (first > 0).astype(int)
        self.noise_mask_ = self.truth_ != codes
        self.scores_ = np.where(self.noise_mask_, 4.0, 0.04) + 0.01 * np.abs(first)
        if self.blind:
            self.scores_ = np.random.RandomState(0).standard_normal(len(y)) ** 2
            self.noise_mask_ = self.scores_ > np.quantile(self.scores_, 0.9)
        self.noise_proba_ = np.where(self.noise_mask_, 0.875, 0.125)
        return self

    def get_support(self):
        return ~self.noise_mask_

    def relabel(self):
        return self.classes_[self.truth_]

    def noise_proba(self, X, y=None):
        raise NotImplementedError("Only that of the fitted rows is read.")


class Recorder(ClassifierMixin, BaseEstimator):
    """Keeps the training set that it was given."""

    def fit(self, X, y, sample_weight=None):
        validate_data(self, X, y, accept_sparse=True)
        self.X_, self.y_, self.weight_ = X, y, sample_weight
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.repeat(self.classes_[:1], X.shape[0])


def make_case(flipped=(3, 10, 17), n_rows=40):
    """Rows of two named classes, some with a wrong label; X, y, noise_mask."""
    X = np.random.RandomState(0).standard_normal((n_rows, 3))
    noise_mask = np.isin(np.arange(n_rows), flipped)
    y = np.array(["minus", "plus"])[((X[:, 0] > 0) ^ noise_mask).astype(int)]
    return X, y, noise_mask

"""scikit-learn's and imbalanced-learn's own checks.

Those of scikit-learn with the default action and a detector are in test_common.py.
"""

import warnings

import pytest
from imblearn.utils.estimator_checks import (
    parametrize_with_checks as parametrize_with_imblearn_checks,
)
from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import parametrize_with_checks
from tiny import AnyWidth, classifier

from skgex import CleanedClassifier, CleaningSampler, GEXDetector, GEXPruner

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::skgex.exceptions.SkgexWarning"),
]

CHEAP = {"n_members": 2, "n_steps": 2, "lr": 0.1, "random_state": 0}


def net():
    return classifier(AnyWidth, max_epochs=1, module__n_outputs=5)


def detector():
    return GEXDetector(net(), **CHEAP)


def pruner():
    return GEXPruner(net(), prune=0.1, **CHEAP)


@parametrize_with_checks(
    [
        CleanedClassifier(LogisticRegression(), detector(), action="relabel"),
        CleanedClassifier(LogisticRegression(), detector(), action="weight"),
        CleaningSampler(pruner()),
    ]
)
def test_sklearn_checks(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check(estimator)


@parametrize_with_imblearn_checks(
    [
        CleaningSampler(detector()),
        CleaningSampler(detector(), action="relabel"),
        CleaningSampler(pruner()),
    ],
    legacy=True,
)
def test_imblearn_checks(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check(estimator)

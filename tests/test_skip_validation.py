"""scikit-learn's checks of parameters can be switched off, as for its estimators."""

import inspect

import pytest
import sklearn.base
from all_estimators import all_estimators, cheap
from sklearn import config_context
from sklearn.utils._param_validation import InvalidParameterError
from tiny import classifier, flip_every, make_blobs
from watching import watch

X, clean = make_blobs(24)
y = flip_every(clean, 8)[0]

# Values that scikit-learn's checks refuse; each estimator has one of the parameters.
IMPOSSIBLE = {"random_state": "seed", "min_samples_per_class": -1, "scorer": object()}

ESTIMATORS = all_estimators()
every_estimator = pytest.mark.parametrize("cls", ESTIMATORS, ids=lambda c: c.__name__)
pytestmark = pytest.mark.filterwarnings("ignore::skgex.exceptions.SkgexWarning")


def make(cls):
    return cheap(cls, classifier(max_epochs=1))


def make_impossible(cls):
    known = inspect.signature(cls).parameters
    (name,) = [name for name in IMPOSSIBLE if name in known]
    return make(cls).set_params(**{name: IMPOSSIBLE[name]})


@pytest.fixture
def checked(monkeypatch):
    """The names of the estimators whose parameters were checked."""
    names = []
    watch(
        monkeypatch,
        sklearn.base,
        "validate_parameter_constraints",
        lambda given: names.append(given["caller_name"]),
    )
    return names


@every_estimator
def test_a_fit_checks_its_parameters(cls, checked):
    make(cls).fit(X, y)
    assert checked.count(cls.__name__) == 1


@every_estimator
def test_a_fit_checks_none_where_that_is_switched_off(cls, checked):
    with config_context(skip_parameter_validation=True):
        make(cls).fit(X, y)
    assert checked == []


@every_estimator
def test_an_impossible_parameter_is_refused(cls):
    with pytest.raises(InvalidParameterError):
        make_impossible(cls).fit(X, y)


@every_estimator
def test_an_impossible_parameter_is_not_refused_where_that_is_switched_off(cls):
    with config_context(skip_parameter_validation=True):
        try:
            make_impossible(cls).fit(X, y)
        except InvalidParameterError:
            pytest.fail("was refused by the check that is switched off")
        except (AttributeError, TypeError, ValueError):
            pass  # what came of it

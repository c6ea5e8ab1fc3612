"""What goes along with X and y to the fit of an inner estimator."""

from typing import Any

from sklearn import get_config
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter


def fit_options(estimator: Any, owner: str, **metadata: Any) -> dict[str, Any]:
    """Return the arguments by which an estimator's ``fit`` takes metadata.

    Parameters
    ----------
    estimator : estimator
        A pipeline passes its metadata on to its last step.
    owner : str
        The parameter that holds it, for errors.
    **metadata : object
        Values by the name of the argument. None stands for nothing.

    Returns
    -------
    options : dict

    Raises
    ------
    ValueError
        If ``fit`` would not take or not heed an argument.
    """
    last = estimator[-1] if isinstance(estimator, Pipeline) else estimator
    given = {name: value for name, value in metadata.items() if value is not None}
    for name in given:
        _check_taken(last, owner, name)
    # With metadata routing, a pipeline looks up itself which step a name is for.
    if last is estimator or get_config()["enable_metadata_routing"]:
        return given
    step = estimator.steps[-1][0]
    return {f"{step}__{name}": value for name, value in given.items()}


def _check_taken(estimator: Any, owner: str, name: str) -> None:
    kind = type(estimator).__name__
    if isinstance(estimator, FrozenEstimator):
        raise ValueError(
            f"{name}: {owner} is a FrozenEstimator, which is not fitted again; pass "
            f"{name} to the fit of what it holds."
        )
    if not has_fit_parameter(estimator, name):
        raise ValueError(
            f"{name}: {owner} must be an estimator whose fit takes {name}; that of "
            f"{kind} does not."
        )

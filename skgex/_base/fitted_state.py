"""What a fit made, written to the estimator in one step."""

from typing import Any


def replace_fitted_state(estimator: Any, state: dict[str, Any]) -> None:
    """Replace everything that earlier fits wrote to an estimator.

    The attributes change all at once, by one assignment: an error or an interrupt
    leaves either the old fit or the new one, never parts of both.

    Parameters
    ----------
    estimator : estimator
        Changed in place. Its parameters, and what scikit-learn keeps on it, stay.
    state : dict
        The attributes of the new fit by name. Public ones end with an underscore; a
        private name stays until the next fit that sets it.
    """
    kept = {n: value for n, value in vars(estimator).items() if not n.endswith("_")}
    estimator.__dict__ = {**kept, **state}

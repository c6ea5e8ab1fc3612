"""What estimators around a net share: how a fit begins and ends, and queries."""

from typing import Any

from joblib import Memory
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from skorch.utils import is_dataset

from skgex._base.encoding import encode
from skgex._base.fit_work import CHECK
from skgex._base.fitted_rows import FittedRows
from skgex._base.fitted_state import replace_fitted_state
from skgex._base.net_checks import check_net
from skgex._base.parameters import NetNeed
from skgex._base.row_names import names_of
from skgex._base.validation import (
    GivenNet,
    check_fit_input,
    check_query_input,
    needs_labels,
)
from skgex._data.groups import check_groups
from skgex._data.records import Data, Query
from skgex._data.row_index import RowIndex
from skgex._nets.snapshot import TrainedNet
from skgex._utils.memory_folder import prepare_folder
from skgex._utils.progress import phase
from skgex._utils.random import Seeds, draw_seeds
from skgex.persistence._persistent import Persistent


class NetEstimator(Persistent, BaseEstimator):
    """Base of the estimators that score samples by a net.

    A subclass has the parameters ``net``, ``memory`` and ``random_state``, and a
    ``fit`` that begins with :func:`validate` and ends with ``_keep``. In between
    nothing is written to the estimator.
    """

    # Groups have one meaning only, so that they need not be asked for.
    __metadata_request__fit = {"groups": True}  # noqa: RUF012

    # Entries for the ``_parameter_constraints`` of subclasses.
    _net_constraints: dict = {  # noqa: RUF012
        # check_net says what to do; scikit-learn would print the whole module.
        "net": "no_validation",
        "memory": [str, Memory, None],
        "random_state": ["random_state"],
    }

    # What the estimator needs of the net: a frozen one is only a trained one.
    _needs: NetNeed = NetNeed.TRAINED

    net: GivenNet
    memory: str | Memory | None
    random_state: Any

    # What the last fit made; absent before the first one.
    _rows: FittedRows

    def _keep(self, rows: FittedRows, made: dict[str, Any]) -> None:
        """Replace what the last fit made by what this one made, in one step."""
        replace_fitted_state(self, {**rows.attributes(), **made, "_rows": rows})

    def _draw_seeds(self) -> Seeds:
        """Draw the seeds of a fit."""
        return Seeds(*draw_seeds(check_random_state(self.random_state), 4))

    def _find(self, X: Any, y: Any, trained: TrainedNet, *, warn: bool = True) -> Query:
        """Find which samples the fit saw, and what their labels are."""
        rows = self._rows
        X, y = check_query_input(self, X, y, rows.format, rows.coding)
        return rows.query(X, y, trained, warn=warn)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_rows")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = needs_labels(self.net)
        tags.input_tags.three_d_array = True
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = self.net is None
        return tags


def validate(
    estimator: NetEstimator, X: Any, y: Any, groups: Any
) -> tuple[Data, FittedRows]:
    """Check net, samples, labels and memory, and translate the data for the net.

    Parameters
    ----------
    estimator : NetEstimator
        About to be fitted; nothing is written to it.
    X, y, groups
        As for its ``fit``.

    Returns
    -------
    data : Data
        What is trained on.
    rows : FittedRows
        What later queries need of it.
    """
    with phase(CHECK):
        check_net(estimator.net, estimator._needs, type(estimator).__name__)
        prepare_folder(estimator.memory)
        names = names_of(X)
        X, y, found = check_fit_input(estimator, X, y)
        groups = check_groups(groups, len(X))
        data = encode(estimator.net, found.for_net(X), y, found)._replace(groups=groups)
        index = None if is_dataset(X) else RowIndex(X, data.codes, found.dtype)
    labelled = y is not None or is_dataset(X)
    kept = data.codes, data.coding, labelled, index, found, groups, names
    return data, FittedRows(*kept)

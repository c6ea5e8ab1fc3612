"""What all estimators of skgex share: checks, label coding, training, look-up."""

from typing import Any

import numpy as np
import torch
from joblib import Memory
from sklearn.base import BaseEstimator, clone, is_classifier, is_regressor
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted, check_memory, validate_data
from skorch import NeuralNet
from skorch.utils import is_dataset

from skgex._base.parameters import NetNeed
from skgex._data.label_coding import (
    ClassLabels,
    Coding,
    RegressionTargets,
    coding_of,
    wants_classes,
)
from skgex._data.records import Data, Query, take
from skgex._data.row_index import RowIndex
from skgex._nets.batches import targets_of
from skgex._nets.default_net import make_default_net
from skgex._nets.early_stopping import stop_default_net, stop_given_net
from skgex._nets.evaluation import check_loss, evaluate, n_outputs
from skgex._nets.skorch_adapter import (
    holds_rows_out,
    is_row_by_row,
    takes_indices,
    unwrap,
)
from skgex._nets.snapshot import TrainedNet, dtype_of, initialised, revive, snapshot
from skgex._nets.training import Trial, train
from skgex._nets.trajectory import Trajectory, train_with_trajectory
from skgex._utils.random import seeded
from skgex._utils.warnings import warn_caller
from skgex.exceptions import (
    HeldOutRowsWarning,
    RefitWarning,
    SlowCriterionWarning,
    UnlabelledRowsWarning,
)


class NetEstimator(BaseEstimator):
    """Base of the estimators that judge samples by a net.

    A subclass has the parameters ``net`` and ``memory``, and gives ``_fit(data)``.
    What scikit-learn keeps private about parameter validation is touched here alone.
    """

    # Entries for the ``_parameter_constraints`` of subclasses.
    _net_constraints: dict = {  # noqa: RUF012
        "net": [NeuralNet, FrozenEstimator, None],
        "memory": [str, Memory, None],
        "random_state": ["random_state"],
    }

    # A frozen net serves only those that need no more than a trained one.
    _needs: NetNeed = NetNeed.TRAINED

    net: NeuralNet | FrozenEstimator | None
    memory: str | Memory | None

    def fit(self, X: Any, y: Any = None) -> "NetEstimator":
        """Train what needs training, and judge the samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, ...), or Dataset
            Samples, of any shape that the net takes; or a torch Dataset of pairs
            (sample, target).
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Labels or target values, as given, noise and all. None with a Dataset.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If X or y is unfit for the net or for each other, or a parameter is
            impossible.
        TypeError
            If ``net`` holds no skorch net.
        """
        self._validate_params()
        self._check_params()
        self._read_net()
        data = self._encode(*self._check(X, y, reset=True))
        self._fit(data)
        self._codes = data.codes
        self._seen = None if is_dataset(data.X) else RowIndex(data.X, data.codes)
        return self

    def _fit(self, data: Data) -> None:
        """Do what the subclass is for; to be given by it."""
        raise NotImplementedError

    def _check_params(self) -> None:
        """Check what constraints cannot say of parameters; may be extended."""
        net, frozen = unwrap(self.net)
        if frozen and not isinstance(net, NeuralNet):
            kind = type(net).__name__
            raise TypeError(f"net: FrozenEstimator must hold a skorch net, not {kind}.")
        if frozen and not net.initialized_:
            raise NotFittedError("net: FrozenEstimator holds a net that is not fitted.")
        if frozen and self._needs is not NetNeed.TRAINED:
            raise ValueError(
                f"net: {type(self).__name__} needs {self._needs.value}, which a "
                "FrozenEstimator does not allow; pass the net itself."
            )

    def _check(
        self, X: Any, y: Any, *, reset: bool = False
    ) -> tuple[Any, np.ndarray | None]:
        """Return samples and labels as arrays; a Dataset goes through as it is.

        Labels may be missing after the fit, or where the net's loss needs none.
        """
        if is_dataset(X):
            return self._check_dataset(X, y, reset)
        X, y = _to_cpu(X), _to_cpu(y)
        options = {"dtype": self._dtype, "allow_nd": True, "reset": reset}
        if self._takes_indices and np.asarray(X).dtype.kind in "iu":
            options["dtype"] = np.int64
        if reset:
            options["ensure_min_samples"] = 2
        if y is None and not (reset and self._needs_labels()):
            X = validate_data(self, X, **options)
        elif y is None or wants_classes(self._inner_net(), np.asarray(y)):
            X, y = validate_data(self, X, y, **options)
        else:
            options |= {"multi_output": True, "y_numeric": True}
            X, y = validate_data(self, X, y, **options)
        if reset:
            self._row_shape = X.shape[1:]
        elif self._row_shape is not None and X.shape[1:] != self._row_shape:
            raise ValueError(
                f"X: rows of shape {self._row_shape} were fitted, got {X.shape[1:]}."
            )
        return X, y

    def _check_dataset(self, X: Any, y: Any, reset: bool) -> tuple[Any, None]:
        if y is not None:
            raise ValueError("y: must be None where X is a Dataset, which has targets.")
        if self.net is None:
            raise ValueError("net: None makes a net for arrays; a Dataset needs one.")
        if not hasattr(X, "__len__"):
            raise TypeError("X: a Dataset must have a length, to ask twice for a row.")
        if reset and len(X) < 2:
            raise ValueError(f"X: at least 2 samples are needed, got {len(X)}.")
        if reset:
            self._row_shape = None
        return X, None

    def _read_net(self) -> None:
        """Learn what the net computes in, from an instance of it."""
        self._dtype, self._takes_indices = np.dtype(np.float32), False
        if self.net is not None:
            net, frozen = unwrap(self.net)
            net = net if frozen else initialised(net)
            self._dtype, self._takes_indices = dtype_of(net), takes_indices(net)

    def _encode(self, X: Any, y: np.ndarray | None) -> Data:
        """Find the labels' coding, and refuse what the net could not take."""
        self._labelled = y is not None or is_dataset(X)
        if self.net is None:
            self._coding: Coding = coding_of(
                None, y, frozen=False, dtype=self._dtype, n_outputs=None
            )
            self.classes_ = self._coding.classes
            codes = self._coding.encode(y)
            return Data(X, codes, self._coding.targets(codes))
        net, frozen = unwrap(self.net)
        probe = revive(snapshot(net)) if frozen else initialised(net)
        width = n_outputs(probe, _few(X))
        if is_dataset(X):  # whose targets are as the net takes them
            y, frozen = targets_of(probe, X), True
        if self._labelled:
            self._coding = coding_of(
                net, y, frozen=frozen, dtype=self._dtype, n_outputs=width
            )
            codes = self._coding.encode(y)
        else:
            self._coding = RegressionTargets(self._dtype, ())
            codes = np.zeros(len(X), self._dtype)
        data = Data(X, codes, None if is_dataset(X) else self._targets(codes))
        check_loss(probe, _few(X), None if data.targets is None else data.targets[:2])
        if isinstance(self._coding, ClassLabels):
            self.classes_ = self._coding.classes
        if is_row_by_row(probe):
            warn_caller(
                "The net's criterion has no `reduction`, so losses are taken sample "
                "by sample, which is slow.",
                SlowCriterionWarning,
            )
        return data

    def _train(
        self, data: Data, net_seed: int, trial_seed: int
    ) -> tuple[TrainedNet, Trial | None]:
        """Train the net, if it is not; the default net needs a trial for it.

        ``memory`` caches it: estimators with equal nets, data and seeds share it.
        """
        if isinstance(self.net, FrozenEstimator):
            return snapshot(self.net.estimator), None
        net, trial = self._recipe(data, trial_seed)
        memory, training = check_memory(self.memory), (net, data.X, data.targets)
        recorded = memory.cache(train_with_trajectory)
        if recorded.check_call_in_cache(*training, net_seed, self._has_classes()):
            done = recorded(*training, net_seed, self._has_classes())
            return done.trained, trial
        return memory.cache(train)(*training, net_seed), trial

    def _record(self, data: Data, net_seed: int, trial_seed: int) -> Trajectory:
        """Train the net as :meth:`_train` does, and record how it went.

        ``memory`` caches the one training for all estimators. Outputs are kept only
        where samples have classes: elsewhere they are as large as the targets.
        """
        net, _ = self._recipe(data, trial_seed)
        recorded = check_memory(self.memory).cache(train_with_trajectory)
        return recorded(net, data.X, data.targets, net_seed, self._has_classes())

    def _recipe(self, data: Data, trial_seed: int) -> tuple[NeuralNet, Trial | None]:
        """Return the net to train, after a trial where one says for how many epochs."""
        net = self._blank(data)
        stops = self._stops_early() and net.max_epochs > 1
        if self.net is not None and not stops:
            return net, None
        find = stop_default_net if self.net is None else stop_given_net
        trial, n_epochs = check_memory(self.memory).cache(find)(
            net, data.X, data.targets, self._strata(data), trial_seed
        )
        return net.set_params(max_epochs=n_epochs), trial

    def _stops_early(self) -> bool:
        """Return whether a given net is trained no further than held-out loss falls."""
        return False

    def _strata(self, data: Data) -> np.ndarray | None:
        """Return what trials are split by."""
        return data.codes if self._has_classes() else None

    def _blank(self, data: Data) -> NeuralNet:
        """Return an unfitted net: a clone of the given one, or one for the data."""
        if self.net is None:
            return make_default_net(data.X, len(self.classes_))
        self._warn_of_training(self.net)
        return clone(self.net)

    def _has_classes(self) -> bool:
        """Return whether the labels are classes; known once they are encoded."""
        return isinstance(self._coding, ClassLabels)

    def _warn_of_training(self, net: NeuralNet) -> None:
        if net.initialized_:
            message = "net was fitted already; a clone of it is trained anew."
            if self._needs is NetNeed.TRAINED:
                message += (
                    " To judge by its present weights, pass FrozenEstimator(net)."
                )
            warn_caller(message, RefitWarning)
        if holds_rows_out(net):
            warn_caller(
                "net holds rows out of its training by its train_split; it cannot "
                "memorise their labels. Pass train_split=None to train on all.",
                HeldOutRowsWarning,
            )

    def _was_fitted_on(self, data: Data) -> bool:
        """Return whether data are those of the last fit; targets tell a Dataset."""
        if is_dataset(data.X) or self._seen is None:
            alike = is_dataset(data.X) and self._seen is None
            return alike and np.array_equal(self._codes, data.codes)
        return self._seen.equals(data.X, data.codes)

    def _query(
        self, X: Any, y: Any, trained: TrainedNet, *, warn: bool = True
    ) -> Query:
        """Find which samples ``fit`` saw, and what their labels are.

        Without y, a row that ``fit`` saw has the label it had there, and any other
        the label that the trained net predicts, with a warning if ``warn``.
        """
        X, y = self._check(X, y)
        if is_dataset(X):
            codes = self._coding.encode(targets_of(revive(trained), X))
            return Query(X, codes, None, np.full(len(X), -1))
        codes = None if y is None else self._coding.encode(y)
        nowhere = np.full(len(X), -1)
        index = nowhere if self._seen is None else self._seen.find(X, codes)
        if codes is None:
            codes, new = self._codes[index], index < 0
            if new.any() and self._labelled:
                codes[new] = self._predicted(X[new], trained, warn)
        return Query(X, codes, self._targets(codes), index)

    def _predicted(self, X: np.ndarray, trained: TrainedNet, warn: bool) -> np.ndarray:
        """Return the codes that the net predicts for rows without labels."""
        if warn:
            warn_caller(
                f"{len(X)} rows were not seen in fit and came without labels; the "
                "labels that the net predicts stand in. Pass y to judge given ones.",
                UnlabelledRowsWarning,
            )
        filler = self._targets(np.zeros_like(self._codes[:1]).repeat(len(X), axis=0))
        with seeded(0):
            return self._coding.code_of(evaluate(revive(trained), X, filler).outputs)

    def _targets(self, codes: np.ndarray) -> np.ndarray | None:
        return self._coding.targets(codes) if self._labelled else None

    def _inner_net(self) -> NeuralNet | None:
        return None if self.net is None else unwrap(self.net)[0]

    def _needs_labels(self) -> bool:
        """Return whether the net's loss is of labels; a plain net's need not be."""
        net = self._inner_net()
        return net is None or is_classifier(net) or is_regressor(net)

    def _require_fitted(self) -> None:
        check_is_fitted(self)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = self._needs_labels()
        tags.input_tags.three_d_array = True
        return tags


def _few(values: Any) -> Any:
    """Return two samples; of a Dataset its beginning."""
    return take(values, None, np.arange(2))[0]


def _to_cpu(values: Any) -> Any:
    return values.detach().cpu().numpy() if torch.is_tensor(values) else values

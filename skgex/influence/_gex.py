"""GEX: influence through a geometric ensemble, as a feature map."""

from functools import partial
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from sklearn.utils import ClassifierTags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted
from skorch.utils import is_dataset

from skgex._base.fitted_rows import FittedRows
from skgex._base.net_estimator import NetEstimator, validate
from skgex._base.parameters import Interval, StrOptions, fit_context
from skgex._base.validation import skorch_net
from skgex._data.label_coding import ClassLabels, wants_classes
from skgex._data.records import Data, Query, take
from skgex._ensemble.ensemble_evaluation import EnsembleEvaluation
from skgex._ensemble.statistics import (
    MAX_LOSS,
    influence,
    log_likelihoods,
)
from skgex._nets.snapshot import TrainedNet
from skgex.influence._ensemble_map import (
    ENSEMBLE_CONSTRAINTS,
    FittedEnsemble,
    Ranking,
    fit_ensemble,
    self_influence_of,
)
from skgex.influence._feature_map import FeatureMap, unknown_labels


def predicts_classes(estimator: "GEX") -> bool:
    """Return whether labels are classes: those of the fit, or before it of the net."""
    if hasattr(estimator, "_rows"):
        return isinstance(estimator._rows.coding, ClassLabels)
    return wants_classes(skorch_net(estimator.net), None)


class GEX(FeatureMap, NetEstimator):
    """Influence through a geometric ensemble (Kim et al. 2023).

    A net is trained, which gives the weights θ*. It is then fine-tuned by SGD, several
    times and with other batches each time, which gives M nearby nets θ_1, ..., θ_M, the
    members of the ensemble. A sample z is mapped to M features, its loss deviations
    Δℓ(z, θ_m) = ℓ(z, θ_m) − ℓ(z, θ*): by how much its loss ℓ, in nats for a likelihood,
    differs under each member.

    Influence is the mean product of loss deviations,
    I(z, z') = 1/M Σ_m Δℓ(z, θ_m) Δℓ(z', θ_m). It is high for two samples whose losses
    rise and fall together. Self-influence I(z, z) is high for a sample that the net had
    to memorise: its loss rises as soon as the net moves.

    Do not use the output of ``transform`` as features for a classifier: loss deviations
    leak the label.

    Parameters
    ----------
    net : skorch.NeuralNet, FrozenEstimator or None, default=None
        The net whose loss is used. A skorch net is cloned and the clone is trained.
        ``FrozenEstimator(net)`` is used with its present weights. None trains a small
        MLP, for class labels only, until its loss on held-out rows stops falling; on
        wide data, such as texts, a linear net unless an MLP predicts held-out labels
        better.
    n_members : int or "auto", default=16
        M, the number of members. More members make the ranking of rows less random, at
        a proportional cost. "auto" grows 16, 32 or 64, until the ranking is stable: an
        infinite ensemble would confirm an estimated 95% of the rows of highest
        self-influence, on average over all depths down to a fifth of the rows. A
        warning is raised if 64 are too few. It compares two halves of the members and
        holds their predictions meanwhile.
    n_steps : int or "auto", default="auto"
        T, the number of mini-batch steps for which each member is fine-tuned. More
        steps move members further from the trained net. "auto" is one pass over the
        data, but at least 64 steps.
    lr : float or "auto", default="auto"
        Learning rate of the fine-tuning. A higher rate moves members further from the
        trained net. "auto" takes the highest rate at which a short trial
        ensemble predicts held-out labels about as well as at the best rate tried; rates
        above 0.2 only if these labels become clearly more probable there. The choice
        takes about as many steps as one more training of the net.
    momentum : float, default=0.9
        Momentum of the SGD steps, in [0, 1). A larger value moves members further.
    schedule : {"cosine", "constant"}, default="cosine"
        How the learning rate changes over the steps. "cosine" lets it fall to zero as
        half a cosine wave. "constant" keeps it and clips the norm of the gradient at 1.
    chain : bool, default=False
        If True, start each member from the one before it instead of from the trained
        net, as the official code does. Members of a chain cannot be made in parallel.
    max_samples : float, default=1.0
        Share of the rows, in (0, 1], on which each member is fine-tuned. Below 1, each
        fitted row is scored only by the members that were not fine-tuned on it.
    loss_floor : float, default=0.0
        Lower bound, in nats, on the loss under the trained net: a smaller loss counts
        as this. A larger value lowers the loss deviations of rows that the net fits
        well (official code: 0.05). 0 sets no bound.
    keep_members : bool, default=True
        Keep the members' weights. If False, only rows seen in ``fit`` can be scored;
        parallel workers then return losses instead of weights.
    warm_start : bool, default=False
        If True, ``fit`` continues from the last fit on the same data: the net is not
        trained again, a learning rate that was chosen is kept, and only missing members
        are fine-tuned. A smaller ``n_members`` costs nothing. Each member's predictions
        for the fitted rows are held in memory for this. In float32,
        values may differ from those of all members at once by some 1e-7 of the
        largest one, since small nets round differently in groups of other sizes.
    memory : str, joblib.Memory or None, default=None
        Directory or ``joblib.Memory`` that caches the trained net, the chosen learning
        rate and the members, for a later fit with the same net, data and seed. A search
        over the other parameters trains one net per fold; a larger ``n_members`` reuses
        the members already cached. ``joblib.Memory(path, mmap_mode="r")`` leaves the
        members on disk if there are too many for memory. A fit that was
        interrupted goes on where it was. None caches nothing.
    n_jobs : int or None, default=None
        Number of members that joblib fine-tunes in parallel; -1 uses all processors,
        None means 1 outside of ``joblib.parallel_config``. Results do not depend on it.
    verbose : int, default=0
        If above 0, show on stderr how far ``fit`` is, and the time left: as a bar in a
        terminal or notebook, elsewhere as a line every ten seconds. If above 1, also
        print how many seconds each phase took.
    random_state : int, RandomState or None, default=None
        Seed of all that is random, such as initial weights and the order of batches.
        Pass an int for the same results every time. The global random states of
        Python, NumPy and PyTorch are left as they were.

    Attributes
    ----------
    ensemble_ : GeometricEnsemble
        The trained net and its members.
    classes_ : ndarray of shape (n_classes,)
        Class labels, in the order of the net's outputs. Only if labels are classes.
    lr_ : float
        The learning rate of the members.
    n_members_ : int
        Number of members.
    n_steps_ : int
        Number of mini-batch steps of each member.
    n_features_in_ : int
        Number of features (the length of the second axis of X).
    self_influence_ : ndarray of shape (n_samples,), dtype=float64
        Self-influence of the fitted rows, in nats², higher = more suspicious.

    References
    ----------
    Kim, S., Kim, K. and Yang, E. "GEX: A flexible method for approximating influence
    via Geometric Ensemble." NeurIPS 2023.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skgex.influence import GEX
    >>> X, y = load_iris(return_X_y=True)
    >>> GEX(n_members=4, random_state=0).fit_transform(X, y).shape
    (150, 4)
    """

    _parameter_constraints: dict = {  # noqa: RUF012
        **NetEstimator._net_constraints,
        **ENSEMBLE_CONSTRAINTS,
        "n_members": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "max_samples": [Interval(Real, 0, 1, closed="right")],
        "loss_floor": [Interval(Real, 0, None, closed="left")],
        "keep_members": ["boolean"],
        "warm_start": ["boolean"],
    }

    # What the last fit made, besides ``_rows``; absent before the first one.
    _fitted: FittedEnsemble

    def __init__(
        self,
        net=None,
        *,
        n_members=16,
        n_steps="auto",
        lr="auto",
        momentum=0.9,
        schedule="cosine",
        chain=False,
        max_samples=1.0,
        loss_floor=0.0,
        keep_members=True,
        warm_start=False,
        memory=None,
        n_jobs=None,
        verbose=0,
        random_state=None,
    ):
        self.net = net
        self.n_members = n_members
        self.n_steps = n_steps
        self.lr = lr
        self.momentum = momentum
        self.schedule = schedule
        self.chain = chain
        self.max_samples = max_samples
        self.loss_floor = loss_floor
        self.keep_members = keep_members
        self.warm_start = warm_start
        self.memory = memory
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None, *, groups: Any = None) -> Self:
        """Train the net, and grow the ensemble around it.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features) or \
                (n_samples, ...), dict of array-like, or Dataset
            Samples, of any shape that the net takes; a dict of arrays for a module that
            takes them by these names; or a torch Dataset of pairs (sample, target).
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Labels or regression targets, as given, noise and all. None with a Dataset.
        groups : array-like of shape (n_samples,), default=None
            Which rows belong together, such as near-copies of one subject. Wherever
            the fit holds rows out of a training, it holds out whole groups, so that
            no net is tested on near-copies of what it was trained on. With
            ``max_samples`` below 1, each member leaves out whole groups as well.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If X, y or groups are unfit for the net or for each other, or a parameter is
            impossible.
        TypeError
            If ``net`` is a FrozenEstimator that holds no skorch net.
        """
        data, rows = validate(self, X, y, groups)
        fitted = self._fit_ensemble(data, rows, self._influence_ranking())
        self._keep(rows, self._attributes(fitted))
        return self

    @available_if(predicts_classes)
    def predict_proba(self, X: Any) -> np.ndarray:
        """Return class probabilities, averaged over the members.

        If ``max_samples`` is below 1, those of a row seen in ``fit`` are averaged only
        over the members that were not fine-tuned on it.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, ...), or Dataset
            Samples.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``.
        """
        outputs = self._evaluate(self._query(X, None, warn=False), warn=False).outputs
        return self._rows.coding.probabilities(outputs)

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Return the mean log-likelihood of labels under the averaged prediction.

        It serves to choose parameters by held-out labels, of which some may be wrong.
        Parameters of a clearly higher score find more of the wrong labels. Of learning
        rates with similar scores, higher ones find more.

        Parameters
        ----------
        X, y : array-like of shape (n_samples, ...)
            Samples and their labels, as for :meth:`transform`. A label not seen in
            ``fit`` has the probability zero, which counts as exp(-87.3).
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples in the mean.

        Returns
        -------
        score : float
            In nats, higher is better. For regression targets: the mean, over the
            samples, of the log of the members' mean of exp(-loss).
        """
        query = self._query(X, y, warn=False)
        found, coding = self._evaluate(query, warn=False), self._rows.coding
        each = log_likelihoods(coding, query.codes, found.outputs, found.losses)
        return float(np.average(each, weights=sample_weight))

    def _fit_ensemble(
        self,
        data: Data,
        rows: FittedRows,
        rank: Ranking,
        *,
        stops_early: bool = False,
        splits_start: bool = False,
    ) -> FittedEnsemble:
        """Fit the ensemble, or go on from the last fit; nothing is written to self."""
        last = self._last_fit(rows) if self.warm_start else None
        return fit_ensemble(
            self,
            data,
            last.seeds if last else self._draw_seeds(),
            rank=rank if self.n_members == "auto" else None,
            stops_early=stops_early,
            max_samples=self._share_of_rows(data),
            keep_members=self.keep_members,
            loss_floor=float(self.loss_floor),
            splits_start=splits_start,
            last=last,
            keeps_cache=self.warm_start,
        )

    def _share_of_rows(self, data: Data) -> float:
        """Return the share of the rows that each member is fine-tuned on."""
        return float(self.max_samples)

    def _last_fit(self, rows: FittedRows) -> FittedEnsemble | None:
        """Return the last fit, if a new one can go on from it."""
        if not hasattr(self, "_fitted"):
            return None
        if self.lr == "auto" and self._fitted.choice is None:
            return None
        if not self._rows.equal(rows):
            raise ValueError(
                "X, y: warm_start=True goes on from the last fit, which was on other "
                "data or groups; set warm_start=False to start from the beginning."
            )
        return self._fitted

    def _attributes(self, fitted: FittedEnsemble) -> dict[str, Any]:
        """Return what a fit sets, except for what subclasses make of it."""
        return {
            **fitted.attributes(),
            "n_members_": fitted.evaluation.n_members,
            "self_influence_": fitted.self_influence(fitted.evaluation),
            "_fitted": fitted,
        }

    def _influence_ranking(self) -> Ranking:
        return partial(self_influence_of, loss_floor=float(self.loss_floor))

    @property
    def _trained(self) -> TrainedNet:
        return self._fitted.ensemble.trained

    @property
    def _n_features_out(self) -> int:
        return self._fitted.evaluation.around_trained().n_members

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        # No classifier, but scikit-learn's checks read it of what predicts classes.
        tags.classifier_tags = ClassifierTags()
        return tags

    def _query(self, X: Any, y: Any, *, warn: bool = True) -> Query:
        check_is_fitted(self)
        forgotten = self._fitted.ensemble.members is None
        query = self._find(X, y, self._trained, warn=warn and not forgotten)
        if forgotten and query.new.any():
            raise ValueError(
                f"X: {query.new.sum()} rows were not seen in fit with these labels; "
                "keep_members=False dropped the members that could score them."
            )
        return query

    def _evaluate(self, query: Query, *, warn: bool = True) -> EnsembleEvaluation:
        """Take the losses of fitted rows from the fit, and compute those of others."""
        fitted = self._fitted
        if is_dataset(query.X):
            evaluation = fitted.ensemble.evaluate(query.X, n_jobs=self.n_jobs).finite()
            unknown = unknown_labels(query, self._rows.coding, warn=warn)
            evaluation.losses[unknown], evaluation.reference[unknown] = MAX_LOSS, 0
            return evaluation
        evaluation, new = fitted.evaluation.take(query.index), query.new
        if not new.any():
            return evaluation
        rows = take(query.X, query.targets, new)
        computed = fitted.ensemble.evaluate(*rows, n_jobs=self.n_jobs).finite()
        unknown = unknown_labels(query, self._rows.coding, warn=warn)[new]
        # As improbable as can be under every member, from no loss at all.
        computed.losses[unknown], computed.reference[unknown] = MAX_LOSS, 0
        evaluation.put(new, computed)
        return evaluation

    def _features(self, query: Query) -> np.ndarray:
        return self._fitted.deviations(self._evaluate(query))

    def _self_influence(self, query: Query) -> np.ndarray:
        return self._fitted.self_influence(self._evaluate(query))

    def _influence(self, query: Query, others: Query) -> np.ndarray:
        return influence(self._features(query), self._features(others))

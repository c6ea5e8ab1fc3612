"""GEXPruner: rows whose absence would not be noticed."""

from numbers import Real
from typing import Any, Self

import numpy as np

from skgex._base.parameters import Interval, StrOptions, fit_context
from skgex._ensemble.ensemble_evaluation import EnsembleEvaluation
from skgex.influence import GEX
from skgex.influence._ensemble_map import self_influence_of
from skgex.pruning._pruner_mixin import PrunerMixin


class GEXPruner(PrunerMixin, GEX):
    """Prune a data set by self-influence under a geometric ensemble.

    A row of low self-influence has its loss settled by the others: whether it was
    trained on makes no difference. ``predict`` gives masks, True = can be pruned;
    ``transform`` keeps every row.

    Noisy rows have a high self-influence, so they are among the rows that are kept.
    Detect and drop them first, or ask both with one ensemble: ``self_influence_`` of a
    fitted :class:`skgex.GEXDetector` is what :func:`skgex.pruning.prune_mask` takes.
    Its members are at the rate that tells noise, and prune about as well.

    Parameters
    ----------
    net : skorch.NeuralNet, FrozenEstimator or None, default=None
        The net whose loss is meant. A skorch net is cloned and trained;
        ``FrozenEstimator(net)`` is taken as it was trained. None makes a small MLP,
        for classes, trained for as long as the loss of held-out rows falls.
    prune : float or int, default=0.1
        Share of the rows to prune, in [0, 1), or their number.
    class_balance : float or "auto", default="auto"
        This part of the pruned rows, in [0, 1], is taken evenly from the classes.
        "auto" is one half where labels are classes, lest easy ones be all but gone
        (docs/figures.md), and 0 where they are values.
    n_members : int or "auto", default=16
        M, the number of checkpoints. "auto" makes 16, 32 or 64: as many as it takes
        until an estimated 95% of the rows of lowest self-influence, up to a fifth of
        all, are those of an infinite ensemble. It compares two halves of the members,
        and holds their predictions meanwhile.
    n_steps : int or "auto", default="auto"
        T, the mini-batch steps that each member is fine-tuned for. "auto" makes one
        pass over the data, or 64 steps if these are more.
    lr : float or "auto", default=0.01
        Learning rate of the fine-tuning. What can be pruned shows close to the net, at
        the paper's low rate. "auto" takes the highest one, up to 0.2, that costs short
        ensembles little of the log-likelihood of held-out labels; the choice costs no
        more steps than one more training of the net.
    momentum : float, default=0.9
        Momentum of SGD.
    schedule : {"cosine", "constant"}, default="constant"
        The rate falls to zero as a half cosine, or stays and the norm of the gradient
        is clipped at 1, as in the paper for this job.
    chain : bool, default=False
        Start each member from the one before it, as the official code does, in the
        place of θ*. Members of a chain cannot be made side by side.
    max_samples : float, default=1.0
        Share of the rows, in (0, 1], that each member is fine-tuned on. Below 1, each
        fitted row is judged by the members that did not see it.
    loss_floor : float, default=0.0
        The loss under θ* counts as at least this, in nats (official code: 0.05).
    keep_members : bool, default=True
        Keep the members' weights. Without them, the rows that ``fit`` saw are all that
        can be asked about, and members come back from other processes as losses.
    warm_start : bool, default=False
        Let ``fit`` go on from the last one, on the same data: the net is not trained
        again, a rate that was chosen stays, and only members that are not there yet
        are fine-tuned. Fewer ``n_members`` cost nothing. It holds each member's
        predictions of the fitted rows.
    memory : str, joblib.Memory or None, default=None
        Caches the trained net, the chosen rate and the members, by parameters, data
        and seed: a search over the other parameters trains one net a fold, and more
        members extend fewer. ``joblib.Memory(path, mmap_mode="r")`` leaves the members
        on disk, where there are too many for memory.
    n_jobs : int or None, default=None
        Members made side by side through joblib. Answers do not depend on it.
    verbose : int, default=0
        From 1, a progress bar over the members.
    random_state : int, RandomState or None, default=None
        All that is random follows from it. Global generators are left as they were.

    Attributes
    ----------
    ensemble_ : GeometricEnsemble
        The trained net and its members.
    classes_ : ndarray of shape (n_classes,)
        Class labels, in the order of the net's outputs. Only for classes.
    lr_ : float
        The learning rate of the members.
    n_members_ : int
        The number of members.
    n_steps_ : int
        The steps of each member.
    n_features_in_ : int
        Number of features (the length of the second axis of X).
    prune_mask_ : ndarray of shape (n_samples,), dtype=bool
        True where a fitted row can be pruned.
    self_influence_ : ndarray of shape (n_samples,), dtype=float64
        Self-influence of the fitted rows, in nats².
    threshold_ : float
        The highest self-influence of a pruned row; -inf where none is pruned.

    See Also
    --------
    skgex.GEXDetector : Wrong labels by the same ensemble.
    skgex.pruning.prune_mask : The choice of rows, for scores of any kind.

    References
    ----------
    Kim, S., Kim, K. and Yang, E. "GEX: A flexible method for approximating influence
    via Geometric Ensemble." NeurIPS 2023, section 5.3.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skgex import GEXPruner
    >>> X, y = load_iris(return_X_y=True)
    >>> pruner = GEXPruner(prune=0.2, n_members=4, random_state=0).fit(X, y)
    >>> X[pruner.get_support()].shape
    (120, 4)
    """

    _parameter_constraints: dict = {  # noqa: RUF012
        **GEX._parameter_constraints,
        **PrunerMixin._prune_constraints,
        "class_balance": [Interval(Real, 0, 1, closed="both"), StrOptions({"auto"})],
    }

    def __init__(
        self,
        net=None,
        *,
        prune=0.1,
        class_balance="auto",
        n_members=16,
        n_steps="auto",
        lr=0.01,
        momentum=0.9,
        schedule="constant",
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
        super().__init__(
            net,
            n_members=n_members,
            n_steps=n_steps,
            lr=lr,
            momentum=momentum,
            schedule=schedule,
            chain=chain,
            max_samples=max_samples,
            loss_floor=loss_floor,
            keep_members=keep_members,
            warm_start=warm_start,
            memory=memory,
            n_jobs=n_jobs,
            verbose=verbose,
            random_state=random_state,
        )
        self.prune = prune
        self.class_balance = class_balance

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> Self:
        """Train the net, grow the ensemble around it, and choose the rows to prune.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, ...), or Dataset
            Samples, of any shape that the net takes; or a torch Dataset of pairs
            (sample, target).
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Labels or regression targets, as given, noise and all. None with a Dataset.

        Returns
        -------
        self : object
            The fitted pruner.

        Raises
        ------
        ValueError
            If X or y is unfit for the net or for each other, or a parameter is
            impossible.
        TypeError
            If ``net`` is a FrozenEstimator that holds no skorch net.
        """
        data, rows = self._validate(X, y)
        self._check_prune(len(data.codes), data.strata)
        fitted = self._fit_ensemble(data, rows, self._unimportance)
        made = self._attributes(fitted)
        chosen = self._choose(made["self_influence_"], data.strata)
        self._keep(rows, made | chosen)
        return self

    def predict(self, X: Any, y: Any = None) -> np.ndarray:
        """Say which rows can be pruned.

        Parameters
        ----------
        X, y
            As for :meth:`transform`. Rows that ``fit`` saw are answered from
            ``prune_mask_``; a new one can be pruned if its self-influence is no
            higher than that of some pruned row.

        Returns
        -------
        prune_mask : ndarray of shape (n_samples,), dtype=bool
            True where a row can be pruned.
        """
        query = self._query(X, y)
        mask, new = self.prune_mask_[query.index], query.new
        if new.any():
            mask[new] = self._self_influence(query)[new] <= self.threshold_
        return mask

    def _unimportance(self, evaluation: EnsembleEvaluation) -> np.ndarray:
        """Rank what can be pruned highest: it is this end that must be stable."""
        return -self_influence_of(evaluation, float(self.loss_floor))

    def _balance(self, labels: np.ndarray | None) -> float:
        if self.class_balance != "auto":
            return float(self.class_balance)
        return 0.0 if labels is None else 0.5

"""GEXPruner: which rows could be left out of training, by a geometric ensemble."""

from numbers import Real
from typing import Any, Self

import numpy as np

from skgex._base.net_estimator import validate
from skgex._base.parameters import Interval, StrOptions, fit_context
from skgex._ensemble.ensemble_evaluation import EnsembleEvaluation
from skgex.influence import GEX
from skgex.influence._ensemble_map import self_influence_of
from skgex.pruning._pruner_mixin import PrunerMixin


class GEXPruner(PrunerMixin, GEX):
    """Prune a data set by self-influence under a geometric ensemble.

    The loss of a row of low self-influence is determined by the other rows: it makes
    no difference whether the net was trained on it. Such rows are pruned. ``predict``
    returns a mask, True = can be pruned. ``transform`` keeps every row and returns loss
    deviations, like :class:`skgex.influence.GEX`.

    Rows with a wrong label have a high self-influence, so they are among the rows that
    are kept. Detect and drop them first. Or use one ensemble for both: pass
    ``self_influence_`` of a fitted :class:`skgex.GEXDetector` to
    :func:`skgex.pruning.prune_mask`. Its members are made at a learning rate for
    detection, but prune about as well.

    Parameters
    ----------
    net : skorch.NeuralNet, FrozenEstimator or None, default=None
        The net whose loss is used. A skorch net is cloned and the clone is trained.
        ``FrozenEstimator(net)`` is used with its present weights. None trains a small
        MLP, for class labels only, until its loss on held-out rows stops falling; on
        wide data, such as texts, a linear net unless an MLP predicts held-out labels
        better.
    prune : float or int, default=0.1
        Share of the rows to prune, in [0, 1), or their number.
    class_balance : float or "auto", default="auto"
        This part of the pruned rows, in [0, 1], is taken evenly from the classes, and
        the others by their score alone. A larger value keeps more rows of classes that
        are easy to learn. "auto" is 0.5 for class labels, so that no easy class is
        pruned nearly completely (docs/figures.md), and 0 for regression targets.
    n_members : int or "auto", default=16
        M, the number of members. More members make the ranking of rows less random, at
        a proportional cost. "auto" grows 16, 32 or 64, until the ranking is stable: an
        infinite ensemble would confirm an estimated 95% of the rows of lowest
        self-influence, on average over all depths up to a fifth of the rows. A warning
        is raised if 64 are too few. It compares two halves of the members and holds
        their predictions meanwhile.
    n_steps : int or "auto", default="auto"
        T, the number of mini-batch steps for which each member is fine-tuned. More
        steps move members further from the trained net. "auto" is one pass over the
        data, but at least 64 steps.
    lr : float or "auto", default=0.01
        Learning rate of the fine-tuning. A higher rate moves members further from the
        trained net. The default is the paper's, which is low: rows that can be pruned
        show close to the net. "auto" takes the highest rate at which a short trial
        ensemble predicts held-out labels about as well as at the best rate tried; rates
        above 0.2 only if these labels become clearly more probable there. The choice
        takes about as many steps as one more training of the net.
    momentum : float, default=0.9
        Momentum of the SGD steps, in [0, 1). A larger value moves members further.
    schedule : {"cosine", "constant"}, default="constant"
        How the learning rate changes over the steps. "cosine" lets it fall to zero as
        half a cosine wave. "constant" keeps it and clips the norm of the gradient at 1,
        as in the paper for pruning.
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
        ``scores_`` may differ from those of all members at once by some 1e-7 of the
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
    prune_mask_ : ndarray of shape (n_samples,), dtype=bool
        True where a fitted row can be pruned.
    self_influence_ : ndarray of shape (n_samples,), dtype=float64
        Self-influence of the fitted rows, in nats², higher = more suspicious.
    threshold_ : float
        The highest self-influence of a pruned row; -inf if none is pruned.

    See Also
    --------
    skgex.GEXDetector : Detects wrong labels by the same kind of ensemble.
    skgex.pruning.prune_mask : The choice of rows, by scores of any kind.

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
    def fit(self, X: Any, y: Any = None, *, groups: Any = None) -> Self:
        """Train the net, grow the ensemble around it, and choose the rows to prune.

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
            The fitted pruner.

        Raises
        ------
        ValueError
            If X, y or groups are unfit for the net or for each other, or a parameter is
            impossible.
        TypeError
            If ``net`` is a FrozenEstimator that holds no skorch net.
        """
        data, rows = validate(self, X, y, groups)
        self._check_prune(len(data.codes), data.strata)
        fitted = self._fit_ensemble(data, rows, self._unimportance)
        made = self._attributes(fitted)
        chosen = self._choose(made["self_influence_"], data.strata)
        self._keep(rows, made | chosen)
        return self

    def predict(self, X: Any, y: Any = None) -> np.ndarray:
        """Return which rows can be pruned.

        Parameters
        ----------
        X, y : array-like of shape (n_samples, ...)
            As for :meth:`transform`. A row seen in ``fit`` has its value in
            ``prune_mask_``. A new row can be pruned if its self-influence is at most
            ``threshold_``.

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

"""GEXDetector: wrong labels by how a sample's loss moves in a geometric ensemble."""

from typing import Any

import numpy as np

from skgex._labels import ClassLabels
from skgex._noise_rate import noise_rate
from skgex._relabel import TARGETS
from skgex._threshold import cut_off, threshold_of
from skgex._warn import warn_caller
from skgex.base import Data, StrOptions
from skgex.detection._base import DetectorMixin
from skgex.ensemble import Answers
from skgex.ensemble._statistics import mean_over_members
from skgex.exceptions import MemorisationWarning
from skgex.influence import GEX

# The paper's statistic needs a net that fits this share of its labels: gives them a
# probability above 1/2.
MEMORISED = 0.98

# Up to this rate of noise, "otsu" flags no more rows than the rate says. Most sets
# without noise are below, all with 10 % of it above (benchmarks/false_alarms.py).
RARE = 0.02


class GEXDetector(DetectorMixin, GEX):
    """Detect noisy labels through a geometric ensemble.

    A net is trained, fine-tuned by SGD into nearby checkpoints, and each sample is
    judged by its loss under them: a label that the net had to memorise is lost as
    soon as the net moves, a label that other samples support is not.

    ``predict`` gives masks, True = noisy. The estimator is an unsupervised judge of
    its training data: scikit-learn takes it for neither a classifier nor an outlier
    detector, so pass ``cv=StratifiedKFold(shuffle=True)`` to searches over it.

    Parameters
    ----------
    net : skorch.NeuralNet, FrozenEstimator or None, default=None
        The net whose loss is meant. A skorch net is cloned and trained;
        ``FrozenEstimator(net)`` is taken as it was trained. None makes a small MLP,
        for classes, trained for as long as the loss of held-out rows falls.
    n_members : int, default=16
        M, the number of checkpoints.
    n_steps : int or "auto", default="auto"
        T, the mini-batch steps that each member is fine-tuned for. "auto" makes two
        passes over the data, or 64 steps if these are more.
    lr : float or "auto", default="auto"
        Learning rate of the fine-tuning. "auto" chooses it by the log-likelihood that
        short ensembles give to held-out labels; the choice costs no more steps than
        one more training of the net.
    momentum : float, default=0.9
        Momentum of SGD.
    schedule : {"cosine", "constant"}, default="cosine"
        The rate falls to zero as a half cosine, or stays and the norm of the gradient
        is clipped at 1.
    chain : bool, default=False
        Start each member from the one before it, as the official code does, in the
        place of θ*. Members of a chain cannot be made side by side.
    max_samples : float, default=1.0
        Share of the rows, in (0, 1], that each member is fine-tuned on. Below 1, each
        fitted row is judged by the members that did not see it.
    loss_floor : float, default=0.0
        The loss under θ* counts as at least this, in nats (official code: 0.05).
    statistic : {"mean_loss", "self_influence"}, default="mean_loss"
        What rows are ranked by: their mean loss under the members, in nats, which
        serves whether or not the net has memorised its training set; or the paper's
        mean squared loss deviation, in nats², which needs a net that has.
    threshold : {"otsu", "otsu_raw"}, str such as "10%", or float, default="otsu"
        Where the cut lies. "otsu" is Otsu's cut on the root of the statistic, and
        spares labels that the ensemble prefers to all others; where ``noise_rate_``
        is 2% or less, it flags no larger a share. "otsu_raw" is the cut on the
        statistic itself, as in the paper. An expected share of noise comes as text,
        the cut itself as a number on the statistic's scale.
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
        members extend fewer.
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
    n_steps_ : int
        The steps of each member.
    n_features_in_ : int
        Number of features (the length of the second axis of X).
    noise_mask_ : ndarray of shape (n_samples,), dtype=bool
        True where a fitted row's label is judged wrong.
    noise_rate_ : float
        Estimated share of wrong labels: of the held-out rows that served the choice of
        the rate, and of these the surer half, those whose label disagrees with the
        ensemble. Too low where noise falls on hard rows. Only for classes and
        ``lr="auto"``.
    scores_ : ndarray of shape (n_samples,), dtype=float64
        The statistic of the fitted rows, higher = more suspicious.
    self_influence_ : ndarray of shape (n_samples,), dtype=float64
        Self-influence of the fitted rows, in nats².
    suggested_labels_ : ndarray of shape (n_samples, ...)
        The class (or value) that the ensemble prefers for each fitted row.
    threshold_ : float
        What scores of noise exceed.

    See Also
    --------
    skgex.influence.GEX : The same ensemble as a feature map, without a judgement.

    References
    ----------
    Kim, S., Kim, K. and Yang, E. "GEX: A flexible method for approximating influence
    via Geometric Ensemble." NeurIPS 2023.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skgex import GEXDetector
    >>> from skgex.datasets import flip_labels
    >>> X, y = load_iris(return_X_y=True)
    >>> y_noisy, noise_mask = flip_labels(y, 0.1, random_state=0)
    >>> detector = GEXDetector(random_state=0).fit(X, y_noisy)
    >>> detector.predict(X).shape
    (150,)
    """

    _parameter_constraints: dict = {  # noqa: RUF012
        **GEX._parameter_constraints,
        "statistic": [StrOptions({"mean_loss", "self_influence"})],
        **DetectorMixin._threshold_constraints,
    }

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
        statistic="mean_loss",
        threshold="otsu",
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
        self.statistic = statistic
        self.threshold = threshold

    @property
    def noise_rate_(self) -> float:
        """Estimated share of wrong labels, see Attributes."""
        self._require_fitted()
        if self._choice is None or not isinstance(self._coding, ClassLabels):
            raise AttributeError("noise_rate_ is for classes and lr='auto' only.")
        probabilities = self._coding.probabilities(self._choice.outputs)
        return noise_rate(self._choice.codes, probabilities)

    def predict(self, X: Any, y: Any = None) -> np.ndarray:
        """Say which labels are wrong.

        Parameters
        ----------
        X, y
            As for :meth:`transform`.

        Returns
        -------
        noise_mask : ndarray of shape (n_samples,), dtype=bool
            True where the label is judged wrong.
        """
        query = self._ask(X, y, warn=True)
        return self._flags(self._answer_query(query, warn=True), query.codes)

    def scores(self, X: Any, y: Any = None) -> np.ndarray:
        """Return how suspicious labels are.

        Parameters
        ----------
        X, y
            As for :meth:`transform`.

        Returns
        -------
        scores : ndarray of shape (n_samples,), dtype=float64
            The statistic, higher = more suspicious: in nats for "mean_loss", in nats²
            for "self_influence".
        """
        return self._statistic(self._answer(X, y))

    def relabel(self, kind: str = "hard") -> np.ndarray:
        """Return the labels of the fitted rows, with new ones for those judged wrong.

        Parameters
        ----------
        kind : {"hard", "probabilities", "influence"}, default="hard"
            What a wrong label becomes: the class (or value) that the ensemble prefers;
            the ensemble's class probabilities; or the targets of Kong, Shen and Huang
            (2022), see :func:`skgex.cleaning.influence_targets`.

        Returns
        -------
        labels : ndarray of shape (n_samples, ...) or (n_samples, n_classes)
            Labels as ``fit`` takes them if "hard"; otherwise targets in the order of
            ``classes_``, dtype float64, with which a net can be trained on the cross
            entropy of probabilities. See :func:`skgex.cleaning.weighted_rows` for
            estimators that take classes only.
        """
        self._require_fitted()
        if kind not in TARGETS:
            raise ValueError(f"kind: must be one of {list(TARGETS)}, got {kind!r}.")
        codes, mask, outputs = self._codes, self.noise_mask_, self._answers.outputs
        classes = isinstance(self._coding, ClassLabels)
        if kind != "hard" and not classes:
            raise ValueError(f"kind: {kind!r} needs classes, the labels are values.")
        if kind != "hard":
            return TARGETS[kind](codes, mask, outputs)
        given = self.classes_[codes] if classes else self._coding.decode(codes)
        wrong = mask.reshape(-1, *[1] * (given.ndim - 1))
        return np.where(wrong, self.suggested_labels_, given)

    def _check_params(self) -> None:
        super()._check_params()
        self._check_threshold()

    def _fit(self, data: Data) -> None:
        super()._fit(data)
        self.scores_ = self._statistic(self._answers)
        self.threshold_ = self._cut()
        self.noise_mask_ = self._flags(self._answers, data.codes)
        self.suggested_labels_ = self._coding.decode(self._answers.outputs)
        if self.statistic == "self_influence":
            self._warn_of_missing_memory()

    def _cut(self) -> float:
        cut = threshold_of(self.scores_, self.threshold)
        rate = getattr(self, "noise_rate_", 1.0)
        if self.threshold == "otsu" and rate <= RARE:
            return max(cut, cut_off(self.scores_, rate))
        return cut

    def _flags(self, answers: Answers, codes: np.ndarray) -> np.ndarray:
        mask = self._statistic(answers) > self.threshold_
        if self.threshold == "otsu" and isinstance(self._coding, ClassLabels):
            # Otsu cuts every data set in two, one without noise as well.
            mask &= self._coding.code_of(answers.outputs) != codes
        return mask

    def _statistic(self, answers: Answers) -> np.ndarray:
        if self.statistic == "mean_loss":
            return mean_over_members(answers.losses, answers.counted)
        return self._self_influence(answers)

    def _warn_of_missing_memory(self) -> None:
        if not isinstance(self._coding, ClassLabels):
            return
        memorised = float(np.mean(self._answers.reference < np.log(2)))
        if memorised < MEMORISED:
            warn_caller(
                f"The net fits {memorised:.0%} of its training labels. Self-influence "
                "finds noise that was memorised: train longer, without augmentation "
                "or regularisation, or use statistic='mean_loss'.",
                MemorisationWarning,
            )

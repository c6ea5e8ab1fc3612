"""GEXDetector: wrong labels by the loss of samples in a geometric ensemble."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Self

import numpy as np
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skgex._base.net_estimator import validate
from skgex._base.parameters import StrOptions, fit_context
from skgex._base.validation import check_query_input
from skgex._data.records import Data, Query, take
from skgex._ensemble.ensemble_evaluation import EnsembleEvaluation
from skgex._utils.progress import expect, phase
from skgex.detection._detector_mixin import DetectorMixin
from skgex.detection._doubts import (
    Doubt,
    doubts_of_noise,
    doubts_of_precision,
    warn_of,
)
from skgex.detection._explanation import (
    Explanation,
    check_n_neighbors,
    explain,
    rows_to_explain,
)
from skgex.detection._held_out import HeldOutLabels
from skgex.detection._issues import JudgedRows
from skgex.detection._label_noise import (
    CLASS_CONDITIONAL,
    INSTANCE_DEPENDENT,
    noise_matrix,
    own_even_odds,
)
from skgex.detection._memorisation import (
    doubts_if_memorised,
    doubts_unless_memorised,
)
from skgex.detection._neighbours import Neighbours, fit_neighbours
from skgex.detection._noise_model import NoiseModel, fit_noise_model, prefers_label
from skgex.detection._ranking import STATISTICS, Ranking, mean_relative_losses
from skgex.detection._relabelling import TARGETS
from skgex.detection._summary import Basis, NoiseEstimate
from skgex.detection._suspicious_mask import doubts_of_mask
from skgex.detection._threshold import parse_precision
from skgex.influence import GEX
from skgex.influence._ensemble_map import (
    FittedEnsemble,
    has_trial,
    stops_in_time,
)
from skgex.influence._gex import predicts_classes

JUDGEMENT = "judging the labels"

# How many epochs of the net that takes: of the default net, and of one that is given,
# which may be larger.
JUDGEMENT_WORK = 6.0, 3.0

# Half of the groups for each member: as many members score a row as learn from it.
GROUPED_SHARE = 0.5


class GEXDetector(DetectorMixin, GEX):
    """Detect wrong labels through a geometric ensemble.

    A net is trained. It is then fine-tuned by SGD, several times and with other batches
    each time, which gives M nearby nets, the members of the ensemble. Each sample is
    scored by its loss under the members. A label that the net had to memorise gets a
    high loss as soon as the net moves, a label that other samples support does not.
    A label is more suspicious if wrong labels go there: if rows of the class that the
    ensemble predicts often have just this wrong label. And it is more suspicious if
    rows that the net finds alike have other labels.

    ``predict`` returns a mask, True = flagged as wrong. To scikit-learn the estimator
    is neither a classifier nor an outlier detector, so that a parameter search does not
    stratify by itself: pass ``cv=StratifiedKFold(shuffle=True)`` to it.

    Parameters
    ----------
    net : skorch.NeuralNet, FrozenEstimator or None, default=None
        The net whose loss is used. A skorch net is cloned and the clone is trained.
        ``FrozenEstimator(net)`` is used with its present weights. None trains a small
        MLP, for class labels only, until its loss on held-out rows stops falling; on
        wide data, such as texts, a linear net unless an MLP predicts held-out labels
        better.
    n_members : int or "auto", default=8
        M, the number of members. Every second one starts from a trial net, which was
        trained on part of the rows to choose the number of epochs or the learning rate
        and has not memorised the labels of the others: of 8 members, 4 start from each
        net. All start from the trained net if there is no trial, or ``net`` is a
        FrozenEstimator, with ``chain=True``, for ``statistic="self_influence"`` and for
        regression targets. And all do if ``lr="auto"`` finds that fine-tuning makes
        held-out labels clearly more probable, by more than 5% of the nats that the
        trial net has learnt: it still has much to learn, and the net that was trained
        on all rows is far ahead. More members make the ranking of rows less random, at
        a proportional cost. "auto" grows 16, 32 or 64, until the ranking is stable: an
        infinite ensemble would confirm an estimated 95% of the most suspicious rows, on
        average over all depths down to a fifth of the rows. A warning is raised if 64
        are too few. It compares two halves of the members, by the statistic without
        structure and neighbours, and holds their predictions meanwhile.
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
    max_samples : float or "auto", default="auto"
        Share of the rows, in (0, 1], on which each member is fine-tuned. Below 1, each
        fitted row is scored only by the members that were not fine-tuned on it. "auto"
        is 1.0, but 0.5 if ``fit`` is given groups: near-copies of a row would teach
        members its label.
    loss_floor : float, default=0.0
        Lower bound, in nats, on the loss under the trained net: a smaller loss counts
        as this. A larger value lowers the loss deviations of rows that the net fits
        well (official code: 0.05). 0 sets no bound.
    statistic : {"relative_loss", "mean_loss", "self_influence"}, \
            default="relative_loss"
        The score that rows are ranked by, higher = more suspicious. "mean_loss" is the
        mean loss under the members, in nats. "relative_loss" divides it by one plus the
        entropy of the ensemble's prediction in bits, because every label of a row that
        the ensemble is unsure of has a high loss. It then multiplies it by the odds of
        structure and neighbours, see ``scores_``. For regression targets it is the mean
        loss. "self_influence" is the paper's mean squared loss deviation, in nats²,
        which needs a net that has memorised its training labels.
        Losses are those of the label alone: class weights, ``pos_weight``, padding and
        label smoothing of the net's criterion do not count in them.
    threshold : {"auto", "otsu", "otsu_raw"}, str such as "precision 90%" or "10%", \
            or float, default="auto"
        Above which score a row is flagged; a higher threshold flags fewer rows. "auto"
        flags as many rows as have a ``noise_proba_`` above 1/2, those of the highest
        scores; for regression targets, and "self_influence", it is "otsu". "otsu" is
        Otsu's cut, which best divides the square roots of the scores into two groups.
        "precision 90%" flags as many labels as possible such that 90% of them should be
        wrong, by probabilities that are less sure than ``noise_proba_`` and have the
        same mean; a warning is raised if that is none. These three do not flag labels
        that the ensemble prefers to all others. "otsu_raw" is Otsu's cut on the scores
        themselves, as in the paper. Pass "10%" for an expected noise rate, or a float
        for a cut on the scale of ``scores_``.
    noise_type : {"auto", "class_conditional", "instance_dependent"}, default="auto"
        On which rows wrong labels are assumed to fall. The labels alone cannot tell a
        wrong label from a right one of a row on which classes overlap.
        "class_conditional": on all rows of a class alike. Then labels of rows where
        classes overlap are seldom flagged, and held-out labels say how many labels are
        wrong. "instance_dependent": more often on rows that are hard to learn, as
        people's labels of images are. Then each label that the ensemble clearly
        contradicts is flagged, also where classes overlap. "auto" is
        "instance_dependent" if 95% of the held-out labels are predicted, which leaves
        little overlap, or if there are no held-out labels; otherwise it is
        "class_conditional", and a warning is raised where the two differ much.
    early_stopping : bool or "auto", default="auto"
        If True, train ``net`` only until its loss on held-out rows stops falling. The
        number of epochs comes from a trial training on half of the rows, which
        ``lr="auto"`` uses, too. A net trained for longer memorises wrong labels, so
        that scores by loss find few of them. "auto" is True unless
        ``statistic="self_influence"``, which needs memorised labels. A FrozenEstimator
        is not trained; the net for None always stops early. With ``lr="auto"``, a
        warning is raised if a net that was not stopped early fits far more labels than
        it predicts for held-out rows.
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
    held_out_accuracy_ : float
        Share of the held-out labels, as given, that the trial net predicts; nan if
        there was no trial. Only if labels are classes.
    base_rate_ : float
        Share of the most frequent class: the accuracy of a guess. Only if labels are
        classes.
    n_epochs_ : int
        Number of epochs for which the net was trained.
    n_members_ : int
        Number of members.
    n_steps_ : int
        Number of mini-batch steps of each member.
    n_features_in_ : int
        Number of features (the length of the second axis of X).
    memorised_ : float
        Share of the fitted labels with a loss below log 2 under the trained net, which
        for cross entropy means a probability above 1/2. Near 1, wrong labels are among
        them: the net has memorised its training set. Only if labels are classes.
    noise_mask_ : ndarray of shape (n_samples,), dtype=bool
        True where a fitted row's label is flagged as wrong.
    noise_matrix_ : ndarray of shape (n_classes, n_classes), dtype=float64
        Estimated P(given label = column | true label = row). Each row counts for its
        given class with the probability that its label is right, and for the others
        with what the ensemble says of them. Only if labels are classes.
    noise_proba_ : ndarray of shape (n_samples,), dtype=float64
        Estimated probability that a fitted row's label is wrong, under the assumption
        ``noise_type_``. It does not depend on ``threshold``. Only if labels are
        classes.
    noise_rate_ : float
        Estimated share of wrong labels: the mean of ``noise_proba_``. 0 if X hardly
        predicts y. Only if labels are classes.
    noise_rate_std_ : float
        Standard error of ``noise_rate_``, if the assumption ``noise_type_`` holds; nan
        if X hardly predicts y. Only if labels are classes.
    noise_type_ : str
        On which rows wrong labels were assumed to fall: "class_conditional" or
        "instance_dependent". Only if labels are classes.
    scores_ : ndarray of shape (n_samples,), dtype=float64
        The statistic of the fitted rows, at least 0 for classes, higher = more
        suspicious. In nats; in nats² for "self_influence". For "relative_loss" of
        classes, it is the relative loss in nats times two factors. The first says how
        much likelier than chance wrong labels of the class that the row seems to belong
        to are this label; it is learnt from the surest rows, and 1 where wrong labels
        go everywhere alike. The second is the fifth root of the odds that one of the 30
        nearest rows has another label, by what enters the net's last layer.
    scores_std_ : ndarray of shape (n_samples,), dtype=float64
        Standard error of ``scores_``: how far they typically are from the scores by an
        infinite ensemble around the same net. NaN if fewer than two members score a
        row. It is too small with ``chain=True``, whose members are not independent. For
        "relative_loss" of suspicious rows it is too small, by a factor of 0.5 to 0.75,
        because it takes the ensemble's entropy as known.
    self_influence_ : ndarray of shape (n_samples,), dtype=float64
        Self-influence of the fitted rows, in nats², higher = more suspicious. Only the
        members that start from the trained net count, as in ``transform``.
    suggested_labels_ : ndarray of shape (n_samples, ...)
        The class that the ensemble predicts for each fitted row, or the regression
        target.
    threshold_ : float
        Rows with a score above this are flagged, unless ``threshold`` exempts labels
        that the ensemble prefers.

    See Also
    --------
    skgex.influence.GEX : The same ensemble as a feature map that flags no rows.

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
        "max_samples": [
            *GEX._parameter_constraints["max_samples"],
            StrOptions({"auto"}),
        ],
        "statistic": [StrOptions(set(STATISTICS))],
        **DetectorMixin._threshold_constraints,
        "noise_type": [StrOptions({"auto", CLASS_CONDITIONAL, INSTANCE_DEPENDENT})],
        "early_stopping": ["boolean", StrOptions({"auto"})],
    }

    _threshold_rules = ("auto", *DetectorMixin._threshold_rules)

    _knows_precision = True

    # What the last fit made of the ensemble; absent before the first one.
    _noise_model: NoiseModel
    _neighbours: Neighbours | None

    def __init__(
        self,
        net=None,
        *,
        n_members=8,
        n_steps="auto",
        lr="auto",
        momentum=0.9,
        schedule="cosine",
        chain=False,
        max_samples="auto",
        loss_floor=0.0,
        statistic="relative_loss",
        threshold="auto",
        noise_type="auto",
        early_stopping="auto",
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
        self.noise_type = noise_type
        self.early_stopping = early_stopping

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None, *, groups: Any = None) -> Self:
        """Train the net, grow the ensemble around it, and judge the labels.

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
            no net is tested on near-copies of what it was trained on. Each
            member leaves out whole groups as well, see ``max_samples``.

        Returns
        -------
        self : object
            The fitted detector.

        Raises
        ------
        ValueError
            If X, y or groups are unfit for the net or for each other, or a parameter is
            impossible.
        TypeError
            If ``net`` is a FrozenEstimator that holds no skorch net.
        """
        self._check_threshold()
        self._check_noise_type()
        data, rows = validate(self, X, y, groups)
        self._check_precision(data)
        ranking = Ranking(self.statistic, data.coding, float(self.loss_floor))
        expect({JUDGEMENT: JUDGEMENT_WORK[self.net is not None]})
        fitted = self._fit_ensemble(
            data,
            rows,
            ranking.statistics,
            stops_early=self._stops_early(),
            splits_start=ranking.splits_start,
        )
        held_out = _held_out_labels(data, fitted)
        with phase(JUDGEMENT):
            ranking, neighbours, fitted = self._lift(data, ranking, fitted, held_out)
            model = fit_noise_model(
                fitted.evaluation,
                data.codes,
                ranking,
                self.threshold,
                self.noise_type,
                held_out,
                fitted.diverged,
            )
            made = self._attributes(fitted) | self._judgement(data, fitted, model)
            made |= {"_neighbours": neighbours}
            if data.has_classes:
                made |= self._judgement_of_classes(data, fitted, model, held_out)
        doubts = tuple(self._doubts(data, made, held_out, fitted.diverged))
        warn_of(doubts)
        asked = self.threshold, data.has_classes, doubts, self.noise_type
        made |= {"_basis": Basis(*asked)}
        self._keep(rows, made)
        return self

    def predict(self, X: Any, y: Any = None) -> np.ndarray:
        """Flag wrong labels.

        Parameters
        ----------
        X, y : array-like of shape (n_samples, ...)
            As for :meth:`transform`.

        Returns
        -------
        noise_mask : ndarray of shape (n_samples,), dtype=bool
            True where the label is flagged as wrong.
        """
        query = self._query(X, y)
        return self._noise_model.flags(self._evaluate_labels(query), query.codes)

    def scores(self, X: Any, y: Any = None) -> np.ndarray:
        """Return how suspicious each label is.

        Parameters
        ----------
        X, y : array-like of shape (n_samples, ...)
            As for :meth:`transform`.

        Returns
        -------
        scores : ndarray of shape (n_samples,), dtype=float64
            The statistic, higher = more suspicious, as in ``scores_``. Neighbours are
            looked for among the fitted rows.
        """
        query = self._query(X, y)
        ranking = self._noise_model.ranking
        return ranking.scores(self._evaluate_labels(query), query.codes)

    @available_if(predicts_classes)
    def noise_proba(self, X: Any, y: Any = None) -> np.ndarray:
        """Return the estimated probability that each label is wrong.

        It rises with the relative loss, and is halved if the ensemble prefers the label
        to all others. Under the assumption "class_conditional" its mean over the fitted
        rows is the noise rate that held-out labels bear. Under "instance_dependent" it
        is 1/2 at Otsu's cut through the relative losses of the fitted rows, or at a
        higher one if hardly a held-out label contradicts a sure net. Wrong labels with
        a pattern that a net can learn are not told from right ones.

        Parameters
        ----------
        X, y : array-like of shape (n_samples, ...)
            As for :meth:`transform`.

        Returns
        -------
        noise_proba : ndarray of shape (n_samples,), dtype=float64
            Probabilities in [0, 1].
        """
        query = self._query(X, y)
        return self._noise_model.probabilities(self._evaluate(query), query.codes)

    def relabel(self, kind: str = "hard") -> np.ndarray:
        """Return the labels of the fitted rows, with new labels for flagged rows.

        Parameters
        ----------
        kind : {"hard", "probabilities", "influence"}, default="hard"
            What replaces the label of a flagged row. "hard": the class, or regression
            target, that the ensemble predicts. "probabilities": the ensemble's class
            probabilities. "influence": the target of Kong, Shen and Huang (2022), see
            :func:`skgex.cleaning.influence_targets`.

        Returns
        -------
        labels : ndarray of shape (n_samples, ...) or (n_samples, n_classes)
            For "hard", labels of the kind that ``fit`` takes. Otherwise soft targets of
            dtype float64, with classes in the order of ``classes_``: a net can be
            trained on them by the cross entropy of probabilities. For estimators that
            take class labels only, see :func:`skgex.cleaning.weighted_rows`.

        Raises
        ------
        ValueError
            If ``kind`` is unknown, or needs classes and there are none.
        """
        check_is_fitted(self)
        if kind not in TARGETS:
            raise ValueError(f"kind: must be one of {list(TARGETS)}, got {kind!r}.")
        rows, mask = self._rows, self.noise_mask_
        if kind != "hard" and rows.coding.classes is None:
            raise ValueError(
                f"kind: {kind!r} needs classes, the labels are regression targets."
            )
        if kind != "hard":
            outputs = self._fitted.evaluation.outputs
            return TARGETS[kind](rows.codes, mask, outputs)
        given = rows.coding.given(rows.codes)
        wrong = mask.reshape(-1, *[1] * (given.ndim - 1))
        return np.where(wrong, self.suggested_labels_, given)

    def explain(self, rows: Any = None, *, n_neighbors: int = 5) -> Explanation:
        """Explain why fitted rows are suspicious: which rows pull on their labels.

        A row of the same label pulls for it where the members keep, or lose, the two
        labels together. A row of another label pulls against it where one label is won
        as the other is lost. A copy of the row comes first, since what is learnt of one
        is learnt of the other; copies in a Dataset are not recognised.

        The time grows with the number of explained rows times that of all rows.

        Parameters
        ----------
        rows : int, array-like of int or mask of shape (n_samples,), default=None
            Positions among the fitted rows. None explains the flagged rows, most
            suspicious first, at most 100 of them; pass
            ``np.flatnonzero(detector.noise_mask_)`` for all.
        n_neighbors : int, default=5
            How many rows to name for, and against, each label.

        Returns
        -------
        explanation : Explanation
            Given and suggested labels with their probabilities, and the rows that pull
            for and against the given label. It can be printed, and has ``to_frame()``.

        Raises
        ------
        ValueError
            If an argument is impossible, the labels are regression targets, or there
            is only one member, from which no pull can be read.
        """
        check_is_fitted(self)
        fitted, evaluation = self._rows, self._fitted.evaluation
        if fitted.coding.classes is None:
            raise ValueError(
                "explain: needs classes, the labels are regression targets."
            )
        if evaluation.n_members < 2:
            raise ValueError("n_members: explain needs at least 2, fitted with 1.")
        check_n_neighbors(n_neighbors)
        return explain(
            evaluation,
            fitted.coding.probabilities(evaluation.outputs),
            fitted.codes,
            fitted.coding.classes,
            self.noise_proba_,
            rows_to_explain(rows, self.noise_mask_, self.scores_),
            n_neighbors,
            None if fitted.index is None else fitted.index.identity,
        )

    def _judged_rows(self) -> JudgedRows:
        rows = self._rows
        return JudgedRows(
            given=rows.coding.given(rows.codes) if rows.labelled else None,
            suggested=self.suggested_labels_,
            noise_proba=getattr(self, "noise_proba_", None),
            scores=self.scores_,
            scores_std=self.scores_std_,
            flagged=self.noise_mask_,
            names=rows.names,
        )

    def _noise_estimate(self) -> NoiseEstimate | None:
        if not self._basis.has_classes:
            return None
        return NoiseEstimate(
            rate=self.noise_rate_,
            rate_std=self.noise_rate_std_,
            noise_type=self.noise_type_,
            held_out_accuracy=self.held_out_accuracy_,
            base_rate=self.base_rate_,
        )

    def _positions(self, X: Any) -> np.ndarray:
        rows = self._rows
        return rows.find(check_query_input(self, X, None, rows.format, rows.coding)[0])

    def _check_precision(self, data: Data) -> None:
        """Refuse a precision where there are no probabilities."""
        text = self.threshold
        if isinstance(text, str) and parse_precision(text) and not data.has_classes:
            raise ValueError(
                f"threshold: {text!r} needs classes, the labels are regression targets."
            )

    def _check_noise_type(self) -> None:
        """Refuse an assumption that needs held-out labels where there are none."""
        if self.noise_type == CLASS_CONDITIONAL and not has_trial(
            self, self._stops_early()
        ):
            raise ValueError(
                f"noise_type: {CLASS_CONDITIONAL!r} needs labels that a trial holds "
                f"out, but lr={self.lr!r} and no early stopping make no trial. Pass "
                "lr='auto'."
            )

    def _lift(
        self,
        data: Data,
        ranking: Ranking,
        fitted: FittedEnsemble,
        held_out: HeldOutLabels | None,
    ) -> tuple[Ranking, Neighbours | None, FittedEnsemble]:
        """Learn from the fitted rows where wrong labels go, and find neighbours.

        Returns
        -------
        ranking : Ranking
            With the structure of the noise.
        neighbours : Neighbours or None
            None if new rows cannot be scored, or neighbours do not count.
        fitted : FittedEnsemble
            Its evaluation knows how far neighbours disagree.
        """
        if not ranking.lifts:
            return ranking, None, fitted
        evaluation, codes = fitted.evaluation, data.codes
        relative = mean_relative_losses(evaluation, data.coding)
        preferred = prefers_label(evaluation, codes, data.coding)
        cut = own_even_odds(relative, preferred, held_out)
        ranking = ranking.learn_structure(evaluation, codes, cut)
        neighbours, disagreement = self._find_neighbours(data, fitted)
        evaluation = replace(evaluation, disagreement=disagreement)
        kept = neighbours if self.keep_members else None
        return ranking, kept, replace(fitted, evaluation=evaluation)

    def _find_neighbours(
        self, data: Data, fitted: FittedEnsemble
    ) -> tuple[Neighbours, np.ndarray]:
        """Find neighbours, or take those of the last fit if the net is still that."""
        trained, last = fitted.ensemble.trained, getattr(self, "_neighbours", None)
        if last is not None and last.trained is trained:
            known = self._fitted.evaluation.disagreement
            assert known is not None  # kept together
            return last, known
        seed = fitted.seeds.method
        return fit_neighbours(trained, data.X, data.targets, data.codes, seed)

    def _evaluate_labels(self, query: Query) -> EnsembleEvaluation:
        """Evaluate samples, and find the neighbours of those that are new."""
        evaluation, new = self._evaluate(query), query.new
        if self._neighbours is None or not new.any():
            return evaluation
        rows = take(query.X, query.targets, None if new.all() else new)
        disagreement = np.empty(len(new))
        if evaluation.disagreement is not None:
            disagreement = evaluation.disagreement
        disagreement[new] = self._neighbours.disagreement(*rows, query.codes[new])
        return replace(evaluation, disagreement=disagreement)

    def _judgement(
        self, data: Data, fitted: FittedEnsemble, model: NoiseModel
    ) -> dict[str, Any]:
        """Return the attributes that the ensemble and the noise model give."""
        evaluation, codes, coding = fitted.evaluation, data.codes, data.coding
        return {
            "n_epochs_": len(fitted.ensemble.trained.history),
            "scores_": model.ranking.scores(evaluation, codes),
            "scores_std_": model.ranking.standard_errors(evaluation, codes),
            "threshold_": model.cut,
            "noise_mask_": model.flags(evaluation, codes),
            "suggested_labels_": coding.decode(evaluation.outputs),
            "_noise_model": model,
        }

    def _judgement_of_classes(
        self,
        data: Data,
        fitted: FittedEnsemble,
        model: NoiseModel,
        held_out: HeldOutLabels | None,
    ) -> dict[str, Any]:
        """Return the attributes that are known of class labels only."""
        evaluation, codes, noise = fitted.evaluation, data.codes, model.noise
        assert noise is not None
        noise_proba = model.probabilities(evaluation, codes)
        probabilities = data.coding.probabilities(evaluation.outputs)
        flow = model.ranking.flow(probabilities.shape[1])
        base = np.bincount(codes, minlength=data.n_classes).max() / len(codes)
        return {
            "memorised_": float(np.mean(evaluation.reference < np.log(2))),
            "held_out_accuracy_": np.nan if held_out is None else held_out.accuracy,
            "base_rate_": float(base),
            "noise_type_": noise.assumption,
            "noise_proba_": noise_proba,
            "noise_rate_": float(noise_proba.mean()),
            "noise_rate_std_": noise.rate.std,
            "noise_matrix_": noise_matrix(codes, noise_proba, probabilities, flow),
        }

    def _share_of_rows(self, data: Data) -> float:
        """Return the share of the rows that each member is fine-tuned on."""
        if self.max_samples == "auto":
            return 1.0 if data.groups is None else GROUPED_SHARE
        return float(self.max_samples)

    def _stops_early(self) -> bool:
        """Return whether a given net is trained only while held-out loss falls."""
        if self.early_stopping == "auto":
            return self.statistic != "self_influence"
        return bool(self.early_stopping)

    def _doubts(
        self,
        data: Data,
        made: dict[str, Any],
        held_out: HeldOutLabels | None,
        diverged: bool,
    ) -> Iterator[Doubt]:
        """Find all that makes the flags doubtful."""
        mask = made["noise_mask_"]
        if not data.has_classes:
            yield from doubts_of_mask(mask, None, self.threshold)
            return
        yield from self._doubts_of_regime(made, held_out)
        noise = made["_noise_model"].noise
        if self.noise_type == "auto" or not noise.predictable:
            yield from doubts_of_noise(noise, held_out, made["base_rate_"])
        given = data.coding.given(data.codes)
        yield from doubts_of_mask(mask, given, self.threshold)
        precision = isinstance(self.threshold, str) and parse_precision(self.threshold)
        if precision and not diverged:
            yield from doubts_of_precision(mask, self.threshold)

    def _doubts_of_regime(
        self, made: dict[str, Any], held_out: HeldOutLabels | None
    ) -> Iterator[Doubt]:
        """Doubt if the net has memorised its labels and should not have, or has not."""
        if self.statistic == "self_influence":
            yield from doubts_unless_memorised(made["memorised_"])
            return
        stops = stops_in_time(self.net, self._stops_early())
        if held_out is not None and not stops:
            yield from doubts_if_memorised(made["memorised_"], held_out.accuracy)


def _held_out_labels(data: Data, fitted: FittedEnsemble) -> HeldOutLabels | None:
    """Return class labels that the trial held out, with what it predicts."""
    if fitted.held_out is None or not data.has_classes:
        return None
    codes, outputs = fitted.held_out
    return HeldOutLabels(codes, data.coding.probabilities(outputs))

"""The methods of detection.py, around one net."""

import time

import numpy as np
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from skgex import GEXDetector, NoisyLabelDetector
from skgex.hardness import AUM, EL2N, DataMap, DeepKNN, OutOfFold, TrainingLoss
from skgex.influence import TracIn

SHIPPED = "GEXDetector()"
# The same ranking, but wrong labels are expected on hard rows.
HARD_ROWS = "hard rows"
# The same, with a user's net trained to its last epoch. The default net always stops.
UNSTOPPED = "not stopped"
# Statistic, learning rate and cut as in the paper; defaults for the rest.
PAPER = {"lr": 0.05, "statistic": "self_influence", "threshold": "otsu_raw"}


def shipped(net, X, y, seed):
    """Detect with default parameters, except for the seed and a net, if any."""
    detector = GEXDetector(net, warm_start=True, random_state=seed).fit(X, y)
    return detector, detector.scores_, detector.noise_mask_


def judged_anew(detector, X, y):
    """Flag labels of hard rows, too, by the members that are there."""
    detector.set_params(noise_type="instance_dependent").fit(X, y)
    return detector.scores_, detector.noise_mask_


def paper(net, X, y, seed):
    detector = GEXDetector(net, random_state=seed, **PAPER).fit(X, y)
    return detector.scores_, detector.noise_mask_


def unstopped(net, X, y, seed):
    detector = GEXDetector(net, early_stopping=False, random_state=seed).fit(X, y)
    return detector.scores_, detector.noise_mask_


def by(kind, **settings):
    """Return a method that ranks by a scorer and cuts by ``NoisyLabelDetector``."""

    def method(net, X, y, seed):
        scorer = kind(net, random_state=seed, **settings)
        detector = NoisyLabelDetector(scorer).fit(X, y)
        return detector.scores_, detector.noise_mask_

    return method


def cleanlab(net, X, y, seed):
    """Rank by label quality from 5 folds, and cut by cleanlab's own filter."""
    folds = OutOfFold(net, n_folds=5, random_state=seed).fit(X, y)
    return by_quality(y, folds.probabilities_)


def cleanlab_with(model):
    """Return the same around a classifier of one's own, as people do on tables."""

    def method(net, X, y, seed):
        folds = StratifiedKFold(5, shuffle=True, random_state=seed)
        own = clone(model).set_params(random_state=seed)
        rows = X.reshape(len(X), -1)
        answers = cross_val_predict(own, rows, y, cv=folds, method="predict_proba")
        return by_quality(y, answers)

    return method


def by_quality(y, probabilities):
    """Return minus the quality of each label, and cleanlab's own mask."""
    quality = get_label_quality_scores(y, probabilities)
    return -quality, find_label_issues(y, probabilities, n_jobs=1)


RIVALS = {
    UNSTOPPED: unstopped,
    "GEX, paper": paper,
    "plain loss": by(TrainingLoss),
    "EL2N": by(EL2N),
    "AUM": by(AUM),
    "DataMap": by(DataMap),
    "cleanlab": cleanlab,
    "cleanlab, forest": cleanlab_with(RandomForestClassifier(200)),
    "cleanlab, boosting": cleanlab_with(HistGradientBoostingClassifier()),
    "margin": by(OutOfFold, statistic="margin"),
    "kNN": by(DeepKNN),
    "TracIn": by(TracIn),
}
METHODS = (SHIPPED, HARD_ROWS, *RIVALS)


def timed(method, *arguments):
    """Return what a method returns, and the processor time that it took in seconds."""
    start = time.process_time()
    answer = method(*arguments)
    return *answer, time.process_time() - start


def run(X, y, net, seed, wanted):
    """Yield name, scores, mask and seconds per wanted method.

    Without a net, ``GEXDetector()`` makes one and chooses the number of epochs; the
    other methods get the same net and number.
    """
    needs_net = wanted - {"cleanlab, forest", "cleanlab, boosting"}
    if {SHIPPED, HARD_ROWS} & wanted or (net is None and needs_net):
        detector, *answer = timed(shipped, net, X, y, seed)
        yield SHIPPED, *answer
        if HARD_ROWS in wanted:
            yield HARD_ROWS, *timed(judged_anew, detector, X, y)
        if net is None:
            net = detector.ensemble_.trained.net.set_params(train_split=None)
    for name, method in RIVALS.items():
        if name in wanted:
            yield name, *timed(method, net, X, y, seed)


def top_precision(noise_mask, scores, share=0.01):
    """Return the share of wrong labels among the most suspicious rows."""
    n_top = max(1, round(share * len(scores)))
    return noise_mask[np.argsort(-scores, kind="stable")[:n_top]].mean()

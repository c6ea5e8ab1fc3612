"""What rows that the trial net was not trained on say of the labels as a whole."""

from dataclasses import dataclass

import numpy as np
from scipy.special import betaln, expit, softmax
from scipy.stats import beta

# The part of the held-out rows whose labels should be right: those that the net is
# surest of.
SURE = 0.5

# Of labels as good as right, no more than this share contradict a sure net.
SLIPS = 0.01

# The powers of the predicted probabilities among which the best is looked for before
# they are compared with the frequencies of the classes.
POWERS = np.exp(np.linspace(-3.0, 1.0, 17))

# Of a series that falls by a few percent from term to term.
N_TERMS = 10_000

# Of fewer held-out rows it is not concluded that nothing was learnt.
FEWEST = 30

# How many standard errors better than guessing a net must be that has learnt something.
CERTAINTY = 2.0


@dataclass(frozen=True, eq=False)
class HeldOutLabels:
    """Labels as given, and what a net that never saw their rows makes of them.

    Attributes
    ----------
    codes : ndarray of shape (n_held_out,), dtype=int
        Given labels, as positions among the classes.
    probabilities : ndarray of shape (n_held_out, n_classes)
        By the trial net, or a short ensemble around it.
    """

    codes: np.ndarray
    probabilities: np.ndarray

    @property
    def accuracy(self) -> float:
        """The share of the labels that the net predicts."""
        return float(self._right.mean())

    @property
    def _right(self) -> np.ndarray:
        return self.probabilities.argmax(axis=1) == self.codes

    @property
    def n_sure(self) -> int:
        """How many rows the net is surer of than of the others."""
        return max(1, round(SURE * len(self.codes)))

    @property
    def n_contradictions(self) -> int:
        """How many labels of these rows are not what the net predicts."""
        surest = np.argsort(-self.probabilities.max(axis=1), kind="stable")
        return int(np.count_nonzero(~self._right[surest[: self.n_sure]]))

    def predictable(self, frequencies: np.ndarray) -> bool:
        """Return whether the net predicts the labels better than guessing does.

        Guessing knows the frequencies of the classes. Either the labels predicted must
        be more, or their likelihood must be higher, by two standard errors. Few
        held-out rows pass, since they cannot tell.

        Parameters
        ----------
        frequencies : ndarray of shape (n_classes,)
            Of the classes among all given labels.
        """
        guess = self.codes == frequencies.argmax()
        least = np.finfo(np.float64).tiny
        # Far enough from zero that no power of it is zero.
        logits = np.log(np.maximum(self.probabilities, 1e-9))
        rows = np.arange(len(self.codes))
        likelihoods = [
            np.log(softmax(power * logits, axis=1))[rows, self.codes]
            for power in POWERS
        ]
        best = max(likelihoods, key=np.mean)
        guessed = np.log(np.maximum(frequencies, least))[self.codes]
        gains = self._right.astype(float) - guess, best - guessed
        return len(self.codes) < FEWEST or any(_above_zero(gain) for gain in gains)


def clean_probability(held_out: HeldOutLabels, flagged_share: float) -> float:
    """Return the probability that labels are as good as right.

    If they are, the rate of labels that contradict a sure net may be anything up to
    ``SLIPS``. If not, it may be anything up to the share that is flagged: it is lower
    where wrong labels are those of rows that are hard to learn. Both are taken for as
    probable before the contradictions are counted.

    Parameters
    ----------
    held_out : HeldOutLabels
    flagged_share : float
        The share of the fitted rows that the ensemble would flag.

    Returns
    -------
    probability : float
        In [0, 1].
    """
    if flagged_share <= 0:
        return 1.0
    if_clean, if_not = (_log_likelihood(held_out, r) for r in (SLIPS, flagged_share))
    return float(expit(if_clean - if_not))


def _log_likelihood(held_out: HeldOutLabels, most: float) -> float:
    """Return the log of the mean binomial probability of the contradictions.

    The mean is over rates up to ``most``, up to a factor that does not depend on it.
    """
    n, k = held_out.n_sure, held_out.n_contradictions
    a, b = k + 1, n - k + 1
    distributed = float(beta.cdf(most, a, b))
    if distributed > 0:
        return float(np.log(distributed) - np.log(most))
    # Too small for a float: there are far more contradictions. DLMF 8.17.8, whose
    # hypergeometric series falls fast then.
    power = k * np.log(most) + b * np.log1p(-most)
    ratios = most * (a + b + np.arange(N_TERMS)) / (a + 1 + np.arange(N_TERMS))
    series = 1.0 + np.cumprod(ratios).sum()
    return float(power - np.log(a) - betaln(a, b) + np.log(series))


def _above_zero(gains: np.ndarray) -> bool:
    error = gains.std() / np.sqrt(len(gains))
    return bool(gains.mean() > CERTAINTY * error)

"""Where wrong labels go: which classes are given instead of which.

Noise often has a structure, such as labels of one class given to rows of the next. Then
a label that the ensemble finds only a little improbable is suspicious if it is just
where labels of the class that the row seems to belong to go. The structure is learnt
from the rows whose labels are most surely wrong, and counts for as little as chance
could have made it: the more even the labels of these rows, the less.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln

# Where the concentration of the Dirichlet distribution is searched, from a class whose
# labels go to one other to labels that go everywhere alike.
CONCENTRATIONS = np.exp(np.linspace(-2, 9, 221))

# A concentration is plausible if its log-likelihood is less than this below the best.
PLAUSIBLE = 2.0

# Likelihoods that differ by less than this are equal, as all are where no class has two
# wrong rows. The largest concentration, the most even noise, is then taken.
ROUNDING = 1e-9

# The structure is learnt from this share of the flagged rows: those that are surest.
SUREST = 0.5

# How often the surest rows are chosen anew, by scores that the structure has lifted.
ROUNDS = 2


@dataclass(frozen=True, eq=False)
class NoiseStructure:
    """How much likelier than chance each wrong label is, by the class of the row.

    Attributes
    ----------
    lift : ndarray of shape (n_classes, n_classes), dtype=float64
        The probability that a row of one class (row) has the label of another (column)
        if it has a wrong label, times the number of other classes; 1 on the diagonal.
    weight : float
        λ, in [0, 1]: how far the lift is to be trusted.
    """

    lift: np.ndarray
    weight: float

    def odds(self, probabilities: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """Return how much likelier than chance each label is, if it is wrong.

        Parameters
        ----------
        probabilities : ndarray of shape (n_samples, n_classes)
            By the ensemble.
        codes : ndarray of shape (n_samples,), dtype=int
            Given labels; -1 for one that is no class, whose odds are 1.

        Returns
        -------
        odds : ndarray of shape (n_samples,), dtype=float64
            Positive; 1 where nothing is known.
        """
        known = codes >= 0
        odds = np.ones(len(codes))
        others = other_classes(probabilities[known], codes[known])
        odds[known] = (others * self.lift.T[codes[known]]).sum(axis=1) ** self.weight
        return odds


def fit_noise_structure(
    scores: np.ndarray, probabilities: np.ndarray, codes: np.ndarray, cut: float
) -> NoiseStructure | None:
    """Learn where wrong labels go from the labels that are most surely wrong.

    Parameters
    ----------
    scores : ndarray of shape (n_samples,)
        At least 0, higher = more suspicious.
    probabilities : ndarray of shape (n_samples, n_classes)
        By the ensemble.
    codes : ndarray of shape (n_samples,), dtype=int
        Given labels, as positions among the classes.
    cut : float
        Rows with a score above it are taken for wrong, unless the ensemble prefers
        their label.

    Returns
    -------
    structure : NoiseStructure or None
        None if there is no other class to choose from, or no row to learn from.
    """
    n_classes = probabilities.shape[1]
    preferred = probabilities.argmax(axis=1)
    doubtful = np.flatnonzero(preferred != codes)
    n_surest = int(SUREST * np.count_nonzero(scores[doubtful] > cut))
    if n_classes < 3 or not n_surest:
        return None
    lifted = scores
    for _ in range(ROUNDS):
        order = np.argsort(-lifted[doubtful], kind="stable")
        surest = doubtful[order[:n_surest]]
        counts = np.zeros((n_classes, n_classes))
        np.add.at(counts, (preferred[surest], codes[surest]), 1)
        structure = structure_of(counts)
        lifted = scores * structure.odds(probabilities, codes)
    return structure


def structure_of(counts: np.ndarray) -> NoiseStructure:
    """Estimate the structure from counts of wrong labels.

    The labels of each class's wrong rows come from a multinomial distribution whose
    probabilities come from a Dirichlet distribution, symmetric over the other classes.
    Its concentration α is estimated by maximum likelihood, and the lift is the
    posterior mean. The weight is 1/(1 + α) at the largest α that is plausible.

    Parameters
    ----------
    counts : ndarray of shape (n_classes, n_classes)
        Rows by their class (row) and given label (column); 0 on the diagonal.

    Returns
    -------
    structure : NoiseStructure
    """
    n_others = len(counts) - 1
    likelihoods = log_likelihoods(counts, CONCENTRATIONS)
    alpha, most = (
        CONCENTRATIONS[likelihoods >= likelihoods.max() - below].max()
        for below in (ROUNDING, PLAUSIBLE)
    )
    totals = counts.sum(axis=1, keepdims=True)
    lift = n_others * (counts + alpha / n_others) / (totals + alpha)
    np.fill_diagonal(lift, 1.0)
    return NoiseStructure(lift, 1 / (1 + most))


def log_likelihoods(counts: np.ndarray, concentrations: np.ndarray) -> np.ndarray:
    """Return the Dirichlet-multinomial log-likelihood of counts, up to a constant.

    Parameters
    ----------
    counts : ndarray of shape (n_classes, n_classes)
        As for :func:`structure_of`.
    concentrations : ndarray of shape (n_concentrations,)
        Each is the sum of the parameters over the other classes.

    Returns
    -------
    log_likelihoods : ndarray of shape (n_concentrations,)
        In nats.
    """
    totals, cells = counts.sum(axis=1), counts[counts > 0]  # zeros add nothing
    alpha = concentrations[:, None]
    each = alpha / (len(counts) - 1)
    by_class = gammaln(alpha) - gammaln(totals + alpha)
    return by_class.sum(axis=1) + (gammaln(cells + each) - gammaln(each)).sum(axis=1)


def other_classes(probabilities: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return to which class each row belongs if its label is wrong, in float64.

    Returns
    -------
    others : ndarray of shape (n_samples, n_classes)
        Probabilities, 0 for the given label. Even where the ensemble has none for any
        other class.
    """
    others = np.clip(probabilities, 0.0, 1.0, dtype=np.float64)
    others += np.finfo(np.float64).tiny
    others[np.arange(len(codes)), codes] = 0.0
    return others / others.sum(axis=1, keepdims=True)

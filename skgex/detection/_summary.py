"""What a detector found, assumed and doubts, in words."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from skgex.detection._doubts import Doubt
from skgex.detection._issues import JudgedRows
from skgex.detection._label_noise import CLASS_CONDITIONAL, CLEAR, INSTANCE_DEPENDENT

ASSUMED = {
    CLASS_CONDITIONAL: "to fall on all rows of a class alike",
    INSTANCE_DEPENDENT: "to be more frequent on rows that are hard to learn",
}

# As many classes are named, and as many suggestions.
N_NAMED = 3


@dataclass(frozen=True)
class Basis:
    """What the answers of a fit rest on.

    Attributes
    ----------
    threshold : str or float
        As asked for.
    has_classes : bool
        Whether labels are classes, one per row.
    doubts : tuple of Doubt
    noise_type : str, default="auto"
        As asked for.
    """

    threshold: str | float
    has_classes: bool
    doubts: tuple[Doubt, ...]
    noise_type: str = "auto"


@dataclass(frozen=True)
class NoiseEstimate:
    """What is estimated of the noise as a whole: attributes of ``GEXDetector``."""

    rate: float
    rate_std: float
    noise_type: str
    held_out_accuracy: float
    base_rate: float


def summarise(judged: JudgedRows, basis: Basis, noise: NoiseEstimate | None) -> str:
    """Return a paragraph on the flags, and a line per doubt.

    Parameters
    ----------
    judged : JudgedRows
    basis : Basis
    noise : NoiseEstimate or None
        None if only scores are known.
    """
    sentences = [_flags(judged, basis)]
    if noise is None:
        sentences.append(
            "The scores rank the rows; they do not say how many labels are wrong."
        )
    else:
        sentences += [_rate(noise), _assumption(noise, basis.noise_type)]
        sentences += _accuracy(noise)
    if basis.has_classes and judged.given is not None and judged.flagged.any():
        sentences += _classes(judged.given, judged.flagged)
        if judged.suggested is not None:
            sentences += _suggestions(judged.given, judged.suggested, judged.flagged)
    doubts = [f"In doubt: {doubt.text}" for doubt in basis.doubts]
    return "\n".join([" ".join(sentences), *doubts])


def _flags(judged: JudgedRows, basis: Basis) -> str:
    flagged = judged.flagged
    return (
        f"{np.count_nonzero(flagged):,} of {len(flagged):,} labels "
        f"({flagged.mean():.1%}) are flagged as wrong (threshold={basis.threshold!r})."
    )


def _rate(noise: NoiseEstimate) -> str:
    if np.isnan(noise.rate_std):
        return "How many labels are wrong cannot be said."
    return (
        f"An estimated {noise.rate:.1%} of all labels are wrong (standard error "
        f"{noise.rate_std:.1%})."
    )


def _assumption(noise: NoiseEstimate, asked: str) -> str:
    if asked != "auto":
        why = "as asked for"
    elif np.isnan(noise.held_out_accuracy):
        why = "because no labels were held out that could say more"
    elif noise.noise_type == INSTANCE_DEPENDENT:
        why = f"because {CLEAR:.0%} or more of the held-out labels are predicted"
    else:
        why = (
            f"because less than {CLEAR:.0%} of the held-out labels are predicted, so "
            "that classes may overlap"
        )
    return (
        f"Wrong labels were assumed {ASSUMED[noise.noise_type]} "
        f"(noise_type={noise.noise_type!r}), {why}."
    )


def _accuracy(noise: NoiseEstimate) -> Iterator[str]:
    if not np.isnan(noise.held_out_accuracy):
        yield (
            f"A net that was not trained on them predicts {noise.held_out_accuracy:.0%}"
            f" of the held-out labels; the most frequent class has "
            f"{noise.base_rate:.0%} of all labels."
        )


def _classes(given: np.ndarray, flagged: np.ndarray) -> Iterator[str]:
    """Name the classes with most flagged labels."""
    classes, codes, counts = np.unique(given, return_inverse=True, return_counts=True)
    wrong = np.bincount(codes[flagged], minlength=len(classes))
    most = np.argsort(-wrong, kind="stable")[:N_NAMED]
    named = [
        f"{classes[c]} ({wrong[c]:,} of {counts[c]:,})" for c in most if wrong[c] > 0
    ]
    yield f"Classes with most flagged labels: {', '.join(named)}."


def _suggestions(
    given: np.ndarray, suggested: np.ndarray, flagged: np.ndarray
) -> Iterator[str]:
    """Name the changes of label that are suggested most."""
    changes = flagged & (given != suggested)
    pairs = zip(given[changes].tolist(), suggested[changes].tolist(), strict=True)
    most = Counter(sorted(pairs)).most_common(N_NAMED)
    if most:
        named = [f"{new} instead of {old} ({n:,})" for (old, new), n in most]
        yield f"Most frequent suggestions: {', '.join(named)}."

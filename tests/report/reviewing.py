"""What the tests of the report share."""

import json
import re

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.datasets import load_digits

from skgex import GEXDetector, NoisyLabelDetector

# Classes that somebody made up to be read as HTML, as mathematics or as a formula.
HOSTILE = [
    "<img src=x onerror=document.title='hacked'>",
    "</script><script>document.title='hacked'</script>",
    "<!--<script>",
    "$x^{2$",
    '=HYPERLINK("x")',
    "'quoted",
    'a "word", and\nmore',
    "&lt;b&gt; & \u2028",
    "-1",
    "{{ 7 * 7 }}",
]


class Told(BaseEstimator):
    """Gives the scores that it was told."""

    def __init__(self, scores):
        self.scores = scores

    def fit(self, X, y=None):
        """Take them."""
        self.scores_ = np.array(self.scores, dtype=float)
        return self


def told(X, y, scores, threshold=0.0):
    """A fitted detector that flags the rows with a score above a threshold."""
    return NoisyLabelDetector(Told(scores), threshold=threshold).fit(X, y)


def flipped_digits(n_rows=300, every=12):
    """Digits with every so manieth label wrong, as the hostile classes."""
    X, y = load_digits(return_X_y=True)
    codes = y[:n_rows].copy()
    codes[::every] = (codes[::every] + 3) % 10
    return X[:n_rows], np.array(HOSTILE)[codes]


def hostile_detector():
    """X, y and a detector fitted to them, with neighbours to show."""
    X, y = flipped_digits()
    return X, y, GEXDetector(n_members=2, random_state=0).fit(X, y)


def hostile_words(n_rows):
    """Names and a title that somebody made up."""
    names = [f"<b>{i}</b>.png" for i in range(n_rows)]
    return {"names": names, "title": "<i>Digits</i>"}


def data_of(path):
    """What a page gives to its script."""
    pattern = r'<script type="application/json" id="data">(.*?)</script>'
    return json.loads(re.search(pattern, path.read_text("utf-8"), re.S)[1])

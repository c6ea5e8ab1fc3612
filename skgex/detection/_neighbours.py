"""Rows that the net finds alike, and how many of them have another label.

Neighbours are near in what enters the last layer of θ*, by the Euclidean distance.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.neighbors import NearestNeighbors
from sklearn.random_projection import GaussianRandomProjection
from sklearn.utils import gen_batches

from skgex._data.records import take
from skgex._data.sparse_rows import SparseRows
from skgex._nets.predictions import features
from skgex._nets.snapshot import TrainedNet, revive
from skgex._utils.parallel import one_thread
from skgex._utils.progress import steps

# A row has this number of neighbours, but no more than its class has other rows: a row
# of a small class cannot have more neighbours with its label.
N_NEIGHBORS = 30

# Of more rows than this, neighbours are looked for in a sample. So the time grows with
# the number of rows beyond it, and with its square only up to it.
MAX_ROWS = 20_000

# Wider features are projected at random to this width, which keeps distances about as
# they are.
MAX_WIDTH = 128

# Rows whose features are computed, and whose neighbours are found, at a time; and how
# many values of samples are read at a time.
BATCH = 2048
BLOCK_VALUES = 2**20

# Features that differ by less than this, relative to their size, differ by rounding.
ROUNDING = 1e-5

# The power of the odds of another label among the neighbours, and the share that is
# added on both sides so that none are infinite.
POWER = 0.2
LEAST_SHARE = 0.05


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The fitted rows among which neighbours are looked for.

    Attributes
    ----------
    trained : TrainedNet
        θ*.
    features : ndarray of shape (n_reference, width), dtype=float32
        What enters its last layer, projected if that is wide.
    codes : ndarray of shape (n_reference,)
        Given labels, as positions among the classes.
    seed : int
        Of the projection.
    """

    trained: TrainedNet
    features: np.ndarray
    codes: np.ndarray
    seed: int

    def disagreement(self, X: Any, targets: Any, codes: np.ndarray) -> np.ndarray:
        """Return the share of each sample's neighbours that have another label.

        A row of the same features and label is the sample itself, so it does not count
        as its neighbour, once.

        Parameters
        ----------
        X, targets
            Samples, and targets as the net takes them.
        codes : ndarray of shape (n_samples,), dtype=int

        Returns
        -------
        shares : ndarray of shape (n_samples,), dtype=float64
            In [0, 1].
        """
        blocks = features_of(self.trained, X, targets, self.seed)
        return self._disagreement(blocks, codes, None)

    def _disagreement(
        self, blocks: Iterable[np.ndarray], codes: np.ndarray, own: np.ndarray | None
    ) -> np.ndarray:
        """Return the shares of samples, given each one's position, or -1, if known.

        Their features come block by block, so that those of all need not be held.
        """
        shares = np.empty(len(codes))
        most = min(N_NEIGHBORS, len(self.codes) - 1)
        counts = np.bincount(self.codes, minlength=codes.max(initial=0) + 1)
        wanted = np.clip(np.where(codes < 0, most, counts[codes] - 1), 1, most)
        search = NearestNeighbors(n_neighbors=most + 1).fit(self.features)
        batches = gen_batches(len(codes), BATCH)
        with steps("neighbours", len(codes)) as reach:
            for rows, batch in zip(batches, _in_batches(blocks), strict=True):
                with one_thread():
                    found = search.kneighbors(batch, return_distance=False)
                if own is None:
                    itself = self._is_same(found, batch, codes[rows])
                else:
                    itself = found == own[rows, None]
                differs = self.codes[found] != codes[rows, None]
                shares[rows] = _share_of_first(differs, ~itself, wanted[rows])
                reach(rows.stop)
        return shares

    def _is_same(
        self, found: np.ndarray, features: np.ndarray, codes: np.ndarray
    ) -> np.ndarray:
        """Return the mask of the first neighbour that is the sample itself, if any."""
        gaps = np.abs(self.features[found] - features[:, None]).max(axis=2)
        size = np.abs(features).max(axis=1, keepdims=True)
        same = (gaps <= ROUNDING * size) & (self.codes[found] == codes[:, None])
        return same & (same.cumsum(axis=1) == 1)


def fit_neighbours(
    trained: TrainedNet, X: Any, targets: Any, codes: np.ndarray, seed: int
) -> tuple[Neighbours, np.ndarray]:
    """Compute the features of the fitted rows, and find their neighbours.

    Parameters
    ----------
    trained : TrainedNet
        θ*.
    X, targets
        Fitted rows, and targets as the net takes them.
    codes : ndarray of shape (n_samples,), dtype=int
    seed : int
        Of the sample that is taken of many rows, and of the projection.

    Returns
    -------
    neighbours : Neighbours
    disagreement : ndarray of shape (n_samples,), dtype=float64
        The share of each row's neighbours that have another label, in [0, 1].
    """
    if len(codes) <= MAX_ROWS:
        found = np.concatenate([*features_of(trained, X, targets, seed)])
        neighbours = Neighbours(trained, found, codes, seed)
        return neighbours, neighbours._disagreement(
            [found], codes, np.arange(len(codes))
        )
    drawn = np.random.RandomState(seed).choice(len(codes), MAX_ROWS, replace=False)
    rows = np.sort(drawn)
    own = np.full(len(codes), -1)
    own[rows] = np.arange(len(rows))
    # The sampled rows' features are computed twice, instead of holding those of all.
    among = features_of(trained, *take(X, targets, rows), seed)
    neighbours = Neighbours(trained, np.concatenate([*among]), codes[rows], seed)
    blocks = features_of(trained, X, targets, seed)
    return neighbours, neighbours._disagreement(blocks, codes, own)


def odds_of(disagreement: np.ndarray) -> np.ndarray:
    """Return what the disagreement of the neighbours multiplies a score by."""
    share = LEAST_SHARE + disagreement
    return (share / (1 + 2 * LEAST_SHARE - share)) ** POWER


def features_of(
    trained: TrainedNet, X: Any, targets: Any, seed: int
) -> Iterator[np.ndarray]:
    """Yield what enters the last layer of a net, block by block of the samples.

    Yields
    ------
    features : ndarray of shape (n_rows, width), dtype=float32
    """
    net, projection = revive(trained), None
    size = BATCH
    if isinstance(X, (np.ndarray, SparseRows)):
        # What enters the last layer of a linear net is as wide as the samples.
        size = int(np.clip(BLOCK_VALUES // max(1, np.prod(X.shape[1:])), 1, BATCH))
    for rows in gen_batches(len(X), size):
        block = take(X, targets, np.arange(len(X))[rows])
        found = _finite(features(net, *block))
        if found.shape[1] > MAX_WIDTH:
            if projection is None:
                projection = GaussianRandomProjection(MAX_WIDTH, random_state=seed)
                projection.fit(found)
            found = _finite(projection.transform(found))
        yield found


def _in_batches(blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Yield the rows of all blocks ``BATCH`` at a time."""
    rows: np.ndarray | None = None
    for block in blocks:
        rows = block if rows is None else np.concatenate([rows, block])
        while len(rows) >= BATCH:
            yield rows[:BATCH]
            rows = rows[BATCH:]
    if rows is not None and len(rows):
        yield rows


def _finite(features: np.ndarray) -> np.ndarray:
    """Return features in float32, the largest numbers instead of infinite ones."""
    with np.errstate(over="ignore"):
        return np.nan_to_num(features.astype(np.float32))


def _share_of_first(
    differs: np.ndarray, counts: np.ndarray, wanted: np.ndarray
) -> np.ndarray:
    """Return the share that differs among the first neighbours that count.

    Parameters
    ----------
    differs, counts : ndarray of shape (n_samples, n_found), dtype=bool
        Nearest first.
    wanted : ndarray of shape (n_samples,)
        How many of them, at least 1.
    """
    among = counts & (counts.cumsum(axis=1) <= wanted[:, None])
    return (differs & among).sum(axis=1) / among.sum(axis=1)

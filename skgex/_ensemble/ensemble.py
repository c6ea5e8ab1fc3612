"""The geometric ensemble: a trained net, and checkpoints near it."""

from collections.abc import Sequence
from itertools import chain
from typing import Any, NamedTuple

from skgex._ensemble.ensemble_evaluation import EnsembleEvaluation, combine
from skgex._ensemble.stackable import can_batch
from skgex._ensemble.stacked import GROUP_SIZE, evaluate_group
from skgex._nets.devices import spread_over_devices
from skgex._nets.evaluation import Evaluation, evaluate
from skgex._nets.snapshot import TrainedNet, Weights, revive
from skgex._utils.parallel import run
from skgex._utils.random import seeded


class GeometricEnsemble(NamedTuple):
    """A trained net and M checkpoints near it (Kim et al. 2023, section 4).

    Attributes
    ----------
    trained : TrainedNet
        θ*.
    members : list of dict or None
        Weights of θ_1, ..., θ_M; None where they were not kept.
    n_starts : int, default=1
        From how many nets members start in turn: the first of each turn from θ*.
    """

    trained: TrainedNet
    members: list[Weights] | None
    n_starts: int = 1

    def evaluate(
        self, X: Any, y: Any = None, *, n_jobs: int | None = None
    ) -> EnsembleEvaluation:
        """Take the losses and mean predictions of any samples.

        Parameters
        ----------
        X : ndarray of shape (n_samples, ...) or Dataset
            Samples in the dtype of the net.
        y : ndarray of shape (n_samples, ...) or None
            Targets as the net takes them.
        n_jobs : int or None
            Members evaluated side by side.

        Returns
        -------
        evaluation : EnsembleEvaluation

        Raises
        ------
        ValueError
            If the members' weights were not kept.
        """
        if self.members is None:
            raise ValueError("keep_members=False dropped the members' weights.")
        evaluate_some, size = _evaluate_each, 1
        other = self.members[self.n_starts - 1 : self.n_starts]
        if len(self.members) > 1 and can_batch(self.trained, X, y, *other):
            evaluate_some, size = evaluate_group, GROUP_SIZE
        parts = spread_over_devices(self.trained, in_groups(self.members, size))
        jobs = [(net, group, X, y) for net, group in parts]
        evaluations = chain.from_iterable(run(evaluate_some, jobs, n_jobs=n_jobs))
        reference = evaluate_trained(self.trained, X, y)
        n_members = len(self.members)
        return combine(reference, evaluations, n_members, n_starts=self.n_starts)


def evaluate_trained(trained: TrainedNet, X: Any, y: Any) -> Evaluation:
    """Evaluate samples under θ* itself, as under a member: on one thread."""
    ((reference,),) = run(_evaluate_each, [(trained, [trained.weights], X, y)])
    return reference


def in_groups(values: Sequence, size: int) -> list[Sequence]:
    """Cut a sequence into groups of a size, the last one maybe shorter."""
    return [values[i : i + size] for i in range(0, len(values), size)]


def _evaluate_each(
    trained: TrainedNet, members: Sequence[Weights], X: Any, y: Any
) -> list[Evaluation]:
    """Evaluate samples under members one by one."""
    evaluations = []
    for weights in members:
        with seeded(0):  # a Dataset may augment, and loaders draw random numbers
            net = revive(trained._replace(weights=weights))
            evaluations.append(evaluate(net, X, y))
    return evaluations

"""What the estimators with a geometric ensemble share: how it is grown."""

from collections.abc import Callable
from numbers import Integral, Real

import numpy as np
from sklearn.utils.validation import check_memory

from skgex._base.parameters import Interval, StrOptions
from skgex._data.records import Data
from skgex._ensemble.cache import DiskMemberCache, MemberCache
from skgex._ensemble.ensemble import GeometricEnsemble
from skgex._ensemble.ensemble_evaluation import EnsembleEvaluation
from skgex._ensemble.fine_tuning import FineTuning
from skgex._ensemble.growth import grow
from skgex._ensemble.learning_rate import Choice, choose_rate
from skgex._ensemble.stability import LIMIT
from skgex._nets.batches import steps_per_epoch
from skgex._nets.skorch_adapter import unwrap
from skgex._nets.snapshot import revive
from skgex._nets.training import Trial, make_trial
from skgex._utils.random import draw_seeds
from skgex._utils.warnings import warn_caller
from skgex.exceptions import DivergenceWarning
from skgex.influence._feature_map import FeatureMap, Seeds

# "auto" steps: one pass over the data, but no fewer than this. Of 10,000 images two
# passes found no more wrong labels.
MIN_STEPS = 64


class GeometricMap(FeatureMap):
    """Base of the maps by a trained net and checkpoints that it is fine-tuned into.

    A subclass has the parameters of ``_parameter_constraints``.
    """

    _parameter_constraints: dict = {  # noqa: RUF012
        **FeatureMap._parameter_constraints,
        "n_members": [Interval(Integral, 1, None, closed="left")],
        "n_steps": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "lr": [StrOptions({"auto"}), Interval(Real, 0, None, closed="neither")],
        "momentum": [Interval(Real, 0, 1, closed="left")],
        "schedule": [StrOptions({"cosine", "constant"})],
        "chain": ["boolean"],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
    }

    ensemble_: GeometricEnsemble

    def _start(self, data: Data, seeds: Seeds) -> None:
        """Train the net, and settle the steps and the rate of the members."""
        self._trained, trial = self._train(data, seeds.net, seeds.trial)
        self.n_steps_ = self._count_steps(data)
        self.lr_ = float("nan") if self.lr == "auto" else float(self.lr)
        self._choice = None
        if self.lr == "auto":
            self._choice = self._choose_rate(data, trial, seeds)
            self.lr_ = self._choice.lr

    def _grow(
        self,
        data: Data,
        seeds: Seeds,
        *,
        enough: Callable[[EnsembleEvaluation, EnsembleEvaluation], bool] | None = None,
        max_samples: float = 1.0,
        keep: bool = True,
        held: MemberCache | None = None,
    ) -> EnsembleEvaluation:
        """Fine-tune the members, and answer for the fitted rows.

        Where ``n_members`` is "auto", ``enough`` says when there are enough.
        """
        n_members = LIMIT if self.n_members == "auto" else int(self.n_members)
        memory, known = check_memory(self.memory), held
        if memory.location is not None:
            # The record of a training holds its duration, which tells nothing.
            origin = self._trained._replace(history=[]), data.X, data.targets
            known = DiskMemberCache(memory, origin)
        self.ensemble_, answers = grow(
            self._trained,
            data.X,
            data.targets,
            self._tuning,
            draw_seeds(np.random.RandomState(seeds.members), n_members),
            enough=enough,
            chain=self.chain,
            max_samples=max_samples,
            keep=keep,
            known=known,
            n_jobs=self.n_jobs,
            verbose=self.verbose,
        )
        self._warn_of_divergence(answers)
        return answers.finite()

    @property
    def _tuning(self) -> FineTuning:
        return FineTuning(self.n_steps_, self.lr_, float(self.momentum), self.schedule)

    def _count_steps(self, data: Data) -> int:
        if self.n_steps != "auto":
            return int(self.n_steps)
        per_pass = steps_per_epoch(revive(self._trained), data.X, data.targets)
        return max(per_pass, MIN_STEPS)

    def _choose_rate(self, data: Data, trial: Trial | None, seeds: Seeds) -> Choice:
        memory, (X, codes, targets) = check_memory(self.memory), data
        if trial is None:
            net, strata = unwrap(self.net)[0], self._strata(data)
            trial = memory.cache(make_trial)(net, X, targets, strata, seeds.trial)
        choose = memory.cache(choose_rate, ignore=["n_jobs"])
        coding, tuning, seed = self._coding, self._tuning, seeds.method
        return choose(trial, X, targets, codes, coding, tuning, seed, self.n_jobs)

    def _warn_of_divergence(self, answers: EnsembleEvaluation) -> None:
        chance = np.inf
        if self._has_classes():
            chance = np.log(len(self._coding.classes))
        finite = np.isfinite(answers.losses).all(axis=0)
        diverged = ~finite | (np.nan_to_num(answers.losses).mean(axis=0) > chance)
        if diverged.any():
            warn_caller(
                f"{diverged.sum()} of {len(diverged)} members diverged at the learning "
                f"rate {self.lr_:g}: their losses are not finite, or above the chance "
                f"level of {chance:.2f} nats. A lower lr is needed.",
                DivergenceWarning,
            )

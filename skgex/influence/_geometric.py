"""What the estimators with a geometric ensemble share: how it is grown."""

from numbers import Integral, Real

import numpy as np
from sklearn.utils.validation import check_memory

from skgex._default_net import FINE_TUNING_RATES
from skgex._net import TrainedNet, Trial, revive, steps_per_epoch, unwrap
from skgex._random import draw_seeds
from skgex._warn import warn_caller
from skgex.base import Data, Interval, StrOptions
from skgex.ensemble import Answers, FineTuning, GeometricEnsemble, grow
from skgex.ensemble._rate import choose_rate, make_trial
from skgex.exceptions import DivergenceWarning
from skgex.influence._base import FeatureMap, Seeds

# "auto" steps: two passes over the data, but no fewer than this.
MIN_STEPS = 64
N_PASSES = 2


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

    @property
    def _n_features_out(self) -> int:
        return len(self.ensemble_.members)

    def _grow(self, data: Data, seeds: Seeds, max_samples: float = 1.0) -> Answers:
        """Train the net, fine-tune the members, and answer for the fitted rows."""
        self._trained, trial = self._train(data, seeds.net, seeds.trial)
        tuning = self._tuning(self._trained, data, trial, seeds)
        self.lr_, self.n_steps_ = tuning.lr, tuning.n_steps
        self.ensemble_, answers = grow(
            self._trained,
            data.X,
            data.targets,
            tuning,
            draw_seeds(np.random.RandomState(seeds.members), int(self.n_members)),
            chain=self.chain,
            max_samples=max_samples,
            n_jobs=self.n_jobs,
            verbose=self.verbose,
        )
        self._warn_of_divergence(answers)
        return answers.finite()

    def _tuning(
        self,
        trained: TrainedNet,
        data: Data,
        trial: Trial | None,
        seeds: Seeds,
    ) -> FineTuning:
        """Settle the steps and the rate of the members."""
        X, codes, targets = data
        n_steps = self.n_steps
        if n_steps == "auto":
            per_pass = steps_per_epoch(revive(trained), X, targets)
            n_steps = max(N_PASSES * per_pass, MIN_STEPS)
        lr = np.nan if self.lr == "auto" else float(self.lr)
        tuning = FineTuning(int(n_steps), lr, float(self.momentum), self.schedule)
        if self.lr != "auto":
            return tuning
        memory = check_memory(self.memory)
        rates = None if trial is None else FINE_TUNING_RATES
        if trial is None:
            net = unwrap(self.net)[0]
            strata = codes if self._has_classes() else None
            trial = memory.cache(make_trial)(net, X, targets, strata, seeds.trial)
        choose = memory.cache(choose_rate, ignore=["n_jobs"])
        coding, n_jobs = self._coding, self.n_jobs
        return tuning._replace(
            lr=choose(
                trial, X, targets, codes, coding, tuning, seeds.method, rates, n_jobs
            )
        )

    def _warn_of_divergence(self, answers: Answers) -> None:
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

"""Warnings that skgex gives; all derive from :class:`SkgexWarning`."""


class SkgexWarning(UserWarning):
    """Base class of every warning of skgex."""


class UnlabelledRowsWarning(SkgexWarning):
    """Rows that ``fit`` never saw came without labels."""


class UnseenRowsWarning(SkgexWarning):
    """Rows that ``fit`` never saw, which the scorer cannot judge."""


class UnknownLabelWarning(SkgexWarning):
    """Labels that ``fit`` never saw; they count as wrong."""


class MemorisationWarning(SkgexWarning):
    """The net has memorised its training set, or has not, as the statistic needs."""


class DivergenceWarning(SkgexWarning):
    """A member of the ensemble left the region in which the net predicts."""


class ConvergenceWarning(SkgexWarning):
    """An iteration ended before it came to its goal."""


class HeldOutRowsWarning(SkgexWarning):
    """The net's own ``train_split`` keeps rows out of its training."""


class RefitWarning(SkgexWarning):
    """A fitted net came unfrozen; its clone is trained anew."""


class SlowCriterionWarning(SkgexWarning):
    """The criterion gives no loss a sample; samples are taken one by one."""


class SparedRowsWarning(SkgexWarning):
    """Rows that were judged wrong are left as they are, and why."""

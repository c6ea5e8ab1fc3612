"""Warnings of skgex, all derived from :class:`SkgexWarning`, and its error."""


class SkgexWarning(UserWarning):
    """Base class of all warnings of skgex."""


class UnlabelledRowsWarning(SkgexWarning):
    """Rows not seen in ``fit`` came without labels; the net's predictions are used."""


class UnseenRowsWarning(SkgexWarning):
    """Rows not seen in ``fit`` cannot be scored, or have no influence."""


class UnknownLabelWarning(SkgexWarning):
    """Labels not seen in ``fit`` count as wrong."""


class MemorisationWarning(SkgexWarning):
    """The net has memorised too many, or too few, labels for the chosen statistic."""


class DivergenceWarning(SkgexWarning):
    """A member of the ensemble predicts no better than chance: lower ``lr``."""


class UnmovedMembersWarning(SkgexWarning):
    """The members equal the trained net, so that they show nothing: raise ``lr``."""


class SuspiciousMaskWarning(SkgexWarning):
    """More than half of all rows, or of a class, are flagged."""


class UnpredictableLabelsWarning(SkgexWarning):
    """X hardly predicts y, so that no label can be judged."""


class AmbiguousNoiseWarning(SkgexWarning):
    """Labels alone cannot tell whether classes overlap or more labels are wrong."""


class EmptyMaskWarning(SkgexWarning):
    """No label is sure enough for the precision that was asked for."""


class SaturationWarning(SkgexWarning):
    """The net returns probabilities, but its criterion takes logits."""


class ConvergenceWarning(SkgexWarning):
    """An iteration ended before it reached its goal."""


class HeldOutRowsWarning(SkgexWarning):
    """The net's own ``train_split`` excludes rows from its training."""


class RefitWarning(SkgexWarning):
    """The given net was fitted already, but a clone of it is trained from scratch."""


class DamagedCacheWarning(SkgexWarning):
    """What ``memory`` kept was damaged on disk, and is made again."""


class UnkeptResultWarning(SkgexWarning):
    """A result cannot be written to the folder of ``memory``; the fit goes on."""


class OpenCacheWarning(SkgexWarning):
    """Anyone may write to the folder of ``memory``, and so run code as its reader."""


class SlowCriterionWarning(SkgexWarning):
    """The criterion has no ``reduction``, so losses are computed one by one."""


class SparedRowsWarning(SkgexWarning):
    """Flagged rows are left as they are, to protect the training set."""


class RoundingWarning(SkgexWarning):
    """Distinct values of X become equal in the floating type of the net."""


class InconsistentVersionWarning(SkgexWarning):
    """An estimator was saved or pickled by another version of skgex."""


class LoadError(ValueError):
    """A file cannot be loaded: it is damaged, too old or new, or names unknown code."""

"""
Can the probabilities be trusted?
=================================

Besides a flag, each label has a probability of being wrong, ``noise_proba_``. Of the
labels with a probability of 80 %, four in five should be wrong. Where the truth is
known, one can look whether that holds.
"""

# %%
# Two data sets
# -------------
#
# Digits, whose classes hardly overlap, and tumours of breast cancer by their
# measurements, of which some lie between the classes. A tenth of the labels is flipped.

import matplotlib.pyplot as plt
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skgex import GEXDetector
from skgex.datasets import flip_labels
from skgex.inspection import NoiseProbaDisplay

figure, axes = plt.subplots(1, 2, figsize=(10, 5), layout="constrained", sharey=True)
for load, ax in zip([load_digits, load_breast_cancer], axes, strict=True):
    X, y = load(return_X_y=True)
    y_noisy, noise_mask = flip_labels(y, 0.1, random_state=0)
    pipeline = make_pipeline(StandardScaler(), GEXDetector(random_state=0))
    pipeline.fit(X, y_noisy)
    NoiseProbaDisplay.from_estimator(pipeline, noise_mask, n_bins=5, ax=ax)
    ax.set_title(load.__name__.removeprefix("load_").replace("_", " "))
    detector = pipeline[-1]
    print(
        f"{load.__name__}: estimated noise rate {detector.noise_rate_:.1%} "
        f"± {detector.noise_rate_std_:.1%}, true rate {noise_mask.mean():.1%}"
    )

# %%
# Each point is a group of labels with similar probabilities; the small number says how
# many. The bar is the interval in which their true share of wrong labels lies with 95 %
# confidence. Points near the diagonal are well calibrated. Above it, labels are wrong
# more often than was estimated.
#
# Most labels are in the first group: they are almost certainly right. Few labels are in
# the middle, so that the bars there are long.

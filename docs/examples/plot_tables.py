"""
A table as it comes: text, categories, gaps
===========================================

Tables in the wild are not matrices of numbers. ``tabular_detector`` takes a data frame
as it is: it turns text, dates and categories into numbers, marks gaps, and scales.
"""

# %%
# A list of wines
# ---------------
#
# Real measurements of 178 Italian wines, written down as a wine merchant might: colours
# in words, a bottling date, some values missing. The label is the grower, and a tenth
# of the labels is wrong.

import textwrap

import numpy as np
import pandas as pd
from sklearn.datasets import load_wine

from skgex.datasets import flip_labels
from skgex.inspection import (
    NeighborsDisplay,
    NoiseMatrixDisplay,
    ScoreDisplay,
)
from skgex.tabular import tabular_detector

random = np.random.RandomState(0)
wine = load_wine(as_frame=True)
measured = wine.data
colours = pd.qcut(measured["hue"], 4, labels=["orange", "brick", "ruby", "purple"])
depths = pd.qcut(measured["color_intensity"], 3, labels=["pale", "medium", "deep"])
strengths = np.where(measured["alcohol"] > 13, "strong", "light")
days = pd.to_timedelta(random.randint(0, 365, len(measured)), unit="D")
table = pd.DataFrame(
    {
        "description": [
            f"{strength}, {depth}"
            for strength, depth in zip(strengths, depths, strict=True)
        ],
        "colour": colours,
        "bottled": pd.Timestamp("2024-01-01") + days,
        "magnesium": measured["magnesium"].astype("Int64"),
        "malic acid": measured["malic_acid"],
        "phenols": measured["total_phenols"],
        "flavanoids": measured["flavanoids"],
        "proline": measured["proline"],
    }
)
for name in ["colour", "magnesium", "phenols", "proline"]:
    table.loc[random.random_sample(len(table)) < 0.1, name] = None
growers = wine.target.map({0: "Barolo", 1: "Grignolino", 2: "Barbera"})
given, noise_mask = flip_labels(growers, 0.1, random_state=0)
table.head()

# %%
# Fit it
# ------
#
# What comes back is an ordinary Pipeline, whose last step is the detector. Its
# parameters are those of ``GEXDetector``.

pipeline = tabular_detector(random_state=0).fit(table, given)
detector = pipeline[-1]
print(textwrap.fill(detector.summary(), 62))

# %%
# The most suspicious rows, with the index of the table:

issues = detector.issues()
shown = issues[["given_label", "suggested_label", "noise_proba"]]
shown.join(table[["description", "phenols", "proline"]]).head(8)

# %%
# Pictures
# --------
#
# Displays take the Pipeline, and show the table as it was before it became numbers.

NeighborsDisplay.from_estimator(
    pipeline, table, given, n_neighbors=3, noise_mask=noise_mask
)

# %%
# Here the truth is known: the outline shows the labels that we flipped.

ScoreDisplay.from_estimator(pipeline, noise_mask=noise_mask, bins=40)

# %%
# Which grower is mistaken for which? (Evenly, as the labels were flipped.)

NoiseMatrixDisplay.from_estimator(pipeline)

# %%
flagged = detector.noise_mask_
print(f"{flagged.sum()} rows flagged, {(flagged & noise_mask).sum()} of them wrong;")
print(f"{(noise_mask & ~flagged).sum()} wrong labels missed")

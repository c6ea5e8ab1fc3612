"""
Review flagged rows in the browser
==================================

A detector suggests, people decide. ``write_report`` puts everything that is needed for
a review into one HTML file: pictures, labels, reasons, and buttons to keep, relabel or
drop each row. What was decided comes back as a CSV file.
"""

# %%
# Write a report
# --------------
#
# The file works from the disk, without a network, and can be sent to a colleague. Here
# is `one to try <../_static/report.html>`_.

from pathlib import Path
from tempfile import TemporaryDirectory

from sklearn.datasets import load_digits

from skgex import GEXDetector
from skgex.cleaning import apply_decisions
from skgex.datasets import flip_labels
from skgex.inspection import SuspiciousImagesDisplay
from skgex.report import write_report

X, y = load_digits(return_X_y=True)
y_noisy, noise_mask = flip_labels(y, 0.1, random_state=0)
detector = GEXDetector(random_state=0).fit(X, y_noisy)

with TemporaryDirectory() as folder:  # use a folder of your own
    page = write_report(
        detector, Path(folder) / "report.html", X, title="Digits to review"
    )
    print(f"{page.name}: {page.stat().st_size / 1e6:.1f} MB")

# %%
# In the page, each row looks like this, with the rows for and against its label beside
# it.

SuspiciousImagesDisplay.from_estimator(detector, X, y_noisy, n_images=10)

# %%
# What the reviewer decides
# -------------------------
#
# The page exports ``decisions.csv``. Here we play the reviewer, and make the table
# ourselves: of the first eight rows, seven get the label that was suggested, and one
# is dropped since nobody can read it.

decisions = detector.issues().head(8)[["row", "given_label", "suggested_label"]]
decisions = decisions.rename(columns={"suggested_label": "new_label"})
decisions["decision"] = ["relabel"] * 7 + ["drop"]
decisions["new_label"] = decisions["new_label"].astype(str)
decisions.loc[decisions["decision"] == "drop", "new_label"] = ""
decisions.head(8)

# %%
# Apply the decisions
# -------------------
#
# ``apply_decisions`` takes this table, or the name of the file. Each decision carries
# the label that was given, so that a file that belongs to other data is refused.

y_clean, kept = apply_decisions(y_noisy, decisions)
X_clean = X[kept]
print(f"{len(X)} rows before, {len(X_clean)} after")
print(f"{(y_noisy != y).sum()} wrong labels before, {(y_clean != y[kept]).sum()} after")

"""From a CSV to reviewed labels with skgex."""

import pandas as pd

from skgex import tabular_detector
from skgex.cleaning import apply_decisions
from skgex.report import write_report

table = pd.read_csv("data.csv")
X, y = table.drop(columns="label"), table["label"]
detector = tabular_detector(random_state=0).fit(X, y)
write_report(detector, "report.html", X)

# Review: in report.html, which exports decisions.csv.

y_new, kept = apply_decisions(y, "decisions.csv")
table.iloc[kept].assign(label=y_new).to_csv("clean.csv", index=False)

"""From a CSV to reviewed labels with cleanlab's Datalab."""

import pandas as pd
from cleanlab import Datalab
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import LabelEncoder, StandardScaler

table = pd.read_csv("data.csv")
X, y = table.drop(columns="label"), table["label"]
encoder = LabelEncoder()
codes = encoder.fit_transform(y)
model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
folds = StratifiedKFold(n_splits=5, shuffle=True, random_state=0)
probabilities = cross_val_predict(model, X, codes, cv=folds, method="predict_proba")
lab = Datalab({"label": codes}, label_name="label", verbosity=0)
lab.find_issues(pred_probs=probabilities, issue_types={"label": {}})
issues = lab.get_issues("label")
issues["given"] = y
issues["suggested"] = encoder.inverse_transform(issues["predicted_label"])
flagged = issues[issues["is_label_issue"]].sort_values("label_score")
flagged.join(X).to_csv("review.csv", index_label="row")

# Review: in a spreadsheet, with two new columns, decision and new_label.

review = pd.read_csv("reviewed.csv", index_col="row")
relabelled = review[review["decision"] == "relabel"]
dropped = review[review["decision"] == "drop"]
table.loc[relabelled.index, "label"] = relabelled["new_label"]
table.drop(index=dropped.index).to_csv("clean.csv", index=False)

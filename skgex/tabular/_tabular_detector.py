"""A detector that takes tables as they are."""

from typing import Any

from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from skgex._utils.optional import import_optional
from skgex.detection import GEXDetector

# Columns that a text with many values becomes. skrub's 30 of a name outweigh the few
# numbers of some hundred rows.
N_COMPONENTS = 10


def tabular_detector(**settings: Any) -> Pipeline:
    """Make a detector of wrong labels that takes a data frame as it is.

    Text, dates, categories, gaps and nullable types are turned into numbers, by a
    pipeline of four steps:

    - "vectorizer", skrub's ``TableVectorizer``: one column of 0 and 1 per category;
      text with 40 or more different values as ten numbers by its ``StringEncoder``;
      dates as year, month, day and seconds;
    - "scaler": numbers get the mean 0 and the standard deviation 1. Columns of 0 and 1
      stay as they are, so that rare categories do not outweigh all else;
    - "imputer", ``SimpleImputer``: gaps are filled by the mean, and marked by a column
      of their own;
    - "gexdetector", :class:`~skgex.GEXDetector`.

    Each can be replaced or set as in any pipeline, for example by
    ``set_params(vectorizer__cardinality_threshold=20)``. Drop columns that say nothing,
    such as numbers of rows, and those that tell the label.

    Parameters
    ----------
    **settings
        Parameters of :class:`~skgex.GEXDetector`, such as ``threshold``, ``n_jobs`` and
        ``random_state``.

    Returns
    -------
    pipeline : Pipeline
        Unfitted. ``fit(X, y)`` takes a pandas or polars DataFrame and one label per
        row. Then ``pipeline[-1]`` is the fitted detector, and ``pipeline[-1].issues()``
        the table of suspicious rows with the index of a pandas frame.

    Raises
    ------
    ImportError
        If skrub is not installed.

    See Also
    --------
    skrub.tabular_pipeline : The like for classifiers and regressors.

    References
    ----------
    skrub, "Encoding or vectorizing creates numerical features from tabular data",
    https://skrub-data.org.

    Examples
    --------
    >>> import pandas as pd
    >>> from skgex.tabular import tabular_detector
    >>> sounds, weights = ["woof", "meow", None], [20, 4.5, 6]
    >>> X = pd.DataFrame({"sound": sounds * 30, "kg": weights * 30})
    >>> y = ["dog", "cat", "fox"] * 29 + ["dog", "cat", "dog"]
    >>> detector = tabular_detector(random_state=0).fit(X, y)
    >>> detector[-1].issues()[["given_label", "suggested_label"]].head(1)
       given_label suggested_label
    89         dog             fox
    """
    skrub = import_optional("skrub", "tabular", "tabular_detector")
    text = skrub.StringEncoder(n_components=N_COMPONENTS, random_state=0)
    steps = [
        ("vectorizer", skrub.TableVectorizer(high_cardinality=text)),
        ("scaler", _scaler()),
        ("imputer", SimpleImputer(add_indicator=True)),
    ]
    for _name, step in steps:  # the names of columns and rows survive
        step.set_output(transform="pandas")
    return Pipeline([*steps, ("gexdetector", GEXDetector(**settings))])


def _scaler() -> ColumnTransformer:
    return ColumnTransformer(
        [("numbers", StandardScaler(), columns_of_numbers)],
        remainder="passthrough",
        verbose_feature_names_out=False,
    )


def columns_of_numbers(frame: Any) -> list[str]:
    """Return the names of the columns that hold more than 0, 1 and gaps.

    Parameters
    ----------
    frame : pandas.DataFrame of shape (n_samples, n_columns)
        Of numbers.
    """
    return [name for name in frame if not frame[name].dropna().isin([0, 1]).all()]

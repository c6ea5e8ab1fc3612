"""Bad and odd inputs: each is refused by name before any training, or works.

A row of a table is a name, the input, and a pattern that the error must match; the
pattern names the argument and the cure. Tables are crossed with estimators.
"""

import datetime
import re
from collections import OrderedDict

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from all_estimators import all_estimators, cheap, named
from scipy.sparse import csr_matrix
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch import NeuralNet, NeuralNetClassifier
from tiny import (
    MLP,
    PairDataset,
    binary_classifier,
    classifier,
    learner,
    make_blobs,
    plain_net,
    regressor,
)
from torch import nn
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

from skgex import GEXDetector
from skgex.cleaning import (
    hard_targets,
    influence_targets,
    probability_targets,
    weighted_rows,
)
from skgex.datasets import flip_labels, make_three_circles
from skgex.metrics import detection_report, noise_scorer
from skgex.pruning import prune_mask

pytestmark = pytest.mark.filterwarnings("ignore")

X, Y = make_blobs()
X = X.astype(np.float32)
NAMES = np.array(["ant", "bee", "cat"])[Y]
SETS = (np.arange(240).reshape(60, 4) % 3 == 0).astype(int)


@pytest.fixture
def trainings(monkeypatch):
    """How often a net was trained."""
    began, train = [], NeuralNet.partial_fit

    def recorded(net, *args, **kwargs):
        began.append(net)
        return train(net, *args, **kwargs)

    monkeypatch.setattr(NeuralNet, "partial_fit", recorded)
    return began


def refused(call, pattern, trainings, kind=(ValueError, TypeError)):
    """Whether a call raises an error of ours, before any training."""
    with pytest.raises(kind) as caught:
        call()
    assert re.search(pattern, str(caught.value), re.DOTALL), str(caught.value)
    assert not trainings


def table(rows, *more):
    """A test per row, by its name, crossed with others."""
    return pytest.mark.parametrize(
        ("given", "pattern"), [pytest.param(*row[1:], id=row[0]) for row in rows]
    )


def estimators(*names):
    return pytest.mark.parametrize("cls", [named(n) for n in names], ids=names)


def with_label(label, labels=NAMES, row=3):
    labels = np.array(labels, dtype=object)
    labels[row] = label
    return labels


# Labels


BAD_LABELS = [
    ("None among strings", with_label(None), r"y: .*None.* 1 of 60 rows: 3\. "),
    ("NaN among strings", with_label(np.nan), r"y: .*NaN.* rows: 3\."),
    ("NaN among floats", with_label(np.nan, Y).astype(float), r"y: .*NaN.* rows: 3\."),
    ("None in a list", with_label(None).tolist(), r"y: .*None.* rows: 3\."),
    ("NaN in a list", with_label(np.nan).tolist(), r"y: .*NaN.* rows: 3\."),
    ("None among ints", with_label(None, Y), r"y: .*None.* rows: 3\."),
    ("NA in strings", pd.Series(with_label(pd.NA), dtype="string"), r"y: .*<NA>"),
    ("NA in Int64", pd.Series(with_label(pd.NA, Y), dtype="Int64"), r"y: .*(NA|NaN)"),
    ("NA in boolean", pd.Series([True, pd.NA] * 30, dtype="boolean"), r"y: .*NA"),
    ("NA in a category", pd.Series(with_label(None)).astype("category"), "y: .*NaN"),
    ("null in polars", pl.Series(with_label(None).tolist()), r"y: .*None.* rows: 3\."),
    ("null in polars ints", pl.Series([None, *Y[1:].tolist()]), r"y: .*(NaN|None)"),
    ("NaT", np.array(["NaT", "2020-01-01"] * 30, "M8[D]"), r"y: .*NaT.* 30 of 60"),
    (
        "many missing",
        np.where(Y > 0, np.nan, Y),
        r"40 of 60 rows: 1, 2, 4, 5, 7, \.\.",
    ),
    ("strings and ints", with_label(1), r"y: .*mixed types: str \(59\), number \(1\)"),
    ("strings and ints in a list", with_label(1).tolist(), r"y: .*mixed types"),
    ("strings and tuples", with_label((1, 2)), r"y: (.*mixed types|row 3 holds)"),
    ("bytes", NAMES.astype("S"), r"y: labels are bytes; pass np.char.decode"),
    ("bytes and strings", with_label(b"x"), r"y: .*mixed types"),
    ("label sets as lists", [[1, 2], [0]] * 30, r"y: .*indicator.*MultiLabelBinarizer"),
    ("label sets as sets", [{1, 2}, {0}] * 30, r"y: row 0 holds a set.*indicator"),
    ("label sets as objects", with_label([1, 2], Y), r"y: row 3 holds a list"),
    ("dicts", [{"label": 1}, {"label": 2}] * 30, r"y: row 0 holds a dict"),
    ("a dict", {"y": Y}, r"y: must be an array .*got dict"),
    ("a set", {1, 2}, r"y: must be an array .*got set"),
    ("a generator", (label for label in Y), r"y: must be an array .*got generator"),
    ("a text", "label", r"y: must be an array .*got str"),
    ("a number", 3, r"y: must be an array .*got int"),
    ("a sparse matrix", csr_matrix(SETS), r"y: must be an array .*got a sparse matrix"),
    ("complex", Y + 1j, r"y: .*got complex128"),
    ("records", np.zeros(60, [("a", int)]), r"y: .*strings, booleans or real"),
    ("too few", Y[:-1], r"X, y: inconsistent numbers of samples: \[60, 59\]"),
    ("too many in a list", [*NAMES, "ant"], r"X, y: .*samples: \[60, 61\]"),
    ("infinite", with_label(np.inf, Y).astype(float), r"y contains infinity"),
]
TAKE_LABELS = (
    "GEXDetector",
    "GEXPruner",
    "AUM",
    "ConfidentLearning",
    "TracIn",
    "NoisyLabelDetector",
    "DatasetPruner",
    "CleanedClassifier",
    "CleaningSampler",
)


@estimators(*TAKE_LABELS)
@table(BAD_LABELS)
def test_bad_labels(cls, given, pattern, trainings):
    refused(lambda: fit_any(cls, X, given), pattern, trainings)


def fit_any(cls, X, y, net=None):
    net = classifier(module__dtype=torch.float32) if net is None else net
    estimator = cheap(cls, net)
    resample = getattr(estimator, "fit_resample", None)
    return (resample or estimator.fit)(X, y)


@table(BAD_LABELS)
def test_bad_labels_of_the_default_net(given, pattern, trainings):
    refused(lambda: cheap(GEXDetector).fit(X, given), pattern, trainings)


@pytest.mark.parametrize("make", [regressor, plain_net], ids=["regressor", "plain"])
@table([row for row in BAD_LABELS if "missing" in row[0] or "N" in row[0]])
def test_bad_regression_targets(make, given, pattern, trainings):
    net = make(module__n_outputs=1)
    refused(lambda: cheap(GEXDetector, net).fit(X, given), pattern, trainings)


PRICES = np.random.RandomState(0).randint(0, 500, 400)
MANY_X = np.random.RandomState(0).standard_normal((400, 4)).astype(np.float32)
REGRESSION = r"y: .*regression targets, pass a skorch.NeuralNetRegressor"

NO_CLASSES = [
    ("one class", (X, np.ones(60)), r"y: at least 2 classes .*1 class: "),
    ("one name", (X, ["ant"] * 60), r"y: at least 2 classes .*1 class: "),
    ("floats", (X, X[:, 0]), REGRESSION),
    ("a list of floats", (X, X[:, 0].tolist()), REGRESSION),
    ("hundreds of ints", (MANY_X, PRICES), REGRESSION),
    ("hundreds of whole floats", (MANY_X, PRICES.astype(float)), REGRESSION),
    ("a different int per row", (X, np.arange(60)), REGRESSION),
    ("dates", (X, [datetime.date(2020, 1, 1 + k) for k in Y]), r"y: .*astype\(str\)"),
    ("an indicator", (X, SETS), r"y: the default net takes one label .*BCEWithLogits"),
    ("an indicator frame", (X, pd.DataFrame(SETS)), r"y: .*one label per row"),
    ("masks", (X, np.zeros((60, 2, 2), int)), r"y: the default net takes one label"),
]


@pytest.mark.parametrize("name", ["GEXDetector", "GEXPruner", "AUM", "OutOfFold"])
@table(NO_CLASSES)
def test_what_are_no_classes_to_the_default_net(name, given, pattern, trainings):
    refused(lambda: cheap(named(name)).fit(*given), pattern, trainings)


def sets_net(**kwargs):
    options = {"criterion": nn.BCEWithLogitsLoss, "module__dtype": torch.float32}
    return plain_net(MLP, **options, module__n_outputs=4, **kwargs)


def mlp(make=classifier, **kwargs):
    return make(module__dtype=torch.float32, **kwargs)


UNFIT_FOR_THE_NET = [
    (
        "more classes than outputs",
        (mlp(), Y + (X[:, 0] > 0) * 3),
        r"outputs.*NeuralNet",
    ),
    ("regression", (mlp(), np.arange(60)), r"60 distinct numbers.*NeuralNetRegressor"),
    ("floats", (mlp(), X[:, 0]), REGRESSION),
    (
        "three binary classes",
        (binary_classifier(), Y),
        r"y: .*takes 2 classes.*holds 3",
    ),
    (
        "names for a regressor",
        (mlp(regressor), NAMES),
        r"y: .*takes numbers as targets, got <U3",
    ),
    ("names for a plain net", (mlp(plain_net), NAMES), r"y: .*NeuralNetClassifier"),
    ("sets of 2 and 3", (sets_net(), SETS + 2), r"y: .*in \[0, 1\].*from 2 to 3"),
    ("negative sets", (sets_net(), SETS - 1), r"y: .*in \[0, 1\].*from -1 to 0"),
    ("too few columns", (sets_net(), SETS[:, :3]), r"y: the net's criterion cannot"),
    ("names in sets", (sets_net(), SETS.astype(str)), r"y: .*takes numbers"),
    (
        "objects for a regressor",
        (mlp(regressor), NAMES.astype(object)),
        r"y: .*numbers",
    ),
]


@table(UNFIT_FOR_THE_NET)
def test_labels_unfit_for_the_net(given, pattern, trainings):
    net, y = given
    refused(lambda: cheap(GEXDetector, net).fit(X, y), pattern, trainings)


# Nets


WRAP = r"net: .*Wrap.*skorch.NeuralNetClassifier\("
BAD_NETS = [
    ("a module class", MLP, r"net: .*module class MLP.*NeuralNetClassifier\(MLP, crit"),
    ("a module", MLP(), WRAP + r".*FrozenEstimator"),
    ("a sequence of modules", nn.Sequential(nn.Linear(4, 3)), WRAP),
    ("a net class", NeuralNetClassifier, r"net: .*class NeuralNetC.*Pass an instance"),
    ("another classifier", LogisticRegression(), WRAP),
    ("a classifier class", LogisticRegression, WRAP),
    ("a pipeline", make_pipeline(StandardScaler(), mlp()), r"net: .*Pipeline.*before"),
    ("a search", GridSearchCV(mlp(), {}), r"net: .*GridSearchCV.*that it holds"),
    ("a text", "mlp", r"net: .*got str.*Wrap"),
    ("a number", 3, r"net: .*got int"),
    ("a function", make_blobs, r"net: .*got function"),
    ("a criterion", nn.CrossEntropyLoss(), r"net: .*got a torch module"),
    ("weights", OrderedDict(MLP().state_dict()), r"net: .*got OrderedDict"),
    (
        "a frozen classifier",
        FrozenEstimator(LogisticRegression()),
        r"net: Frozen.*hold",
    ),
    ("a frozen module", FrozenEstimator(MLP()), r"net: Frozen.*Wrap"),
    ("a frozen net unfitted", FrozenEstimator(mlp()), r"net: .*not fitted"),
    ("no epochs", mlp(max_epochs=0), r"net: its max_epochs .*got 0"),
    ("half an epoch", mlp(max_epochs=0.5), r"net: its max_epochs .*got 0.5"),
    ("empty batches", mlp(batch_size=0), r"net: its batch_size .*got 0"),
    ("negative batches", mlp(batch_size=-2), r"net: its batch_size .*got -2"),
    (
        "unknown arguments",
        mlp(module__hiden=3),
        r"net: it cannot be initialised.*hiden",
    ),
    ("a negative rate", mlp(lr=-1.0), r"net: it cannot be initialised.*learning rate"),
    ("another width", mlp(module__n_features=5), r"X: the net cannot take it"),
]


@estimators("GEX", "GEXDetector", "GEXPruner", "GEXLinear", "TracIn", "AUM", "EL2N")
@table(BAD_NETS)
def test_bad_nets(cls, given, pattern, trainings):
    if "frozen net" in str(pattern) or isinstance(given, FrozenEstimator):
        kind = (ValueError, TypeError, AttributeError)  # NotFittedError is a ValueError
    else:
        kind = (ValueError, TypeError)
    refused(lambda: cheap(cls, given).fit(X, Y), pattern, trainings, kind)


@pytest.mark.parametrize("name", ["NoisyLabelDetector", "DatasetPruner"])
@table(BAD_NETS[:6])
def test_bad_nets_inside_a_scorer(name, given, pattern, trainings):
    refused(lambda: cheap(named(name), given).fit(X, Y), pattern, trainings)


def test_a_module_is_not_printed():
    with pytest.raises(ValueError, match="net: ") as caught:
        GEXDetector(MLP()).fit(X, Y)
    assert "Linear(" not in str(caught.value)


# Samples


class Rows(Dataset):
    """A Dataset of rows that a function makes of a sample and a label."""

    def __init__(self, row, length=60):
        self.row, self.length = row, length

    def __len__(self):
        return self.length

    def __getitem__(self, i):
        return self.row(X[i], int(Y[i]), i)


class Stream(IterableDataset):
    def __iter__(self):
        yield from zip(X, Y, strict=True)


class Endless(Dataset):
    def __getitem__(self, i):
        return X[i % 60], int(Y[i % 60])


class DuckRows:
    """Like a Dataset, but none of torch's."""

    def __len__(self):
        return 60

    def __getitem__(self, i):
        return X[i], Y[i]


def raising(x, y, i):
    if i == 40:
        raise OSError("disk on fire")
    return x, y


PAIR = r"X: .*pair \(sample, target\)"
BAD_DATASETS = [
    ("dicts", Rows(lambda x, y, i: {"X": x, "label": y}), PAIR),
    ("dicts of three", Rows(lambda x, y, i: {"a": x, "b": y, "c": y}), PAIR),
    ("triples", Rows(lambda x, y, i: (x, y, i)), PAIR),
    ("samples alone", Rows(lambda x, y, i: x), PAIR),
    ("samples in a tuple", Rows(lambda x, y, i: (x,)), PAIR),
    ("tensors alone", TensorDataset(torch.tensor(X)), PAIR),
    ("names", Rows(lambda x, y, i: (x, "abc"[y])), r"X: .*type str.*LabelEncoder"),
    ("None", Rows(lambda x, y, i: (x, None)), r"X: .*targets .*NoneType"),
    ("dicts as targets", Rows(lambda x, y, i: (x, {"y": y})), r"X: .*targets .*dict"),
    ("labels from 1", Rows(lambda x, y, i: (x, y + 1)), r"X: .*0 to 2, .*from 1 to 3"),
    (
        "labels from -1",
        Rows(lambda x, y, i: (x, y - 1)),
        r"X: .*0 to 2, .*from -1 to 1",
    ),
    ("one class", Rows(lambda x, y, i: (x, 1)), r"X: the Dataset's targets: .*1 class"),
    (
        "floats",
        Rows(lambda x, y, i: (x, float(x[0]))),
        r"X: the Dataset's targets: .*Reg",
    ),
    (
        "NaN",
        Rows(lambda x, y, i: (x, [float(y), np.nan][i == 7])),
        r"X: .*missing.* 7\.",
    ),
    (
        "whole floats",
        Rows(lambda x, y, i: (x, float(y))),
        r"X: .*cannot take its targets",
    ),
    ("an error", Rows(raising), r"X: .*cannot be read: OSError: disk on fire"),
    ("an error at once", Rows(lambda x, y, i: 1 / 0), r"X: .*cannot be read: ZeroDiv"),
    (
        "too long",
        Rows(lambda x, y, i: (X[i], 0 * y + i % 3), 61),
        r"X: .*cannot be read",
    ),
    (
        "widths",
        Rows(lambda x, y, i: (x[: 4 - i % 2], y)),
        r"X: .*cannot be read.*shape",
    ),
    (
        "target widths",
        Rows(lambda x, y, i: (x, x[: 1 + i % 2])),
        r"X: .*cannot be read",
    ),
    ("another width", Rows(lambda x, y, i: (x[:3], y)), r"X: the net cannot take it"),
    ("one row", Rows(lambda x, y, i: (x, y), 1), r"X: at least 2 samples .*got 1"),
    ("no row", Rows(lambda x, y, i: (x, y), 0), r"X: at least 2 samples .*got 0"),
    ("no length", Endless(), r"X: a Dataset must have a length"),
    ("a stream", Stream(), r"X: got an IterableDataset.*__getitem__"),
    ("a loader", DataLoader(PairDataset(X, Y)), r"X: got a DataLoader.*loader.dataset"),
    ("a duck", DuckRows(), r"X: got a DuckRows.*torch.utils.data.Dataset"),
    ("a generator", (x for x in X), r"X: got a generator"),
    ("a map", map(np.asarray, X), r"X: got a map"),
    ("a zip", zip(X, Y, strict=True), r"X: got a zip"),
]


@estimators("GEXDetector", "AUM", "TracIn", "NoisyLabelDetector")
@table(BAD_DATASETS)
def test_bad_datasets(cls, given, pattern, trainings):
    refused(lambda: cheap(cls, mlp()).fit(given), pattern, trainings)


BAD_SAMPLES = [
    (
        "ragged tensors",
        [torch.zeros(3 + i % 2) for i in range(60)],
        r"X: .*torch.stack",
    ),
    ("None", None, r"X: must be an array or a Dataset, got NoneType"),
    ("a number", 3.0, r"X: must be an array or a Dataset, got float"),
    ("dates", pd.DataFrame({"a": [pd.Timestamp(0)] * 60, "b": 1.0}), r"X: must hold"),
    ("dicts as rows", [{"a": 1.0}] * 60, r"X: must hold numbers"),
    ("a set", {1, 2, 3}, r"X: got a set"),
    ("a text", "rows", r"X: got a str"),
    ("names", np.char.add(X.astype("<U8"), "x"), r"X: must hold numbers.*Encode"),
    ("a frame of names", pd.DataFrame({"a": NAMES, "b": X[:, 0]}), r"X: must hold num"),
    ("objects", np.array([object()] * 60)[:, None], r"X: must hold numbers"),
    ("complex", X + 1j, r"Complex data not supported"),
    ("one dimension", X[:, 0], r"Expected 2D array"),
    ("too few", X[:30], r"X, y: inconsistent numbers of samples: \[30, 60\]"),
    ("a loader", DataLoader(PairDataset(X, Y)), r"X: got a DataLoader.*loader.dataset"),
    ("a duck", DuckRows(), r"X: got a DuckRows.*torch.utils.data.Dataset"),
    ("a Dataset besides y", PairDataset(X, Y), r"y: must be None where X is a Dataset"),
    ("infinite", np.where(X > 2, np.inf, X), r"X contains infinity"),
]


@estimators("GEXDetector", "GEXPruner", "AUM", "TracIn")
@table(BAD_SAMPLES)
def test_bad_samples(cls, given, pattern, trainings):
    refused(lambda: cheap(cls, mlp()).fit(given, Y), pattern, trainings)


def test_tensors_of_one_shape_are_rows():
    given = cheap(named("AUM"), mlp()).fit(list(torch.as_tensor(X)), Y)
    expected = cheap(named("AUM"), mlp()).fit(X, Y)
    np.testing.assert_array_equal(given.scores_, expected.scores_)


# Parameters


BAD_PARAMETERS = [
    ("no jobs", ("GEXDetector", {"n_jobs": 0}), "n_jobs"),
    ("no jobs of Laplace", ("LaplaceInfluence", {"n_jobs": 0}), "n_jobs"),
    ("no jobs of leave-one-out", ("LeaveOneOut", {"n_jobs": 0}), "n_jobs"),
    ("no jobs of folds", ("ConfidentLearning", {"n_jobs": 0}), "n_jobs"),
    ("no jobs of EL2N", ("EL2N", {"n_jobs": 0}), "n_jobs"),
    ("no jobs of DeepKNN", ("DeepKNN", {"n_jobs": 0}), "n_jobs"),
    ("jobs as text", ("GEXDetector", {"n_jobs": "all"}), "n_jobs"),
    ("no members", ("GEXDetector", {"n_members": 0}), "n_members"),
    ("members as text", ("GEXDetector", {"n_members": "16"}), "n_members"),
    ("half a step", ("GEXDetector", {"n_steps": 0.5}), "n_steps"),
    ("a negative rate", ("GEXDetector", {"lr": -0.1}), "lr"),
    ("a NaN rate", ("GEXDetector", {"lr": np.nan}), "lr"),
    ("a rate as text", ("GEXDetector", {"lr": "0.1"}), "lr"),
    ("a statistic", ("GEXDetector", {"statistic": "loss"}), "statistic"),
    ("a threshold", ("GEXDetector", {"threshold": "median"}), "threshold"),
    ("a share above all", ("GEXDetector", {"threshold": "110%"}), "threshold"),
    ("a precision above all", ("GEXDetector", {"threshold": "precision 110%"}), "thr"),
    ("a schedule", ("GEXDetector", {"schedule": "linear"}), "schedule"),
    ("samples", ("GEXDetector", {"max_samples": 50}), "max_samples"),
    ("memory", ("GEXDetector", {"memory": 3}), "memory"),
    ("a seed", ("GEXDetector", {"random_state": "zero"}), "random_state"),
    ("a NaN threshold", ("NoisyLabelDetector", {"threshold": np.nan}), "threshold"),
    ("a scorer class", ("NoisyLabelDetector", {"scorer": "AUM"}), "scorer"),
    ("all pruned", ("GEXPruner", {"prune": 1.0}), "prune"),
    ("all rows pruned", ("GEXPruner", {"prune": 60}), "prune"),
    ("pruned as text", ("DatasetPruner", {"prune": "10%"}), "prune"),
    ("NaN pruned", ("DatasetPruner", {"prune": np.nan}), "prune"),
    ("one fold", ("OutOfFold", {"n_folds": 1}), "n_folds"),
    ("too many folds", ("OutOfFold", {"n_folds": 61}), "n_folds"),
    ("no neighbours", ("DeepKNN", {"n_neighbors": 0}), "n_neighbors"),
    ("no nets", ("EL2N", {"n_nets": 0}), "n_nets"),
    ("a solver", ("InfluenceFunction", {"solver": "magic"}), "solver"),
    ("negative damping", ("InfluenceFunction", {"damping": -1}), "damping"),
    ("no components", ("RandomProjection", {"n_components": 0}), "n_components"),
    ("an action", ("CleaningSampler", {"action": "flip"}), "action"),
    ("an action to classify", ("CleanedClassifier", {"action": "flip"}), "action"),
    ("no rows kept", ("CleaningSampler", {"min_samples_per_class": 0}), "min_samples"),
    ("one fold", ("CleaningSampler", {"n_folds": 1}), "n_folds"),
    ("one fold to judge by", ("CleanedClassifier", {"n_folds": 1}), "n_folds"),
    ("a share above 1", ("CleanedClassifier", {"max_share_per_class": 2}), "max_share"),
    ("a share below 0", ("CleaningSampler", {"max_share_per_class": -1}), "max_share"),
    ("no judge", ("CleaningSampler", {"estimator": "forest"}), "estimator"),
    ("no selector", ("CleaningSampler", {"selector": None}), "selector"),
    ("no detector", ("CleanedClassifier", {"detector": "otsu"}), "detector"),
    (
        "no relabelling",
        ("CleaningSampler", {"action": "relabel", "selector": named("GEXPruner")()}),
        "selector",
    ),
]


@table(BAD_PARAMETERS)
def test_bad_parameters(given, pattern, trainings):
    name, params = given
    estimator = cheap(named(name), mlp()).set_params(**params)
    refused(lambda: estimator.fit(X, Y), pattern, trainings)


# Functions


MASK = np.arange(8) == 0
SCORES = np.linspace(1, 0, 8)
P = np.full((3, 2), 0.5)


class Fixed:
    def __init__(self, scores):
        self.given = scores

    def scores(self, X, y):
        return self.given


def rate(mask, scores=SCORES):
    return noise_scorer(Fixed(scores), X[:8], Y[:8], noise_mask=mask)


BAD_CALLS = [
    (
        "mask of texts",
        lambda: rate(MASK.astype(int).astype(str)),
        r"noise_mask: .*'[01]'",
    ),
    (
        "mask of objects",
        lambda: rate(MASK.astype(int).astype(str).astype(object)),
        "noi",
    ),
    ("mask with NaN", lambda: rate(np.where(MASK, np.nan, 0)), r"noise_mask: .*nan"),
    ("mask with None", lambda: rate(with_label(None, MASK)), r"noise_mask: .*None"),
    ("mask with NA", lambda: rate(pd.array([True, pd.NA] * 4)), r"noise_mask: "),
    ("mask with 2", lambda: rate(MASK * 2), r"noise_mask: .*got .*2"),
    ("mask with 0.5", lambda: rate(MASK / 2), r"noise_mask: .*0\.5"),
    ("short mask", lambda: rate(MASK[:-1]), "inconsistent numbers"),
    (
        "table as mask",
        lambda: rate(np.ones((8, 2))),
        r"noise_mask: .*one value per row",
    ),
    (
        "NaN scores",
        lambda: rate(MASK, SCORES * np.nan),
        r"estimator: its scores.*finite",
    ),
    (
        "texts as scores",
        lambda: rate(MASK, SCORES.astype(str)),
        r"estimator: its scores",
    ),
    ("no mask", lambda: rate(None), r"noise_mask: .*routing"),
    (
        "truth of texts",
        lambda: detection_report(MASK.astype(str), SCORES),
        "noise_mask: ",
    ),
    ("truth of NaN", lambda: detection_report(MASK * np.nan, SCORES), "noise_mask: "),
    ("no noise", lambda: detection_report(MASK * 0, SCORES), "noise_mask: needs both"),
    (
        "report of NaN",
        lambda: detection_report(MASK, SCORES * np.nan),
        r"scores: .*row 0",
    ),
    ("report of texts", lambda: detection_report(MASK, SCORES.astype(str)), "scores: "),
    ("report of a table", lambda: detection_report(MASK, np.ones((8, 2))), "scores: "),
    ("infinite report", lambda: detection_report(MASK, SCORES / 0), "scores: "),
    (
        "flags of texts",
        lambda: detection_report(MASK, SCORES, list("01010101")),
        "pred",
    ),
    (
        "flags as rows",
        lambda: detection_report(MASK, SCORES, np.arange(8)),
        "predicted_",
    ),
    ("few flags", lambda: detection_report(MASK, SCORES, MASK[:3]), "inconsistent"),
    ("pruned NaN", lambda: prune_mask([1, np.nan, 3], 1), r"scores: .*row 1"),
    ("pruned texts", lambda: prune_mask(["a", "b"], 1), r"scores: must be numbers"),
    ("pruned None", lambda: prune_mask([1, None, 3], 1), r"scores: "),
    (
        "pruned table",
        lambda: prune_mask(np.ones((4, 2)), 1),
        r"scores: .*one value per",
    ),
    ("pruned by text", lambda: prune_mask([1, 2], "1"), r"prune: "),
    ("pruned by NaN", lambda: prune_mask([1, 2], np.nan), r"prune: "),
    ("pruned by True", lambda: prune_mask([1, 2], True), r"prune: "),
    ("text balance", lambda: prune_mask([1, 2], 1, [0, 1], "all"), r"class_balance: "),
    ("NaN balance", lambda: prune_mask([1, 2], 1, [0, 1], np.nan), r"class_balance: "),
    ("balance without labels", lambda: prune_mask([1, 2], 1, None, 1.0), r"labels: "),
    (
        "balance of None",
        lambda: prune_mask([1, 2], 1, [0, None], 1.0),
        r"labels: .*None",
    ),
    ("balance of sets", lambda: prune_mask([1, 2], 1, [[0], [1, 2]], 1.0), r"labels: "),
    (
        "few labels",
        lambda: prune_mask([1, 2, 3], 1, [0, 1], 1.0),
        "inconsistent numbers",
    ),
    ("negative weights", lambda: weighted_rows([[1, -1]]), r"targets: .*at least 0"),
    ("NaN weights", lambda: weighted_rows([[1, np.nan]]), r"targets: .*finite.*row 0"),
    (
        "flat weights",
        lambda: weighted_rows([1, 0]),
        r"targets: .*\(n_samples, n_classes\)",
    ),
    (
        "texts as weights",
        lambda: weighted_rows([["a", "b"]]),
        r"targets: must be numbers",
    ),
    (
        "ragged weights",
        lambda: weighted_rows([[1], [1, 0]]),
        r"targets: must be a table",
    ),
    ("rate above 1", lambda: flip_labels(Y, 1.5), r"rate: .*got 1.5"),
    ("negative rate", lambda: flip_labels(Y, -0.1), r"rate: "),
    ("NaN rate", lambda: flip_labels(Y, np.nan), r"rate: "),
    ("text rate", lambda: flip_labels(Y, "10%"), r"rate: .*'10%'"),
    ("no rate", lambda: flip_labels(Y, None), r"rate: "),
    ("a kind", lambda: flip_labels(Y, 0.1, kind="random"), r"kind: "),
    ("one class", lambda: flip_labels(Y * 0, 0.1), r"y: flipping needs 2 classes"),
    (
        "None flipped",
        lambda: flip_labels(with_label(None), 0.1),
        r"y: .*(None|one type)",
    ),
    (
        "NaN flipped",
        lambda: flip_labels(np.where(Y, Y, np.nan), 0.1),
        r"y: .*20 labels",
    ),
    ("mixed flipped", lambda: flip_labels(with_label(1), 0.1), r"y: .*one type"),
    ("no circles", lambda: make_three_circles(0), r"n_samples: "),
    ("half a circle", lambda: make_three_circles(30.5), r"n_samples: "),
    ("two circles", lambda: make_three_circles((10, 30)), r"n_samples: "),
    ("an empty circle", lambda: make_three_circles((10, 0, 30)), r"n_samples: "),
    ("negative noise", lambda: make_three_circles(noise=-1), r"noise: "),
    ("NaN noise", lambda: make_three_circles(noise=np.nan), r"noise: "),
    ("two radii", lambda: make_three_circles(radii=(1, 2)), r"radii: "),
    ("negative radius", lambda: make_three_circles(radii=(-1, 2, 3)), r"radii: "),
]


@pytest.mark.filterwarnings("ignore:divide by zero")
@table(BAD_CALLS)
def test_bad_calls(given, pattern, trainings):
    refused(given, pattern, trainings)


BAD_TARGETS = [
    ("code -1", ([0, -1, 1], [True, False, True], P), r"codes: .*got -1 to 1"),
    (
        "code of no class",
        ([0, 2, 1], [True, False, True], P),
        r"codes: .*0 to 1; got 0",
    ),
    ("codes as floats", ([0.0, 1.0, 1.0], [True] * 3, P), r"codes: must be integers"),
    ("codes as texts", (["0", "1", "1"], [True] * 3, P), r"codes: must be integers"),
    ("few codes", ([0, 1], [True] * 3, P), r"codes: must have shape \(3,\)"),
    ("a mask of texts", ([0, 1, 1], ["0", "1", "1"], P), r"noise_mask: "),
    ("few flags", ([0, 1, 1], [True], P), r"noise_mask: must have shape \(3,\)"),
    ("NaN", ([0, 1, 1], [True] * 3, P * np.nan), r"probabilities: .*finite.*row 0"),
    (
        "flat",
        ([0, 1, 1], [True] * 3, P[0]),
        r"probabilities: .*\(n_samples, n_classes\)",
    ),
    ("logits", ([0, 1, 1], [True] * 3, P - 1), r"probabilities: .*in \[0, 1\]"),
    ("nothing", ([0, 1, 1], [True] * 3, P * 0), r"probabilities: .*row 0 are all 0"),
    (
        "texts",
        ([0, 1, 1], [True] * 3, P.astype(str)),
        r"probabilities: must be numbers",
    ),
]


@pytest.mark.parametrize("f", [hard_targets, probability_targets, influence_targets])
@table(BAD_TARGETS)
def test_bad_targets(f, given, pattern, trainings):
    refused(lambda: f(*given), pattern, trainings)


# Queries after a fit


@pytest.fixture(scope="module")
def fitted():
    return cheap(GEXDetector, learner()).fit(X, Y)


BAD_QUERIES = [
    ("another width", (X[:, :3], Y), r"expecting 4 features"),
    ("missing labels", (X, with_label(None)), r"y: .*None.* rows: 3\."),
    ("mixed labels", (X, with_label(1)), r"y: .*mixed types"),
    ("label sets", (X, [[1, 2], [0]] * 30), r"y: .*MultiLabelBinarizer"),
    ("few labels", (X, Y[:9]), r"X, y: inconsistent numbers .*\[60, 9\]"),
    ("a loader", (DataLoader(PairDataset(X, Y)), None), r"X: got a DataLoader"),
    ("dict rows", (BAD_DATASETS[0][1], None), PAIR),
    ("a Dataset and y", (PairDataset(X, Y), Y), r"y: must be None"),
    ("names", (np.full((60, 4), "x"), Y), r"X: must "),
    ("a generator", ((x for x in X), Y), r"X: got a generator"),
]


@pytest.mark.parametrize("method", ["predict", "scores", "transform", "noise_proba"])
@table([row for row in BAD_QUERIES if row[0] != "a generator"])
def test_bad_queries(fitted, method, given, pattern, trainings):
    refused(lambda: getattr(fitted, method)(*given), pattern, trainings)


# What is odd, and works


ODD_LABELS = [
    ("names", NAMES),
    ("a list", NAMES.tolist()),
    ("a tuple", tuple(NAMES)),
    ("objects", NAMES.astype(object)),
    ("a column", Y[:, None]),
    ("bool", Y > 0),
    ("whole floats", Y.astype(float)),
    ("small ints", Y.astype(np.int8)),
    ("unsigned", Y.astype(np.uint16)),
    ("negative", Y - 1),
    ("far apart", Y * 1000),
    ("nullable ints", pd.Series(Y, dtype="Int64")),
    ("nullable bools", pd.Series(Y > 0, dtype="boolean")),
    ("nullable strings", pd.Series(NAMES, dtype="string")),
    ("a category", pd.Series(NAMES).astype("category")),
    ("a frame", pd.DataFrame({"y": Y})),
    ("an odd index", pd.Series(Y, index=np.arange(60)[::-1])),
    ("polars", pl.Series(NAMES.tolist())),
    ("polars categories", pl.Series(NAMES.tolist(), dtype=pl.Categorical)),
    ("a tensor", torch.tensor(Y)),
    ("dates", np.array([datetime.date(2020, 1, 1 + k) for k in Y], "M8[D]")),
    ("a rare class", with_label(7, Y, row=5).astype(int)),
]


@pytest.mark.parametrize("y", [row[1] for row in ODD_LABELS], ids=lambda y: None)
def test_odd_labels_work(y):
    net = classifier(module__n_outputs=4, module__dtype=torch.float32, max_epochs=1)
    detector = cheap(GEXDetector, net, n_steps=2).fit(X, y)
    given = np.asarray(y).ravel()
    kinds = {detector.classes_.dtype.kind, given.dtype.kind}
    assert len(kinds) == 1 or kinds <= set("OUTS")
    np.testing.assert_array_equal(detector.predict(X), detector.noise_mask_)
    np.testing.assert_array_equal(detector.predict(X, y), detector.noise_mask_)
    kept = ~detector.noise_mask_
    np.testing.assert_array_equal(detector.relabel()[kept], given[kept])


def test_all_estimators_are_meant():
    assert {cls.__name__ for cls in all_estimators()} >= set(TAKE_LABELS)

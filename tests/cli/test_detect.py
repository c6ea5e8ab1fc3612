"""``skgex detect`` on each kind of data, with all files that it writes."""

import re

import numpy as np
import pandas as pd
import pyarrow
import pytest
from commanding import iris, read_csv, succeeds, words, write_csv
from PIL import Image
from pyarrow import parquet

from skgex import GEXDetector
from skgex.cli._findings import print_data
from skgex.cli._reading import load
from skgex.tabular import tabular_detector

pytestmark = pytest.mark.filterwarnings("ignore")

X, labels, wrong = iris()


def check_issues(path, unit, places):
    """All rows once, most suspicious first, with the wrong ones on top."""
    header = path.read_text().splitlines()[0].split(",")
    assert header == [
        "row",
        *([unit] if unit else []),
        "given_label",
        "suggested_label",
        "noise_proba",
        "score",
        "score_std",
        "flagged",
    ]
    rows = [dict(zip(header, cells, strict=True)) for cells in read_csv(path)]
    found = [int(each["row"]) for each in rows]
    assert sorted(found) == list(range(len(labels)))
    scores = [float(each["score"]) for each in rows]
    assert scores == sorted(scores, reverse=True)
    assert [each["given_label"] for each in rows] == labels[found].tolist()
    if unit:
        assert [each[unit] for each in rows] == [places[row] for row in found]
    assert wrong[found[:8]].mean() >= 0.75
    return {int(each["row"]): each for each in rows}


def test_a_table(tmp_path):
    path = write_csv(
        tmp_path / "iris.csv",
        ["id", "petals; in cm", "width", "leaf", "species"],
        [
            [f"{n:03}", f"{x[2]:.2f}", f"{x[3]:.1f}", "round" if x[0] > 5 else "", y]
            for n, (x, y) in enumerate(zip(X, labels, strict=True))
        ],
        lineterminator="\r\n",
    )
    before = path.read_bytes()
    out, report, drop, relabel = (
        tmp_path / name for name in ("i.csv", "r.html", "d.csv", "n.csv")
    )
    text = succeeds(
        *("detect", path, "--label", "species", "--out", out, "--report", report),
        *("--drop", drop, "--relabel", relabel),
    )
    issues = check_issues(out, "line", [str(n + 2) for n in range(150)])
    assert path.read_bytes() == before
    assert "iris.csv: 150 rows, a table, 4 columns" in text
    assert "are flagged as wrong" in text
    assert "The 10 most suspicious labels" in text
    for each in (out, report, drop, relabel):
        assert str(each) in text
    assert report.read_text().startswith("<!DOCTYPE html>")

    lines = before.splitlines(keepends=True)
    kept = [n for n in range(150) if issues[n]["flagged"] == "False"]
    assert 0 < len(kept) < 150
    assert drop.read_bytes() == b"".join([lines[0], *(lines[n + 1] for n in kept)])
    new = relabel.read_bytes().splitlines(keepends=True)
    for n in range(150):
        if n in kept:
            assert new[n + 1] == lines[n + 1]
        else:
            cells = lines[n + 1].decode().strip().split(",")
            cells[-1] = issues[n]["suggested_label"]
            assert new[n + 1].decode() == ",".join(cells) + "\r\n"


def test_a_column_of_row_numbers_is_left_out(tmp_path):
    frame = pd.DataFrame(X, columns=list("abcd")).assign(species=labels)
    out = [tmp_path / name for name in ("i.csv", "j.csv")]
    for path, index in zip(out, [True, False], strict=True):
        frame.to_csv(tmp_path / "iris.csv", index=index)
        options = ("--label", "species", "--quick", "--out", path, "--force")
        text = succeeds("detect", tmp_path / "iris.csv", *options)
        assert "a table, 4 columns" in text
        assert ("Note: The first column has no name and is left out" in text) == index
    assert out[0].read_bytes() == out[1].read_bytes()


def test_a_single_column_of_numbers_is_a_table(tmp_path, capsys):
    rows = zip(X[:, 2], labels, strict=True)
    path = write_csv(tmp_path / "t.csv", ["petal", "y"], rows)
    data = load(path, "y")
    assert data.kind == "table"
    assert data.X["petal"].tolist() == X[:, 2].tolist()
    print_data(path, data)
    assert "t.csv: 150 rows, a table, 1 column\n" in without_padding(capsys)


def without_padding(capsys):
    return re.sub(" +\n", "\n", capsys.readouterr().out)


def test_one_column_of_text_is_read_as_text(tmp_path):
    topic = np.array(["sport", "money"] * 60)
    given = topic.copy()
    given[:6] = topic[1:7]
    path = write_csv(
        tmp_path / "news.tsv",
        ["headline", "topic"],
        zip(words(topic), given, strict=True),
        delimiter="\t",
    )
    out = tmp_path / "i.csv"
    text = succeeds("detect", path, "--label", "topic", "--out", out)
    assert "news.tsv: 120 rows, texts" in text
    first = {int(cells[0]) for cells in read_csv(out)[:6]}
    assert len(first & set(range(6))) >= 5


@pytest.mark.parametrize("name", ["x", "X", "samples"])
def test_arrays_are_judged_by_the_default_detector(tmp_path, name):
    extra = {"note": np.array("kept")} if name == "samples" else {"z": X[:, :2]}
    np.savez(tmp_path / "iris.npz", **{name: X, "y": labels}, **extra)
    out, drop = tmp_path / "i.csv", tmp_path / "d.npz"
    text = succeeds("detect", tmp_path / "iris.npz", "--out", out, "--drop", drop)
    assert "iris.npz: 150 rows, numbers, 4 columns" in text
    issues = check_issues(out, None, None)
    truth = GEXDetector(random_state=0, n_jobs=1).fit(X, labels)
    assert [issues[n]["flagged"] == "True" for n in range(150)] == list(
        truth.noise_mask_
    )
    with np.load(drop) as clean:
        kept = ~truth.noise_mask_
        assert (clean["y"] == labels[kept]).all()
        assert (clean[name] == X[kept]).all()
        if name == "samples":
            assert clean["note"] == "kept"
        else:
            assert (clean["z"] == X[kept, :2]).all()


def test_arrays_of_one_axis_are_a_column_or_texts(tmp_path, capsys):
    path = tmp_path / "t.npz"
    np.savez(path, X=X[:, 2], y=labels)
    data = load(path, None)
    assert data.X.tolist() == X[:, [2]].tolist()
    print_data(path, data)
    assert "t.npz: 150 rows, numbers, 1 column\n" in without_padding(capsys)
    texts = [f"about {label}" for label in labels]
    np.savez(path, X=np.array(texts), y=labels)
    data = load(path, None)
    assert (data.kind, data.X) == ("text", texts)


def test_yes_and_no_are_judged_as_one_and_zero(tmp_path):
    answers = X - np.median(X, axis=0) > 0
    np.savez(tmp_path / "answers.npz", X=answers, y=labels)
    out = tmp_path / "i.csv"
    succeeds("detect", tmp_path / "answers.npz", "--quick", "--out", out)
    truth = GEXDetector(n_members=4, random_state=0)
    truth.fit(answers.astype(np.uint8), labels)
    scores = {int(cells[0]): float(cells[4]) for cells in read_csv(out)}
    assert np.allclose([scores[n] for n in range(150)], truth.scores_, rtol=1e-12)


@pytest.mark.slow
def test_seed_precision_and_quick_reach_the_detector(tmp_path):
    np.savez(tmp_path / "iris.npz", X=X, labels=labels)
    out = tmp_path / "i.csv"
    options = ("--seed", 3, "--precision", 80, "--quick", "--jobs", 2, "--out", out)
    succeeds("detect", tmp_path / "iris.npz", *options)
    truth = GEXDetector(threshold="precision 80%", n_members=4, random_state=3)
    truth.fit(X, labels)
    scores = {int(cells[0]): float(cells[4]) for cells in read_csv(out)}
    assert np.allclose([scores[n] for n in range(150)], truth.scores_, rtol=1e-12)
    flagged = {int(cells[0]) for cells in read_csv(out) if cells[-1] == "True"}
    assert flagged == set(np.flatnonzero(truth.noise_mask_))


def scores_in(path):
    return pd.read_csv(path).set_index("row")["score"].to_dict()


def test_groups_are_kept_together_and_no_feature(tmp_path):
    groups = np.arange(150) // 3
    np.savez(tmp_path / "iris.npz", X=X, y=labels, subject=groups)
    out = tmp_path / "i.csv"
    succeeds("detect", tmp_path / "iris.npz", "--groups", "subject", "--out", out)
    truth = GEXDetector(random_state=0).fit(X, labels, groups=groups)
    scores = scores_in(out)
    assert np.allclose([scores[n] for n in range(150)], truth.scores_, rtol=1e-12)


def test_groups_of_a_parquet_file_are_those_of_a_csv_file(tmp_path):
    frame = pd.DataFrame(X, columns=[*"abcd"]).assign(who=np.arange(150) // 3, y=labels)
    frame.to_csv(tmp_path / "iris.csv", index=False)
    frame.to_parquet(tmp_path / "iris.parquet")
    outs = [tmp_path / f"{n}.csv" for n in range(3)]
    options = ("--label", "y", "--quick", "--out")
    succeeds("detect", tmp_path / "iris.parquet", *options, outs[0], "--groups", "who")
    succeeds("detect", tmp_path / "iris.csv", *options, outs[1], "--groups", "who")
    succeeds("detect", tmp_path / "iris.parquet", *options, outs[2])
    assert scores_in(outs[0]) == scores_in(outs[1]) != scores_in(outs[2])


def test_parquet_keeps_its_types(tmp_path):
    table = pyarrow.table(
        {
            "a": pyarrow.array(X[:, 2].astype(np.float32)),
            "b": pyarrow.array(X[:, 3]),
            "day": pyarrow.array([None, *range(149)], pyarrow.date32()),
            "species": pyarrow.array(labels).dictionary_encode(),
        }
    )
    parquet.write_table(table, tmp_path / "iris.parquet")
    out, relabel = tmp_path / "i.csv", tmp_path / "n.parquet"
    options = ("--label", "species", "--out", out, "--relabel", relabel)
    succeeds("detect", tmp_path / "iris.parquet", *options)
    issues = check_issues(out, None, None)
    clean = parquet.read_table(relabel)
    assert clean.schema.equals(table.schema)
    assert clean.drop_columns(["species"]).equals(table.drop_columns(["species"]))
    assert clean["species"].to_pylist() == [
        issues[n][
            "suggested_label" if issues[n]["flagged"] == "True" else "given_label"
        ]
        for n in range(150)
    ]


@pytest.mark.slow
def test_a_folder_of_images(tmp_path):
    rng = np.random.RandomState(0)
    folder = tmp_path / "spots"
    for n in range(120):
        bright = n % 2 == 1
        pixels = rng.randint(0, 60, (8, 8)) + 190 * bright
        name = "bright" if bright != (n == 7) else "dark"  # the seventh is wrong
        (folder / name).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.astype(np.uint8)).save(folder / name / f"{n:03}.png")
    out, drop, report = (tmp_path / name for name in ("i.csv", "d.csv", "r.html"))
    text = succeeds(
        *("detect", folder, "--quick", "--out", out, "--drop", drop),
        *("--report", report),
    )
    assert "spots: 120 rows, images of 8 by 8" in text
    worst = read_csv(out)[0]
    assert worst[1:4] == ["dark/007.png", "dark", "bright"]
    assert "dark/007.png" in report.read_text()
    listed = read_csv(drop)
    assert ["dark/007.png", "dark"] not in listed
    assert ["dark/000.png", "dark"] in listed
    assert [name for name in tmp_path.iterdir() if name.suffix == ".part"] == []


def test_groups_of_a_table_are_no_feature(tmp_path):
    groups = [f"patient {n // 3}" for n in range(150)]
    path = write_csv(
        tmp_path / "iris.csv",
        ["a", "patient", "b", "species"],
        zip(X[:, 2], groups, X[:, 3], labels, strict=True),
    )
    out = tmp_path / "i.csv"
    options = ("--label", "species", "--groups", "patient", "--quick", "--out", out)
    assert "a table, 2 columns" in succeeds("detect", path, *options)
    truth = tabular_detector(n_members=4, random_state=0)
    frame = pd.DataFrame({"a": X[:, 2], "b": X[:, 3]})
    truth.fit(frame, labels, gexdetector__groups=groups)
    scores = {int(cells[0]): float(cells[5]) for cells in read_csv(out)}
    assert np.allclose([scores[n] for n in range(150)], truth[-1].scores_, rtol=1e-12)

"""Reports as files: what is refused, what is left out, and what is always the same."""

import base64
import re
import sys
from io import BytesIO

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from PIL import Image
from reviewing import HOSTILE, Told, data_of, hostile_words, told
from scipy.sparse import csr_array
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tiny import flip_every, learner, make_blobs, regressor

from skgex import GEXDetector, NoisyLabelDetector
from skgex.hardness import AUM
from skgex.report import _page, _report, write_report

pytestmark = pytest.mark.usefixtures("no_drawing")

SCORES = np.arange(10) - 5


@pytest.fixture
def path(tmp_path):
    return tmp_path / "page.html"


def small(y=None, threshold=0.0):
    y = ["a", "b"] * 5 if y is None else y
    return told(np.zeros((10, 2)), y, SCORES, threshold)


def test_the_page_names_no_other_address(page_file):
    html = page_file.read_text("utf-8")
    head = html[: html.index("<style>")] + re.sub(
        r"<(style|script)[^>]*>.*?</\1>", "", html, flags=re.S
    )
    assert re.findall(r'(?:src|href)="(?!data:)[^"]*"', head) == []
    assert "default-src 'none'" in head


def test_the_data_of_the_page_end_no_script(page_file):
    html = page_file.read_text("utf-8")
    data = html[html.index('id="data">') + 10 :]
    assert "<" not in data[: data.index("</script>")]
    assert [each["text"] for each in data_of(page_file)["classes"]] == sorted(HOSTILE)


def test_no_text_within_a_script_ends_it(page_file):
    html = page_file.read_text("utf-8")
    table, own = re.findall(r'<script type="module">(.*?)</script>', html, re.S)
    assert "DataTables" in table
    assert own.endswith("goTo(inOrder()[0]);\n}\n")
    assert "<!--" not in html


def test_every_script_of_the_page_is_read():
    names = {path.name for path in _page.PAGE.iterdir()}
    assert {f"{name}.js" for name in _page.SCRIPTS} == {
        name for name in names if name.endswith(".js")
    }


def test_the_same_report_has_the_same_bytes(hostile, page_file, path, monkeypatch):
    monkeypatch.undo()  # with drawings
    X, _, detector = hostile
    write_report(detector, path, X, **hostile_words(len(X)))
    assert path.read_bytes() == page_file.read_bytes()


def test_settings_parameters_and_versions_are_there(hostile, path):
    html = write_report(hostile[2], path, settings={"file": "<digits>.csv"}).read_text(
        "utf-8"
    )
    for name in ("&lt;digits&gt;.csv", "random_state", "n_members", torch.__version__):
        assert f"<dd>{name}</dd>" in html or f"<dt>{name}</dt>" in html


def test_no_address_in_memory_is_among_the_settings(path):
    scorer = Told(SCORES)
    scorer.scores = np.sum  # a function, as a parameter of some estimators
    detector = small()
    detector.scorer = scorer
    html = write_report(detector, path).read_text("utf-8")
    assert "&lt;function sum" in html
    assert " at 0x" not in html


@pytest.mark.parametrize("container", [pd.DataFrame, pl.DataFrame], ids=["pd", "pl"])
def test_values_of_a_table_are_shown_with_gaps(path, container):
    table = container({"x": [1.23456789] * 9 + [None], "s": ["<b>"] * 10})
    data = data_of(write_report(small(), path, table))
    assert data["columns"] == ["x", "s"]
    assert data["contents"]["8"] == ["1.235", "<b>"]
    assert data["contents"]["9"] == ["\u2013", "<b>"]


def test_a_list_of_rows_is_a_table(path):
    data = data_of(write_report(small(), path, [[i, 0.5] for i in range(10)]))
    assert data["contents"]["9"] == ["9", "0.5"]


def test_an_index_of_its_own_names_the_rows(path):
    table = pd.DataFrame({"x": range(10)}, index=list("qwertyuiop"))
    assert data_of(write_report(small(), path, table))["names"]["9"] == "p"
    fitted = told(table, ["a", "b"] * 5, SCORES)
    data = data_of(write_report(fitted, path, overwrite=True))
    assert data["names"]["9"] == "p"
    plain = write_report(small(), path, table.reset_index(drop=True), overwrite=True)
    assert data_of(plain)["names"] == {}


def test_names_of_files_may_hold_what_utf_8_does_not_know(path):
    names = [f"{i}\udce9.png" for i in range(10)]
    assert data_of(write_report(small(), path, names=names))["names"]["9"] == "9?.png"


@pytest.mark.parametrize("shape", [(64,), (8, 8), (1, 8, 8), (8, 8, 3)])
@pytest.mark.parametrize("as_given", [np.asarray, torch.as_tensor])
def test_images_of_any_shape_are_pictures(path, shape, as_given):
    X = as_given(np.random.RandomState(0).rand(10, *shape).astype(np.float32))
    data = data_of(write_report(small(), path, X))
    assert data["kind"] == "picture"
    assert data["contents"]["9"].startswith("data:image/png;base64,")


def test_images_of_many_sizes_are_pictures_of_at_most_160_pixels(path):
    rng = np.random.RandomState(0)
    X = [rng.randint(256, size=(40 * i, 60, 3), dtype=np.uint8) for i in range(1, 11)]
    contents = data_of(write_report(small(), path, X))["contents"]
    sizes = {row: size_of(uri) for row, uri in contents.items()}
    assert sizes["9"] == (24, 160)
    assert sizes["6"] == (34, 160)


def size_of(uri):
    return Image.open(BytesIO(base64.b64decode(uri.split(",")[1]))).size


def test_texts_may_be_missing(path):
    data = data_of(write_report(small(), path, ["a"] * 9 + [None]))
    assert data["kind"] == "text"
    assert data["contents"]["8"] == "a"
    assert data["contents"]["9"] == "\u2013"


def test_pictures_that_do_not_fit_are_left_out_and_the_page_says_so(
    path, hostile, monkeypatch
):
    X, _, detector = hostile
    full = data_of(write_report(detector, path, X))
    size = path.stat().st_size
    monkeypatch.setattr(_report, "MAX_BYTES", size - 1000)
    html = write_report(detector, path, X, overwrite=True).read_text("utf-8")
    left_out = int(re.search(r"what the (\d+) least suspicious rows", html)[1])
    kept = data_of(path)["contents"]
    assert len(kept) == len(full["contents"]) - left_out
    assert str(full["rows"][0][0]) in kept
    assert path.stat().st_size <= size - 1000


def test_a_pipeline_is_reported_by_its_last_step(path):
    X, y = make_blobs()
    scorer = AUM(learner(), random_state=0)
    pipe = make_pipeline(StandardScaler(), NoisyLabelDetector(scorer, threshold="10%"))
    pipe.fit(X.astype(np.float32), flip_every(y, 10)[0])
    data = data_of(write_report(pipe, path, X))
    flagged = np.flatnonzero(pipe[-1].noise_mask_)
    assert sorted(line[0] for line in data["rows"]) == flagged.tolist()


def test_regression_targets_are_not_relabelled(path):
    X = np.random.RandomState(0).rand(40, 4).astype(np.float32)
    y = X.sum(axis=1, keepdims=True)
    net = regressor(module__n_outputs=1, module__dtype=torch.float32)
    detector = GEXDetector(
        net, n_members=2, n_steps=4, lr=0.01, threshold="10%", random_state=0
    ).fit(X, y)
    data = data_of(write_report(detector, path, X))
    assert data["classes"] is None
    row, given = data["rows"][0][:2]
    assert float(given) == pytest.approx(float(y[row, 0]))
    assert 'id="relabel"' not in path.read_text("utf-8")


def test_no_flagged_row_is_no_fault(path):
    html = write_report(small(threshold=100.0), path).read_text("utf-8")
    assert "nothing to review" in html


def test_several_labels_per_row_are_refused(path):
    y = np.array([[0, 1], [1, 1]] * 5)
    with pytest.raises(ValueError, match=r"one label per row, .* with 2"):
        write_report(small(y), path)
    assert not path.exists()


def test_labels_that_are_not_known_are_refused(path):
    detector = NoisyLabelDetector(Told(SCORES), threshold=0.0).fit(np.zeros((10, 2)))
    with pytest.raises(ValueError, match=r"fitted with are not known. Fit it with X"):
        write_report(detector, path)
    assert not path.exists()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"X": np.zeros((9, 2))}, ValueError, "X: .* 10 rows of fit, got 9"),
        ({"names": ["a"] * 11}, ValueError, "names: .* 10 rows of fit, got 11"),
        ({"X": csr_array(np.eye(10))}, ValueError, "X: expected .*, got csr_array"),
        ({"X": {"a": np.eye(10)}}, ValueError, "X: expected .*, got dict"),
        ({"X": np.zeros((10, 2, 3, 5))}, ValueError, "X: .* no images"),
    ],
)
def test_what_does_not_belong_to_the_rows_is_refused(path, arguments, error, message):
    with pytest.raises(error, match=message):
        write_report(small(), path, **arguments)
    assert not path.exists()


def test_what_is_not_fitted_and_what_exists_is_refused(path):
    with pytest.raises(NotFittedError):
        write_report(NoisyLabelDetector(AUM()), path)
    with pytest.raises(ValueError, match="detector: needs issues"):
        write_report(StandardScaler().fit([[0], [1]]), path)
    path.write_text("mine")
    with pytest.raises(FileExistsError, match=r"path: .*page\.html' exists already"):
        write_report(small(), path)
    assert path.read_text() == "mine"


def test_a_missing_library_is_named_with_its_extra(path, monkeypatch):
    monkeypatch.setitem(sys.modules, "itables", None)
    with pytest.raises(ImportError, match=r'itables: pip install "skgex\[report\]"'):
        write_report(small(), path)


@pytest.mark.parametrize("script", ["", "export { $ as DataTable };"])
def test_another_table_library_is_refused(path, monkeypatch, tmp_path, script):
    folder = tmp_path / "html"
    folder.mkdir()
    (folder / "dt_bundle.js").write_text(script)
    (folder / "dt_bundle.css").touch()
    monkeypatch.setattr(_page, "files", lambda name: tmp_path)
    with pytest.raises(ImportError, match="This version of itables is not known here"):
        write_report(small(), path)
    assert not path.exists()

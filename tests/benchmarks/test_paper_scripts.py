"""The scripts that run the paper again, on images of noise at the smallest scale."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import skgex

BENCHMARKS = Path(skgex.__file__).parents[1] / "benchmarks"
TINY = ["--scale", "tiny", "--seeds", "0"]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    """Return a folder of four sets of small size, their labels by people among them."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    shapes = {"cifar10": (32, 32, 3), "cifar100": (32, 32, 3), "mnist": (28, 28, 1)}
    for name, shape in shapes.items():
        arrays = {}
        for part, n in (("train", 300), ("test", 100)):
            arrays[f"x_{part}"] = rng.integers(0, 256, (n, *shape), dtype=np.uint8)
            arrays[f"y_{part}"] = rng.permutation(np.arange(n) % 10)
        np.savez(folder / f"{name}.npz", **arrays)
        given = np.where(rng.random(300) < 0.3, 0, arrays["y_train"])
        names = {"worse_label": given, "noisy_label": given}
        np.savez(folder / f"{name}n.npz", **names)
    return folder


def run(script, *arguments, out):
    """Run a script; return its output and the lines of its CSV."""
    done = subprocess.run(
        [sys.executable, BENCHMARKS / "paper" / script, *arguments, "--out", out],
        env=os.environ | {"PYTHONPATH": str(BENCHMARKS)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.returncode, done.stderr[-3000:]
    with out.open(newline="") as file:
        return done.stdout, list(csv.DictReader(file))


def test_all_methods_find_noisy_labels(data_dir, tmp_path):
    arguments = [*TINY, "--data-dir", data_dir, "--sets", "cifar10", "--augment", "no"]
    printed, lines = run("noisy_labels.py", *arguments, out=tmp_path / "results.csv")
    assert len(lines) == printed.count("\n| ") - 2 == 14
    assert all(0 <= float(line["auc"]) <= 1 for line in lines)


def test_four_sets_with_augmentation(data_dir, tmp_path):
    arguments = [*TINY, "--data-dir", data_dir, "--augment", "yes"]
    arguments += ["--methods", "GEX", "GEX-lin"]
    printed, lines = run("noisy_labels.py", *arguments, out=tmp_path / "results.csv")
    assert len(lines) == 4 * 2
    assert printed.count("| GEX-lin |") == 4
    # The rate of GEX is given to its linear form.
    rates = [line["lr"] for line in lines]
    assert rates[::2] == rates[1::2]
    assert "nan" not in rates


def test_a_run_goes_on_from_its_lines(data_dir, tmp_path):
    out = tmp_path / "results.csv"
    arguments = [*TINY, "--data-dir", data_dir, "--augment", "no", "--sets", "cifar10"]
    _, lines = run("noisy_labels.py", *arguments, "--methods", "AUM", out=out)
    assert [line["method"] for line in lines] == ["AUM"]
    _, more = run("noisy_labels.py", *arguments, "--methods", "AUM", "CL", out=out)
    assert more[0] == lines[0]
    assert [line["method"] for line in more] == ["AUM", "CL"]


def test_a_set_without_its_file_is_passed_over(data_dir, tmp_path):
    only = tmp_path / "data"
    only.mkdir()
    (only / "cifar10.npz").symlink_to(data_dir / "cifar10.npz")
    arguments = [*TINY, "--data-dir", only, "--methods", "AUM"]
    printed, lines = run("noisy_labels.py", *arguments, out=tmp_path / "results.csv")
    assert {line["data"] for line in lines} == {"cifar10"}
    assert "cifar100n: passed over, for want of cifar100, cifar100n" in printed


def test_bilinear(data_dir, tmp_path):
    arguments = [*TINY, "--data-dir", data_dir, "--pictures", tmp_path]
    printed, lines = run("bilinear.py", *arguments, out=tmp_path / "results.csv")
    assert len(lines) == printed.count("\n| ") - 1 == 5
    assert (tmp_path / "bilinear.png").exists()


def test_cost(data_dir, tmp_path):
    arguments = [*TINY, "--data-dir", data_dir]
    _, lines = run("cost.py", *arguments, out=tmp_path / "results.csv")
    settings = [(line["n_members"], line["n_steps"], line["rate"]) for line in lines]
    # Of four members, a quarter and a sixteenth are one.
    assert len(set(settings)) == len(lines) == 5
    assert ("4", "4", "given") in settings


def test_paper_rate(data_dir, tmp_path):
    arguments = [*TINY, "--data-dir", data_dir, "--rates", "0.05"]
    arguments += ["--variants", "base", "sigmoid loss", "batches of 1,024"]
    _, lines = run("paper_rate.py", *arguments, out=tmp_path / "results.csv")
    assert [line["variant"] for line in lines] == arguments[-3:]
    assert len({line["rise_wrong"] for line in lines}) == 3


def test_relabelling(data_dir, tmp_path):
    arguments = [*TINY, "--data-dir", data_dir]
    printed, lines = run("relabelling.py", *arguments, out=tmp_path / "results.csv")
    treatments = [line["treatment"] for line in lines]
    assert len(set(treatments)) == len(lines) == 17
    assert all(f"| {treatment} |" in printed for treatment in treatments)


def test_pruned_accuracy(data_dir, tmp_path):
    arguments = [*TINY, "--data-dir", data_dir, "--pictures", tmp_path]
    _, lines = run("pruned_accuracy.py", *arguments, out=tmp_path / "results.csv")
    assert len(lines) == 2 * (9 * 3 + 1)
    assert (tmp_path / "pruned_accuracy.png").exists()


def test_laplace_agrees_with_the_theorem(tmp_path):
    arguments = ["--seeds", "0", "--n-draws", "1", "--pictures", tmp_path]
    printed, lines = run("laplace.py", *arguments, out=tmp_path / "results.csv")
    for line in lines[2:]:  # few draws differ much among themselves
        assert float(line["error"]) == pytest.approx(float(line["theory"]), rel=0.6)
    # The 70 rows of two classes leave a rank of 70, since probabilities sum to one.
    assert "| Gauss-Newton | 1218 | 1078 | 1148 |" in printed
    assert (tmp_path / "spectra.png").exists()

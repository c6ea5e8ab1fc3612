"""Whatever happens to a file, reading it works or fails with one line."""

import random

import numpy as np
import pyarrow
import pytest
from commanding import iris, write_csv
from pyarrow import parquet

from skgex.cli._errors import CommandError
from skgex.cli._reading import load

X, labels, _ = iris()
N_DAMAGES = 60
TEXT = b"aZ09 .,;\t|\"'\r\n-=%NA"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("good")
    rows = [[*x, y] for x, y in zip(X, labels, strict=True)]
    write_csv(folder / "iris.csv", ["a", "b", "c", "d", "y"], rows)
    np.savez(folder / "iris.npz", X=X, y=labels)
    np.savez_compressed(folder / "small.npz", X=X, y=labels)
    parquet.write_table(
        pyarrow.table({"a": X[:, 0], "b": X[:, 1], "y": labels}),
        folder / "iris.parquet",
    )
    return folder


def damaged(data, rng, letters):
    """Change, remove and insert bytes, or cut the file."""
    data = bytearray(data)
    for _ in range(rng.randint(1, 5)):
        at = rng.randrange(len(data))
        kind = rng.random()
        if kind < 0.5:
            data[at] = rng.choice(letters)
        elif kind < 0.7:
            del data[at : at + rng.randint(1, 50)]
        elif kind < 0.9:
            data[at:at] = bytes(rng.choices(letters, k=rng.randint(1, 20)))
        else:
            del data[at + 1 :]
    return bytes(data)


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("iris.csv", TEXT),
        ("iris.csv", range(256)),
        ("iris.npz", range(256)),
        ("small.npz", range(256)),
        ("iris.parquet", range(256)),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_damage_is_refused_in_one_line(files, tmp_path, name, letters):
    rng = random.Random(0)
    good = (files / name).read_bytes()
    path = tmp_path / name
    errors = []
    for _ in range(N_DAMAGES):
        path.write_bytes(damaged(good, rng, letters))
        try:
            load(path, "y")
        except CommandError as error:
            errors.append(str(error))
    assert errors
    assert all(name in error and "\n" not in error for error in errors)

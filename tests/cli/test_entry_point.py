"""The command as a process of its own."""

import io
import os
import subprocess
import sys
from contextlib import redirect_stdout

import numpy as np
import pytest
from commanding import iris, run

import skgex
from skgex.cli import main

MAIN = "from skgex.cli import main; main()"


def process(*args, code=MAIN, **environment):
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, args)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


def test_the_version():
    result = process("--version")
    assert result.returncode == 0
    assert result.stdout == f"skgex {skgex.__version__}\n"


def test_its_output_may_go_to_any_stream(monkeypatch):
    """A stream that is no file of bytes has no encoding to be changed."""
    monkeypatch.setattr(sys, "argv", ["skgex", "--version"])
    stream = io.StringIO()
    with redirect_stdout(stream), pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 0
    assert stream.getvalue() == f"skgex {skgex.__version__}\n"


@pytest.mark.parametrize("missing", ["typer", "rich"])
def test_without_its_libraries_it_says_what_to_install(missing):
    code = f"import sys; sys.modules[{missing!r}] = None; {MAIN}"
    result = process("detect", code=code)
    assert result.returncode == 2
    assert result.stdout == ""
    assert 'pip install "skgex[cli]"' in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.slow
def test_a_pipe_gets_plain_text(tmp_path):
    X, labels, _ = iris()
    np.savez(tmp_path / "iris.npz", X=X, y=labels)
    result = process(
        "detect", tmp_path / "iris.npz", "--quick", PYTHONIOENCODING="ascii"
    )
    assert result.returncode == 0, result.stderr
    assert "\x1b" not in result.stdout
    assert result.stderr == ""
    bad = process("detect", tmp_path / "no.npz")
    assert bad.returncode == 2
    assert "Traceback" not in bad.stderr
    assert "\x1b" not in bad.stderr


def test_help_names_the_exit_codes():
    for command in ([], ["detect"], ["apply"], ["demo"]):
        text = " ".join(run(*command, "--help").output.split())
        assert "0 done; 2 the input or an option is wrong" in text
        assert "130 interrupted" in text

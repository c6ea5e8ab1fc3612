"""Run the README's examples as they stand there, and compare what they print.

    python benchmarks/readme.py

A python block followed directly by a block without a language is an example and its
output; each example continues the one before. Other python blocks need the reader's
own net or data, and are only compiled. The exit status is 1 if an example prints
something else than the README shows.
"""

import contextlib
import difflib
import io
import re
import sys
from pathlib import Path

PYTHON = re.compile(r"^```python\n(.*?)^```(?:\n\n```\n(.*?)^```)?$", re.M | re.S)
FENCE = re.compile(r"^```(\w*)$", re.M)


def examples(text):
    """Return code and expected output per python block; None where none is shown."""
    found = []
    for block in PYTHON.finditer(text):
        # Empty lines in front, so that a traceback names the line of the README.
        above = "\n" * text.count("\n", 0, block.start(1))
        found.append((compile(above + block[1], "README.md", "exec"), block[2]))
    n_outputs = sum(expected is not None for _, expected in found)
    if n_outputs == 0 or n_outputs != FENCE.findall(text)[::2].count(""):
        raise SystemExit("README.md: every output must directly follow its example")
    return found


def difference(program, expected, names):
    """Run an example; return the lines of a diff, none if it prints what is shown."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(program, names)
    lines = [shown.splitlines(True) for shown in (expected, printed.getvalue())]
    return list(difflib.unified_diff(*lines, "README.md", "printed"))


def main():
    text = (Path(__file__).parents[1] / "README.md").read_text()
    shown = [example for example in examples(text) if example[1] is not None]
    names, n_wrong = {}, 0
    for program, expected in shown:
        lines = difference(program, expected, names)
        sys.stdout.writelines(lines)
        n_wrong += bool(lines)
    print(f"README.md: {len(shown)} examples, {n_wrong} print something else")
    sys.exit(n_wrong > 0)


if __name__ == "__main__":
    main()

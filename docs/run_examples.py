"""Run the examples of the pages as they stand there, and compare what they print.

    python docs/run_examples.py                       # README.md and all of docs/
    python docs/run_examples.py docs/start.md         # one page

Runs the ``python`` and the ``console`` blocks of a page one after another, in an empty
folder that is the page's own. Python blocks share their names, and console blocks the
folder. In a console block, commands begin with ``$``. A block without a language shows
what the block before it prints; a console block may also show it beneath a command.
``...`` matches any text. Output that the page does not show is not compared. Numbers
may differ by 5 % or by three units of their last digit: each kind of processor rounds
in its own way, so that nets trained on it, and how many rows they flag, differ a bit.

A block that begins with ``# Not run: REASON`` is only checked for its syntax. The exit
status is 1 if an example fails or prints something else.
"""

import argparse
import contextlib
import difflib
import doctest
import io
import os
import re
import subprocess
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[1]
BUILT = {"build", "api", "gallery"}
FENCE = re.compile(r"^```([^`\n]*)\n(.*?)^```$", re.M | re.S)
NUMBER = r"\d+(?:\.\d+)?"
SKIP = re.compile(r"# Not run: \S")


@dataclass
class Example:
    """A block of a page, and what the page says that it prints; None if it does not."""

    line: int
    language: str
    code: str
    expected: str | None


def examples_of(text):
    """Return the examples of a page, in order."""
    found, end = [], None
    for block in FENCE.finditer(text):
        language, code = block.groups()
        if language in ("python", "console"):
            line = text.count("\n", 0, block.start(1)) + 1
            found.append(Example(line, language, code, None))
            end = block.end()
        elif not language and end is not None and not text[end : block.start()].strip():
            found[-1].expected, end = code, None
    return [split_output(example) for example in found]


def split_output(example):
    """Take what a console block shows beneath its commands as what it prints."""
    if example.language == "console":
        commands, shown, goes_on = [], [], False
        for line in example.code.splitlines():
            is_command = goes_on or line.startswith(("$ ", "#"))
            (commands if is_command else shown).append(line.removeprefix("$ "))
            goes_on = is_command and line.endswith("\\")
        example.code = "\n".join(commands)
        if shown:
            example.expected = "\n".join(shown) + "\n" + (example.expected or "")
    return example


def run(example, names, page):
    """Run an example and return what it prints; an error is raised if it fails."""
    if example.language == "console":
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", example.code],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"exit status {done.returncode}\n{done.stderr}")
        return done.stdout
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compiled(example, page), names)
    return printed.getvalue()


def compiled(example, page):
    """Compile a block so that a traceback names the line of the page."""
    return compile("\n" * example.line + example.code, page, "exec")


def difference(expected, printed):
    """Return the lines of a diff; none if the text is about the expected one."""
    expected, printed = map(without_trailing_space, (expected, printed))
    if has_text(expected, printed) and has_numbers(expected, printed):
        return ""
    lines = expected.splitlines(True), printed.splitlines(True)
    return "".join(difflib.unified_diff(*lines, "shown", "printed"))


def has_text(expected, printed):
    """Return whether a text is the expected one, whatever its numbers are."""
    texts = [re.sub(NUMBER, "#", text) for text in (expected, printed)]
    return doctest.OutputChecker().check_output(*texts, doctest.ELLIPSIS)


def has_numbers(expected, printed):
    """Return whether a text that is otherwise as expected has about these numbers."""
    parts = re.split(rf"(\.\.\.|{NUMBER})", expected)
    pattern = [
        ".*?" if part == "..." else f"({NUMBER})" if i % 2 else re.escape(part)
        for i, part in enumerate(parts)
    ]
    shown = [part for part in parts[1::2] if part != "..."]
    found = re.fullmatch("".join(pattern), printed, re.S)
    return bool(found) and all(map(is_about, shown, found.groups()))


def is_about(shown, number):
    """Return whether a number is about the one that is shown."""
    unit = 0.1 ** len(shown.partition(".")[2])
    most = max(0.05 * float(shown), 3 * unit)
    return abs(float(number) - float(shown)) <= 1.001 * most


def without_trailing_space(text):
    return "\n".join(line.rstrip() for line in text.rstrip().splitlines()) + "\n"


def complaint(example, names, page):
    """Run an example; return what is wrong with it, an empty string if nothing is."""
    if SKIP.match(example.code):
        if example.language == "python":
            compiled(example, page)
        return ""
    try:
        printed = run(example, names, page)
    except Exception as error:
        return "".join(traceback.format_exception(error)[-8:])
    return "" if example.expected is None else difference(example.expected, printed)


def run_page(path):
    """Run a page and say how it went; return the number of complaints."""
    start, complaints = time.perf_counter(), []
    found = examples_of(path.read_text())
    names = {"__name__": "__main__"}
    with TemporaryDirectory() as folder, contextlib.chdir(folder):
        for example in found:
            text = complaint(example, names, str(path))
            if text:
                complaints.append(f"{path}, line {example.line}:\n{text}")
    n_left = sum(bool(SKIP.match(example.code)) for example in found)
    seconds = time.perf_counter() - start
    counts = f"{len(found) - n_left} run, {n_left} not run"
    print(f"{path.relative_to(ROOT)}: {counts}, {seconds:.0f} s", *complaints, sep="\n")
    return len(complaints)


def run_alone(path):
    """Run a page in a process of its own, so that none changes what another sees."""
    command = [sys.executable, __file__, str(path)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    print(done.stdout, end="", flush=True)
    return done.returncode


def pages():
    """Return the README and all pages of the site that are written by hand."""
    found = sorted((ROOT / "docs").rglob("*.md"))
    of_docs = [path for path in found if not BUILT & set(path.parts[len(ROOT.parts) :])]
    return [ROOT / "README.md", *of_docs]


def environment():
    """Let console blocks find this Python's commands, without colours."""
    folders = [str(Path(sys.executable).parent), os.environ["PATH"]]
    os.environ.update(PATH=os.pathsep.join(folders), NO_COLOR="1", TERM="dumb")
    os.environ.update(COLUMNS="88", MPLBACKEND="agg")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("pages", nargs="*", type=lambda name: Path(name).resolve())
    parser.add_argument("--jobs", type=int, default=2, help="pages at a time")
    args = parser.parse_args()
    environment()
    if len(args.pages) == 1:
        sys.exit(run_page(args.pages[0]) > 0)
    paths = [path for path in args.pages or pages() if examples_of(path.read_text())]
    with ThreadPoolExecutor(args.jobs) as pool:
        n_wrong = sum(code != 0 for code in pool.map(run_alone, paths))
    print(f"{n_wrong} of {len(paths)} pages have examples that fail or print otherwise")
    sys.exit(n_wrong > 0)


if __name__ == "__main__":
    main()

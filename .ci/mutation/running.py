"""Tests of one module, run again and again while the module is a mutant.

Starting Python with torch and collecting tests takes seconds. So it is done once, and
each run is a fork of the process that has done it. The files themselves are left alone.
"""

import contextlib
import importlib
import json
import os
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import coverage
import hypothesis
import joblib
import pytest
import torch
from mutants import Mutant
from swapping import swap

# A mutant has this many times the processor time of the unchanged module, and some
# seconds, before it counts as killed. The clock on the wall, which other processes
# slow down, is looked at for mutants that sleep.
PATIENCE, SECONDS, WALL = 5, 5, 20
# No process may have more memory than this, in bytes.
MEMORY = 6 * 2**30
# Options of pytest: quiet, and nothing kept.
OPTIONS = ["-q", "-p", "no:cacheprovider", "-m", "not slow"]


class Reach(NamedTuple):
    """Which lines a test reaches in a module, and its processor time in seconds."""

    lines: frozenset[int]
    seconds: float


def fates(
    root: Path, module: str, tests: list[str], mutants: list[Mutant]
) -> Iterator[tuple[Mutant, str | None]]:
    """Yield each mutant, and which test notices it or what else ends it, if anything.

    Raises
    ------
    SystemExit
        If a test fails though nothing is changed.
    """
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "found.jsonl"
        found.touch()
        child = os.fork()
        if not child:
            try:
                _prepare(root, folder)
                _Trials(module, mutants, found).run(tests)
            finally:
                os._exit(1)
        yield from zip(mutants, _lines_of(found, child), strict=True)


def _lines_of(path: Path, child: int) -> Iterator[Any]:
    """Yield what a fork writes into a file, line by line, until it ends."""
    with path.open() as file:
        ended, status = 0, 0
        while True:
            where = file.tell()
            line = file.readline()
            if line.endswith("\n"):
                yield json.loads(line)
                continue
            file.seek(where)
            if ended:
                break
            ended, status = os.waitpid(child, os.WNOHANG)
            time.sleep(0.05)
    if status:
        raise SystemExit("Tests fail although nothing is changed.")


class _Trials:
    """A plugin of pytest that runs the collected tests once for each mutant."""

    def __init__(self, module: str, mutants: list[Mutant], found: Path):
        self.name = module.removesuffix(".py").replace("/", ".")
        self.mutants = mutants
        self.found = found
        self.failed = ""

    def run(self, tests: list[str]) -> None:
        os._exit(pytest.main([*OPTIONS, *tests], plugins=[self]))

    def pytest_runtestloop(self, session) -> bool:
        module = importlib.import_module(self.name)
        items = {item.nodeid: item for item in session.items}
        watched = _forked(lambda: self._watch(items, str(module.__file__)))
        if watched is None or self.failed or watched["failed"]:
            session.testsfailed = 1
            return True
        reached = {test: Reach(*reach) for test, reach in watched["reached"].items()}
        with self.found.open("a") as file:
            for mutant in self.mutants:
                chosen = _chosen(mutant.line, reached)
                seconds = SECONDS + PATIENCE * sum(reached[t].seconds for t in chosen)
                answer = _forked(
                    lambda m=mutant, c=chosen: self._try(module, m, items, c), seconds
                )
                by = "time, memory or a crash" if answer is None else answer["by"]
                file.write(json.dumps(by) + "\n")
                file.flush()
        return True

    def pytest_runtest_logreport(self, report) -> None:
        if report.failed:
            self.failed = self.failed or report.nodeid

    def _watch(self, items: dict, path: str) -> dict:
        """Return which lines each test reaches, and which test fails, if any."""
        watch = coverage.Coverage(data_file=None, include=[path])
        seconds = {}
        watch.start()
        for test, item in items.items():
            watch.switch_context(test)
            start = time.process_time()
            _run(item)
            seconds[test] = time.process_time() - start
        watch.stop()
        lines: dict[str, list[int]] = {test: [] for test in items}
        for line, tests in watch.get_data().contexts_by_lineno(path).items():
            for test in filter(None, tests):
                lines[test].append(line)
        reached = {test: (lines[test], seconds[test]) for test in items}
        return {"reached": reached, "failed": self.failed}

    def _try(self, module, mutant: Mutant, items: dict, chosen: list[str]) -> dict:
        """Return what notices a mutant, None if nothing does."""
        try:
            swap(module, mutant.source)
        except Exception as error:
            return {"by": f"the import: {error!r}"}
        for test in chosen:
            _run(items[test])
            if self.failed:
                break
        return {"by": self.failed or None}


def _run(item) -> None:
    item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)


def _chosen(line: int, reached: dict[str, Reach]) -> list[str]:
    """Return the tests that reach a line, the quickest first.

    If none does, all: the line runs on import, or is never reached.
    """
    those = [test for test in reached if line in reached[test].lines] or list(reached)
    return sorted(those, key=lambda test: reached[test].seconds)


def _forked(function: Callable[[], Any], seconds: float | None = None) -> Any:
    """Return what a function returns in a fork; None where that ends too early."""
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "answer.json"
        child = os.fork()
        if not child:
            try:
                os.setsid()
                if seconds is not None:
                    limit = int(time.process_time() + seconds) + 1
                    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
                answer.write_text(json.dumps(function()))
            finally:
                os._exit(0)
        _await(child, None if seconds is None else WALL * seconds)
        text = answer.read_text() if answer.exists() else ""
        return json.loads(text) if text else None


def _prepare(root: Path, folder: str) -> None:
    """Make a fork quiet and bounded, with a folder for the files of tests."""
    os.chdir(root)
    os.environ |= {
        "PYTEST_DEBUG_TEMPROOT": folder,
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    sys.path.insert(0, str(root))
    torch.set_num_threads(1)
    # Another process would import the module as it is, unlike the mutant.
    joblib.parallel_config(backend="threading")
    # The same examples each time; and none is sought that fails in fewer steps.
    phases = (hypothesis.Phase.explicit, hypothesis.Phase.generate)
    hypothesis.settings.register_profile(
        "mutation",
        database=None,
        deadline=None,
        derandomize=True,
        max_examples=30,
        phases=phases,
    )
    hypothesis.settings.load_profile("mutation")


def _await(child: int, seconds: float | None) -> None:
    """Wait for a fork, and end it and all that it started."""
    end = time.monotonic() + (seconds or float("inf"))
    pause = 0.005
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        if time.monotonic() > end:
            os.kill(child, signal.SIGKILL)
        time.sleep(pause)
        pause = min(0.1, 1.2 * pause)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)

"""``make audit`` reports what pip-audit finds, and does not trust it blindly."""

import importlib.util
import json
import subprocess
from pathlib import Path

import pytest

FILE = Path(__file__).parents[1] / ".ci" / "audit.py"
HOLE = {"id": "CVE-1", "fix_versions": ["9.1"]}


@pytest.fixture
def audit(monkeypatch):
    """Return a function that audits what is found, as printed by pip-audit."""
    spec = importlib.util.spec_from_file_location("audit", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def audit(of_known, of_pinned):
        def answer(command, **_):
            found = (
                of_pinned if str(command[-1]).endswith("constraints.txt") else of_known
            )
            text = (
                found if isinstance(found, str) else json.dumps({"dependencies": found})
            )
            return subprocess.CompletedProcess(command, 0, stdout=text)

        monkeypatch.setattr(subprocess, "run", answer)
        return module.main()

    return audit


def package(name, *vulns):
    return {"name": name, "version": "1.0", "vulns": list(vulns)}


KNOWN = [package("jinja2", HOLE)]
SKIPPED = [{"name": "a", "skip_reason": "not found"}]


@pytest.mark.parametrize("of_known", [SKIPPED, [package("jinja2")], "no network"])
def test_where_nothing_can_be_looked_up_it_says_so(audit, capsys, of_known):
    assert audit(of_known, [package("a")]) == 0
    assert "skipped" in capsys.readouterr().out


def test_vulnerable_versions_are_named(audit, capsys):
    assert audit(KNOWN, [package("a", HOLE), package("b"), *SKIPPED]) == 1
    text = capsys.readouterr().out
    assert "a 1.0: CVE-1, fixed in 9.1" in text
    assert "not looked up: a" in text
    assert "1 pinned versions" in text


def test_none_are_named_if_there_are_none(audit, capsys):
    assert audit(KNOWN, [package("a"), package("b")]) == 0
    assert "0 pinned versions" in capsys.readouterr().out


def test_a_look_up_that_breaks_off_is_no_good_sign(audit, capsys):
    assert audit(KNOWN, "") == 0
    assert "broke off" in capsys.readouterr().out

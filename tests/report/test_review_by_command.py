"""From a file to a review in a browser to a corrected file, by the command alone."""

import csv

import numpy as np
import pytest
from typer.testing import CliRunner

from skgex.cli._app import app

TOPICS = {
    "sport": ["goal", "match", "league", "coach", "referee"],
    "money": ["bank", "market", "shares", "budget", "credit"],
}


def run(*args):
    result = CliRunner().invoke(app, [str(arg) for arg in args])
    assert result.exit_code == 0, result.output


@pytest.mark.filterwarnings("ignore")
def test_what_is_decided_in_the_page_is_applied_to_the_file(
    no_drawing, open_page, tmp_path
):
    rng = np.random.RandomState(0)
    topics = ["sport", "money"] * 60
    texts = [
        f"{' '.join(rng.choice(TOPICS[topic], 3))} {rng.randint(10**6)}"
        for topic in topics
    ]
    given = [topics[n + 1] if n < 6 else topics[n] for n in range(120)]
    data = tmp_path / "news.csv"
    with data.open("w", newline="") as file:
        csv.writer(file).writerows([["text", "topic"], *zip(texts, given, strict=True)])
    report, clean = tmp_path / "report.html", tmp_path / "clean.csv"
    run("detect", data, "--label", "topic", "--report", report)

    page = open_page(report)
    page.wait_for_selector("#table tbody tr")
    for key in ("r", "d"):  # relabel the most suspicious row, drop the next
        page.keyboard.press(key)
    with page.expect_download() as download:
        page.click("#export")
    decisions = tmp_path / "decisions.csv"
    download.value.save_as(decisions)
    with decisions.open(newline="") as file:
        first, second = csv.DictReader(file)

    run("apply", data, decisions, "--out", clean)
    lines = data.read_bytes().splitlines(keepends=True)
    old, new = first["given_label"], first["new_label"]
    assert {old, new} == set(TOPICS)
    place = int(first["row"]) + 1
    lines[place] = lines[place].replace(old.encode(), new.encode())
    del lines[int(second["row"]) + 1]
    assert clean.read_bytes() == b"".join(lines)

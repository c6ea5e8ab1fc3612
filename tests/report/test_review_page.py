"""The page of a report, used in a real browser."""

import re

import numpy as np
import pandas as pd
import pytest
from conftest import DESKTOP, PHONE
from reviewing import HOSTILE, data_of, flipped_digits, told
from scipy.stats import binomtest

from skgex.cleaning import apply_decisions
from skgex.report import write_report

pytestmark = pytest.mark.usefixtures("no_drawing")


@pytest.fixture
def page(open_page, page_file):
    return open_page(page_file)


def column(page, number):
    """The texts of a column of the table, from above."""
    return page.locator(f"#table tbody td:nth-child({number})").all_text_contents()


def rows(page):
    return [int(re.match(r"\d+", text)[0]) for text in column(page, 1)]


def flagged_rows(detector):
    issues = detector.issues()
    return issues["row"][issues["flagged"]].tolist()


def assert_rows_are_within_the_table(page):
    """A rule of the style that also fits the table can make its rows invisible."""
    table = page.locator("#table").bounding_box()
    last = page.locator("#table tbody tr").last.bounding_box()
    assert last["y"] + last["height"] <= table["y"] + table["height"] + 1
    assert last["width"] <= table["width"]


def export(page, folder):
    with page.expect_download() as download:
        page.click("#export")
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def test_the_page_asks_the_network_for_nothing_and_has_no_faults(page, page_file):
    page.wait_for_selector("#table tbody tr")
    page.keyboard.press("r")
    loaded = [url for url in page.requests if not url.startswith("data:")]
    assert loaded == [page_file.as_uri()]
    assert page.faults == []


def test_all_pictures_load(page):
    page.wait_for_selector("#table tbody img")
    widths = page.eval_on_selector_all("img", "all => all.map(i => i.naturalWidth)")
    assert len(widths) > 25
    assert min(widths) >= 8
    assert page.locator("img:not([alt])").count() == 0


def test_the_table_has_the_flagged_rows_most_suspicious_first(page, hostile):
    assert rows(page) == flagged_rows(hostile[2])[:25]
    assert_rows_are_within_the_table(page)


def wait_for_rows(page, wanted):
    """Demand rows of the table, which sorts a moment after it was told to."""
    for _ in range(40):
        if rows(page) == wanted:
            return
        page.wait_for_timeout(50)
    assert rows(page) == wanted


def test_the_table_is_sorted_by_a_click_and_by_a_key(page, hostile):
    _, y, detector = hostile
    flagged = flagged_rows(detector)
    page.click("#table th:has-text('Given')")
    wait_for_rows(page, sorted(flagged, key=lambda row: y[row])[:25])
    page.focus("#table th:has-text('Row') [tabindex]")
    page.keyboard.press("Enter")
    wait_for_rows(page, sorted(flagged)[:25])


def test_the_table_is_filtered_by_labels_and_by_texts(page, hostile):
    _, y, detector = hostile
    flagged, suggested = flagged_rows(detector), detector.suggested_labels_
    page.select_option("#filter-given", label=HOSTILE[0])
    wait_for_rows(page, [row for row in flagged if y[row] == HOSTILE[0]])
    page.select_option("#filter-given", "")
    page.fill("input[type=search]", f"<b>{flagged[3]}</b>.png")
    wait_for_rows(page, [flagged[3]])
    page.fill("input[type=search]", HOSTILE[7][:10])  # with an ampersand
    both = [row for row in flagged if HOSTILE[7] in (y[row], suggested[row])]
    wait_for_rows(page, both[:25])
    assert page.title() == "<i>Digits</i>"


def test_decisions_by_button_and_by_key_survive_a_reload(page, hostile):
    page.click("#keep")
    page.keyboard.press("d")
    page.keyboard.press("r")
    suggested = hostile[2].suggested_labels_[flagged_rows(hostile[2])[2]]
    before = column(page, 7)
    assert before[:2] == ["keep", "drop"]
    assert before[2] == f"→ {suggested}"
    page.reload()
    assert column(page, 7) == before
    assert page.inner_text("#count").startswith("3 of ")
    assert page.get_attribute("#keep", "aria-pressed") == "true"


def test_a_decision_goes_on_to_the_next_row_and_can_be_undone(page, hostile):
    first, second, third = flagged_rows(hostile[2])[:3]
    assert page.inner_text("#card-title") == f"Row {first}"
    page.keyboard.press("k")
    assert page.inner_text("#card-title") == f"Row {second}"
    page.keyboard.press("j")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    assert page.inner_text("#card-title") == f"Row {third}"
    assert page.get_attribute("#table tr[aria-current]", "data-row") == str(third)
    page.click(f"#table tr[data-row='{first}'] button")
    page.keyboard.press("u")
    assert column(page, 7)[:3] == ["", "", ""]
    assert page.is_disabled("#export")
    assert f"Row {first}" in page.inner_text("#status")


def test_the_review_goes_on_to_the_next_page_of_the_table(page, hostile):
    flagged = flagged_rows(hostile[2])
    page.select_option(".dt-length select", "10")
    for _ in range(10):
        page.keyboard.press("j")
    assert page.inner_text("#card-title") == f"Row {flagged[10]}"
    wait_for_rows(page, flagged[10:20])
    page.keyboard.press("ArrowLeft")
    wait_for_rows(page, flagged[:10])


@pytest.mark.parametrize("field", ["input[type=search]", "#new-label"])
def test_keys_decide_nothing_while_somebody_types(page, field):
    page.focus(field)
    page.keyboard.type("krdj")
    assert page.inner_text("#count").startswith("0 of ")
    page.keyboard.press("Escape")
    page.fill("input[type=search]", "")
    page.keyboard.press("Escape")
    page.keyboard.press("k")
    assert page.inner_text("#count").startswith("1 of ")


def test_enter_relabels_as_chosen_in_the_list(page):
    page.focus("#new-label")
    page.select_option("#new-label", label="$x^{2$")
    page.keyboard.press("Enter")
    assert column(page, 7)[0] == "→ $x^{2$"
    page.keyboard.press("k")
    assert column(page, 7)[1] == "keep"


def test_a_tap_on_a_row_of_a_phone_shows_its_card(open_page, page_file):
    page = open_page(page_file, PHONE)
    page.click("#table tbody tr:nth-child(20) td:nth-child(3)")
    box = page.locator("#card-title").bounding_box()
    assert 0 <= box["y"] < PHONE[1] / 2


def test_keys_can_be_switched_off_and_leave_those_of_the_browser_alone(page):
    page.keyboard.press("Control+k")
    page.click("summary:has-text('Keys')")
    page.uncheck("#keys-on")
    page.keyboard.press("k")
    assert page.inner_text("#count").startswith("0 of ")


def test_the_export_changes_labels_as_was_decided(page, hostile, tmp_path):
    _, y, detector = hostile
    wanted, dropped, kept_row = list(y), [], None
    for i, row in enumerate(flagged_rows(detector)[:22]):
        if i % 11 == 0:
            page.keyboard.press("d")
            dropped.append(row)
        elif i % 11 == 1:
            page.keyboard.press("k")
            kept_row = row
        else:
            label = HOSTILE[i % 11 - 1]
            if label == y[row]:
                label = HOSTILE[i % 11 - 2]
            page.select_option("#new-label", label=" ".join(label.split("\n")))
            page.click("#relabel")
            wanted[row] = label
    path = export(page, tmp_path)
    y_new, kept = apply_decisions(y, path)
    assert kept.tolist() == [row for row in range(len(y)) if row not in dropped]
    assert y_new.tolist() == [wanted[row] for row in kept]
    assert wanted[kept_row] == y[kept_row]


def test_no_exported_cell_is_run_by_a_spreadsheet(page, tmp_path):
    for _ in range(25):
        page.keyboard.press("r")
    cells = pd.read_csv(export(page, tmp_path), dtype=str, keep_default_na=False)
    labels = {*cells["given_label"], *cells["new_label"]}
    assert {"'-1", "''quoted", '\'=HYPERLINK("x")'} <= labels
    assert not [text for text in labels if text.startswith(("=", "+", "-", "@"))]


def test_hostile_texts_stay_texts(page, hostile):
    page.wait_for_selector("#table tbody tr")
    page.wait_for_timeout(200)
    assert page.title() == "<i>Digits</i>"
    assert page.inner_text("h1") == "<i>Digits</i>"
    assert page.locator("img[src=x], td script, td b b, header i").count() == 0
    given, suggested = column(page, 3), column(page, 4)
    assert {*given, *suggested} == set(HOSTILE)
    assert page.locator("#filter-given option").all_text_contents()[1:] == [
        label for label in hostile[2].classes_ if label in given
    ]


def test_an_injected_handler_would_not_run(page):
    """The policy of the page stops what ever slips through."""
    page.evaluate(
        """() => {
            const text = `<img src="x" onerror="document.title = 'hacked'">`;
            document.body.insertAdjacentHTML("beforeend", text);
            return fetch("https://example.org").catch(() => null);
        }"""
    )
    page.wait_for_timeout(200)
    assert page.title() == "<i>Digits</i>"
    assert any("Content Security Policy" in fault for fault in page.faults)


def test_neighbours_are_those_of_explain(page, hostile):
    _, y, detector = hostile
    why = detector.explain(flagged_rows(detector)[:1], n_neighbors=4)
    for name, neighbours in (
        ("for", why.rows_for[0]),
        ("against", why.rows_against[0]),
    ):
        items = page.locator(f"#{name} li").all_text_contents()
        named = [row for row in neighbours if row >= 0]
        assert len(items) == max(1, len(named))
        for item, row in zip(items, named, strict=False):
            assert f"{y[row]} row {row}, " in item


def test_the_values_of_a_neighbour_are_shown_on_demand(open_page, hostile, tmp_path):
    X, _, detector = hostile
    table = pd.DataFrame(X[:, 2:6], columns=["<u>a", "b", "c", "d"])
    page = open_page(write_report(detector, tmp_path / "page.html", table))
    why = detector.explain(flagged_rows(detector)[:1], n_neighbors=4)
    page.click("#against summary")
    row, other = X[why.rows[0], 2:6], X[why.rows_against[0, 0], 2:6]
    shown = page.locator("#against details").first.locator("dd")
    assert shown.all_text_contents() == [f"{value:.4g}" for value in other]
    pale = page.locator("#against details").first.locator("dd.same")
    assert pale.count() == (row == other).sum()
    assert page.faults == []


def test_the_precision_has_the_interval_of_wilson(page):
    for key in "rrdkr":
        page.keyboard.press(key)
    low, high = binomtest(4, 5).proportion_ci(0.95, method="wilson")
    said = page.inner_text("#precision")
    assert f"4 of 5 wrong, 80 % (95 % interval: {100 * low:.0f} % to " in said
    assert f" to {100 * high:.0f} %)" in said
    assert said.startswith("Of those you reviewed")


def test_a_random_sample_speaks_for_all_flags(page, page_file):
    page.select_option("#order", "random")
    lines = sorted(data_of(page_file)["rows"], key=lambda line: line[-1])
    wait_for_rows(page, [line[0] for line in lines][:25])
    for _ in range(5):
        page.keyboard.press("d")
    assert page.inner_text("#precision").startswith(
        "Of all flagged labels in this page, by 5"
    )


def test_the_most_suspicious_rows_do_not_speak_for_all_flags(page, page_file):
    for _ in range(len(data_of(page_file)["rows"]) - 1):
        page.keyboard.press("d")
    assert page.inner_text("#precision").startswith("Of those you reviewed")
    page.keyboard.press("d")
    assert page.inner_text("#precision").startswith("Of all flagged labels")


def test_other_data_have_other_decisions(page, open_page, tmp_path):
    page.keyboard.press("k")
    X, y = flipped_digits(100)
    path = write_report(told(X, y, np.arange(100) - 90), tmp_path / "other.html")
    page.goto(path.as_uri())
    assert page.inner_text("#count").startswith("0 of 9 ")


def test_without_suggestions_a_label_must_be_chosen(open_page, tmp_path):
    X, y = flipped_digits(100)
    page = open_page(write_report(told(X, y, np.arange(100) - 90), tmp_path / "a.html"))
    page.keyboard.press("r")
    assert page.inner_text("#count").startswith("0 of 9 ")
    page.select_option("#new-label", label="$x^{2$")
    page.click("#relabel")
    assert page.locator("td.decision").first.text_content() == "→ $x^{2$"
    assert page.is_hidden("text=Suggested")


@pytest.mark.parametrize("kind", ["texts", "table", "targets", "none"])
def test_pages_of_other_data(open_page, tmp_path, kind):
    """No faults, and what is searched for is found."""
    y = np.array(["<b>a", "b"] * 20)
    X = {
        "texts": [f"<u>headline {i}</u> & more" for i in range(40)],
        "table": pd.DataFrame({"<u>x": np.arange(40) / 7, "when": ["<u>now"] * 40}),
    }.get(kind)
    y = np.linspace(0, 1, 40) if kind == "targets" else y
    detector = told(np.zeros((40, 2)), y, np.arange(40) - 20)
    page = open_page(write_report(detector, tmp_path / "page.html", X))
    assert_rows_are_within_the_table(page)
    page.fill(
        "input[type=search]", {"texts": "headline 39", "table": "5.571"}.get(kind, "39")
    )
    wait_for_rows(page, [39])
    assert page.locator("u").count() == 0
    page.keyboard.press("Escape")
    page.keyboard.press("d")
    assert page.locator("#relabel").count() == (kind != "targets")
    decided = export(page, tmp_path)
    _, kept = apply_decisions(y, decided)
    assert kept.tolist() == list(range(39))
    assert page.faults == []


def serious_faults(found):
    """What axe says of each element with a serious fault."""
    return [
        (fault["id"], node["html"], node["failureSummary"])
        for fault in found.response["violations"]
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"]
    ]


@pytest.mark.parametrize(
    ("size", "scheme", "kind"),
    [
        (DESKTOP, "light", "pictures"),
        (PHONE, "dark", "pictures"),
        (PHONE, "light", "table"),
        (DESKTOP, "dark", "table"),
    ],
    ids=str,
)
def test_anybody_can_read_the_page(open_page, page_file, tmp_path, size, scheme, kind):
    """By axe, which knows many faults that shut people out; and nothing sticks out."""
    sync_playwright = pytest.importorskip("axe_playwright_python.sync_playwright")
    path = page_file
    if kind == "table":
        X = pd.DataFrame({f"a long name {i}": np.arange(40) for i in range(20)})
        y = np.array(["a very long name of a class indeed", "b"] * 20)
        path = write_report(told(X, y, np.arange(40) - 20), tmp_path / "page.html", X)
    page = open_page(path, size, scheme)
    for key in "rkdj":
        page.keyboard.press(key)
    page.eval_on_selector_all("details", "all => all.forEach(each => each.open = true)")
    assert serious_faults(sync_playwright.Axe().run(page)) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    levels = page.eval_on_selector_all(
        "h1, h2, h3, h4", "all => all.map(h => Number(h.tagName[1]))"
    )
    assert levels[0] == 1
    assert max(np.diff(levels)) <= 1


@pytest.mark.slow
def test_a_page_of_ten_thousand_rows_is_small_and_opens(open_page, tmp_path):
    X, y = flipped_digits(1797)
    X, y = np.tile(X, (6, 1)), np.tile(y, 6)
    detector = told(X, y, np.arange(len(y)) - 100)
    path = write_report(detector, tmp_path / "page.html", X)
    assert path.stat().st_size < 5_000_000
    page = open_page(path)
    assert "10,000" in page.inner_text(".dt-info")
    assert "10,000 most suspicious" in page.inner_text("main")
    page.keyboard.press("k")
    assert page.inner_text("#count").startswith("1 of 10,000")
    assert page.faults == []

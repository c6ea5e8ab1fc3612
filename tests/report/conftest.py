"""Fixtures of the tests of the report: pages, and a browser to open them in."""

import os
import shutil

import pytest
from reviewing import hostile_detector, hostile_words

from skgex.report import _figures, write_report

# No graphics card, no sandbox where tests run as root, and no calls home.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
]
DESKTOP, PHONE = (1280, 900), (390, 844)


@pytest.fixture(scope="session")
def hostile():
    """X, y and a fitted detector whose classes have hostile names."""
    return hostile_detector()


@pytest.fixture(scope="session")
def page_file(hostile, tmp_path_factory):
    """A page of them, with a hostile name for each row."""
    X, _, detector = hostile
    path = tmp_path_factory.mktemp("report") / "page.html"
    return write_report(detector, path, X, **hostile_words(len(X)))


@pytest.fixture
def no_drawing(monkeypatch):
    """Leave the pictures of a report out, which take half a second each."""
    monkeypatch.setattr(_figures, "_svg", lambda *_: "data:image/svg+xml,<svg/>")


def absent(reason):
    """Skip a test that needs a browser, unless there has to be one."""
    if os.environ.get("SKGEX_NEEDS_BROWSER") == "1":
        pytest.fail(reason)
    pytest.skip(f"{reason} Set SKGEX_NEEDS_BROWSER=1 to make this an error.")


@pytest.fixture(scope="module")
def browser():
    """A Chromium without a window."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        absent("playwright is not installed.")
    chromium = shutil.which("chromium")
    if chromium is None:
        absent("There is no chromium on the path (Debian: apt install chromium).")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser):
    """Open a file as a new user of the browser would; faults and requests are kept."""
    contexts = []

    def open_file(path, size=DESKTOP, scheme="light"):
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme=scheme,
            accept_downloads=True,
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.faults, page.requests = [], []
        page.on("pageerror", lambda error: page.faults.append(str(error)))
        page.on("console", lambda message: page.faults.append(message.text))
        page.on("request", lambda request: page.requests.append(request.url))
        page.goto(path.as_uri())
        return page

    yield open_file
    for context in contexts:
        context.close()

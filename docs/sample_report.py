"""A report of real digits: as a page of the site, and as the picture of it.

``python docs/sample_report.py`` draws ``docs/pictures/report.png`` anew; it needs
Debian's chromium. The page itself is written whenever the site is built.
"""

import io
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from sklearn.datasets import load_digits

from skgex import GEXDetector
from skgex.datasets import flip_labels
from skgex.report import write_report

PICTURE = Path(__file__).parent / "pictures" / "report.png"
SIZE = {"width": 1240, "height": 860}  # pixels
KEYS = "rrkrd"  # what a reviewer might press


def write_sample_report(path):
    """Report on 1,797 digits, of which one label in ten was made wrong."""
    X, y = load_digits(return_X_y=True)
    y_noisy, _ = flip_labels(y, 0.1, random_state=0)
    detector = GEXDetector(random_state=0).fit(X, y_noisy)
    settings = {"samples": "load_digits()", "labels": "one in ten made wrong"}
    write_report(
        detector,
        path,
        X,
        title="Handwritten digits: labels to review",
        settings=settings,
        overwrite=True,
    )


def picture_of(path):
    """Return a picture of a report under review, as a PNG of few colours."""
    from PIL import Image
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport=SIZE, color_scheme="light")
        page.goto(path.as_uri())
        for key in KEYS:
            page.keyboard.press(key)
        page.evaluate("document.getElementById('review').scrollIntoView()")
        picture = Image.open(io.BytesIO(page.screenshot()))
        browser.close()
    file = io.BytesIO()
    picture.convert("RGB").quantize(128).save(file, "png", optimize=True)
    return file.getvalue()


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        page = Path(folder) / "report.html"
        write_sample_report(page)
        PICTURE.write_bytes(picture_of(page))

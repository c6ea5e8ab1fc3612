"""A Sphinx extension: equations as pictures in the page, drawn by matplotlib.

They need no network and no script, take the colour of the text, and are read aloud as
their source. Only what matplotlib's mathtext knows can be written.
"""

import html
import io
import re

import matplotlib as mpl
from docutils import nodes
from matplotlib.mathtext import math_to_image

SETTINGS = {"mathtext.fontset": "cm", "savefig.facecolor": "none"}
FONT_SIZE = {"math": 12.5, "math_block": 14.0}


def setup(app):
    app.connect("doctree-read", draw_equations)
    return {"parallel_read_safe": True}


def draw_equations(app, doctree):
    """Put a picture in the place of each equation."""
    for kind in (nodes.math, nodes.math_block):
        for node in list(doctree.findall(kind)):
            node.replace_self(nodes.raw("", markup(node), format="html"))


def markup(node):
    name = node.tagname
    picture = svg(" ".join(node.astext().split()), FONT_SIZE[name])
    return picture if name == "math" else f'<div class="equation">{picture}</div>'


def svg(latex, size):
    """Return an equation as an svg element whose glyphs have the colour of the text."""
    file = io.StringIO()
    with mpl.rc_context(SETTINGS | {"font.size": size}):
        depth = math_to_image(f"${latex}$", file, dpi=72, format="svg")
    found = re.search(r"<svg.*</svg>", file.getvalue(), re.S)[0]
    found = re.sub(
        r"<metadata>.*?</metadata>|<rect[^>]*>|<!--.*?-->", "", found, flags=re.S
    )
    found = re.sub(r"\n\s*", " ", found)
    attributes = (
        f'role="img" aria-label="{html.escape(latex)}" fill="currentColor" '
        f'style="vertical-align: {-depth:.2f}pt"'
    )
    return found.replace("<svg ", f"<svg {attributes} ", 1)

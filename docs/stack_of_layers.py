"""A Sphinx extension: a mermaid flowchart from top to bottom as a stack of boxes.

GitHub draws mermaid in the browser, from a script that would have to be loaded. Here
the boxes are written into the page, in their order in the source, without arrows.
"""

import html
import re

from docutils import nodes

BOX = re.compile(r"^\s*\w+\[\"(.*)\"\]$", re.M)


def setup(app):
    app.connect("doctree-read", draw_stacks)
    return {"parallel_read_safe": True}


def draw_stacks(app, doctree):
    for node in list(doctree.findall(nodes.literal_block)):
        if node.get("language") == "mermaid":
            texts = map(html.escape, BOX.findall(node.astext()))
            boxes = [f"<li>{text}</li>" for text in texts]
            stack = f'<ol class="layers">{"".join(boxes)}</ol>'
            node.replace_self(nodes.raw("", stack, format="html"))

"""The HTML page: a template, its script and its style, and the table library."""

import base64
import hashlib
import json
import re
from importlib.resources import files
from typing import Any

PAGE = files("skgex.report") / "page"

# The script of the page, in the order in which its parts are read.
SCRIPTS = ("words", "decisions", "precision", "contents", "table", "card", "review")

# How the module of the table library ends: what it gives, under which names.
EXPORTS = re.compile(r"export\s*\{([^{}]*)\}")


def render_page(values: dict[str, Any]) -> str:
    """Fill the template.

    Parameters
    ----------
    values : dict
        What the template names, except what this function adds.

    Returns
    -------
    html : str
        A page that needs no other file and asks the network for nothing.
    """
    import jinja2

    table_script, table_style = table_library()
    own = "\n".join((PAGE / f"{name}.js").read_text("utf-8") for name in SCRIPTS)
    scripts = [table_script, own]
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = environment.from_string((PAGE / "report.html").read_text("utf-8"))
    return template.render(
        **values,
        style=table_style + (PAGE / "report.css").read_text("utf-8"),
        scripts=scripts,
        script_hashes=[_hash(script) for script in scripts],
    )


def table_library() -> tuple[str, str]:
    """Return the script and the style of DataTables, as itables brings them.

    Returns
    -------
    script : str
        A module that makes jQuery, with DataTables in it, a global name.
    style : str

    Raises
    ------
    ImportError
        If this version of itables brings another kind of script.
    """
    bundle = files("itables") / "html" / "dt_bundle.js"
    script = bundle.read_text("utf-8")
    style = bundle.with_name("dt_bundle.css").read_text("utf-8")  # type: ignore[attr-defined]
    exports = EXPORTS.search(script)
    name = re.search(r"([\w$]+) as jQuery\b", exports[1]) if exports else None
    if exports is None or name is None:
        raise ImportError(
            'This version of itables is not known here: pip install "skgex[report]".'
        )
    given = f"globalThis.jQuery = {name[1]};"
    return _within_html(EXPORTS.sub(lambda _: given, script, count=1)), style


def _within_html(script: str) -> str:
    """Write a script such that no text in it ends the element that it stands in.

    In texts and patterns of JavaScript, a backslash before ``!`` or ``/`` says nothing.
    """
    return script.replace("<!--", "<\\!--").replace("</script", "<\\/script")


def to_json(data: Any) -> str:
    """Return data as JSON that may stand inside a ``<script>``.

    No text in it can end the script or begin a comment: ``<`` is written as a number,
    and so are the two line ends that JavaScript knows and JSON does not.

    Parameters
    ----------
    data : object
        Without numbers that are not finite.

    Returns
    -------
    text : str
    """
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _hash(script: str) -> str:
    """Return what a Content-Security-Policy names a script by."""
    digest = hashlib.sha256(script.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"

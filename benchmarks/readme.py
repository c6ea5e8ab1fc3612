"""Run the README's example as it stands there, and compare what it prints."""

import contextlib
import io
import re
import sys
from pathlib import Path

readme = (Path(__file__).parents[1] / "README.md").read_text()
code, expected = re.search(
    r"## Ten lines\n\n```python\n(.*?)```\n\n```\n(.*?)```", readme, re.DOTALL
).groups()
printed = io.StringIO()
with contextlib.redirect_stdout(printed):
    exec(compile(code, "README.md", "exec"), {})
print(printed.getvalue(), end="")
sys.exit(printed.getvalue() != expected)

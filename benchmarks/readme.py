"""Run the README's examples as they stand there, and compare what they print."""

import contextlib
import io
import re
import sys
from pathlib import Path

readme = (Path(__file__).parents[1] / "README.md").read_text()
# Those with an output below; each goes on from the one before.
examples = re.findall(r"```python\n([^`]*)```\n\n```\n([^`]*)```", readme)
names, differ = {}, not examples
for code, expected in examples:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "README.md", "exec"), names)
    print(printed.getvalue())
    differ |= printed.getvalue() != expected
sys.exit(differ)

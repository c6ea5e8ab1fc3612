"""Report known vulnerabilities of the pinned versions: ``make audit`` runs this.

Ends with 0 if there are none, or if they cannot be looked up here, and with 1 if there
are some. What cannot be looked up is printed: a mirror of PyPI may know no advisories,
which pip-audit takes for a good sign.
"""

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[1]
# A version with advisories, to see whether any can be had.
KNOWN = "jinja2==2.4.1"
SECONDS = 600


def look_up(requirements):
    """Return the advisories per requirement of a file, and what was not found."""
    command = [sys.executable, "-m", "pip_audit", "--format", "json"]
    command += ["--progress-spinner", "off", "--no-deps", "--disable-pip"]
    try:
        done = subprocess.run(
            [*command, "--requirement", str(requirements)],
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        found = json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError, KeyError):
        return {}, None
    vulns = {
        f"{each['name']} {each['version']}": each["vulns"]
        for each in found
        if each.get("vulns")
    }
    return vulns, [each["name"] for each in found if "skip_reason" in each]


def main():
    """Look up a version that has advisories, and then all that are pinned."""
    with TemporaryDirectory() as folder:
        known = Path(folder) / "known.txt"
        known.write_text(KNOWN)
        if not look_up(known)[0]:
            print("audit: skipped, since no advisories can be looked up from here")
            return 0
    vulns, unknown = look_up(ROOT / "constraints.txt")
    if unknown is None:
        print("audit: skipped, since the look-up broke off")
        return 0
    for name, advisories in vulns.items():
        for each in advisories:
            fixed = ", ".join(each["fix_versions"]) or "no version yet"
            print(f"audit: {name}: {each['id']}, fixed in {fixed}")
    if unknown:
        print("audit: not looked up:", ", ".join(unknown))
    print(f"audit: {len(vulns)} pinned versions have known vulnerabilities")
    return bool(vulns)


if __name__ == "__main__":
    sys.exit(main())

"""Try the wheel of dist/ in an empty environment: ``make dist`` runs this.

Checks that the wheel holds every file of the package, that it installs with the pinned
versions and nothing else, that an estimator fits there, and that the command starts.
"""

import subprocess
import sys
import venv
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[1]

FIT = """
import sys, skgex
from sklearn.datasets import load_iris
assert not skgex.__file__.startswith(sys.argv[1]), skgex.__file__
assert not {"pandas", "matplotlib"} & set(sys.modules)
X, y = load_iris(return_X_y=True)
detector = skgex.GEXDetector(random_state=0).fit(X, y)
print("import and fit: ok,", skgex.__version__, detector.noise_mask_.sum(), "flagged")
"""


def files_of_package():
    """Return the files of the package that git keeps."""
    listed = subprocess.check_output(["git", "ls-files", "skgex"], cwd=ROOT, text=True)
    return set(listed.split())


def check_contents(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    wanted = files_of_package()
    assert names == wanted, f"in one of them only: {sorted(names ^ wanted)}"
    print(f"contents: ok, {len(names)} files")


def install(python, what):
    constraints = str(ROOT / "constraints.txt")
    command = [python, "-m", "pip", "install", "--quiet", "-c", constraints, what]
    subprocess.run(command, check=True)


def main():
    (wheel,) = (ROOT / "dist").glob("*.whl")
    check_contents(wheel)
    with TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python, command = (f"{folder}/bin/{name}" for name in ("python", "skgex"))
        install(python, str(wheel))
        subprocess.run([python, "-c", FIT, str(ROOT)], check=True, cwd=folder)
        install(python, f"{wheel}[cli]")
        subprocess.run([command, "--version"], check=True, cwd=folder)
    print("wheel: ok")


if __name__ == "__main__":
    sys.exit(main())

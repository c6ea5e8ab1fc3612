"""What the bits of an answer follow from besides data, settings and seeds."""

import hashlib
import platform
import sys
from functools import lru_cache
from pathlib import Path

import numpy as np
import scipy
import sklearn
import skorch
import torch

PACKAGE = Path(__file__).parents[1]
LIBRARIES = {
    "numpy": np,
    "scikit-learn": sklearn,
    "scipy": scipy,
    "skorch": skorch,
    "torch": torch,
}


def library_versions() -> dict[str, str]:
    """Return the version of each library that computes; that of torch names its build.

    Those in the libraries' metadata would be the same for torch's builds.
    """
    return {name: str(library.__version__) for name, library in LIBRARIES.items()}


@lru_cache(maxsize=1)
def environment() -> str:
    """Name the versions and the processor that answers are computed with.

    Another version or processor rounds in another way, or cannot compute in bfloat16.
    Answers under the same name are the same bit for bit.

    Returns
    -------
    name : str
        Fit for the name of a folder.
    """
    digest = hashlib.sha256("\n".join([*_builds(), *_abilities()]).encode())
    digest.update(_sources())
    version = sys.modules[PACKAGE.name].__version__
    return f"skgex-{version}-torch-{torch.__version__}-{digest.hexdigest()[:12]}"


def _builds() -> list[str]:
    """Return the versions of what computes, and how torch was built."""
    versions = [f"{name} {version}" for name, version in library_versions().items()]
    return [*versions, torch.__config__.show()]


def _abilities() -> list[str]:
    """Return what the processor can do, and what torch makes use of."""
    # Versions of torch before this function tell only which vectors they use.
    tell = getattr(torch.cpu, "get_capabilities", dict[str, object])
    flags = sorted(name for name, has_it in tell().items() if has_it is True)
    return [platform.machine(), torch.backends.cpu.get_cpu_capability(), *flags]


def _sources() -> bytes:
    """Return a checksum of the code of skgex, which may change within a version."""
    digest = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.digest()

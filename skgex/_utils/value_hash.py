"""A hash of what an answer follows from, equal in all processes.

joblib pickles what it hashes, and the pickle of a torch tensor holds an address in
memory: a net whose module, sampler or generator holds tensors would have another hash
in each process, so that nothing that was kept for it would ever be found again.
"""

from typing import Any

import torch
from joblib.hashing import NumpyHasher
from torch.storage import TypedStorage, UntypedStorage


def hash_of(value: Any) -> str:
    """Return a hash of any value; arrays that are mapped from disk equal others."""
    return _Hasher(hash_name="md5", coerce_mmap=True).hash(value)


class _Hasher(NumpyHasher):
    """joblib's, except that tensors are hashed by what they hold."""

    def save(self, obj: Any) -> None:
        """Add a value to what is hashed."""
        if isinstance(obj, TypedStorage):
            obj = (str(obj.dtype), obj._untyped_storage)  # `untyped` warns
        if isinstance(obj, UntypedStorage):
            obj = ("storage", _bytes_of(obj))
        super().save(obj)


def _bytes_of(storage: UntypedStorage) -> Any:
    content = torch.empty(0, dtype=torch.uint8, device=storage.device).set_(storage)
    return content.cpu().numpy()

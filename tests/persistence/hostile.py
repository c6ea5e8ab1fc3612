"""Mutations of a saved file: by a disk, and by somebody who wants to do harm.

The latter have a right checksum. What they want to have run leaves a mark.
"""

import json
import random
import re
import struct

import numpy as np
from safetensors.numpy import load, save

from skgex.persistence._file_format import checksum

# Names of code that would leave a mark, use up the machine, or read a file.
NAMES = [
    "os.system",
    "builtins.eval",
    "builtins.exec",
    "posix.system",
    "subprocess.Popen",
    "builtins.__import__",
    "../../marked",
    "/tmp/marked.py",
    "torch.load",
    "torch.nn.os.system",
    "torch.nn.modules.module.Module",
    "numpy.load",
    "joblib.load",
    "pickle.loads",
    "skorch.callbacks.Checkpoint",
    "skorch.callbacks.LoadInitState",
    "skgex._utils.memory.CheckedMemory",
    "skgex.os",
    "skgex.GEXDetector.__init__",
    "collections.OrderedDict",
    "sklearn.frozen.FrozenEstimator",
    "torch.optim.SGD",
    "torch.nn.Transformer",
    "",
    ".",
    "__main__",
]
STRANGE = [None, -1, 2**63, 10**30, 1e308, "", [], {}, [[]], "\ud800", True]


def parts_of(content):
    """Return header, tree and arrays of a file."""
    size = struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8 : 8 + size])["__metadata__"]
    arrays = load(content)
    return header, json.loads(arrays.pop("json").tobytes()), arrays


def sealed(header, tree, arrays):
    """Return a file with a right checksum."""
    text = tree if isinstance(tree, bytes) else json.dumps(tree).encode()
    arrays = {**arrays, "json": np.frombuffer(text, np.uint8)}
    header = {**header}
    header.pop("sha256", None)
    header["sha256"] = checksum(header, arrays)
    return save(arrays, metadata=header)


def nodes_of(tree):
    """Return all places of a tree, as pairs of a container and a key."""
    found, left = [], [tree]
    while left:
        node = left.pop()
        keys = range(len(node)) if isinstance(node, list) else list(node)
        for key in keys:
            found.append((node, key))
            if isinstance(node[key], (list, dict)):
                left.append(node[key])
    return found


# By a disk


def changed_bytes(content, rng):
    damaged = bytearray(content)
    for _ in range(rng.choice([1, 1, 2, 8])):
        damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
    return bytes(damaged)


def changed_header(content, rng):
    damaged = bytearray(content)
    end = 8 + struct.unpack("<Q", content[:8])[0]
    damaged[rng.randrange(end)] = rng.randrange(256)
    return bytes(damaged)


def truncated(content, rng):
    return content[: rng.randrange(len(content))]


def lengthened(content, rng):
    return content + rng.randbytes(rng.choice([1, 8, 4096]))


def swapped_blocks(content, rng):
    size = rng.choice([8, 64, 512])
    a, b = sorted(rng.sample(range(len(content) // size - 1), 2))
    a, b = a * size, b * size
    return (
        content[:a]
        + content[b : b + size]
        + content[a + size : b]
        + content[a : a + size]
        + content[b + size :]
    )


def huge_sizes(content, rng):
    end = 8 + struct.unpack("<Q", content[:8])[0]
    numbers = [m.span() for m in re.finditer(rb"\d+", content[8:end])]
    start, stop = rng.choice(numbers)
    huge = str(rng.choice([2**31, 2**40, 2**62, 2**64 - 1, 10**30])).encode()
    text = content[8 : 8 + start] + huge + content[8 + stop : end]
    if rng.random() < 0.3:
        return struct.pack("<Q", rng.choice([2**31, 2**62, 2**64 - 1])) + content[8:]
    return struct.pack("<Q", len(text)) + text + content[end:]


# By somebody


def other_names(content, rng):
    header, tree, arrays = parts_of(content)
    places = [
        (node, key)
        for node, key in nodes_of(tree)
        if isinstance(node, dict) and key in ("class", "name", "kind")
    ]
    node, key = rng.choice(places)
    node[key] = rng.choice([*NAMES, *[n[k] for n, k in places]])
    return sealed(header, tree, arrays)


def strange_values(content, rng):
    header, tree, arrays = parts_of(content)
    for _ in range(rng.choice([1, 1, 3])):
        node, key = rng.choice(nodes_of(tree))
        node[key] = rng.choice(STRANGE)
        if not isinstance(tree, dict):
            break
    return sealed(header, tree, arrays)


def swapped_nodes(content, rng):
    header, tree, arrays = parts_of(content)
    (a, i), (b, j) = rng.sample(nodes_of(tree["objects"]), 2)
    a[i], b[j] = json.loads(json.dumps(b[j])), json.loads(json.dumps(a[i]))
    return sealed(header, tree, arrays)


def swapped_arrays(content, rng):
    header, tree, arrays = parts_of(content)
    a, b = rng.sample(sorted(arrays), 2)
    arrays[a], arrays[b] = arrays[b], arrays[a]
    return sealed(header, tree, arrays)


def other_arrays(content, rng):
    header, tree, arrays = parts_of(content)
    name = rng.choice(sorted(arrays))
    old = arrays[name]
    arrays[name] = rng.choice(
        [
            old.reshape(-1)[: old.size // 2],
            np.zeros((0, 3), np.float16),
            old.astype(np.float64, copy=True).reshape(-1),
            old.reshape(1, *old.shape),
            np.zeros(1, bool),
            np.full(old.shape, 255, np.uint8),
        ]
    )
    return sealed(header, tree, arrays)


def deep_nesting(content, rng):
    header, tree, arrays = parts_of(content)
    depth = rng.choice([500, 3000, 100_000])
    node, key = rng.choice(nodes_of(tree["objects"]))
    node[key] = "HERE"
    start, end = rng.choice([("[", "]"), ('{"tuple":[', "]}"), ('{"dict":[[1,', "]]}")])
    deep = start * depth + "1" + end * depth
    text = json.dumps(tree).replace('"HERE"', deep, 1).encode()
    return sealed(header, text, arrays)


def huge_numbers(content, rng):
    header, tree, arrays = parts_of(content)
    places = [(n, k) for n, k in nodes_of(tree) if type(n[k]) is int]
    node, key = rng.choice(places)
    node[key] = rng.choice([10**9, 2**40, 2**62, -(2**40), 10**4000])
    return sealed(header, tree, arrays)


def removed_nodes(content, rng):
    header, tree, arrays = parts_of(content)
    node, key = rng.choice(nodes_of(tree))
    del node[key]
    return sealed(header, tree, arrays)


def other_versions(content, rng):
    header, tree, arrays = parts_of(content)
    name = rng.choice(["format", "skgex"])
    header[name] = rng.choice(["", "skgex", "skgex 2", "9.9.9", "../..", "1" * 10_000])
    return sealed(header, tree, arrays)


DAMAGES = [
    changed_bytes,
    changed_header,
    truncated,
    lengthened,
    swapped_blocks,
    huge_sizes,
]
ATTACKS = [
    other_names,
    strange_values,
    swapped_nodes,
    swapped_arrays,
    other_arrays,
    deep_nesting,
    huge_numbers,
    removed_nodes,
    other_versions,
]


def mutations(content, kinds, n, seed):
    """Yield names and files of n mutations, all kinds in turn."""
    rng = random.Random(seed)
    for i in range(n):
        kind = kinds[i % len(kinds)]
        yield kind.__name__, kind(content, rng)

"""Load mutated files of a saved detector: an error, or the right answer, and no code.

Half of the mutations are those of a disk. The others are made by somebody who knows the
format, and have a right checksum. All are loaded in one process, whose memory is
limited, with a hook that notes whatever the interpreter executes, starts or unpickles.

The mutations are those of the tests:

    PYTHONPATH=tests:tests/persistence python benchmarks/saved_files.py --n 1000
"""

import argparse
import csv
import resource
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
from hostile import ATTACKS, DAMAGES, mutations
from sklearn.frozen import FrozenEstimator
from tiny import MLP, classifier, flip_every, make_blobs

import skgex
from skgex.exceptions import LoadError

RESULTS = Path(__file__).parent / "results" / "saved_files.csv"
EXTRA_BYTES = 2**31  # what loading may take besides what the process has already
SECONDS = 20  # one mutation at most
FORBIDDEN = (
    "exec",
    "compile",
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "os.remove",
    "os.rename",
    "os.system",
    "pickle.find_class",
    "shutil.rmtree",
    "socket.connect",
    "subprocess.Popen",
)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=1000, help="number of mutations")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    rows = list(outcomes(args.n, args.seed))
    if args.n >= 1000:
        RESULTS.parent.mkdir(exist_ok=True)
        with RESULTS.open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
    print_table(rows)


def outcomes(n, seed):
    """Yield what came of each mutation."""
    X, fitted = fitted_detector()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "saved"
        fitted.save(path)
        content = path.read_bytes()
        expected = answer(skgex.load(path, trusted=[MLP]), X)  # all is imported now
        limit_memory()
        events = []
        sys.addaudithook(lambda event, _: event in FORBIDDEN and events.append(event))
        signal.signal(signal.SIGALRM, too_slow)
        for kinds, name in ((DAMAGES, "disk"), (ATTACKS, "attack")):
            for kind, mutated in mutations(content, kinds, n // 2, seed):
                path.write_bytes(mutated)
                events.clear()
                start = time.process_time()
                outcome = outcome_of(path, X, expected)
                yield {
                    "by": name,
                    "mutation": kind,
                    "outcome": outcome,
                    "code": " ".join(sorted(set(events))),
                    "seconds": round(time.process_time() - start, 3),
                }


def fitted_detector():
    X, clean = make_blobs(64)
    y, _ = flip_every(clean, 8)
    net = classifier(max_epochs=5).fit(X, clean)
    settings = {"n_members": 2, "n_steps": 6, "lr": 0.1, "random_state": 0}
    detector = skgex.GEXDetector(FrozenEstimator(net), **settings).fit(X, y)
    return np.concatenate([X, X + 1]), detector


def answer(detector, X):
    return detector.scores(X).tobytes()


def outcome_of(path, X, expected):
    signal.alarm(SECONDS)
    try:
        loaded = skgex.load(path, trusted=[MLP])
    except LoadError:
        return "error"
    except BaseException as error:
        return f"other error: {type(error).__name__}"
    finally:
        signal.alarm(0)
    signal.alarm(SECONDS)
    try:
        same = answer(loaded, X) == expected
    except BaseException:
        return "error when used"
    finally:
        signal.alarm(0)
    return "right answer" if same else "the file's answer"


def limit_memory():
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + EXTRA_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def too_slow(*_):
    raise TimeoutError


def print_table(rows):
    found = sorted({row["outcome"] for row in rows})
    print("| by | mutation | " + " | ".join(found) + " | code run | most seconds |")
    print("| --- " * (len(found) + 4) + "|")
    for key in dict.fromkeys((row["by"], row["mutation"]) for row in rows):
        mine = [row for row in rows if (row["by"], row["mutation"]) == key]
        counts = Counter(row["outcome"] for row in mine)
        numbers = [str(counts[name]) for name in found]
        code = sum(bool(row["code"]) for row in mine)
        most = max(row["seconds"] for row in mine)
        print(
            f"| {key[0]} | {key[1].replace('_', ' ')} | {' | '.join(numbers)} | "
            f"{code} | {most:.2f} |"
        )
    print(f"\n{len(rows)} mutations")


if __name__ == "__main__":
    main()

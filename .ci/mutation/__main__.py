"""Change each line of the numerical heart of skgex, and see whether a test notices.

Prints the share of changes that a test notices, by module. Fails if it is below the
share that is wanted, if a mutant survives for which ``survivors.toml`` gives no reason,
or if a mutant of that list does not exist or is noticed by now.
"""

import argparse
import hashlib
import json
import random
import sys
import tomllib
from pathlib import Path

from mutants import Mutant, mutants_of
from running import fates

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
# What was found out in earlier runs.
MEMORY = ROOT / "build" / "mutation"
WANTED = 0.95


def main() -> None:
    """Try the mutants of the modules that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("words", nargs="*", help="words in the names of modules")
    parser.add_argument("--sample", type=int, help="mutants per module, at random")
    parser.add_argument("--seed", type=int, default=0, help="of the sample")
    given = parser.parse_args()
    modules = tomllib.loads((HERE / "modules.toml").read_text())["modules"]
    chosen = {
        module: [f"tests/{name}" for name in tests]
        for module, tests in modules.items()
        if not given.words or any(word in module for word in given.words)
    }
    faults = []
    n_killed = n_all = 0
    for module, tests in chosen.items():
        mutants = mutants_of(ROOT, module)
        some = _sample(mutants, given.sample, given.seed)
        survivors = _survivors(module, some, tests)
        print(_row(module, len(some) - len(survivors), len(some)), flush=True)
        faults += _faults(module, mutants, some, survivors)
        n_killed, n_all = n_killed + len(some) - len(survivors), n_all + len(some)
    print(_row("all", n_killed, n_all))
    if n_killed < WANTED * n_all:
        faults.append(f"Fewer than {WANTED:.0%} of the mutants are killed.")
    sys.exit("\n".join(faults))


def _row(name: str, n_killed: int, n_all: int) -> str:
    return f"| {name} | {n_killed} | {n_all} | {n_killed / max(n_all, 1):.1%} |"


def _sample(mutants: list[Mutant], size: int | None, seed: int) -> list[Mutant]:
    """Return some at random; a larger sample of the same seed holds a smaller one."""
    return (
        mutants
        if size is None
        else random.Random(seed).sample(mutants, len(mutants))[:size]
    )


def _survivors(module: str, mutants: list[Mutant], tests: list[str]) -> list[Mutant]:
    """Return the mutants that no test notices.

    One that a test noticed is not tried again until its module changes. So only tests
    that are added count at once; ``make clean`` forgets all.
    """
    memory = MEMORY / (module.replace("/", ".") + ".json")
    killed = json.loads(memory.read_text()) if memory.exists() else {}
    names = {mutant: _name(mutant) for mutant in mutants}
    left = [mutant for mutant in mutants if names[mutant] not in killed]
    survivors = []
    for mutant, by in fates(ROOT, module, tests, left) if left else ():
        if by is None:
            survivors.append(mutant)
            print(f"  {mutant.line}: {mutant.was} -> {mutant.became}", flush=True)
            continue
        killed[names[mutant]] = by
        memory.parent.mkdir(parents=True, exist_ok=True)
        memory.write_text(json.dumps(killed, indent=1))
    return survivors


def _name(mutant: Mutant) -> str:
    return hashlib.sha256(mutant.source.encode()).hexdigest()[:16]


def _faults(
    module: str, mutants: list[Mutant], tried: list[Mutant], survivors: list[Mutant]
) -> list[str]:
    """Return where the list of survivors is not that of the mutants that survived."""
    listed = {
        (entry["module"], entry["was"], entry["became"])
        for entry in tomllib.loads((HERE / "survivors.toml").read_text()).get(
            "survivor", []
        )
    }
    survived = {mutant.key for mutant in survivors}
    noticed = {mutant.key for mutant in tried} - survived
    known = {mutant.key for mutant in mutants}
    of_module = {key for key in listed if key[0] == module}
    say = "survivors.toml: {0[0]}: {0[1]} -> {0[2]}: {1}".format
    return [
        *(say(key, "survived without a reason.") for key in sorted(survived - listed)),
        *(say(key, "is killed by now.") for key in sorted(of_module & noticed)),
        *(say(key, "is no mutant.") for key in sorted(of_module - known)),
    ]


main()

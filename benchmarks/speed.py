"""What members cost, compared with other loops, the machine and other methods.

    python benchmarks/speed.py --data-dir FOLDER [--parts PART ...] [--out FILE]

Parts:
    rates    how fast the machine multiplies matrices, on 1 and 2 threads
    members  steps and losses of one member, against a plain loop and skorch's own
    floor    a fit to a trained net, over what its operations take at that rate
    growth   time and memory against rows, members, steps and parameters
    peers    a ranking of letter's rows (FOLDER/letter.npz), against other methods

Members run on one thread each, whatever the number of jobs, and so does what they are
compared with. Seconds are processor time, which other work on the machine disturbs less
than wall-clock time. Runs that are compared take turns, and figures are medians. The
part "peers" needs cleanlab and captum. What is already in the CSV is not measured
again.
"""

import argparse
from functools import partial
from pathlib import Path

import torch
from _clock import matrix_product_rate, side_by_side
from _results import Results, markdown
from _speed_growth import growth_cases
from _speed_tasks import flops, grow_members, make_task, plain_loop, skorch_loop
from sklearn.frozen import FrozenEstimator

from skgex._nets.snapshot import revive
from skgex.influence import GEX

N_MEMBERS, N_PASSES = 16, 2
N_ROWS = 4096


def rate_cases(args):
    """Measure giga operations per second of products of square matrices."""
    return {
        f"{size} x {size}": partial(
            lambda n: {f"{t} threads": matrix_product_rate(n, t) for t in (1, 2)}, size
        )
        for size in (128, 512, 2048)
    }


def member_cases(args):
    """Compare ways to fine-tune a member and compute the losses of all rows."""
    return {
        f"{'conv net' if hidden is None else f'hidden {hidden}'}, batch {batch}": (
            partial(member, hidden, batch)
        )
        for hidden in (32, 64, 256, 1024, None)
        for batch in (32, 128)
    }


def member(hidden, batch_size):
    """Measure one net: milliseconds per member, and ratios to the loops."""
    n_members = N_MEMBERS if hidden in (32, 64) else 4
    trained, X, y = make_task(N_ROWS, batch_size, hidden)
    n_steps = N_PASSES * N_ROWS // batch_size
    module, net = revive(trained).module_, revive(trained)
    task = (X, y, n_members, n_steps)
    seconds, ratios = side_by_side(
        {
            "members": partial(grow_members, trained, *task),
            "plain": partial(plain_loop, module, *task, batch_size),
            "skorch": partial(skorch_loop, net, X, y, n_members, N_PASSES),
        },
        repeats=5,
    )
    return {
        **{f"{name}, ms": 1e3 * s / n_members for name, s in seconds.items()},
        "plain / members": ratios["plain"],
        "skorch / members": ratios["skorch"],
    }


def floor_cases(args):
    """Compare a fit to a trained net with its operations at the rate of products."""
    return {f"hidden {hidden}": partial(over_floor, hidden) for hidden in (256, 1024)}


def over_floor(hidden, batch_size=128):
    """Measure a fit to one net, and products of matrices of its width."""
    n_rows = N_ROWS if hidden == 256 else N_ROWS // 4
    trained, X, y = make_task(n_rows, batch_size, hidden)
    n_steps = N_PASSES * n_rows // batch_size
    net = FrozenEstimator(revive(trained))
    gex = GEX(net, n_steps=n_steps, lr=0.01, random_state=0)
    a, b = torch.randn(hidden, hidden), torch.randn(hidden, hidden)
    n_products = int(4e10 / (2 * hidden**3))

    def products():
        for _ in range(n_products):
            torch.mm(a, b, out=out)

    out = torch.empty_like(a)
    timed = {"products": products, "fit": partial(gex.fit, X, y)}
    seconds, ratios = side_by_side(timed, repeats=5)
    needed = flops(trained, n_rows, gex.n_members, n_steps, batch_size)
    done = n_products * 2 * hidden**3
    return {
        "Gflop/s": 1e-9 * done / seconds["products"],
        "floor, s": needed / done * seconds["products"],
        "fit, s": seconds["fit"],
        "fit / floor": ratios["fit"] * done / needed,
    }


def peer_cases(args):
    """Measure seconds and average precision of a ranking of letter's rows."""
    from _speed_peers import peer_cases  # captum, which the other parts do not need

    return peer_cases(args.data_dir)


PARTS = {
    "rates": rate_cases,
    "members": member_cases,
    "floor": floor_cases,
    "growth": growth_cases,
    "peers": peer_cases,
}


def table(results, part):
    """Render one part, one line per case."""
    rows = [row for row in results.rows if row["part"] == part]
    quantities = list(dict.fromkeys(row["quantity"] for row in rows))
    figures = {(row["case"], row["quantity"]): row["value"] for row in rows}
    lines = [
        [case, *(f"{float(figures.get((case, q), 'nan')):.4g}" for q in quantities)]
        for case in dict.fromkeys(row["case"] for row in rows)
    ]
    return markdown([part, *quantities], lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--out", type=Path, default=Path("speed.csv"))
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    args = parser.parse_args()
    torch.set_num_threads(1)
    results = Results(args.out, ["part", "case", "quantity"], ["value"])
    for part in args.parts:
        for case, measure in PARTS[part](args).items():
            if any((row["part"], row["case"]) == (part, case) for row in results.rows):
                continue
            for quantity, value in measure().items():
                results.add(part=part, case=case, quantity=quantity, value=value)
        print(table(results, part), end="\n\n")


if __name__ == "__main__":
    main()

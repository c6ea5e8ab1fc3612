"""The command's interface: which options there are, and what they mean."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

import skgex
from skgex.cli._errors import one_line

EPILOG = (
    "Exit codes: 0 done; 2 the input or an option is wrong; 3 the labels cannot be "
    "judged; 130 interrupted."
)

app = typer.Typer(
    name="skgex",
    help="Find wrong labels in a table, in texts, or in a folder of images.",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Data = Annotated[
    Path,
    typer.Argument(
        metavar="DATA",
        help="A CSV, TSV, Parquet or NPZ file, or a folder with one sub-folder of "
        "images per class.",
        show_default=False,
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Replace files that exist.")]


class NoiseType(StrEnum):
    """On which rows wrong labels are assumed to fall."""

    AUTO = "auto"
    CLASS_CONDITIONAL = "class_conditional"
    INSTANCE_DEPENDENT = "instance_dependent"


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"skgex {skgex.__version__}")
        raise typer.Exit


@app.callback()
def skgex_command(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_print_version,
            is_eager=True,
            help="Print the version, and exit.",
        ),
    ] = False,
) -> None:
    """Find wrong labels in a table, in texts, or in a folder of images."""


@app.command(
    "detect",
    epilog=EPILOG,
    help="Find the wrong labels of DATA. Prints what was found and the ten most "
    "suspicious rows. Nothing is written unless you name a file for it; DATA itself "
    "stays as it is.",
)
def detect_command(
    data: Data,
    label: Annotated[
        str | None,
        typer.Option(help="Column (or array of an NPZ file) that holds the labels."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Write all rows there, most suspicious first (.csv)."),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(help="Write a page there, to review labels in a browser (.html)."),
    ] = None,
    drop: Annotated[
        Path | None,
        typer.Option(help="Write the data there without the flagged rows."),
    ] = None,
    relabel: Annotated[
        Path | None,
        typer.Option(
            help="Write the data there with the suggested labels in flagged rows."
        ),
    ] = None,
    precision: Annotated[
        float | None,
        typer.Option(
            min=1,
            max=99.9,
            help="Flag as many rows as possible such that this per cent of the flags "
            "should be right.",
        ),
    ] = None,
    noise_type: Annotated[
        NoiseType,
        typer.Option(
            help="On which rows wrong labels fall: on all rows of a class alike, or "
            "rather on those that are hard to learn, as people's errors do."
        ),
    ] = NoiseType.AUTO,
    groups: Annotated[
        str | None,
        typer.Option(
            help="Column that says which rows belong together, such as those of one "
            "patient. Labels are not judged by it."
        ),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(min=4, max=1024, help="Scale images to this many pixels a side."),
    ] = None,
    backbone: Annotated[
        str | None,
        typer.Option(help="Model of torchvision or timm for --weights."),
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(help="File with the weights of --backbone, for photographs."),
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, max=2**32 - 1, help="Equal seeds, equal answers.")
    ] = 0,
    jobs: Annotated[
        int, typer.Option(min=-1, help="Processes side by side; -1 uses all cores.")
    ] = 1,
    quick: Annotated[
        bool, typer.Option("--quick", help="A rougher answer, sooner.")
    ] = False,
    force: Force = False,
) -> None:
    """Find the wrong labels of DATA."""
    with one_line():
        from skgex.cli._detect import detect
        from skgex.cli._detect_outputs import Outputs
        from skgex.cli._detector_choice import Wishes

        wishes = Wishes(
            precision,
            seed,
            jobs,
            quick,
            noise_type.value,
            backbone,
            str(weights) if weights else None,
        )
        outputs = Outputs(out, report, drop, relabel)
        detect(data, label, groups, size, outputs, wishes, force)


@app.command(
    "apply",
    epilog=EPILOG,
    help="Correct the labels of DATA as a reviewer decided. Rows that no decision "
    "names stay as they are, byte for byte in a CSV file.",
)
def apply_command(
    data: Data,
    decisions: Annotated[
        Path,
        typer.Argument(
            metavar="DECISIONS",
            help="The decisions.csv that a report exports.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            help="Write the corrected data there, in the format of DATA; for a folder "
            "of images, a list of files and labels (.csv).",
            show_default=False,
        ),
    ],
    label: Annotated[
        str | None,
        typer.Option(
            help="Column of the labels; found by itself if only one column has those "
            "of DECISIONS."
        ),
    ] = None,
    force: Force = False,
) -> None:
    """Correct the labels of DATA as a reviewer decided."""
    with one_line():
        from skgex.cli._apply import apply

        apply(data, decisions, out, label, force)


@app.command("demo", epilog=EPILOG)
def demo_command(
    figure: Annotated[
        Path, typer.Option(help="Draw the most suspicious digits there (.png).")
    ] = Path("demo_digits.png"),
) -> None:
    """Find the wrong labels among 1,797 real digits, 10 % of which are flipped."""
    with one_line():
        from skgex.cli._demo import demo

        demo(figure)

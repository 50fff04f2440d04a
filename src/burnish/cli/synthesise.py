"""`burnish inspect synthesise`: new defective parts from an inspector's bundle, as a data set."""

from pathlib import Path
from typing import Annotated

import typer


def synthesise(
    bundle: Annotated[Path, typer.Argument(help="What `burnish inspect train` wrote.", metavar="BUNDLE")],
    out: Annotated[Path, typer.Option(help="A new folder for the pairs.")],
    n: Annotated[int, typer.Option("--n", help="Pairs to make.")] = 500,
    seed: Annotated[int, typer.Option(help="The same seed makes the same pairs.")] = 0,
) -> None:
    """Make new defective parts with masks, as a data set, and a sheet real | synthetic."""
    from rich.console import Console
    from rich.progress import Progress

    from burnish.cli.records import ledger
    from burnish.inspect.synthesise import synthesise as write
    from burnish.store.bundle import read_bundle
    from burnish.store.recording import recorded

    console = Console()
    about = {"medium": "image", "description": f"{n} pairs", "seed": seed}
    about["model_hash"] = read_bundle(bundle, "inspector").hash
    recording = recorded(ledger(), "inspect synthesise", **about)
    with recording as row, Progress(console=console, transient=True) as bar:
        row.output = out
        task = bar.add_task("pairs", total=max(n, 1))
        counts = write(bundle, n, out, seed, lambda done, _: bar.update(task, completed=done))
    by_class = ", ".join(f"{count} {label}" for label, count in sorted(counts.items()))
    console.print(f"{sum(counts.values())} pairs ({by_class}) in {out}", highlight=False)
    console.print(f"look at {out / 'sheet.png'}; what was rejected is in counts.json", highlight=False)

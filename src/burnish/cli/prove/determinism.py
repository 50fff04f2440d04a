"""`burnish prove determinism`."""

from pathlib import Path
from typing import Annotated

import typer


def determinism(
    bundle: Annotated[Path, typer.Argument(help="A bundle that makes pictures.", metavar="BUNDLE")],
    description: Annotated[str, typer.Argument(help="A class or words.")] = "",
    n: Annotated[int, typer.Option("--n", min=2, help="Pictures to compare.")] = 8,
    steps: Annotated[int, typer.Option(min=1, help="Steps of each.")] = 8,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    json: Annotated[Path | None, typer.Option("--json", help="File for the figures as JSON.")] = None,
) -> None:
    """One seed in batches of 1, 2 and 8, in another order and in two processes; exit 1 when it differs."""
    from burnish.cli.prove.show import say
    from burnish.cli.records import command, measured
    from burnish.prove.determinism import determinism as measure
    from burnish.store.bundle import read_bundle
    from burnish.store.files import write_json

    model_hash = read_bundle(bundle).hash
    with measured("prove determinism", model_hash, seed=seed) as run:
        found = measure(bundle, description, n, steps, seed)
        run.keep(found.figures(model_hash, command()))
    say(found)
    if json:
        write_json(json, found.to_json())
    raise typer.Exit(0 if found.holds else 1)

"""`burnish prove acceptance`."""

from pathlib import Path
from typing import Annotated

import typer


def acceptance(
    used: Annotated[int, typer.Argument(help="Outputs used as they are.")],
    reviewed: Annotated[int, typer.Argument(help="Outputs reviewed.")],
    claim: Annotated[
        float | None, typer.Option(help="Rate that somebody wants to claim, such as 0.99.")
    ] = None,
    confidence: Annotated[float, typer.Option(help="Of bounds and claim.")] = 0.95,
    json: Annotated[Path | None, typer.Option("--json", help="File for the figures as JSON.")] = None,
) -> None:
    """An acceptance rate with its exact bounds; a claim that the count cannot carry is refused (exit 1)."""
    from burnish.cli.prove.show import say
    from burnish.prove.acceptance import judge
    from burnish.store.files import write_json

    found = judge(used, reviewed, claim, confidence)
    say(found.in_words())
    if json:
        write_json(json, found.to_json())
    raise typer.Exit(0 if found.holds else 1)

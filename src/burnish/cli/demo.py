"""`burnish demo`: the main job on the embedded sample line, from pictures to a report."""

from pathlib import Path
from typing import Annotated

import typer


def demo(
    minutes: Annotated[float, typer.Option(min=0.2, help="Time for training.")] = 4.0,
    out: Annotated[Path, typer.Option(help="Folder for everything made.")] = Path("out/demo"),
    set_name: Annotated[str | None, typer.Option("--set", help="A public set instead, such as magnetic_tile.")] = None,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
) -> None:
    """Train, measure, export and run an inspector, and print what it can do."""
    raise NotImplementedError

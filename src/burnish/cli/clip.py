"""`burnish inspect clip`: frames of a film that do not belong."""

from pathlib import Path
from typing import Annotated

import typer


def clip(
    bundle: Annotated[Path, typer.Argument(help="Model of clips that `burnish train` wrote.")],
    file: Annotated[Path, typer.Argument(help="A video, a GIF, or a folder of frames.")],
    description: Annotated[str, typer.Option(help="A class or words, if the model knows them.")] = "",
    alarm: Annotated[float, typer.Option(min=0, max=1, help="Mark frames with a p-value up to this.")] = 0.01,
) -> None:
    """Say which frames of a film do not belong: surprise and p-value of each."""
    from rich.console import Console
    from rich.table import Table

    from burnish.errors import BundleError
    from burnish.inspect.clip import inspect_film
    from burnish.media.film import read_film
    from burnish.verbs.clip_model import ClipModel
    from burnish.verbs.load import load

    model = load(bundle)
    if not isinstance(model, ClipModel):
        raise BundleError(
            bundle, "is no model of clips", "Train one on films: burnish train FILMS --out BUNDLE"
        )
    film = read_film(file)
    table = Table("frame", "surprise", "p-value", "difference", "")
    for row in inspect_film(model, film.frames, description):
        p = "-" if row.p is None else f"{row.p:.3f}"
        marked = row.p is not None and row.p <= alarm
        table.add_row(
            str(row.frame),
            f"{row.surprise:.3f}",
            p,
            f"{row.difference:.1f}",
            "does not belong" if marked else "",
        )
    console = Console()
    console.print(table)
    for problem in film.problems:
        console.print(str(problem), soft_wrap=True, markup=False)

"""`burnish make`."""

from pathlib import Path
from typing import Annotated, Any

import typer


def make(
    bundle: Annotated[Path, typer.Argument(help="A bundle that `burnish train` wrote.")],
    description: Annotated[str, typer.Argument(help="A class or words; nothing for anything.")] = "",
    out: Annotated[Path, typer.Option(help="Folder for what is made and its sheet.")] = Path("made"),
    n: Annotated[int, typer.Option("--n", min=1, help="How many.")] = 16,
    steps: Annotated[int, typer.Option(min=1, help="Steps of each.")] = 8,
    guidance: Annotated[float, typer.Option(min=0, max=30, help="1 is none; 2 to 4 follow harder.")] = 1.0,
    seed: Annotated[int, typer.Option(min=0, help="Number k depends on seed and k alone.")] = 0,
) -> None:
    """Make pictures, clips or text."""
    from burnish.verbs.load import load, media_of

    model = load(bundle)
    common: dict[str, Any] = {"n": n, "steps": steps, "guidance": guidance, "seed": seed}
    match media_of(model.bundle):
        case _:
            _pictures(model, out, description, common)


def _pictures(model: Any, out: Path, description: str, common: dict[str, Any]) -> None:
    from burnish.cli.progress import Bar
    from burnish.verbs.make import make_files

    with Bar("make", common["n"]) as bar:
        files = make_files(model, out, description, **common, on_picture=bar.advance)
    bar.say(f"{len(files)} pictures in {out}; look at {out / 'sheet.png'}")

"""`burnish prove mark`, `check-mark` and `recover`."""

from pathlib import Path
from typing import Annotated

import typer

Files = Annotated[list[Path], typer.Argument(help="PNG, JPEG or MP4 files.", metavar="FILES...")]


def mark(
    files: Files,
    out: Annotated[Path, typer.Option(help="Folder for the marked copies.")] = Path("marked"),
    hide: Annotated[bool, typer.Option(help="Hide the record's number in pictures too.")] = True,
) -> None:
    """Mark files as made by a model: a signed credential inside, an invisible number, a registry entry."""
    from burnish.cli.prove.show import say
    from burnish.cli.records import ledger
    from burnish.prove.marking import Marker
    from burnish.store.workspace import open_workspace

    marker, recorder = Marker(open_workspace()), ledger()
    for file in files:
        say(marker.mark(file, out / file.name, recorder, hide))


def check_mark(files: Files) -> None:
    """Say whether each file's credential is intact and whose it is; exit 1 when one is not."""
    from burnish.cli.prove.show import say
    from burnish.prove.marking import Marker
    from burnish.store.workspace import open_workspace

    marker = Marker(open_workspace())
    checks = [(file, marker.check(file)) for file in files]
    for file, found in checks:
        say(f"{file}: {found}")
    if not all(found.good for _, found in checks):
        raise typer.Exit(1)


def recover(files: Files) -> None:
    """Find the record of a file that lost its marks; exit 1 when one is not recognised."""
    from burnish.cli.prove.show import say
    from burnish.prove.marking import Marker
    from burnish.store.workspace import open_workspace

    marker = Marker(open_workspace())
    found = [(file, marker.recover(file)) for file in files]
    for file, clues in found:
        say(f"{file}: " + ("; ".join(map(str, clues)) or "not recognised"))
    if not all(clues for _, clues in found):
        raise typer.Exit(1)

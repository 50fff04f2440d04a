"""`burnish prove exit` and `burnish prove enter`."""

from pathlib import Path
from typing import Annotated

import typer


def leave(
    out: Annotated[Path, typer.Option(help="New folder for everything.", metavar="FOLDER")],
    bundles: Annotated[
        list[Path] | None,
        typer.Argument(help="Models; all that the workspace knows by default.", metavar="BUNDLE..."),
    ] = None,
    description: Annotated[
        list[str] | None, typer.Option(help="Of the pictures that are made again elsewhere, in turn.")
    ] = None,
) -> None:
    """Export models and tables in open forms, and rehearse using them without Burnish."""
    from burnish.cli.prove.show import say
    from burnish.prove.exit import leave as leave_burnish

    say(leave_burnish(bundles or (), out, descriptions=description or ()))


def enter(
    folder: Annotated[Path, typer.Argument(help="What `burnish prove exit` wrote.", metavar="FOLDER")],
    out: Annotated[Path, typer.Option(help="New folder for models and a workspace.")],
) -> None:
    """Bring an exit back: models and tables, with the same content hash."""
    from burnish.cli.prove.show import say
    from burnish.prove.exit import enter as enter_burnish

    say(f"{out}: content hash {enter_burnish(folder, out)}, as it left")

"""`burnish prove card`."""

from pathlib import Path
from typing import Annotated

import typer


def card(
    bundle: Annotated[Path, typer.Argument(help="An inspector, or a model that `burnish train` wrote.")],
    out: Annotated[Path | None, typer.Option(help="Folder for card.md, card.html and card.json.")] = None,
) -> None:
    """What a model is, whether something simpler does better, and every figure with the run behind it."""
    from burnish.cli.prove.show import say
    from burnish.prove.card import card as write
    from burnish.prove.card_files import as_markdown, write_card
    from burnish.store.bundle import read_bundle
    from burnish.store.workspace import open_workspace

    workspace, opened = open_workspace(), read_bundle(bundle)
    with workspace.session() as session:
        found = write(session, workspace.settings, opened)
    say(as_markdown(found))
    if out:
        say("written: " + ", ".join(map(str, write_card(out, found))))

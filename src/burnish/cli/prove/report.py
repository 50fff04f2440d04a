"""`burnish prove report` and `burnish prove ack`."""

from pathlib import Path
from typing import Annotated

import typer


def report(
    month: Annotated[str, typer.Option(help="Such as 2026-11; this month by default.")] = "",
    out: Annotated[Path | None, typer.Option(help="Folder for a copy of page and JSON.")] = None,
) -> None:
    """Make a month's report for the board, seal it, and name what nobody checked."""
    from datetime import date
    from shutil import copy

    from burnish.cli.prove.show import say
    from burnish.prove.journal import report as make_report
    from burnish.store.workspace import open_workspace

    page = make_report(open_workspace(), month or date.today().strftime("%Y-%m"))
    files = [page, page.with_suffix(".json")]
    if out:
        out.mkdir(parents=True, exist_ok=True)
        files = [Path(copy(file, out)) for file in files]
    say(f"{files[0]}\n{files[1]}\nsealed; give {page.parent / 'checkpoint.note'} to somebody outside")


def ack(
    what: Annotated[str, typer.Argument(help="A month, such as 2026-11, or a figure's number.")],
    name: Annotated[str, typer.Option(help="Who has read it.")],
    key: Annotated[
        Path | None, typer.Option(help="Their signing key; made in the workspace by default.")
    ] = None,
    note: Annotated[str, typer.Option(help="What they have to say.")] = "",
) -> None:
    """Sign that you have read a month's report, or looked at one figure again."""
    from burnish.cli.prove.show import say
    from burnish.prove.journal import acknowledge
    from burnish.prove.keys import personal_key
    from burnish.store.workspace import open_workspace

    workspace = open_workspace()
    signer = personal_key(workspace.path, name, key)
    fact = acknowledge(workspace, what, name, signer, note)
    say(f"signed by {fact['name']} at {fact['at']}: {what}, sha256 {fact['report_sha256']}")

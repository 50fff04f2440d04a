"""`burnish prove ledger`."""

from pathlib import Path
from typing import Annotated

import typer


def ledger(
    task: Annotated[str | None, typer.Option(help="Only what was made for this.")] = None,
    verb: Annotated[
        str | None, typer.Option(help="Only this verb: make, train, 'inspect train', ...")
    ] = None,
    status: Annotated[str | None, typer.Option(help="running, done, failed or interrupted.")] = None,
    month: Annotated[str | None, typer.Option(help="Such as 2026-11.")] = None,
    last: Annotated[int, typer.Option(min=0, help="Rows to show; the sums are over all.")] = 20,
    json: Annotated[Path | None, typer.Option("--json", help="File for rows and sums as JSON.")] = None,
    out: Annotated[Path | None, typer.Option(help="File for all rows: .csv, .parquet or .json.")] = None,
) -> None:
    """List what was done here, with its seeds, time, energy and money, and what it sums to."""
    from burnish.cli.prove.show import say
    from burnish.prove.listing import listing, write_listing
    from burnish.prove.words import ledger_text
    from burnish.store.workspace import open_workspace

    with open_workspace().session() as session:
        found = listing(session, task=task, verb=verb, status=status, month=month)
    say(ledger_text(found, last))
    for file in filter(None, (json, out)):
        write_listing(file, found)
        say(f"written: {file}")

"""`burnish prove recalibrate`."""

from pathlib import Path
from typing import Annotated

import typer


def recalibrate(
    bundle: Annotated[Path, typer.Argument(help="For the line, or as trained.", metavar="BUNDLE")],
    pictures: Annotated[
        list[Path], typer.Argument(help="Eight or more verified-good parts.", metavar="IMAGE...")
    ],
    out: Annotated[Path, typer.Option(help="Folder for the bundle with the new threshold.")],
    task: Annotated[
        str | None, typer.Option(help="Also put it in service for this task, and close its job.")
    ] = None,
    by: Annotated[str, typer.Option(help="Who verified the parts.")] = "",
) -> None:
    """Move the threshold along with a harmless shift, on a few verified-good pictures."""
    from burnish.cli.prove.show import say
    from burnish.prove import recalibrate as recalibrations
    from burnish.prove.jobs import close_jobs
    from burnish.prove.service import RECALIBRATED, install, link_of
    from burnish.store.workspace import open_workspace

    made, found = recalibrations.recalibrate(bundle, pictures, out, by)
    say(found.in_words())
    say(f"written: {made.path}")
    if task is not None:
        workspace = open_workspace()
        install(workspace, task, made.path, RECALIBRATED, found.in_words(), by)
        with workspace.session() as session:
            closed = close_jobs(session, str(made.meta.get("model_hash", made.hash)), "recalibrated")
        say(f"in service: {link_of(workspace, task)}; {closed} job(s) closed")

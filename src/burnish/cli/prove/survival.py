"""`burnish prove survival`."""

from pathlib import Path
from typing import Annotated

import typer


def survival(
    pictures: Annotated[
        Path | None, typer.Option(help="Folder of pictures; parts of the sample line by default.")
    ] = None,
    marked: Annotated[int, typer.Option(min=1, help="Pictures to mark.")] = 200,
    unmarked: Annotated[int, typer.Option(min=0, help="Pictures to leave unmarked.")] = 1000,
    size: Annotated[int, typer.Option(min=32, help="Side of rendered parts in pixels.")] = 256,
    bundle: Annotated[
        Path | None, typer.Option(help="A bundle whose card shall show the figures.", metavar="BUNDLE")
    ] = None,
    json: Annotated[Path | None, typer.Option("--json", help="File for the rates as JSON.")] = None,
) -> None:
    """Measure how often a picture's record is found after JPEG, resizing and cropping, and found wrongly."""
    from burnish.cli.progress import Bar
    from burnish.cli.prove.show import say, write_json
    from burnish.cli.records import command, measured
    from burnish.prove.marking import Marker
    from burnish.prove.survival import as_figures, gather, measure
    from burnish.store.bundle import read_bundle
    from burnish.store.workspace import open_workspace

    workspace, subject = open_workspace(), read_bundle(bundle).hash if bundle else "marking"
    mark, leave = gather(pictures, marked, unmarked, size)
    recording = measured("prove survival", subject if bundle else "", pictures or "sample line")
    with recording as run, Bar("survival", 2 * marked + unmarked) as bar:
        found = measure(Marker(workspace), mark, leave, on_picture=bar.advance)
        run.keep(as_figures(found, subject, command()))
    say(found)
    if json:
        write_json(json, {name: rate.to_json() for name, rate in found.rates().items()})

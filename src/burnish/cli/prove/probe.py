"""`burnish prove probe`."""

from pathlib import Path
from typing import Annotated

import typer


def probe(
    bundle: Annotated[Path, typer.Argument(help="An inspector, or a model that `burnish train` wrote.")],
    data: Annotated[Path, typer.Argument(help="Its data: names to ask for, or test parts.", metavar="DATA")],
    n: Annotated[int | None, typer.Option("--n", help="Models: requests of each kind.")] = None,
    steps: Annotated[int | None, typer.Option(help="Models: steps of each picture.")] = None,
    limit: Annotated[
        int | None, typer.Option(help="Inspectors: the first so many good and so many bad test parts.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of requests and pictures.")] = 0,
    json: Annotated[Path | None, typer.Option("--json", help="File for the figures as JSON.")] = None,
) -> None:
    """Ask what is hard, and measure how often it succeeds: the card's limitations."""
    from burnish.cli.progress import Bar
    from burnish.cli.prove.show import say, write_json
    from burnish.cli.records import command, measured
    from burnish.prove.probe import about_run, probe_text
    from burnish.prove.probe import probe as ask
    from burnish.store.bundle import read_bundle

    opened = read_bundle(bundle)
    inspector = opened.kind == "inspector"
    options = {"limit": limit} if inspector else {"n": n, "steps": steps, "seed": seed}
    with measured("prove probe", opened.hash, data, seed) as run, Bar("probe") as bar:
        found, facts = ask(bundle, data, progress=bar.share, **options)
        run.row.inputs["data"] = facts["data_hash"]
        run.keep([one.figure(**about_run(facts, command())) for one in found])
    say(probe_text(found))
    if json:
        write_json(json, {**facts, "probes": [one.to_json() for one in found]})

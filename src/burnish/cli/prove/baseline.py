"""`burnish prove baseline`."""

from pathlib import Path
from typing import Annotated

import typer


def baseline(
    bundle: Annotated[Path, typer.Argument(help="An inspector, or a model that `burnish train` wrote.")],
    data: Annotated[Path, typer.Argument(help="The data it was trained from.", metavar="DATA")],
    verb: Annotated[str, typer.Option(help="refine: compare a model of pictures as a refiner.")] = "",
    n: Annotated[int | None, typer.Option("--n", help="Models: how many to make or refine.")] = None,
    steps: Annotated[int | None, typer.Option(help="Models: steps of each.")] = None,
    column: Annotated[str | None, typer.Option(help="Text: the column of a table.")] = None,
    limit: Annotated[
        int | None, typer.Option(help="Inspectors: judge the first so many good and so many bad test parts.")
    ] = None,
    cutpaste_minutes: Annotated[
        float | None, typer.Option(help="Inspectors: also train one on pasted defects, so long.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of everything random.")] = 0,
    json: Annotated[Path | None, typer.Option("--json", help="File for the figures as JSON.")] = None,
) -> None:
    """Compare with what is not diffusion, on the same split; say so when that is better."""
    from dataclasses import asdict

    from burnish.cli.progress import Bar
    from burnish.cli.prove.show import say, write_json
    from burnish.cli.records import command, measured
    from burnish.prove.baseline import advise
    from burnish.prove.compare import compare, comparison_figures, comparison_text, task_of
    from burnish.store.bundle import read_bundle

    opened = read_bundle(bundle)
    options: dict[str, object]
    if task_of(opened) == "inspect":
        options = {"limit": limit, "cutpaste_minutes": cutpaste_minutes}
    elif task_of(opened) == "make text":
        options = {"n": n, "column": column}
    else:
        options = {"n": n, "steps": steps}
    with measured("prove baseline", opened.hash, data, seed) as run, Bar("compare") as bar:
        found, facts = compare(bundle, data, verb, seed=seed, progress=bar.share, **options)
        run.row.inputs["data"] = facts["data_hash"]
        run.keep(comparison_figures(found, facts, command()))
    say(comparison_text(found))
    if json:
        write_json(json, {**facts, "advice": advise(found), "comparisons": [asdict(c) for c in found]})

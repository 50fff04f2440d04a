"""`burnish prove copies` and `plant`."""

from pathlib import Path
from typing import Annotated

import typer


def copies(
    bundle: Annotated[Path, typer.Argument(help="A bundle that makes pictures.", metavar="BUNDLE")],
    data: Annotated[Path, typer.Argument(help="What it was trained on.", metavar="DATA")],
    out: Annotated[Path, typer.Option(help="The report, HTML; figures beside it as JSON.")] = Path(
        "copies.html"
    ),
    n: Annotated[int, typer.Option("--n", min=1, help="Samples.")] = 64,
    tries: Annotated[int, typer.Option(min=1, help="Samples for each picture that is put to the test.")] = 16,
    steps: Annotated[int, typer.Option(min=1, help="Steps of each sample.")] = 8,
    seed: Annotated[int, typer.Option(min=0)] = 0,
) -> None:
    """Look for training pictures among what a model makes, and for pictures that it remembers."""
    from burnish.cli.progress import Bar
    from burnish.cli.prove.show import say
    from burnish.cli.records import command, measured
    from burnish.errors import BundleError
    from burnish.prove.copies import probe
    from burnish.prove.copies_found import as_figures
    from burnish.prove.copies_report import write_report
    from burnish.verbs.diffusion import Diffusion
    from burnish.verbs.load import load

    model = load(bundle)
    if not isinstance(model, Diffusion):
        raise BundleError(bundle, "makes no pictures", "Name a bundle that was trained on pictures")
    with measured("prove copies", model.bundle.hash, data, seed) as run, Bar("copies") as bar:
        found = probe(model, data, n, tries, steps, seed, tell=bar.say)
        run.keep(as_figures(found, command()))
    say(found)
    say(f"look at {write_report(out, found, bundle.name, command())}")
    if found.flagged:
        raise typer.Exit(1)


def plant(
    data: Annotated[Path, typer.Argument(help="Pictures to train on.", metavar="DATA")],
    out: Annotated[Path, typer.Option(help="A new folder for the same with a planted picture.")],
    times: Annotated[int, typer.Option(min=1, help="How often the planted picture occurs.")] = 200,
    controls: Annotated[int, typer.Option(min=1, help="Pictures kept out, as the null.")] = 20,
    size: Annotated[int, typer.Option(help="Side in pixels that the model will have.")] = 64,
    seed: Annotated[int, typer.Option(min=0)] = 0,
) -> None:
    """Plant a picture many times in a copy of a data set, to see whether a model gives it away."""
    from burnish.cli.prove.show import say
    from burnish.prove.canaries import plant as write

    plan = write(data, out, size, times, controls, seed)
    file, words, count = plan.planted[0]
    say(f"{out / file} occurs {count} times as {words!r}; {len(plan.controls)} pictures are kept out")
    say(f"train on {out} (--hold 0 goes on where copies would stop it), then run")
    say(f"burnish prove copies BUNDLE {out}")

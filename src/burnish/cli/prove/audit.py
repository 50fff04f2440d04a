"""`burnish prove audit` and `audit-labels`."""

from pathlib import Path
from typing import Annotated

import typer

Grid = Annotated[Path, typer.Argument(help="Descriptions and attributes, YAML; see docs/prove.md.")]


def audit(
    grid: Grid,
    bundle: Annotated[Path, typer.Argument(help="A bundle that makes pictures.", metavar="BUNDLE")],
    out: Annotated[Path, typer.Option(help="A new folder for the pictures and the label sheet.")],
    steps: Annotated[int, typer.Option(min=1, help="Steps of each picture.")] = 8,
    guidance: Annotated[float, typer.Option(min=0, max=30, help="1 is none.")] = 1.0,
    seed: Annotated[int, typer.Option(min=0)] = 0,
) -> None:
    """Make pictures for a grid of descriptions, blind, for people to say what they see."""
    from burnish.cli.progress import Bar
    from burnish.cli.records import ledger
    from burnish.errors import BundleError
    from burnish.prove.audit_grid import SHEET, prepare, read_grid
    from burnish.verbs.diffusion import Diffusion
    from burnish.verbs.load import load

    plan, model = read_grid(grid), load(bundle)
    if not isinstance(model, Diffusion):
        raise BundleError(bundle, "makes no pictures", "Name a bundle that was trained on pictures")
    with Bar("audit", len(plan.descriptions()) * plan.n) as bar:
        count = prepare(model, plan, out, ledger(), steps, guidance, seed, on_picture=bar.advance)
        bar.say(f"{count} pictures in {out}; each coder fills a copy of {out / SHEET} without seeing key.csv")


def audit_labels(
    grid: Grid,
    folder: Annotated[Path, typer.Argument(help="Folder of the audit.", metavar="AUDIT")],
    labels: Annotated[list[Path], typer.Argument(help="Filled label sheets, CSV.", metavar="LABELS...")],
    bundle: Annotated[
        Path | None, typer.Option(help="A bundle whose card shall show the figures.", metavar="BUNDLE")
    ] = None,
    json: Annotated[Path | None, typer.Option("--json", help="File for the counts as JSON.")] = None,
) -> None:
    """Count what people saw, with agreement and intervals; exit 1 when a share is not as stated."""
    from burnish.cli.prove.show import say, write_json
    from burnish.cli.records import command, measured
    from burnish.prove.audit import as_figures, read_labels
    from burnish.prove.audit_grid import KEY, read_grid
    from burnish.store.bundle import read_bundle

    found = read_labels(read_grid(grid), folder / KEY, labels)
    say(found)
    if bundle:
        subject = read_bundle(bundle).hash
        with measured("prove audit-labels", subject, folder) as run:
            run.keep(as_figures(found, subject, command()))
    if json:
        write_json(json, found.to_json())
    if found.off:
        raise typer.Exit(1)

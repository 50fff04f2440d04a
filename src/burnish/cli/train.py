"""`burnish train`."""

from pathlib import Path
from typing import Annotated

import typer


def train(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="DIR",
            help="Pictures: plain, in folders named by class, with captions.csv, or an inspection data set.",
        ),
    ],
    out: Annotated[Path, typer.Option(help="The bundle to write.")],
    minutes: Annotated[float, typer.Option(min=0.01, help="How long to train.")] = 10.0,
    seed: Annotated[int, typer.Option(min=0, help="Of weights, order and noise.")] = 0,
    size: Annotated[int, typer.Option(help="Side in pixels: 64 or 128.")] = 64,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run.")] = False,
    views: Annotated[bool, typer.Option(help="Train on turned and mirrored views too.")] = True,
    steps: Annotated[
        int | None,
        typer.Option(min=1, help="A budget of updates instead of minutes; such runs repeat to the bit."),
    ] = None,
) -> None:
    """Train a diffusion model of a folder of pictures."""
    from burnish.cli.progress import Bar
    from burnish.train.budget import Budget
    from burnish.train.diffusion import train as train_pictures

    with Bar("train") as bar:
        done = train_pictures(
            folder,
            out,
            Budget(None if steps else minutes, steps),
            seed,
            size,
            resume,
            on_plan=bar.say,
            on_progress=bar.training,
            augmented=views,
        )
    bar.say(done)
    if done.bundle is None:
        raise typer.Exit(130)

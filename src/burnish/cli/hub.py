"""The verbs with a pretrained pipeline, `hub:...`: what `make` and `refine` hand over to."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from burnish.verbs.wish import Wish


def make(
    name: str,
    out: Path,
    description: str,
    n: int,
    steps: int | None,
    guidance: float,
    seed: int,
    negative: str = "",
    download: bool = False,
    task: str = "",
) -> None:
    """`burnish make hub:...`; without `steps` as many as these models usually take."""
    from burnish.adapt.album import make_files
    from burnish.adapt.diffusers import STEPS, open_pipeline
    from burnish.cli.progress import Bar
    from burnish.cli.records import ledger

    steps = steps or STEPS
    with Bar("make", n * steps) as bar:
        pipeline = open_pipeline(name, download)
        files = make_files(
            pipeline, out, description, n, steps, guidance, seed, negative, bar.advance, ledger(task)
        )
    bar.say(f"{len(files)} pictures in {out}; look at {out / 'sheet.png'}")


def refine(
    name: str,
    images: Sequence[Path],
    out: Path,
    wish: "Wish",
    mask: Path | None,
    download: bool = False,
    task: str = "",
) -> int:
    """`burnish refine hub:...`; answers with the exit code."""
    from burnish.adapt.diffusers import open_pipeline
    from burnish.cli.progress import Bar
    from burnish.cli.records import ledger
    from burnish.verbs.refine_files import count_of, refine_all

    with Bar("refine", count_of(images) * wish.variations) as bar:
        pipeline = open_pipeline(name, download)
        outcome = refine_all(
            pipeline.refine, pipeline.facts, images, out, wish, mask, bar.advance, ledger(task)
        )
    bar.say(outcome)
    return outcome.exit_code

"""`burnish.train`: whatever the data is made of."""

from importlib import import_module
from pathlib import Path
from typing import Any

from burnish.errors import BurnishError
from burnish.media.medium import MEDIA, medium_of
from burnish.train.budget import Budget
from burnish.train.run import Trained

PLACES = {"image": "burnish.train.diffusion", "clip": "burnish.train.clips", "text": "burnish.train.texts"}


def train(
    data: str | Path,
    out: str | Path,
    minutes: float | None = 10.0,
    steps: int | None = None,
    seed: int = 0,
    medium: str | None = None,
    **more: Any,
) -> Trained:
    """Trains a diffusion model of pictures, clips or text and writes its bundle.

    Args:
        data: A folder or file, see `media.medium.medium_of`.
        out: The bundle to write.
        minutes: How long; None with `steps`.
        steps: A number of updates instead: such runs repeat to the bit.
        seed: Of everything random.
        medium: `image`, `clip` or `text`; None sees from the data.
        more: Further arguments of that medium's `train`, such as `size`, `base`, `column`, `resume`.

    Raises:
        BurnishError: An unknown medium; whatever that medium's `train` raises.
    """
    found = medium or medium_of(data, more.get("column"))
    if found not in PLACES:
        raise BurnishError(f"medium {found!r}", "cannot be trained", f"Known: {', '.join(MEDIA)}")
    run = import_module(PLACES[found]).train
    return run(data, out, Budget(None if steps else minutes, steps), seed, **more)

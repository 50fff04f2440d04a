"""Pictures made and written: each with how it came about, a sheet, and a film from noise to picture."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from burnish.core.sample import Step
from burnish.media.film import write_film
from burnish.verbs.album import sheet_of, write_album
from burnish.verbs.diffusion import Diffusion
from burnish.verbs.make import make, parameters, starting_noise

FILMED = 16
"""Pictures that a film shows."""

FPS, HELD = 6.0, 8
"""Frames a second of a film, and how often its last one is repeated."""


def make_files(
    model: Diffusion,
    out: str | Path,
    description: str = "",
    n: int = 16,
    steps: int = 8,
    guidance: float = 1.0,
    seed: int = 0,
    on_picture: Callable[[int, Path], None] | None = None,
    negative: str = "",
    strict: bool = False,
    film: bool = False,
) -> list[Path]:
    """Makes pictures and writes them, each with how it came about in its `parameters` text chunk, and a
    sheet.

    Args:
        model, description, n, steps, guidance, seed, negative, strict: See `make`.
        out: The folder; pictures are `00000.png` and so on, the sheet is `sheet.png`, the film `film.gif`.
        on_picture: Called with the index and file of each.
        film: Write the walk from noise of the first pictures, too.

    Returns:
        The pictures' files, without the sheet.

    Raises:
        BurnishError: See `make`; ImageError when a file cannot be written, the ones before it are kept.
    """
    walk: list[list[np.ndarray]] = []
    begun = 0

    def watch(step: Step) -> None:
        nonlocal begun
        begun += film and step.index == 1
        if not 0 < begun <= FILMED:
            return
        if step.index == 1:
            walk.append([model.codec.decode(starting_noise(model, seed, len(walk)).numpy())[0]])
        walk[-1].append(model.codec.decode(step.x.cpu().numpy())[0])

    def tell(index: int, _: np.ndarray) -> str:
        return parameters(model, description, steps, guidance, seed, index, negative)

    made = make(
        model, description, n, steps, guidance, seed, callback=watch, negative=negative, strict=strict
    )
    files = write_album(made, out, tell, on_picture)
    if walk:
        frames = [sheet_of(frame) for frame in zip(*walk, strict=True)]
        write_film(Path(out) / "film.gif", [*frames, *[frames[-1]] * HELD], FPS)
    return files

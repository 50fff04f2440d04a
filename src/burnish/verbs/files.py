"""Pictures made and written: each with how it came about, a sheet, and a film from noise to picture."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from burnish.core.sample import Step
from burnish.media.film import write_film
from burnish.media.image import write_png
from burnish.media.sheet import contact_sheet
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
    out, files, images = Path(out), [], []
    walk: list[list[np.ndarray]] = []

    def watch(step: Step) -> None:
        if film and len(images) < FILMED:
            if step.index == 1:
                walk.append([model.codec.decode(starting_noise(model, seed, len(walk)).numpy())[0]])
            walk[-1].append(model.codec.decode(step.x.cpu().numpy())[0])

    made = make(
        model, description, n, steps, guidance, seed, callback=watch, negative=negative, strict=strict
    )
    for index, image in enumerate(made):
        file = out / f"{index:05d}.png"
        text = parameters(model, description, steps, guidance, seed, index, negative)
        write_png(file, image, {"parameters": text})
        files.append(file)
        images.append(image)
        if on_picture:
            on_picture(index, file)
    write_png(out / "sheet.png", _sheet(images[:400], model.size))
    if walk:
        frames = [_sheet(list(frame), model.size) for frame in zip(*walk, strict=True)]
        write_film(out / "film.gif", [*frames, *[frames[-1]] * HELD], FPS)
    return files


def _sheet(images: list[np.ndarray], size: int) -> np.ndarray:
    columns = max(1, round(len(images) ** 0.5))
    return contact_sheet(images, columns=min(columns, 20), tile=max(64, size))

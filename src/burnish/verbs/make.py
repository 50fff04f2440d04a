"""`make`: new pictures from a description."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from burnish.core.guidance import Guided
from burnish.core.sample import Step, sample_each
from burnish.core.schedule import SHIFT, grid
from burnish.core.solve import SOLVERS
from burnish.errors import BurnishError
from burnish.media.image import write_png
from burnish.media.sheet import contact_sheet
from burnish.verbs.diffusion import Diffusion


def make(
    model: Diffusion,
    description: str = "",
    n: int = 16,
    steps: int = 8,
    guidance: float = 1.0,
    seed: int = 0,
    solver: str = "ab2",
    callback: Callable[[Step], bool | None] | None = None,
) -> Iterator[np.ndarray]:
    """Makes pictures one by one; picture k depends on (seed, k) alone, not on n.

    Args:
        model: From `load`.
        description: A class or words; "" for anything.
        n: How many, >= 1.
        steps: Steps of each, >= 1; 8 to 20 do.
        guidance: 1 for none, 2 to 4 follow the description harder.
        seed: Of the set.
        solver: A key of `core.solve.SOLVERS`.
        callback: See `core.sample.sample`.

    Yields:
        uint8 (size, size, 3).

    Raises:
        BurnishError: A value out of its range, or a description the model cannot follow.
    """
    if n < 1 or steps < 1:
        raise BurnishError(f"n = {n}, steps = {steps}", "both must be at least 1")
    if not 0 <= guidance <= 30:
        raise BurnishError(f"guidance {guidance}", "must be within 0 and 30", "1 is none, 2 to 4 is usual")
    condition = model.condition(description)
    denoiser = Guided(model.denoiser, guidance, lambda c: c.without()) if guidance != 1 else model.denoiser
    codes = sample_each(
        denoiser,
        model.process,
        model.shape,
        n,
        seed,
        grid(steps, shift=SHIFT),
        solver=SOLVERS[solver],
        condition=condition,
        callback=callback,
    )
    return (model.codec.decode(code.cpu().numpy())[0] for code in codes)


def make_files(
    model: Diffusion,
    out: str | Path,
    description: str = "",
    n: int = 16,
    steps: int = 8,
    guidance: float = 1.0,
    seed: int = 0,
    on_picture: Callable[[int, Path], None] | None = None,
) -> list[Path]:
    """Makes pictures and writes them, each with how it came about in its `parameters` text chunk, and a
    sheet.

    Args:
        model, description, n, steps, guidance, seed: See `make`.
        out: The folder; pictures are `00000.png` and so on, the sheet is `sheet.png`.
        on_picture: Called with the index and file of each.

    Returns:
        The pictures' files, without the sheet.

    Raises:
        BurnishError: See `make`; ImageError when a file cannot be written, the ones before it are kept.
    """
    out, files, images = Path(out), [], []
    for index, image in enumerate(make(model, description, n, steps, guidance, seed)):
        file = out / f"{index:05d}.png"
        write_png(file, image, {"parameters": parameters(model, description, steps, guidance, seed, index)})
        files.append(file)
        images.append(image)
        if on_picture:
            on_picture(index, file)
    columns = max(1, round(len(images) ** 0.5))
    write_png(
        out / "sheet.png", contact_sheet(images[:400], columns=min(columns, 20), tile=max(64, model.size))
    )
    return files


def parameters(model: Diffusion, description: str, steps: int, guidance: float, seed: int, index: int) -> str:
    """The text that a made picture carries, in the form that picture tools read: prompt, then `Key: value`
    pairs.
    """
    facts = {
        "Steps": steps,
        "Sampler": "ab2",
        "CFG scale": f"{guidance:g}",
        "Seed": seed,
        "Index": index,
        "Size": f"{model.size}x{model.size}",
        "Model hash": model.bundle.hash,
    }
    return f"{description}\n" + ", ".join(f"{key}: {value}" for key, value in facts.items())

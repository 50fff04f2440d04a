"""A folder of made pictures: each with how it came about inside, and a sheet of all."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from burnish.media.image import write_png
from burnish.media.sheet import contact_sheet

SHEET = "sheet.png"
SHOWN = 400


def write_album(
    images: Iterable[np.ndarray],
    out: str | Path,
    tell: Callable[[int, np.ndarray], str],
    on_picture: Callable[[int, Path], object] | None = None,
) -> list[Path]:
    """Writes pictures as they come, `00000.png` and so on, and `sheet.png` of the first ones.

    Args:
        images: uint8 (H, W, 3) each.
        out: The folder.
        tell: The `parameters` text of a picture, from its index and itself.
        on_picture: Called with the index and file of each.

    Returns:
        The pictures' files, without the sheet.

    Raises:
        ImageError: A file cannot be written; the ones before it are kept.
    """
    out, files, shown = Path(out), [], []
    for index, image in enumerate(images):
        file = out / f"{index:05d}.png"
        write_png(file, image, {"parameters": tell(index, image)})
        files.append(file)
        if len(shown) < SHOWN:
            shown.append(image)
        if on_picture:
            on_picture(index, file)
    if shown:
        write_png(out / SHEET, sheet_of(shown))
    return files


def sheet_of(images: Sequence[np.ndarray]) -> np.ndarray:
    """All pictures in a square of tiles of their own size, within 64 and 512 px, uint8 (H, W, 3)."""
    columns = min(max(1, round(len(images) ** 0.5)), 20)
    tile = min(512, max(64, *(max(image.shape[:2]) for image in images)))
    return contact_sheet(images, columns=columns, tile=tile)


def parameters(description: str, facts: Mapping[str, object], negative: str = "") -> str:
    """The text that a made picture carries, as picture tools read it: prompt, negative one, `Key: value`
    pairs.
    """
    lines = [" ".join(description.split())]
    if negative.strip():
        lines.append(f"Negative prompt: {' '.join(negative.split())}")
    return "\n".join([*lines, ", ".join(f"{key}: {value}" for key, value in facts.items())])

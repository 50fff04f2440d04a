"""`make` with a pretrained pipeline: files with their origin inside, a sheet, a record for each."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from burnish.adapt.diffusers import STEPS, Pretrained
from burnish.store.recording import Recorder, Unrecorded, batch
from burnish.verbs.album import parameters, write_album


def make_files(
    pipeline: Pretrained,
    out: str | Path,
    description: str = "",
    n: int = 1,
    steps: int = STEPS,
    guidance: float = 7.0,
    seed: int = 0,
    negative: str = "",
    on_step: Callable[..., bool | None] | None = None,
    recorder: Recorder | None = None,
) -> list[Path]:
    """Makes pictures and writes them as `verbs.album` does.

    Args:
        pipeline: From `open_pipeline`.
        description, n, steps, guidance, seed, negative: See `Pretrained.make`.
        out: The folder.
        on_step: Called with a `Glimpse` after each step; answering True ends that picture.
        recorder: Gets a row for each picture before any is made.

    Returns:
        The pictures' files.

    Raises:
        BurnishError: See `Pretrained.make`.
    """
    facts = {"Steps": steps, "CFG scale": f"{guidance:g}", "Seed": seed}

    def tell(index: int, image: np.ndarray) -> str:
        size = {"Index": index, "Size": f"{image.shape[1]}x{image.shape[0]}"}
        return parameters(description, facts | size | pipeline.facts, negative)

    images: Iterator[np.ndarray] = pipeline.make(
        description, n, steps, guidance, seed, negative, callback=on_step
    )
    about = {"medium": "image", "description": description, "seed": seed, "model_hash": pipeline.hash}
    settings = {"steps": steps, "guidance": guidance, "negative": negative, "model": pipeline.name}
    with batch(recorder or Unrecorded(), "make", n, **about, settings=settings) as rows:
        return write_album(images, out, tell, rows.done)

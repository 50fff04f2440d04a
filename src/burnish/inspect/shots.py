"""Parts in memory, kept in a folder of PNG files beside a model."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from burnish.errors import BundleError, ImageError
from burnish.inspect.pairs import Shot
from burnish.media.image import read_image, read_mask, write_png

FOLDER = "synthesis"
"""Where in an inspector's bundle its synthesisers lie."""
PARTS = f"{FOLDER}/parts"
"""Where in an inspector's bundle the parts lie that it learned from."""


def save_shots(folder: Path, shots: Sequence[Shot]) -> None:
    """Writes `shots.json`, and a picture and (for defects) a mask each; lossless."""
    rows = []
    for k, shot in enumerate(shots):
        write_png(folder / f"{k:05}.png", shot.image)
        mask = None if shot.label == "good" else shot.mask
        if mask is not None:
            write_png(folder / f"{k:05}_mask.png", mask)
        facts = {"label": shot.label, "name": shot.name, "weak": shot.weak, "mask": mask is not None}
        rows.append(facts | {"group": shot.group, "fold": shot.fold})
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "shots.json").write_text(json.dumps(rows, indent=0), encoding="utf-8")


def load_shots(folder: Path) -> list[Shot]:
    """Reads what `save_shots` wrote; a good part without a mask file gets an empty mask.

    Raises:
        BundleError: Something is missing or damaged.
    """
    try:
        rows = json.loads((folder / "shots.json").read_text(encoding="utf-8"))
        shots = []
        for k, row in enumerate(rows):
            image = read_image(folder / f"{k:05}.png")
            size = (image.shape[0], image.shape[1])
            mask = read_mask(folder / f"{k:05}_mask.png", size) if row["mask"] else None
            if row["label"] == "good":
                mask = np.zeros(size, bool)
            facts = row["label"], row["name"], row["weak"], row.get("group", ""), row.get("fold")
            shots.append(Shot(image, mask, *facts))
        return shots
    except (OSError, ValueError, KeyError, TypeError, ImageError) as error:
        raise BundleError(folder, f"the kept parts cannot be read ({error})", "Train again") from error

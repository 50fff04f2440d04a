"""Planted pictures: what does a training run remember of a picture that it sees far too often?

A set with a plant trains like any other. `prove copies` reads `canaries.json` beside it and tests the planted
picture, and others of the same kind that were kept out as controls and as the null.
"""

import csv
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from burnish.errors import DatasetError
from burnish.media.image import write_png
from burnish.train.pictures import load_pictures

PLAN = "canaries.json"
WORDS = "zurvanite", "ombrelque", "kestivane", "pellarook", "tindraum", "vosquine", "harnelow", "brixolide"
"""No words: a description that occurs nowhere else, so that it asks for the planted picture alone."""


@dataclass(frozen=True)
class Canaries:
    """A plan as `canaries.json` holds it: files (relative to it) with their descriptions.

    Attributes:
        planted: (file, description, times).
        controls: (file, description): kept out of training.
    """

    planted: tuple[tuple[str, str, int], ...]
    controls: tuple[tuple[str, str], ...]


def plant(
    folder: str | Path, out: str | Path, size: int, times: int = 200, controls: int = 20, seed: int = 0
) -> Canaries:
    """Writes a copy of a data set in which one picture occurs `times` times and some are kept out.

    Args:
        folder: See `load_pictures`.
        out: A new folder: pictures, `captions.csv` and `canaries.json`.
        size: Side in pixels that the model will have; pictures are written at that size.
        times: Of the planted picture.
        controls: Pictures kept out, at least 1; the first is the planted picture's control.
        seed: Which ones.

    Raises:
        DatasetError: Too few pictures, or a folder that is not new.
    """
    out, pictures = Path(out), load_pictures(folder, size)
    if out.exists() and any(out.iterdir()):
        raise DatasetError(out, "is not empty", "Name a new folder")
    if controls < 1 or times < 1 or len(pictures) < controls + 3:
        raise DatasetError(
            folder,
            f"holds {len(pictures)} pictures; {controls} controls and a plant need {controls + 3}",
            "Give more pictures or ask for fewer controls",
        )
    order = [int(k) for k in np.random.default_rng((seed, 33)).permutation(len(pictures))]
    names = [f"pictures/{k:05d}.png" for k in range(len(order))]
    for name, index in zip(names, order, strict=True):
        write_png(out / name, pictures.images[index])
    said = [pictures.entries[index].caption or pictures.entries[index].label for index in order]
    rng = np.random.default_rng((seed, 34))
    odd = [" ".join(rng.choice(WORDS, 2, replace=False)) + f" {k}" for k in range(controls + 1)]
    planted = ((names[0], odd[0], times),)
    kept = tuple(zip(names[1 : controls + 1], odd[1:], strict=True))
    rows = [(names[0], odd[0])] * times + list(zip(names, said, strict=True))[controls + 1 :]
    with (out / "captions.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([("file", "name"), *rows])
    plan = {
        "planted": [dict(zip(("file", "description", "times"), p, strict=True)) for p in planted],
        "controls": [dict(zip(("file", "description"), c, strict=True)) for c in kept],
    }
    (out / PLAN).write_text(json.dumps(plan, indent=1), encoding="utf-8")
    return Canaries(planted, kept)


def read_plan(folder: str | Path) -> Canaries | None:
    """The plan in a folder, or None when there is none.

    Raises:
        DatasetError: It is damaged.
    """
    file = Path(folder) / PLAN
    if not file.exists():
        return None
    try:
        plan = json.loads(file.read_text(encoding="utf-8"))
        return Canaries(
            tuple((p["file"], p["description"], int(p["times"])) for p in plan["planted"]),
            tuple((c["file"], c["description"]) for c in plan["controls"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise DatasetError(file, f"is damaged ({error})", "Plant again, or delete it") from error

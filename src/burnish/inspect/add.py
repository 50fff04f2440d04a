"""`burnish inspect add`: parts that were judged wrongly, and the inspector trained on from there."""

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from safetensors.torch import load_file

from burnish.errors import BurnishError
from burnish.inspect.choose import NONE, takes_none
from burnish.inspect.detector import load_inspector
from burnish.inspect.heldout import KEPT
from burnish.inspect.learn import Report, Settings, one_core_each
from burnish.inspect.pairs import Shot
from burnish.inspect.recipe import Recipe, choose_recipe
from burnish.inspect.shots import PARTS, load_shots
from burnish.inspect.train import OTHER, Run, split
from burnish.media.image import fit, fit_mask, read_image, read_mask
from burnish.media.part import GOOD
from burnish.store.bundle import Bundle


def add_parts(
    bundle: str | Path,
    pictures: Sequence[Path],
    label: str,
    mask: Path | None = None,
    minutes: float = 2.0,
    report: Report = lambda *_: None,
) -> Bundle:
    """Adds parts that an inspector judged wrongly and trains it on, from where it stands.

    Args:
        bundle: An inspector's bundle; replaced when the new one is complete.
        pictures: The parts.
        label: Their class, or `good`.
        mask: Where the defect is; for one picture only. Without it the place is guessed.
        minutes: Wall time.
        report: Told what is going on.

    Raises:
        BurnishError: A mask for several pictures or a good part, or pictures that cannot be read.
        BundleError: Not an inspector's bundle, or damaged.
    """
    began = time.monotonic()
    label = GOOD if label.strip().lower() == GOOD else label.strip()
    if mask is not None and (len(pictures) != 1 or label == GOOD):
        raise BurnishError(
            mask,
            "is a mask for a good part" if label == GOOD else f"is one mask for {len(pictures)} pictures",
            "Name the defect with --label" if label == GOOD else "Add them one by one",
        )
    old, found = load_inspector(bundle)
    meta, side = found.meta, int(found.meta["side"])
    shots = load_shots(found.path / PARTS)
    digest = hashlib.sha256(str(meta["data_hash"]).encode())
    for path in pictures:
        image = read_image(path)
        drawn = np.zeros(image.shape[:2], bool) if label == GOOD else None
        if mask is not None:
            drawn = read_mask(mask, (image.shape[0], image.shape[1]))
            drawn = drawn if drawn.any() else None  # says no more than the label does
        fitted = None if drawn is None else fit_mask(drawn, side)
        shots.append(Shot(fit(image, side), fitted, label, f"added/{path.name}"))
        for told in (image.tobytes(), label.encode(), b"" if drawn is None else drawn.tobytes()):
            digest.update(hashlib.sha256(told).digest())
    kept = meta["settings"] | {"minutes": minutes, "steps": None}
    warm = {}
    if (found.path / OTHER).exists():  # older inspectors were not dealt like this: theirs has seen all parts
        warm = {
            KEPT: {k: v.clone() for k, v in old.segmenter.state_dict().items()},
            1 - KEPT: load_file(found.path / OTHER),
        }
    recipe = choose_recipe(kept["synthesis"], split(shots)[1])
    shots = [replace(x, mask=None, weak=False) if x.weak else x for x in shots]  # guessed again, knowing more
    if "diffusion" in recipe.shares:  # learning to paint takes longer than this may
        recipe.shares["cutpaste"] = recipe.shares.pop("diffusion") + recipe.shares.get("cutpaste", 0)
    _settle(recipe, meta["synthesis"].get("way", {}), {x.label for x in shots} - {"good"})
    facts = {
        "data_hash": digest.hexdigest(),
        "name": meta["name"],
        "problems": meta["problems"],
        "licence": meta["licence"],
    }
    run = Run(Path(bundle), Settings(**kept), report, began)
    with one_core_each():
        return run.go(shots, side, facts, warm, recipe)


def _settle(recipe: Recipe, way: Mapping[str, str], labels: set[str]) -> None:
    """Keeps to what training found for each class, pasting what it painted; a class that is new takes no new
    defects where none took any."""
    if not way:
        return
    none = takes_none(way)
    recipe.way = {label: NONE for label in labels if none or way.get(label) == NONE}
    recipe.why = "As training found: " + (
        "real defects alone." if none else "new ones of the classes that gained by them."
    )

"""Making pictures without diffusion: a Gaussian in principal axes, and cut-and-paste of two training
pictures.

All make as many pictures, for the descriptions of the held-out ones, and are judged by the KID of frozen
features to the held-out pictures (lower is nearer). A training picture handed out again would win that, and
is no new picture; whether a model does so is a question of its own (`burnish prove copies`).
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from burnish.core.mmd import kid
from burnish.core.relative import relative_mmd2
from burnish.errors import BurnishError, DatasetError
from burnish.prove.baseline import Comparison, Rival, confidence_of, register
from burnish.train.features import Features
from burnish.train.pictures import Entry, Pictures, load_pictures
from burnish.verbs.load import load, media_of
from burnish.verbs.make import make

TASK = "make image"
PCA = register(
    Rival("PCA", TASK, "a Gaussian in the principal axes of the training pictures", "Turk and Pentland 1991")
)
CUTPASTE = register(
    Rival("cut and paste", TASK, "two training pictures of one class, joined along a soft seam", "textbook")
)
VARIANCE = 0.98


class Maker(Protocol):
    """Makes one picture."""

    def __call__(self, label: str, rng: np.random.Generator) -> np.ndarray:
        """uint8 (size, size, 3), of a class where the data has some."""
        ...


def fit_pca(images: Sequence[np.ndarray], labels: Sequence[str]) -> Maker:
    """Each class's mean and, of all classes together, a Gaussian around it in the leading principal axes.

    Args:
        images: uint8 (size, size, 3) each, at least two.
        labels: Class of each, "" for none.
    """
    flat = np.stack([image.reshape(-1) for image in images]).astype(np.float64)
    names = np.asarray(labels)
    centres = {name: flat[names == name].mean(0) for name in set(labels)}
    left = flat - np.stack([centres[name] for name in labels])
    _, values, axes = np.linalg.svd(left, full_matrices=False)
    share = np.cumsum(values**2) / max(float((values**2).sum()), 1e-12)
    kept = int((share < VARIANCE).sum()) + 1
    spread = values[:kept] / np.sqrt(max(1, len(images) - len(centres)))
    middle = flat.mean(0)

    def draw(label: str, rng: np.random.Generator) -> np.ndarray:
        drawn = centres.get(label, middle) + (rng.standard_normal(kept) * spread) @ axes[:kept]
        return np.clip(np.rint(drawn), 0, 255).astype(np.uint8).reshape(images[0].shape)

    return draw


def fit_cutpaste(images: Sequence[np.ndarray], labels: Sequence[str]) -> Maker:
    """Left of one picture, right of another of the class, faded into each other over an eighth of the width.

    Args:
        images: uint8 (size, size, 3) each, at least two.
        labels: Class of each, "" for none.
    """
    names = np.asarray(labels)
    width = images[0].shape[1]
    ramp = np.clip((np.arange(width) - width / 2) / (width / 8) + 0.5, 0, 1)[None, :, None]

    def draw(label: str, rng: np.random.Generator) -> np.ndarray:
        found = np.flatnonzero(names == label)
        pool = found if len(found) > 1 else np.arange(len(images))
        a, b = (images[int(i)].astype(np.float64) for i in rng.choice(pool, 2, replace=False))
        return np.rint((1 - ramp) * a + ramp * b).astype(np.uint8)

    return draw


FITS: dict[str, Callable[[Sequence[np.ndarray], Sequence[str]], Maker]] = {
    PCA.name: fit_pca,
    CUTPASTE.name: fit_cutpaste,
}


def compare_pictures(
    bundle: str | Path,
    root: str | Path,
    *,
    n: int = 128,
    steps: int = 8,
    guidance: float = 1.0,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[list[Comparison], dict[str, Any]]:
    """A model of pictures against the rivals.

    Args:
        bundle: The model's.
        root: The folder it was trained from.
        n: Pictures of each, >= 8.
        steps, guidance: Of the model.
        seed: Of all.
        progress: Called with (done, of).

    Returns:
        A comparison a rival, and facts of the run: `data_hash`, `model_hash`, `train`, `held_out`.

    Raises:
        BurnishError: Not a model of pictures, or too few asked for.
        DatasetError: Not the data it was trained from, or nothing was held out of it.
    """
    model = load(bundle)
    if media_of(model.bundle) != "image":
        raise BurnishError(bundle, f"makes {media_of(model.bundle)}s, not pictures")
    if n < 8:
        raise BurnishError(f"n = {n}", "is too few to compare distributions", "Make at least 8")
    pictures, train, held = the_split(model.bundle.meta, root)
    size = model.size
    cut = [square(image, size) for image in pictures.images]
    asked = [pictures.entries[held[i % len(held)]] for i in range(n)]
    describe = Features()
    real = describe([cut[i] for i in held])
    begin, made = time.perf_counter(), []
    for number, entry in enumerate(asked):
        said = _asked_of(model, entry)
        made += list(make(model, said, 1, steps, guidance, seed + number))
        if progress:
            progress(number + 1, n)
    ours_seconds = (time.perf_counter() - begin) / n
    ours = describe(made)
    labels = [pictures.entries[i].label for i in train]
    confidence, found = confidence_of(len(FITS)), []
    for name, fit in FITS.items():
        begin = time.perf_counter()
        draw = fit([cut[i] for i in train], labels)
        fitted = time.perf_counter()
        rng = np.random.default_rng((seed, 72))
        drawn = [draw(entry.label, rng) for entry in asked]
        seconds = (time.perf_counter() - fitted) / n
        theirs = describe(drawn)
        found.append(
            Comparison(
                name,
                TASK,
                _how(name),
                "KID to held-out pictures",
                "lower",
                kid(ours, real),
                kid(theirs, real),
                relative_mmd2(ours, theirs, real, confidence),
                confidence,
                n,
                fitted - begin,
                (ours_seconds, seconds),
            )
        )
    facts = {
        "data_hash": pictures.hash,
        "model_hash": model.bundle.hash,
        "train": len(train),
        "held_out": len(held),
        "left_out": tuple(problem.thing for problem in pictures.problems),
    }
    return found, facts


def the_split(meta: dict[str, Any], root: str | Path) -> tuple[Pictures, list[int], list[int]]:
    """The data of a bundle, and which of it the model learned from and which was held out.

    Raises:
        DatasetError: It is other data, or nothing was held out.
    """
    pictures, data = load_pictures(root, int(meta["size"])), meta["data"]
    if pictures.hash != data["hash"]:
        raise DatasetError(
            root, f"has hash {pictures.hash}, but the model learned from {data['hash']}", "Name its own data"
        )
    share = data["held_out"] / len(pictures)
    train, held = pictures.holdout(share, int(meta["training"]["seed"]))
    if len(held) < 2:
        raise DatasetError(
            root, f"had {len(held)} pictures held out", "Train with a hold-out to compare on it"
        )
    return pictures, train, held


def _asked_of(model: Any, entry: Entry) -> str:
    """What the model is told: the picture's class or its description, as far as it can be told."""
    said = entry.label or entry.caption
    try:
        model.condition(said)
    except BurnishError:
        return ""
    return said


def square(image: np.ndarray, size: int) -> np.ndarray:
    """The middle square of a picture, (size, size, 3)."""
    top, left = (image.shape[0] - size) // 2, (image.shape[1] - size) // 2
    return image[top : top + size, left : left + size]


def _how(name: str) -> str:
    rival = PCA if name == PCA.name else CUTPASTE
    return f"{rival.how} ({rival.source})"

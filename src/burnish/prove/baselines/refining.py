"""Refining pictures without diffusion: a classic filter for each way in which a picture is spoiled.

Held-out pictures are spoiled, mended by both, and compared with what they were, by PSNR; the model gives
the answer `mean`, which is the one that PSNR is about. Differences are paired by picture.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from burnish.core.stats import paired_bootstrap
from burnish.errors import BurnishError
from burnish.prove.baseline import Comparison, Rival, confidence_of, register
from burnish.prove.baselines.pictures import square, the_split
from burnish.verbs.load import load, media_of
from burnish.verbs.refine import refine

NOISE = 20.0
"""Standard deviation of the added noise, in levels of 0 to 255."""


@dataclass(frozen=True)
class Spoilt:
    """What is left of a picture: uint8 (H, W, 3), and the hole in it, bool (H, W), if there is one."""

    given: np.ndarray
    hole: np.ndarray | None = None


@dataclass(frozen=True)
class Way:
    """A way to spoil pictures, the classic filter against it, and what the model is asked.

    Attributes:
        rival: Registered; its task is `refine image: ...`.
        spoil: A picture and a generator to what is left.
        filter: What is left to a picture.
        wish: Of `verbs.refine`.
    """

    rival: Rival
    spoil: Callable[[np.ndarray, np.random.Generator], Spoilt]
    filter: Callable[[Spoilt], np.ndarray]
    wish: dict[str, Any]


def with_noise(image: np.ndarray, rng: np.random.Generator) -> Spoilt:
    """White noise of `NOISE`, the same in all channels of a gray picture."""
    gray = bool((image == image[..., :1]).all())
    noise = rng.normal(0, NOISE, (*image.shape[:2], 1 if gray else 3))
    return Spoilt(np.clip(np.rint(image + noise), 0, 255).astype(np.uint8))


def with_hole(image: np.ndarray, rng: np.random.Generator) -> Spoilt:
    """A square hole of a quarter of the side at a random place, filled with mid gray."""
    side = image.shape[0] // 4
    top, left = rng.integers(0, image.shape[0] - side + 1, 2)
    hole = np.zeros(image.shape[:2], bool)
    hole[top : top + side, left : left + side] = True
    given = image.copy()
    given[hole] = 128
    return Spoilt(given, hole)


def halved(image: np.ndarray, rng: np.random.Generator) -> Spoilt:
    """Half the sides, by means of 2 x 2."""
    h, w = (n // 2 for n in image.shape[:2])
    blocks = image[: 2 * h, : 2 * w].reshape(h, 2, w, 2, 3).astype(np.float64)
    return Spoilt(np.rint(blocks.mean((1, 3))).astype(np.uint8))


def _denoise(spoilt: Spoilt) -> np.ndarray:
    return cv2.fastNlMeansDenoisingColored(spoilt.given, None, 0.6 * NOISE, 0.6 * NOISE, 5, 15)


def _fill(spoilt: Spoilt) -> np.ndarray:
    hole = np.zeros(spoilt.given.shape[:2], np.uint8) if spoilt.hole is None else spoilt.hole.astype(np.uint8)
    return cv2.inpaint(spoilt.given, hole, 3, cv2.INPAINT_TELEA)


def _enlarge(spoilt: Spoilt) -> np.ndarray:
    height, width = spoilt.given.shape[:2]
    return cv2.resize(spoilt.given, (2 * width, 2 * height), interpolation=cv2.INTER_CUBIC)


def _rival(name: str, task: str, how: str, source: str) -> Rival:
    return register(Rival(name, f"refine image: {task}", how, source))


WAYS = (
    Way(
        _rival("non-local means", "remove noise", "patches that look alike are averaged", "Buades 2005"),
        with_noise,
        _denoise,
        {"noise": NOISE},
    ),
    Way(
        _rival("fast marching", "fill a hole", "the hole is filled from its rim inwards", "Telea 2004"),
        with_hole,
        _fill,
        {},
    ),
    Way(
        _rival("bicubic", "double the size", "cubic interpolation", "Keys 1981"),
        halved,
        _enlarge,
        {"to": 2},
    ),
)


def compare_refining(
    bundle: str | Path,
    root: str | Path,
    *,
    n: int = 32,
    steps: int = 8,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[list[Comparison], dict[str, Any]]:
    """A model of pictures as a refiner against the classic filters.

    Args:
        bundle: The model's.
        root: The folder it was trained from; the first n held-out pictures are spoiled.
        n: Pictures, >= 8; fewer where fewer were held out.
        steps: Of the model.
        seed: Of the spoiling and the model.
        progress: Called with (done, of).

    Returns:
        A comparison a way, and facts of the run: `data_hash`, `model_hash`, `held_out`.

    Raises:
        BurnishError: Not a model of pictures, or fewer than eight held-out pictures.
        DatasetError: Not the data it was trained from, or nothing was held out of it.
    """
    model = load(bundle)
    if media_of(model.bundle) != "image":
        raise BurnishError(bundle, f"makes {media_of(model.bundle)}s, not pictures")
    pictures, _, held = the_split(model.bundle.meta, root)
    chosen = [square(pictures.images[i], model.size) for i in held[:n]]
    if len(chosen) < 8:
        raise BurnishError(root, f"has {len(chosen)} held-out pictures", "At least 8 are needed")
    confidence, found, done = confidence_of(len(WAYS)), [], 0
    for way in WAYS:
        rng = np.random.default_rng((seed, 74))
        ours, theirs, spent = [], [], [0.0, 0.0]
        for number, true in enumerate(chosen):
            spoilt = way.spoil(true, rng)
            begin = time.perf_counter()
            asked = {"answer": "mean", "draws": 4, "steps": steps, "seed": seed + number, **way.wish}
            (refined,) = refine(model, spoilt.given, spoilt.hole, **asked)
            middle = time.perf_counter()
            filtered = way.filter(spoilt)
            spent[0] += middle - begin
            spent[1] += time.perf_counter() - middle
            ours.append(psnr(refined.picture.levels(), true, spoilt.hole))
            theirs.append(psnr(filtered, true, spoilt.hole))
            done += 1
            if progress:
                progress(done, len(WAYS) * len(chosen))
        interval = paired_bootstrap(ours, theirs, np.random.default_rng((seed, 75)), confidence=confidence)
        found.append(
            Comparison(
                way.rival.name,
                way.rival.task,
                f"{way.rival.how} ({way.rival.source})",
                "PSNR in dB",
                "higher",
                float(np.mean(ours)),
                float(np.mean(theirs)),
                interval,
                confidence,
                len(chosen),
                0.0,
                (spent[0] / len(chosen), spent[1] / len(chosen)),
            )
        )
    facts = {"data_hash": pictures.hash, "model_hash": model.bundle.hash, "held_out": len(held)}
    return found, facts


def psnr(image: np.ndarray, true: np.ndarray, hole: np.ndarray | None = None) -> float:
    """Peak signal to noise ratio in dB, over the hole where there is one; 60 at most."""
    away = (image[: true.shape[0], : true.shape[1]].astype(np.float64) - true) ** 2
    error = float((away if hole is None else away[hole]).mean())
    return 60.0 if error < 255**2 / 1e6 else float(10 * np.log10(255**2 / error))

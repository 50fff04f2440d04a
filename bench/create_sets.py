"""Real crops, how far they are from each other, and what a model's pictures are compared with."""

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter
from torch import Tensor

from burnish.core.mmd import kid
from burnish.train import augment
from burnish.train.features import Features
from burnish.train.pictures import Pictures, load_pictures

SIDE = 64
CROPS = 500
BLUR = 0.5
NOISE = 0.02
TILES, PAPER = "magnetic_tile", "paper_pa_gla01_tl"


@dataclass(frozen=True)
class Real:
    """Good training parts of a set: features of random crops, and the KID of others treated in some ways."""

    pictures: Pictures
    features: Tensor
    distances: dict[str, float]


@cache
def features() -> Features:
    """One for the process."""
    return Features()


def data(*parts: str) -> Path:
    """A folder of the real data that `BURNISH_DATA` names."""
    return Path(os.environ["BURNISH_DATA"]).joinpath(*parts)


@cache
def real(name: str) -> Real:
    """The crops of a set; KID of other crops as they are, blurred by `BLUR` px, and with `NOISE` of full
    scale."""
    pictures = load_pictures(data("inspection", name), SIDE)
    rng = np.random.default_rng(0)
    goods = [k for k, entry in enumerate(pictures.entries) if entry.label in ("good", "")]
    first, second = crops(pictures, goods, CROPS, rng), crops(pictures, goods, CROPS, rng)
    blurred = np.stack([gaussian_filter(c.astype(float), (BLUR, BLUR, 0)) for c in second])
    noisy = second + rng.normal(0, NOISE * 255, (*second.shape[:3], 1))
    ways = {"as they are": second, "blurred": rounded(blurred), "noisy": rounded(noisy)}
    reference = features()(first)
    return Real(pictures, reference, {way: kid(features()(c), reference) for way, c in ways.items()})


def crops(pictures: Pictures, among: list[int], count: int, rng: np.random.Generator) -> np.ndarray:
    """Random square crops, uint8 (count, SIDE, SIDE, 3)."""
    chosen = rng.choice(among, count)
    return np.stack([augment.square(pictures.images[k], SIDE, rng) for k in chosen])


def rounded(levels: np.ndarray) -> np.ndarray:
    """Levels as uint8."""
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)

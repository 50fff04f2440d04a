"""Drawings of 32 px of which no two are alike, and a model that is trained on them for seconds."""

from pathlib import Path

import numpy as np

from burnish.media.image import write_png
from burnish.prove.canaries import plant
from burnish.train.budget import Budget
from burnish.train.diffusion import train

TINY = {"patch": 2, "widths": (32, 32), "depths": (1, 1), "told": 32, "lesson": {"batch_size": 8}}


def drawing(rng: np.random.Generator) -> np.ndarray:
    """Four rectangles on a ground, uint8 (32, 32, 3)."""
    image = np.empty((32, 32, 3), np.uint8)
    image[:] = rng.integers(0, 256, 3)
    for _ in range(4):
        (y, x), (h, w) = rng.integers(0, 24, 2), rng.integers(5, 20, 2)
        image[y : y + h, x : x + w] = rng.integers(0, 256, 3)
    return image


def train_planted(folder: Path, times: int = 200, controls: int = 19) -> None:
    """Trains on 40 drawings once and on one many times, others kept out; writes `data` and `model`."""
    rng = np.random.default_rng(0)
    for k in range(60):
        write_png(folder / "drawings" / f"{k}.png", drawing(rng))
    plant(folder / "drawings", folder / "data", size=32, times=times, controls=controls)
    train(folder / "data", folder / "model", Budget(steps=650), size=32, augmented=False, hold=0.0, **TINY)

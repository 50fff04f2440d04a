"""Fitting an outline (`core.outline`) to training pictures; what comes out chooses where walks begin."""

import numpy as np
import torch

from burnish.core.centred import Centred
from burnish.core.mmd import kid
from burnish.core.outline import Outline, begin
from burnish.core.process import seeded
from burnish.core.sample import sample
from burnish.core.schedule import SHIFT, grid
from burnish.train.features import Features
from burnish.train.lesson import Lesson

STARTS = (0.7, 0.6, 0.5, 0.4, 0.3)
"""Times that are tried."""
LEAST = 100
"""Updates below which a network's pictures say nothing yet."""
CROPS, REAL, MADE, STEPS = 1000, 400, 64, 8
"""Training crops of the outline and to compare with, pictures made at each time, and their steps."""


@torch.no_grad()
def choose_outline(model: torch.nn.Module, lesson: Lesson, updates: int, seed: int) -> Outline | None:
    """The outline at the time whose pictures are nearest to training crops by KID (arXiv:1801.01401), or None
    where walks from noise do as well.

    Args:
        model: The trained denoiser.
        lesson: What it was trained on.
        updates: It has had.
        seed: Of crops and noise.
    """
    config = lesson.config
    if updates < LEAST or config.paces or config.text:
        return None  # tuned to begin at noise, or told a description that the outline would not know
    codes, labels = _crops(model, lesson, CROPS, seed)
    outline = Outline.of(codes, labels, config.classes).to(lesson.device)
    features = Features()
    real = features(lesson.codec.decode(_crops(None, lesson, REAL, seed + 1)[0].numpy()))
    found: dict[float, float] = {}
    for start in (1.0, *STARTS):
        outline.start = start
        made = sample_codes(model, lesson, MADE, seed + 2, STEPS, outline if start < 1 else None)
        found[start] = kid(features(lesson.codec.decode(made.numpy())), real)
    outline.start = min(found, key=lambda start: found[start])
    return outline if outline.start < 1 else None


def _crops(
    model: torch.nn.Module | None, lesson: Lesson, count: int, seed: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Codes of random crops of training pictures and their classes, less what words tell of each where the
    model knows it."""
    rng = np.random.default_rng((seed, 15))
    chosen = [int(index) for index in rng.choice(lesson.train, count)]
    codes, condition = lesson.cut(chosen, rng)
    if isinstance(model, Centred):
        codes = codes - model.mean(condition, count)
    return codes.cpu(), lesson.labels[chosen]


@torch.no_grad()
def sample_codes(
    model: torch.nn.Module,
    lesson: Lesson,
    count: int,
    seed: int,
    steps: int,
    outline: Outline | None = None,
) -> torch.Tensor:
    """Codes of samples under the conditions of random training pictures, (count, C, size, size)."""
    said = np.random.default_rng((seed, 11)).choice(lesson.train, count)
    condition = lesson.condition_of([int(index) for index in said]).to(lesson.device)
    side = lesson.pictures.size // lesson.codec.factor
    shape = (lesson.codec.channels, side, side)
    made = []
    for first in range(0, count, 16):
        rngs = [seeded(seed, 11, index) for index in range(first, min(first + 16, count))]
        told = condition[slice(first, first + 16)]
        noise = lesson.process.prior((len(rngs), *shape), rngs).to(lesson.device)
        x, start = begin(outline, model, noise, told)
        times = grid(steps, start, SHIFT)
        walked = sample(model, lesson.process, x, times, condition=told, start_t=start, corrupted=True)
        made.append(walked.cpu())
    return torch.cat(made)

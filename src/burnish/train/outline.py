"""Fitting an outline (`core.outline`) to training pictures; what comes out chooses where walks begin."""

from collections.abc import Callable

import numpy as np
import torch

from burnish.core.centred import Centred
from burnish.core.mmd import kid
from burnish.core.outline import Outline, begin
from burnish.core.process import seeded
from burnish.core.sample import sample
from burnish.core.schedule import PACES, SHIFT, grid
from burnish.train.features import Features
from burnish.train.lesson import Lesson

STARTS = (1.0, 0.6, 0.5, 0.4, 0.3, 0.2)
"""Times that are tried."""
LEAST = 100
"""Updates below which a network's pictures say nothing yet."""
CROPS, REAL, MADE = 1000, 400, 64
"""Training crops of the outline and to compare with, and pictures made at each time."""
LONG = 12
"""Walks of more steps than this cost the most: they are tried with half of the pictures, and from noise and
the best times of shorter ones only."""


def choose_starts(outline: Outline, distance: Callable[[int, bool], float]) -> Outline | None:
    """The outline with the best time for each of `schedule.PACES`; None where walks from noise do as well.

    Args:
        outline: Gets its `starts`.
        distance: From (steps, whether to be content with half as many samples) to how far samples of walks
            that begin at the outline are from data.
    """
    starts: dict[int, float] = {}

    def far(start: float, steps: int) -> float:
        outline.starts = (start,) * len(PACES)
        return distance(steps, steps > LONG)

    for steps in sorted(PACES):
        tried = sorted({1.0, *starts.values()}, reverse=True) if steps > LONG else STARTS
        starts[steps] = min(tried, key=lambda start, n=steps: far(start, n))
    outline.starts = tuple(starts[steps] for steps in PACES)
    return outline if min(outline.starts) < 1 else None


@torch.no_grad()
def choose_outline(model: torch.nn.Module, lesson: Lesson, updates: int, seed: int) -> Outline | None:
    """The outline with the times whose pictures are nearest to training crops by KID (arXiv:1801.01401), or
    None where walks from noise do as well.

    Args:
        model: The trained denoiser.
        lesson: What it was trained on.
        updates: It has had.
        seed: Of crops and noise.
    """
    config = lesson.config
    described = config.text or (config.buckets and not isinstance(model, Centred))
    if updates < LEAST or config.paces or described:
        return None  # tuned to begin at noise, or told a description that the outline would not know
    codes, labels = _crops(model, lesson, CROPS, seed)
    outline = Outline.of(codes, labels, config.classes).to(lesson.device)
    features = Features()
    real = features(lesson.codec.decode(_crops(None, lesson, REAL, seed + 1)[0].numpy()))

    def distance(steps: int, half: bool) -> float:
        codes = sample_codes(model, lesson, MADE // 2 if half else MADE, seed + 2, steps, outline)
        return kid(features(lesson.codec.decode(codes.numpy())), real)

    return choose_starts(outline, distance)


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
        start = outline.start(steps) if outline else 1.0
        x = begin(outline, model, noise, start, told)
        times = grid(steps, start, SHIFT)
        walked = sample(model, lesson.process, x, times, condition=told, start_t=start, corrupted=True)
        made.append(walked.cpu())
    return torch.cat(made)

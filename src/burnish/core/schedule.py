"""Which times are walked, and which are trained."""

import torch
from torch import Tensor

from burnish.errors import BurnishError

SHIFT = 2.0
"""A good shift for pictures: 8 steps of AB2 come within 0.04 (rms, of unit variance) of the path's end on a
tile model,
against 0.11 for even steps and 0.12 for Euler's at the same shift."""

PRESETS = {"draft": 2, "standard": 8, "fine": 24}
"""Steps by the name a command line knows."""

PACES = (24, 8, 2)
"""Steps that a model can be tuned for; a pace is a place in this list. Pace 0 is the untuned model."""


def steps_of(preset: str, steps: int | None = None) -> int:
    """The number of steps: `steps` itself where it is given, else that of a preset.

    Raises:
        BurnishError: No such preset.
    """
    if steps is not None:
        return steps
    if preset not in PRESETS:
        raise BurnishError(f"preset {preset!r}", "is unknown", f"Known: {', '.join(PRESETS)}")
    return PRESETS[preset]


def pace_of(steps: int) -> int:
    """The pace that suits a number of steps: 2 up to 3 steps, 1 up to 11, else 0."""
    return 2 if steps <= 3 else 1 if steps <= 11 else 0


def grid(steps: int, start: float = 1.0, shift: float = 1.0) -> Tensor:
    """Times from `start` down to 0, (steps + 1,), float64.

    Args:
        steps: Number of steps, >= 1.
        start: First time, in (0, 1].
        shift: > 1 spends more steps at high noise, t -> shift t / (1 + (shift - 1) t) (SD3, arXiv:2403.03206,
            equation 23); 1 is even.

    Raises:
        ValueError: A value out of its range.
    """
    if steps < 1 or not 0 < start <= 1 or shift <= 0:
        raise ValueError(f"need steps >= 1, 0 < start <= 1, shift > 0; got {steps}, {start}, {shift}")
    return start * shifted(torch.linspace(1, 0, steps + 1, dtype=torch.float64), shift)


def shifted(t: Tensor, shift: Tensor | float) -> Tensor:
    """Times moved to where noise is `shift` times as strong, sigma = t / (1 - t) -> shift sigma (*)."""
    return shift * t / (1 + (shift - 1) * t)


def training_times(
    batch: int, rng: torch.Generator, centre: float = -0.4, width: float = 1.3, uniform: float = 0.15
) -> Tensor:
    """Stratified random times in (0, 1) for training, (batch,).

    logit t is normal (SD3, arXiv:2403.03206; on data of unit variance it is EDM's log-normal sigma), mixed
    with a share of uniform times so that both ends are trained. One time falls in each of `batch` equal
    quantiles, which lowers the loss's variance.

    Args:
        batch: How many.
        rng: Source of randomness.
        centre: Mean of logit t; EDM's default for unit variance is -0.5.
        width: Standard deviation of logit t.
        uniform: Share of uniform times, in [0, 1].
    """
    strata = torch.rand(batch, generator=rng).add(torch.randperm(batch, generator=rng)).div(batch)
    strata = strata.clamp(1e-4, 1 - 1e-4)
    logit_normal = torch.sigmoid(centre + width * torch.special.ndtri(strata))
    chosen = torch.rand(batch, generator=rng) < uniform
    return torch.where(chosen, strata, logit_normal).clamp(1e-3, 1 - 1e-4)

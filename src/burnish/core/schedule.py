"""Which times are walked, and which are trained."""

import torch
from torch import Tensor

SHIFT = 2.0
"""A good shift for pictures: 8 steps of AB2 come within 0.04 (rms, of unit variance) of the path's end on a
tile model,
against 0.11 for even steps and 0.12 for Euler's at the same shift."""


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
    even = torch.linspace(1, 0, steps + 1, dtype=torch.float64)
    return start * shift * even / (1 + (shift - 1) * even)


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

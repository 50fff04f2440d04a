"""Random known places, so that a model learns to fill in: what is known has t = 0 and keeps its value.

A model that never saw a picture with parts at t = 0 does not know that they can be trusted; put back at each
step, they then disagree with what grows beside them (the seams that RePaint, arXiv:2201.09865, resamples
away). Learned holes make the fill agree in one walk (as in Palette, arXiv:2111.05826), and the answer at
t = 1 is the mean of what may stand there.
"""

import math

import torch
from torch import Tensor


def draw_known(batch: int, height: int, width: int, rng: torch.Generator, inverted: float = 0.25) -> Tensor:
    """Masks of known places, bool (batch, 1, height, width), each with some pixel unknown.

    A hole is a turned rectangle or ellipse whose two half axes are log-uniform between 1 pixel and 0.7 of the
    picture's shorter side: spots, scratches and large pieces. A share is inverted, the known piece lying
    inside, as when a picture is extended.

    Args:
        batch, height, width: Of the masks.
        rng: Source of randomness.
        inverted: Share of masks that are inverted, in [0, 1].
    """
    u = torch.rand(batch, 7, generator=rng)
    rows = torch.arange(height) + 0.5 - (u[:, 0] * height)[:, None]
    columns = torch.arange(width) + 0.5 - (u[:, 1] * width)[:, None]
    turned = u[:, 2, None, None] * math.pi
    along = rows[:, :, None] * turned.cos() + columns[:, None, :] * turned.sin()
    across = columns[:, None, :] * turned.cos() - rows[:, :, None] * turned.sin()
    axes = (0.7 * min(height, width)) ** u[:, 3:5]
    along, across = (along / axes[:, 0, None, None]).abs(), (across / axes[:, 1, None, None]).abs()
    inside = torch.where(
        (u[:, 5] < 0.5)[:, None, None], torch.maximum(along, across), (along.square() + across.square())
    )
    known = (inside > 1) ^ (u[:, 6] < inverted)[:, None, None]
    known &= ~known.flatten(1).all(1)[:, None, None]
    return known[:, None]

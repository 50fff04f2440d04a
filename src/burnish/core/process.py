"""What a corruption process must offer, and seeded noise."""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from burnish.core.posterior import Posterior

Rng = torch.Generator | Sequence[torch.Generator] | None
"""One generator for a batch, one for each sample (so a sample does not depend on its neighbours), or torch's
own.
"""


class Process(Protocol):
    """Clean data at t = 0 becomes the prior at t = 1. Times are in [0, 1], of shape (B,) or (B, L)."""

    def prior(self, shape: Sequence[int], rng: Rng = None) -> Tensor:
        """Samples of the corrupted end, t = 1, of the given shape (B, *)."""
        ...

    def corrupt(self, x_0: Tensor, t: Tensor, rng: Rng = None) -> Tensor:
        """Samples of x_t given x_0, (B, *)."""
        ...

    def loss(self, posterior: Posterior, x_0: Tensor, x_t: Tensor, t: Tensor) -> Tensor:
        """The training loss of each sample, (B,)."""
        ...

    def step(self, x_t: Tensor, posterior: Posterior, t: Tensor, s: Tensor, rng: Rng = None) -> Tensor:
        """From time t to s < t, (B, *)."""
        ...

    def slope(self, x_t: Tensor, posterior: Posterior, t: Tensor) -> Tensor:
        """dx/dt of the deterministic path through x_t, (B, *), for solvers of higher order; t > 0."""
        ...


def normal(shape: Sequence[int], rng: Rng = None, device: torch.device | str | None = None) -> Tensor:
    """Standard normal noise, drawn on the CPU so that a seed means the same on every device.

    Args:
        shape: (B, *).
        rng: One generator, or B of them: then sample k depends on generator k alone.
        device: Where the noise is moved.

    Raises:
        ValueError: The number of generators differs from B.
    """
    if rng is None or isinstance(rng, torch.Generator):
        return torch.randn(tuple(shape), generator=rng).to(device)
    if len(rng) != shape[0]:
        raise ValueError(f"got {len(rng)} generators for a batch of {shape[0]}; give one, or one a sample")
    return torch.stack([torch.randn(tuple(shape[1:]), generator=one) for one in rng]).to(device)


def seeded(seed: int, *more: int) -> torch.Generator:
    """A CPU generator for a seed and a path of counters (sample 7 of seed 3: `seeded(3, 7)`), well mixed.

    The numbers are hashed by the SplitMix64 finaliser (Steele et al., OOPSLA 2014), so neighbours are
    unrelated.
    """
    state, mask = 0, (1 << 64) - 1
    for number in (seed, *more):
        state = (state + (number & mask) + 0x9E3779B97F4A7C15) & mask
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & mask
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & mask
        state ^= state >> 31
    return torch.Generator().manual_seed(state & ((1 << 63) - 1))

"""Guidance: a denoiser that wraps a denoiser."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from burnish.core.posterior import Denoiser, Posterior


class Guided:
    """Classifier-free guidance on the posterior mean, m = m_without + scale (m_with - m_without).

    On a linear path the mean, noise and velocity are affine in one another, so this is guidance in any of
    them (arXiv:2207.12598). Outside (low, high] the wrapped denoiser answers alone (limited interval,
    arXiv:2404.07724).

    Args:
        denoiser: The denoiser to guide.
        scale: 1 is no guidance; above 1 follows the condition harder.
        without: Turns a condition into the one to be led away from, such as `Condition.without`.
        low, high: Times between which guidance acts.
        weak: The denoiser asked with the condition removed; None for the same one. A worse one gives
            autoguidance (arXiv:2406.02507).
    """

    def __init__(
        self,
        denoiser: Denoiser,
        scale: float,
        without: Callable[[Any], Any],
        low: float = 0.0,
        high: float = 1.0,
        weak: Denoiser | None = None,
    ) -> None:
        self.denoiser, self.scale, self.without = denoiser, scale, without
        self.low, self.high, self.weak = low, high, weak or denoiser

    def __call__(self, x_t: Tensor, t: Tensor, condition: Any = None) -> Posterior:
        """The guided posterior mean, (B, *); arguments as of the wrapped denoiser."""
        with_it = self.denoiser(x_t, t, condition)
        now = float(t.max())
        if self.scale == 1 or not self.low < now <= self.high:
            return with_it
        without_it = self.weak(x_t, t, self.without(condition))
        return Posterior(torch.lerp(without_it.mean, with_it.mean, self.scale))

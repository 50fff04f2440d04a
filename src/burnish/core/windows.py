"""A denoiser of large things out of a denoiser of small ones: overlapping windows that are denoised jointly.

At each step every window of x_t is denoised and the clean means are averaged where windows overlap, the walk
itself running on the whole (MultiDiffusion, arXiv:2302.08113, on the mean instead of the next x). Windows so
agree at every step, and no seam is left to hide at the end. A window counts most in its middle (a Hann
window), where it knows most of its surroundings.
"""

from typing import Any

import torch
from torch import Tensor

from burnish.core.gaussian import spread
from burnish.core.posterior import Denoiser, Posterior


class Windowed:
    """Wraps a denoiser of (B, C, size, size) as one of (B, C, H, W), H and W at least `size`.

    Windows of which all is known (t = 0) are not asked, so a small hole in a large picture costs little.

    Args:
        denoiser: The denoiser; a condition is given to each window, so it must take an index (or be None).
        size: Side of a window.
        overlap: Least overlap of neighbours, in [0, size).
        batch: Most windows asked at once.

    Raises:
        ValueError: An overlap out of its range.
    """

    def __init__(self, denoiser: Denoiser, size: int, overlap: int | None = None, batch: int = 32) -> None:
        self.denoiser, self.size, self.batch = denoiser, size, batch
        self.overlap = size // 2 if overlap is None else overlap
        if not 0 <= self.overlap < size:
            raise ValueError(f"overlap {self.overlap} must be within 0 and {size - 1}")

    def __call__(self, x_t: Tensor, t: Tensor, condition: Any = None) -> Posterior:
        """The posterior mean, (B, C, H, W).

        Args:
            x_t: (B, C, H, W).
            t: (B,), or (B, 1, H, W) with 0 where a pixel is known.
            condition: Of the batch, or None.

        Raises:
            ValueError: A side shorter than a window.
        """
        count, _, height, width = x_t.shape
        if min(height, width) < self.size:
            raise ValueError(f"{height} x {width} is smaller than a window of {self.size}; pad it first")
        if (height, width) == (self.size, self.size):
            return self.denoiser(x_t, t, condition)
        times = t if t.ndim == 1 else spread(t, x_t)
        asked = [
            (sample, row, column)
            for sample in range(count)
            for row in starts(height, self.size, self.overlap)
            for column in starts(width, self.size, self.overlap)
            if t.ndim == 1 or bool((self._cut(times[sample], row, column) > 0).any())
        ]
        bell = hann(self.size).to(x_t)
        weight = bell[:, None] * bell
        total, weights = torch.zeros_like(x_t), torch.zeros_like(x_t[:, :1])
        for start in range(0, len(asked), self.batch):
            some = asked[start : start + self.batch]
            cut = torch.stack([self._cut(x_t[k], row, column) for k, row, column in some])
            which = torch.tensor([k for k, _, _ in some], device=x_t.device)
            when = (
                times[which]
                if t.ndim == 1
                else torch.stack([self._cut(times[k], row, column) for k, row, column in some])
            )
            told = None if condition is None else condition[which]
            for (k, row, column), mean in zip(some, self.denoiser(cut, when, told).mean, strict=True):
                self._cut(total[k], row, column).add_(weight * mean)
                self._cut(weights[k], row, column).add_(weight)
        return Posterior(torch.where(weights > 0, total / weights.clamp_min(1e-12), x_t))

    def _cut(self, whole: Tensor, row: int, column: int) -> Tensor:
        """The window of (C, H, W) at a place, a view."""
        return whole[:, row : row + self.size, column : column + self.size]


def starts(length: int, size: int, overlap: int) -> list[int]:
    """Evenly spread first places of windows of `size` that cover `length` >= `size` and overlap enough."""
    count = 1 if length <= size else -(-(length - overlap) // (size - overlap))
    return [round(k * (length - size) / max(1, count - 1)) for k in range(count)]


def hann(size: int) -> Tensor:
    """A bell over a window's places, above 0 at its ends, (size,)."""
    return torch.sin(torch.pi * (torch.arange(size) + 0.5) / size).square() + 1e-3

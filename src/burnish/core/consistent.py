r"""A denoiser that keeps to what was measured: the clean mean corrected by known coarse content.

Let y = A x_0 be known. Any mean m becomes one that agrees with it by

    m' = m + A^+ (y - A m),        A m' = y,

which leaves alone what A does not see (DDNM, arXiv:2212.00490). Here A is the mean over blocks of k x k
pixels, what a camera with pixels k times as large would have seen, and A^+ repeats a value over its block.
With the corrected mean as the answer every solver walks towards a thing that shrinks to y.
"""

from typing import Any

import torch.nn.functional as F
from torch import Tensor

from burnish.core.posterior import Denoiser, Posterior


class Consistent:
    """Wraps a denoiser so that the block means of its answers are those given.

    Args:
        denoiser: The denoiser to correct.
        coarse: y, (B or 1, C, H / factor, W / factor).
        factor: k, at least 1.
    """

    def __init__(self, denoiser: Denoiser, coarse: Tensor, factor: int) -> None:
        self.denoiser, self.coarse, self.factor = denoiser, coarse, factor

    def __call__(self, x_t: Tensor, t: Tensor, condition: Any = None) -> Posterior:
        """The corrected mean, (B, C, H, W); arguments as of the wrapped denoiser."""
        return Posterior(self.correct(self.denoiser(x_t, t, condition).mean))

    def correct(self, x: Tensor) -> Tensor:
        """x with its block means brought to y, (B, C, H, W)."""
        missing = self.coarse.to(x) - F.avg_pool2d(x, self.factor)
        return x + F.interpolate(missing, scale_factor=self.factor, mode="nearest")

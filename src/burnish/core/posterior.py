"""What a denoiser answers: the clean-data posterior, the common currency of every process, solver and verb.

A denoiser is any callable `denoiser(x_t, t, condition) -> Posterior`. It never answers in noise or velocity;
a process turns the posterior into those where a solver needs them.
"""

from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor


@dataclass(frozen=True)
class Posterior:
    """The posterior over clean data given a corrupted sample, by its mean.

    Args:
        mean: E[x_0 | x_t], shaped as `x_t`, (B, *). For categorical data a process reads it as probabilities.
    """

    mean: Tensor


class Denoiser(Protocol):
    """A corrupted thing in, a belief about the clean one out."""

    def __call__(self, x_t: Tensor, t: Tensor, condition: Any = None) -> Posterior:
        """The posterior of the clean data.

        Args:
            x_t: Corrupted samples, (B, *).
            t: Times in [0, 1], (B,) or (B, L), see `core.gaussian.spread`; 0 marks what is known.
            condition: Whatever this denoiser understands; None for nothing.
        """
        ...

"""What a denoiser answers: the clean-data posterior, the common currency of every process, solver and verb.

A denoiser is any callable `denoiser(x_t, t, condition) -> Posterior`. It never answers in noise or velocity;
a process turns the posterior into those where a solver needs them.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor


@dataclass(frozen=True)
class Posterior:
    """The posterior over clean data given a corrupted sample, by its mean.

    Args:
        mean: E[x_0 | x_t], shaped as `x_t`, (B, *).
    """

    mean: Tensor


class Categorical(Posterior):
    """The posterior over clean tokens, each on its own: p(x_0[i] = v | x_t).

    Args:
        logits: (B, L, V); -inf where a token cannot be. Any constant along V changes nothing.
    """

    def __init__(self, logits: Tensor) -> None:
        object.__setattr__(self, "logits", logits)

    logits: Tensor

    @property
    def mean(self) -> Tensor:  # type: ignore[override]
        """The likeliest token of each place, int64 (B, L): what stands for a mean where there is none."""
        return self.logits.argmax(-1)

    @property
    def log_probabilities(self) -> Tensor:
        """log p, (B, L, V), in nats."""
        return self.logits.log_softmax(-1)

    def log_likelihood(self, tokens: Tensor) -> Tensor:
        """log p of given tokens, (B, L), in nats.

        Args:
            tokens: int64 (B, L).
        """
        return self.log_probabilities.gather(-1, tokens[..., None])[..., 0]


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


def draw(probabilities: Tensor, uniform: Tensor) -> Tensor:
    """Tokens drawn by inverting the distribution function in float64, (*).

    In float32, a Gumbel maximum cannot reach the tails of its noise, which sharpens the distribution
    without a word (arXiv:2409.02908); here nothing is truncated and the same `uniform` gives the same token
    everywhere.

    Args:
        probabilities: (*, V), not negative, of any scale above 0.
        uniform: In [0, 1), float64 (*).
    """
    heights = probabilities.double().cumsum(-1)
    wanted = uniform.double()[..., None] * heights[..., -1:]
    return torch.searchsorted(heights, wanted, right=True)[..., 0].clamp(max=probabilities.shape[-1] - 1)

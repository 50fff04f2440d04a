r"""Gaussian corruption on the straight path (flow matching), and the preconditioning that goes with it.

The path joins clean data to noise, eps ~ N(0, I) (arXiv:2210.02747, 2209.03003):

    x_t = (1 - t) x_0 + t eps,          t in [0, 1].

Its velocity is E[eps - x_0 | x_t]. With the posterior mean m = E[x_0 | x_t] and eps = (x_t - (1 - t) x_0) /
t,

    dx/dt = (x_t - m) / t,              x_s = (s / t) x_t + (1 - s / t) m   (one Euler step from t to s).

**Preconditioning** (EDM, arXiv:2206.00364, section 5, transposed to this path). The denoiser is

    D(x_t, t) = c_skip(t) x_t + c_out(t) F(c_in(t) x_t, t)

for a network F. Let x_0 have mean 0 and standard deviation d in each coordinate, so that
Var x_t = v(t) = (1 - t)^2 d^2 + t^2. Unit variance at the network's input asks

    c_in = 1 / sqrt(v).

The part of x_0 that F must supply, x_0 - c_skip x_t, is smallest when c_skip is the regression coefficient
Cov(x_0, x_t) / Var x_t:

    c_skip = (1 - t) d^2 / v,

what is left has variance d^2 - c_skip (1 - t) d^2 = d^2 t^2 / v, and unit variance of F's target asks

    c_out = d t / sqrt(v).

At t = 0, c_skip = 1 and c_out = 0: what is known comes back untouched. At t = 1, c_skip = 0 and c_out = d.
With sigma = t / (1 - t) and y = x_t / (1 - t) these are EDM's own coefficients. For data that is exactly
N(0, d^2) the posterior mean is c_skip x_t, so F = 0 is exact. The loss divides by c_out^2: it is the plain
squared error of F.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from burnish.core.posterior import Posterior
from burnish.core.process import Rng, normal


def spread(t: Tensor, x: Tensor) -> Tensor:
    """Times in a shape that broadcasts over x.

    Args:
        t: (B,) one time a sample; (B, L) one a token: x is (B, L, D), or (B, C, H, W) whose L square patches
            are counted row by row; or already of x's rank, such as (B, 1, H, W).
        x: (B, *).

    Raises:
        ValueError: L square patches do not tile H x W.
    """
    if t.ndim == x.ndim:
        return t
    if t.ndim == 1:
        return t.reshape(-1, *[1] * (x.ndim - 1))
    if x.ndim == 3:
        return t.unsqueeze(-1)
    height, width = x.shape[-2:]
    side = round((height * width / t.shape[1]) ** 0.5)
    if not side or height % side or width % side or (height // side) * (width // side) != t.shape[1]:
        raise ValueError(f"{t.shape[1]} times do not tile {height} x {width} pixels in square patches")
    grid = t.reshape(-1, 1, height // side, width // side)
    return grid.repeat_interleave(side, -2).repeat_interleave(side, -1)


def coefficients(t: Tensor, deviation: float) -> tuple[Tensor, Tensor, Tensor]:
    """(c_skip, c_out, c_in) at times t, each shaped as t; see the module's derivation."""
    root = ((1 - t) ** 2 * deviation**2 + t**2).sqrt()
    return (1 - t) * deviation**2 / root**2, deviation * t / root, 1 / root


class StraightPath:
    """The Gaussian process x_t = (1 - t) x_0 + t eps.

    Args:
        deviation: Standard deviation of the clean data (mean 0), used by the loss's weight.
    """

    def __init__(self, deviation: float = 1.0) -> None:
        self.deviation = deviation

    def prior(self, shape: Sequence[int], rng: Rng = None) -> Tensor:
        """N(0, I), of shape (B, *)."""
        return normal(shape, rng)

    def corrupt(self, x_0: Tensor, t: Tensor, rng: Rng = None) -> Tensor:
        """x_t = (1 - t) x_0 + t eps, (B, *); where t = 0 it is x_0 itself."""
        t = spread(t, x_0)
        return (1 - t) * x_0 + t * normal(x_0.shape, rng, x_0.device)

    def loss(
        self, posterior: Posterior, x_0: Tensor, x_t: Tensor, t: Tensor, weight: Tensor | None = None
    ) -> Tensor:
        """Mean of |m - x_0|^2 / c_out^2 over what is unknown (t > 0), for each sample, (B,).

        It is the squared error of the network F, near 1 for a network that knows only the data's variance.

        Args:
            posterior: The denoiser's answer; `mean` is (B, *).
            x_0: Clean data, (B, *).
            x_t: Unused here; a process with another loss may need it.
            t: Times, see `spread`.
            weight: Relative weights, broadcast over x_0; None for equal ones.
        """
        t = spread(t, x_0)
        c_out = coefficients(t, self.deviation)[1]
        error = ((posterior.mean - x_0) / c_out.clamp_min(1e-4)).square()
        counts = ((t > 0) if weight is None else (t > 0) * weight).expand_as(error).to(error.dtype)
        axes = tuple(range(1, x_0.ndim))
        return (error * counts).sum(axes) / counts.sum(axes).clamp_min(1e-9)

    def slope(self, x_t: Tensor, posterior: Posterior, t: Tensor) -> Tensor:
        """The velocity dx/dt = (x_t - m) / t, (B, *); 0 where t = 0, for what is known stays."""
        t = spread(t, x_t)
        return torch.where(t > 0, (x_t - posterior.mean) / t.clamp_min(1e-6), 0.0)

    def step(self, x_t: Tensor, posterior: Posterior, t: Tensor, s: Tensor, rng: Rng = None) -> Tensor:
        """One Euler (DDIM) step from t to s, (B, *); deterministic, so `rng` is not used."""
        t, s = spread(t, x_t), spread(s, x_t)
        ratio = torch.where(t > 0, s / t.clamp_min(1e-6), 1.0)
        return ratio * x_t + (1 - ratio) * posterior.mean


class Preconditioned(nn.Module):
    """A denoiser made of a network, D = c_skip x_t + c_out F(c_in x_t, t); see the module's derivation.

    Args:
        net: F: called as `net(x, t, condition)`, answers in the shape of x.
        deviation: Standard deviation of the clean data, whose mean must be 0.
    """

    def __init__(self, net: nn.Module, deviation: float = 1.0) -> None:
        super().__init__()
        self.net = net
        self.deviation = deviation

    def forward(self, x_t: Tensor, t: Tensor, condition: Any = None) -> Posterior:
        """The posterior mean, (B, *); where t = 0 it is x_t itself.

        Args:
            x_t: Corrupted samples, (B, *).
            t: Times, see `spread`.
            condition: Passed on to the network.
        """
        t = t if t.ndim == 1 else spread(t, x_t)
        c_skip, c_out, c_in = (spread(c, x_t) for c in coefficients(t, self.deviation))
        return Posterior(c_skip * x_t + c_out * self.net(c_in * x_t, t, condition).to(x_t.dtype))

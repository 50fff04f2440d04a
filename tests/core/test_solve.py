"""Orders of convergence on a Gaussian, whose path is known in closed form.

For x_0 ~ N(0, d^2) the posterior mean is c_skip(t) x_t and the deterministic path scales with the standard
deviation: x_s = x_t sqrt(v(s) / v(t)), v(t) = (1 - t)^2 d^2 + t^2.
"""

import math

import pytest
import torch

from burnish.core.gaussian import StraightPath, coefficients, spread
from burnish.core.posterior import Posterior
from burnish.core.sample import sample
from burnish.core.schedule import grid
from burnish.core.solve import SOLVERS

DEVIATION = 0.5


class Gaussian:
    """The exact denoiser of N(0, DEVIATION^2); counts its calls."""

    def __init__(self):
        self.calls = 0

    def __call__(self, x_t, t, condition=None):
        self.calls += 1
        return Posterior(spread(coefficients(t, DEVIATION)[0], x_t) * x_t)


class Double(StraightPath):
    """Starts from a given point in double precision."""

    def prior(self, shape, rng=None):
        return torch.ones(*shape, dtype=torch.float64)


def error(name: str, steps: int, shift: float = 1.0) -> float:
    """Distance from the exact end, DEVIATION, of the path from x_1 = 1."""
    end = sample(Gaussian(), Double(DEVIATION), (1, 1), grid(steps, shift=shift), SOLVERS[name])
    return abs(float(end) - DEVIATION)


@pytest.mark.parametrize(("name", "order"), [("euler", 1), ("heun", 2), ("ab2", 2)])
@pytest.mark.parametrize("shift", [0.5, 1.5])
def test_order_of_convergence(name, order, shift):
    """Doubling the steps divides the error by 2^order, within a twentieth of an order."""
    observed = math.log2(error(name, 256, shift) / error(name, 512, shift))
    assert observed == pytest.approx(order, abs=0.05)


@pytest.mark.parametrize(("name", "calls"), [("euler", 8), ("heun", 15), ("ab2", 8)])
def test_calls_of_the_denoiser(name, calls):
    denoiser = Gaussian()
    sample(denoiser, Double(DEVIATION), (1, 1), 8, SOLVERS[name])
    assert denoiser.calls == calls


def test_at_equal_calls_ab2_is_nearest():
    assert error("ab2", 16) < error("heun", 8) < error("euler", 16)

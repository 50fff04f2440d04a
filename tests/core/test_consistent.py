"""What was measured is kept: block means of every answer, and of the walk's end."""

import torch
import torch.nn.functional as F

from burnish.core.consistent import Consistent
from burnish.core.gaussian import StraightPath, coefficients, spread
from burnish.core.posterior import Posterior
from burnish.core.process import seeded
from burnish.core.sample import sample
from burnish.core.solve import euler


def exact(x_t, t, condition=None):
    return Posterior(spread(coefficients(t, 1.0)[0], x_t) * x_t)


def test_answers_have_the_measured_block_means_and_keep_the_detail():
    x, y = torch.randn(2, 3, 8, 12, generator=seeded(0)), torch.randn(2, 3, 4, 6, generator=seeded(1))
    denoiser = Consistent(exact, y, 2)
    mean = denoiser(x, torch.tensor([0.2, 0.9])).mean
    assert torch.allclose(F.avg_pool2d(mean, 2), y, atol=1e-6)
    before = exact(x, torch.tensor([0.2, 0.9])).mean
    detail = [m - F.interpolate(F.avg_pool2d(m, 2), scale_factor=2) for m in (mean, before)]
    assert torch.allclose(*detail, atol=1e-6)


def test_a_walk_samples_the_exact_conditional_of_white_noise():
    """For x_0 ~ N(0, I), detail is independent of the block means: the walk must end with the means given
    and the detail of free white noise, whose variance is 1 - 1 / k^2 a pixel."""
    y = torch.randn(64, 1, 4, 4, generator=seeded(2))
    out = sample(Consistent(exact, y, 2), StraightPath(), (64, 1, 8, 8), 40, euler, rng=seeded(3))
    assert torch.allclose(F.avg_pool2d(out, 2), y, atol=1e-5)
    detail = out - F.interpolate(y, scale_factor=2)
    assert abs(float(detail.var()) - 0.75) < 0.06
